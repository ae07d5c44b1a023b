"""The pages of `agent.page`, put on the app of `agent.api`: everything of Gradio's serving."""

from __future__ import annotations

import gradio as gr
from starlette.applications import Starlette

from agent.agent import Agent
from agent.config import Settings
from agent.page.chat import chat_page
from agent.page.style import STYLE, theme


def mount(app: Starlette, agent: Agent, settings: Settings) -> None:
    """Put the page at the root of `app`; the routes the app already has go before it."""
    limits = settings.input_limits
    gr.mount_gradio_app(
        app,
        chat_page(agent, settings),
        path="/",
        max_file_size=max(limits.photo_bytes, limits.audio_bytes, limits.video_bytes),
        allowed_paths=[],
        show_error=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        theme=theme(),
        css=STYLE,
    )
