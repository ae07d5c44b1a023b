"""Insights: what customers want, what they did not find, and how well they are served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any

import gradio as gr
from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.api.insights import csv_response
from agent.config import Settings
from agent.insights import Bad, Demand, Insights, Seconds
from agent.page import queued
from agent.page.case import reason_said
from agent.page.charts import bars, columns, tile
from agent.page.head import empty, head
from agent.page.login import opens, session_of
from agent.store import Store

Made = Callable[[date, date], Insights]

SPANS = {"7 days": 7, "30 days": 30, "90 days": 90, "Everything": 20_000}
UNMET, RATED = 12, 12  # shown on the page; all of them are in the CSV
WHY = {
    "not_found": "not found",
    "not_sold": "not sold",
    "out_of_scope": "not for this shop",
    "failed": "not found, handed over",
}
ASKED = {"person": "To talk to a person", "product_search": "A product that fits"}
CAME = {"text": "Typed words", "voice": "Voice", "photo": "Photo", "print": "Print in a photo"}


def insights_page(made: Made, store: Store, settings: Settings) -> gr.Blocks:
    """The insights page, made but not served."""

    def show(span: str) -> str:
        until = datetime.now(UTC).date()
        return shown(made(until - timedelta(days=SPANS.get(span, 30) - 1), until))

    def between(first: str | None, last: str | None) -> str:
        try:
            since, until = (date.fromisoformat((day or "")[:10]) for day in (first, last))
        except ValueError:
            return empty("Which days?", "Give both as 2026-11-25.")
        if since > until:
            return empty("Which days?", "The first day comes after the last one.")
        return shown(made(since, until))

    with gr.Blocks(
        title=f"Insights · {settings.title}",
        analytics_enabled=False,
        delete_cache=(3600, 7200),
        fill_width=True,
    ) as page:
        head(page, store, settings.title, "insights")
        with gr.Row(elem_id="span"):
            span = gr.Radio(
                list(SPANS), value="7 days", show_label=False, container=False, elem_id="preset"
            )
            first = gr.DateTime(
                include_time=False, type="string", timezone="UTC", label="From", elem_id="first"
            )
            last = gr.DateTime(
                include_time=False, type="string", timezone="UTC", label="To", elem_id="last"
            )
            choose = gr.Button("Show these days", size="sm", scale=0, elem_id="choose")
        figures = gr.HTML(elem_id="insights")
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        page.load(show, span, figures, **quiet)
        span.change(show, span, figures, **quiet)
        choose.click(between, [first, last], figures, **quiet)
    return queued(page)


def csv_route(made: Made, store: Store) -> Route:
    """The same figures as a file, for whoever is logged in."""

    def read(request: Request) -> Response:
        session = session_of(store, request)
        if session is None or not opens(session, "insights"):
            raise HTTPException(401, "Log in first.")
        try:
            days = [request.query_params.get(name, "") for name in ("since", "until")]
            since, until = map(date.fromisoformat, days)
        except ValueError:
            raise HTTPException(422, "since and until are days, as 2026-11-25.") from None
        return csv_response(made(since, until))

    return Route("/staff/insights.csv", read)


def shown(found: Insights) -> str:
    """Everything, as one page of HTML."""
    since, until = date.fromisoformat(found.since), date.fromisoformat(found.until)
    days = f"{since:%-d %B %Y} to {until:%-d %B %Y}, days in UTC"
    address = f"../staff/insights.csv?since={found.since}&amp;until={found.until}"
    top = f'<p class="days">{days} <a href="{address}" download>Download as CSV</a></p>'
    if not found.turns:
        return top + empty(
            "No conversations in these days",
            "Figures are counted from conversations that were held; none are made up.",
        )
    handed = sum(one.count for one in found.hand_offs)
    rated = found.rated_good + len(found.rated_bad)
    good = f"{found.rated_good / rated:.0%}" if rated else "–"
    tiles = (
        tile("Conversations", str(found.conversations), f"{found.turns} messages of customers")
        + tile("Containment", _share(found.containment), "without asking for a person")
        + tile(
            "Hand-offs resolved",
            _share(found.resolution),
            f"of {handed}",
        )
        + tile("Time to answer", _time(found.response.median), _spent(found.response))
        + tile("Wait for a person", _time(found.waiting.median), _waits(found.waiting))
        + tile("Called good", good, f"of {rated} rated" if rated else "nobody rated an answer")
    )
    times = "".join(
        f'<tr><th scope="row">{escape(CAME.get(name, name.capitalize()))}</th><td>{one.count}</td>'
        f"<td>{_time(one.median)}</td><td>{_time(one.p95)}</td></tr>"
        for name, one in found.response_by.items()
    )
    reasons = {one.name: reason_said(one.name).capitalize() for one in found.hand_offs}
    languages = (
        bars(found.languages, "messages")
        if found.languages
        else '<p class="soft">No message says which language it is in.</p>'
    )
    return (
        top
        + f'<div class="tiles">{tiles}</div><div class="grid">'
        + _panel("Conversations a day", columns(found.days, since, until), "wide")
        + _panel("What people ask for", bars(found.intents, "messages", ASKED))
        + _panel(
            "Products answered with",
            bars(found.products, "conversations") if found.products else _none("No product yet."),
        )
        + _panel("Not found or not sold", _unmet(found.unmet), "wide")
        + _panel("Answers called bad", _rated(found.rated_bad), "wide")
        + _panel(
            "Why a person was asked for",
            bars(found.hand_offs, "hand-offs", reasons) if handed else _none("Nobody was."),
        )
        + _panel("How messages came", bars(found.modalities, "messages", CAME, found.turns))
        + _panel(
            "Time to answer",
            '<table class="times"><thead><tr><th>Came as</th><th>Messages</th><th>Median</th>'
            f"<th>95%</th></tr></thead><tbody>{times}</tbody></table>",
        )
        + _panel("Languages", languages)
        + "</div>"
    )


def _panel(title: str, html: str, form: str = "") -> str:
    return f'<section class="{form}"><h2>{title}</h2>{html}</section>'


def _none(sentence: str) -> str:
    return f'<p class="soft">{sentence}</p>'


def _unmet(unmet: tuple[Demand, ...]) -> str:
    if not unmet:
        return _none("Everything that was asked for was found.")
    rows = "".join(
        f"<tr><td class=n>{one.count}</td><td><b>{escape(one.question)}</b>"
        f"{_examples(one)}</td><td>{_reasons(one)}</td><td>{escape(one.near) or '–'}</td></tr>"
        for one in unmet[:UNMET]
    )
    more = _none(f"and {len(unmet) - UNMET} more in the CSV") if len(unmet) > UNMET else ""
    return (
        '<table class="list"><thead><tr><th>Asked</th><th>What for</th><th>Why not</th>'
        f"<th>Nearest that there is</th></tr></thead><tbody>{rows}</tbody></table>{more}"
    )


def _examples(one: Demand) -> str:
    said = "".join(f"<li>{escape(words)}</li>" for words in one.examples)
    photos = f"<li>{one.photos} with a photo</li>" if one.photos else ""
    return f"<ul>{said}{photos}</ul>" if said or photos else ""


def _reasons(one: Demand) -> str:
    said = [(escape(WHY.get(why.name, f"nothing “{why.name}”")), why.count) for why in one.reasons]
    return "<br>".join(f"{why} × {count}" if count > 1 else why for why, count in said)


def _rated(rated: tuple[Bad, ...]) -> str:
    if not rated:
        return _none("No answer was called bad.")
    rows = "".join(
        f"<tr><td><b>{escape(one.question) or '(no words)'}</b><p>{escape(one.reply)}</p></td>"
        f"<td>{escape(one.reason) or '<span class=soft>no reason given</span>'}</td>"
        f"<td class=day>{escape(one.at[:10])}</td></tr>"
        for one in rated[:RATED]
    )
    more = _none(f"and {len(rated) - RATED} more in the CSV") if len(rated) > RATED else ""
    head_row = "<tr><th>Question and answer</th><th>Reason</th><th>Day</th></tr>"
    return f'<table class="list"><thead>{head_row}</thead><tbody>{rows}</tbody></table>{more}'


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.2f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _spent(response: Seconds) -> str:
    return f"median, 95% in {_time(response.p95)}" if response.count else "no answer yet"


def _waits(waiting: Seconds) -> str:
    if not waiting.count:
        return "no person has written yet"
    return f"median, 95% in {_time(waiting.p95)}"
