"""Answers in the customer's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import agent as rooms
from agent.catalogue import FOLDER, catalogued
from agent.compose import BuiltinComposer
from agent.local import asides, in_language, labelled
from agent.types import Act, Answer, Ask, Choice, Decline, HandOff, Outcome
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
    attributes={"kind": "mug", "color": "blue", "capacity": "350 ml"},
)
FAQ = Document("faq", "faq", "How long?", "You have 30 days to send it back.")

SPEAKING = [
    "address",
    "articles",
    "asides",
    "changes",
    "compose",
    "flows",
    "lookup",
    "mood",
    "policy",
    "readback",
    "relating",
    "rules",
    "slots",
    "steps",
    "telling",
]
"""The modules whose sentences customers hear."""

OTHERWISE = {  # said in other words by agent/local.py, or in a catalogue in all its forms
    "\0 What are you looking for?",
    "Ask me for something similar if you like, or for another colour.",
    "In stock I find it in \0.",
    "There is also \0.",
    "I do not find the \0 in \0.",
    "Shall I \0 it?",
    "The rules \0: \0: \0.",  # for the shop
}


def _percept(language: str, problems: tuple[str, ...] = ()) -> Percept:
    return Percept("x", "x", None, (), {}, {}, problems, language=language)


def _hits(document: Document) -> tuple[Hit, ...]:
    return (Hit(document, 0.9, {}, 0, len(document.text)),)


def _said(decision, language: str, words: str = "", outcome=None, problems=()) -> tuple[str, str]:
    """The language of the reply, and its text."""
    hits = decision.hits if isinstance(decision, Answer) else ()
    draft = BuiltinComposer().compose(decision, outcome, hits, (), words)
    percept = _percept(language, problems)
    spoken, drafts = in_language(percept, [(decision, outcome)], [draft], words)
    return spoken, drafts[0].text


def _messages(language: str) -> dict[str, str]:
    with (FOLDER / f"{language}.po").open("rb") as file:
        return {
            m.id if isinstance(m.id, str) else m.id[0]: m.string or ""
            for m in read_po(file)
            if m.id
        }


def _spoken() -> Iterator[str]:
    """The sentences in the source of SPEAKING, with \0 for what varies."""
    for name in SPEAKING:
        tree = ast.parse((Path(rooms.__file__).parent / f"{name}.py").read_text("utf-8"))
        nodes = list(ast.walk(tree))
        docs = {id(n.value) for n in nodes if isinstance(n, ast.Expr)}
        parts = {id(v) for n in nodes if isinstance(n, ast.JoinedStr) for v in n.values}
        for node in nodes:
            text = ""
            if isinstance(node, ast.JoinedStr):
                values = node.values
                text = "".join(v.value if isinstance(v, ast.Constant) else "\0" for v in values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            if not text or id(node) in docs | parts or "\\" in text or "(?" in text:
                continue
            for one in re.split(r"(?<=[.?!])\s+", text.strip()):
                words = re.findall(r"[a-z]{2,}", one)
                if re.match(r"[A-Z\0]", one) and one[-1] in ".?!" and len(words) > 1:
                    yield one


def _is_among(sentence: str, ids: set[str]) -> bool:
    bare = sentence.lstrip("\0 ")
    pattern = ".*".join(map(re.escape, bare.split("\0")))
    before = ".*" if bare != sentence else ""
    return any(re.fullmatch(before + pattern, id) for id in ids)


def test_every_sentence_that_customers_hear_is_in_the_catalogues() -> None:
    ids = {re.sub(r"%\(\w+\)s", "…", id) for id in _messages("de")}
    ids |= {part for id in ids for part in re.split(r"(?<=[.?!])\s+", id)}
    missing = {one for one in _spoken() if one not in OTHERWISE and not _is_among(one, ids)}
    assert len(set(_spoken())) > 100
    assert not missing, f"without a translation: {sorted(missing)}"


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_lacks_a_translation(language: str) -> None:
    ids = {id for other in OTHERS for id in _messages(other)}
    own = _messages(language)
    assert not {id for id in ids if not own.get(id)}
    for id, said in own.items():
        kept = said if isinstance(said, str) else said[-1]
        lost = set(re.findall(r"%\(\w+\)s", id)) ^ set(re.findall(r"%\(\w+\)s", kept))
        assert lost <= {"%(wishes)s", "%(fields)s", "%(names)s"}, (id, kept)


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
    spoken, said = _said(Answer(_hits(MUG), "product_search"), language)
    assert spoken == language and price in said and stock in said and "Aster mug, blue" in said


def test_plural_forms_follow_the_number() -> None:
    german, french = catalogued("de"), catalogued("fr")
    assert german and french
    assert german.in_stock(2) == "2 Stück sind auf Lager."
    assert french.in_stock(1200) == "1\u202f200 pièces sont en stock."


def test_a_quotation_stays_in_the_documents_language_and_says_so() -> None:
    _, said = _said(Answer(_hits(FAQ), "return"), "de", "how many days return")
    assert "Der Shop schreibt in seiner Sprache: „You have 30 days to send it back.“" in said
    assert said.endswith("E-Mail-Adresse und die Bestellnummer.")


def test_a_quotation_in_the_customers_language_needs_no_note() -> None:
    german = Document("faq-de", "faq", "Wie lange?", "Sie haben 30 Tage.", language="de")
    assert _said(Answer(_hits(german), ""), "de") == ("de", "Sie haben 30 Tage.")


def test_what_was_asked_of_a_product_comes_from_its_fields() -> None:
    _, said = _said(Answer(_hits(MUG), "product_question"), "fr", "how much does it hold")
    assert "contenance: 350 ml." in said


@pytest.mark.parametrize(
    ("language", "english", "said"),
    [
        (
            "de",
            "Shall I cancel order K1040 (Fjord vase, green and 2 × Birk tray, blue), so that 71.00 "
            "EUR goes back to your PayPal and your Visa ending in 1234?",
            "Soll ich die Bestellung K1040 (Fjord vase, green und 2 × Birk tray, blue) stornieren? "
            "71,00\xa0€ gehen dann zurück an Ihr PayPal und Ihr Visa (Endziffern 1234).",
        ),
        (
            "fr",
            "Order K1036 (Aster mug, blue; 16.90 EUR) is on its way. It was sent on 1 August 2026.",
            "Votre commande K1036 (Aster mug, blue ; 16,90\xa0€) est en route. Elle a été expédiée "
            "le 1 août 2026.",
        ),
        (
            "zh",
            "Order K1036 is already on its way, so it cannot be cancelled.",
            "订单 K1036 已在途中，所以不能取消。",
        ),
        (
            "es",
            "Like the Aster mug, blue I find Tove mug, pink (12.50 EUR) and Rill tumbler, blue "
            "(6.50 EUR, sold out). Ask me to compare them, or for the details of one.",
            "Parecido a Aster mug, blue encuentro Tove mug, pink (12,50\xa0€) y Rill tumbler, blue "
            "(6,50\xa0€, agotado). Puedo compararlos o darle los detalles de uno.",
        ),
        (
            "ja",
            "All right, nothing was changed. What else can I do for you?",
            "承知しました。何も変更していません。ほかにご用件はございますか。",
        ),
        (
            "pt",
            "I do not find that in the shop's catalogue or help pages. What comes near: “Gift "
            "cards”. Try other words or a photo, or ask for a person and I pass you on.",
            "Não encontro isso no catálogo nem nas páginas de ajuda da loja. O que mais se "
            "aproxima: “Gift cards”. Tente com outras palavras ou com uma foto, ou peça para falar "
            "com uma pessoa.",
        ),
        ("de", "Something that nobody has translated.", None),
    ],
)
def test_sentences_are_said_in_the_language(language: str, english: str, said: str | None) -> None:
    own = catalogued(language)
    assert own is not None and own.say(english) == said


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_said_most_has_no_english_in_it(language: str) -> None:
    decisions = [
        Answer((), "greeting"),
        HandOff("asked", ""),
        HandOff("unhappy", ""),
        HandOff("failed", ""),
        Decline("out_of_scope"),
        Decline("not_found"),
        Ask("email", "Which e-mail address did you order with?"),
    ]
    for decision in decisions:
        _, english = _said(decision, "en")
        spoken, said = _said(decision, language)
        assert spoken == language
        assert said and not set(english.split(". ")) & set(said.split(". "))


def test_a_reply_is_never_a_mix() -> None:
    known = HandOff("asked", "")
    act = Act(action="cancel", arguments={}, key="k", confirmed=True)
    strange = Outcome(True, "Your gnome is repainted.")
    assert _said(act, "de", outcome=strange) == ("en", "Your gnome is repainted.")
    assert _said(known, "de", problems=("The photo is haunted.",))[0] == "en"
    blurred = "The photo is blurred. Please take another photo and hold the camera still."
    assert _said(known, "de", problems=(blurred,))[0] == "de"
    assert _said(known, "en")[0] == "en"


def test_what_is_said_around_an_answer_is_in_its_language() -> None:
    assert (
        asides(["I am sorry for the trouble.", ""], "fr") == "Je suis désolé pour ce désagrément."
    )
    wishes = "Nothing matches “blue”; this is what there is without that wish."
    assert asides([wishes], "de") == "Nichts erfüllt alle Wünsche; das kommt am nächsten."
    assert asides(["", wishes], "en") == wishes


def test_buttons_are_in_the_language_and_mean_the_same() -> None:
    ask = Ask("confirm", "?", (Choice("yes", "Yes"), Choice("K1040", "K1040: a lamp (pending)")))
    said = labelled(ask, "de")
    assert isinstance(said, Ask)
    assert [(c.id, c.label) for c in said.choices] == [
        ("yes", "Ja"),
        ("K1040", "K1040: a lamp (noch nicht verschickt)"),
    ]
    assert labelled(ask, "en") is ask


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
