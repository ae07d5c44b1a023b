"""The agent with a chat model behind a real server that speaks OpenAI's protocol: one that streams,
is slow, broken or hostile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import sleep

import pytest

from agent.chat import Chat
from agent.chat_guard import GuardedModel
from agent.chat_models import load_chat_model
from agent.compose import BuiltinComposer
from agent.grounding import grounded
from agent.privacy import mask
from agent.types import Act, Answer, Ask, Done, Reply, Token
from fusion.types import Turn
from knowledge.types import Document, Hit

MUG = Document("mug", "product", "Aster mug, blue", "A mug.", price=16.9, currency="EUR", stock=42)
ANSWER = Answer((Hit(MUG, 0.9, {"dense": 1}),), "product_question")
DRAFT = BuiltinComposer().compose(ANSWER, None, ANSWER.hits, [], "how much is the mug")
GOOD = "The mug is blue. It costs 16.90 EUR."
MARTA = "marta.claes@example.com"


class Service:
    """Answers chat completions as `script` says: it gets the request, and gives pieces of text,
    tool calls (name, arguments), or raw bytes for the wire."""

    def __init__(self) -> None:
        self.script: Callable[[dict], Iterator] = lambda asked: iter(())
        self.asked: list[dict] = []
        self.status = 200
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked.append(json.loads(body))
                self.send_response(service.status)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                try:
                    for piece in service.script(service.asked[-1]):
                        self.wfile.write(piece if isinstance(piece, bytes) else _frame(piece))
                        self.wfile.flush()
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the agent has gone

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def says(self, *pieces) -> None:
        self.script = lambda asked: iter((*pieces, b"data: [DONE]\n\n"))

    def chat(self, seconds: float = 20.0) -> Chat:
        model = load_chat_model("openai:test", self.url, timeout=seconds)
        return Chat(GuardedModel(model, seconds), mask)


def _frame(piece: str | tuple[str, str]) -> bytes:
    delta: dict = {"role": "assistant", "content": piece}
    if isinstance(piece, tuple):
        function = {"name": piece[0], "arguments": piece[1]}
        call = {"index": 0, "id": "call-1", "type": "function", "function": function}
        delta = {"role": "assistant", "content": None, "tool_calls": [call]}
    chunk = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "test",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.server.shutdown()
    service.server.server_close()


def telling(chat: Chat):
    return chat.tell("", [ANSWER], [DRAFT], "", [], ["how much is the mug"])


def told(chat: Chat) -> tuple[str, tuple[str, ...]]:
    events, text = telling(chat), ""
    while True:
        try:
            text += next(events)
        except StopIteration as end:
            return text, end.value


def test_a_sentence_is_passed_on_before_the_next_is_written(service):
    heard = Event()

    def script(asked):
        yield from ("The mug ", "is blue. ", "It ")
        assert heard.wait(10)  # the rest is not even written yet
        yield from ("costs 16.90 EUR.", b"data: [DONE]\n\n")

    service.script = script
    pieces = []
    for piece in filter(None, telling(service.chat())):
        pieces.append(piece)
        heard.set()
    assert pieces == ["The mug is blue.", " It costs 16.90 EUR."]
    assert service.asked[0]["stream"] is True


def cut(asked):
    yield "The mug is blue. It costs"
    yield b"data: {broken\n\n"


def hanging(asked):
    yield "The mug is blue. It"
    sleep(3)


def alive(asked):
    """Signs of life for ever, and not a word."""
    while True:
        yield b": still here\n\n"
        sleep(0.05)


def endless(asked):
    while True:
        yield "mug "


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (cut, "The mug is blue. "),
        (hanging, "The mug is blue. "),
        (alive, ""),
        (endless, ""),
        (lambda asked: iter([b"<html>Sorry</html>"]), ""),
        (lambda asked: iter([b"data: []\n\ndata: [DONE]\n\n"]), ""),
        (lambda asked: iter([b"\xff\xfe\x00"]), ""),
        (lambda asked: iter(["", b"data: [DONE]\n\n"]), ""),
        (lambda asked: iter([("Propose", "{}"), b"data: [DONE]\n\n"]), ""),
        (lambda asked: iter(["Your order has been refunded.", b"data: [DONE]\n\n"]), ""),
        (lambda asked: iter(["Pay at http://evil.example.", b"data: [DONE]\n\n"]), ""),
    ],
)
def test_a_slow_broken_or_hostile_service_costs_a_note(service, script, said):
    service.script = script
    text, notes = told(service.chat(seconds=1.0))  # one script never ends
    assert text == f"{said}{DRAFT.text}" and "built-in composer answered" in notes[0]


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_refusal_is_tried_twice_and_told(service, status):
    service.status = status
    service.says("no")
    text, notes = told(service.chat())
    assert text == DRAFT.text and "could not be reached" in notes[0]
    assert len(service.asked) == 2


def test_tools_go_over_the_wire_and_come_back_typed(service):
    service.says(("Search", '{"query": "tea towel"}'))
    calls, note = service.chat().plan("a rag for dishes", [], {})
    assert [call.query for call in calls] == ["tea towel"] and note == ""
    tools = {tool["function"]["name"]: tool["function"] for tool in service.asked[0]["tools"]}
    assert set(tools) == {"Search", "LookUpOrder", "Propose"}
    assert "cancel" in json.dumps(tools["Propose"]["parameters"])


@pytest.mark.parametrize("arguments", ["", "{", "[]", '{"query": 5}', '{"query": ""}', "null"])
def test_arguments_that_are_none_are_no_call(service, arguments):
    service.says(("Search", arguments))
    calls, _ = service.chat().plan("a rag for dishes", [], {})
    assert calls == []


# --- The whole agent --------------------------------------------------------------------------


@pytest.fixture
def talk(agent, service, monkeypatch):
    """Say something in one conversation to the agent with the service; all events."""
    monkeypatch.setattr(agent, "chat", service.chat())
    conversation = agent.store.new_conversation()

    def say(text: str) -> tuple[str, Reply]:
        events = list(agent.reply(Turn(text), conversation))
        done = events[-1]
        assert isinstance(done, Done)
        streamed = "".join(event.text for event in events if isinstance(event, Token))
        assert streamed == done.reply.text
        return streamed, done.reply

    say.conversation = conversation
    return say


def plans(call: tuple[str, str] | str, answer: str = "") -> Callable[[dict], Iterator]:
    """A model that calls this tool when it may, and else says this."""

    def script(asked: dict) -> Iterator:
        yield call if asked.get("tools") else answer
        yield b"data: [DONE]\n\n"

    return script


def test_the_reply_is_the_models_and_is_kept(agent, service, talk):
    service.script = plans("answer", "The blue Aster mug costs 16.90 EUR.")
    text, reply = talk("How much is the blue Aster mug?")
    assert text == "The blue Aster mug costs 16.90 EUR." and reply.notes == ()
    assert reply.citations and reply.products
    assert agent.store.replies(talk.conversation) == [reply]


def test_what_is_made_up_never_reaches_the_customer(agent, service, talk):
    service.script = plans("answer", "It costs 16.90 EUR. It comes with a free plate worth 30 EUR.")
    text, reply = talk("How much is the blue Aster mug?")
    assert "plate" not in text and grounded(text, reply.decision.hits) == []
    assert "not borne out" in reply.notes[0]


def test_who_leaves_early_finds_a_whole_reply_later(agent, service, talk):
    def script(asked):
        yield "answer. " if asked.get("tools") else "It is blue. "
        sleep(0 if asked.get("tools") else 5)

    service.script = script
    with closing(agent.reply(Turn("How much is the blue Aster mug?"), talk.conversation)) as events:
        next(event for event in events if isinstance(event, Token))
    [kept] = agent.store.replies(talk.conversation)
    assert "16.90 EUR" in kept.text
    service.script = plans("answer", "It is blue.")
    talk("And what colour is it?")  # nothing waits for the turn that was left


def test_a_planned_search_finds_what_the_customers_words_did_not(service, talk):
    service.script = plans(("Search", '{"query": "Bruno kettle, red"}'), "")
    _, reply = talk("the scarlet thingamajig for tea water on the stove")
    assert isinstance(reply.decision, Answer)
    assert any(hit.document.id == "kettle-bruno-red" for hit in reply.decision.hits)


def test_a_proposal_is_done_only_as_any_wish_is(agent, service, talk):
    before = agent.shop.export()
    order = next(o for o in agent.shop.orders(agent.shop.identify(MARTA)) if o.status != "pending")
    pending = next(id for id, o in before["orders"].items() if o["status"] == "pending")
    arguments = json.dumps({"action": "cancel", "order_id": pending})
    service.script = plans(("Propose", arguments))
    _, reply = talk("I have thought about it for long and it is over")
    assert isinstance(reply.decision, Ask) and reply.decision.slot == "email"
    _, reply = talk(MARTA)  # the order is somebody else's
    assert isinstance(reply.decision, Ask) and reply.decision.slot == "order_id"
    assert "no order" in reply.text
    _, reply = talk(order.id)  # hers, but no longer to be cancelled
    assert isinstance(reply.decision, Act) and not reply.done[0].ok
    assert agent.shop.export() == before


def test_a_proposal_needs_its_own_yes(agent, service, talk):
    everything = agent.shop.export()
    id, order = next((k, o) for k, o in everything["orders"].items() if o["status"] == "pending")
    email = everything["users"][order["user_id"]]["email"]
    service.script = plans(("Propose", json.dumps({"action": "cancel", "order_id": id})))
    talk("I have thought about it for long and it is over")
    talk(email)
    _, reply = talk("skip")
    assert isinstance(reply.decision, Ask) and reply.decision.slot == "confirm"
    assert agent.shop.order(id).status == "pending"
    _, reply = talk("yes")
    assert isinstance(reply.decision, Act) and agent.shop.order(id).status == "cancelled"
