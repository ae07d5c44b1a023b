"""Replies and events as HTML, every word from outside escaped; knows nothing of who shows it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from agent import types
from agent.compose import SILENT
from agent.evidence import money

PARTS = {
    "text": "typed words",
    "voice": "spoken words",
    "print": "words in the photo",
    "photo": "the photo",
    "history": "earlier messages",
}


def photo_address(document: str) -> str:
    """Where `agent.api` serves the photo of an indexed document, seen from the page."""
    return f"photos/{quote(document, safe='')}"


def link(url: str, words: str) -> str:
    """`words`, escaped; a link if `url` is a whole web address."""
    if not url.startswith(("https://", "http://")):
        return escape(words)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(words)}</a>'


def stock(pieces: int | None) -> str:
    if pieces is None:
        return ""
    if pieces == 0:
        return '<span class="out">out of stock</span>'
    return f"<span>{f'only {pieces} left' if pieces <= 3 else f'{pieces} in stock'}</span>"


def product(card: types.ProductCard) -> str:
    """One product as a card: picture, name, price, stock."""
    picture = f'<img src="{photo_address(card.id)}" alt="">' if card.photo else ""
    price = "" if card.price is None else money(card.price, card.currency)
    return (
        f"<article>{picture}<h4>{link(card.url, card.title)}</h4>"
        f"<p><b>{escape(price)}</b>{stock(card.stock)}</p></article>"
    )


def below(reply: types.Reply) -> str:
    """What stands under the words of a reply: notes, sources and product cards."""
    untold = [note for note in reply.notes if note not in reply.text]
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in untold)
    titles = {cited.document: link(cited.url, cited.title) for cited in reply.citations}
    sources = f'<p class="from">Source: {" · ".join(titles.values())}</p>' if titles else ""
    cards = "".join(map(product, reply.products))
    cards = f'<div class="cards">{cards}</div>' if cards else ""
    return notes + (table(reply.comparison) if reply.comparison else "") + sources + cards


def table(comparison: types.Comparison) -> str:
    """A comparison of products, one a column."""
    head = "".join(f"<th>{escape(title)}</th>" for title in ("", *comparison.products))
    cells = [
        f"<th>{escape(name)}</th>" + "".join(f"<td>{escape(value)}</td>" for value in values)
        for name, *values in comparison.rows
    ]
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table class="compared"><tr>{head}</tr>{rows}</table>'


def sent_photo(document: str) -> str:
    return f'<img class="sent" src="{photo_address(document)}" alt="">'


def spoken(words: str) -> str:
    return f'<p class="spoken">{escape(words)}</p>'


def waiting(words: str) -> str:
    return f'<p class="wait">{escape(words)}</p>'


def aside(sentence: str) -> str:
    """What the page itself says, in neither voice."""
    return f'<p class="aside">{escape(sentence)}</p>'


def silence(reply: types.Reply) -> str:
    """Why nothing is said, where a person has the conversation; "" otherwise."""
    decision = reply.decision
    said = isinstance(decision, types.HandOff) and SILENT.get(decision.reason)
    return aside(said) if said else ""


def alert(sentence: str) -> str:
    return f'<p class="alert">{escape(sentence)}</p>'


def bars(values: Mapping[str, float], form: str) -> str:
    """One bar a value in [-1, 1], 1 as wide as the room; `form` is how the figure is written."""
    return "".join(
        f'<div class="bar{" against" * (value < 0)}"><span>'
        f"{escape(PARTS.get(key, key.replace('_', ' ')))}</span>"
        f'<i style="--share:{min(1.0, abs(value)):.3f}"></i><b>{format(value, form)}</b></div>'
        for key, value in values.items()
    )


def quoted(title: str, url: str, passage: str, figures: str = "") -> str:
    return (
        f'<div class="hit"><p><b>{link(url, title)}</b><span>{escape(figures)}</span></p>'
        f'<p class="quote">{escape(passage)}</p></div>'
    )


def section(title: str, *parts: str) -> str:
    return f"<section><h3>{title}</h3>{''.join(parts)}</section>" if any(parts) else ""


def lines(*sentences: str) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)


def laid_open(event: types.Event) -> str:
    """One event as a section of the evidence panel; everything in it is escaped."""
    match event:
        case types.Heard(transcript=spoken, printed=printed, photos=photos):
            return section(
                "What you said and showed",
                f'<p class="quote">{escape(event.words)}</p>' if event.words else "",
                lines(f"Heard by {spoken.engine}, {spoken.confidence:.0%} sure") if spoken else "",
                lines(*(f"Printed in a photo: “{line.text}”" for line in printed)),
                lines(f"Pictures looked at: {photos}") if photos else "",
                lines(*event.problems),
            )
        case types.Understood(attributions=games):
            return section(
                "What I took it to mean",
                bars(event.intents, ".0%"),
                lines(f"Not for this shop: {event.out_of_scope:.0%}. Mood: {event.mood:+.2f}."),
            ) + section(
                "What that rests on",
                *(
                    f"<h4>{name}</h4>{bars(games[game], '+.2f')}"
                    for game, name in (("intent", "To understand"), ("retrieval", "To look it up"))
                    if games.get(game)
                ),
            )
        case types.Found(hits=hits):
            return section(
                "What I found",
                lines(f"Only: {event.filters}" if event.filters else ""),
                lines(*(f"Nothing fits “{wish}”, so I left it out." for wish in event.relaxed)),
                *(
                    quoted(hit.title, hit.url, hit.passage, f"{hit.kind} {hit.score:.2f}")
                    for hit in hits[:4]
                ),
            )
        case types.Done(reply=reply):
            spent = " · ".join(f"{stage} {took:.2f} s" for stage, took in reply.seconds.items())
            return (
                section(
                    "What I quoted", *(quoted(c.title, c.url, c.quote) for c in reply.citations)
                )
                + section("Notes", lines(*reply.notes))
                + section("Time", lines(spent))
            )
        case _:
            return ""
