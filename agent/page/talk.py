"""What one browser sees of its conversation, and a turn of it as it is answered.

It knows nothing of the page it is shown on: it yields what there is to show.
"""

from __future__ import annotations

import io
import logging
import math
import mimetypes
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from fastapi import HTTPException
from PIL import Image

from agent import types
from agent.agent import Agent
from agent.api.budget import Budgets, Spend
from agent.brief import by_person
from agent.errors import CUSTOMER_ERRORS, OPERATOR_ERRORS, NotFound
from agent.listening import expected
from agent.markup import alert, aside
from agent.page import messages
from agent.page.browsers import Uploads
from agent.page.evidence import CHECKED
from agent.page.texts import ENGLISH, Texts
from agent.store import browsers
from agent.store.feedback import Rating, rate, ratings
from fusion.perceive import hear
from fusion.types import BadInput, Transcript, Turn

log = logging.getLogger(__name__)

PACE = 0.1  # seconds between two looks at what is being written
LIMITED = "That was a lot in a short time. Please try again in %(minutes)s min."
BACK = "The assistant answers again."
LATER = "We cannot look this up just now. Please try again in a few minutes."
FAULT = "Something went wrong on our side. Your message is still in the box: please try again."
GONE = "Your file is not there any more. Please add it again."
ONE_EACH = "Please send one video and one recording at a time."
NO_WORDS = "The words of your recording are empty. Write them, or discard it."


@dataclass
class Said:
    """One message as it is drawn; of a reply, what it is drawn from."""

    html: str
    reply: types.Reply | None = None


@dataclass
class Talk:
    """What one browser sees: its conversation, the messages, whether an answer is due, and the
    recording that waits to be sent."""

    browser: str = ""  # its secret; "" where it keeps no cookie, and nothing is restored
    tell: Texts = ENGLISH
    conversation: str = ""
    said: list[Said] = field(default_factory=list)
    waiting: bool = False
    read: int = 0  # replies of the conversation that it shows
    recording: str = ""  # path of an upload
    heard: Transcript | None = None  # what is said in it, as far as could be heard

    @property
    def drawn(self) -> str:
        return "".join(said.html for said in self.said)

    @property
    def last(self) -> types.Reply | None:
        """The reply that was the last word, whose choices are offered."""
        return self.said[-1].reply if self.said else None


