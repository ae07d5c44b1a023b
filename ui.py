"""The pages of `agent.page`, put on the app of `agent.api`: everything of Gradio's serving."""

from __future__ import annotations

import warnings

import gradio as gr
from fastapi import FastAPI

from agent.agent import Agent
from agent.config import Settings
from agent.page import SERVED
from agent.page.browsers import Browsers, Uploads
from agent.page.chat import chat_page
from agent.page.staff import mount_staff
from agent.page.style import STYLE, theme
from agent.page.widget import widget_routes

UPLOAD_BYTES = 100_000_000
"""Everything that is uploaded at once; each file has a limit of its own."""


def mount(app: FastAPI, agent: Agent, settings: Settings) -> None:
    """Put the pages on `app`, the chat at its root; the routes it already has go before them.

    Gradio serves nothing from this machine but what was uploaded, and that to whoever uploaded it
    alone (agent/page/browsers.py); it keeps an upload two hours at most, and asks nothing of any
    other host.
    """
    mount_staff(app, agent, settings, theme())
    uploads = Uploads()
    app.include_router(widget_routes(agent, settings.title))
    with warnings.catch_warnings():
        # It is not asked for, and Gradio says of several pages that they go without.
        warnings.filterwarnings("ignore", "SSR mode is not supported", UserWarning)
        gr.mount_gradio_app(
            app,
            chat_page(agent, settings, uploads, app.state.access, app.state.budgets),
            path="/",
            max_file_size=settings.input_limits.file_bytes,
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
            **SERVED,
            pwa=False,
            theme=theme(),
            css=STYLE,
        )
    framed = bool(settings.origins)
    app.add_middleware(Browsers, uploads=uploads, framed=framed, most=UPLOAD_BYTES)
