"""The memory: what goes in comes out, in order, after a restart and from several threads."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.attachments import Attachment
from agent.errors import Busy, NotFound, SetupError
from agent.orders import Customer
from agent.state import FlowState
from agent.store import RECENT, Store, lease, messages
from agent.store.sql import MIGRATIONS
from agent.store.turns import Taken
from agent.types import Act, Ask, Choice, Citation, Decided, Done, HandOff, Reply
from agent.wishes import Wish
from fusion.types import Message


@pytest.fixture
def url(database: str) -> str:
    return database


@pytest.fixture
def store(url: str):
    store = Store(url)
    yield store
    store.close()


def reply(conversation: str, id: str, text: str = "Good day.", decision=None) -> Reply:
    return Reply(
        id=id,
        conversation=conversation,
        text=text,
        citations=(Citation(document="faq-1", title="Hours", url="", quote="9:00"),),
        decision=decision or Ask("order_id", "Which order?", (Choice("K1001", "K1001"),)),
        intent="order_status",
        attributions={"intent": {"text": 0.25}},
    )


def test_ids_of_conversations_cannot_be_guessed(store: Store) -> None:
    ids = {store.new_conversation() for _ in range(20)}
    assert len(ids) == 20 and min(map(len, ids)) >= 24
    assert all(store.exists(id) for id in ids)
    assert not store.exists("nobody") and not store.exists("")


@pytest.mark.parametrize(
    "decision",
    [
        Ask("confirm", "Shall I?", (Choice("yes", "Yes"),)),
        Act("cancel", {"order_id": "K1001"}, "key", True),
        HandOff("asked", "The customer wants a person."),
    ],
)
def test_a_reply_comes_back_as_it_was(store: Store, decision) -> None:
    conversation = store.new_conversation()
    written = reply(conversation, "r1", decision=decision)
    store.append(conversation, "Where is it?", written)
    assert store.replies(conversation) == [written]
    assert store.transcript(conversation) == [("Where is it?", written)]


def test_the_last_turns_are_looked_at_in_order(store: Store) -> None:
    conversation, other = store.new_conversation(), store.new_conversation()
    for n in range(10):
        store.append(conversation, f"question {n}", reply(conversation, f"r{n}", f"answer {n}"))
    assert store.recent(other) == []
    recent = store.recent(conversation)
    assert [words for words, _ in recent] == [f"question {n}" for n in range(10 - RECENT, 10)]
    assert messages(recent[-1:]) == [
        Message("customer", "question 9"),
        Message("agent", "answer 9"),
    ]
    assert [r.id for r in store.replies(conversation)] == [f"r{n}" for n in range(10)]


def test_a_turn_and_where_it_led_to_are_kept_at_once(store: Store) -> None:
    conversation = store.new_conversation()
    state = FlowState(conversation=conversation, last_order="K1001")
    store.append(conversation, "hello", reply(conversation, "r1"), state=state)
    assert store.flow(conversation) == state
    moved = state.but(last_order="K1002")
    with pytest.raises(ValueError, match="already stored"):
        store.append(conversation, "hello", reply(conversation, "r1"), state=moved)
    assert store.flow(conversation) == state


def test_words_may_be_put_better_afterwards(store: Store) -> None:
    conversation = store.new_conversation()
    written = reply(conversation, "r1")
    store.append(conversation, "hello", written)
    better = written.model_copy(update={"text": "A very good day."})
    store.amend(better)
    assert store.replies(conversation) == [better]


def test_a_reply_is_stored_once(store: Store) -> None:
    conversation = store.new_conversation()
    store.append(conversation, "hello", reply(conversation, "r1"))
    with pytest.raises(ValueError, match="already stored"):
        store.append(conversation, "hello", reply(conversation, "r1"))
    assert len(store.replies(conversation)) == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.append("nobody", "hello", reply("nobody", "r1")),
        lambda store: store.recent("nobody"),
        lambda store: store.transcript("nobody"),
        lambda store: store.flow("nobody"),
        lambda store: store.save_flow("nobody", FlowState(conversation="nobody")),
        lambda store: store.hand_off("nobody", "asked", ""),
        lambda store: store.resolve("nobody"),
    ],
)
def test_an_unknown_conversation_is_not_found(store: Store, use) -> None:
    with pytest.raises(NotFound):
        use(store)


def test_a_flow_survives_a_restart(store: Store, url: str) -> None:
    conversation = store.new_conversation()
    assert store.flow(conversation) == FlowState(conversation=conversation)
    state = FlowState(
        conversation=conversation,
        wish=Wish(action="return", words="return both", order_id="K1", items=("mug", "jug")),
        customer=Customer.model_validate(
            {
                "id": "C1",
                "name": {"first": "Ann", "last": "Lee"},
                "address": {"address1": "Dok Noord 12", "zip": "9000", "floor": "2"},
                "email": "ann@example.com",
            }
        ),
        asked="confirm",
        times=2,
    )
    store.save_flow(conversation, state)
    store.close()
    again = Store(url)
    assert again.flow(conversation) == state
    again.close()


def test_hand_offs_wait_until_resolved(store: Store) -> None:
    first, second = store.new_conversation(), store.new_conversation()
    store.hand_off(first, "asked", "Wants a person.")
    store.hand_off(second, "damaged_item", "A broken mug.")
    assert [(w.conversation, w.reason) for w in store.waiting()] == [
        (first, "asked"),
        (second, "damaged_item"),
    ]
    store.resolve(first)
    assert not store.handed_off(first) and store.handed_off(second)
    store.hand_off(first, "asked", "Again.")
    assert store.handed_off(first)


def test_turns_of_several_threads_keep_their_places(store: Store, url: str) -> None:
    conversation = store.new_conversation()
    other = Store(url)

    def say(n: int) -> None:
        (store, other)[n % 2].append(conversation, f"{n}", reply(conversation, f"r{n}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(say, range(40)))
    other.close()
    assert sorted(int(words) for words, _ in store.transcript(conversation)) == list(range(40))


def test_a_database_of_version_0_and_of_each_version_is_brought_up_to_date(tmp_path: Path) -> None:
    for version in range(len(MIGRATIONS) + 1):
        path = tmp_path / f"{version}.db"
        with sqlite3.connect(path) as db:
            if version:
                db.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY)")
            for n, statement in enumerate(MIGRATIONS[:version], start=1):
                db.execute(statement)
                db.execute("INSERT INTO migrations VALUES (?)", (n,))
            if version:
                db.execute("INSERT INTO conversations (id, began_at) VALUES ('old', '2026')")
        db.close()
        store = Store(f"sqlite:///{path}")
        assert store.exists("old") == bool(version)
        store.hand_off(store.new_conversation(), "asked", "")
        store.close()
        Store(f"sqlite:///{path}").close()  # and nothing is done twice


def test_two_that_open_a_new_database_share_it(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: Store(url), range(6)))
    conversation = stores[0].new_conversation()
    assert all(store.exists(conversation) for store in stores)
    for store in stores:
        store.close()


def test_a_newer_database_is_left_alone(url: str) -> None:
    store = Store(url)
    with store.engine.begin() as db:
        db.execute(text("INSERT INTO migrations VALUES (99)"))
    store.close()
    with pytest.raises(SetupError, match="newer Deskhand"):
        Store(url)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="DESKHAND_HOME"):
        Store(f"sqlite:///{tmp_path}/file/conversations.db")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(SetupError, match=r"damaged\.db"):
        Store(f"sqlite:///{damaged}")


def test_a_person_takes_over_writes_and_hands_back(store: Store) -> None:
    conversation = store.new_conversation()
    wishes = Wish(action="return", words="return it"), Wish(action="cancel", words="and cancel")
    state = FlowState(conversation=conversation, wish=wishes[0], queue=wishes[1:], asked="items")
    store.save_flow(conversation, state)
    store.hand_off(conversation, "asked", "", priority=0)
    urgent = store.new_conversation()
    store.hand_off(urgent, "unhappy", "", priority=2)
    assert [w.conversation for w in store.waiting()] == [urgent, conversation]
    store.take_over(conversation, "Ann")
    with pytest.raises(Busy, match="Ann"):
        store.human_reply(conversation, "Ben", "Hello")
    store.human_reply(conversation, "Ann", "This is Ann.")
    assert messages(store.recent(conversation)) == [Message("agent", "This is Ann.")]
    assert store.handed_off(conversation) == "taken"
    store.resolve(conversation)
    assert not store.handed_off(conversation)
    assert store.flow(conversation) == FlowState(conversation=conversation)


def test_what_came_along_is_kept_in_order(store: Store) -> None:
    conversation = store.new_conversation()
    sent = [Attachment("photo", b"one"), Attachment("audio", b"two")]
    store.append(conversation, "look", reply(conversation, "r1"), sent)
    assert store.attached(conversation) == sent


# --- One turn at a time, and each once ------------------------------------------------------------


def test_a_held_conversation_is_refused_until_it_is_let_go(store: Store, url: str) -> None:
    conversation, other = store.new_conversation(), Store(url)
    holder = store.hold(conversation)
    for one in (store, other):
        with pytest.raises(Busy):
            one.hold(conversation)
    other.release(conversation, "somebody else")
    with pytest.raises(Busy):
        other.hold(conversation)
    store.release(conversation, holder)
    assert other.hold(conversation) != holder
    with pytest.raises(NotFound):
        store.hold("nobody")
    other.close()


def test_what_a_killed_process_held_is_free_at_once(store: Store, url: str) -> None:
    conversation = store.new_conversation()
    code = "import sys; from agent.store import Store; Store(sys.argv[1]).hold(sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, url, conversation], check=True)
    assert store.hold(conversation)


def test_who_lost_the_conversation_stores_nothing(store: Store, monkeypatch) -> None:
    conversation = store.new_conversation()
    monkeypatch.setattr(lease, "SECONDS", -1.0)  # over as soon as it began
    slow, quick = store.hold(conversation), store.hold(conversation)
    store.append(conversation, "hi", reply(conversation, "r1"), taken=Taken(quick))
    with pytest.raises(Busy):
        store.append(conversation, "hi", reply(conversation, "r2"), taken=Taken(slow))
    assert [one.id for one in store.replies(conversation)] == ["r1"]


def test_a_turn_is_stored_whole_or_not_at_all(store: Store) -> None:
    conversation = store.new_conversation()
    store.append(conversation, "hello", reply(conversation, "r1"))
    state = FlowState(conversation=conversation, last_order="K1")
    handed = reply(conversation, "r1", decision=HandOff("asked", "A person."))
    with pytest.raises(ValueError, match="already stored"):
        store.append(conversation, "again", handed, state=state, priority=1)
    assert store.flow(conversation).last_order is None and store.waiting() == []
    whole = handed.model_copy(update={"id": "r2"})
    decided = Decided(decision=handed.decision)
    store.append(conversation, "again", whole, events=[decided], state=state, priority=1)
    assert store.flow(conversation).last_order == "K1"
    assert [one.priority for one in store.waiting()] == [1]
    assert store.events(conversation, after=1) == [(2, [decided, Done(reply=whole)])]
