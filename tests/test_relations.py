"""Products beside others: similar, cheaper, of another option, goes with, compared."""

from __future__ import annotations

import sys
from contextlib import closing

import pytest

from agent import cli
from agent.relations import relation_in
from agent.shop import SqlShop
from agent.types import Found, Related, Reply
from fusion.types import Turn
from knowledge import relations
from knowledge.filters import Filters
from knowledge.index import open_index
from knowledge.types import Document


@pytest.mark.parametrize(
    ("words", "relation"),
    [
        ("something similar but cheaper", "cheaper"),
        ("do you have anything like it?", "similar"),
        ("I would like the Aster mug", None),
        ("mugs cheaper than 15 euros", None),
        ("what goes with it?", "goes_with"),
        ("which plates match the Aster mug", "goes_with"),
        ("compare the two", "compare"),
        ("what is the difference between the first and the third?", "compare"),
        ("does it come in another colour?", "options"),
        ("how long does delivery take?", None),
    ],
)
def test_the_relation_is_read_from_the_words(words, relation) -> None:
    assert relation_in(words) == relation


def test_who_names_no_thing_gets_ideas_within_the_wishes(grounded_talk) -> None:
    reply = grounded_talk("I need a gift for my mother, around 30 euros")
    assert reply.text.startswith("Some ideas from the shop: ") and len(reply.products) == 4
    assert all(22.5 <= product.price <= 37.5 and product.stock for product in reply.products)
    assert len({product.id.rsplit("-", 1)[0] for product in reply.products}) == 4
    assert [chip.id for chip in reply.wishes] == ["price"]
    assert "compare" in grounded_talk("compare the first two").decision.related.relation


@pytest.mark.parametrize(
    ("words", "granted"),
    [
        ("show me everything under 15 euros", lambda product: product.price < 15),
        ("something under 20 euros", lambda product: product.price < 20),
        ("what do you have in blue?", lambda product: "blue" in product.title),
        ("20欧元以下的东西", lambda product: product.price <= 20),
        ("Can you recommend a wedding gift under 100 euros?", lambda product: product.price < 100),
    ],
)
def test_who_names_only_wishes_gets_products_that_fulfil_them(
    grounded_talk, words, granted
) -> None:
    reply = grounded_talk(words)
    assert reply.decision.related == Related("ideas") and len(reply.products) == 4
    assert all(granted(product) for product in reply.products)


def test_a_wish_after_a_product_is_about_that_product(grounded_talk) -> None:
    grounded_talk("How much is the white Aster mug?")
    reply = grounded_talk("and in blue?")
    assert reply.decision.related is None and reply.products[0].id == "mug-aster-blue"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Do you gift wrap?", "3.50 EUR"),
        ("do you sell gift vouchers", "25, 50 and 100 EUR"),
        ("can you recommend a gift voucher?", "25, 50 and 100 EUR"),
        ("could you wrap it as a present", "3.50 EUR"),
    ],
)
def test_what_the_shop_says_of_gifts_is_no_idea(grounded_talk, words, said) -> None:
    assert said in grounded_talk(words).text


def test_one_wish_is_given_up_rather_than_all(agent) -> None:
    words = "a lamp that is not white, under 60 euros and at least 30 cm tall"
    *_, done = agent.reply(Turn(words), agent.store.new_conversation())
    reply = done.reply
    assert reply.text.startswith(
        "Nothing fits all wishes; this is what there is without “under 60.00 EUR”."
    )
    assert "white" not in reply.text and all("white" not in p.title for p in reply.products)
    assert {chip.id for chip in reply.wishes} == {"excluded", "length"}


def test_similar_products_are_of_other_families_and_of_the_same_kind_first(agent) -> None:
    mug = agent.knowledge.document("mug-aster-blue")
    hits = relations.similar(agent.knowledge, mug)
    assert hits[0].document.family == "tove-mug"
    families = [hit.document.family for hit in hits]
    assert "aster-mug" not in families and len(set(families)) == len(families)


