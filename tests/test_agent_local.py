"""Answers in the customer's language."""

import ast
import io
import re
import wave as wavfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from babel.messages.pofile import read_po
from PIL import Image

from agent.agent import Agent
from agent.catalogue import FOLDER, catalogued
from agent.compose import BuiltinComposer
from agent.find import Findings
from agent.local import UNNAMED, asides, in_language, labelled, nameable, noted
from agent.page.evidence import PARTS, RANKS
from agent.state import Part
from agent.types import (
    Act,
    Answer,
    Ask,
    Choice,
    Comparison,
    Decline,
    HandOff,
    Outcome,
    Related,
    Reply,
)
from fusion.languages import LANGUAGES, detect
from fusion.model import INTENTS
from fusion.perceive import perceive
from fusion.types import InputLimits, Percept, Turn
from knowledge.filters import COLORS, MATERIALS, SIZES
from knowledge.types import Document, Hit

ROOT = Path(__file__).parent.parent
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
    "agent/address",
    "agent/articles",
    "agent/asides",
    "agent/changes",
    "agent/chat",
    "agent/compose",
    "agent/events",
    "agent/flows",
    "agent/lookup",
    "agent/mood",
    "agent/policy",
    "agent/readback",
    "agent/relating",
    "agent/rules",
    "agent/slots",
    "agent/steps",
    "agent/store/lease",
    "agent/store/turns",
    "agent/telling",
    "fusion/audio",
    "fusion/decoder",
    "fusion/media",
    "fusion/one_at_a_time",
    "fusion/perceive",
    "fusion/photo",
    "fusion/quality",
]
"""The modules whose sentences customers hear."""

PAGE = ["chat", "evidence", "messages", "talk"]
"""The modules of agent/page/ whose texts customers read."""

LOGGED = {"Conversation %s: %s", "An upload was deleted before it was used.", "Retry-After"}

NOT_THEIRS = {
    "agent/acting",
    "agent/agent",  # the name of a turn, which programs give
    "agent/api/access",
    "agent/api/live",
    "agent/api/openai",
    "agent/api/photos",
    "agent/api/staff",
    "agent/api/turns",
    "agent/brief",
    "agent/documents",
    "agent/intents",
    "agent/jsonl",
    "agent/lab",
    "agent/language_checks",
    "agent/mood",
    "agent/search",
    "agent/store/__init__",
    "agent/store/boxes",
    "agent/store/desk",
    "agent/store/feedback",  # a rating of what was erased is passed over in silence
    "agent/store/keys",
    "agent/store/once",
    "agent/store/personal",
    "agent/training",
    "fusion/intents",
    "fusion/train_damage",
    "fusion/whisper_files",
}
"""Modules whose errors are read by the shop's people and by programs, never by customers."""

OTHERWISE = {  # said in other words by agent/local.py, or in a catalogue in all its forms
    "\0 What are you looking for?",
    "Ask me for something similar if you like, or for another colour.",
    "In stock I find it in \0.",
    "There is also \0.",
    "I do not find the \0 in \0.",
    "Shall I \0 it?",
    "The rules \0: \0: \0.",  # for the shop, as are the next two
    "A worker failed on a %s of %d bytes and is replaced (exit status %s, %r).",
    "The decoder did not start ; `\0` says why.",
}


def _percept(language: str, problems: tuple[str, ...] = ()) -> Percept:
    return Percept("x", "x", None, (), {}, {}, problems, language=language)


def _hits(document: Document) -> tuple[Hit, ...]:
    return (Hit(document, 0.9, {}, 0, len(document.text)),)


def _said(decision, language: str, words: str = "", outcome=None, problems=()) -> tuple[str, str]:
    """The language of the reply, and its text."""
    spoken, drafts = _composed(decision, language, words, outcome, problems)
    return spoken, drafts[0].text


def _composed(decision, language: str, words: str = "", outcome=None, problems=()):
    hits = decision.hits if isinstance(decision, Answer) else ()
    draft = BuiltinComposer().compose(decision, outcome, hits, (), words)
    percept = _percept(language, problems)
    part = Part(decision, Findings(tuple(hits), words), outcome)
    return in_language(percept, [part], [draft])


