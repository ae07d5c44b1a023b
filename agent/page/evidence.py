"""The evidence panel: everything that led to a reply, laid open; every word in it is escaped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from agent import types
from agent.markup import bars, lines, link, marked, section
from agent.page.texts import Texts
from knowledge.index import Knowledge
from knowledge.types import Document

HITS = 4
AROUND = 160  # characters of the document shown on each side of what was quoted
NOTHING = "Ask something: what was understood, found and quoted is laid open here."
CHECKED = "checked by the customer"  # stands after the recogniser of words that were corrected
PARTS = {
    "text": "typed words",
    "voice": "spoken words",
    "print": "words in the photo",
    "photo": "the photo",
    "history": "earlier messages",
}
RANKS = {
    "dense": "no. %(place)s by meaning",
    "lexical": "no. %(place)s by words",
    "photo": "no. %(place)s by photo",
}


def nothing(tell: Texts) -> str:
    return f"<p>{tell.html(NOTHING)}</p>"


def evidence(tell: Texts, events: Sequence[types.Event], knowledge: Knowledge) -> str:
    """What happened so far in a turn; once it is done, what was quoted is highlighted."""
    done = next((event.reply for event in events if isinstance(event, types.Done)), None)
    cited = done.citations if done else ()
    drawn = "".join(_section(tell, event, cited, knowledge) for event in events)
    return drawn or nothing(tell)


def _section(
    tell: Texts, event: types.Event, cited: Sequence[types.Citation], knowledge: Knowledge
) -> str:
    match event:
        case types.Heard():
            return _perceived(tell, event)
        case types.Understood(attributions=games):
            likely = {tell(name.replace("_", " ")): share for name, share in event.intents.items()}
            share, mood = f"{event.out_of_scope:.0%}", f"{event.mood:+.2f}"
            counted = [
                bars(
                    tell(name),
                    {tell(PARTS.get(part, part)): value for part, value in games[game].items()},
                    "+.2f",
                )
                for game, name in (("intent", "To understand it"), ("retrieval", "To look it up"))
                if games.get(game)
            ]
            return section(
                tell("What I took it to mean"),
                bars(tell("Likely meanings"), likely, ".0%"),
                lines(
                    tell("Not for this shop: %(share)s. Mood: %(mood)s.", share=share, mood=mood)
                ),
            ) + section(tell("What counted for it"), *counted)
        case types.Found(hits=hits):
            quotes: dict[str, list[str]] = {}
            for one in cited:
                quotes.setdefault(one.document, []).append(one.quote)
            wishes = ", ".join(map(tell.wish, filter(None, event.filters.split(", "))))
            left_out = "Nothing fits “%(wish)s”, so I left it out."
            return section(
                tell("What I found"),
                lines(tell("Only: %(wishes)s", wishes=wishes) if wishes else ""),
                lines(*(tell(left_out, wish=tell.wish(wish)) for wish in event.relaxed)),
                *(_hit(tell, hit, quotes.get(hit.id, ())) for hit in hits[:HITS]),
            )
        case types.Done(reply=reply):
            deeds = (tell.sentence(deed.message) for deed in reply.done)
            notes = (tell.sentence(note) for note in reply.notes)
            return (
                section(
                    tell("What I quoted"), *(_quoted(one, knowledge) for one in reply.citations)
                )
                + section(tell("What the shop did"), lines(*deeds))
                + section(tell("Notes"), lines(*notes))
                + section(tell("Time"), _times(tell, reply.seconds))
            )
        case _:
            return ""


def _perceived(tell: Texts, event: types.Heard) -> str:
    printed = (tell("Printed in a photo: “%(text)s”", text=line.text) for line in event.printed)
    return section(
        tell("What you said and showed"),
        f'<p class="quote">{escape(event.words)}</p>' if event.words else "",
        lines(_recognised(tell, event)),
        lines(*printed),
        lines(tell("Pictures looked at: %(count)s", count=event.photos) if event.photos else ""),
        lines(*map(tell.sentence, event.problems)),
    )


def _recognised(tell: Texts, event: types.Heard) -> str:
    if event.transcript is None:
        return ""
    engine, _, checked = event.transcript.engine.partition(", ")
    if checked == CHECKED:
        return tell("Heard by %(engine)s, checked by the customer", engine=engine)
    sure = f"{event.transcript.confidence:.0%}"
    return tell("Heard by %(engine)s, %(sure)s sure", engine=engine, sure=sure)


def _hit(tell: Texts, hit: types.FoundHit, quotes: Collection[str]) -> str:
    ranks = ", ".join(tell(RANKS.get(name, name), place=n) for name, n in hit.ranks.items())
    return (
        f'<div class="hit"><p><b>{link(hit.url, hit.title)}</b><span>{hit.score:.2f}</span></p>'
        f'<p class="quote">{marked(hit.passage, quotes)}</p>'
        f"<p>{tell.html(hit.kind)} · {escape(ranks)}</p></div>"
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


def _times(tell: Texts, seconds: dict[str, float]) -> str:
    """Each stage as a share of the whole turn."""
    whole = sum(seconds.values()) or 1.0
    rows = "".join(
        f'<tr><th scope="row">{tell.html(stage)}</th>'
        f'<td><i style="--share:{took / whole:.3f}"></i></td><td>{1000 * took:.0f} ms</td></tr>'
        for stage, took in seconds.items()
        if took >= 0.0005
    )
    caption = escape(tell("%(count)s ms altogether", count=f"{1000 * whole:.0f}"))
    return f'<table class="bars"><caption>{caption}</caption>{rows}</table>' if rows else ""
