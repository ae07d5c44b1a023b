"""Fields from outside -> plain text: no markup, no scripts, no control characters."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

BLOCKS = {"p", "br", "div", "li", "tr", "td", "th", "ul", "ol", "table", "h1", "h2", "h3", "h4"}
HIDDEN = {"script", "style"}
LONGEST = 200_000  # characters of a field that are looked at
TIMES = 3  # markup is often written as text of markup: "&lt;p&gt;"
TAG = re.compile(r"<[a-zA-Z/!?]")


class _Text(HTMLParser):
    """Collects the text of markup, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self.hidden += 1
        elif tag in BLOCKS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in BLOCKS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def plain(text: str) -> str:
    """The text of a field: no markup, no control characters, white space collapsed."""
    text = text[:LONGEST]
    for _ in range(TIMES):
        if TAG.search(text):
            parser = _Text()
            parser.feed(text)
            parser.close()
            text = "".join(parser.parts)
        elif "&" in text:
            text = html.unescape(text)
        else:
            break
    text = " ".join(text.split())
    return text if text.isprintable() else " ".join("".join(map(_visible, text)).split())


def _visible(character: str) -> str:
    """The character; a space for a control character; nothing for one without width."""
    if character.isascii():
        return character if character.isprintable() else " "
    category = unicodedata.category(character)
    return " " if category in ("Cc", "Cs") else "" if category == "Cf" else character


def text_of(value: Any) -> str:
    """A field of a row as plain text; empty for None, NaN, lists and objects."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, (Decimal, date)):
        return str(value)
    return plain(str(value)) if isinstance(value, (str, int)) else ""


def texts_of(value: Any, separators: str) -> list[str]:
    """The items of a list, or of text with one of these characters between them; each once."""
    if isinstance(value, str):
        value = html.unescape(html.unescape(value))  # "&lt;" has a separator in it
        value = plain(value) if TAG.search(value) else value
        items: list[Any] = re.split(f"[{separators}]", value)
    else:
        items = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(filter(None, map(text_of, items))))
