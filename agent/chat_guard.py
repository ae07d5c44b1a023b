"""A chat model that may be slow, down or broken, and never keeps a customer waiting for long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import Empty, Queue
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

TIMEOUT = 30.0  # seconds for a whole answer
FAILURES = 3  # in a row, after which the model is left alone
REST = 60.0  # seconds

log = logging.getLogger(__name__)


class ModelUnavailable(RuntimeError):
    """The model gave no answer. The message is a sentence without its end: "..., so"."""


class GuardedModel:
    """One model with a time limit, one retry and a circuit breaker, for every thread."""

    def __init__(
        self,
        model: BaseChatModel,
        timeout: float = TIMEOUT,
        failures: int = FAILURES,
        rest: float = REST,
    ) -> None:
        self.model = model
        self._timeout = timeout
        self._failures = failures
        self._rest = rest
        self._failed = 0
        self._rests_until = 0.0
        self._lock = Lock()

    @property
    def has_tools(self) -> bool:
        """Whether the model can call tools at all."""
        return type(self.model).bind_tools is not BaseChatModel.bind_tools

    def stream(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] = (), share: float = 1.0
    ) -> Iterator[AIMessage]:
        """The answer as it comes, within `share` of the time limit. Raises ModelUnavailable.

        A failure is tried once more as long as nothing has come.
        """
        with self._lock:
            if monotonic() < self._rests_until:
                raise ModelUnavailable("The chat model failed several times and is left alone")
        until = monotonic() + share * self._timeout
        try:
            for again in (True, False):
                came = False
                try:
                    model = self.model.bind_tools(tools) if tools else self.model
                    for chunk in _until(until, partial(model.stream, list(messages))):
                        came = True
                        yield chunk
                    break
                except Exception:  # vendors' errors share no base
                    if came or not again or monotonic() > until:
                        raise
        except Exception as error:
            self._count(failed=True)
            log.warning("The chat model failed (%s: %s).", type(error).__name__, error)
            raise ModelUnavailable("The chat model could not be reached") from error
        self._count(failed=False)

    def _count(self, failed: bool) -> None:
        with self._lock:
            self._failed = self._failed + 1 if failed else 0
            if self._failed >= self._failures:
                self._rests_until = monotonic() + self._rest


def _until(until: float, start: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """What the stream gives until then. Raises TimeoutError, and whatever the stream raises.

    It is read on a thread of its own: one that sends nothing, or signs of life for ever, is left
    to itself.
    """
    came: Queue[tuple[Any, Exception | None]] = Queue()
    gone = Event()

    def read() -> None:
        try:
            for chunk in start():
                if gone.is_set():
                    return
                came.put((chunk, None))
            came.put((None, None))
        except Exception as error:  # told to whoever reads
            came.put((None, error))

    Thread(target=read, daemon=True).start()
    try:
        while True:
            try:
                chunk, error = came.get(timeout=max(until - monotonic(), 0.0))
            except Empty:
                raise TimeoutError("there was no whole answer in time") from None
            if error is not None:
                raise error
            if chunk is None:
                return
            yield chunk
    finally:
        gone.set()