def test_what_is_cheaper_costs_less_in_the_same_currency(agent) -> None:
    mug = agent.knowledge.document("mug-tove-black")
    hits = relations.cheaper(agent.knowledge, mug)
    assert hits[0].document.family == "aster-mug"
    assert all(hit.document.price < 18.5 and hit.document.currency == "EUR" for hit in hits)
    under = relations.cheaper(agent.knowledge, mug, Filters(under=13.0, currency="EUR"))
    assert under and all(hit.document.price < 13 for hit in under)


def test_options_are_the_rest_of_the_family(agent) -> None:
    mug = agent.knowledge.document("mug-aster-blue")
    others = relations.options(agent.knowledge, mug)
    assert len(others) == 5 and {other.family for other in others} == {"aster-mug"}
    assert others[-1].stock == 0


def test_links_come_before_orders_and_orders_before_looks(tmp_path, text_encoder) -> None:
    def thing(id: str, family: str, kind: str, **more) -> Document:
        attributes = {"kind": kind, "color": more.pop("color", "red")}
        return Document(
            id, "product", id, f"A {kind}.", price=9.0, currency="EUR", group=family,
            attributes=attributes, **more,
        )  # fmt: skip

    documents = [
        thing("pot-1", "pot", "pot", links=("brush", "gone")),
        thing("pot-2", "pot", "pot", color="blue"),
        thing("brush-1", "brush", "brush"),
        thing("lid-1", "lid", "lid"),
        thing("lid-2", "lid", "lid", color="blue"),
        thing("spoon-1", "spoon", "spoon", color="blue"),
    ]
    with open_index(tmp_path, text_encoder.name, create=True) as knowledge:
        knowledge.update(documents, text_encoder.encode, lambda paths: [None] * len(paths))
        one, two = knowledge.document("pot-1"), knowledge.document("pot-2")
        assert one.links == ("brush", "gone")
        found, why = relations.goes_with(knowledge, one)
        assert [d.id for d in found] == ["brush-1"] and why == "links"
        baskets = [{"lid-1", "spoon-1"}, {"lid-1"}, {"brush-1"}]
        found, why = relations.goes_with(knowledge, two, baskets)
        assert [d.id for d in found] == ["lid-1"] and why == "orders"
        found, why = relations.goes_with(knowledge, two, baskets[:1])
        assert {d.id for d in found} >= {"spoon-1"} and why == "style"
        found, _ = relations.goes_with(knowledge, two, kinds={"lid"})
        assert {d.attributes["kind"] for d in found} == {"lid"}
        report = knowledge.update(documents, text_encoder.encode, lambda paths: [])
        assert report.unchanged == len(documents)


def test_differences_quote_the_fields(agent) -> None:
    pair = [agent.knowledge.document(id) for id in ("mug-aster-blue", "mug-aster-red")]
    rows = {row.name: row.values for row in relations.differences(pair)}
    assert rows["stock"] == ("42", "sold out") and rows["color"] == ("blue", "red")
    assert "price" not in rows and "capacity" not in rows and "sku" not in rows
    assert relations.differences(pair[:1] * 2) == []


def test_similar_but_cheaper_in_conversation(grounded_talk) -> None:
    grounded_talk("How much is the black Tove mug?")
    reply = grounded_talk("something similar but cheaper?")
    assert "Aster mug" in reply.text and "18.50 EUR" in reply.text
    assert reply.decision.related == Related("cheaper")
    assert all(card.price < 18.5 for card in reply.products)
    assert "storage" not in grounded_talk("Is there a cheaper delivery option?").text.lower()


def test_what_goes_with_it_is_what_orders_hold(grounded_talk) -> None:
    grounded_talk("Do you have the blue Aster mug?")
    reply = grounded_talk("what goes with it?")
    assert reply.decision.related == Related("goes_with", "orders")
    assert reply.text.startswith("Customers who bought the Aster mug, blue also bought Fjord vase")
    reply = grounded_talk("which plates go with the red Aster mug?")
    assert "Linden plate" in reply.text and "Aster mug, red" in reply.text


