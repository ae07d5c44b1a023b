"""One recording at a time: a recogniser holds the state of one, and two halves are no faster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Semaphore

from fusion.types import BadInput

BUSY = "I am listening to many recordings just now. Please send yours again in a minute."


class OneAtATime:
    """`with self.turn():` lets one thread in; `waiting` more may stand in line."""

    def __init__(self, waiting: int = 4, seconds: float = 60.0) -> None:
        self._places = Semaphore(waiting + 1)
        self._lock = Lock()
        self._seconds = seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises BadInput when the line is full, or nobody is let in for `seconds`."""
        if not self._places.acquire(blocking=False):
            raise BadInput(BUSY)
        try:
            if not self._lock.acquire(timeout=self._seconds):
                raise BadInput(BUSY)
            try:
                yield
            finally:
                self._lock.release()
        finally:
            self._places.release()
