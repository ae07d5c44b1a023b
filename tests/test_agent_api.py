"""The HTTP door: what goes in and out, which error is which status, and that streams are closed."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from starlette.testclient import WebSocketDenialResponse

from agent import api
from agent.api import edge
from agent.attachments import Attachment
from agent.config import Settings
from agent.errors import Busy, SetupError, ShopError
from agent.orders import Customer
from agent.store import Store
from agent.store.keys import create_key
from agent.types import Answer, Decided, Done, Event, Heard, ProductCard, Reply, Token
from fusion.types import BadInput, Turn, WeightsError
from knowledge.index import open_index
from knowledge.types import Document, Hit, IndexBusy, NoIndex

CUSTOMER = Customer.model_validate(
    {
        "user_id": "c1",
        "name": {"first_name": "Mia", "last_name": "Roe"},
        "address": {"address1": "High Street 1"},
        "email": "mia@example.org",
    }
)
MUG = Document(
    id="mug/blue", kind="product", title="Mug", text="A mug.", price=16.9, currency="EUR", stock=4
)


class Scripted:
    """Stands where the agent stands: yields what it was given, and counts closed streams."""

    def __init__(self, folder: Path) -> None:
        photo = folder / "mug.jpg"
        Image.new("RGB", (8, 8), "blue").save(photo)
        self.mug = replace(MUG, photos=(str(photo),))
        documents = {"mug/blue": self.mug, "script": replace(MUG, photos=(str(folder / "x.svg"),))}
        (folder / "x.svg").write_text("<svg/>")
        self.store = Store(f"sqlite:///{folder / 'conversations.db'}")
        self.shop = SimpleNamespace(customer={"c1": CUSTOMER}.get)
        self.knowledge = SimpleNamespace(document=documents.get, count=lambda: len(documents))
        self.turns: list[Turn] = []
        self.heard: Heard | None = None
        self.error: Exception | None = None
        self.tokens = 3
        self.pause = 0.0
        self.closed = 0

    def reply(
        self, turn: Turn, conversation_id: str, delivery: str | None = None
    ) -> Generator[Event]:
        try:
            self.store.recent(conversation_id)
            self.turns.append(turn)
            decision = Answer((Hit(self.mug, 0.9, {"dense": 1}),), "product_question")
            if self.heard:
                yield self.heard
            yield Decided(decision=decision)
            for _ in range(self.tokens):
                time.sleep(self.pause)
                yield Token(text="word ")
            if self.error:
                raise self.error
            card = ProductCard(
                id="mug/blue",
                title="Mug",
                url="",
                price=16.9,
                currency="EUR",
                stock=4,
                photo=self.mug.photos[0],
            )
            yield Done(
                reply=Reply(
                    id=f"r{len(self.turns)}",
                    conversation=conversation_id,
                    text="word",
                    decision=decision,
                    intent="product_question",
                    products=(card,),
                )
            )
        finally:
            self.closed += 1


def heard(photos: int = 0, sound: float = 0.0) -> Heard:
    return Heard(
        words="",
        transcript=None,
        printed=(),
        present=(),
        problems=(),
        photos=photos,
        sound=sound,
    )


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Scripted]:
    scripted = Scripted(tmp_path)
    yield scripted
    scripted.store.close()


@pytest.fixture
def client(agent: Scripted, tmp_path: Path) -> TestClient:
    app = api.create_app(agent, Settings(home=tmp_path))  # type: ignore[arg-type]
    return here(app)


def here(app: FastAPI, **headers: str) -> TestClient:
    """A program on this machine that asks the app."""
    return TestClient(
        app,
        base_url="http://127.0.0.1",
        client=("127.0.0.1", 5),
        headers=headers,
        raise_server_exceptions=False,
    )


@pytest.fixture
def turns(client: TestClient) -> str:
    return f"/v1/conversations/{client.post('/v1/conversations').json()['id']}/turns"


def test_turn_as_json(client: TestClient, agent: Scripted, turns: str) -> None:
    sent = {"text": "How much?", "photos": [b64encode(b"one").decode()], "audio": "dHdv"}
    answered = client.post(turns, json=sent)
    assert answered.status_code == 200
    assert answered.json()["text"] == "word"
    assert agent.turns == [Turn("How much?", b"two", (b"one",))]
    assert agent.closed == 1


def test_turn_as_form(client: TestClient, agent: Scripted, turns: str) -> None:
    files = [("photos", b"one"), ("photos", b"two"), ("video", b"three")]
    assert client.post(turns, data={"text": "This?"}, files=files).status_code == 200
    assert agent.turns == [Turn("This?", None, (b"one", b"two"), b"three")]


def test_events_are_streamed(client: TestClient, turns: str) -> None:
    answered = client.post(turns, json={"text": "Hi"}, headers={"Accept": "text/event-stream"})
    assert answered.headers["content-type"].startswith("text/event-stream")
    events = [frame.split("\n") for frame in answered.text.strip().split("\n\n")]
    kinds = [kind.removeprefix("event: ") for kind, _ in events]
    assert kinds == ["decided", "token", "token", "token", "done"]
    for kind, data in events:
        assert json.loads(data.removeprefix("data: "))["kind"] == kind.removeprefix("event: ")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_no_path_of_this_machine_leaves_it(
    client: TestClient, turns: str, tmp_path: Path, accept: str
) -> None:
    answered = client.post(turns, json={"text": "Hi"}, headers={"Accept": accept})
    assert str(tmp_path) not in answered.text
    assert answered.text.count("/photos/mug%2Fblue") >= 2  # the card, and the hit it answers from


def test_photo(client: TestClient, agent: Scripted) -> None:
    served = client.get("/photos/mug%2Fblue")
    assert served.content == Path(agent.mug.photos[0]).read_bytes()
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("document", ["script", "nothing", "..%2f..%2fetc%2fpasswd", "%2fetc"])
def test_only_photos_of_indexed_documents(client: TestClient, document: str) -> None:
    assert client.get(f"/photos/{document}").status_code == 404


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (BadInput("The photo is too dark."), 422, "The photo is too dark."),
        (Busy("One moment."), 409, "One moment."),
        (IndexBusy("Process 7 has it."), 503, None),
        (NoIndex("There is none."), 503, None),
        (WeightsError("Damaged."), 503, None),
        (ShopError("Timed out."), 502, None),
        (SetupError("DESKHAND_LLM is wrong."), 503, None),
        (ZeroDivisionError("a secret"), 500, None),
    ],
)
def test_errors_are_problems(
    client: TestClient,
    agent: Scripted,
    turns: str,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    told: str | None,
) -> None:
    agent.error = error
    answered = client.post(turns, json={"text": "Hi"})
    assert answered.status_code == status
    assert answered.headers["content-type"] == "application/problem+json"
    problem = answered.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    if told:
        assert problem["detail"] == told
    else:  # for whoever runs it: in the log with the conversation's id, not in the answer
        assert str(error) not in answered.text
        assert str(error) in caplog.text
        assert turns.split("/")[3] in caplog.text
    assert agent.closed == 1

    streamed = client.post(turns, json={"text": "Hi"}, headers={"Accept": "text/event-stream"})
    last = streamed.text.strip().split("\n\n")[-1]
    assert last.startswith("event: error\n")
    assert json.loads(last.split("data: ")[1])["status"] == status
    assert agent.closed == 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"text": "Hi", "photos": ["not base64!"]}}, 422),
        ({"json": {"text": 7}}, 422),
        ({"json": {"words": "Hi"}}, 422),
        ({"json": ["Hi"]}, 422),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b"Hi", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400),
        ({"files": [("photos", b"x")] * 9}, 400),
        ({"files": [("audio", b"x"), ("audio", b"y")]}, 422),
        ({"files": [("password", b"x")]}, 422),
    ],
)
def test_bad_requests(
    client: TestClient, agent: Scripted, turns: str, sent: dict, status: int
) -> None:
    answered = client.post(turns, **sent)
    assert answered.status_code == status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["detail"]
    assert agent.turns == []


def test_too_large(client: TestClient, turns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "REQUEST_BYTES", 1_000)
    assert client.post(turns, json={"text": "x" * 1_000}).status_code == 413
    pieces = iter([b"x" * 600, b"x" * 600])  # of a length that nobody said
    headers = {"Content-Type": "application/json"}
    answered = client.post(turns, content=pieces, headers=headers)
    assert answered.status_code == 413
    assert answered.headers["content-type"] == "application/problem+json"


@contextmanager
def served(app: FastAPI) -> Iterator[int]:
    """The port of the app, served for real."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def test_who_sends_too_slowly_is_not_waited_for(
    agent: Scripted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")
    app = api.create_app(agent, Settings(home=tmp_path))  # type: ignore[arg-type]
    with served(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as quick:
        turns = f"/v1/conversations/{quick.post('/v1/conversations').json()['id']}/turns"
        head = f"POST {turns} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"

        def slow(count: int) -> list[socket.socket]:
            opened = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(count)]
            kinds = (("application/json", "{"), ("multipart/form-data; boundary=b", "-"))
            for (kind, byte), one in zip(cycle(kinds), opened):
                one.sendall(f"{head}Content-Type: {kind}\r\n\r\n{byte}".encode())
            return opened

        waiting = slow(60)
        assert quick.post(turns, json={"text": "Hi"}, timeout=20).status_code == 200
        assert not select.select(waiting, [], [], 0)[0]  # all still send, in no thread (of 40)
        for one in waiting:  # leaving is no fault
            one.close()

        monkeypatch.setattr(edge, "REQUEST_SECONDS", 0.5)
        for one in slow(40):
            answered = b"".join(iter(lambda one=one: one.recv(65_536), b""))  # until it is closed
            one.close()
            assert answered.startswith(b"HTTP/1.1 408") and b"problem+json" in answered
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_unknown_conversation(client: TestClient) -> None:
    headers = {"Accept": "text/event-stream"}
    for answered in (
        client.get("/v1/conversations/none"),
        client.post("/v1/conversations/none/turns", json={"text": "Hi"}),
        client.post("/v1/conversations/none/turns", json={"text": "Hi"}, headers=headers),
        client.get("/v1/nothing"),
    ):
        assert answered.status_code == 404
        assert answered.headers["content-type"] == "application/problem+json"


