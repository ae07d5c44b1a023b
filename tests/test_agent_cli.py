"""The command line: one sentence on stderr and a telling exit code, whatever goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import cli
from agent.config import Settings
from agent.store import Store
from agent.store.boxes import conversation_of, failed, messages


@pytest.fixture
def run(monkeypatch, capsys):
    """Run one command in this process; its exit code and what it printed."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["deskhand", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with a small index."""
    folder = tmp_path_factory.mktemp("home")
    shop = tmp_path_factory.mktemp("shop")
    mug = {"id": "mug", "title": "Aster mug, blue", "price": 16.9, "currency": "EUR", "stock": 42}
    (shop / "products.jsonl").write_text(json.dumps(mug) + "\n[]\n")
    faq = {"question": "How long does delivery take?", "answer": "It takes 3 working days."}
    (shop / "faqs.jsonl").write_text(json.dumps(faq) + "\n")
    subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", "index", shop],
        env=os.environ | {"DESKHAND_HOME": str(folder)},
        check=True,
    )
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["ask"], 1, "Nothing is asked"),
        (["ask", "--photo", "/nowhere.jpg"], 1, "/nowhere.jpg cannot be read"),
        (["index"], 1, "Name the files"),
        (["index", "feed.csv", "--demo"], 1, "holds one shop"),
        (["ask", "hello", "--home", "/proc/nowhere"], 2, "DESKHAND_HOME"),
        (["serve", "--host", "192.0.2.1"], 2, "cannot be listened on"),
        (["serve", "--port", "0"], 2, "DESKHAND_PORT"),
        (["serve", "--host", "0.0.0.0", "--port", "47861"], 2, "`deskhand keys create"),
        (["keys", "create", "shop", "--scope", "everything"], 1, "chat, knowledge, desk, admin"),
        (["keys", "revoke", "nobody"], 1, "no key nobody"),
        (["outbox", "retry", "nothing"], 1, "No message nothing"),
    ],
)
def test_what_goes_wrong_is_one_sentence(run, tmp_path, monkeypatch, arguments, code, sentence):
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    left, _, err = run(*arguments)
    assert left == code
    assert sentence in err and "Traceback" not in err and err.count("\n") == 1


def test_without_an_index_the_command_that_makes_one_is_named(run, tmp_path):
    code, _, err = run("search", "mug", "--home", tmp_path)
    assert code == 2 and "deskhand index" in err


def test_a_fault_is_a_sentence_too(run, monkeypatch):
    def fault(**given):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(cli, "_settings", fault)
    code, _, err = run("ask", "hello")
    assert code == 3 and "ZeroDivisionError" in err and "Traceback" not in err


