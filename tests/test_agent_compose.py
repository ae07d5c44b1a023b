"""The built-in composer: the direct answer first, and nothing that the evidence does not hold."""

import re
from pathlib import Path

import pytest

from agent.compose import HAND_OFFS, BuiltinComposer
from agent.evidence import answering, money, quote
from agent.grounding import grounded
from agent.steps import REASONS
from agent.types import Act, Answer, Ask, Choice, Decline, HandOff, Outcome
from fusion.types import Message
from knowledge.load import read_documents
from knowledge.types import Document, Hit

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "knowledge" / "demo"
TALK = [Message("customer", "Hello"), Message("agent", "Hello! What are you looking for?")]


@pytest.fixture(scope="module")
def shop() -> dict[str, Document]:
    return {d.id: d for d in read_documents(DEMO) if isinstance(d, Document)}


def hits(shop, *names: str) -> tuple[Hit, ...]:
    return tuple(Hit(shop[name], 0.9 - 0.01 * i, {"dense": i + 1}) for i, name in enumerate(names))


def family(shop, name: str) -> tuple[Hit, ...]:
    own = [d.id for d in shop.values() if d.attributes.get("family") == name]
    return hits(shop, *own)


def say(words: str, found: tuple[Hit, ...], topic: str = "product_question"):
    draft = BuiltinComposer().compose(Answer(found, topic), None, found, [], words)
    assert grounded(draft.text, found) == []
    return draft


ABOUT_THE_ASTER_MUG = [
    ("How much is the blue Aster mug?", "The Aster mug, blue, costs 16.90 EUR"),
    ("How much is the Aster mug in green?", "The Aster mug, green, costs 16.90 EUR"),
    ("how much is the aster mug", "The Aster mug costs 11.90 EUR (blue, small) to"),
    ("is the green aster mug in stock", "The Aster mug, green, is in stock (18 pieces)"),
    ("Is the Aster mug in red available?", "The Aster mug, red, is sold out"),
    ("the small blue aster mug, price", "The Aster mug, blue, small, costs 11.90 EUR"),
    ("how big is the blue aster mug", "The Aster mug, blue, measures Ø 9 x 9 cm"),
    ("how much does the blue one hold", "The Aster mug, blue, holds 350 ml."),
    ("what is the Aster mug made of", "The Aster mug, blue, is made of stoneware."),
    ("how heavy is the Aster mug", "The Aster mug, blue, weighs 390 g."),
    ("can I put it in the dishwasher", "The Aster mug, blue: dishwasher and microwave safe."),
    ("what colours do you have", "I find the Aster mug in blue, green, white,"),
    ("the Aster mug in black", "I do not find the Aster mug in black."),
]


@pytest.mark.parametrize(("words", "start"), ABOUT_THE_ASTER_MUG)
def test_the_direct_answer_comes_first(shop, words, start):
    draft = say(words, family(shop, "aster-mug"))
    assert draft.text.startswith(start)
    assert draft.citations


def test_availability_is_said_before_the_price(shop):
    draft = say("the blue fjord vase", hits(shop, "vase-fjord-blue"), "availability")
    assert draft.text.startswith("The Fjord vase, blue, is in stock (11 pieces) and costs 36.00")


def test_a_recommendation_names_one_product_first(shop):
    draft = say("a mug for coffee", family(shop, "aster-mug"), "recommendation")
    assert draft.text.startswith("I would look at the Aster mug, blue, first.")


def test_the_description_answers_what_no_field_does(shop):
    draft = say("is it fired twice", hits(shop, "mug-aster-red"))
    assert draft.text.startswith("The deep red glaze is fired twice")
    assert draft.citations[0].quote in shop["mug-aster-red"].text


def test_a_sold_out_product_is_said_to_be_and_others_are_offered(shop):
    draft = say("is the red aster mug in stock?", family(shop, "aster-mug"), "availability")
    assert "sold out" in draft.text
    assert "In stock: blue (42); green (18); white (65)." in draft.text