def test_search(agent: Scripted, tmp_path: Path, text_encoder) -> None:
    soap = Document(id="soap", kind="faq", title="Soap", text="Our soap has no palm oil.")
    with open_index(tmp_path / "index", text_encoder.name, create=True) as knowledge:
        knowledge.update(
            [agent.mug, soap], text_encoder.encode, lambda photos: [None] * len(photos)
        )
        agent.knowledge, agent.encoders = knowledge, SimpleNamespace(text=text_encoder)
        client = here(api.create_app(agent, Settings(home=tmp_path)))  # type: ignore[arg-type]
        found = client.get("/v1/search", params={"q": "a mug under 20 euros"}).json()
        assert "20" in found["filters"]
        assert found["hits"][0]["document"]["id"] == "mug/blue"
        assert found["hits"][0]["document"]["photos"] == ["/photos/mug%2Fblue"]
        found = client.get("/v1/search", params={"q": "palm oil", "k": 1, "kind": "faq"}).json()
        assert [hit["document"]["title"] for hit in found["hits"]] == ["Soap"]
        for wrong in ({}, {"q": ""}, {"q": "mug", "k": 0}, {"q": "mug", "kind": "person"}):
            assert client.get("/v1/search", params=wrong).status_code == 422


def test_health(client: TestClient, agent: Scripted) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "documents": 2}
    agent.knowledge.count = lambda: 0
    assert client.get("/readyz").status_code == 503


