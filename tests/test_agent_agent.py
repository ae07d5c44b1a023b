"""The main path with the real models and the demo shop: what goes in, and what comes out."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from agent.brief import brief
from agent.build import index_paths
from agent.config import Settings
from agent.documents import add_faq
from agent.errors import Busy, NotFound
from agent.find import own_words
from agent.grounding import grounded
from agent.types import Done, Found, Heard, Reply
from fusion.types import BadInput, Percept, PrintedText, Transcript, Turn
from knowledge.demo import folder
from knowledge.index import open_index

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def talk(agent):
    """Say something in one new conversation, and again; the replies."""
    conversation = agent.store.new_conversation()

    def say(text: str = "", **attached) -> Reply:
        *_, done = agent.reply(Turn(text, **attached), conversation)
        return done.reply

    say.conversation = conversation
    return say


def as_jpeg(photo: Image.Image) -> bytes:
    data = io.BytesIO()
    photo.save(data, "JPEG")
    return data.getvalue()


def sign(words: str) -> bytes:
    """A photo of a sign that says these words."""
    photo = Image.new("RGB", (900, 300), "white")
    ImageDraw.Draw(photo).text((30, 100), words, "black", ImageFont.load_default(56))
    return as_jpeg(photo)


def photo_of(product: str) -> bytes:
    path = folder() / "photos" / f"{product}.jpg"
    if not path.is_file():
        pytest.skip(f"the demo shop has no photo of {product}")
    return path.read_bytes()


# --- The stream -------------------------------------------------------------------------------


def test_the_events_come_in_order_and_the_tokens_are_the_reply(agent):
    events = list(
        agent.reply(Turn("How much is the red Aster mug?"), agent.store.new_conversation())
    )
    kinds = [event.kind for event in events]
    assert [kind for kind in kinds if kind != "token"] == [
        "heard",
        "understood",
        "found",
        "decided",
        "done",
    ]
    reply = events[-1].reply
    assert "".join(event.text for event in events if event.kind == "token") == reply.text
    assert {"words", "understand", "find", "decide", "compose"} <= reply.seconds.keys()
    games = events[1].attributions
    assert set(games) == {"intent", "retrieval"} and set(games["intent"]) == {"text"}


def test_the_reply_is_stored_before_its_words_are_streamed(agent):
    conversation = agent.store.new_conversation()
    with closing(agent.reply(Turn("How long does delivery take?"), conversation)) as events:
        next(event for event in events if event.kind == "token")
    assert len(agent.store.replies(conversation)) == 1


def test_who_leaves_as_soon_as_it_is_decided_is_still_handed_over(agent):
    conversation = agent.store.new_conversation()
    with closing(agent.reply(Turn("I want to talk to a human"), conversation)) as events:
        next(event for event in events if event.kind == "decided")
    assert agent.store.handed_off(conversation) == "open"
    assert len(agent.store.replies(conversation)) == 1


def test_a_second_turn_waits_for_the_first_and_other_conversations_do_not(agent):
    here, there = agent.store.new_conversation(), agent.store.new_conversation()
    first = agent.reply(Turn("hello"), here)
    next(first)
    with pytest.raises(Busy):
        next(agent.reply(Turn("hello?"), here))
    assert isinstance(list(agent.reply(Turn("hello"), there))[-1], Done)
    first.close()
    assert isinstance(list(agent.reply(Turn("hello"), here))[-1], Done)


def test_a_turn_that_fails_leaves_the_conversation_open(agent):
    conversation = agent.store.new_conversation()
    for _ in range(2):
        with pytest.raises(BadInput):
            list(agent.reply(Turn("  "), conversation))
    assert agent.store.replies(conversation) == []


def test_a_conversation_must_exist(agent):
    with pytest.raises(NotFound):
        next(agent.reply(Turn("hello"), "made-up"))


# --- Answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("How much is the green Aster mug?", "16.90 EUR"),
        ("Is the red Aster mug in stock?", "sold out"),
        ("How big is the blue Fjord vase?", "measures"),
        ("How long do I have to return something?", "30 days"),
        ("How long does delivery take?", "2 to 4 working days"),
        ("Which payment methods do you accept?", "Bancontact"),
        ("How much is KL-1014?", "Aster mug, blue"),
    ],
)
def test_questions_are_answered_from_the_shops_own_words(agent, talk, words, part):
    reply = talk(words)
    assert part in reply.text
    assert reply.decision.kind == "answer"
    assert grounded(reply.text, reply.decision.hits) == []
    for citation in reply.citations:
        document = agent.knowledge.document(citation.document)
        assert citation.quote in document.text or citation.quote == document.title


def test_a_follow_up_is_about_the_product_shown_last(talk):
    talk("How much is the blue Aster mug?")
    assert "Aster mug, green" in talk("and in green?").text
    assert talk("is it in stock?").text.startswith("The Aster mug, green,")


def test_wishes_filter_and_are_given_up_one_by_one_aloud(agent, talk):
    conversation = agent.store.new_conversation()
    events = list(agent.reply(Turn("I am looking for a blue vase under 30 euros"), conversation))
    found = next(event for event in events if isinstance(event, Found))
    assert found.filters == "under 30.00 EUR, blue" and found.relaxed == ()
    assert events[-1].reply.products[0].id == "vase-fjord-blue-small"
    reply = talk("I am looking for a vase under 3 euros")
    assert reply.text.startswith("Nothing matches “under 3.00 EUR”;")
    assert reply.products


def test_a_product_that_is_named_stays_whatever_the_wishes(talk):
    reply = talk("Do you have the Tove mug in blue?")
    assert reply.text.startswith("I do not find the Tove mug in blue.")


def test_small_talk_is_answered_in_kind(talk):
    assert talk("Hello!").text.startswith("Hello!")


def test_what_is_not_for_this_shop_is_declined(agent):
    """All but one: the threshold lets some through (`deskhand evaluate fusion` says how many)."""
    declined = 0
    for words in (
        "What is the capital of France?",
        "Write me a poem about cats",
        "who won the world cup in 1998",
        "book me a flight to rome",
        "will it rain in paris tomorrow",
        "what is the square root of 144",
    ):
        *_, done = agent.reply(Turn(words), agent.store.new_conversation())
        declined += done.reply.decision.kind == "decline"
    assert declined >= 5


# --- Orders and people ------------------------------------------------------------------------


def pending_order(agent):
    customer = agent.shop.identify("marta.claes@example.com")
    others = (
        agent.shop.identify(f"{name}@example.com")
        for name in ("jonas.peeters", "elif.yilmaz", "sanne.de.vries", "pieter.bakker")
    )
    for person in (customer, *others):
        for order in agent.shop.orders(person) if person else []:
            if order.status == "pending":
                return person, order
    pytest.fail("the demo shop has no pending order")


def test_an_order_is_cancelled_only_after_a_yes_that_was_said(agent, talk):
    person, order = pending_order(agent)
    talk("I want to cancel my order")
    talk(person.email)
    reply = talk(order.id)
    for _ in range(4):
        if reply.decision.kind == "ask" and reply.decision.slot == "confirm":
            break
        reply = talk("I do not need it any more")
    assert agent.shop.order(order.id).status == "pending"
    printed = talk(photos=(sign("YES cancel it"),))  # print is never an answer
    assert printed.decision.kind != "act"
    assert agent.shop.order(order.id).status == "pending"
    reply = talk("yes")
    assert reply.decision.kind == "act" and agent.shop.order(order.id).status == "cancelled"
    assert order.id in reply.text


def test_a_question_in_between_is_answered_and_the_open_one_repeated(talk):
    talk("Where is my order?")
    reply = talk("How long does delivery take?")
    assert "2 to 4 working days" in reply.text
    assert "e-mail" in reply.text


def test_after_a_hand_off_the_agent_is_silent_until_it_is_resolved(agent, talk):
    assert talk("I want to talk to a human").decision.kind == "handoff"
    waiting = talk("How much is the blue Aster mug?")
    assert waiting.decision.reason == "waiting" and waiting.text == ""
    assert [w.conversation for w in agent.store.waiting()].count(talk.conversation) == 1
    agent.store.take_over(talk.conversation, "Ann")
    assert talk("Hello?").decision.reason == "taken"
    agent.store.resolve(talk.conversation)
    assert "16.90 EUR" in talk("How much is the blue Aster mug?").text


def test_a_person_is_told_who_it_is_what_was_tried_and_what_may_help(agent, talk):
    order = next(iter(agent.shop.export()["orders"]))
    customer = agent.shop.customer(agent.shop.order(order).customer)
    talk(f"Where is order {order}?")
    talk(customer.email)
    talk(
        "This is ridiculous, you are useless! I want a human!", photos=(photo_of("mug-aster-blue"),)
    )
    told = brief(agent.store, talk.conversation)
    assert told.customer and customer.email in told.customer and told.order == order
    assert any("asked for email" in step for step in told.tried)
    assert any(step.startswith("status: done") for step in told.tried)
    assert told.transcript[0].text == f"Where is order {order}?"
    assert told.attachments == ("photo",)
    assert told.mood < 0 and told.priority >= 1
    assert told.suggested_reply.startswith(f"Hello {customer.name.first}, ")


# --- Attachments ------------------------------------------------------------------------------


def test_what_cannot_be_read_is_named_first(talk):
    reply = talk(photos=(b"not a photo",))
    assert reply.decision.kind == "decline" and reply.decision.reason == "unreadable"
    assert reply.text.endswith("Please try again, or write to me instead.")
    assert reply.notes
    both = talk("How long does delivery take?", photos=(b"not a photo",))
    assert both.text.startswith(reply.notes[0]) and "2 to 4 working days" in both.text


def test_silence_is_said_to_be_silence(talk):
    import wave

    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.zeros(16_000, np.int16).tobytes())
    reply = talk(audio=data.getvalue())
    assert "could not hear" in reply.text


def test_a_recording_is_answered_with_a_note_on_who_heard_it(agent):
    recording = (SAMPLES / "audio" / "how_long_does_delivery_take.ogg").read_bytes()
    events = list(agent.reply(Turn(audio=recording), agent.store.new_conversation()))
    heard = events[0]
    assert isinstance(heard, Heard) and heard.transcript.engine == "pocketsphinx"
    reply = events[-1].reply
    assert any("PocketSphinx" in note for note in reply.notes)
    assert set(reply.attributions["intent"]) == {"voice"}


def test_a_photo_and_words_are_one_question(talk):
    reply = talk("How much is this?", photos=(photo_of("mug-aster-red"),))
    assert reply.products and reply.products[0].id.startswith("mug-aster")
    assert "EUR" in reply.text


def test_printed_words_are_evidence_but_not_the_customers(agent):
    percept = Percept(
        words="typed heard print",
        text="typed",
        transcript=Transcript("heard", "en", 0.9, "pocketsphinx", 0.0, 1.0),
        printed=(PrintedText("print", 0.9, 0),),
        encoded={"text": None, "voice": None, "print": None},
        quality={},
    )
    assert own_words(percept) == "typed heard"


# --- Building ---------------------------------------------------------------------------------


def test_an_index_holds_what_stands_in_its_files_and_nothing_else(agent, tmp_path):
    feed = tmp_path / "feed.jsonl"
    feed.write_text('{"id": "a", "title": "Oak shelf"}\nnot JSON\n')
    faq = tmp_path / "faqs.jsonl"
    faq.write_text('{"question": "Do you deliver?", "answer": "Yes."}\n')
    settings = Settings(home=tmp_path / "home")
    report = index_paths(settings, agent.encoders, [feed, faq])
    assert (report.added, len(report.skipped)) == (2, 1)
    report = index_paths(settings, agent.encoders, [feed])
    assert (report.removed, report.unchanged) == (1, 1)
    report = index_paths(settings, agent.encoders, [], anew=True)
    assert report.added == 1


def test_what_was_added_to_the_faq_outlives_the_files(agent, tmp_path):
    feed, faq = tmp_path / "feed.jsonl", tmp_path / "faqs.jsonl"
    feed.write_text('{"id": "a", "title": "Oak shelf"}\n')
    faq.write_text('{"question": "Do you engrave?", "answer": "In the shop\'s own words."}\n')
    settings = Settings(home=tmp_path / "home")
    index_paths(settings, agent.encoders, [feed])
    with open_index(settings.index_folder, agent.knowledge.encoder) as knowledge:
        desk = SimpleNamespace(
            knowledge=knowledge, encoders=agent.encoders, input_limits=agent.input_limits
        )
        added = add_faq(desk, "Do you engrave?", "Yes, for 8 EUR.")
        assert knowledge.document(added.id).text == "Yes, for 8 EUR."
        with pytest.raises(BadInput, match="has an entry"):
            add_faq(desk, "Do you  engrave? ", "No.")
        with pytest.raises(BadInput, match="a question and an answer"):
            add_faq(desk, "Do you engrave?", " ")
    assert index_paths(settings, agent.encoders, [feed]).removed == 0
    assert index_paths(settings, agent.encoders, [feed], anew=True).added == 2
    report = index_paths(settings, agent.encoders, [feed, faq])  # theirs takes its place
    assert (report.changed, report.removed, report.unchanged) == (1, 0, 1)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("can I return a mug I already used?", "cannot be returned"),
        ("how do I return the vase?", "return label"),
        ("do you accept apple pay?", "Visa, Mastercard, PayPal"),
        ("how do I descale the kettle?", "vinegar"),
        ("whats the return policy for opened soap", "cannot be returned"),
        ("how much is shipping", "Standard delivery costs 4.90 EUR"),
    ],
)
def test_a_question_for_the_rules_that_names_a_product_is_answered_by_the_rules(
    talk, asked: str, answered: str
):
    reply = talk(asked)
    assert answered in reply.text and not reply.products


@pytest.mark.parametrize("asked", ["when can I call you?", "can I reach you by phone?"])
def test_who_asks_for_the_number_gets_it(talk, asked: str):
    reply = talk(asked)
    assert reply.decision.kind == "answer" and "+32 9 555 01 40" in reply.text


def test_who_asks_for_a_person_by_phone_still_gets_one(talk):
    assert talk("please have somebody call me").decision.kind == "handoff"


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("are you a robot?", "I am the shop's automatic assistant, not a person."),
        ("Hi, am I talking to a real person?", "I am the shop's automatic assistant"),
        ("hello?", "Hello!"),
        ("is anyone there", "Hello!"),
        ("what can you do?", "I am the shop's automatic assistant"),
    ],
)
def test_small_talk_is_answered_without_an_apology(talk, asked: str, first: str):
    assert talk(asked).text.startswith(first)


def test_a_farewell_is_not_taken_for_trouble(talk):
    talk("do you gift wrap?")
    assert "sorry" not in talk("bye").text


def test_what_it_is_is_said_in_the_customers_language(talk):
    reply = talk("Bist du ein Roboter?")
    assert reply.language == "de" and "kein Mensch" in reply.text


def test_a_price_alone_is_a_wish_about_what_was_shown(talk):
    talk("something to store coffee beans")
    assert "jar" in talk("around 20 euro").products[0].title
    assert all(card.price < 10 for card in talk("show me everything under 10 euros").products)


def test_what_a_product_does_not_say_is_asked_of_the_faq_and_the_rest_of_the_product(talk):
    assert talk("do you have a blue plate").products[0].title == "Linden plate, blue"
    assert "180 °C" in talk("can it go in the oven?").text
    assert "2 years" in talk("how long is the warranty on it?").text
    assert "Ø 27 x 2.5 cm" in talk("how big is it").text
    assert "780 g" in talk("how heavy is it").text
    assert "dishwasher" in talk("how do I clean it?").text
    assert talk("in white?").products[0].title == "Linden plate, white"


def test_a_wish_after_ideas_gets_ideas_within_it(talk):
    talk("bonjour, je cherche un cadeau pour ma mère")
    cards = talk("moins de 30 euros").products
    assert len(cards) > 1 and all(card.price < 30 for card in cards)
