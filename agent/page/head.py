"""The head of the pages of the shop's people: where they are, who they are, the way out."""

from __future__ import annotations

from html import escape

import gradio as gr

from agent.page.login import PAGES, opens, session_of
from agent.store import Store

NAMES = {"desk": "Desk", "insights": "Insights", "knowledge": "Knowledge"}


def head(page: gr.Blocks, store: Store, title: str, here: str) -> None:
    """The head of `page`, filled when it is opened."""

    def shown(request: gr.Request) -> str:
        session = session_of(store, request.request) if request.request else None
        if session is None:
            return ""
        links = "".join(
            f'<a href="../{name}/"{" aria-current=page" if name == here else ""}>{NAMES[name]}</a>'
            for name in PAGES
            if opens(session, name)
        )
        return (
            f'<header><b>{escape(title)}</b><nav aria-label="Pages">{links}</nav>'
            f'<span class="me">{escape(session.person)}</span>'
            '<form method="post" action="../staff/logout"><button>Log out</button></form></header>'
        )

    drawn = gr.HTML(elem_id="head")
    page.load(shown, None, drawn, show_progress="hidden", api_visibility="private")


def good(sentence: str) -> str:
    return f'<p class="good" role="status">{escape(sentence)}</p>' if sentence else ""


def empty(what: str, why: str = "") -> str:
    """Said in the place of something that is not there."""
    return f'<div class="empty"><b>{escape(what)}</b><p>{escape(why)}</p></div>'
