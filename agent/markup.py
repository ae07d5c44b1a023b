"""Pieces of HTML that the pages share, every word from outside escaped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape
from urllib.parse import quote


def photo_address(document: str) -> str:
    """Where `agent.api` serves the photo of an indexed document, seen from the page."""
    return f"photos/{quote(document, safe='')}"


def link(url: str, words: str) -> str:
    """`words`, escaped; a link if `url` is a whole web address."""
    if not url.startswith(("https://", "http://")):
        return escape(words)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(words)}</a>'


def aside(sentence: str) -> str:
    """What the page itself says, in neither voice."""
    return f'<p class="aside">{escape(sentence)}</p>'


def alert(sentence: str) -> str:
    """What is wrong, said by a screen reader at once; "" for nothing. It never stands in the log of
    a conversation, which is read out by itself."""
    return f'<p class="alert" role="alert">{escape(sentence)}</p>' if sentence else ""


def bars(caption: str, values: Mapping[str, float], form: str) -> str:
    """A chart: one bar a value in [-1, 1], 1 as wide as the room; `form` is how the figure is
    written. It is a table, so that it can be heard as well."""
    rows = "".join(
        f'<tr{" class=against" * (value < 0)}><th scope="row">'
        f"{escape(name)}</th>"
        f'<td><i style="--share:{min(1.0, abs(value)):.3f}"></i></td>'
        f"<td>{format(value, form)}</td></tr>"
        for name, value in values.items()
    )
    return f'<table class="bars"><caption>{escape(caption)}</caption>{rows}</table>'


def marked(text: str, quotes: Collection[str]) -> str:
    """The text escaped, with what was quoted from it highlighted."""
    spans = sorted((text.find(one), one) for one in set(quotes) if one and one in text)
    shown, end = "", 0
    for start, one in spans:
        if start >= end:
            shown += escape(text[end:start]) + f"<mark>{escape(one)}</mark>"
            end = start + len(one)
    return shown + escape(text[end:])


def section(title: str, *parts: str) -> str:
    return f"<section><h3>{escape(title)}</h3>{''.join(parts)}</section>" if any(parts) else ""


def lines(*sentences: str) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)
