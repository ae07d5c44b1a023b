"""Answers in the customer's language."""

import pytest

from agent.compose import BuiltinComposer
from agent.local import FOLDER, asides, reply_language, sentences
from agent.types import Act, Answer, Ask, Decline, HandOff
from fusion.languages import LANGUAGES
from fusion.types import Percept, Turn
from knowledge.types import Document, Hit

OTHERS = LANGUAGES[1:]
MUG = Document(
    "mug",
    "product",
    "Aster mug, blue",
    "A rounded stoneware mug. Dishwasher and microwave safe.",
    price=1216.9,
    currency="EUR",
    stock=1,
    attributes={"kind": "mug", "color": "blue"},
)
FAQ = Document("faq", "faq", "How long?", "You have 30 days to send it back.")


def _percept(language: str, problems: tuple[str, ...] = ()) -> Percept:
    return Percept("x", "x", None, (), {}, {}, problems, language=language)


def _hits(document: Document) -> tuple[Hit, ...]:
    return (Hit(document, 0.9, {}, 0, len(document.text)),)


def _said(decision, language: str, words: str = "", history=()) -> str:
    hits = decision.hits if isinstance(decision, Answer) else ()
    return BuiltinComposer().compose(decision, None, hits, history, words, language).text


@pytest.mark.parametrize("language", OTHERS)
def test_every_catalogue_says_the_same_sentences(language: str) -> None:
    from babel.messages.pofile import read_po

    def messages(name: str) -> set:
        with (FOLDER / f"{name}.po").open("rb") as file:
            return {m.id if isinstance(m.id, str) else m.id[0] for m in read_po(file) if m.string}

    assert messages(language) == messages("de")


@pytest.mark.parametrize(
    ("language", "price", "stock"),
    [
        ("de", "1.216,90\xa0€", "1 Stück ist auf Lager."),
        ("fr", "1\u202f216,90\xa0€", "1 pièce est en stock."),
        ("es", "1.216,90\xa0€", "Hay 1 unidad en stock."),
        ("pt", "€\xa01.216,90", "Há 1 unidade em estoque."),
        ("zh", "€1,216.90", "有 1 件现货。"),
        ("ja", "€1,216.90", "在庫は1点です。"),
    ],
)
def test_prices_and_pieces_are_written_as_the_language_does(
    language: str, price: str, stock: str
) -> None:
    said = _said(Answer(_hits(MUG), "product_search"), language)
    assert price in said and stock in said and "Aster mug, blue" in said


def test_plural_forms_follow_the_number() -> None:
    german, french = sentences("de"), sentences("fr")
    assert german and french
    assert german.in_stock(2) == "2 Stück sind auf Lager."
    assert french.in_stock(1200) == "1\u202f200 pièces sont en stock."


def test_a_quotation_stays_in_the_documents_language_and_says_so() -> None:
    said = _said(Answer(_hits(FAQ), "return"), "de", "how many days return")
    assert "Der Shop schreibt in seiner Sprache: „You have 30 days to send it back.“" in said
    assert said.endswith("E-Mail-Adresse und die Bestellnummer.")


def test_a_quotation_in_the_customers_language_needs_no_note() -> None:
    german = Document("faq-de", "faq", "Wie lange?", "Sie haben 30 Tage.", language="de")
    assert _said(Answer(_hits(german), ""), "de") == "Sie haben 30 Tage."


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_said_most_has_no_english_in_it(language: str) -> None:
    decisions = [
        Answer((), "greeting"),
        HandOff("asked", ""),
        HandOff("unhappy", ""),
        Decline("out_of_scope"),
        Decline("not_found"),
        Ask("email", "Which e-mail address did you order with?"),
    ]
    for decision in decisions:
        assert reply_language(_percept(language), [decision]) == language
        said, english = _said(decision, language), _said(decision, "en")
        assert said and not set(english.split(". ")) & set(said.split(". "))


def test_a_reply_is_never_a_mix() -> None:
    known, unknown = HandOff("asked", ""), Ask("confirm", "Shall I cancel order #KL-20418?")
    assert reply_language(_percept("de"), [known, unknown]) == "en"
    act = Act(action="cancel", arguments={}, key="k", confirmed=True)
    assert reply_language(_percept("de"), [act]) == "en"
    assert reply_language(_percept("de", ("The photo is too dark.",)), [known]) == "en"
    assert reply_language(_percept("en"), [known]) == "en"


def test_what_is_said_around_an_answer_is_in_its_language() -> None:
    assert asides(["I am sorry for the trouble.", ""], "fr") == [
        "Je suis désolé pour ce désagrément."
    ]
    assert asides(["Nothing matches “blue”; this is what there is without that wish."], "de") == [
        "Nichts erfüllt alle Wünsche; das kommt am nächsten."
    ]


# --- With the whole agent -----------------------------------------------------------------------


@pytest.fixture
def talk(agent):
    conversation = agent.store.new_conversation()

    def say(text: str):
        *_, done = agent.reply(Turn(text), conversation)
        return done.reply

    return say


def test_an_order_is_cancelled_in_german(agent, talk):
    customer = agent.shop.identify("greta.hoffmann@example.com")
    order = next(o for o in agent.shop.orders(customer) if o.status == "pending")
    reply = talk(f"Hallo, bitte stornieren Sie meine Bestellung {order.id}")
    assert reply.decision.kind == "ask" and reply.decision.slot == "email"
    assert reply.text == "Mit welcher E-Mail-Adresse haben Sie bestellt?"
    reply = talk(customer.email)
    for _ in range(3):
        if reply.decision.kind == "ask" and reply.decision.slot == "confirm":
            break
        reply = talk("ich brauche es nicht mehr")
    assert agent.shop.order(order.id).status == "pending"
    reply = talk("ja, bitte")
    assert reply.decision.kind == "act" and agent.shop.order(order.id).status == "cancelled"


def test_a_product_is_found_and_answered_in_chinese(talk):
    reply = talk("有没有不到20欧元的蓝色马克杯？")
    assert reply.products and reply.products[0].id.startswith("mug-aster-blue")
    assert "件现货" in reply.text and "€" in reply.text and " is " not in reply.text


def test_a_question_of_the_help_pages_is_answered_in_french(talk):
    reply = talk("Bonjour, combien de jours ai-je pour retourner un article ?")
    assert any("return" in citation.document for citation in reply.citations)
    assert "La boutique écrit, dans sa langue" in reply.text


def test_english_is_answered_as_ever(talk):
    reply = talk("How long do I have to return something?")
    assert "30 days" in reply.text and "“" not in reply.text
