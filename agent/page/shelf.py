"""The knowledge page as HTML: documents in a list, a report of indexing, a ranking explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from agent.evidence import money
from agent.markup import photo_address
from agent.page.case import KINDS
from agent.page.head import empty
from knowledge.filters import Filters
from knowledge.search import Signals
from knowledge.types import Document, Hit, IndexReport, Kind

SKIPPED = 50  # rows named in a report; the others are counted
PLURAL = {"product": "products", "faq": "FAQ entries", "policy": "passages of policies"}


def counted(counts: Mapping[Kind, int]) -> str:
    said = " · ".join(f"{count} {PLURAL[kind]}" for kind, count in counts.items())
    return f'<p class="soft">{said}</p>'


def listed(documents: Sequence[Document], begin: int, total: int) -> str:
    if not documents:
        return empty("No document", "Nothing in the index is like that.")
    rows = "".join(map(_row, documents))
    return (
        f'<p class="soft">{begin + 1} to {begin + len(documents)} of {total}</p>'
        f'<ul class="documents">{rows}</ul>'
    )


def _row(one: Document) -> str:
    price = "" if one.price is None else money(one.price, one.currency)
    stock = "" if one.stock is None else f"{one.stock} in stock"
    facts = " · ".join(filter(None, [KINDS[one.kind], price, stock, one.id]))
    return (
        f"<li>{_picture(one)}<div><b>{escape(one.title)}</b><p>{escape(one.text[:220])}</p>"
        f'<small>{escape(facts)}</small></div><button type="button" data-delete="{escape(one.id)}"'
        f' data-title="{escape(one.title)}" aria-label="Delete {escape(one.title)}">Delete</button>'
        "</li>"
    )


def _picture(one: Document) -> str:
    if not one.photos:
        return f'<span class="nopic" aria-hidden="true">{KINDS[one.kind][0]}</span>'
    return f'<img src="../{photo_address(one.id)}" alt="" loading="lazy">'


def reported(name: str, taken_for: str, report: IndexReport) -> str:
    """What became of a file, and each row of it that was left out, with the reason."""
    done = (
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{len(report.skipped)} skipped, in {report.seconds:.1f} s"
    )
    rows = "".join(
        f"<li>{f'<b>row {one.line}</b> ' if one.line else ''}{escape(one.reason)}</li>"
        for one in report.skipped[:SKIPPED]
    )
    more = len(report.skipped) - SKIPPED
    rest = f"<p class=soft>and {more} more</p>" if more > 0 else ""
    kind = f" ({escape(taken_for)})" if taken_for else ""
    return (
        f'<div class="{"good" if not report.skipped else "alert"}" role="status">'
        f"<b>{escape(name)}</b>{kind}: {done}.</div>"
        + (f'<ul class="skipped">{rows}</ul>{rest}' if rows else "")
    )


def ranked(
    hits: Sequence[Hit],
    signals: Signals,
    filters: Filters,
    left_out: Sequence[Document],
    answerable: float,
) -> str:
    """Each place with its reasons; then what the wishes in the question left out."""
    wished = f"<p>Only products that fulfil: <b>{escape(filters.describe())}</b></p>"
    places = "".join(_place(n, hit, signals, answerable) for n, hit in enumerate(hits, start=1))
    out = "".join(
        f"<li>{escape(one.title)}: not {escape(_unmet(one, filters))}</li>" for one in left_out
    )
    return (
        (wished if filters else "")
        + (f'<ol class="places">{places}</ol>' if hits else empty("Nothing is found"))
        + (f'<div class="out"><b>Left out</b><ul>{out}</ul></div>' if out else "")
    )


def _place(n: int, hit: Hit, signals: Signals, answerable: float) -> str:
    i, ranks = signals.ids.index(hit.document.id), hit.ranks
    reasons = [("meaning", max(0.0, signals.dense[i]), ranks.get("dense"))]
    if "photo" in ranks:
        reasons.append(("looks", max(0.0, signals.photo[i]), ranks["photo"]))
    reasons.append(("words", signals.lexical[i], ranks.get("lexical")))
    drawn = "".join(
        f'<div class="reason"><span>{name}</span><i style="--share:{min(1.0, share):.3f}"></i>'
        f"<b>{share:.2f}</b><small>{f'place {place}' if place else 'not found by it'}</small></div>"
        for name, share, place in reasons
    )
    notes = []
    if signals.named[i]:
        notes.append("The question names its id or article number: it comes first.")
    if (akin := signals.akin[i]) < 0.95:
        notes.append(f"It is less like the best ones ({akin:.0%}), which takes it back.")
    sure = "answers" if hit.sure >= answerable else "too unsure to answer from"
    notes.append(f"{hit.sure:.0%} sure: {sure}.")
    return (
        f'<li><div class="rank">{n}</div><div><p class="what"><b>{escape(hit.document.title)}</b>'
        f"<span>{KINDS[hit.document.kind]} · score {hit.score:.2f}</span></p>"
        f'<p class="passage">{escape(hit.passage)}</p>{drawn}'
        f'<p class="soft">{" ".join(notes)}</p></div></li>'
    )


def _unmet(document: Document, filters: Filters) -> str:
    """The wishes that this product does not fulfil."""
    ids = filters.wishes()
    unmet = []
    for id, words in ids.items():
        alone = filters
        for other in ids:
            alone = alone if other == id else alone.without(other)
        if not alone.accepts(document):
            unmet.append(words)
    return ", ".join(unmet) or filters.describe()
