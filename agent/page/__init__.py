"""The pages that people look at, one a file; `ui.mount` puts them on the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr

SERVED: dict[str, Any] = {
    "allowed_paths": [],
    "show_error": False,
    "footer_links": [],
    "run_history": False,
    "enable_monitoring": False,
    "ssr_mode": False,
    "mcp_server": False,
}
"""How Gradio serves every page: no file of this machine, no trace of a fault, nothing besides."""

WAITING = 64
"""Events that wait for their turn on one page. Of 30 pages that ask at once, 18 are sent away with
8, 1 with 16, none with 32 (`python -m tests.benchmarks.page --home HOME --waiting 8 16 32 64`);
what was written stays in the box then."""

LOOK = 0.02
"""Seconds between two looks into a page's queue. Gradio's own 0.001 wakes a server that nobody
asks anything thousands of times a second, and takes Python's lock from those who answer."""


def queued(page: gr.Blocks, concurrent: int = 1) -> gr.Blocks:
    """The page, of whose events so many run at once, each kind by itself, and the others wait."""
    page.queue(max_size=WAITING, api_open=False, default_concurrency_limit=concurrent)
    page._queue.sleep_when_free = page._queue.progress_update_sleep_when_free = LOOK
    return page
