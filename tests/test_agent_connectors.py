"""Helpdesks: deliveries as the vendors document them, and the vendors' side over real HTTP."""

from __future__ import annotations

import hmac
import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from test_agent_api import here

from agent.agent import Agent
from agent.api import create_app
from agent.config import Helpdesk, Settings
from agent.connectors import routes
from agent.connectors.work import Work, _same_place
from agent.store.boxes import (
    FIRST,
    TRIES,
    conversation_of,
    counts,
    failed,
    messages,
    next_due,
    retry,
)

OLD, NEW = "the-old-secret-0123456789", "the-new-secret-0123456789"
TOKEN, MINUTES = "token-of-the-bot", 60
PRICE = "How much is the blue Aster mug?"
PERSON = "I want to talk to a real person please"


class Vendor(ThreadingHTTPServer):
    """The helpdesk's own server: keeps what it is sent, and serves a photo."""

    daemon_threads = True

    def __init__(self, photo: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.photo = photo
        self.got: list[tuple[str, str, dict, dict]] = []
        self.answers: list[int] = []  # statuses of the next requests; then 200
        self.url = f"http://127.0.0.1:{self.server_port}"


def until(happened: Callable[[], bool]) -> None:
    """Wait for it, at most a minute."""
    deadline = time.monotonic() + 60
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)


class Desk(BaseHTTPRequestHandler):
    server: Vendor

    def _take(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.loads(raw or b"{}")
        status = self.server.answers.pop(0) if self.server.answers else 200
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.command, self.path, headers, body))
        told = {"ok": True, "result": {"file_path": "photos/mug.jpg"}}
        self._say(status, json.dumps(told).encode())

    def do_GET(self) -> None:
        self._say(200, self.server.photo)

    do_POST = do_PUT = _take

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def vendor(customer_photos: dict[str, list[Path]]) -> Iterator[Vendor]:
    with Vendor(customer_photos["kettle-bruno-red"][0].read_bytes()) as vendor:
        threading.Thread(target=vendor.serve_forever, daemon=True).start()
        yield vendor
        vendor.shutdown()


# --- What each vendor sends, and how it signs ---------------------------------------------------

Sent = tuple[dict[str, str], bytes]


def hexed(secret: str, signed: bytes, digest: str = "sha256") -> str:
    return hmac.new(secret.encode(), signed, digest).hexdigest()


def based(secret: str, signed: bytes) -> str:
    return b64encode(hmac.new(secret.encode(), signed, "sha256").digest()).decode()


