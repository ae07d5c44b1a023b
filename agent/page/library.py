"""The knowledge page: what the shop knows, listed, tried, added to, taken out of, made anew."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import gradio as gr

from agent.agent import Agent
from agent.build import index_paths, keep_language, photo_fetcher
from agent.config import Settings
from agent.documents import put, take_out
from agent.markup import alert
from agent.page import queued
from agent.page.desk import said
from agent.page.head import empty, good, head
from agent.page.shelf import counted, listed, ranked, reported
from agent.search import Lookup
from fusion.hub_vision import HubTower
from fusion.types import Turn
from knowledge.embed import Progress
from knowledge.load import KNOWN, read_documents
from knowledge.parse import parse_filters
from knowledge.types import Kind

log = logging.getLogger(__name__)

PROGRESS = gr.Progress()  # stands for the one that Gradio hands over
SHOWN = 25  # documents on a page of the list
PLACES = 8  # of a ranking
LEFT_OUT = 5  # products named that a wish left out
KINDS: dict[str, tuple[Kind, ...]] = {
    "All": ("product", "faq", "policy"),
    "Products": ("product",),
    "FAQ": ("faq",),
    "Policies": ("policy",),
}
CHOOSE = """element.addEventListener("click", event => {
  const found = event.target.closest("[data-delete]");
  if (found && confirm(`Delete “${found.dataset.title}”? Customers are not answered from it then.`))
    trigger("click", {id: found.dataset.delete});
});"""
ADD = (
    "<h2>Add a feed or an FAQ</h2><p class=soft>Products, questions and answers, or texts: what "
    "has an id that is there is changed, the rest is added.</p>"
)
ANEW = (
    "<h2>Make the index anew</h2><p class=soft>Every document is read and encoded again. It is "
    "needed when the index is damaged.</p>"
)
SURE = """() => confirm("Make the whole index anew from its own documents? Until that is done,"
  + " customers are told to come back in a few minutes.")"""


def library_page(agent: Agent, settings: Settings) -> gr.Blocks:
    """The knowledge page of one agent, made but not served."""
    knowledge = agent.knowledge
    lookup = Lookup(knowledge, agent.encoders, agent.fusion, agent.input_limits)

    def browse(words: str, kind: str, page_number: float) -> dict[Any, Any]:
        kinds, at = KINDS.get(kind, KINDS["All"]), max(0, int(page_number) - 1)
        words = words.strip()[:1_000]
        if words:
            said_words, vector = lookup.understood(Turn(words))
            assert vector is not None  # there are words
            hits = knowledge.search(said_words, vector, k=4 * SHOWN, kinds=kinds)
            found = [hit.document for hit in hits]
        else:
            found = [one for each in kinds for one in knowledge.documents(each)]
        at = min(at, max(0, (len(found) - 1) // SHOWN))
        return {
            stock: counted({name: knowledge.count(name) for name in KINDS["All"]}),
            rows: listed(found[at * SHOWN : (at + 1) * SHOWN], at * SHOWN, len(found)),
            number: at + 1,
        }

    def turned(by: int) -> Any:
        return lambda words, kind, at: browse(words, kind, at + by)

    def drop(path: str | None, progress: gr.Progress = PROGRESS) -> str:
        """Index what stands in a file beside what is there."""
        if not path:
            return ""
        file, guesses = Path(path), dict[str, str]()

        def guessed(at: Path, what: str) -> None:
            guesses[at.name] = what

        fetch = photo_fetcher(settings, agent.encoders.decoder) if settings.fetch_photos else None
        try:
            documents = read_documents(
                file, fetch, guessed, currency=settings.currency, site=settings.site
            )
            report = put(agent, documents, _told(progress))
            progress(None, desc="calibrating")
            knowledge.calibrate(agent.encoders.text.encode)
            keep_language(settings, knowledge)
        except Exception as error:
            return alert(said(error, "-").replace(str(file), file.name))
        finally:
            file.unlink(missing_ok=True)
        return reported(file.name, guesses.get(file.name, ""), report)

    def delete(event: gr.EventData) -> str:
        id = str(event._data.get("id", ""))
        try:
            document = knowledge.document(id)
            take_out(agent, id)
        except Exception as error:
            return alert(said(error, "-"))
        return good(f"“{document.title if document else id}” was deleted.")

    def rebuild(sure: bool, progress: gr.Progress = PROGRESS) -> str:
        if not sure:
            return ""
        if isinstance(agent.encoders.vision, HubTower):  # it would be fitted anew, to be loaded
            return alert("With a photo encoder of a hub, `deskhand index --rebuild` makes it anew.")
        try:
            report = index_paths(settings, agent.encoders, [], _told(progress), anew=True)
        except Exception as error:
            return alert(said(error, "-"))
        return reported("The index", "made anew from its own documents", report)

    def attempt(words: str, photo: str | None) -> str:
        file = Path(photo) if photo else None
        turn = Turn(words.strip()[:1_000], photos=(file.read_bytes(),) if file else ())
        try:
            said_words, vector = lookup.understood(turn)
            if vector is None:
                return alert("Ask something, or choose a photo.")
            filters = parse_filters(turn.text, knowledge.vocabulary)
            hits = knowledge.search(said_words, vector, filters or None, k=PLACES)
            [signals] = knowledge.signals(said_words, vector, filters or None, k=PLACES)
            others = knowledge.search(said_words, vector, k=4 * PLACES) if filters else []
        except Exception as error:
            return alert(said(error, "-"))
        finally:
            if file:
                file.unlink(missing_ok=True)
        out = [hit.document for hit in others if not filters.accepts(hit.document)][:LEFT_OUT]
        return ranked(hits, signals, filters, out, agent.limits.answerable)

    with gr.Blocks(
        title=f"Knowledge · {settings.title}",
        analytics_enabled=False,
        delete_cache=(3600, 7200),
        fill_width=True,
    ) as page:
        head(page, agent.store, settings.title, "knowledge")
        with gr.Row(elem_id="library"):
            with gr.Column(scale=7, min_width=380, elem_id="held"):
                with gr.Row(elem_id="find"):
                    words = gr.Textbox(
                        label="Search the documents",
                        show_label=False,
                        container=False,
                        placeholder="Search products, FAQ and policies",
                        max_length=1_000,
                        elem_id="words",
                    )
                    kind = gr.Radio(
                        list(KINDS), value="All", show_label=False, container=False, elem_id="kind"
                    )
                stock = gr.HTML(elem_id="stock")
                removed = gr.HTML(elem_id="removed")
                rows = gr.HTML(js_on_load=CHOOSE, elem_id="rows")
                number = gr.Number(1, visible=False)
                with gr.Row(elem_id="turning"):
                    before = gr.Button("Earlier", size="sm", scale=0)
                    after = gr.Button("Later", size="sm", scale=0)
            with gr.Column(scale=6, min_width=360, elem_id="tools"):
                with gr.Column(elem_classes="tool"):
                    gr.HTML(ADD)
                    feed = gr.File(
                        label="Drop a file", file_types=list(KNOWN), type="filepath",
                        height=140, elem_id="feed",
                    )  # fmt: skip
                    report = gr.HTML(elem_id="report")
                with gr.Column(elem_classes="tool"):
                    gr.HTML("<h2>Try a question</h2>")
                    with gr.Row(elem_id="asking"):
                        asked = gr.Textbox(
                            label="Question",
                            show_label=False,
                            container=False,
                            placeholder="As a customer asks it",
                            max_length=1_000,
                            elem_id="asked",
                        )
                        photo = gr.UploadButton(
                            "Photo", file_types=["image"], size="sm", scale=0, elem_id="photo"
                        )
                        ask = gr.Button("Try", variant="primary", size="sm", scale=0, elem_id="try")
                    ranking = gr.HTML(
                        empty(
                            "No question yet", "The ranking tells why each document has its place."
                        ),
                        elem_id="ranking",
                    )
                with gr.Column(elem_classes="tool"):
                    gr.HTML(ANEW)
                    anew = gr.Button("Rebuild", size="sm", scale=0, elem_id="anew")
                    sure = gr.Checkbox(visible=False)
                    rebuilt = gr.HTML(elem_id="rebuilt")

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        long: dict[str, Any] = {"show_progress": "full", "api_visibility": "private"}
        writing = long | {"concurrency_limit": 1, "concurrency_id": "index"}
        looks = [words, kind, number]
        seen = quiet | {"outputs": [stock, rows, number]}
        page.load(browse, looks, **seen)
        gr.on([words.submit, kind.change], lambda w, k: browse(w, k, 1), [words, kind], **seen)
        before.click(turned(-1), looks, **seen)
        after.click(turned(1), looks, **seen)
        feed.upload(drop, feed, report, **writing).then(lambda: None, None, feed, **quiet).then(
            browse, looks, **seen
        )
        rows.click(delete, None, removed, **writing).then(browse, looks, **seen)
        anew.click(None, None, sure, js=SURE, **quiet).then(rebuild, sure, rebuilt, **writing).then(
            browse, looks, **seen
        )
        gr.on([ask.click, asked.submit], lambda w: attempt(w, None), asked, ranking, **quiet)
        photo.upload(attempt, [asked, photo], ranking, **quiet)
    return queued(page)


def _told(progress: gr.Progress) -> Progress:
    def told(doing: str, done: int, total: int) -> None:
        progress((done, total) if total else None, desc=doing)

    return told