@dataclass(frozen=True, slots=True)
class Sent:
    """What the customer sends: words, uploads, what was picked, and a product of the shop whose
    photo goes along; `corrected` are the words of the recording that waits, as they were left;
    None: it is not sent now."""

    text: str = ""
    corrected: str | None = None
    files: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    labels: str = ""  # of what was picked, as it is shown
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the answer is: what is being written, the events so far, the reply once it is done,
    or why there is none (the conversation is then as it was)."""

    now: str = ""
    events: tuple[types.Event, ...] = ()
    reply: types.Reply | None = None
    failed: bool = False


def sort_of(path: str) -> str:
    """ "image", "video", "audio" or what else the file calls itself by its name."""
    return (mimetypes.guess_type(path)[0] or "").partition("/")[0]


def failure(error: Exception, talk: Talk) -> str:
    """The sentence the customer reads when a turn could not be answered; the rest is logged."""
    if isinstance(error, HTTPException) and error.headers:  # too many of something
        minutes = math.ceil(int(error.headers["Retry-After"]) / 60)
        return talk.tell(LIMITED, minutes=minutes)
    if isinstance(error, CUSTOMER_ERRORS):
        return talk.tell.sentence(talk.tell(str(error)))
    expected = isinstance(error, OPERATOR_ERRORS)
    log.error("Conversation %s: %s", talk.conversation, error, exc_info=None if expected else error)
    return talk.tell(LATER if expected else FAULT)


class Talks:
    """Every browser's talk with one agent."""

    def __init__(self, agent: Agent, uploads: Uploads, budgets: Budgets) -> None:
        self.agent, self.uploads, self.budgets = agent, uploads, budgets

    def restored(self, browser: str, tell: Texts = ENGLISH) -> Talk:
        """The conversation this browser had, drawn from the store; a new one if it had none."""
        store, knowledge = self.agent.store, self.agent.knowledge
        found = browsers.remembered(store, browser) if browser else ""
        talk = Talk(browser, tell, found)
        try:
            turns = store.events(found) if found else []
        except NotFound:  # it was erased meanwhile
            return Talk(browser, tell)
        photos = browsers.photos(store, found) if turns else {}
        rated = ratings(store, found) if turns else {}
        for place, events in turns:
            for event in events:
                match event:
                    case types.Heard():
                        talk.said.append(Said(_again(tell, event, photos.get(place, ()))))
                    case types.Done(reply=reply):
                        drawn = messages.reply(tell, reply, knowledge, rated.get(reply.id, ""))
                        talk.said.append(Said(drawn, reply))
        talk.read = len(turns)
        return talk

    def begin_anew(self, talk: Talk) -> None:
        """The browser forgets its conversation, and what waits to be sent is dropped."""
        self.discard(talk)
        if talk.browser:
            browsers.forget(self.agent.store, talk.browser)

    def answered(self, talk: Talk, sent: Sent, names: Mapping[str, str]) -> Iterator[Progress]:
        """Answer one turn as it is written, of whoever is counted under `names`. What was uploaded
        for it is deleted afterwards."""
        before = list(talk.said)
        try:
            turn = self._read(talk, sent)
            with self.budgets.spending(names, turn) as spend:
                yield from self._answer(talk, sent, turn, spend)
        except Exception as error:
            talk.said = before  # it was not answered: the box has it again
            yield Progress(messages.agent_says(alert(failure(error, talk))), failed=True)

    def _answer(self, talk: Talk, sent: Sent, turn: Turn, spend: Spend) -> Iterator[Progress]:
        happened: list[types.Event] = []
        written, shown_at, events = "", 0.0, None
        try:
            talk.said.append(Said(self._drawn(talk, sent, turn)))
            yield Progress(messages.waiting(talk.tell("Reading your message")))
            if not talk.conversation:
                talk.conversation = self.agent.store.new_conversation()
                if talk.browser:
                    browsers.remember(self.agent.store, talk.browser, talk.conversation)
            events = self.agent.reply(turn, talk.conversation)
            for event in events:
                if isinstance(event, types.Token):
                    written += event.text
                    if time.monotonic() - shown_at >= PACE:
                        yield Progress(messages.writing(written), tuple(happened))
                        shown_at = time.monotonic()  # when that was sent
                    continue
                happened.append(event)
                match event:
                    case types.Heard():
                        spend(event.photos, event.sound)
                        yield Progress(
                            messages.waiting(talk.tell("Thinking it over")), tuple(happened)
                        )
                    case types.Understood():
                        yield Progress(
                            messages.waiting(talk.tell("Looking it up")), tuple(happened)
                        )
                    case types.Done(reply=reply):
                        drawn = messages.reply(talk.tell, reply, self.agent.knowledge)
                        talk.said.append(Said(drawn, reply))
                        if sent.corrected is not None:
                            self.discard(talk)
                        for path in sent.files:
                            self.uploads.drop(talk.browser, path)
                        yield Progress(events=tuple(happened), reply=reply)
        finally:
            if events is not None:
                events.close()

    def listen(self, talk: Talk, path: str, names: Mapping[str, str]) -> str:
        """Hear an upload, so that its words can be corrected before they count: the talk has both
        then. What is wrong, where nothing was heard."""
        self.discard(talk)
        shown = [said.reply for said in talk.said if said.reply]
        encoders, limits = self.agent.encoders, self.agent.input_limits
        try:
            recording = self._bytes(talk, path)
            with self.budgets.spending(names, Turn(audio=recording)) as spend:
                heard, sound, problems = hear(recording, encoders, limits, expected(shown))
                spend(0, sound)
        except Exception as error:
            return failure(error, talk)
        if heard is None or not heard.text:
            self.uploads.drop(talk.browser, path)
            return " ".join(map(talk.tell.sentence, problems))
        talk.recording, talk.heard = path, heard
        return ""

    def discard(self, talk: Talk) -> None:
        """Drop the recording that waits."""
        if talk.recording:
            self.uploads.drop(talk.browser, talk.recording)
        talk.recording, talk.heard = "", None

    def looked(self, talk: Talk) -> bool:
        """Add what a person wrote meanwhile; whether a person still has the conversation."""
        store = self.agent.store
        try:
            replies = store.replies(talk.conversation)
            handed = bool(store.handed_off(talk.conversation))
        except NotFound:  # it was erased
            return False
        new = [reply for reply in replies[talk.read :] if by_person(reply)]
        talk.read = len(replies)
        tell, knowledge = talk.tell, self.agent.knowledge
        talk.said += [Said(messages.reply(tell, one, knowledge), one) for one in new]
        if not handed:
            talk.said.append(Said(messages.agent_says(aside(tell(BACK)))))
        return handed

    def rate(self, talk: Talk, reply: str, rating: Rating, comment: str) -> None:
        """Keep what the customer thinks of a reply, and show it. Raises NotFound."""
        rate(self.agent.store, talk.conversation, reply, rating, comment)
        for said in talk.said:
            if said.reply and said.reply.id == reply:
                asked = rating == "down" and not comment
                knowledge = self.agent.knowledge
                said.html = messages.reply(talk.tell, said.reply, knowledge, rating, asked)

    def laid_open(self, talk: Talk, reply: str) -> Sequence[types.Event]:
        """The events of the turn with this reply; none when it is not of this conversation."""
        for _, events in self.agent.store.events(talk.conversation) if talk.conversation else ():
            if any(isinstance(one, types.Done) and one.reply.id == reply for one in events):
                return events
        return ()

    def _read(self, talk: Talk, sent: Sent) -> Turn:
        """The turn, nothing of it decoded. Raises BadInput."""
        videos: list[bytes] = []
        recordings: list[bytes] = []
        photos: list[bytes] = []
        for path in sent.files:
            kept = {"video": videos, "audio": recordings}.get(sort_of(path), photos)
            kept.append(self._bytes(talk, path))
        if sent.product and (document := self.agent.knowledge.document(sent.product)):
            photos.append(Path(document.photos[0]).read_bytes())
        transcript = None
        if talk.heard and sent.corrected is not None:
            transcript = _checked(talk.heard, sent.corrected)
            recordings.append(self._bytes(talk, talk.recording))
        if max(len(videos), len(recordings)) > 1:
            raise BadInput(ONE_EACH)
        return Turn(
            text=sent.text.strip(),
            audio=recordings[0] if recordings else None,
            photos=tuple(photos),
            video=videos[0] if videos else None,
            choices=sent.choices,
            transcript=transcript,
            language=talk.tell.language,
        )

    def _drawn(self, talk: Talk, sent: Sent, turn: Turn) -> str:
        """The customer's message; of the photos, those that are looked at."""
        limits, decoder = self.agent.input_limits, self.agent.encoders.decoder
        sources = [*sent.files, *filter(None, [sent.product])]
        names = [Path(path).name for path in sources if sort_of(path) not in ("video", "audio")]
        pictures, others = [], names[limits.photos :]
        for place, data in enumerate(turn.photos[: limits.photos]):
            try:
                pictures.append(messages.picture(decoder.photo(data, limits)))
            except BadInput:  # the reply says what is wrong with it
                others.append(names[place])
        if turn.video:
            others.append(talk.tell("Video"))
        if turn.audio and not turn.transcript:
            others.append(talk.tell("Your recording"))
        spoken = f"“{turn.transcript.text}”" if turn.transcript else ""
        words = sent.text.strip() or sent.labels
        return messages.customer(talk.tell, words, pictures, spoken, others)

    def _bytes(self, talk: Talk, path: str) -> bytes:
        """An upload of this browser's. Raises BadInput when it is not, or not any more."""
        try:
            if self.uploads.owned(talk.browser, path):
                return Path(path).read_bytes()
        except OSError:
            log.info("An upload was deleted before it was used.")
        raise BadInput(GONE)


def _checked(heard: Transcript, corrected: str) -> Transcript:
    """What was heard, in the words that the customer left. Raises BadInput without any."""
    words = corrected.strip()
    if not words:
        raise BadInput(NO_WORDS)
    times = heard.words if words == heard.text else ()
    engine = f"{heard.engine}, {CHECKED}"
    return replace(heard, text=words, engine=engine, confidence=1.0, words=times)


def _again(tell: Texts, heard: types.Heard, photos: Sequence[bytes]) -> str:
    pictures = [messages.picture(_opened(photo)) for photo in photos]
    spoken = f"“{heard.transcript.text}”" if heard.transcript and heard.transcript.text else ""
    return messages.customer(tell, messages.typed(heard), pictures, spoken)


def _opened(photo: bytes) -> np.ndarray:
    """A photo of the shop's own, or one that was checked before it was stored."""
    with Image.open(io.BytesIO(photo)) as image:
        return np.asarray(image.convert("RGB"))
