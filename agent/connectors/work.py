"""The work behind the door: what was received is answered, what was said is sent.

Three threads look into the boxes (agent/store/boxes.py). Each message is dealt with by one of them,
in this process or another; what fails is tried again later, and in the end is dead, which
`deskhand outbox list` tells.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from agent.connectors import chatwoot, intercom, slack, telegram, webhook, zendesk
from agent.connectors.types import Incoming, Refused
from agent.errors import CUSTOMER_ERRORS, Busy
from agent.store.boxes import (
    Box,
    Message,
    conversation_of,
    done,
    failed,
    free,
    later,
    next_due,
    tell,
)
from fusion.types import Turn
from knowledge.fetch import MOST, NotFetched, fetch

if TYPE_CHECKING:
    from agent.agent import Agent
    from agent.config import Helpdesk

log = logging.getLogger(__name__)

SECONDS = 10.0  # for one request to a helpdesk
LOOK = 1.0  # seconds between two looks into a box that was empty
SENDERS = 2

SEND = {
    "webhook": webhook.send,
    "chatwoot": chatwoot.send,
    "slack": slack.send,
    "telegram": telegram.send,
    "zendesk": zendesk.send,
    "intercom": intercom.send,
}


class Work:
    """Answers and sends while it runs. `poke` when something arrived."""

    def __init__(self, agent: Agent, helpdesks: Mapping[str, Helpdesk]) -> None:
        self.agent, self.helpdesks = agent, helpdesks
        self._arrived, self._stopped = threading.Event(), threading.Event()

    def poke(self) -> None:
        self._arrived.set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until the end of the block; what has begun is finished."""
        free(self.agent.store)
        self._stopped.clear()
        threads = [threading.Thread(target=self._answer_all, name="inbox")]
        threads += [threading.Thread(target=self._send_all, name="outbox") for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._arrived.set()
            for thread in threads:
                thread.join()

    def _answer_all(self) -> None:
        with httpx.Client(timeout=SECONDS) as http:
            while not self._stopped.is_set():
                self._arrived.clear()
                if not self._dealt_with("inbox", http):
                    self._arrived.wait(LOOK)

    def _send_all(self) -> None:
        with httpx.Client(timeout=SECONDS) as http:
            while not self._stopped.is_set():
                if not self._dealt_with("outbox", http):
                    self._stopped.wait(LOOK)

    def _dealt_with(self, box: Box, http: httpx.Client) -> bool:
        """Whether there was a message."""
        store = self.agent.store
        try:
            message = next_due(store, box)
            if message is None:
                return False
            try:
                (self._answer if box == "inbox" else self._send)(message, http)
            except Busy:
                later(store, message, 1.0)
            except Refused as error:
                self._failed(message, error, for_good=True)
            except Exception as error:
                self._failed(message, error)
            else:
                done(store, message)
        except Exception:  # the database does not answer: it may, later
            log.exception("The %s cannot be worked on", box)
            self._stopped.wait(LOOK)
        return True

    def _failed(self, message: Message, error: Exception, for_good: bool = False) -> None:
        dead = failed(self.agent.store, message, f"{type(error).__name__}: {error}", for_good)
        level = logging.ERROR if dead else logging.WARNING
        log.log(level, "%s %s: %s", message.box, message.id, error)
        if dead and message.box == "inbox":  # nobody answered: a person must
            conversation = conversation_of(self.agent.store, message.channel)
            if not self.agent.store.handed_off(conversation):
                self.agent.store.hand_off(conversation, "asked", "A message was not answered.", 1)

    def _answer(self, message: Message, http: httpx.Client) -> None:
        came = Incoming.model_validate_json(message.body)
        conversation = conversation_of(self.agent.store, message.channel)
        notes: list[str] = []
        turn = self._turn(came, self.helpdesks.get(message.helpdesk), http, notes)
        try:
            with closing(self.agent.reply(turn, conversation, message.id)) as events:
                for _ in events:
                    pass
        except Busy:
            raise
        except CUSTOMER_ERRORS as error:
            notes.append(str(error))
        if notes:
            tell(self.agent.store, conversation, f"{message.id}/notes", " ".join(notes))

    def _turn(
        self, came: Incoming, helpdesk: Helpdesk | None, http: httpx.Client, notes: list[str]
    ) -> Turn:
        """With what came along. Files that cannot be had are told in `notes`."""
        photos: list[bytes] = []
        audio = video = None
        for file in came.files[: self.agent.input_limits.photos + 2]:
            try:
                data = _fetched(file, helpdesk, http)
            except (NotFetched, Refused, httpx.HTTPError, KeyError) as error:
                log.warning("A file of %s was not fetched: %s", came.message, error)
                notes.append("I could not open a file that you sent.")
                continue
            kind = _kind(data)
            if kind == "photo":
                photos.append(data)
            elif kind == "audio" and audio is None:
                audio = data
            elif video is None:
                video = data
        return Turn(came.text, audio, tuple(photos), video)

    def _send(self, message: Message, http: httpx.Client) -> None:
        helpdesk = self.helpdesks.get(message.helpdesk)
        if helpdesk is None:
            raise Refused(f"DESKHAND_HELPDESKS does not name {message.helpdesk}.")
        SEND[message.helpdesk](http, helpdesk, message)


def _fetched(file: str, helpdesk: Helpdesk | None, http: httpx.Client) -> bytes:
    """The helpdesk's own files are asked for with its token; any other only at public addresses.

    Raises NotFetched, Refused or httpx.HTTPError.
    """
    if helpdesk and file.startswith(telegram.FILE):
        file = telegram.address(http, helpdesk, file)
    for _ in range(3):  # redirects
        if helpdesk is None or not _same_place(file, helpdesk.url):
            return fetch(file)
        headers = {"Authorization": f"Bearer {helpdesk.token}"} if helpdesk.token else {}
        with http.stream("GET", file, headers=headers) as answered:
            if answered.is_redirect and answered.next_request:
                file = str(answered.next_request.url)
                continue
            answered.raise_for_status()
            data = b""
            for piece in answered.iter_bytes():
                data += piece
                if len(data) > MOST:
                    raise NotFetched(f"it has more than {MOST / 1e6:.0f} MB")
            return data
    raise NotFetched("it leads from one address to the next")


def _same_place(file: str, helpdesk: str) -> bool:
    """Slack's files are at files.slack.com."""
    first, second = urlsplit(file), urlsplit(helpdesk)
    same = first.netloc == second.netloc or first.netloc.endswith(f".{second.netloc}")
    return first.scheme == second.scheme and same


def _kind(data: bytes) -> str:
    """By its first bytes: what a helpdesk says of a file is its sender's word."""
    if data[:3] == b"\xff\xd8\xff" or data[:4] in (b"\x89PNG", b"GIF8"):
        return "photo"
    if data[:4] == b"RIFF":
        return "photo" if data[8:12] == b"WEBP" else "audio" if data[8:12] == b"WAVE" else "video"
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "photo"
    if data[4:11] == b"ftypM4A" or data[:4] in (b"OggS", b"fLaC") or data[:3] == b"ID3":
        return "audio"
    return "audio" if data[:1] == b"\xff" and data[1:2] >= b"\xe0" else "video"
