"""Budgets: how many photos are looked at and how much sound is decoded, for one caller.

How much a turn takes is known once its attachments are decoded. Until then the most that it may
take is held, so that many turns at once take no more than one after another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from limits import RateLimitItem, parse

from agent.api.errors import too_many
from agent.config import CALLERS, Rates
from fusion.photo import KEY_FRAMES
from fusion.types import InputLimits, Turn

Spend = Callable[[int, float], None]
"""Told how many photos were looked at, and how many seconds of sound were decoded."""


@dataclass(eq=False, slots=True)
class Held:
    """A part of a budget, gone until a time (`time.monotonic`)."""

    amount: float
    until: float


class Budget:
    """So much in any stretch of time, for each name. One object serves every thread."""

    def __init__(self, what: str, limit: RateLimitItem) -> None:
        self._what, self._limit, self._window = what, limit, limit.get_expiry()
        self._held: dict[str, list[Held]] = {}
        self._swept = time.monotonic()
        self._lock = Lock()

    def hold(self, name: str, least: float, most: float) -> Held:
        """Hold `most`, whose `amount` is set once it is known what was taken.

        Raises HTTPException 429 when less than `least` is left.
        """
        now = time.monotonic()
        with self._lock:
            self._sweep(now)
            held = [one for one in self._held.get(name, ()) if one.until > now]
            left = self._limit.amount - sum(one.amount for one in held)
            if left < least:
                raise too_many(self._what, self._limit, self._wait(held, least - left, now))
            taken = Held(most, now + self._window)
            self._held[name] = [*held, taken]
            return taken

    def _wait(self, held: Sequence[Held], missing: float, now: float) -> int:
        """Seconds until so much is given back; the oldest is first."""
        for one in held:
            missing -= one.amount
            if missing <= 0:
                return math.ceil(one.until - now)
        return self._window

    def _sweep(self, now: float) -> None:
        """Forget, once a window, who has not come again."""
        if now > self._swept + self._window:
            self._swept = now
            self._held = {name: held for name, held in self._held.items() if held[-1].until > now}


class Budgets:
    """The budgets of every kind of caller."""

    def __init__(self, rates: Rates, limits: InputLimits) -> None:
        self._limits = limits
        self._photos = _budgets(rates, "photos", "photos")
        self._sound = _budgets(rates, "sound", "seconds of sound")

    @contextmanager
    def spending(self, names: Mapping[str, str], turn: Turn) -> Iterator[Spend]:
        """A turn of whoever goes by `names` (kind of caller -> who) is answered within it; what
        is yielded is told what was decoded. Nothing was when the turn is refused before, or was
        answered before. A recording that was heard before it was a turn was counted then.

        Raises HTTPException 429.
        """
        photos, frames, sound = self._most(turn)
        before = turn.transcript.seconds if turn.transcript else 0.0
        looked_at: list[Held] = []
        decoded: list[Held] = []
        known = False

        def settle(pictures: int, seconds: float) -> None:
            nonlocal known
            known = True
            for one in looked_at:
                one.amount = pictures
            for one in decoded:
                one.amount = max(0.0, seconds - before)

        try:
            for kind, name in names.items():
                if photos or frames:
                    held = self._photos[kind].hold(name, max(photos, 1), photos + frames)
                    looked_at.append(held)
                if sound:
                    decoded.append(self._sound[kind].hold(name, 1, sound))
            yield settle
        except Exception:
            if not known:
                settle(0, 0)
            raise
        # Who leaves before it is known has spent what was held: it may be decoded still.
        if not known:
            settle(0, 0)

    def _most(self, turn: Turn) -> tuple[int, int, float]:
        """Photos, key frames of a video and seconds of sound that there may be in a turn."""
        limits = self._limits
        photos, frames, seconds = min(len(turn.photos), limits.photos), 0, 0.0
        if turn.audio is not None and turn.transcript is None:
            seconds += limits.audio_seconds
        if turn.video is not None:
            frames, seconds = KEY_FRAMES, seconds + limits.video_seconds
        return photos, frames, seconds


def _budgets(rates: Rates, field: str, what: str) -> dict[str, Budget]:
    return {kind: Budget(what, parse(getattr(rates, f"{kind}_{field}"))) for kind in CALLERS}
