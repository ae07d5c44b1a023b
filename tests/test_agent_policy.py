"""decide() as a table: what was understood and found on the left, what is done on the right."""

import numpy as np
import pytest

from agent.policy import (
    PHOTO_OR_WORDS,
    WHICH_ONE,
    WHICH_PRODUCT,
    decide,
    only_points,
    summary,
)
from agent.types import Answer, Ask, Choice, Decline, HandOff, Limits
from fusion.types import DIM, Attributions, Fused, Message
from knowledge.types import Document, Hit

LIMITS = Limits()
TALK = [Message("customer", "Do you sell mugs?"), Message("agent", "Yes: the Aster mug, blue.")]


def fused(intent: str, sure: float = 0.9, out: float = 0.05, mood: float = 0.0) -> Fused:
    rest = "delivery" if intent != "delivery" else "payment"
    vector = np.zeros(DIM, np.float32)
    vector[0] = 1.0
    intents = {intent: sure, rest: min(1 - sure, sure)}
    return Fused(intents, out, vector, vector, Attributions({}, {}), mood)


def product(title: str, score: float, family: str = "") -> Hit:
    attributes = {"family": family or title.split(",")[0].lower()}
    picture = (f"/photos/{title.lower()}.jpg",)
    document = Document(
        title.lower(), "product", title, "A thing.", photos=picture, attributes=attributes
    )
    return Hit(document, score, {"dense": 1}, sure=score)


def passage(title: str, score: float, kind: str = "faq") -> Hit:
    return Hit(Document(title.lower(), kind, title, "An answer."), score, {"dense": 1}, sure=score)


OVEN = passage("Can stoneware go in the oven?", 0.7)
PHONE = Hit(
    Document("phone", "faq", "When can I reach you?", "On +32 9 555 01 40."), 0.8, {}, sure=0.9
)
MUG = product("Aster mug, blue", 0.8)
GREEN_MUG = product("Aster mug, green", 0.79)
LAMP = product("Lumi table lamp, green", 0.8)
OTHER_LAMP = product("Alder floor lamp, oak", 0.79)
CLEAR_LAMP = product("Halo pendant lamp, brass", 0.6)
WEAK = product("Reed basket, black", 0.2)
FAQ = passage("How long does delivery take?", 0.7)
POLICY = passage("Returns", 0.7, "policy")


TWO_LAMPS = [LAMP, OTHER_LAMP]
SEEN_KETTLE = product("Bruno kettle, red", 0.8)
SAID_MUG = product("Aster mug, blue", 0.78)
TWO_THINGS = [SEEN_KETTLE, SAID_MUG]
ALIKE = [SEEN_KETTLE, LAMP, SAID_MUG]
WHICH = Ask("product", WHICH_PRODUCT)
LAMPS = Ask(
    "product",
    WHICH_ONE,
    tuple(
        Choice(h.document.id, h.document.title, h.document.photos[0]) for h in (LAMP, OTHER_LAMP)
    ),
)
MISSED = Decline("not_found")
STRANGE = Decline("out_of_scope")
FOUND = Answer((MUG,), "product_question")
FLOW = Ask("product", "Which article, colour or size would you like instead?", action="exchange")


def shape(decision) -> str:
    """A decision in one word or two, for the table."""
    match decision:
        case Answer(hits, topic):
            return f"answer {hits[0].document.title if hits else topic}"
        case Ask(slot, _, choices):
            return f"ask {slot} {len(choices)}"
        case HandOff(reason):
            return f"handoff {reason}"
        case Decline(reason):
            return f"decline {reason}"
    return decision.kind


