"""The evidence panel: everything that led to a reply, laid open; every word in it is escaped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from agent import types
from agent.markup import bars, lines, link, marked, section
from knowledge.index import Knowledge
from knowledge.types import Document

HITS = 4
AROUND = 160  # characters of the document shown on each side of what was quoted
NOTHING = "<p>Ask something: what was understood, found and quoted is laid open here.</p>"
RANKS = {"dense": "by meaning", "lexical": "by words", "photo": "by photo"}


def evidence(events: Sequence[types.Event], knowledge: Knowledge) -> str:
    """What happened so far in a turn; once it is done, what was quoted is highlighted."""
    done = next((event.reply for event in events if isinstance(event, types.Done)), None)
    cited = done.citations if done else ()
    return "".join(_section(event, cited, knowledge) for event in events) or NOTHING


def _section(event: types.Event, cited: Sequence[types.Citation], knowledge: Knowledge) -> str:
    match event:
        case types.Heard():
            return _perceived(event)
        case types.Understood(attributions=games):
            alternatives = bars("Likely meanings", event.intents, ".0%")
            mood = f"Not for this shop: {event.out_of_scope:.0%}. Mood: {event.mood:+.2f}."
            counted = [
                bars(name, games[game], "+.2f")
                for game, name in (("intent", "To understand it"), ("retrieval", "To look it up"))
                if games.get(game)
            ]
            return section("What I took it to mean", alternatives, lines(mood)) + section(
                "What counted for it", *counted
            )
        case types.Found(hits=hits):
            quotes: dict[str, list[str]] = {}
            for one in cited:
                quotes.setdefault(one.document, []).append(one.quote)
            return section(
                "What I found",
                lines(f"Only: {event.filters}" if event.filters else ""),
                lines(*(f"Nothing fits “{wish}”, so I left it out." for wish in event.relaxed)),
                *(_hit(hit, quotes.get(hit.id, ())) for hit in hits[:HITS]),
            )
        case types.Done(reply=reply):
            return (
                section("What I quoted", *(_quoted(one, knowledge) for one in reply.citations))
                + section("What the shop did", lines(*(deed.message for deed in reply.done)))
                + section("Notes", lines(*reply.notes))
                + section("Time", _times(reply.seconds))
            )
        case _:
            return ""


def _perceived(event: types.Heard) -> str:
    spoken = event.transcript
    said = f"Heard by {spoken.engine}, {spoken.confidence:.0%} sure" if spoken else ""
    return section(
        "What you said and showed",
        f'<p class="quote">{escape(event.words)}</p>' if event.words else "",
        lines(said),
        lines(*(f"Printed in a photo: “{line.text}”" for line in event.printed)),
        lines(f"Pictures looked at: {event.photos}" if event.photos else ""),
        lines(*event.problems),
    )


def _hit(hit: types.FoundHit, quotes: Collection[str]) -> str:
    ranks = ", ".join(f"no. {place} {RANKS.get(name, name)}" for name, place in hit.ranks.items())
    return (
        f'<div class="hit"><p><b>{link(hit.url, hit.title)}</b><span>{hit.score:.2f}</span></p>'
        f'<p class="quote">{marked(hit.passage, quotes)}</p>'
        f"<p>{escape(hit.kind)} · {escape(ranks)}</p></div>"
    )


def _quoted(cited: types.Citation, knowledge: Knowledge) -> str:
    document = knowledge.document(cited.document)
    return (
        f'<div class="hit"><p><b>{link(cited.url, cited.title)}</b></p>'
        f'<p class="quote">{marked(_around(document, cited.quote), [cited.quote])}</p></div>'
    )


def _around(document: Document | None, quote: str) -> str:
    """The quote with what stands before and after it; alone, if the shop has changed it since."""
    text = document.text if document else ""
    place = text.find(quote)
    if place < 0:
        return quote
    start, end = max(0, place - AROUND), min(len(text), place + len(quote) + AROUND)
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _times(seconds: dict[str, float]) -> str:
    """Each stage as a share of the whole turn."""
    whole = sum(seconds.values()) or 1.0
    rows = "".join(
        f'<tr><th scope="row">{escape(stage)}</th>'
        f'<td><i style="--share:{took / whole:.3f}"></i></td><td>{1000 * took:.0f} ms</td></tr>'
        for stage, took in seconds.items()
        if took >= 0.0005
    )
    caption = f"{1000 * whole:.0f} ms altogether"
    return f'<table class="bars"><caption>{caption}</caption>{rows}</table>' if rows else ""
