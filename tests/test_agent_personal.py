"""What is held of a person is given out whole, and gone to the last byte once erased."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from agent import cli
from agent.attachments import Attachment
from agent.build import prepare_home
from agent.config import Settings
from agent.errors import SetupError
from agent.personal import export, find_person
from agent.rules import shipped_rules
from agent.shop import SqlShop
from agent.shop_file import read_shop
from agent.state import FlowState
from agent.store import Store
from agent.store.boxes import conversation_of, receive
from agent.store.feedback import rate
from agent.store.once import claim, settle
from agent.store.openai import remember
from agent.store.personal import erase, forget_older
from agent.types import Answer, Reply
from knowledge.demo import folder

SECRET = "My aunt Philomena hates the marmalade jug"
RECORDING = b"RIFF....WAVE a voice of nobody else"


def jpeg() -> bytes:
    data = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(data, "JPEG")
    return data.getvalue()


def say(store: Store, conversation: str, words: str, attached=()) -> None:
    number = len(store.replies(conversation))
    reply = Reply(
        id=f"{conversation}-{number}",
        conversation=conversation,
        text=f"You said: {words}",
        decision=Answer((), "greeting"),
        intent="greeting",
    )
    store.append(conversation, words, reply, attached)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    prepare_home(settings.home)
    return settings


@pytest.fixture
def shop(settings: Settings):
    shop = SqlShop(settings.orders)
    shop.load(read_shop(folder() / "orders.json"), shipped_rules("demo"))
    yield shop
    shop.close()


@pytest.fixture
def store(settings: Settings):
    store = Store(settings.conversations)
    yield store
    store.close()


@pytest.fixture
def customer(shop: SqlShop):
    return next(iter(shop.export()["users"].values()))


def fill(store: Store, shop: SqlShop, email: str) -> tuple[str, str, bytes]:
    """A conversation of the customer, one of somebody else, and the customer's photo."""
    own, other, photo = store.new_conversation(), store.new_conversation(), jpeg()
    say(store, own, SECRET, [Attachment("photo", photo), Attachment("audio", RECORDING)])
    known = shop.identify(email)
    store.save_flow(own, FlowState(conversation=own, customer=known, last_order="K1"))
    store.hand_off(own, "asked", f"The customer wrote: {SECRET}")
    store.human_reply(own, "Ann", "I read that your aunt Philomena hates it.")
    say(store, other, "I want a lamp, said somebody else")
    return own, other, photo


def everything(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


def run(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["deskhand", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_after_erasing_no_byte_of_a_person_is_left(
    settings, store, shop, customer, monkeypatch, capsys
):
    own, other, photo = fill(store, shop, customer["email"])
    held = everything(settings.home)
    traces = [SECRET.encode(), b"Philomena", RECORDING, photo[40:120], own.encode()]
    assert all(trace in held for trace in traces)
    # The store is still open here, as it is while the page is served.
    assert run(monkeypatch, "privacy", "erase", customer["email"], "--home", settings.home) == 0
    left = everything(settings.home)
    assert not [trace for trace in traces if trace in left]
    assert not store.exists(own) and store.waiting() == []
    assert [words for words, _ in store.transcript(other)] == ["I want a lamp, said somebody else"]
    said = capsys.readouterr().out
    assert "1 conversations are erased" in said
    assert customer["user_id"] in said and all(order in said for order in customer["orders"])
    assert shop.identify(customer["email"]) is not None  # the shop's books stay


def test_export_is_everything_and_nobody_elses(
    settings, store, shop, customer, tmp_path, monkeypatch, capsys
):
    own, other, photo = fill(store, shop, customer["email"])
    out = tmp_path / "out"
    asked = ["privacy", "export", customer["user_id"], "--out", out, "--home", settings.home]
    assert run(monkeypatch, *asked) == 0
    told = json.loads((out / "person.json").read_text())
    assert told["customer"]["email"] == customer["email"]
    assert {order["order_id"] for order in told["orders"]} == set(customer["orders"])
    (talk,) = told["conversations"]
    assert talk["id"] == own and other not in json.dumps(told)
    assert talk["turns"][0]["words"] == SECRET and talk["turns"][0]["reply"]["text"]
    assert SECRET in talk["hand_offs"][0]["summary"]
    files = {kept["kind"]: (out / kept["file"]).read_bytes() for kept in talk["attachments"]}
    assert files == {"photo": photo, "audio": RECORDING}
    assert out.stat().st_mode & 0o077 == 0
    capsys.readouterr()
    assert run(monkeypatch, *asked) == 1 and "cannot be written" in capsys.readouterr().err


def test_somebody_who_only_wrote_an_e_mail_address_is_found_too(store, shop):
    conversation = store.new_conversation()
    say(store, conversation, "It is Someone@Example.org, I never ordered")
    assert find_person(store, shop, "someone@example.org").conversations == (conversation,)
    assert find_person(store, shop, conversation).conversations == (conversation,)
    assert find_person(store, shop, "nobody@example.org").conversations == ()


def test_who_is_not_known_is_a_sentence(settings, monkeypatch, capsys):
    for command in ("erase", "export"):
        extra = ["--out", settings.home / "out"] if command == "export" else []
        asked = ["privacy", command, "nobody@example.org", *extra, "--home", settings.home]
        assert run(monkeypatch, *asked) == 1
        assert "Nothing is held of nobody@example.org" in capsys.readouterr().err


def test_conversations_are_forgotten_with_time(settings, store):
    old, revived, new = (store.new_conversation() for _ in range(3))
    say(store, old, SECRET)
    say(store, revived, "first")
    long_ago = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="microseconds")
    with store.engine.begin() as db:
        db.execute(text("UPDATE conversations SET began_at = :at"), {"at": long_ago})
        db.execute(text("UPDATE turns SET at = :at"), {"at": long_ago})
        db.execute(
            text("UPDATE conversations SET began_at = :at WHERE id = :id"),
            {"at": datetime.now(UTC).isoformat(), "id": new},
        )
    say(store, revived, "still here")
    assert forget_older(store, 32) == 0
    assert forget_older(store, 30) == 1
    assert not store.exists(old) and store.exists(revived) and store.exists(new)
    assert SECRET.encode() not in everything(settings.home)


def test_retention_is_a_setting(monkeypatch):
    monkeypatch.setenv("DESKHAND_RETENTION_DAYS", "30")
    assert Settings.read().retention_days == 30
    monkeypatch.setenv("DESKHAND_RETENTION_DAYS", "0")
    with pytest.raises(SetupError, match="DESKHAND_RETENTION_DAYS"):
        Settings.read()


def test_export_of_two_conversations_keeps_their_files_apart(store, shop, customer, tmp_path):
    for _ in range(2):
        fill(store, shop, customer["email"])
    person = find_person(store, shop, customer["email"])
    assert len(set(export(store, person, tmp_path / "out"))) == 5


def test_what_hangs_on_a_helpdesks_conversation_is_erased_too(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/conversations.db")
    conversation = conversation_of(store, "slack:C1/1")
    receive(store, "slack:e1", "slack:m1", "slack:C1/1", f'{{"text": "{SECRET}"}}')
    reply = store.human_reply(conversation, "Ann", SECRET)
    rate(store, conversation, reply.id, "down", SECRET)
    settle(store, claim(store, "k", "f", conversation), 200, SECRET)
    remember(store, conversation, "digest")
    erase(store, [conversation])
    assert not store.exists(conversation)
    store.close()
    files = b"".join(file.read_bytes() for file in tmp_path.glob("conversations.db*"))
    assert SECRET.encode() not in files and b"slack:C1" not in files