TABLE = [
    # intent, hits, words, extra -> shape
    # A person is asked for.
    ("person", [], "let me talk to a human", {}, "handoff asked"),
    ("person", [FAQ], "a real person please", {}, "handoff asked"),
    ("person", [MUG], "human!", {"history": TALK}, "handoff asked"),
    ("person", [FAQ], "someone about delivery", {"sure": 0.3}, f"answer {FAQ.document.title}"),
    ("person", [], "hm", {"sure": 0.2}, "decline not_found"),
    # Small talk needs no evidence.
    ("greeting", [], "hello", {}, "answer greeting"),
    ("greeting", [WEAK], "good morning", {}, "answer greeting"),
    ("greeting", [MUG], "hi, is the Aster mug in stock?", {}, "answer Aster mug, blue"),
    ("greeting", [MUG], "hi", {"sure": 0.2}, "answer Aster mug, blue"),
    ("thanks", [], "thank you", {}, "answer thanks"),
    ("thanks", [MUG], "thanks, that is all", {"history": TALK}, "answer thanks"),
    (
        "thanks",
        [FAQ],
        "thanks, and how long does delivery take?",
        {},
        f"answer {FAQ.document.title}",
    ),
    # Unhappy once is answered, twice is handed over.
    (
        "delivery",
        [FAQ],
        "where is it, this is awful",
        {"mood": -0.8},
        f"answer {FAQ.document.title}",
    ),
    ("delivery", [FAQ], "terrible", {"mood": -0.8, "before": True}, "handoff unhappy"),
    ("delivery", [FAQ], "useless", {"mood": -0.5, "before": True}, "handoff unhappy"),
    ("delivery", [FAQ], "all right", {"mood": 0.1, "before": True}, f"answer {FAQ.document.title}"),
    ("thanks", [], "thanks for nothing, awful", {"mood": -0.9, "before": True}, "handoff unhappy"),
    # What was said is only acknowledged.
    ("thanks", [], "yes", {"past": [MISSED], "out": 0.9}, "answer thanks"),
    ("product_search", [MUG], "Oh, OK then.", {"past": [MISSED]}, "answer thanks"),
    ("complaint", [], "actually never mind", {"past": [MISSED]}, "answer thanks"),
    ("product_search", [MUG], "ok the blue mug", {"past": [MISSED]}, "answer Aster mug, blue"),
    ("product_search", [MUG], "fine", {}, "answer Aster mug, blue"),
    # Not a question for this shop.
    ("product_search", [], "what is the capital of France", {"out": 0.9}, "decline out_of_scope"),
    ("product_question", [WEAK], "write me a poem", {"out": 0.8}, "decline out_of_scope"),
    ("delivery", [passage("Delivery", 0.5)], "weather?", {"out": 0.6}, "decline out_of_scope"),
    ("delivery", [FAQ], "delivery times", {"out": 0.6}, f"answer {FAQ.document.title}"),
    ("product_search", [MUG], "aster mug", {"out": 0.99}, "answer Aster mug, blue"),
    ("delivery", [passage("Delivery", 0.5)], "delivery", {"out": 0.49}, "answer Delivery"),
    # Nothing found.
    ("product_search", [], "do you sell bicycles", {}, "decline not_found"),
    ("product_search", [WEAK], "do you sell bicycles", {}, "decline not_found"),
    ("payment", [passage("Gift cards", 0.49)], "bitcoin", {}, "decline not_found"),
    ("payment", [passage("Gift cards", 0.5)], "gift card", {}, "answer Gift cards"),
    ("complaint", [], "your service is bad", {}, "handoff complaint"),
    ("complaint", [WEAK], "I want to complain", {}, "handoff complaint"),
    ("complaint", [passage("Complaints", 0.6)], "I want to complain", {}, "answer Complaints"),
    ("complaint", [], "hm", {"sure": 0.3}, "decline not_found"),
    # Pointing at something nobody can see.
    ("product_question", [], "how much is this?", {}, "ask product 0"),
    ("product_question", [MUG], "How much does it cost?", {}, "ask product 0"),
    ("availability", [MUG], "is this in stock", {}, "ask product 0"),
    ("product_question", [MUG], "how much is this?", {"photo": True}, "answer Aster mug, blue"),
    ("product_question", [MUG], "how much is it?", {"history": TALK}, "answer Aster mug, blue"),
    ("product_question", [MUG], "how much is this mug?", {}, "answer Aster mug, blue"),
    ("product_question", [], "how much is this?", {"photo": True}, "decline not_found"),
    # One question, several products.
    ("product_question", TWO_LAMPS, "how much is the lamp?", {}, "ask product 2"),
    ("availability", TWO_LAMPS, "is that lamp in stock?", {}, "ask product 2"),
    ("product_question", [LAMP, OTHER_LAMP, CLEAR_LAMP], "price of the lamp", {}, "ask product 2"),
    (
        "product_question",
        TWO_LAMPS,
        "how much?",
        {"photo": True},
        f"answer {LAMP.document.title}",
    ),
    ("product_question", TWO_LAMPS, "how much is this", {"photo": True}, "ask product 2"),
    (
        "product_question",
        TWO_LAMPS,
        "the Lumi lamp's price",
        {},
        f"answer {LAMP.document.title}",
    ),
    (
        "product_question",
        TWO_LAMPS,
        "is the lamp oak?",
        {},
        f"answer {LAMP.document.title}",
    ),
    (
        "product_question",
        [LAMP, CLEAR_LAMP],
        "how much is the lamp?",
        {},
        f"answer {LAMP.document.title}",
    ),
    ("product_question", [MUG, GREEN_MUG], "how much is the mug?", {}, "answer Aster mug, blue"),
    (
        "product_search",
        TWO_LAMPS,
        "show me the lamps",
        {},
        f"answer {LAMP.document.title}",
    ),
    (
        "recommendation",
        TWO_LAMPS,
        "a lamp for the desk",
        {},
        f"answer {LAMP.document.title}",
    ),
    ("availability", TWO_LAMPS, "any lamp in stock?", {}, f"answer {LAMP.document.title}"),
    # The kind of evidence follows a sure intent, and only that.
    ("delivery", [MUG, passage("Delivery", 0.6)], "delivery of a mug", {}, "answer Delivery"),
    ("return", [MUG, POLICY], "can I return a mug", {}, "answer Returns"),
    ("refund", [MUG, POLICY], "money back for a mug", {}, "answer Returns"),
    ("damaged_item", [MUG, POLICY], "the mug is chipped", {}, "answer Returns"),
    ("invoice", [MUG, passage("Invoices", 0.6)], "bill for my mug", {}, "answer Invoices"),
    (
        "product_search",
        [FAQ, product("Aster mug, blue", 0.5)],
        "mugs",
        {},
        "answer Aster mug, blue",
    ),
    (
        "recommendation",
        [FAQ, product("Aster mug, blue", 0.6)],
        "a gift",
        {},
        "answer Aster mug, blue",
    ),
    ("delivery", [MUG, passage("Delivery", 0.6)], "hm", {"sure": 0.3}, "answer Aster mug, blue"),
    (
        "product_question",
        [FAQ, product("Aster mug, blue", 0.4)],
        "how long",
        {},
        f"answer {FAQ.document.title}",
    ),
    ("delivery", [MUG, passage("Delivery", 0.4)], "the aster mug", {}, "answer Aster mug, blue"),
    ("product_search", [WEAK, MUG], "mugs", {}, "answer Aster mug, blue"),
    # A person comes first, whatever else is true.
    ("person", [MUG], "a human, now", {"out": 0.9}, "handoff asked"),
    ("person", [MUG], "a person please", {"photo": True, "unsold": 0.9}, "handoff asked"),
    ("person", [], "someone real", {"past": [MISSED]}, "handoff asked"),
    ("person", [MUG], "agent", {"sure": 0.4}, "handoff asked"),
    ("person", [MUG], "agent", {"sure": 0.39}, "answer Aster mug, blue"),
    ("person", [], "a human", {"mood": -0.9, "before": True}, "handoff asked"),
    ("product_search", [], "bikes!!", {"mood": -0.9, "before": True}, "handoff unhappy"),
    ("greeting", [], "hello???", {"mood": -0.6, "before": True}, "handoff unhappy"),
    ("product_search", [], "poem", {"out": 0.9, "mood": -0.6, "before": True}, "handoff unhappy"),
    ("delivery", [FAQ], "when", {"mood": -0.49, "before": True}, f"answer {FAQ.document.title}"),
    ("delivery", [FAQ], "when", {"mood": -1.0}, f"answer {FAQ.document.title}"),
    # Small talk: only where that is all there is.
    ("greeting", [FAQ], "good evening to you", {}, "answer greeting"),
    ("greeting", [], "hey", {"history": TALK}, "answer greeting"),
    ("thanks", [FAQ], "great, thanks", {}, "answer thanks"),
    ("thanks", [], "cheers", {"past": [MISSED, MISSED]}, "answer thanks"),
    ("greeting", [], "hello, anybody there?", {}, "answer greeting"),
    # Whoever asks what it is talking to is told, however sure it is that a person is wanted.
    ("person", [], "are you a robot?", {}, "answer itself"),
    ("person", [MUG], "Hi, am I talking to a real person or a machine?", {}, "answer itself"),
    ("person", [], "am I talking to a robot? i want an actual human", {}, "handoff asked"),
    # A number that is asked for is told; a call that is asked for is a person's to make.
    ("person", [PHONE], "what is your phone number", {}, f"answer {PHONE.document.title}"),
    ("person", [PHONE], "I want to speak to a person, call me", {}, "handoff asked"),
    ("person", [POLICY], "how can I contact you", {}, "handoff asked"),
    # What a product does not say of itself is left to the FAQ that is about it.
    ("product_question", [MUG, OVEN], "can it go in the oven", {}, f"answer {OVEN.document.title}"),
    ("product_question", [MUG, OVEN], "how heavy is it", {}, "answer Aster mug, blue"),
    # A FAQ goes before a policy that scores as much.
    ("delivery", [POLICY, passage("Costs", POLICY.score)], "costs", {}, "answer Costs"),
    ("thanks", [], "thanks", {"out": 0.7}, "decline out_of_scope"),
    ("greeting", [MUG], "hello", {"photo": True}, "answer greeting"),
    # Out of scope is declined every time, kindly, and is no failure to find something.
    ("product_search", [], "who won the cup", {"out": 0.5}, "decline out_of_scope"),
    ("product_search", [], "who won the cup", {"out": 0.49}, "decline not_found"),
    ("payment", [passage("Pay", 0.64)], "bitcoin price", {"out": 0.9}, "decline out_of_scope"),
    ("payment", [passage("Pay", 0.65)], "how can I pay", {"out": 0.9}, "answer Pay"),
    ("product_search", [], "a poem", {"out": 0.9, "past": [STRANGE]}, "decline out_of_scope"),
    (
        "product_search",
        [],
        "a song",
        {"out": 0.9, "past": [STRANGE, STRANGE]},
        "decline out_of_scope",
    ),
    ("product_search", [], "bikes", {"past": [STRANGE]}, "decline not_found"),
    ("complaint", [], "the weather is awful", {"out": 0.9}, "decline out_of_scope"),
    # Nothing found twice in a row: a person.
    ("product_search", [], "scooters", {"past": [MISSED]}, "handoff failed"),
    ("product_search", [WEAK], "scooters", {"past": [MISSED]}, "handoff failed"),
    ("product_search", [], "scooters", {"past": [FOUND, MISSED]}, "handoff failed"),
    ("product_search", [], "scooters", {"past": [MISSED, FOUND]}, "decline not_found"),
    ("product_search", [], "scooters", {"past": [MISSED, STRANGE]}, "decline not_found"),
    ("product_search", [], "scooters", {"past": [Decline("unreadable")]}, "decline not_found"),
    ("product_search", [MUG], "mugs", {"past": [MISSED]}, "answer Aster mug, blue"),
    ("complaint", [], "bad service", {"past": [MISSED]}, "handoff complaint"),
    # Asked twice at most, in a row or about the same products.
    ("product_question", [], "how much is this?", {"past": [WHICH]}, "ask product 0"),
    (
        "product_question",
        [],
        "how much is this?",
        {"past": [WHICH, WHICH]},
        "handoff not_understood",
    ),
    ("availability", [], "is it in stock", {"past": [LAMPS, WHICH]}, "handoff not_understood"),
    ("availability", [], "is it in stock", {"past": [FOUND, WHICH]}, "ask product 0"),
    (
        "availability",
        [],
        "is it in stock",
        {"past": [WHICH, FOUND, WHICH, FOUND]},
        "handoff not_understood",
    ),
    ("product_question", TWO_LAMPS, "the lamp", {"past": [LAMPS]}, "ask product 2"),
    (
        "product_question",
        TWO_LAMPS,
        "the lamp",
        {"past": [LAMPS, LAMPS]},
        "handoff not_understood",
    ),
    (
        "product_question",
        TWO_LAMPS,
        "the lamp",
        {"past": [LAMPS, FOUND, LAMPS, FOUND]},
        "handoff not_understood",
    ),
    (
        "product_question",
        TWO_LAMPS,
        "the lamp",
        {"past": [WHICH, FOUND, WHICH, FOUND]},
        "ask product 2",
    ),
    (
        "product_question",
        TWO_LAMPS,
        "the Lumi lamp",
        {"past": [LAMPS, LAMPS]},
        f"answer {LAMP.document.title}",
    ),
    (
        "product_question",
        TWO_LAMPS,
        "the lamp",
        {"past": [FLOW, FLOW]},
        "ask product 2",
    ),
    ("product_question", [], "how much is it", {"past": [FLOW, FLOW]}, "ask product 0"),
    # A photo of one thing, words about another.
    (
        "product_question",
        TWO_THINGS,
        "how much is this mug?",
        {"photo": True},
        "ask product 2",
    ),
    (
        "product_question",
        [SAID_MUG, SEEN_KETTLE],
        "how much is the mug?",
        {"photo": True},
        "ask product 2",
    ),
    (
        "availability",
        TWO_THINGS,
        "is that blue mug left",
        {"photo": True},
        "ask product 2",
    ),
    (
        "product_search",
        TWO_THINGS,
        "these mugs please",
        {"photo": True},
        "ask product 2",
    ),
    (
        "product_question",
        TWO_THINGS,
        "how much is this kettle?",
        {"photo": True},
        "answer Bruno kettle, red",
    ),
    (
        "product_question",
        TWO_THINGS,
        "how much is this mug?",
        {"photo": True, "seen": ALIKE},
        "answer Bruno kettle, red",
    ),
    (
        "product_question",
        TWO_THINGS,
        "does this fit beside the mug?",
        {"photo": True},
        "answer Bruno kettle, red",
    ),
    (
        "product_question",
        TWO_THINGS,
        "is this kettle larger than the mug",
        {"photo": True},
        "answer Bruno kettle, red",
    ),
    (
        "product_search",
        TWO_THINGS,
        "a mug like this",
        {"photo": True},
        "answer Bruno kettle, red",
    ),
    (
        "product_question",
        TWO_THINGS,
        "how much is this?",
        {"photo": True},
        "answer Bruno kettle, red",
    ),
    (
        "product_question",
        TWO_THINGS,
        "how much is this mug?",
        {},
        "answer Bruno kettle, red",
    ),
    (
        "product_question",
        TWO_THINGS,
        "how much is this mug?",
        {"photo": True, "unsold": 0.9},
        "answer Bruno kettle, red",
    ),
    (
        "product_question",
        [SAID_MUG],
        "how much is this mug?",
        {"photo": True},
        "answer Aster mug, blue",
    ),
    (
        "product_question",
        TWO_THINGS,
        "how much is this mug?",
        {"photo": True, "past": [WHICH, LAMPS]},
        "handoff not_understood",
    ),
    # A photo of what is not sold.
    (
        "product_question",
        [MUG],
        "how much is this?",
        {"photo": True, "unsold": 0.6},
        "decline not_sold",
    ),
    ("product_search", [MUG], "", {"photo": True, "unsold": 0.5}, "decline not_sold"),
    (
        "product_question",
        [MUG],
        "how much is this?",
        {"photo": True, "unsold": 0.49},
        "answer Aster mug, blue",
    ),
    (
        "product_question",
        [MUG],
        "how much is the Aster mug",
        {"photo": True, "unsold": 0.9},
        "answer Aster mug, blue",
    ),
    ("damaged_item", [POLICY], "", {"photo": True, "unsold": 0.9}, "answer Returns"),
    ("return", [POLICY], "this", {"photo": True, "unsold": 0.9}, "answer Returns"),
    ("product_search", [], "", {"photo": True, "unsold": 0.9}, "decline not_sold"),
    # Every intent has its kind of evidence.
    ("order_status", [MUG, FAQ], "where is my parcel", {}, f"answer {FAQ.document.title}"),
    ("cancel_order", [MUG, POLICY], "how do I cancel", {}, "answer Returns"),
    ("change_order", [MUG, POLICY], "how do I change", {}, "answer Returns"),
    ("exchange", [MUG, POLICY], "how do I swap a mug", {}, "answer Returns"),
    ("payment", [MUG, passage("Cards", 0.66)], "pay by card", {}, "answer Cards"),
    ("account", [MUG, passage("Log in", 0.66)], "my password", {}, "answer Log in"),
    ("complaint", [MUG, passage("Complaints", 0.66)], "complain", {}, "answer Complaints"),
    ("availability", [FAQ, product("Aster mug, blue", 0.6)], "stock", {}, "answer Aster mug, blue"),
    ("recommendation", [FAQ, WEAK], "a gift", {}, f"answer {FAQ.document.title}"),
    ("delivery", [WEAK, passage("Delivery", 0.55)], "post", {}, "answer Delivery"),
    ("anything else", [MUG, FAQ], "hm", {}, "answer Aster mug, blue"),
    # A FAQ that asks the very same is meant, be it about a product; one word is no question.
    (
        "product_question",
        [MUG, passage("How do I clean the mug?", 0.82)],
        "how can I clean a mug",
        {},
        "answer How do I clean the mug?",
    ),
    (
        "product_question",
        [MUG, passage("How do I clean the mug?", 0.82)],
        "mug",
        {},
        "answer Aster mug, blue",
    ),
]