def test_stream_is_closed_when_the_client_leaves(agent: Scripted, tmp_path: Path) -> None:
    agent.tokens, agent.pause = 1_000, 0.01
    app = api.create_app(agent, Settings(home=tmp_path))  # type: ignore[arg-type]
    with served(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
        conversation = browser.post("/v1/conversations").json()["id"]
        with browser.stream(
            "POST",
            f"/v1/conversations/{conversation}/turns",
            json={"text": "Hi"},
            headers={"Accept": "text/event-stream"},
        ) as answered:
            next(answered.iter_lines())
        deadline = time.monotonic() + 30
        while not agent.closed and time.monotonic() < deadline:
            time.sleep(0.02)
    assert agent.closed == 1


# --- The people of the shop -------------------------------------------------------------------


def test_a_person_takes_over_writes_and_gives_back(client: TestClient, agent: Scripted) -> None:
    conversation = agent.store.new_conversation()
    at = f"/v1/conversations/{conversation}"
    assert client.get(f"{at}/handoff").status_code == 404
    taken = client.post(f"{at}/handoff", json={"person": "Ann"})
    assert taken.status_code == 200 and taken.json()["person"] == "Ann"
    assert [one["conversation"] for one in client.get("/v1/handoffs").json()] == [conversation]
    assert client.post(f"{at}/human", json={"person": "Ben", "text": "Hi"}).status_code == 409
    written = client.post(f"{at}/human", json={"person": "Ann", "text": "This is Ann."})
    assert written.json()["text"] == "This is Ann."
    assert client.get(at).json()["turns"][-1]["reply"]["text"] == "This is Ann."
    assert client.post(f"{at}/human", json={"person": "Ann", "text": ""}).status_code == 422
    assert agent.store.handed_off(conversation) == "taken"
    assert client.post(f"{at}/resolve").status_code == 204
    assert agent.store.handed_off(conversation) == "" and client.get("/v1/handoffs").json() == []
    assert client.post("/v1/conversations/nobody/resolve").status_code == 404


def test_the_person_sees_what_came_along(client: TestClient, agent: Scripted) -> None:
    conversation = agent.store.new_conversation()
    reply = Reply(
        id="r", conversation=conversation, text="", decision=Answer((), "greeting"), intent=""
    )
    sent = [Attachment("photo", b"jpeg"), Attachment("audio", b"RIFF")]
    agent.store.append(conversation, "look", reply, sent)
    at = f"/v1/conversations/{conversation}/attachments"
    photo, audio = client.get(f"{at}/0"), client.get(f"{at}/1")
    assert photo.content == b"jpeg" and photo.headers["content-type"] == "image/jpeg"
    assert audio.content == b"RIFF" and '"1.wav"' in audio.headers["content-disposition"]
    assert client.get(f"{at}/2").status_code == 404


# --- Sent again -------------------------------------------------------------------------------


def test_a_post_that_comes_again_is_done_once(client: TestClient, agent: Scripted) -> None:
    key = {"Idempotency-Key": "mine-1"}
    first, second = (client.post("/v1/conversations", headers=key) for _ in range(2))
    assert first.json() == second.json() and second.status_code == 201
    assert second.headers["idempotent-replayed"] == "true"
    other = client.post("/v1/conversations", headers={"Idempotency-Key": "mine-2"})
    assert other.json() != first.json()
    at, key = f"/v1/conversations/{first.json()['id']}", {"Idempotency-Key": "h"}
    for _ in range(2):
        written = {"person": "Ann", "text": "This is Ann."}
        assert client.post(f"{at}/human", json=written, headers=key).status_code == 200
    assert len(agent.store.replies(first.json()["id"])) == 1
    changed = client.post(f"{at}/human", json={"person": "Ann", "text": "Else."}, headers=key)
    assert changed.status_code == 422
    for _ in range(2):  # what failed may be sent again
        assert (
            client.post(f"{at}/human", json={}, headers={"Idempotency-Key": "f"}).json()["status"]
            == 422
        )


def test_who_else_uses_the_same_key_sees_nothing_of_it(client: TestClient) -> None:
    key = {"Idempotency-Key": "k"}
    mine = client.post("/v1/conversations", headers=key).json()
    create_key(client.app.state.store, "else", ["chat"])
    secret = create_key(client.app.state.store, "else", ["chat"])
    theirs = client.post("/v1/conversations", headers=key | {"Authorization": f"Bearer {secret}"})
    assert theirs.status_code == 201 and theirs.json() != mine


# --- Read and rated ---------------------------------------------------------------------------


def test_replies_are_rated(client: TestClient, agent: Scripted) -> None:
    conversation = agent.store.new_conversation()
    reply = agent.store.human_reply(conversation, "Ann", "Hello.")
    at = f"/v1/conversations/{conversation}"
    for rating in ("down", "up"):
        given = {"reply": reply.id, "rating": rating, "comment": "Thanks"}
        assert client.post(f"{at}/feedback", json=given).status_code == 204
    shown = client.get(at).json()
    assert shown["turns"][0]["rating"] == "up" and shown["answers"] == "person"
    assert client.post(f"{at}/feedback", json={"reply": "x", "rating": "up"}).status_code == 404
    assert client.post(f"{at}/feedback", json={"reply": "x", "rating": 9}).status_code == 422


def test_events_of_each_turn_are_kept(client: TestClient, agent: Scripted) -> None:
    conversation = agent.store.new_conversation()
    decided = Decided(decision=Answer((Hit(agent.mug, 0.9, {"dense": 1}),), "greeting"))
    for n in (1, 2):
        reply = Reply(
            id=f"r{n}", conversation=conversation, text="", decision=decided.decision, intent=""
        )
        agent.store.append(conversation, "hi", reply, events=[decided])
    at = f"/v1/conversations/{conversation}/events"
    assert [one["turn"] for one in client.get(at).json()] == [1, 2]
    later = client.get(at, params={"after": 1}).json()
    assert [event["kind"] for event in later[0]["events"]] == ["decided", "done"]
    assert str(agent.mug.photos[0]) not in client.get(at).text


def test_a_live_conversation(client: TestClient, agent: Scripted) -> None:
    conversation, here = agent.store.new_conversation(), {"Host": "127.0.0.1"}
    at = f"/v1/conversations/{conversation}/live"
    with client.websocket_connect(at, headers=here) as socket:
        socket.send_json({"text": "Hi", "id": "mine"})
        kinds = [socket.receive_json()["kind"] for _ in range(5)]
        assert kinds == ["decided", "token", "token", "token", "done"]
        for wrong in ("{", '{"text": 7}', "[]"):
            socket.send_text(wrong)
            told = socket.receive_json()
            assert told["kind"] == "error" and told["problem"]["status"] == 422
        agent.store.human_reply(conversation, "Ann", "This is Ann.")
        assert socket.receive_json()["reply"]["text"] == "This is Ann."
    assert agent.closed == 1
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        client.websocket_connect(at, headers=here | {"Origin": "https://x.example"}),
    ):
        pass
    assert denied.value.status_code == 403


def test_figures(client: TestClient, turns: str) -> None:
    client.post(turns, json={"text": "Hi"})
    client.get("/v1/nothing")
    shown = client.get("/metrics").text
    assert 'deskhand_turns_total{decision="answer",intent="product_question"} 1.0' in shown
    route = 'route="/v1/conversations/{conversation}/turns"'
    assert f'deskhand_requests_total{{method="POST",{route},status="200"}} 1.0' in shown
    assert "nothing" not in shown and turns.split("/")[3] not in shown
