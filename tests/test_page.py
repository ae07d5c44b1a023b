"""What the pages draw and keep, without a browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from agent import types
from agent.agent import Agent
from agent.api.budget import Budgets
from agent.config import Rates
from agent.markup import marked
from agent.page import messages
from agent.page.browsers import Uploads, language_of
from agent.page.evidence import evidence
from agent.page.talk import Sent, Talk, Talks
from agent.page.texts import ENGLISH, Texts
from agent.store import Store
from agent.store.browsers import forget, remember, remembered
from agent.store.keys import create_key, find_key
from agent.store.sessions import begin_session, end_session, find_session
from fusion.types import InputLimits, PrintedText, Transcript, Turn

SAMPLES = Path(__file__).parent / "samples"
SPOKEN = SAMPLES / "audio" / "where_is_my_order.wav"
PHOTO = SAMPLES / "photos" / "customer" / "kettle-bruno-red_3.jpg"
BUDGETS = Budgets(Rates(), InputLimits())
NAMES = {"customer": "me", "address": "192.0.2.7"}
HEARD = Transcript("where is it", "en", 0.5, "pocketsphinx", 0.0, 2.0)


@pytest.mark.parametrize(
    ("text", "quotes", "shown"),
    [
        ("30 days & more", ["30 days"], "<mark>30 days</mark> &amp; more"),
        ("a b c", ["c", "a"], "<mark>a</mark> b <mark>c</mark>"),
        ("a b c", ["a b", "b c"], "<mark>a b</mark> c"),  # what overlaps is marked once
        ("<b>", ["b"], "&lt;<mark>b</mark>&gt;"),
        ("nothing", ["else", ""], "nothing"),
    ],
)
def test_what_was_quoted_is_marked(text: str, quotes: list[str], shown: str) -> None:
    assert marked(text, quotes) == shown


@pytest.mark.parametrize(
    ("words", "transcript", "printed", "typed"),
    [
        ("hello", None, (), "hello"),
        ("hello\nwhere is it", HEARD, (), "hello"),
        ("where is it", HEARD, (), ""),
        ("hello\nwhere is it\nKL-1", HEARD, (PrintedText("KL-1", 1.0, 0),), "hello"),
        ("KL-1", None, (PrintedText("KL-1", 1.0, 0),), ""),
    ],
)
def test_typed_words_are_told_from_spoken_and_printed(
    words: str, transcript: Transcript | None, printed: tuple[PrintedText, ...], typed: str
) -> None:
    heard = types.Heard(
        words=words, transcript=transcript, printed=printed, present=(), problems=(), photos=0
    )
    assert messages.typed(heard) == typed


def test_an_upload_is_deleted_when_nobody_needs_it_any_more(tmp_path: Path) -> None:
    uploads, file = Uploads(), tmp_path / "photo.jpg"
    file.write_bytes(b"photo")
    uploads.add("a", str(file)), uploads.add("b", str(file))
    assert uploads.owned("a", str(file)) and not uploads.owned("c", str(file))
    assert not uploads.owned("", str(file))
    uploads.drop("a", str(file))
    assert file.exists() and not uploads.owned("a", str(file))
    uploads.drop("b", str(file))
    assert not file.exists()


def test_a_browser_finds_its_own_conversation_only(database: str) -> None:
    store = Store(database)
    first, second = store.new_conversation(), store.new_conversation()
    remember(store, "a", first)
    assert (remembered(store, "a"), remembered(store, "b")) == (first, "")
    remember(store, "a", second)
    assert remembered(store, "a") == second
    forget(store, "a")
    assert remembered(store, "a") == ""
    store.close()


def test_who_logs_in_under_a_name_that_another_one_has_is_another_person(database: str) -> None:
    store = Store(database)
    key = find_key(store, create_key(store, "desk", ["desk"]))
    assert key is not None
    first, second, third = (begin_session(store, key, "Ann") for _ in range(3))
    sessions = [find_session(store, cookie) for cookie in (first, second, third)]
    assert [one and one.person for one in sessions] == ["Ann", "Ann (2)", "Ann (3)"]
    end_session(store, first)
    again = find_session(store, begin_session(store, key, "Ann"))
    assert again and again.person == "Ann"
    store.close()


def test_corrected_words_count_and_the_recording_is_kept(agent: Agent, tmp_path: Path) -> None:
    recording = tmp_path / "voice.wav"
    recording.write_bytes(SPOKEN.read_bytes())
    uploads = Uploads()
    uploads.add("me", str(recording))
    talks, talk = Talks(agent, uploads, BUDGETS), Talk(browser="me")
    assert talks.listen(talk, str(recording), NAMES) == ""
    assert talk.heard and "order" in talk.heard.text
    sent = Sent(corrected="How long do I have to return something?")
    *_, last = talks.answered(talk, sent, NAMES)
    assert last.reply and "30 days" in last.reply.text
    assert last.reply.transcript and last.reply.transcript.text == sent.corrected
    assert [one.kind for one in agent.store.attached(talk.conversation)] == ["audio"]
    assert not recording.exists() and not talk.recording
    assert "30 days" in evidence(ENGLISH, last.events, agent.knowledge)
    again = talks.restored("me")
    assert again.conversation == talk.conversation and sent.corrected in again.drawn
    assert talks.restored("other").drawn == ""


def test_a_recording_waits_while_something_else_is_asked(agent: Agent, tmp_path: Path) -> None:
    recording = tmp_path / "voice.wav"
    recording.write_bytes(SPOKEN.read_bytes())
    uploads = Uploads()
    uploads.add("me", str(recording))
    talks, talk = Talks(agent, uploads, BUDGETS), Talk(browser="me")
    talks.listen(talk, str(recording), NAMES)
    *_, last = talks.answered(talk, Sent("How long do I have to return something?"), NAMES)
    assert last.reply and last.reply.transcript is None
    assert recording.exists() and talk.heard
    (refused,) = talks.answered(talk, Sent(corrected="  "), NAMES)
    assert refused.failed and "recording" in refused.now
    talks.discard(talk)
    assert not recording.exists()


def test_a_recording_among_the_photos_is_heard(agent: Agent, tmp_path: Path) -> None:
    recordings = [tmp_path / "voice.wav", tmp_path / "another.wav"]
    uploads = Uploads()
    for recording in recordings:
        recording.write_bytes(SPOKEN.read_bytes())
        uploads.add("me", str(recording))
    talks, talk = Talks(agent, uploads, BUDGETS), Talk(browser="me")
    *_, last = talks.answered(talk, Sent(files=(str(recordings[0]),)), NAMES)
    assert last.reply and last.reply.transcript and "order" in last.reply.transcript.text
    assert last.reply.intent == "order_status"
    assert "Your recording" in talk.drawn
    for recording in recordings:
        recording.write_bytes(SPOKEN.read_bytes())
        uploads.add("me", str(recording))
    (refused,) = talks.answered(talk, Sent(files=tuple(map(str, recordings))), NAMES)
    assert refused.failed and "one recording at a time" in refused.now


def test_another_browsers_upload_is_not_read(agent: Agent, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"theirs")
    uploads = Uploads()
    uploads.add("them", str(photo))
    talk = Talk(browser="me")
    talks = Talks(agent, uploads, BUDGETS)
    (refused,) = talks.answered(talk, Sent("hello", files=(str(photo),)), NAMES)
    assert refused.failed and "not there any more" in refused.now
    assert photo.exists() and talk.said == []


@pytest.mark.parametrize(
    ("rates", "file", "spent"),
    [
        (Rates(customer_photos="1/hour"), PHOTO, 1),
        (Rates(address_photos="1/minute"), PHOTO, 1),
        (Rates(customer_sound="3/hour"), SPOKEN, 2),  # of 1.5 seconds each
    ],
)
def test_photos_and_sound_are_counted_as_over_http(
    agent: Agent, tmp_path: Path, rates: Rates, file: Path, spent: int
) -> None:
    uploads = Uploads()
    talks = Talks(agent, uploads, Budgets(rates, agent.input_limits))
    talk = Talk(browser="me", tell=Texts("de"))

    def sent() -> str:
        """What is wrong with one more of the file."""
        upload = tmp_path / file.name
        upload.write_bytes(file.read_bytes())
        uploads.add("me", str(upload))
        if file is SPOKEN:
            wrong = talks.listen(talk, str(upload), NAMES)
            if not wrong:  # heard before, it is not counted again
                *_, last = talks.answered(talk, Sent(corrected="Wo ist sie?"), NAMES)
                assert last.reply
            return wrong
        *_, last = talks.answered(talk, Sent("Was kostet das?", files=(str(upload),)), NAMES)
        return last.now if last.failed else ""

    assert [sent() for _ in range(spent)] == [""] * spent
    said = len(talk.said)
    wrong = sent()
    assert "viel in kurzer Zeit" in wrong and "Min." in wrong
    assert len(talk.said) == said and (tmp_path / file.name).exists()
    *_, last = talks.answered(talk, Sent("Wie lange kann ich etwas zurückgeben?"), NAMES)
    assert last.reply  # words are not held up


def test_what_is_drawn_is_escaped(agent: Agent) -> None:
    bad = "<script>alert(1)</script>\"'"
    card = types.ProductCard(
        id=bad, title=bad, url="javascript:alert(1)", price=1.0, currency=bad, stock=1, photo="x"
    )
    reply = types.Reply(
        id=bad,
        conversation="c",
        text=bad,
        decision=types.Ask("product", bad, (types.Choice(bad, bad, "x"),)),
        intent="i",
        products=(card,),
        notes=(bad + "!",),
    )
    drawn = messages.reply(ENGLISH, reply, agent.knowledge, "down", True)
    drawn += messages.choices(ENGLISH, reply.decision, ())
    drawn += messages.customer(ENGLISH, bad, [bad], bad, [bad])
    chips = (types.Chip(id=bad, label=bad),)
    drawn += messages.choices(ENGLISH, replace(reply.decision, choices=()), chips)
    assert "<script" not in drawn and "javascript:" not in drawn and "\"'" not in drawn


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("de-CH,de;q=0.9,en;q=0.8", "", "de"),
        ("nl-BE, nl;q=0.9, fr;q=0.8", "", "fr"),
        ("zh-TW", "", "zh"),
        ("de", "ja", "ja"),
        ("de", "xx", "de"),
        ("sv;q=0.9,*;q=0.5", "", "en"),
        ("", "", "en"),
    ],
)
def test_the_language_is_what_was_chosen_or_the_first_that_the_browser_wishes(
    accepted: str, chosen: str, language: str
) -> None:
    headers = {"accept-language": accepted, "cookie": f"deskhand_language={chosen}"}
    assert language_of(Headers(headers)) == language


def test_a_reply_is_drawn_without_a_word_of_english(agent: Agent) -> None:
    said = "Haben Sie eine blaue Tasse unter 20 Euro?"
    *events, done = agent.reply(Turn(said), agent.store.new_conversation())
    german = Texts("de")
    drawn = messages.reply(german, done.reply, agent.knowledge, "down", True)
    for shown in ("16,90\xa0€", "42 auf Lager", "Steinzeug", "Vorlesen", "Was war falsch?", "grün"):
        assert shown in drawn
    for english in ("in stock", "Why", "Show me", "EUR", "stoneware", ">Not "):
        assert english not in drawn
    assert 'class="words" lang="de"' in drawn
    panel = evidence(german, [*events, done], agent.knowledge)
    assert "Produktsuche" in panel and "nach Sinn" in panel and "insgesamt" in panel
    assert "What " not in panel and "by meaning" not in panel
