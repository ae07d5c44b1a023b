"""How fast the chat page is, in the browser: first paint, first word, whole reply; many open pages.

    python -m tests.benchmarks.page --home HOME --turns 3 --pages 30

    python -m tests.benchmarks.page --home HOME --pages 10 --concurrent 1 2 4 8 1 2 4 8
    python -m tests.benchmarks.page --home HOME --pages 30 --waiting 8 16 32 64

The second form compares how many turns the page answers at once, in the order given; the third how
many events may wait for it: how many of the pages are sent away. HOME holds the demo shop's index.
The page is the real one, in headless Chromium on this machine, so that both share its cores. Times
of a turn run from the key that sends it to what is drawn; those of voice from the moment that the
recording is given to the words to be corrected, and from there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import ui
from agent import page as all_pages
from agent.agent import Agent
from agent.api import create_app
from agent.build import open_agent
from agent.config import Settings
from agent.page import chat
from tests.browsing import Page, served

SAMPLES = Path(__file__).parent.parent / "samples"
PHOTO = SAMPLES / "photos/customer/kettle-bruno-red_3.jpg"
SPOKEN = SAMPLES / "audio/where_is_my_order.wav"
WORDS = "Do you have a blue mug?"
SWITCHES = (
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)
WATCH = """
window.times = {};
const log = document.querySelector("#talk");
const mark = (name) => { times[name] ??= performance.now(); };
new MutationObserver(() => {
  if (log.querySelector("#now .msg")) mark("begun");
  if (log.querySelector("#now .words")) mark("word");
  if (!times.sent) return;
  if (log.querySelectorAll("#past .msg").length < times.before + 2) return;
  mark("word");
  mark("whole");
}).observe(document.body, { childList: true, subtree: true, characterData: true });
window.begin = () => {
  window.times = { before: log.querySelectorAll("#past .msg").length, sent: performance.now() };
};
for (const kind of ["keydown", "click"]) {
  addEventListener(kind, (event) => {
    const sends = event.key === "Enter" || event.target.closest("#speak");
    if (sends) begin();
  }, true);
}
"""
ENDED = "return Boolean(times.whole || document.querySelector('[data-testid=toast-body]'))"


def paint(page: Page) -> dict[str, float]:
    """Seconds from asking for the page to its first paint, and until it can be used."""
    return page.driver.execute_script(
        "const paint = performance.getEntriesByName('first-contentful-paint')[0];"
        "return { 'first paint': paint.startTime / 1000, 'usable': performance.now() / 1000 };"
    )


def turn(page: Page) -> dict[str, float]:
    """Seconds from sending to the first word and the whole reply of the turn that was sent last."""
    page.until(lambda: page.driver.execute_script("return times.whole"), "the reply")
    times = page.driver.execute_script("return times")
    return {
        "first word": (times["word"] - times["sent"]) / 1000,
        "whole reply": (times["whole"] - times["sent"]) / 1000,
    }


def voice(page: Page) -> dict[str, float]:
    page.driver.execute_script("window.given = performance.now()")
    page.one("#voice input[type=file]").send_keys(str(SPOKEN))
    page.until(lambda: page.all("#words textarea"), "what was heard")
    heard = page.driver.execute_script("return (performance.now() - given) / 1000")
    page.one("#speak").click()
    return {"heard": heard, **turn(page)}


def show(what: str, measured: list[dict[str, float]]) -> None:
    for name in measured[0]:
        values = sorted(one[name] for one in measured)
        print(f"{what:12} {name:12} median {median(values):6.2f} s   worst {values[-1]:6.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=3, help="of each kind")
    parser.add_argument("--pages", type=int, default=30, help="open at once")
    parser.add_argument("--concurrent", type=int, nargs="*", default=[], help="turns at once")
    parser.add_argument("--waiting", type=int, nargs="*", default=[], help="events in the queue")
    asked = parser.parse_args()
    settings = Settings(home=asked.home, speech="pocketsphinx")
    agent = open_agent(settings)
    for chat.CONCURRENT in asked.concurrent:
        with opened(agent, settings) as page:
            show(f"{chat.CONCURRENT} at once", many(page, page.driver.current_url, asked.pages))
    for all_pages.WAITING in asked.waiting:
        with opened(agent, settings) as page:
            told = many(page, page.driver.current_url, asked.pages)
            print(
                f"{all_pages.WAITING} waiting: {asked.pages - len(told)} of {asked.pages} sent away"
            )
            show(f"{all_pages.WAITING} waiting", told)
    if not asked.concurrent and not asked.waiting:
        with opened(agent, settings) as page:
            measure(page, asked.turns, asked.pages)
    agent.close()


@contextmanager
def opened(agent: Agent, settings: Settings) -> Iterator[Page]:
    """A browser with the page of a new app."""
    app = create_app(agent, settings)
    ui.mount(app, agent, settings)
    with served(app) as address, tempfile.TemporaryDirectory() as shots:
        page = Page(address, Path(shots), SWITCHES)
        try:
            yield page
        finally:
            page.driver.quit()


def measure(page: Page, turns: int, pages: int) -> None:
    address = page.driver.current_url
    kinds: dict[str, list[dict[str, float]]] = {}
    for _ in range(turns):
        page.open(address)
        kinds.setdefault("page", []).append(paint(page))
        page.driver.execute_script(WATCH)
        page.send(WORDS)
        kinds.setdefault("text", []).append(turn(page))
        page.send("How much is this?", PHOTO)
        kinds.setdefault("photo", []).append(turn(page))
        kinds.setdefault("voice", []).append(voice(page))
        page.begin_anew()
    for kind, measured in kinds.items():
        show(kind, measured)
    if pages:
        show(f"{pages} pages", many(page, address, pages))


def many(page: Page, address: str, pages: int) -> list[dict[str, float]]:
    """Every page sends the same question as soon as the one before has; all wait for theirs. Those
    that were sent away, because the queue was full, are left out.

    Each has a name of its own for this machine, as if it were another customer's browser, which
    keeps no more than six connections to one name.
    """
    tabs = []
    for number in range(pages):
        page.driver.switch_to.new_window("tab")
        page.open(address.replace("127.0.0.1", f"customer{number}.localhost"))
        page.driver.execute_script(WATCH)
        tabs.append(page.driver.current_window_handle)
    for tab in tabs:
        page.driver.switch_to.window(tab)
        page.driver.execute_script("begin(); document.querySelector('[data-example]').click()")
    measured = []
    for tab in tabs:
        page.driver.switch_to.window(tab)
        page.until(lambda: page.driver.execute_script(ENDED), "the reply, or that there is none")
        if page.driver.execute_script("return times.whole"):
            measured.append(turn(page))
    return measured


if __name__ == "__main__":
    main()