def webhook(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    files = [f"{url}/photo.jpg"] if "photo" in n else []
    body = {"type": "message", "message": n, "conversation": "c7", "text": text, "files": files}
    raw = json.dumps(body).encode()
    signature = based(secret, f"d{n}.{at}.".encode() + raw)
    named = {"webhook-id": f"d{n}", "webhook-timestamp": str(at)}
    return named | {"webhook-signature": f"v1,AAAA v1,{signature}"}, raw


# The fields are those of the documents that each module names; those nobody reads are left out.


def chatwoot(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    files = [
        {"id": 4, "message_id": int(n[0]), "file_type": "location", "fallback_title": "Home"},
        {
            "id": 5,
            "message_id": int(n[0]),
            "file_type": "image",
            "extension": None,
            "data_url": f"{url}/rails/active_storage/blobs/redirect/x/m.jpg",
            "thumb_url": f"{url}/rails/active_storage/representations/redirect/x/m.jpg",
            "file_size": 4096,
        },
    ]
    body = {
        "event": "message_created",
        "id": int(n[0]),
        "content": text,
        "created_at": "2026-11-01T10:00:00.000Z",
        "message_type": "incoming",
        "content_type": "text",
        "content_attributes": {},
        "private": False,
        "source_id": None,
        "sender": {"id": 9, "name": "Mia", "email": "mia@example.org", "type": "contact"},
        "inbox": {"id": 1, "name": "Website"},
        "conversation": {
            "id": 7,
            "inbox_id": 1,
            "status": "pending",
            "channel": "Channel::WebWidget",
            "can_reply": True,
            "meta": {"sender": {"id": 9, "name": "Mia"}, "assignee": None},
        },
        "account": {"id": 3, "name": "Shop"},
    }
    if "photo" in n:
        body["attachments"] = files
    raw = json.dumps(body).encode()
    return {
        "X-Chatwoot-Timestamp": str(at),
        "X-Chatwoot-Delivery": f"d{n}",
        "X-Chatwoot-Signature": f"sha256={hexed(secret, f'{at}.'.encode() + raw)}",
    }, raw


def slack(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    ts = f"1761990000.00010{n[0]}"
    event: dict[str, Any] = {
        "type": "message",
        "channel": "C7",
        "channel_type": "channel",
        "user": "U1",
        "text": f"<@U0BOT> {text}",
        "ts": ts,
        "thread_ts": "1761990000.000100",
        "event_ts": ts,
    }
    if "photo" in n:
        event |= {"subtype": "file_share", "upload": True}
        event["files"] = [
            {
                "id": "F1",
                "name": "m.jpg",
                "mimetype": "image/jpeg",
                "mode": "hosted",
                "url_private": f"{url}/files-pri/T1-F1/m.jpg",
                "url_private_download": f"{url}/files-pri/T1-F1/download/m.jpg",
            }
        ]
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event": event,
        "event_id": f"Ev{n}",
        "event_time": at,
        "authorizations": [{"team_id": "T1", "user_id": "U0BOT", "is_bot": True}],
    }
    raw = json.dumps(body).encode()
    signature = hexed(secret, f"v0:{at}:".encode() + raw)
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={signature}"}, raw


def telegram(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    mia = {"id": 7, "first_name": "Mia"}
    message: dict[str, Any] = {
        "message_id": int(n[0]),
        "from": mia | {"is_bot": False, "language_code": "en"},
        "chat": mia | {"type": "private"},
        "date": at,
    }
    if "photo" in n:
        sizes = [{"file_id": "small", "width": 90}, {"file_id": "large", "width": 1280}]
        unique = {"file_unique_id": "q", "height": 90, "file_size": 1253}
        message |= {"photo": [size | unique for size in sizes], "caption": text}
    else:
        message |= {"text": text}
    raw = json.dumps({"update_id": 700 + int(n[0]), "message": message}).encode()
    return {"X-Telegram-Bot-Api-Secret-Token": secret}, raw


def zendesk(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    """Words as the ticket event brings them, files as the body of a trigger does."""
    when = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    body: dict[str, Any] = {
        "type": "zen:event-type:ticket.comment_added",
        "account_id": 22129848,
        "id": f"d4f5c389-8f4a-4c2e-a1b9-{n}",
        "time": when,
        "zendesk_event_version": "2022-11-06",
        "subject": "zen:ticket:7",
        "detail": {"id": "7", "status": "OPEN", "requester_id": "8447388090494"},
        "event": {
            "comment": {
                "id": f"987654321{n[0]}",
                "body": text,
                "is_public": True,
                "author": {"id": "8447388090494", "is_staff": False, "name": "Mia"},
            },
            "meta": {"sequence": {"id": "CE4A698A", "position": 1, "total": 1}},
        },
    }
    if "photo" in n:
        body = {"ticket": "7", "text": text, "files": [f"{url}/attachments/token/x/?name=m.jpg"]}
    raw = json.dumps(body).encode()
    return {
        "X-Zendesk-Account-Id": "22129848",
        "X-Zendesk-Webhook-Id": "01F1KRFQ6BG29CNWFR60NK5FNY",
        "X-Zendesk-Webhook-Invocation-Id": f"835020558{n[0]}",
        "X-Zendesk-Webhook-Signature": based(secret, when.encode() + raw),
        "X-Zendesk-Webhook-Signature-Timestamp": when,
    }, raw


def intercom(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    """The first begins the conversation."""
    mia = {"type": "user", "id": "5bc8f7ae2d96695c18a", "name": "Mia", "email": "mia@example.org"}
    files = [
        {"type": "upload", "name": "m.jpg", "url": f"{url}/m.jpg", "content_type": "image/jpeg"}
    ]
    said = {"body": f"<p>{text}</p>", "author": mia, "attachments": files if "photo" in n else []}
    begun = {"type": "conversation", "id": "s1", "delivered_as": "customer_initiated"}
    first = n[0] == "1"
    part = {"type": "conversation_part", "id": n, "part_type": "comment"} | said
    item = {
        "type": "conversation",
        "id": "7",
        "source": begun | (said if first else {"body": "<p>Hi</p>", "attachments": []}),
        "state": "open",
        "conversation_parts": {
            "type": "conversation_part.list",
            "conversation_parts": [] if first else [part],
            "total_count": 0 if first else 1,
        },
    }
    body = {
        "type": "notification_event",
        "app_id": "d90noo0b",
        "data": {"type": "notification_event_data", "item": item},
        "id": f"notif_{n}",
        "topic": "conversation.user.created" if first else "conversation.user.replied",
        "delivery_status": "pending",
        "delivery_attempts": 1,
        "created_at": at,
    }
    raw = json.dumps(body).encode()
    return {"X-Hub-Signature": f"sha1={hexed(secret, raw, 'sha1')}"}, raw


SIGNED: dict[str, Callable[[str, str, str, str, int], Sent]] = {
    "webhook": webhook,
    "chatwoot": chatwoot,
    "slack": slack,
    "telegram": telegram,
    "zendesk": zendesk,
    "intercom": intercom,
}
SAYS = {  # where a reply arrives, how we get in, and where its words stand
    "webhook": ("POST /", "webhook-signature", ("text",)),
    "chatwoot": (
        "POST /api/v1/accounts/3/conversations/7/messages",
        "api_access_token",
        ("content",),
    ),
    "slack": ("POST /api/chat.postMessage", "authorization", ("text",)),
    "telegram": (f"POST /bot{TOKEN}/sendMessage", "", ("text",)),
    "zendesk": ("PUT /api/v2/tickets/7.json", "authorization", ("ticket", "comment", "body")),
    "intercom": ("POST /conversations/7/reply", "authorization", ("body",)),
}


def words_of(name: str, body: dict) -> str:
    value: Any = body
    for part in SAYS[name][2]:
        value = value[part]
    return value


@pytest.fixture(scope="module")
def served(agent: Agent, vendor: Vendor, new_home: Path) -> tuple[TestClient, Work]:
    desk = Helpdesk(secrets=(OLD, NEW), url=vendor.url, token=TOKEN, account="5")
    settings = Settings(home=new_home, helpdesks=dict.fromkeys(SIGNED, desk))
    return here(create_app(agent, settings)), Work(agent, settings.helpdesks)


def deliver(client: TestClient, name: str, sent: Sent) -> int:
    return client.post(f"/v1/helpdesks/{name}", headers=sent[0], content=sent[1]).status_code


@pytest.mark.parametrize("name", SIGNED)
def test_a_customer_is_answered_at_the_helpdesk(
    served: tuple[TestClient, Work], vendor: Vendor, agent: Agent, name: str
) -> None:
    client, work = served
    vendor.got.clear()
    at = int(time.time())
    first = SIGNED[name]("1", PRICE, vendor.url, NEW, at)
    assert [deliver(client, name, first) for _ in range(2)] == [200, 200]
    for n, text, secret in (("2photo", "how much is this?", OLD), ("3", PERSON, NEW)):
        assert deliver(client, name, SIGNED[name](n, text, vendor.url, secret, at)) == 200
    with work.running():
        until(lambda: not messages(agent.store, "inbox") and not messages(agent.store, "outbox"))
    got = vendor.got
    where, door, _ = SAYS[name]
    said = [one for one in got if f"{one[0]} {one[1]}" == where]
    told = [words_of(name, body) for *_, body in said]
    assert "16.90 EUR" in told[0] and "Bruno kettle" in told[1]
    if door:
        assert all(headers.get(door) for _, _, headers, _ in said)
    replies = agent.store.replies(conversation_of(agent.store, channel(name)))
    assert [reply.text for reply in replies] == told[:3]  # once each, in order
    assert agent.store.handed_off(replies[0].conversation) == "open"
    assert len(got) == {"telegram": 4, "chatwoot": 5, "intercom": 5}.get(name, 4)
    assert not messages(agent.store, "inbox") and not messages(agent.store, "outbox")
    bodies = [body for *_, body in got]
    if name == "chatwoot":
        assert {"status": "open"} in bodies and told[3] and said[3][3]["private"]
    if name == "zendesk":
        assert bodies[-1]["ticket"]["status"] == "open"
        assert not bodies[-1]["ticket"]["comment"]["public"]
    if name == "intercom":
        assert {"message_type": "open", "admin_id": "5"} in bodies
        assert bodies[-1]["message_type"] == "note"


def channel(name: str) -> str:
    there = {"webhook": "c7", "chatwoot": "3/7", "slack": "C7/1761990000.000100"}
    return f"{name}:{there.get(name, '7')}"


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_not_signed_by_the_helpdesk_is_refused(
    served: tuple[TestClient, Work], vendor: Vendor, agent: Agent, name: str
) -> None:
    client, _ = served
    now = int(time.time())
    before = counts(agent.store)
    good = SIGNED[name]("9", "hello", vendor.url, NEW, now)
    wrong = SIGNED[name]("9", "hello", vendor.url, "somebody-elses-secret", now)
    refused = [wrong, ({}, good[1])]
    if name != "telegram":  # it signs nothing: its secret stands for whatever it sends
        refused.append((good[0], good[1] + b" "))
    if name not in ("telegram", "intercom"):  # they say no time
        refused += [
            SIGNED[name]("9", "hello", vendor.url, NEW, now + off)
            for off in (-6 * MINUTES, 6 * MINUTES)
        ]
    assert [deliver(client, name, sent) for sent in refused] == [401] * len(refused)
    assert counts(agent.store) == before
    assert client.post("/v1/helpdesks/nobody", content=b"{}").status_code == 404


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b'{"type": "message"}', b'{"event": {}}'])
def test_signed_nonsense_is_no_fault(
    served: tuple[TestClient, Work], name: str, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(routes.VERIFY, name, lambda *signed: None)
    assert deliver(served[0], name, ({}, raw)) in (200, 422)


NOT_A_CUSTOMERS: dict[str, list[dict[str, Any]]] = {
    "chatwoot": [
        {"message_type": "outgoing"},
        {"private": True},
        {"event": "message_updated"},
        {"conversation": {"id": 7, "status": "open"}},  # a person has it
    ],
    "slack": [
        {"event": {"type": "message", "subtype": "message_changed", "channel": "C7", "ts": "1.0"}},
        {"event": {"type": "message", "bot_id": "B1", "channel": "C7", "ts": "1.0", "text": "x"}},
        {"event": {"type": "reaction_added", "user": "U1"}},
    ],
    "telegram": [
        {"message": None, "edited_message": {"message_id": 1}},
        {"message": {"message_id": 1, "chat": {"id": 7}, "from": {"id": 8, "is_bot": True}}},
    ],
    "zendesk": [
        {"type": "zen:event-type:ticket.status_changed"},
        {"event": {"comment": {"id": "1", "body": "x", "is_public": False}}},
        {
            "event": {
                "comment": {"id": "1", "body": "x", "is_public": True, "author": {"is_staff": True}}
            }
        },
    ],
    "intercom": [{"topic": "conversation.admin.replied"}, {"topic": "ping"}],
}


@pytest.mark.parametrize(
    ("name", "changed"), [(name, one) for name, many in NOT_A_CUSTOMERS.items() for one in many]
)
def test_what_no_customer_wrote_is_not_answered(name: str, changed: dict[str, Any]) -> None:
    headers, raw = SIGNED[name]("1", "hello", "https://desk.example", NEW, 0)
    headers = {key.lower(): value for key, value in headers.items()}
    assert routes.PARSE[name](headers, raw)
    assert not routes.PARSE[name](headers, json.dumps(json.loads(raw) | changed).encode())


def test_slack_escapes_what_it_reads_as_marks() -> None:
    body = json.loads(slack("1", "", "", NEW, 0)[1])
    body["event"]["text"] = "<@U0BOT> is <https://shop.example/a|the mug> &lt; 20 &amp; blue?"
    (came,) = routes.PARSE["slack"]({}, json.dumps(body).encode())
    assert came.text == "is the mug < 20 & blue?"


def test_files_are_asked_for_with_the_token_only_at_the_helpdesk() -> None:
    assert _same_place("https://files.slack.com/files-pri/T1-F1/m.jpg", "https://slack.com")
    assert _same_place("https://shop.zendesk.com/attachments/x", "https://shop.zendesk.com/")
    for elsewhere in ("http://slack.com/x", "https://evilslack.com/x", "https://slack.com.x.y/x"):
        assert not _same_place(elsewhere, "https://slack.com")


def test_intercom_may_look_whether_the_address_exists(served: tuple[TestClient, Work]) -> None:
    assert served[0].head("/v1/helpdesks/intercom").status_code == 200
    assert served[0].head("/v1/helpdesks/nobody").status_code == 404


def test_slack_is_told_its_challenge(served: tuple[TestClient, Work]) -> None:
    raw, at = b'{"type": "url_verification", "challenge": "3eZ"}', str(int(time.time()))
    signature = hexed(NEW, f"v0:{at}:".encode() + raw)
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={signature}"}
    answered = served[0].post("/v1/helpdesks/slack", headers=headers, content=raw)
    assert answered.json() == {"challenge": "3eZ"}


def test_a_message_that_is_delivered_anew_is_the_same_message(
    served: tuple[TestClient, Work], vendor: Vendor, agent: Agent
) -> None:
    before = counts(agent.store)[("inbox", "done")]
    raw = json.dumps(
        {"type": "message", "message": "1", "conversation": "c7", "text": "x"}
    ).encode()
    at = str(int(time.time()))
    signature = based(NEW, f"another.{at}.".encode() + raw)
    named = {"webhook-id": "another", "webhook-timestamp": at}
    sent = named | {"webhook-signature": f"v1,{signature}"}
    assert deliver(served[0], "webhook", (sent, raw)) == 200
    assert counts(agent.store)[("inbox", "done")] == before
    assert not messages(agent.store, "inbox")


def test_what_cannot_be_sent_is_tried_again_and_in_the_end_dead(
    served: tuple[TestClient, Work], vendor: Vendor, agent: Agent
) -> None:
    _, work = served
    conversation = conversation_of(agent.store, "webhook:later")
    agent.store.human_reply(conversation, "Ann", "First.")
    agent.store.human_reply(conversation, "Ann", "Second.")
    vendor.got.clear()
    vendor.answers[:] = [503]
    with work.running():
        until(lambda: messages(agent.store, "outbox")[0].tries > 0)
    first, second = messages(agent.store, "outbox")  # the second waits for the first
    assert (first.body, first.tries, second.tries) == ("First.", 1, 0)
    due = datetime.fromisoformat(first.due) - datetime.now(UTC)
    assert 0 < due.total_seconds() <= FIRST
    for _ in range(TRIES - 2):
        assert not failed(agent.store, messages(agent.store, "outbox")[0], "again")
    assert failed(agent.store, messages(agent.store, "outbox")[0], "enough")
    assert next_due(agent.store, "outbox").body == "Second."  # type: ignore[union-attr]
    retry(agent.store, "outbox", second.id)
    assert retry(agent.store, "outbox", None) == 1
    vendor.got.clear()
    with work.running():
        until(lambda: not messages(agent.store, "outbox"))
    got = vendor.got
    assert [body["text"] for *_, body in got] == ["First.", "Second."]
    assert [headers["webhook-id"] for _, _, headers, _ in got] == [first.id, second.id]


def test_what_the_helpdesk_refuses_is_dead_at_once(
    served: tuple[TestClient, Work], vendor: Vendor, agent: Agent
) -> None:
    agent.store.human_reply(conversation_of(agent.store, "zendesk:404"), "Ann", "Hello.")
    vendor.got.clear()
    vendor.answers[:] = [404]
    with served[1].running():
        until(lambda: messages(agent.store, "outbox")[0].state == "dead")
    (dead,) = messages(agent.store, "outbox")
    assert dead.state == "dead" and "404" in dead.error
