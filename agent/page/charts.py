"""Counts as charts: plain HTML and SVG, every word escaped, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape

from agent.insights import Count, Day

HEIGHT, GAP = 150, 26  # of the columns and of the days under them, in units of the drawing
WIDTH = 1180
LABELS = 8  # days that are named, at most
BARS = 10  # names shown; the rest is said in a line


def tile(name: str, value: str, note: str = "") -> str:
    """One figure, large."""
    return (
        f'<div class="tile"><span>{escape(name)}</span><b>{escape(value)}</b>'
        f"<small>{escape(note)}</small></div>"
    )


def bars(
    counts: Sequence[Count],
    what: str,
    names: dict[str, str] | None = None,
    total: int = 0,
) -> str:
    """One bar a name, the longest first, each with its count and its share of `total`; 0: of all
    that is counted here."""
    total = total or sum(one.count for one in counts)
    most = max((one.count for one in counts), default=0)
    rows = "".join(
        f'<tr><th scope="row">{escape((names or {}).get(one.name) or _plain(one.name))}</th>'
        f'<td class="track"><i style="--share:{one.count / most:.3f}"></i></td>'
        f"<td>{one.count}</td><td>{one.count / total:.0%}</td></tr>"
        for one in counts[:BARS]
    )
    rest = counts[BARS:]
    more = f"<p class=soft>and {len(rest)} more, {sum(r.count for r in rest)} {what}</p>"
    return f'<table class="bars"><tbody>{rows}</tbody></table>{more if rest else ""}'


def columns(days: Sequence[Day], since: date, until: date) -> str:
    """Conversations a day, those handed to a person below the others; quiet days stay empty."""
    by_day = {one.day: one for one in days}
    if days:  # a span that began before the shop did is drawn from its first day
        since = max(since, date.fromisoformat(days[0].day) - timedelta(days=1))
    every = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    most = max((one.conversations for one in days), default=1)
    step = WIDTH / max(1, len(every))
    named = max(1, -(-len(every) // LABELS))
    drawn = []
    for n, day in enumerate(every):
        one = by_day.get(day.isoformat())
        x, width = n * step + step * 0.18, min(step * 0.64, 56)
        x += (step * 0.64 - width) / 2
        if one:
            tall = HEIGHT * one.conversations / most
            handed = HEIGHT * one.handed / most
            said = f"{day:%-d %b}: {one.conversations} conversations, {one.handed} handed over"
            drawn.append(
                f'<g><title>{said}</title><rect class="kept" x="{x:.1f}" y="{HEIGHT - tall:.1f}"'
                f' width="{width:.1f}" height="{tall:.1f}" rx="3"/>'
                f'<rect class="handed" x="{x:.1f}" y="{HEIGHT - handed:.1f}"'
                f' width="{width:.1f}" height="{handed:.1f}" rx="3"/></g>'
            )
        if n % named == 0:
            middle = n * step + step / 2
            drawn.append(f'<text x="{middle:.1f}" y="{HEIGHT + 18}">{day:%-d %b}</text>')
    lines = "".join(
        f'<line x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/><text class="scale" x="{WIDTH + 6}"'
        f' y="{y + 4}">{value}</text>'
        for value, y in ((most, 0.5), (0, HEIGHT))
    )
    return (
        f'<svg class="columns" role="img" aria-label="Conversations a day" viewBox="0 -8 '
        f'{WIDTH + 34} {HEIGHT + GAP + 8}">{lines}{"".join(drawn)}</svg>'
        '<p class="legend"><span class="kept">answered by the assistant alone</span>'
        '<span class="handed">a person was asked for</span></p>'
    )


def _plain(name: str) -> str:
    """`order_status` as it is read: "Order status"."""
    return name[:1].upper() + name[1:].replace("_", " ")
