"""A retailer's rules at work: what is understood and asked, and what becomes of the shop."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from agent.acting import Task, play_all, read_tasks
from agent.address import parse_address
from agent.errors import SetupError, ShopError
from agent.flows import advance
from agent.http_shop import HttpShop
from agent.jsonl import replies
from agent.orders import OrderItem, Product, Shop
from agent.rules import read_rules, shipped_rules
from agent.shop import SqlShop
from agent.shop_file import catalogue, read_shop
from agent.state import FlowState
from agent.steps import go_on
from agent.types import Act, Ask, Decision, HandOff
from agent.wishes import read_wishes
from agent.words import pick_items, pick_variants

SHOP = Path(__file__).parent / "samples" / "shop.json"
TASKS = Path(__file__).parent / "samples" / "acting.jsonl"
RETAIL = shipped_rules("retail")
ADA, BEN = "ada.moss@example.com", "ben.ruiz@example.com"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SqlShop]:
    with closing(SqlShop(f"sqlite:///{tmp_path}/shop.db")) as shop:
        shop.load(read_shop(SHOP), RETAIL)
        yield shop


def play(shop: Shop, *turns: str | list[str]) -> list[str]:
    """Each reply in short; a list is ids picked. Acts are performed."""
    state, said = FlowState(conversation="c"), []
    for turn in turns:
        words, picked = (turn, ()) if isinstance(turn, str) else ("", tuple(turn))
        state, decision = advance(state, words, "", shop, picked)
        steps = []
        while decision is not None:
            steps.append(short(decision))
            if isinstance(decision, Ask | HandOff):
                break
            assert isinstance(decision, Act) and state.customer
            steps[-1] += "" if shop.perform(decision, state.customer).ok else " no"
            state, decision = go_on(state, shop)
        said.append(", ".join(steps) or "-")
    return said


def short(decision: Decision) -> str:
    match decision:
        case Ask(slot=slot):
            return slot
        case Act(action=action, confirmed=confirmed):
            return f"{'do' if confirmed else 'tell'} {action}"
        case HandOff(reason=reason):
            return f"person {reason}"
    raise AssertionError(decision)


WISHES = [
    ("cancel order #W1000001", ["cancel #W1000001"]),
    ("Please cancel W1000001 and W1000004", ["cancel #W1000001", "cancel #W1000004"]),
    (
        "I want to return the tablet and the lamp from order #W1000002 and cancel my other order",
        ["return #W1000002", "cancel None"],
    ),
    (
        "change the lamp in #W1000001 to black and also change the shipping address of #W1000001",
        ["change_address #W1000001", "change_items #W1000001"],
    ),
    ("I don't want to return it, I want to exchange it", ["exchange None"]),
    ("cancel #W1000001 and give me a refund", ["cancel #W1000001"]),
    (
        "pay for #W1000001 with my gift card instead, I want to pay with it",
        ["change_payment #W1000001"],
    ),
    ("update the default address in my profile", ["change_default_address None"]),
    ("I want to change my address", ["change_default_address None"]),
    ("change the delivery address of my order", ["change_address None"]),
    ("switch the payment of order #W1000001 to PayPal", ["change_payment #W1000001"]),
    ("where is my refund for #W1000002?", ["refund_status #W1000002"]),
    ("send me the invoice of #W1000002", ["invoice #W1000002"]),
    ("For #W1000001, put the payment on my other credit card", ["change_payment #W1000001"]),
    ("Can I pay with PayPal instead for order #W1000004?", ["change_payment #W1000004"]),
    ("I don't want order #W1000001 anymore", ["cancel #W1000001"]),
    ("my order #W1000001 needs to go to my new house", ["change_address #W1000001"]),
    (
        "the same shirt in size M rather than L, that is what I want instead of it",
        ["exchange None"],
    ),
    ("Could you tell me where my package is?", ["status None"]),
    ("The t-shirt in #W1000002 came broken", ["damaged #W1000002"]),
    ("return the lamp, and my money back to the gift card", ["return None"]),
    ("how do I cancel an order?", []),
    ("what happens if my order arrives broken?", []),
    ("do you have black lamps?", []),
]


@pytest.mark.parametrize(("words", "expected"), WISHES)
def test_wishes_are_read_from_a_sentence(words: str, expected: list[str]) -> None:
    found = read_wishes(words, "", RETAIL)
    got = [f"{wish.action} {wish.order_id}" for wish in found]
    assert got == expected


ADDRESSES = [
    ("12 Alder Court, Apt 4, Austin, TX, USA, 78701", "12 Alder Court|Apt 4|Austin|TX|USA|78701"),
    ("12 Alder Court, Austin, TX 78701", "12 Alder Court||Austin|TX|USA|78701"),
    ("send it to 12 Alder Court Suite 4, New York, NY 10001. Thanks!",
     "12 Alder Court|Suite 4|New York|NY|USA|10001"),
    ("it is 9 Elm St, Albany, New York, 12207, United States", "9 Elm St||Albany|NY|USA|12207"),
    ('{"address1": "9 Elm St", "city": "Albany", "state": "NY", "zip": "12207", "country": "USA"}',
     "9 Elm St||Albany|NY|USA|12207"),
    ("Neude 5, 3512 AE Utrecht", "Neude 5||Utrecht||USA|3512 AE"),
    ("ada.moss@example.com", None),
    ("somewhere else", None),
    ("here 5", None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), ADDRESSES)
def test_an_address_is_read_into_its_fields(words: str, expected: str | None) -> None:
    found = parse_address(words, "USA")
    names = ("address1", "address2", "city", "state", "country", "zip")
    assert (found and "|".join(getattr(found, name) for name in names)) == expected


LINES = [
    ("1", "T-Shirt", "blue M"),
    ("2", "Desk Lamp", "white low"),
    ("3", "Desk Lamp", "black low"),
    ("4", "Smart Watch", "gold"),
    ("5", "Wristwatch", "black"),
]
PICKS = [
    ("the t-shirt and the watch", "1 4", ""),
    ("the white desk lamp", "2", ""),
    ("a lamp", "", "2 3"),
    ("both lamps", "2 3", ""),
    ("everything but the t-shirt", "2 3 4 5", ""),
    ("all of them", "1 2 3 4 5", ""),
    ("the second one", "2", ""),
    ("the golden? no, the gold one", "4", ""),
    ("4, 5", "4 5", ""),
    ("my wristwatch", "5", ""),
    ("something", "", ""),
]


@pytest.mark.parametrize(("words", "sure", "unsure"), PICKS)
def test_lines_of_an_order_are_picked_by_words(words: str, sure: str, unsure: str) -> None:
    lines = []
    for id, name, values in LINES:
        options = dict(zip(("color", "size"), values.split(), strict=False))
        row = {"item_id": id, "name": name, "product_id": name, "price": 1, "options": options}
        lines.append(OrderItem.model_validate(row))
    got = pick_items(words, lines, [line.id for line in lines])
    assert [line.id for line in got.items] == sure.split()
    assert [line.id for line in got.unsure] == unsure.split()


VARIANTS = [
    ("T-Shirt", "1000000001", "the same but in black", "1000000002"),
    ("T-Shirt", "1000000001", "size L instead", "1000000003"),
    ("T-Shirt", "1000000001", "one in red", ""),  # not available
    ("T-Shirt", "1000000001", "the cheapest", "1000000005"),
    ("T-Shirt", "1000000001", "crew neck", "1000000005"),  # offered: nothing else has it
    ("Tablet", "3000000001", "128 GB", "3000000002"),
    ("Tablet", "3000000001", "black with 128GB instead of silver", "3000000003"),
    ("Desk Lamp", "2000000001", "a brighter one, brightness high", "2000000003"),
    ("Desk Lamp", "2000000001", "2000000002", "2000000002"),
    ("Desk Lamp", "2000000001", "I do not know", ""),
]


@pytest.mark.parametrize(("name", "old", "words", "expected"), VARIANTS)
def test_a_wish_finds_the_variant_that_differs_only_in_it(name, old, words, expected) -> None:
    products = read_shop(SHOP).products.values()
    product: Product = next(p for p in products if p.name == name)
    variant = product.variants[old]
    row = {"item_id": old, "name": name, "product_id": product.id, "price": variant.price}
    item = OrderItem.model_validate(row | {"options": variant.options})
    assert [v.id for v in pick_variants(words, item, product)] == expected.split()


CARD, GIFT, PAYPAL = "credit_card_11", "gift_card_12", "paypal_13"
PAID_60 = {"transaction_type": "payment", "amount": 60.0, "payment_method_id": CARD}
NEW = {"address1": "9 Elm St", "address2": "", "city": "Albany", "country": "USA", "state": "NY",
       "zip": "12207"}  # fmt: skip

DIALOGUES: dict[str, tuple[list[str | list[str]], list[str], dict]] = {
    "cancel, to a card": (
        ["cancel #W1000001", ADA, ["no longer needed"], ["yes"]],
        ["email", "reason", "confirm", "do cancel"],
        {"orders": {"#W1000001": {
            "status": "cancelled", "cancel_reason": "no longer needed",
            "payment_history": [PAID_60, PAID_60 | {"transaction_type": "refund"}]}}},
    ),
    "cancel, to a gift card": (
        [f"cancel #W1000004, ordered by mistake. {ADA}", "yes"],
        ["confirm", "do cancel"],
        {"orders": {"#W1000004": {
            "status": "cancelled", "cancel_reason": "ordered by mistake",
            "payment_history": [
                {"transaction_type": kind, "amount": 18.0, "payment_method_id": GIFT}
                for kind in ("payment", "refund")]}},
         "users": {"ada_moss_1": {"payment_methods": {GIFT: {"balance": 68.0}}}}},
    ),
    "cancel for another reason": (
        [f"cancel #W1000001 {ADA}", "I found it cheaper", "just because"],
        ["reason", "reason", "wish"], {},
    ),
    "cancel what is processed": ([f"cancel #W1000003 {ADA}"], ["tell cancel no"], {}),
    "somebody else's order": ([f"cancel #W2000001 {ADA}"], ["order_id"], {}),
    "no without a yes": (
        [f"cancel #W1000001 as I no longer need it. {ADA}", "hmm", "no"],
        ["confirm", "confirm", "wish"], {},
    ),
    "return two, to the gift card": (
        [f"return the tablet and the lamp of #W1000002, {ADA}", "to my gift card", "yes"],
        ["payment_method", "confirm", "do return"],
        {"orders": {"#W1000002": {
            "status": "return requested", "return_items": ["2000000001", "3000000001"],
            "return_payment_method_id": GIFT}}},
    ),
    "return to another card than paid with": (
        [f"return the tablet of #W1000002, {ADA}", [PAYPAL], [PAYPAL]],
        ["payment_method", "payment_method", "wish"], {},
    ),
    "exchange, item by item": (
        [f"exchange some things in #W1000002, {ADA}", ["3000000001", "1000000002"], "128GB",
         "the cheapest one", CARD, "yes"],
        ["items", "new_items", "new_items", "payment_method", "confirm", "do exchange"],
        {"orders": {"#W1000002": {
            "status": "exchange requested", "exchange_items": ["1000000002", "3000000001"],
            "exchange_new_items": ["1000000005", "3000000002"],
            "exchange_payment_method_id": CARD, "exchange_price_difference": 45.5}}},
    ),
    "all new items picked at once": (
        [f"exchange the tablet and the t-shirt in #W1000002, {ADA}", ["3000000003", "1000000005"],
         [CARD], ["yes"]],
        ["new_items", "payment_method", "confirm", "do exchange"],
        {"orders": {"#W1000002": {
            "status": "exchange requested", "exchange_items": ["1000000002", "3000000001"],
            "exchange_new_items": ["1000000005", "3000000003"],
            "exchange_payment_method_id": CARD, "exchange_price_difference": 50.5}}},
    ),
    "a gift card must cover the difference": (
        [f"exchange the tablet in #W1000002 for one with 128GB in black, {ADA}", [GIFT], [CARD],
         "no"],
        ["payment_method", "payment_method", "confirm", "wish"], {},
    ),
    "articles of a pending order, once": (
        [f"change the lamp in #W1000001 to a black one, {ADA}", "gift card", "yes",
         "cancel order #W1000001"],
        ["payment_method", "confirm", "do change_items", "tell cancel no"],
        {"orders": {"#W1000001": {
            "status": "pending (item modified)",
            "items": [
                {"name": "T-Shirt", "product_id": "9000000001", "item_id": "1000000001",
                 "price": 20.0, "options": {"color": "blue", "size": "M", "style": "v-neck"}},
                {"name": "Desk Lamp", "product_id": "9000000002", "item_id": "2000000002",
                 "price": 45.5,
                 "options": {"color": "black", "brightness": "low", "power source": "USB"}}],
            "payment_history": [
                PAID_60,
                {"transaction_type": "payment", "amount": 5.5, "payment_method_id": GIFT}]}},
         "users": {"ada_moss_1": {"payment_methods": {GIFT: {"balance": 44.5}}}}},
    ),
    "payment of a pending order": (
        [f"switch the payment of #W1000004 to PayPal, {ADA}", "yes"],
        ["confirm", "do change_payment"],
        {"orders": {"#W1000004": {"payment_history": [
            {"transaction_type": "payment", "amount": 18.0, "payment_method_id": GIFT},
            {"transaction_type": "payment", "amount": 18.0, "payment_method_id": PAYPAL},
            {"transaction_type": "refund", "amount": 18.0, "payment_method_id": GIFT}]}},
         "users": {"ada_moss_1": {"payment_methods": {GIFT: {"balance": 68.0}}}}},
    ),
    "payment by a card without the balance": (
        [f"change the payment of #W1000001, {ADA}", "gift card", "gift card"],
        ["payment_method", "payment_method", "wish"], {},
    ),
    "an order's address": (
        [f"change the address of #W1000001, {ADA}", "9 Elm", "9 Elm St, Albany, NY 12207", "yes"],
        ["address", "address", "confirm", "do change_address"],
        {"orders": {"#W1000001": {"address": NEW}}},
    ),
    "the default address": (
        ["change my default address", BEN, "9 Elm St, Albany, NY, USA, 12207", "yes"],
        ["email", "address", "confirm", "do change_default_address"],
        {"users": {"ben_ruiz_2": {"address": NEW}}},
    ),
    "an order's address to the default one": (
        [f"change the address of #W1000004, {ADA}", ["default"], ["yes"]],
        ["address", "confirm", "do change_address"],
        {"orders": {"#W1000004": {"address": {
            "address1": "5 Mill Lane", "address2": "Apt 2", "city": "Boise", "country": "USA",
            "state": "ID", "zip": "83702"}}}},
    ),
    "by name and zip, accents or not": (
        ["cancel #W2000001", "I forgot it", "ben ruiz", "33602", "no longer needed", "no"],
        ["email", "full_name", "zip", "reason", "confirm", "wish"], {},
    ),
    "two wishes, one after the other": (
        [f"return the tablet from #W1000002 and then cancel #W1000004. {ADA}", [CARD], ["yes"],
         ["ordered by mistake"], ["no"]],
        ["payment_method", "confirm", "do return, reason", "confirm", "wish"],
        {"orders": {"#W1000002": {
            "status": "return requested", "return_items": ["3000000001"],
            "return_payment_method_id": CARD}}},
    ),
    "what is not all understood is asked": (
        [f"return the tablet and the gadget of #W1000002, {ADA}", ["2000000001"], [CARD], "no"],
        ["items", "payment_method", "confirm", "wish"], {},
    ),
    "what depends is asked": (
        [f"exchange the tablet in #W1000002 for a black 128GB one if you have it, {ADA}",
         ["3000000001"], ["3000000003"], [CARD], "no"],
        ["items", "new_items", "payment_method", "confirm", "wish"], {},
    ),
    "a vague wish": (
        ["I have a problem with my order", ["cancel"], ADA, ["#W1000001"], ["ordered by mistake"],
         "no thanks"],
        ["wish", "email", "order_id", "reason", "confirm", "wish"], {},
    ),
    "all pending orders": (
        [f"cancel all my pending orders, they were ordered by mistake. {ADA}", "no", "no"],
        ["confirm", "confirm", "wish"], {},
    ),
    "another wish instead": (
        [f"exchange the tablet in #W1000002, {ADA}", "Actually I would rather return it instead",
         [CARD], ["no"]],
        ["new_items", "payment_method", "confirm", "wish"], {},
    ),
    "a correction at the end": (
        [f"return the tablet of #W1000002, {ADA}", [CARD], "no, only the lamp", "yes"],
        ["payment_method", "confirm", "confirm", "do return"],
        {"orders": {"#W1000002": {
            "status": "return requested", "return_items": ["2000000001"],
            "return_payment_method_id": CARD}}},
    ),
    "questions in between": (
        [f"return the tablet of #W1000002, {ADA}", "how much would I get back?", [CARD],
         "what is the status of #W1000003?", "yes"],
        ["payment_method", "payment_method", "confirm", "tell status, confirm", "do return"],
        {"orders": {"#W1000002": {
            "status": "return requested", "return_items": ["3000000001"],
            "return_payment_method_id": CARD}}},
    ),
    "told only": (
        [f"what is the status of #W1000003? {ADA}", "list my orders", "show my payment methods",
         "the invoice of #W1000002 please", "where is my refund for #W1000002"],
        ["tell status", "tell orders", "tell profile", "tell invoice", "tell refund_status"], {},
    ),
    "damaged": (
        [f"the lamp from #W1000002 arrived broken, {ADA}", ["return"], ["2000000001"], [CARD],
         ["no"]],
        ["wish", "items", "payment_method", "confirm", "wish"], {},
    ),
}  # fmt: skip


def patched(before, patch):
    if not isinstance(patch, dict) or not isinstance(before, dict):
        return patch
    return before | {key: patched(before.get(key), value) for key, value in patch.items()}


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_leaves_exactly_this_state(shop: SqlShop, name: str) -> None:
    turns, expected, patch = DIALOGUES[name]
    before = shop.export()
    assert play(shop, *turns) == expected
    assert shop.export() == patched(before, patch)


def test_what_is_exported_is_what_was_imported(shop: SqlShop) -> None:
    assert shop.export() == json.loads(SHOP.read_text("utf-8"))


def test_choices_are_the_shops_own_ids(shop: SqlShop) -> None:
    state = FlowState(conversation="c")
    state, asked = advance(state, f"exchange the tablet in #W1000002, {ADA}", "", shop)
    assert isinstance(asked, Ask) and asked.slot == "new_items"
    assert [choice.id for choice in asked.choices] == ["3000000002", "3000000003"]
    assert asked.choices[0].label == "10-inch, 128GB, silver, 350.00 USD"
    state, asked = advance(state, "", "", shop, ("3000000003",))
    assert isinstance(asked, Ask) and {c.id for c in asked.choices} == {CARD, PAYPAL}


CSV = """order_id,status,email,first_name,last_name,address1,zip,item_id,name,price,quantity
A1,pending,Ann@Example.com,Ann,Lee,Dok 5,9000,mug,Mug,4.50,2
A1,pending,Ann@Example.com,Ann,Lee,Dok 5,9000,jug,Jug,8,
"""


def test_orders_come_as_csv_too(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(CSV)
    file = read_shop(path)
    assert file.orders["A1"].total == 17.0 and len(file.orders["A1"].items) == 2
    assert file.users["ann@example.com"].order_ids == ("A1",)
    path.write_text(CSV.replace("4.50", ""))
    with pytest.raises(ShopError, match="line 2: price is empty"):
        read_shop(path)
    path.write_text(CSV.replace("zip,", ""))
    with pytest.raises(ShopError, match="no column zip"):
        read_shop(path)


BROKEN = """
{name: X, currency: EUR, order_number: '(', order_id: 'A{}', refund_days: soon, statuses: {},
 actions: {}}
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [("name: X", "Field required"), (BROKEN, "no regular expression"), ("[", "read")],
)
def test_rules_that_are_none_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(SetupError, match=problem):
        read_rules(path)