def test_help_loads_no_model():
    script = (
        "import sys; from agent import cli; "
        "print([m for m in ('torch', 'gradio', 'chromadb', 'transformers') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_ask_as_json_is_the_reply(run, home):
    code, out, _ = run("ask", "How much is the Aster mug?", "--json", "--home", home)
    reply = json.loads(out)
    assert code == 0
    assert "16.90 EUR" in reply["text"]
    assert reply["products"][0]["id"] == "mug"


def test_ask_shows_why_and_the_conversation_goes_on(run, home):
    code, out, _ = run("ask", "How long does delivery take?", "--home", home)
    assert code == 0
    assert "3 working days" in out and "why" in out and "intent rests on" in out
    conversation = out.split("--conversation ")[1].strip()
    code, out, _ = run("ask", "thank you", "--conversation", conversation, "--home", home)
    assert code == 0
    code, _, err = run("ask", "hello", "--conversation", "made-up", "--home", home)
    assert code == 1 and "conversation" in err


def test_chat_goes_on_after_an_error_and_leaves_on_quit(run, home, monkeypatch):
    lines = iter(["How long does delivery take?", "", "/photo /nowhere.jpg", "/new", "/quit"])
    monkeypatch.setattr("builtins.input", lambda *_: next(lines))
    code, out, _ = run("chat", "--home", home)
    assert code == 0
    assert "3 working days" in out
    assert "message is empty" in out and "/nowhere.jpg cannot be read" in out


def test_search_lists_hits(run, home):
    code, out, _ = run("search", "mug", "-k", 1, "--json", "--home", home)
    assert code == 0
    assert [hit["document"]["id"] for hit in json.loads(out)] == ["mug"]
    code, out, _ = run("search", "a mug under 5 euros", "--home", home)
    assert "Only: under 5.00 EUR" in out and "Aster" not in out


def test_index_reports_what_was_left_out(run, home, tmp_path):
    (tmp_path / "feed.jsonl").write_text('{"id": "a", "title": "Oak shelf"}\nnot JSON\n')
    code, out, _ = run("index", tmp_path, "--home", tmp_path / "home")
    assert code == 0
    assert "feed.jsonl: products, one a row" in out
    assert "feed.jsonl:2: not JSON" in out.replace("\n", "") and "1 added" in out
    code, _, err = run("index", tmp_path / "missing", "--home", tmp_path / "home")
    assert code == 1 and "no such file" in err


def test_a_person_lists_shows_replies_and_gives_back(run, tmp_path):
    store, at = Store(f"sqlite:///{tmp_path}/conversations.db"), ("--home", tmp_path)
    conversation = store.new_conversation()
    store.hand_off(conversation, "asked", "customer: \x1b[31ma person please")
    code, out, _ = run("handoffs", "list", *at)
    assert code == 0 and conversation in out and "waits" in out
    code, out, _ = run("handoffs", "show", conversation, *at)
    assert code == 0 and "a person please" in out and "\x1b" not in out
    assert "Suggested reply: Hello, how can I help you?" in out
    assert run("handoffs", "reply", conversation, "I am Ann.", "--person", "Ann", *at)[0] == 0
    assert store.handed_off(conversation) == "taken"
    assert [reply.text for reply in store.replies(conversation)] == ["I am Ann."]
    code, _, err = run("handoffs", "reply", conversation, "Me too.", "--person", "Ben", *at)
    assert code == 1 and "Ann already has" in err
    assert json.loads(run("handoffs", "show", conversation, "--json", *at)[1])["person"] == "Ann"
    assert run("handoffs", "return", conversation, *at)[0] == 0
    assert not store.handed_off(conversation)
    code, _, err = run("handoffs", "show", conversation, *at)
    assert code == 1 and "not handed to a person" in err


def test_doctor_says_what_is_active_and_what_is_broken(run, home, tmp_path):
    code, out, _ = run("doctor", "--json", "--home", home)
    parts = {finding["part"]: finding for finding in json.loads(out)}
    assert code == 0
    assert "1 product" in parts["index"]["detail"]
    assert all(finding["state"] != "broken" for finding in parts.values())
    code, out, _ = run("doctor", "--home", tmp_path)
    assert code == 2 and "deskhand index" in out


def test_keys_are_made_listed_and_revoked(run, tmp_path):
    _, secret, _ = run("keys", "create", "the shop", "--scope", "chat", "--home", tmp_path)
    assert secret.startswith("dh_") and secret.count("\n") == 1
    _, out, _ = run("keys", "list", "--json", "--home", tmp_path)
    (key,) = json.loads(out)
    assert (key["name"], key["scopes"], key["revoked_at"]) == ("the shop", ["chat"], "")
    assert secret.strip().split("_", 2)[2] not in out and "digest" not in out
    assert run("keys", "revoke", key["id"], "--home", tmp_path)[0] == 0
    assert "revoked" in run("keys", "list", "--home", tmp_path)[1]


def test_dead_messages_are_listed_and_tried_again(run, tmp_path):
    store = Store(Settings(home=tmp_path).conversations)
    store.human_reply(conversation_of(store, "slack:C1/1"), "Ann", "This is Ann.")
    failed(store, messages(store, "outbox")[0], "Slack says no", for_good=True)
    _, out, _ = run("outbox", "list", "--home", tmp_path)
    assert "dead" in out and "slack:C1/1" in out and "Slack says no" in out
    assert "1 messages" in run("outbox", "retry", "--home", tmp_path)[1]
    assert messages(store, "outbox")[0].state == "waiting"
    store.close()