def test_the_shops_silence_is_said(shop):
    draft = say("how much does the armchair hold?", hits(shop, "armchair-fell-green"))
    assert "does not state the capacity" in draft.text


def test_a_search_shows_at_most_four_products_of_one_kind(shop):
    found = (*family(shop, "aster-mug"), *family(shop, "tove-mug"), *family(shop, "fjord-vase"))
    draft = say("a mug", found, "product_search")
    assert len(draft.products) == 4
    assert all(product.id.startswith("mug-") for product in draft.products)
    assert "Also close" in draft.text


def test_a_photo_is_answered_with_what_it_shows(shop):
    found = (Hit(shop["mug-aster-red"], 0.9, {"photo": 1, "dense": 3}),)
    seen = Answer(found, "product_question", photo=True)
    draft = BuiltinComposer().compose(seen, None, found, [], "how much is this?")
    assert grounded(draft.text, found) == []
    assert draft.text.startswith("That looks like the Aster mug, red. It costs 16.90 EUR but is")


@pytest.mark.parametrize(
    ("name", "words", "topic", "quoted"),
    [
        ("faq-returns-window", "how long can I return", "return", "You have 30 days from the day"),
        ("faq-returns-cost", "who pays", "return", "Returns are free."),
        ("returns-and-cancellations/exchanges", "exchange", "exchange", "30 days of delivery"),
    ],
)
def test_passages_are_quoted_word_for_word(shop, name, words, topic, quoted):
    document = shop.get(name) or next(d for d in shop.values() if d.title.endswith("Exchanges"))
    draft = say(words, (Hit(document, 0.8, {}),), topic)
    assert quoted in draft.text
    assert all(citation.quote in document.text for citation in draft.citations)
    assert "order number" in draft.text  # the next step


def test_a_yes_is_shown_with_the_question_it_answers(shop):
    document = next(d for d in shop.values() if d.title == "Is your packaging free of plastic?")
    draft = say("is there plastic in the packaging", (Hit(document, 0.8, {}),), "product_question")
    assert draft.text.startswith("Is your packaging free of plastic? Yes.")


def test_a_colour_that_is_not_there_is_said_and_others_in_it_are_offered(shop):
    found = (*family(shop, "tove-mug"), *hits(shop, "mug-aster-blue"))
    draft = say("do you have the tove mug in blue", found, "availability")
    assert draft.text.startswith(
        "I do not find the Tove mug in blue. I find the Tove mug in black,"
    )
    assert "In blue I find Aster mug, blue (16.90 EUR)." in draft.text


def test_only_the_answering_sentences_of_a_long_passage_are_quoted(shop):
    document = max((d for d in shop.values() if d.kind == "policy"), key=lambda d: len(d.text))
    citation = answering(Hit(document, 0.8, {}), document.text[-60:])
    assert len(citation.quote) < len(document.text)


QUESTIONS = [
    ("how much is it", "product_question"),
    ("is it in stock", "availability"),
    ("how big, how heavy, what is it made of, and how do I clean it?", "product_question"),
    ("which colours are there", "product_question"),
    ("do you have something like this in purple", "product_search"),
    ("a gift", "recommendation"),
    ("tell me about it", "product_question"),
    ("sku and rating", "product_question"),
]


def test_every_product_reply_is_grounded(shop):
    for document in [d for d in shop.values() if d.kind == "product"]:
        siblings = family(shop, document.attributes["family"])
        found = (*hits(shop, document.id), *(h for h in siblings if h.document is not document))
        for words, topic in QUESTIONS:
            draft = say(f"{words} {document.title}", found, topic)
            assert draft.text and len(draft.text) < 700, draft.text


def test_every_passage_reply_is_grounded(shop):
    for document in [d for d in shop.values() if d.kind != "product"]:
        for topic in ("delivery", "return", "damaged_item", "account"):
            draft = say(document.title, (Hit(document, 0.8, {}),), topic)
            assert draft.citations and len(draft.text) < 900, draft.text


