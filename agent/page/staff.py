"""The pages of the shop's people, put on the app behind one login: desk, insights, knowledge."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from starlette.applications import Starlette

from agent.agent import Agent
from agent.api.edge import REQUEST_BYTES
from agent.config import Settings
from agent.insights import make_insights
from agent.page import SERVED
from agent.page.desk import desk_page
from agent.page.insights import csv_route, insights_page
from agent.page.library import library_page
from agent.page.login import guard, login_routes

STYLE = Path(__file__).with_name("staff.css")
SCRIPT = """<script>
// Whose session is over logs in again, rather than being told of errors.
const fetched = window.fetch;
window.fetch = async (...given) => {
  const answer = await fetched(...given);
  if (answer.status === 401) location.reload();
  return answer;
};
// Times are written in the reader's own zone.
const localize = () => document.querySelectorAll("time[datetime]:not([title])").forEach(one => {
  const at = new Date(one.dateTime);
  one.title = at.toLocaleString();
  one.textContent = at.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"});
});
// Gradio names the buttons of a calendar not at all, and those to drop files on otherwise than they
// read.
const named = () => {
  const calendars = document.querySelectorAll("button.calendar:not([aria-label])");
  calendars.forEach(one => { one.ariaLabel = "Choose a day"; });
  const drops = document.querySelectorAll("button[aria-dropeffect][aria-label]");
  drops.forEach(one => one.removeAttribute("aria-label"));
};
new MutationObserver(() => { localize(); named(); })
  .observe(document, {childList: true, subtree: true});
</script>"""


def mount_staff(app: Starlette, agent: Agent, settings: Settings, theme: gr.Theme) -> None:
    """Put the pages on `app`; what is at its root comes after them."""
    store = agent.store
    made = make_insights(agent, settings.region)
    routes = [*login_routes(store, app.state.access, settings.title), csv_route(made, store)]
    app.router.routes.extend(routes)
    pages = {
        "desk": desk_page(agent, settings),
        "insights": insights_page(made, store, settings),
        "knowledge": library_page(agent, settings),
    }
    for name, page in pages.items():
        gr.mount_gradio_app(
            app,  # type: ignore[arg-type]
            page,
            path=f"/{name}",
            auth_dependency=guard(store, name),
            max_file_size=REQUEST_BYTES,
            **SERVED,
            theme=theme,
            css_paths=[STYLE],
            head=SCRIPT,
        )
