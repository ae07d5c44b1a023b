"""Order flows as dialogues: what the customer says, and what we then ask or do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

import knowledge
from agent import answers
from agent.flows import advance
from agent.memory import Memory
from agent.rules import shipped_rules
from agent.shop import SqlShop
from agent.shop_file import read_shop
from agent.state import FlowState
from agent.store import Store
from agent.types import Act, Ask, Decision, HandOff

ORDERS = Path(knowledge.__file__).parent / "demo" / "orders.json"
TODAY = date(2026, 10, 1)

MARTA = "marta.claes@example.com"  # K1036 shipped, K1008 returned, K1001 delivered in July
JONAS = "jonas.peeters@example.com"  # K1028 delivered 22 September, K1002 in July
SANNE = "sanne.de.vries@example.com"  # K1037 pending, K1017 returned, K1004 delivered in July
TOBIAS = "tobias.kramer@example.com"  # K1026 delivered 22 September, K1009 in August
WOUT = "wout.janssens@example.com"  # K1024 delivered 21 September, K1039 pending
CARLOS = "carlos.ortega@example.com"  # K1019 delivered 10 September
GRETA = "greta.hoffmann@example.com"  # K1040 pending, K1029 cancelled


def short(decision: Decision | None) -> str:
    """A decision in a word or two, as the tables below write it."""
    match decision:
        case None:
            return "-"
        case Ask(slot=slot):
            return slot
        case Act(action=action, arguments=arguments, confirmed=confirmed):
            return f"{'do' if confirmed else 'tell'} {action} {arguments['order_id']}"
        case HandOff(reason=reason):
            return f"person {reason}"
    raise AssertionError(decision)


def talk(shop: SqlShop, *turns: tuple[str, str]) -> list[tuple[FlowState, Decision | None]]:
    """Every step of a dialogue of (words, sure intent)."""
    state, steps = FlowState(conversation="c"), []
    for words, intent in turns:
        state, decision = advance(state, words, intent, shop)
        steps.append((state, decision))
    return steps


CANCEL = [("please cancel my order", "cancel_order", "email"), (SANNE, "", "reason")]
RETURN = [("I want to return my order", "return", "email"), (f"K1028, {JONAS}", "", "items")]

DIALOGUES: dict[str, list[tuple[str, str, str]]] = {
    "status, with everything at once": [
        (f"where is order K1036? I am {MARTA}", "order_status", "tell status K1036")
    ],
    "status of the one that is under way": [
        ("where is my order", "order_status", "email"),
        (MARTA, "", "tell status K1036"),
    ],
    "status of the only order": [
        ("what's the status of my order?", "order_status", "email"),
        (CARLOS, "", "tell status K1019"),
    ],
    "status, several orders": [
        ("track my order", "order_status", "email"),
        (JONAS, "", "order_id"),
        ("1002", "", "tell status K1002"),
    ],
    "status, named by what is in it": [
        ("track my order", "order_status", "email"),
        (TOBIAS, "", "order_id"),
        ("K1009 please", "", "tell status K1009"),
    ],
    "the number first, then the address": [
        ("where is k 1001", "order_status", "email"),
        (MARTA, "", "tell status K1001"),
    ],
    "an address spelt aloud": [
        ("where is my order", "order_status", "email"),
        ("it is marta dot claes at example dot com", "account", "tell status K1036"),
    ],
    "who one is stays known": [
        (f"where is #K1036, {MARTA}", "order_status", "tell status K1036"),
        ("and K1001?", "order_status", "tell status K1001"),
    ],
    "cancel": [*CANCEL, ("skip", "", "confirm"), ("yes please", "", "do cancel K1037")],
    "cancel, with a reason": [
        *CANCEL,
        ("I found it cheaper", "product_search", "confirm"),
        ("Go ahead.", "", "do cancel K1037"),
    ],
    "cancel, reason said at once": [
        (f"cancel my order because I moved, {SANNE}", "cancel_order", "confirm"),
        ("yes, cancel order K1037", "cancel_order", "do cancel K1037"),
        ("yes", "", "-"),
    ],
    "cancel, and no": [
        *CANCEL,
        ("skip", "", "confirm"),
        ("no, wait", "", "wish"),
        ("yes", "", "-"),
    ],
    "cancel, neither yes nor no": [
        *CANCEL,
        ("skip", "", "confirm"),
        ("hmm", "", "confirm"),
        ("well I wonder", "", "person not_understood"),
    ],
    "cancel, doubt is no yes": [
        *CANCEL,
        ("skip", "", "confirm"),
        ("ok but what about my voucher", "", "confirm"),
        ("yes", "", "do cancel K1037"),
    ],
    "cancel, too late": [
        (f"cancel K1036, I am {MARTA}", "cancel_order", "tell cancel K1036"),
    ],
    "cancel, the other order": [
        (f"cancel my order please, {WOUT}", "cancel_order", "reason"),
        ("skip", "", "confirm"),
        ("no, the other order", "", "tell cancel K1024"),
    ],
    "cancel, another number at the end": [
        (f"cancel my order please, {GRETA}", "cancel_order", "reason"),
        ("skip", "", "confirm"),
        ("no, K1029", "", "tell cancel K1029"),
    ],
    "never mind": [*CANCEL, ("oh never mind", "", "wish"), ("hello", "greeting", "-")],
    "something else": [*CANCEL, ("forget it, do you have a blue vase?", "product_search", "-")],
    "return of one article of two": [
        *RETURN,
        ("the vase", "", "reason"),
        ("too small", "", "confirm"),
        ("yes", "", "do return K1028"),
    ],
    "return of all, after all": [
        *RETURN,
        ("the vase", "", "reason"),
        ("no reason", "", "confirm"),
        ("no, all of them", "", "confirm"),
        ("that's right", "", "do return K1028"),
    ],
    "return, too late": [(f"return K1001, {MARTA}", "return", "tell return K1001")],
    "return, of the only article": [
        ("I want to return my order because it is too small", "return", "email"),
        (f"K1026, {TOBIAS}", "", "confirm"),
        ("yes", "", "do return K1026"),
    ],
    "refund of both articles": [
        (f"I want my money back for K1019, {CARLOS}", "refund", "items"),
        ("both", "", "reason"),
        ("they are broken", "damaged_item", "confirm"),
        ("yes", "", "do return K1019"),
    ],
    "new address": [
        (f"I moved, please change the address of my order, {SANNE}", "change_order", "address"),
        ("Neude 5, 3512 AE Utrecht", "", "confirm"),
        ("yes that is correct", "", "do change_address K1037"),
    ],
    "new address, said at once and corrected": [
        ("change the address of K1037 to Neude 5, 3512 AE Utrecht", "change_order", "email"),
        (SANNE, "", "confirm"),
        ("no, it's Neude 7, 3512 AE Utrecht", "", "confirm"),
        ("yes", "", "do change_address K1037"),
    ],
    "another change is for a person": [
        (f"add a mug to my order K1037, {SANNE}", "change_order", "person change_order")
    ],
    "exchange": [
        (f"I want to exchange K1028, {JONAS}", "exchange", "product"),
        ("the green one please", "product_search", "person exchange"),
    ],
    "exchange, too late": [(f"exchange K1001, {MARTA}", "exchange", "tell exchange K1001")],
    "damaged": [
        ("my mug arrived broken", "damaged_item", "email"),
        (JONAS, "", "person damaged_item"),
    ],
    "a question in between": [
        *CANCEL[:1],
        ("how long does a refund take?", "refund", "-"),
        ("do you have blue mugs?", "product_search", "-"),
        (SANNE, "", "reason"),
        ("skip", "", "confirm"),
        ("what does delivery cost", "delivery", "-"),
        ("yes", "", "do cancel K1037"),
    ],
    "another wish in between": [
        (f"return K1028, {JONAS}", "return", "items"),
        ("where is order K1002 by the way", "order_status", "tell status K1002"),
    ],
    "a person in between": [*CANCEL, ("let me talk to a human", "person", "-")],
    "a changed mind is a reason when asked for one": [
        *CANCEL,
        ("I changed my mind", "change_order", "confirm"),
        ("I changed my mind", "", "wish"),
    ],
    "a bare answer asks for nobody": [
        ("please cancel my order", "cancel_order", "email"),
        (SANNE, "person", "reason"),
        ("skip", "", "confirm"),
        ("yes please", "person", "do cancel K1037"),
    ],
    "no address given": [
        ("where is my order", "order_status", "email"),
        ("I don't know", "", "full_name"),
        ("blah", "", "full_name"),
        ("hm", "", "person not_understood"),
    ],
    "the number in place of the address is kept": [
        ("I bought a lamp and it broke after two weeks", "damaged_item", "email"),
        ("K1001", "order_status", "email"),
        (MARTA, "person", "person damaged_item"),
    ],
    "a bare number, twice, and then the name": [
        ("where is my order", "order_status", "email"),
        ("1001", "", "email"),
        ("1001", "", "full_name"),
        (MARTA, "", "tell status K1001"),
    ],
    "a number given first must be the customer's own": [
        ("please cancel my order", "cancel_order", "email"),
        ("K1037", "order_status", "email"),
        (MARTA, "", "order_id"),
    ],
    "questions about the order talked of": [
        (f"where is K1001, {MARTA}", "order_status", "tell status K1001"),
        ("what did I order?", "order_status", "tell status K1001"),
        ("which items are in it?", "product_search", "tell status K1001"),
        ("and what's in it", "product_search", "tell status K1001"),
        ("when will it arrive?", "order_status", "tell status K1001"),
        ("so when will I get it", "availability", "tell status K1001"),
        ("how much did I pay?", "payment", "tell status K1001"),
        ("was it paid by card?", "payment", "tell invoice K1001"),
        ("how long does delivery take?", "delivery", "-"),
        ("when do I get my money back?", "refund", "-"),
        ("what is it made of?", "product_question", "-"),
    ],
    "questions without an order to be about": [
        ("when will it arrive?", "order_status", "-"),
        ("what did I order?", "order_status", "email"),
        (MARTA, "", "tell status K1036"),
    ],
    "changes of the order talked of": [
        (f"where is K1036, {MARTA}", "order_status", "tell status K1036"),
        ("can I change the address?", "change_order", "tell change_address K1036"),
        ("can I cancel it?", "cancel_order", "tell cancel K1036"),
        ("I want to return it", "return", "tell return K1036"),
        ("return the plates", "return", "tell return K1001"),
        ("and my address changed", "change_order", "tell change_address K1001"),
    ],
    "the order talked of is read back": [
        (f"where is my order, {SANNE}", "order_status", "tell status K1037"),
        ("cancel it please", "cancel_order", "reason"),
        ("skip", "", "confirm"),
        ("yes", "", "do cancel K1037"),
    ],
    "not the order talked of": [
        (f"where is K1028, {JONAS}", "order_status", "tell status K1028"),
        ("and my other order?", "change_order", "tell status K1002"),
        ("the vase has a crack", "damaged_item", "person damaged_item"),
    ],
    "the order talked of does not hold it": [
        (f"where is K1037, {SANNE}", "order_status", "tell status K1037"),
        ("return the bowl", "return", "order_id"),
    ],
    "an order asked for beside one to be cancelled": [
        (f"cancel K1037 and tell me where K1004 is, {SANNE}", "cancel_order", "reason"),
        ("never mind", "", "tell status K1004"),
    ],
    "where an order is gives way to what is to be done": [
        (f"track my order {JONAS}", "order_status", "order_id"),
        ("then cancel it", "cancel_order", "order_id"),
        ("K1028", "", "tell cancel K1028"),
    ],
    "a question is no reason": [
        *CANCEL,
        ("oh and what's in it?", "product_question", "reason"),
        ("when will it arrive?", "order_status", "tell status K1037"),
        ("skip", "", "confirm"),
        ("do I get all the money back?", "refund", "confirm"),
    ],
    "kept after all": [*CANCEL, ("actually no, keep it", "return", "wish"), ("yes", "", "-")],
    "not kept": [*CANCEL, ("I don't want to keep it", "", "confirm")],
    "no claim after all": [
        ("my mug broke", "damaged_item", "email"),
        ("no I dropped it, I want a new one", "availability", "wish"),
    ],
    "no claim, and a question": [
        ("my mug broke", "damaged_item", "email"),
        ("I dropped it, do you have another?", "availability", "-"),
        ("I dropped my mug and it broke", "damaged_item", "-"),
    ],
    "a new address has a town and can be corrected": [
        (f"change the address of K1037, {SANNE}", "change_order", "address"),
        ("New Street 12", "", "address"),
        ("12 New Street 3512 AE Utrecht", "", "confirm"),
        ("sorry, New Street 14, 3512 AE Utrecht", "", "confirm"),
        ("no, number 16", "", "address"),
        ("New Street 16, 3512 AE Utrecht", "", "confirm"),
        ("yes", "", "do change_address K1037"),
    ],
    "a refund that is waited for": [
        ("where is my refund?", "refund", "email"),
        (SANNE, "", "tell refund_status K1017"),
    ],
    "rules are no wishes": [
        ("How long do I have to return something?", "return", "-"),
        ("can I return a used cushion", "return", "-"),
        ("what happens if my order arrives broken", "return", "-"),
        ("how do I cancel", "cancel_order", "-"),
    ],
    "nothing to do with orders": [
        ("do you sell lamps?", "product_search", "-"),
        ("yes", "", "-"),
        (MARTA, "account", "wish"),
    ],
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogues(shop: SqlShop, name: str) -> None:
    turns = [(words, intent) for words, intent, _ in DIALOGUES[name]]
    got = [short(decision) for _, decision in talk(shop, *turns)]
    assert got == [expected for *_, expected in DIALOGUES[name]]


@pytest.mark.parametrize(
    ("topic", "words", "expected"),
    [
        ("cancel_order", "ok do it", "email"),
        ("cancel_order", SANNE, "reason"),
        ("cancel_order", f"K1037, {SANNE}", "reason"),
        ("delivery", f"{SANNE}", "tell status K1037"),
        ("delivery", "yes please", "email"),
        ("delivery", "ok, thanks", "-"),
        ("payment", SANNE, "wish"),
        ("", "ok do it", "-"),
    ],
)
def test_what_an_answer_offers_is_taken_up(shop: SqlShop, topic, words, expected) -> None:
    state = FlowState(conversation="c", memory=Memory(topic=topic))
    assert short(advance(state, words, "", shop)[1]) == expected


def test_after_products_a_question_is_about_them(shop: SqlShop) -> None:
    [(state, _)] = talk(shop, (f"where is K1036, {MARTA}", "order_status"))
    strayed = state.but(memory=Memory(strayed=True))
    asked = ("when will it arrive?", "what's in it?", "when will my parcel come?")
    said = [short(advance(strayed, words, "", shop)[1]) for words in asked]
    assert said == ["-", "-", "tell status K1036"]


def test_the_number_that_was_noted_is_said(shop: SqlShop) -> None:
    [_, (_, asked)] = talk(shop, ("cancel my order", "cancel_order"), ("K1037", ""))
    assert isinstance(asked, Ask) and "K1037" in asked.question


YES = [
    "yes",
    "Yes please!",
    "yes, cancel it",
    "OK",
    "sure, go ahead",
    "that's right",
    "I confirm",
    "Yes, please proceed with the cancellation.",
]
NO = ["no", "No thanks", "don't", "please don't do it", "wait", "stop", "no, do not cancel it"]
NEITHER = [
    "maybe", "not sure", "ok but when?", "yes?", "yes and also K1002 for my sister", "why not",
    "I guess", "no problem, go ahead", "the word yes is printed here", "yes, but not now",
    "if it is free, yes", "",
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "meaning"),
    [(w, True) for w in YES] + [(w, False) for w in NO] + [(w, None) for w in NEITHER],
)
def test_a_yes_is_read_strictly(words: str, meaning: bool | None) -> None:
    assert answers.yes_or_no(words, "Shall I cancel order K1001?") is meaning


@pytest.mark.parametrize(
    ("words", "email", "order"),
    [
        ("I'm Ann@Example.com.", "ann@example.com", None),
        ("ann dot lee at example dot com", "ann.lee@example.com", None),
        ("order #K1001 and k1002@example.com", "k1002@example.com", "K1001"),
        ("k 1001, no K-1002", None, "K1002"),
        ("at 1001 Main Street", None, None),
        ("K10011", None, None),
    ],
)
def test_addresses_and_numbers_are_found(words, email, order) -> None:
    assert answers.find_email(words) == email
    assert (shipped_rules("demo").find_orders(words) or [None])[-1] == order


def test_everything_is_read_back_before_the_yes(shop: SqlShop) -> None:
    steps = talk(shop, (f"cancel my order, {SANNE}", "cancel_order"), ("skip", ""))
    _, asked = steps[-1]
    assert isinstance(asked, Ask)
    for figure in ("K1037", "2 × Nappe cushion, yellow", "69.80 EUR"):
        assert figure in asked.question
    assert [choice.id for choice in asked.choices] == ["yes", "no"]


def test_somebody_elses_order_reads_like_none_at_all(shop: SqlShop) -> None:
    wishes = [("cancel", "cancel_order"), ("return", "return"), ("where is", "order_status")]
    for words, intent in [*wishes, ("exchange", "exchange"), ("broken mug in", "damaged_item")]:
        [(_, theirs)] = talk(shop, (f"{words} K1037, {MARTA}", intent))
        [(_, none)] = talk(shop, (f"{words} K9999, {MARTA}", intent))
        assert isinstance(theirs, Ask) and isinstance(none, Ask)
        assert theirs.question.replace("K1037", "K9999") == none.question
        assert {choice.id for choice in theirs.choices} == {"K1036", "K1008", "K1001"}


def test_five_wrong_addresses_lock_the_conversation(shop: SqlShop) -> None:
    turns = [("where is my order", "order_status")]
    turns += [(f"try{n}@example.com", "") for n in range(5)]
    turns += [("where is my order", "order_status"), (f"cancel K1036, {MARTA}", "cancel_order")]
    steps = talk(shop, *turns)
    assert [short(decision) for _, decision in steps] == (["email"] * 5 + ["person identity"] * 3)
    assert steps[-1][0].customer is None


def test_guessing_order_numbers_locks_too(shop: SqlShop) -> None:
    turns = [(f"where is K100{n}, {SANNE}", "order_status") for n in (1, 2, 3, 5, 6)]
    assert [short(decision) for _, decision in talk(shop, *turns)] == (
        ["order_id"] * 4 + ["person identity"]
    )


def test_who_it_is_stays_so_for_the_whole_conversation(shop: SqlShop) -> None:
    steps = talk(
        shop,
        (f"cancel my order, {SANNE}", "cancel_order"),
        ("skip", ""),
        (f"sorry, I am {MARTA}", ""),
        (f"where is K1036, I am {MARTA}", "order_status"),
    )
    assert [short(decision) for _, decision in steps[2:]] == ["confirm", "confirm"]
    assert all(state.customer and state.customer.email == SANNE for state, _ in steps)


def test_the_question_is_kept_to_remind_of_it(shop: SqlShop) -> None:
    (_, asked), (state, aside) = talk(
        shop, ("cancel my order", "cancel_order"), ("do you have blue mugs?", "product_search")
    )
    assert aside is None and isinstance(asked, Ask) and state.question == asked.question


def test_a_hand_off_tells_what_was_found_out(shop: SqlShop) -> None:
    steps = talk(shop, (f"my teapot in K1036 came cracked, {MARTA}", "damaged_item"))
    _, decision = steps[-1]
    assert isinstance(decision, HandOff)
    for fact in ("came cracked", "K1036", "Marta Claes", MARTA):
        assert fact in decision.summary


def test_a_restart_in_the_middle_changes_nothing(shop: SqlShop, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/conversations.db"
    store = Store(url)
    conversation = store.new_conversation()
    for words, intent, expected in DIALOGUES["cancel"]:
        state, decision = advance(store.flow(conversation), words, intent, shop)
        assert short(decision) == expected
        store.save_flow(conversation, state)
        store.close()
        store = Store(url)
    store.close()


@pytest.mark.parametrize(
    "turns",
    [
        [(f"cancel my order, {SANNE}", "cancel_order"), ("skip", "")],
        [(f"return K1028, {JONAS}", "return"), ("the vase", ""), ("too big", "")],
        [(f"change the address of K1037 {SANNE}", "change_order"), ("Neude 5, Utrecht", "")],
    ],
)
def test_a_yes_whose_reply_was_lost_hears_the_same_outcome(tmp_path: Path, turns) -> None:
    shop = SqlShop(f"sqlite:///{tmp_path}/orders.db", today=lambda: TODAY)
    shop.load(read_shop(ORDERS), shipped_rules("demo"))
    asked = talk(shop, *turns)[-1][0]
    assert asked.asked == "confirm" and asked.customer is not None
    outcomes = []
    for _ in range(2):  # the state after the first yes was never saved
        _, decision = advance(asked, "yes", "", shop)
        assert isinstance(decision, Act) and decision.confirmed
        outcomes.append(shop.perform(decision, asked.customer))
    assert outcomes[0].ok and outcomes[0] == outcomes[1]
    shop.close()


def test_a_yes_said_twice_at_once_acts_once(tmp_path: Path) -> None:
    shop = SqlShop(f"sqlite:///{tmp_path}/orders.db", today=lambda: TODAY)
    shop.load(read_shop(ORDERS), shipped_rules("demo"))
    asked = talk(shop, (f"cancel my order, {SANNE}", "cancel_order"), ("skip", ""))[-1][0]

    def agree(words: str):
        _, decision = advance(asked, words, "", shop)
        assert isinstance(decision, Act) and asked.customer is not None
        return shop.perform(decision, asked.customer)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(agree, ["yes", "yes please"])
    assert first == second and first.ok
    shop.close()


def test_the_same_wish_later_is_another_act(tmp_path: Path) -> None:
    """There and back again: the third change is done, not taken for the first one."""
    shop = SqlShop(f"sqlite:///{tmp_path}/orders.db", today=lambda: TODAY)
    shop.load(read_shop(ORDERS), shipped_rules("demo"))
    state = FlowState(conversation="c")
    for street in ("Neude 5, 3512 AE Utrecht", "Domplein 9, 3512 JC Utrecht") * 2:
        state, _ = advance(state, f"change the address of K1037, {SANNE}", "change_order", shop)
        state, _ = advance(state, street, "", shop)
        state, decision = advance(state, "yes", "", shop)
        assert isinstance(decision, Act)
        assert state.customer is not None
        assert shop.perform(decision, state.customer).ok
        stored = shop.order("K1037")
        assert stored is not None and str(stored.address) == street
    shop.close()