def test_every_variant_is_a_document_of_the_index() -> None:
    documents = list(catalogue(read_shop(SHOP).products.values(), "USD"))
    assert len(documents) == 12
    lamp = next(document for document in documents if document.id == "2000000002")
    assert lamp.title == "Desk Lamp, black, brightness low, USB"
    assert (lamp.price, lamp.currency, lamp.stock) == (45.5, "USD", None)


class Server:
    """The contract of agent/shops/openapi.yaml over a shop in a database."""

    def __init__(self, shop: SqlShop) -> None:
        import uvicorn
        from fastapi import FastAPI, Header, HTTPException, Query

        app = FastAPI()
        self.calls = 0
        self.fails = 0

        def allowed(token: str | None) -> None:
            self.calls += 1
            if token != "Bearer secret":
                raise HTTPException(401)
            if self.fails:
                self.fails -= 1
                raise HTTPException(503)

        def known(record):
            if record is None:
                raise HTTPException(404)
            return record.dump()

        @app.get("/rules")
        def rules(authorization: str | None = Header(None)):
            allowed(authorization)
            return shop.rules.model_dump(mode="json")

        @app.get("/customers")
        def customers(
            email: str = "", name: str = "", zip: str = "", authorization: str | None = Header(None)
        ):
            allowed(authorization)
            found = shop.identify(email) if email else shop.identify_by_name(name, zip)
            return [found.dump()] if found else []

        @app.get("/customers/{id}")
        def customer(id: str, authorization: str | None = Header(None)):
            allowed(authorization)
            return known(shop.customer(id))

        @app.get("/customers/{id}/orders")
        def orders(id: str):
            return [order.dump() for order in shop.orders(shop.customer(id))]  # type: ignore[arg-type]

        @app.get("/orders/{id}")
        def order(id: str):
            return known(shop.order(id))

        @app.get("/products/{id}")
        def product(id: str):
            return known(shop.product(id))

        @app.get("/baskets")
        def baskets(article: list[str] = Query()):  # noqa: B008
            return list(map(sorted, shop.baskets(set(article))))

        @app.post("/acts")
        def acts(sent: dict):
            act = Act(sent["action"], sent["arguments"], sent["key"], sent["confirmed"])
            outcome = shop.perform(act, shop.customer(sent["customer"]))  # type: ignore[arg-type]
            return {"ok": outcome.ok, "message": outcome.message, "facts": dict(outcome.facts)}

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = uvicorn.Config(app, port=self.port, log_level="error")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def server(shop: SqlShop) -> Iterator[Server]:
    with closing(Server(shop)) as server:
        yield server