ACT = Act("cancel", {"order": "KL-2041"}, key="k", confirmed=True)


@pytest.mark.parametrize(
    ("decision", "outcome", "history", "part"),
    [
        (Answer((), "greeting"), None, [], "Hello! I can look up products"),
        (Answer((), "greeting"), None, TALK, "Hello again!"),
        (Answer((), "thanks"), None, TALK, "With pleasure."),
        (Ask("email", "What is your e-mail address?"), None, [], "What is your e-mail address?"),
        (ACT, Outcome(True, "Order KL-2041 is cancelled."), [], "Order KL-2041 is cancelled."),
        (ACT, Outcome(False, "Order KL-2041 is already shipped."), [], "ask for a person"),
        (HandOff("asked", ""), None, [], "passing you on to a colleague"),
        (HandOff("unhappy", ""), None, [], "I am sorry"),
        (HandOff("exchange", ""), None, [], "An exchange is arranged by a colleague. I am passing"),
        (HandOff("identity", ""), None, [], "I cannot find you"),
        (Decline("out_of_scope"), None, [], "I can look up products"),
        (Decline("not_found"), None, [], "I do not find that"),
        (Decline("unreadable"), None, [], "try again"),
    ],
)
def test_other_decisions(decision, outcome, history, part):
    draft = BuiltinComposer().compose(decision, outcome, [], history, "")
    assert part in draft.text
    assert grounded(draft.text, [], outcome) == []


def test_what_is_not_found_names_what_comes_near_and_no_more(shop):
    near, far = shop["faq-wholesale"], shop["mug-aster-blue"]
    found = [Hit(near, 0.45, {}, sure=0.3), Hit(far, 0.2, {}, sure=0.02)]
    draft = BuiltinComposer().compose(Decline("not_found"), None, found, [], "a student discount")
    assert draft.text.startswith("I do not find that") and near.title in draft.text
    assert far.title not in draft.text and draft.products == ()
    assert [cited.document for cited in draft.citations] == ["faq-wholesale"]
    assert grounded(draft.text, found) == []


def test_every_reason_of_a_hand_off_has_words():
    names = ("flows.py", "steps.py", "policy.py", "own.py")
    source = "".join((ROOT / "agent" / name).read_text() for name in names)
    reasons = set(re.findall(r'(?:HandOff\(|hand_off\(state, )"(\w+)"', source))
    reasons |= set(REASONS.values())
    assert len(reasons) > 4
    assert reasons <= HAND_OFFS.keys()


def test_an_act_without_an_outcome_is_never_put_into_words():
    with pytest.raises(ValueError, match="outcome"):
        BuiltinComposer().compose(ACT, None, [], [], "")


def test_a_question_between_products_names_and_shows_them(shop):
    found = hits(shop, "table-lamp-lumi-green", "floor-lamp-alder-oak")
    choices = tuple(Choice(hit.document.id, hit.document.title) for hit in found)
    ask = Ask("product", "Which one do you mean?", choices)
    draft = BuiltinComposer().compose(ask, None, found, [], "how much is the lamp")
    assert "Lumi table lamp, green; Alder floor lamp, oak" in draft.text
    assert [product.id for product in draft.products] == [hit.document.id for hit in found]
    assert grounded(draft.text, found) == []


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 2), (-1, 4), (0, 99), (4, 5)])
def test_a_citation_is_a_piece_of_the_text(start, end):
    document = Document("d", "faq", "Title", "Word word.")
    with pytest.raises(ValueError, match="no text"):
        quote(document, start, end)
    assert quote(document, 0, 4).quote == "Word"


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [(16.9, "EUR", "16.90 EUR"), (1299, "USD", "1,299.00 USD"), (5, "", "5.00")],
)
def test_money(price, currency, text):
    assert money(price, currency) == text