def _messages(language: str) -> dict[tuple[str, str], str]:
    """Context and id of each message, and its translation."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return {
            (m.context or "", m.id if isinstance(m.id, str) else m.id[0]): m.string or ""
            for m in read_po(file)
            if m.id
        }


def _spoken() -> Iterator[str]:
    """The sentences in the source of SPEAKING, with \0 for what varies."""
    for name in SPEAKING:
        tree = ast.parse((ROOT / f"{name}.py").read_text("utf-8"))
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
                if name == "fusion/quality" and one.startswith("is "):
                    one = f"\0 {one}"  # "The photo is too dark."
                if re.match(r"[A-Z\0]", one) and one[-1] in ".?!" and len(words) > 1:
                    yield one


def _is_among(sentence: str, ids: set[str]) -> bool:
    bare = sentence.lstrip("\0 ")
    pattern = (".*" if bare != sentence else "") + ".*".join(map(re.escape, bare.split("\0")))
    return any(re.fullmatch(pattern, id) or _stands_for(id, bare) for id in ids)


def _stands_for(id: str, sentence: str) -> bool:
    return "…" in id and bool(
        re.fullmatch(".+".join(map(re.escape, id.split("…"))), sentence, re.S)
    )


def test_every_sentence_that_customers_hear_is_in_the_catalogues() -> None:
    ids = {re.sub(r"%\(\w+\)s", "…", id) for context, id in _messages("de") if not context}
    ids |= {part for id in ids for part in re.split(r"(?<=[.?!])\s+", id)}
    missing = {one for one in _spoken() if one not in OTHERWISE and not _is_among(one, ids)}
    assert len(set(_spoken())) > 100
    assert not missing, f"without a translation: {sorted(missing)}"


def test_whatever_raises_an_error_of_customers_is_spoken_or_not_theirs() -> None:
    """Who raises one in another module says here who reads it."""
    errors = {"BadInput", "Busy", "NotFound"}
    raising = set()
    for path in sorted((*(ROOT / "agent").rglob("*.py"), *(ROOT / "fusion").rglob("*.py"))):
        calls = (n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call))
        if any(isinstance(call.func, ast.Name) and call.func.id in errors for call in calls):
            raising.add(str(path.relative_to(ROOT).with_suffix("")))
    raising -= {name for name in raising if name.startswith(("agent/cli/", "agent/connectors/"))}
    page = {f"agent/page/{name}" for name in (*PAGE, "desk")}  # the desk is the shop's people's
    assert raising - page == (raising & set(SPEAKING)) | NOT_THEIRS


def _page_texts() -> Iterator[str]:
    """What begins like a text in the source of PAGE, and the words that are shown for values."""
    for name in PAGE:
        tree = ast.parse((ROOT / f"agent/page/{name}.py").read_text("utf-8"))
        nodes = list(ast.walk(tree))
        docs = {id(n.value) for n in nodes if isinstance(n, ast.Expr)}
        parts = {id(v) for n in nodes if isinstance(n, ast.JoinedStr) for v in n.values}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_text = re.match(r"(?:[A-Z]\w* ?[a-z]|only |out of |%)[^<>=/]*$", node.value)
                if is_text and id(node) not in docs | parts:
                    yield node.value
    yield from (*PARTS.values(), *RANKS.values(), *(one.replace("_", " ") for one in INTENTS))
    yield from ("product", "faq", "policy", "Chat with us", "Close the chat")
    yield from ("decode", "voice", "print", "photo", "words")  # the stages of a turn
    yield from ("understand", "find", "decide", "compose")


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_of_the_page_is_in_the_catalogues_and_nothing_else(language: str) -> None:
    with (FOLDER / f"{language}.po").open("rb") as file:
        own = {m.id: m.string for m in read_po(file) if m.context == "page"}
    texts = set(_page_texts()) - LOGGED
    assert len(texts) > 100
    assert {text for text in texts if not own.get(text)} == set()
    assert set(own) - texts == set()
    values = re.compile(r"%\(\w+\)s")
    assert all(sorted(values.findall(id)) == sorted(values.findall(own[id])) for id in own)


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_lacks_a_translation(language: str) -> None:
    ids = {id for other in OTHERS for id in _messages(other)}
    own = _messages(language)
    assert not {id for id in ids if not own.get(id)}
    for (_, id), said in own.items():
        kept = said if isinstance(said, str) else said[-1]
        lost = set(re.findall(r"%\(\w+\)s", id)) ^ set(re.findall(r"%\(\w+\)s", kept))
        assert lost <= {"%(thing)s", "%(fields)s", "%(names)s"}, (id, kept)


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
    assert "Contenance : 350 ml." in said


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
    assert _said(known, "de")[0] == "de" and _said(known, "en")[0] == "en"


def test_what_failed_in_a_way_without_words_is_named_in_general() -> None:
    blurred = "The photo is blurred. Please take another photo and hold the camera still."
    haunted = "The photo is haunted."
    assert nameable(_percept("en", (haunted,))).problems == (haunted,)
    for language in OTHERS:
        first, second = nameable(_percept(language, (blurred, haunted))).problems
        assert first == blurred and second == UNNAMED
        assert not {first, second} & set(noted([first, second], language))


def test_what_is_said_around_an_answer_is_in_its_language() -> None:
    assert (
        asides(["I am sorry for the trouble.", ""], "fr") == "Je suis désolé pour ce désagrément."
    )
    wishes = "Nothing matches “blue”; this is what there is without that wish."
    assert asides([wishes], "de") == (
        "Dafür finde ich nichts: blau. Ohne diesen Wunsch gibt es dies."
    )
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


@pytest.mark.parametrize(
    ("language", "english", "said"),
    [
        ("de", "under 40.00 EUR", "unter 40,00\xa0€"),
        ("fr", "between 10.00 and 25.50 EUR", "entre 10,00 et 25,50\xa0€"),
        ("es", "over 5.00 and under 40.00 EUR", "más de 5,00 y menos de 40,00\xa0€"),
        ("zh", "not plastic or metal", "不要塑料或金属"),
        ("ja", "blue or green", "青または緑"),
        ("pt", "at least 40 cm in height", "pelo menos 40 cm (altura)"),
        ("de", "4.5 stars or more", "4,5 Sterne oder mehr"),
        ("de", "size M", "Größe M"),
        ("fr", "in stock", "en stock"),
    ],
)
def test_wishes_are_said_in_the_language(language: str, english: str, said: str) -> None:
    own = catalogued(language)
    assert own is not None and own.wish(english) == said


def test_every_wish_of_a_colour_a_material_or_a_size_has_words() -> None:
    plain = COLORS | MATERIALS | SIZES
    for language in OTHERS:
        own = _messages(language)
        assert not {wish for wish in plain if ("", wish) not in own}, language


@pytest.mark.parametrize(
    ("language", "english", "said"),
    [
        ("de", "stoneware and wood", "Steinzeug und Holz"),
        ("fr", "1.5 l", "1,5 l"),
        ("de", "Ø 7.5 x 13 cm", "Ø 7,5 x 13 cm"),
        ("zh", "True", "是"),
        ("ja", "16.90 EUR", "€16.90"),
        ("es", "Wipe with a damp cloth.", "Wipe with a damp cloth."),
    ],
)
def test_values_of_fields_are_said_where_all_of_them_is_known(
    language: str, english: str, said: str
) -> None:
    own = catalogued(language)
    assert own is not None and own.value(english) == said


def test_a_comparison_is_in_the_language() -> None:
    other = replace(MUG, id="tove", title="Tove mug", stock=0, attributes={"color": "green"})
    _, drafts = _composed(
        Answer((*_hits(MUG), *_hits(other)), "", related=Related("compare")), "de"
    )
    assert drafts[0].comparison == Comparison(
        products=("Aster mug, blue", "Tove mug"),
        rows=(
            ("Lagerbestand", "1", "ausverkauft"),
            ("Farbe", "blau", "grün"),
            ("Fassungsvermögen", "350 ml", ""),
        ),
    )


@pytest.mark.parametrize(
    "problem",
    [
        "Photo 2: The photo is damaged or incomplete and could not be read. Please send it again.",
        "Photo 3 is too small (40 pixels) to see what is in it. Please take another photo, or send "
        "a larger one.",
        "The video is blurred. Please take another video and hold the camera still.",
        "The recording is 20 MB; at most 15 MB can be read. Please send a smaller one.",
        "The photo could not be read: the file is PDF. Please send a JPEG, PNG, WebP or GIF "
        "picture.",
        "I could not hear a question in the recording. It is very quiet; please speak closer to "
        "the microphone.",
        "The chat model could not be reached, so the built-in composer answered.",
    ],
)
def test_what_failed_is_named_in_every_language(problem: str) -> None:
    assert all(noted([problem], language) != (problem,) for language in OTHERS)


CUT_OFF = (ROOT / "tests/samples/audio/jfk.mp3").read_bytes()[:9_000]
SILENCE = np.zeros(16_000, np.float32)


def _wav(wave: np.ndarray) -> bytes:
    out = io.BytesIO()
    with wavfile.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((wave * 32_767).astype("<i2").tobytes())
    return out.getvalue()


def _png(grey: int, side: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (side, side), grey).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("turn", "limits", "english"),
    [
        (Turn(photos=(b"",)), {}, "empty (0 bytes)"),
        (Turn(photos=(b"%PDF-1.7", b"what is this")), {}, "Photo 1"),
        (Turn(photos=(_png(128, 64)[:60],)), {}, "damaged or incomplete"),
        (Turn(photos=(_png(128, 64),)), {"photo_bytes": 50}, "at most 0 kB"),
        (Turn(photos=(_png(128, 2000),)), {"photo_pixels": 2_000_000}, "at most 2 million"),
        (Turn(photos=(_png(4, 300),)), {}, "too dark"),
        (Turn(photos=(_png(255, 300), _png(128, 12))), {}, "too small"),
        (Turn(photos=(_png(128, 300),) * 3), {"photos": 2}, "Only the first 2 of your 3"),
        (Turn(audio=b""), {}, "empty (0 bytes)"),
        (Turn(audio=b"GIF89a"), {}, "the file is GIF"),
        (Turn(audio=_wav(SILENCE)), {}, "could not hear a question"),
        (Turn(audio=_wav(SILENCE)), {"audio_seconds": 0.2}, "longer than"),
        (Turn(audio=_wav(SILENCE)), {"audio_bytes": 9_000}, "32 kB; at most 9 kB"),
        (Turn(audio=CUT_OFF), {}, "cut off"),
        (Turn(video=b"BM"), {}, "the file is BMP"),
        (Turn(video=b"\x1a\x45\xdf\xa3" + bytes(40)), {}, "damaged or incomplete"),
    ],
)
def test_what_cannot_be_read_is_said_in_every_language(
    agent: Agent, turn: Turn, limits: dict[str, Any], english: str
) -> None:
    """Of files as they come, with every figure in its place."""
    problems = perceive(turn, (), agent.encoders, replace(InputLimits(), **limits)).problems
    assert any(english in problem for problem in problems)
    for language in OTHERS:
        for problem, told in zip(problems, noted(problems, language), strict=True):
            assert told != problem and not re.search(r"\b(the|is|please|of)\b", told, re.I), told
            lost = set(re.findall(r"\d+", problem)) - set(re.findall(r"\d+", told))
            assert all(f"{figure}00" in told for figure in lost), (problem, told)  # 5 million


def test_a_turn_without_words_is_answered_in_the_language_of_its_page(agent: Agent) -> None:
    def told(turn: Turn) -> Reply:
        *_, done = agent.reply(turn, agent.store.new_conversation())
        return done.reply

    dark = told(Turn(photos=(_png(4, 300),), language="zh"))
    assert dark.language == "zh" and "照片太暗了" in dark.text and "The" not in dark.text
    assert not re.search("[a-z]{4}", " ".join(dark.notes))
    assert told(Turn("K1040", language="de")).language == "de"
    assert told(Turn("how much is the Aster mug in blue?", language="ja")).language == "en"
    assert told(Turn("Was kostet die blaue Tasse?", language="fr")).language == "de"


def test_a_problem_without_words_is_not_said_by_halves() -> None:
    assert noted(["Photo 2: The photo is haunted."], "de") == ("Photo 2: The photo is haunted.",)


# --- With the whole agent -----------------------------------------------------------------------


@pytest.fixture
def talk(agent):
    conversation = agent.store.new_conversation()

    def say(text: str = "", *choices: str):
        *_, done = agent.reply(Turn(text, choices=choices), conversation)
        return done.reply

    return say


def test_an_order_is_cancelled_in_german(agent, talk):
    asked = talk("Hallo, bitte stornieren Sie meine Bestellung K1040")
    assert asked.text == "Mit welcher E-Mail-Adresse haben Sie bestellt?"
    assert "stornieren möchten" in talk("greta.hoffmann@example.com").text
    confirm = talk("ich brauche sie nicht mehr")
    assert confirm.decision.kind == "ask" and confirm.decision.slot == "confirm"
    assert confirm.text.startswith("Soll ich die Bestellung K1040 (Fjord vase, green und")
    assert [choice.label for choice in confirm.decision.choices] == ["Ja", "Nein"]
    assert agent.shop.order("K1040").status == "pending"
    done = talk("ja, bitte")
    assert done.decision.kind == "act" and agent.shop.order("K1040").status == "cancelled"
    assert done.text.startswith("Die Bestellung K1040 ist storniert; 79,90\xa0€ gehen")
    assert "Ihre Bestellung K1040" in talk("wo ist meine Bestellung K1040?").text


def test_a_no_in_german_changes_nothing_and_a_button_is_german(agent, talk):
    talk("Ich möchte meine Bestellung K1039 stornieren")
    talk("wout.janssens@example.com")
    talk("", "skip")
    assert talk("nein, doch nicht").text.startswith("In Ordnung, es wurde nichts geändert.")
    assert agent.shop.order("K1039").status == "pending"


def test_an_order_is_cancelled_in_japanese_by_a_button(agent, talk):
    talk("注文K1037をキャンセルしたい")
    talk("sanne.de.vries@example.com")
    confirm = talk("もう必要ありません")
    assert "K1037" in confirm.text and "キャンセルしてよろしいですか" in confirm.text
    assert "キャンセルされました" in talk("", "yes").text
    assert agent.shop.order("K1037").status == "cancelled"


def test_articles_are_returned_in_portuguese(agent, talk):
    talk("quero devolver o pedido K1031")
    assert "Que artigos do pedido K1031" in talk("emma.maes@example.com").text
    assert talk("todos").decision.slot == "reason"
    assert talk("chegou quebrado").decision.slot == "confirm"
    done = talk("sim")
    assert done.decision.kind == "act" and "está registrada" in done.text
    assert agent.shop.order("K1031").status == "returned"


def test_a_wish_in_chinese_is_a_filter(talk):
    reply = talk("不到20欧元的蓝色杯子")
    assert {chip.label for chip in reply.wishes} == {"低于 €20.00", "蓝色"}
    assert reply.products[0].id.startswith("mug-aster-blue")
    assert "件现货" in reply.text and "€" in reply.text and " is " not in reply.text
    assert talk("有没有绿色的？").products[0].id.startswith("mug-aster-green")


def test_a_price_in_a_currency_the_shop_does_not_take_is_given_up_and_said(talk):
    reply = talk("不到30元的蓝色杯子")
    assert reply.products and "以下是不考虑“低于 ¥30.00”的结果" in reply.text


def test_a_turn_of_two_languages_is_answered_in_that_of_its_grammar(talk):
    reply = talk("这个 mug 有蓝色的吗?")
    assert reply.products[0].id.startswith("mug-") and "件现货" in reply.text


def test_a_question_of_the_help_pages_is_answered_in_french(talk):
    reply = talk("Bonjour, combien de jours ai-je pour retourner un article ?")
    assert reply.citations[0].document == "faq-returns-window"
    assert "La boutique écrit, dans sa langue" in reply.text


def test_products_are_compared_in_german(talk):
    reply = talk("Vergleichen Sie die Aster mug und die Tove mug")
    assert reply.comparison is not None and len(reply.products) == 2
    assert reply.text.startswith("Ich vergleiche, in dieser Reihenfolge: Aster mug")
    assert "Preis: 16,90\xa0€ / 18,50\xa0€." in reply.text


def test_a_complaint_in_spanish_comes_to_a_person(talk):
    assert talk("Quiero presentar una queja").text.endswith("Lo siento. ¿Qué ha pasado?")
    assert "¿Qué lo arreglaría" in talk("llegó tarde y nadie contesta el teléfono").text
    assert talk("que me devuelvan el dinero").decision.kind == "handoff"


def test_whoever_changes_the_language_is_answered_in_the_new_one(talk):
    assert "€" in talk("Was kostet die blaue Tasse von Aster?").text
    assert "EUR" in talk("and how much is the green one?").text


@pytest.mark.parametrize("words", ["terracota plantr", "aster mugg blu", "retrun polcy"])
def test_slips_of_the_pen_are_answered_in_english(talk, words):
    assert detect(talk(words).text) == "en"