@pytest.mark.parametrize("name", ["exchange, item by item", "by name and zip, accents or not"])
def test_a_shop_behind_http_does_the_same(shop: SqlShop, server: Server, name: str) -> None:
    turns, expected, patch = DIALOGUES[name]
    before = shop.export()
    with closing(HttpShop(server.url, "secret")) as remote:
        assert play(remote, *turns) == expected
    assert shop.export() == patched(before, patch)


def test_a_shop_behind_http_tells_what_was_bought_together(shop: SqlShop, server: Server) -> None:
    order = next(iter(shop.export()["orders"].values()))
    bought = {item["item_id"] for item in order["items"]}
    with closing(HttpShop(server.url, "secret")) as remote:
        found = remote.baskets({next(iter(bought))})
        assert found and sorted(map(sorted, found)) == sorted(
            map(sorted, shop.baskets({next(iter(bought))}))
        )
        assert remote.baskets({"nothing"}) == []


def test_a_shop_behind_http_that_fails(server: Server) -> None:
    with pytest.raises(ShopError, match="401"):
        HttpShop(server.url, "wrong")
    with closing(HttpShop(server.url, "secret")) as remote:
        server.fails = 1  # once: asked again
        assert remote.identify(ADA) is not None
        server.fails = 2
        with pytest.raises(ShopError, match="503"):
            remote.identify(ADA)
        assert remote.customer("nobody") is None
        server.close()
        with pytest.raises(ShopError, match="cannot be reached"):
            remote.order("#W1000001")
    assert httpx.URL(server.url).host == "127.0.0.1"


