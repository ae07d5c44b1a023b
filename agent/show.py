"""Replies, evidence and reports on a terminal. What comes from outside is printed as plain text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.compose import SILENT
from agent.doctor import Finding
from agent.evidence import money
from agent.types import Ask, Comparison, Event, Found, HandOff, Heard, Reply, Understood
from knowledge.index import IndexReport
from knowledge.types import Hit

BAR = 20  # characters of the longest bar
HITS = 5

STATES = {"good": "green", "could be better": "yellow", "broken": "red"}


def plain(text: str, style: str = "") -> Text:
    """Text without markup and without control characters, which could steer the terminal."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
    return Text("".join(kept), style=style)


def bar(value: float, longest: float) -> str:
    """A bar for a figure beside the longest one; hollow when it is negative."""
    return ("█" if value > 0 else "░") * round(BAR * abs(value) / (longest or 1.0))


def show_reply(console: Console, reply: Reply) -> None:
    reason = reply.decision.reason if isinstance(reply.decision, HandOff) else ""
    console.print(plain(reply.text or SILENT.get(reason, "")))
    for product in reply.products:
        price = "" if product.price is None else f" · {money(product.price, product.currency)}"
        stock = "" if product.stock is None else f" · {product.stock} in stock"
        console.print(plain(f"  ▪ {product.title}{price}{stock}", "cyan"))
    if reply.comparison:
        show_comparison(console, reply.comparison)
    if isinstance(reply.decision, Ask) and reply.decision.slot != "confirm":
        for choice in reply.decision.choices:
            console.print(plain(f"  ◦ {choice.label}", "cyan"))
    for cited in reply.citations:
        console.print(plain(f"  “{cited.quote}” — {cited.title}", "dim"))


def show_comparison(console: Console, comparison: Comparison) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("", *comparison.products):
        table.add_column(plain(title))
    for row in comparison.rows:
        table.add_row(*map(plain, row))
    console.print(table)


def show_events(console: Console, events: Sequence[Event]) -> None:
    """The reply of a whole turn, then why it is what it is."""
    reply = next(event.reply for event in events if event.kind == "done")
    show_reply(console, reply)
    console.rule("why", style="dim")
    for event in events:
        match event:
            case Heard(transcript=spoken, printed=printed):
                if spoken:
                    console.print(plain(f"heard     {spoken.text!r} ({spoken.engine})"))
                if printed:
                    lines = " / ".join(line.text for line in printed)
                    console.print(plain(f"read      {lines}"))
            case Understood(intent=intent, intents=intents, attributions=games):
                figures = f"{intents[intent]:.0%}, not for this shop {event.out_of_scope:.0%}"
                console.print(plain(f"intent    {intent} {figures}"))
                _bars(console, "intent rests on", games.get("intent", {}))
                _bars(console, "search rests on", games.get("retrieval", {}))
            case Found(hits=hits, filters=wishes):
                if wishes:
                    console.print(plain(f"only      {wishes}"))
                for hit in hits[:HITS]:
                    ranks = ", ".join(f"{name} {place}" for name, place in hit.ranks.items())
                    console.print(plain(f"{hit.score:.2f} {hit.kind:8} {hit.title}  ({ranks})"))
    for note in reply.notes:
        console.print(plain(f"note      {note}", "yellow"))
    spent = ", ".join(f"{stage} {took:.2f} s" for stage, took in reply.seconds.items() if took)
    console.print(plain(f"time      {spent}", "dim"))


def _bars(console: Console, label: str, values: Mapping[str, float]) -> None:
    longest = max(map(abs, values.values()), default=0.0)
    for modality, value in values.items():
        console.print(plain(f"{label:17}{modality:8}{value:+.2f} {bar(value, longest)}"))


def show_hits(console: Console, hits: Sequence[Hit], wishes: str) -> None:
    if wishes:
        console.print(plain(f"Only: {wishes}"))
    table = Table(box=None, pad_edge=False)
    for column in ("score", "kind", "title", "price", "passage"):
        table.add_column(column, overflow="fold")
    for hit in hits:
        document = hit.document
        price = "" if document.price is None else money(document.price, document.currency)
        passage = shorten(hit.passage, 120, placeholder="…")
        others = f" (and {len(hit.variants)} more variants)" if hit.variants else ""
        row = (f"{hit.score:.2f}", document.kind, document.title + others, price, passage)
        table.add_row(*map(plain, row))
    console.print(table if hits else plain("Nothing found."))


def show_report(console: Console, report: IndexReport) -> None:
    """Every row that was left out, then what an update of the index did."""
    for skipped in report.skipped:
        console.print(plain(f"  {skipped}", "yellow"), soft_wrap=True)
    documents = report.added + report.changed + report.unchanged
    console.print(
        plain(
            f"{documents} documents: {report.added} added, {report.changed} changed, "
            f"{report.unchanged} as they were; {report.removed} removed. "
            f"{len(report.skipped)} things left out or reported. {report.seconds:.1f} s."
        )
    )


def show_findings(console: Console, findings: Iterable[Finding]) -> None:
    for finding in findings:
        console.print(
            plain(f"{finding.part:10}", "bold"), plain(finding.state, STATES[finding.state])
        )
        console.print(plain(f"  {finding.detail}"))
        if finding.better:
            console.print(plain(f"  → {finding.better}", "dim"))