def test_two_products_are_compared_by_place_name_or_pointing(grounded_talk) -> None:
    shown = grounded_talk("I am looking for a mug").products
    reply = grounded_talk("what is the difference between the first and the third?")
    assert reply.comparison.products == (shown[0].title, shown[2].title)
    reply = grounded_talk("compare the Aster mug, blue, with the black Tove mug")
    assert set(reply.comparison.products) == {"Aster mug, blue", "Tove mug, black"}
    rows = {name: values for name, *values in reply.comparison.rows}
    assert set(rows["Price"]) == {"16.90 EUR", "18.50 EUR"}
    assert "Price: " in reply.text and "Dimensions: " in reply.text
    again = grounded_talk("compare the two")
    assert again.comparison.products == reply.comparison.products
    assert grounded_talk("What is the difference between standard and express?").comparison is None


@pytest.mark.parametrize(
    ("words", "families"),
    [
        ("what's the difference between the pantry and the cellar jar?", ["Pantry", "Cellar"]),
        ("cellar vs pantry", ["Cellar", "Pantry"]),
        ("is the kettle bigger than the teapot?", ["Bruno", "Hazel"]),
    ],
)
def test_words_that_one_family_alone_has_name_it_in_a_comparison(
    grounded_talk, words, families
) -> None:
    comparison = grounded_talk(words).comparison
    assert [product.split()[0] for product in comparison.products] == families
    assert "Dimensions" in {name for name, *_ in comparison.rows}


def test_other_options_in_conversation(grounded_talk) -> None:
    grounded_talk("How much is the blue Linden plate?")
    reply = grounded_talk("is there another colour?")
    assert "Linden plate, white" in reply.text and "Linden plate, blue" in reply.text


def test_baskets_name_no_customer(demo_home, tmp_path) -> None:
    with closing(SqlShop(f"sqlite:///{demo_home / 'orders.db'}")) as shop:
        baskets = shop.baskets({"tray-birk-walnut"})
        assert sorted(map(sorted, baskets)) == [[], ["stool-pike-walnut"]]
        assert shop.baskets(set()) == [] and shop.baskets({"%", '"'}) == []


# --- Wishes as chips --------------------------------------------------------------------------


def test_a_wish_is_taken_away_by_its_id_or_its_label(agent) -> None:
    conversation = agent.store.new_conversation()

    def say(text: str = "", **more) -> tuple[Found, Reply]:
        events = list(agent.reply(Turn(text, **more), conversation))
        return next(event for event in events if isinstance(event, Found)), events[-1].reply

    found, reply = say("I am looking for a blue vase under 30 euros")
    assert [(chip.id, chip.label) for chip in found.wishes] == [
        ("price", "under 30.00 EUR"),
        ("color", "blue"),
    ]
    assert reply.wishes == found.wishes and reply.products[0].id == "vase-fjord-blue-small"
    found, reply = say(choices=("without:price",))
    assert [chip.id for chip in reply.wishes] == ["color"] and found.filters == "blue"
    assert reply.products[0].price > 30
    _, reply = say("Without “blue”")
    assert reply.wishes == () and reply.products
    _, reply = say("Without “blue”")  # there is no such chip any longer: words like any others
    assert reply.conversation == conversation


def test_what_was_relaxed_is_no_chip(agent) -> None:
    *events, done = agent.reply(
        Turn("I am looking for a white vase under 3 euros"), agent.store.new_conversation()
    )
    found = next(event for event in events if isinstance(event, Found))
    assert found.relaxed == ("under 3.00 EUR",)
    assert "price" not in {chip.id for chip in found.wishes}
    assert done.reply.text.startswith("Nothing fits all wishes; this is what there is without “")


def test_the_command_line_tells_relations_and_compares(new_home, monkeypatch, capsys) -> None:
    def run(*arguments: str) -> tuple[object, str]:
        monkeypatch.setenv("DESKHAND_HOME", str(new_home))
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["deskhand", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        captured = capsys.readouterr()
        return left.value.code, captured.out + captured.err

    code, said = run("related", "KL-1014")
    assert not code and said.startswith("Aster mug, blue")
    assert "Tove mug" in said and "goes with it (orders): Fjord vase" in said
    code, said = run("compare", "mug-aster-blue", "mug-tove-black")
    assert not code and "16.90 EUR" in said and "18.50 EUR" in said
    assert run("compare", "mug-aster-blue")[0] == 1
    assert "no product 'nowhere'" in run("related", "nowhere")[1]