@pytest.mark.parametrize(("intent", "hits", "words", "extra", "expected"), TABLE)
def test_decide(intent, hits, words, extra, expected):
    understood = fused(
        intent, extra.get("sure", 0.9), extra.get("out", 0.05), extra.get("mood", 0.0)
    )
    kettle = [SEEN_KETTLE] if extra.get("photo") and SEEN_KETTLE in hits else []
    decision = decide(
        understood,
        hits,
        words,
        extra.get("history", []),
        LIMITS,
        photo=extra.get("photo", False),
        seen=[hit.document for hit in extra.get("seen", kettle)],
        unsold=extra.get("unsold", 0.0),
        unhappy_before=extra.get("before", False),
        before=extra.get("past", []),
    )
    assert shape(decision) == expected


def test_the_table_is_a_table():
    assert len(TABLE) >= 120


def test_a_decision_follows_the_limits():
    hits = [product("Aster mug, blue", 0.5)]
    said = fused("product_search", out=0.4)
    assert shape(decide(said, hits, "mugs", [], LIMITS)) == "answer Aster mug, blue"
    assert shape(decide(said, hits, "mugs", [], Limits(answerable=0.6))) == "decline not_found"
    assert shape(decide(said, hits, "mugs", [], Limits(out_of_scope=0.3))) == "decline out_of_scope"
    lost = [MISSED, MISSED]
    patient = Limits(failures=4, questions=4)
    assert shape(decide(said, [], "bikes", [], patient, before=lost)) == "decline not_found"
    asked = decide(fused("availability"), [], "is it in stock", [], patient, before=[WHICH, WHICH])
    assert shape(asked) == "ask product 0"
    leaning = Limits(lean=0.9)
    assert shape(decide(fused("delivery"), [MUG, passage("Delivery", 0.5)], "hm", [], leaning)) == (
        "answer Delivery"
    )
    seen = [hit.document for hit in ALIKE]
    for agree, expected in ((3, "answer Bruno kettle, red"), (2, "ask product 2")):
        said = fused("availability")
        limits = Limits(agree=agree)
        called = decide(said, TWO_THINGS, "this mug", [], limits, photo=True, seen=seen)
        assert shape(called) == expected