@pytest.fixture(scope="module")
def retail_agent(tmp_path_factory: pytest.TempPathFactory):
    """The real agent with the real models, over the small retail shop."""
    from agent.build import index_documents, open_agent
    from agent.config import Settings
    from agent.space import open_encoders

    home = tmp_path_factory.mktemp("retail")
    settings = Settings(home=home, speech="off", llm=None)
    file = read_shop(SHOP)
    with closing(SqlShop(settings.orders)) as shop:
        shop.load(file, RETAIL)
    index_documents(
        settings, open_encoders(settings), list(catalogue(file.products.values(), "USD"))
    )
    with closing(open_agent(settings)) as agent:
        yield agent


def test_a_program_plays_the_customer_line_by_line(retail_agent) -> None:
    retail_agent.shop.load(read_shop(SHOP), RETAIL, anew=True)
    lines = [
        '{"text": "I want to cancel order #W1000001 and return the tablet from #W1000002"}',
        f'{{"text": "{ADA}"}}',
        "this is no JSON",
        '{"text": 5}',
        '{"choices": "ordered by mistake"}',
        '{"conversation": "another", "text": "Do you have a black tablet?"}',
        '{"choices": ["yes"]}',
    ]
    got = [json.loads(line) for line in replies(retail_agent, lines)]
    asked = [reply["decision"].get("slot") if "decision" in reply else None for reply in got]
    assert asked == ["email", "reason", None, None, "confirm", None, "payment_method"]
    assert "not JSON" in got[2]["error"] and "text" in got[3]["error"]
    assert got[5]["decision"]["kind"] == "answer" and "Tablet" in got[5]["text"]
    assert [deed["action"] for deed in got[6]["done"]] == ["cancel"] and got[6]["done"][0]["ok"]
    assert "is cancelled" in got[6]["text"] and "refund" in got[6]["text"]
    assert {c["id"] for c in got[6]["decision"]["choices"]} == {CARD, GIFT}
    assert got[6]["decision"]["order_id"] == "#W1000002"


def test_played_tasks_are_judged_by_the_state(retail_agent) -> None:
    opening = (f"cancel #W1000004, {ADA}",) * 4
    answers = ({"action": "cancel", "order_id": "#W1000004", "reason": "no longer needed"},)
    refused = Task(name="r", customer="ben_ruiz_2", openings=opening, answers=answers)
    right = refused.model_copy(
        update={"name": "a", "expect": DIALOGUES["cancel, to a gift card"][2]}
    )
    file = read_shop(SHOP)
    played = list(play_all(retail_agent, retail_agent.shop, file, [right, refused]))
    # another reason than expected is not right; a change that is not expected is forbidden
    assert [one.right for one in played] == [False] * 8
    assert [bool(one.forbidden) for one in played] == [False] * 4 + [True] * 4
    assert retail_agent.shop.export() == json.loads(SHOP.read_text("utf-8"))


def test_the_shipped_tasks_can_be_read() -> None:
    tasks = read_tasks(TASKS)
    assert len(tasks) == 50 and len({task.name for task in tasks}) == 50
