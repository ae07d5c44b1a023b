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
from agent.connectors.work import Work
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

    def until(self, count: int) -> list[tuple[str, str, dict, dict]]:
        deadline = time.monotonic() + 60
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.got


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


def chatwoot(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    files = [{"id": 1, "file_type": "image", "data_url": f"{url}/rails/photo.jpg"}]
    body = {
        "event": "message_created",
        "id": n,
        "content": text,
        "message_type": "incoming",
        "content_type": "text",
        "private": False,
        "attachments": files if "photo" in n else None,
        "account": {"id": 3, "name": "Shop"},
        "conversation": {"id": 7, "status": "pending", "inbox_id": 1},
        "sender": {"id": 9, "name": "Mia", "email": "mia@example.org"},
    }
    raw = json.dumps(body).encode()
    return {
        "X-Chatwoot-Timestamp": str(at),
        "X-Chatwoot-Delivery": f"d{n}",
        "X-Chatwoot-Signature": f"sha256={hexed(secret, f'{at}.'.encode() + raw)}",
    }, raw


def slack(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    files = [{"id": "F1", "mimetype": "image/jpeg", "url_private_download": f"{url}/files/m.jpg"}]
    event: dict[str, Any] = {"type": "message", "channel": "C7", "user": "U1", "text": text}
    event |= {"ts": f"17.{n}", "thread_ts": "17.0", "event_ts": f"17.{n}"}
    if "photo" in n:
        event |= {"subtype": "file_share", "files": files}
    body = {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{n}", "event": event}
    raw = json.dumps(body).encode()
    signature = hexed(secret, f"v0:{at}:".encode() + raw)
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={signature}"}, raw


def telegram(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    message: dict[str, Any] = {"message_id": n, "date": at, "chat": {"id": 7, "type": "private"}}
    message |= {"from": {"id": 7, "is_bot": False, "first_name": "Mia"}}
    if "photo" in n:
        sizes = [{"file_id": "small", "width": 90}, {"file_id": "large", "width": 1280}]
        message |= {"photo": sizes, "caption": text}
    else:
        message |= {"text": text}
    raw = json.dumps({"update_id": f"u{n}", "message": message}).encode()
    return {"X-Telegram-Bot-Api-Secret-Token": secret}, raw


def zendesk(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    files = [f"{url}/attachments/m.jpg"] if "photo" in n else []
    raw = json.dumps({"ticket": "7", "comment": n, "text": text, "files": files}).encode()
    when = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return {
        "X-Zendesk-Webhook-Signature": based(secret, when.encode() + raw),
        "X-Zendesk-Webhook-Signature-Timestamp": when,
        "X-Zendesk-Webhook-Invocation-Id": f"d{n}",
    }, raw


def intercom(n: str, text: str, url: str, secret: str, at: int) -> Sent:
    files = [{"type": "upload", "name": "m.jpg", "url": f"{url}/files/m.jpg"}]
    part = {"id": n, "part_type": "comment", "body": f"<p>{text}</p>"}
    part |= {"attachments": files if "photo" in n else []}
    parts = {"type": "conversation_part.list", "conversation_parts": [part], "total_count": 1}
    item = {"type": "conversation", "id": "7", "source": {"id": "s"}, "conversation_parts": parts}
    body = {"type": "notification_event", "id": f"notif_{n}", "created_at": at}
    body |= {"topic": "conversation.user.replied", "data": {"item": item}}
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
CHATWOOT = "/api/v1/accounts/3/conversations/7"
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
        got = vendor.until({"telegram": 4, "chatwoot": 5, "intercom": 5}.get(name, 4))
    where, door, _ = SAYS[name]
    said = [one for one in got if f"{one[0]} {one[1]}" == where]
    told = [words_of(name, body) for *_, body in said]
    assert "16.90 EUR" in told[0] and "Bruno kettle" in told[1]
    if door:
        assert all(headers.get(door) for _, _, headers, _ in said)
    replies = agent.store.replies(conversation_of(agent.store, channel(name)))
    assert [reply.text for reply in replies] == told[:3]  # once each, in order
    assert agent.store.handed_off(replies[0].conversation) == "open"
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
    there = {"webhook": "c7", "chatwoot": "3/7", "slack": "C7/17.0"}
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
    from agent.connectors import routes

    monkeypatch.setitem(routes.VERIFY, name, lambda *signed: None)
    assert deliver(served[0], name, ({}, raw)) in (200, 422)


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
        vendor.until(1)
        time.sleep(0.3)
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
        got = vendor.until(2)
    assert [body["text"] for *_, body in got] == ["First.", "Second."]
    assert [headers["webhook-id"] for _, _, headers, _ in got] == [first.id, second.id]


def test_what_the_helpdesk_refuses_is_dead_at_once(
    served: tuple[TestClient, Work], vendor: Vendor, agent: Agent
) -> None:
    agent.store.human_reply(conversation_of(agent.store, "zendesk:404"), "Ann", "Hello.")
    vendor.got.clear()
    vendor.answers[:] = [404]
    with served[1].running():
        vendor.until(1)
        time.sleep(0.3)
    (dead,) = messages(agent.store, "outbox")
    assert dead.state == "dead" and "404" in dead.error