def test_weak_hits_are_not_evidence():
    decision = decide(fused("product_search"), [MUG, WEAK], "mugs", [], LIMITS)
    assert isinstance(decision, Answer) and [hit.document for hit in decision.hits] == [
        MUG.document
    ]


def test_choices_carry_the_shops_ids():
    decision = decide(fused("product_question"), TWO_LAMPS, "how much is the lamp", [], LIMITS)
    assert isinstance(decision, Ask)
    assert [choice.id for choice in decision.choices] == [LAMP.document.id, OTHER_LAMP.document.id]
    assert [choice.label for choice in decision.choices] == [
        LAMP.document.title,
        OTHER_LAMP.document.title,
    ]
    assert [choice.picture for choice in decision.choices] == [
        "/photos/lumi table lamp, green.jpg",
        "/photos/alder floor lamp, oak.jpg",
    ]


def test_photo_and_words_are_both_offered_with_their_pictures():
    hits = [SAID_MUG, SEEN_KETTLE]
    decision = decide(
        fused("product_question"),
        hits,
        "how much is this mug",
        [],
        LIMITS,
        photo=True,
        seen=[SEEN_KETTLE.document],
    )
    assert isinstance(decision, Ask) and decision.question == PHOTO_OR_WORDS
    assert [choice.id for choice in decision.choices] == [
        SEEN_KETTLE.document.id,
        SAID_MUG.document.id,
    ]
    assert all(choice.picture for choice in decision.choices)


@pytest.mark.parametrize(
    ("words", "points"),
    [
        ("how much is this?", True),
        ("Do you still have it in stock", True),
        ("what does that one cost", True),
        ("is it dishwasher safe", False),
        ("how much is delivery", False),
        ("this lamp", False),
        ("", False),
    ],
)
def test_only_points(words, points):
    assert only_points(words) is points


@pytest.mark.parametrize(
    ("words", "points"),
    [
        ("and in green?", True),
        ("is the green one in stock", True),
        ("what about a cheaper one, under 20 euros", True),
        ("green", True),
        ("in large?", False),
        ("a green vase", False),
        ("and delivery?", False),
    ],
)
def test_a_colour_points_at_a_variant(words, points):
    assert only_points(words, {"green", "oak"}) is points


def test_the_summary_tells_a_person_what_was_said():
    assert summary("I want a person", TALK).splitlines() == [
        "customer: Do you sell mugs?",
        "agent: Yes: the Aster mug, blue.",
        "customer: I want a person",
    ]
