"""A chat model that may be slow, down or broken, and never keeps a customer waiting for long."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from threading import Lock
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

    def stream(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] = ()
    ) -> Iterator[AIMessage]:
        """The answer as it comes. Raises ModelUnavailable.

        A failure is tried once more as long as nothing has come.
        """
        with self._lock:
            if monotonic() < self._rests_until:
                raise ModelUnavailable("The chat model failed several times and is left alone")
        until = monotonic() + self._timeout
        try:
            for again in (True, False):
                came = False
                try:
                    model = self.model.bind_tools(tools) if tools else self.model
                    for chunk in model.stream(list(messages)):
                        came = True
                        if monotonic() > until:
                            raise TimeoutError(f"no whole answer in {self._timeout:.0f} s")
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
