"""One phrase over and over: what recognisers write when they understand nothing."""

from __future__ import annotations

import re
import zlib

MAX_COMPRESSION = 2.4  # text that packs tighter than this is one phrase in a loop
_LOOP = re.compile(r"\b(\w[\w' ,]{0,60}?)(?:\W+\1\b){5,}", re.IGNORECASE)  # six times or more


def loops(text: str) -> bool:
    """Is it one phrase over and over?"""
    data = text.encode()
    tight = len(data) > MAX_COMPRESSION * len(zlib.compress(data))
    return tight or _LOOP.search(text) is not None
