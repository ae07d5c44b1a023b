"""The desk: those who wait for a person, one conversation open, and an answer to it.

What one browser has open is kept on the server, one `Desk` a session. An answer goes to the
conversation whose name stands over it on the page, or nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from agent.agent import Agent
from agent.brief import Brief, brief
from agent.config import Settings
from agent.documents import add_faq
from agent.errors import CUSTOMER_ERRORS, OPERATOR_ERRORS, NotFound
from agent.markup import alert
from agent.page import queued
from agent.page.case import (
    facts_shown,
    headline,
    passage_of,
    passages_shown,
    queue_shown,
    talk_shown,
)
from agent.page.head import good, head
from agent.privacy import mask
from agent.store.desk import End, Queued, enclosed, let_go, moments, queue
from fusion.types import BadInput
from knowledge.types import Hit

log = logging.getLogger(__name__)

LOOK = 2.5  # seconds between two looks for what is new
PASSAGES = 6
ANSWER = 8_000  # characters

CHOOSE = """element.addEventListener("click", event => {
  const found = event.target.closest("[data-open], [data-insert]");
  if (found) trigger("click", {id: found.dataset.open || found.dataset.insert});
});"""
NONE = (
    '<div class="empty"><b>Choose a conversation</b>'
    "<p>Those that wait stand on the left, the most urgent first.</p></div>"
)
GONE = (
    '<div class="empty"><b>This conversation is done</b><p>The assistant answers again.</p></div>'
)


@dataclass
class Desk:
    """What one browser has open, and how it looked when it was shown last."""

    conversation: str = ""
    shown: Queued | None = None
    queue: str = ""
    hits: dict[str, Hit] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)  # answers begun, by conversation
    names: dict[str, str] = field(default_factory=dict)  # of customers, by the shop's id


def said(error: Exception, conversation: str) -> str:
    """What went wrong, as the person reads it; what is not theirs to know is logged."""
    if isinstance(error, CUSTOMER_ERRORS):
        return str(error)
    expected = isinstance(error, OPERATOR_ERRORS)
    log.error("Conversation %s: %s", conversation, error, exc_info=None if expected else error)
    return str(error) if expected else "Something went wrong; the log says more. Please try again."


def desk_page(agent: Agent, settings: Settings) -> gr.Blocks:
    """The desk of one agent, made but not served."""
    store = agent.store

    def search(words: str, desk: Desk) -> str:
        words = agent.knowledge.corrected(words.strip()[:1_000])
        if not words:
            return ""
        vector = agent.encoders.text.encode([words])[0]
        hits = agent.knowledge.search(words, vector, k=PASSAGES, grouped=True)
        desk.hits = {hit.document.id: hit for hit in hits}
        return passages_shown(hits)

    def names(desk: Desk, ids: set[str]) -> dict[str, str]:
        for id in ids - desk.names.keys() - {""}:
            try:
                customer = agent.shop.customer(id)
            except OPERATOR_ERRORS:  # the queue is shown without their name
                continue
            desk.names[id] = str(customer.name) if customer else ""
        return desk.names

    def queue_now(desk: Desk, me: str, waiting: Sequence[Queued]) -> dict[Any, Any]:
        known = names(desk, {one.customer for one in waiting})
        html = queue_shown(waiting, known, me, desk.conversation)
        if html == desk.queue:
            return {}
        desk.queue = html
        return {line: html}

    def facts(case: Brief) -> str:
        customer, trouble, orders = store.flow(case.conversation).customer, "", []
        if customer:
            try:
                orders = agent.shop.orders(customer)
            except OPERATOR_ERRORS as error:
                trouble = said(error, case.conversation)
        return facts_shown(case, customer, orders, agent.shop.rules.currency, trouble)

    def now(desk: Desk, me: str) -> dict[Any, Any]:
        """What has changed since it was shown: of the queue, and of the open conversation."""
        waiting = queue(store)
        return case_now(desk, me, waiting) | queue_now(desk, me, waiting)

    def case_now(desk: Desk, me: str, waiting: Sequence[Queued]) -> dict[Any, Any]:
        if not desk.conversation:
            return {}
        looks = [one for one in waiting if one.conversation == desk.conversation]
        if looks and looks[0] == desk.shown:
            return {}
        try:
            case = brief(store, desk.conversation)
        except NotFound:
            desk.conversation, desk.shown = "", None
            return {title: GONE, talk: "", side: "", **_shut()}
        desk.shown = looks[0] if looks else None
        turns = store.transcript(case.conversation)
        customer = store.flow(case.conversation).customer
        name = str(customer.name) if customer else "Customer"
        mine, free = case.person == me, not case.person
        at, came = moments(store, case.conversation), enclosed(store, case.conversation)
        return {
            title: headline(case, name, me),
            talk: talk_shown(case.conversation, turns, at, came),
            side: facts(case),
            take: gr.update(visible=free),
            **dict.fromkeys((resolve, back, requeue), gr.update(visible=mine)),
            writing: gr.update(visible=mine or free),
            helps: gr.update(visible=True),
            suggestion: gr.update(value=case.suggested_reply, visible=mine or free),
        }

    def _shut() -> dict[Any, Any]:
        hidden = (take, resolve, back, requeue, writing, helps, suggestion)
        return dict.fromkeys(hidden, gr.update(visible=False))

    def look(desk: Desk, request: gr.Request) -> dict[Any, Any]:
        return now(desk, _me(request)) or {line: gr.skip()}

    def open_case(desk: Desk, draft: str, event: gr.EventData, request: gr.Request) -> dict:
        if desk.conversation:
            desk.drafts[desk.conversation] = draft
        desk.conversation, desk.shown, desk.hits = str(event._data.get("id", "")), None, {}
        shown = now(desk, _me(request))
        if not desk.conversation:
            return shown
        turns = [
            (said, reply.intent) for said, reply in store.transcript(desk.conversation) if said
        ]
        about = [said for said, intent in turns if intent != "person"] or [s for s, _ in turns]
        last = about[-1] if about else ""
        return {
            **shown,
            told: "",
            answer: desk.drafts.get(desk.conversation, ""),
            wanted: last[:200],
            passages: search(last, desk),
            question: mask(last, settings.region)[:500],
            entry: "",
            added: "",
        }

    def acting(act: Callable[[str, str], None]) -> Callable[..., dict[Any, Any]]:
        """Does it as the person for the conversation on the page, and shows what became of it."""

        def done(desk: Desk, over: str, request: gr.Request) -> dict[Any, Any]:
            me, wrong = _me(request), ""
            try:
                act(_named(desk, over), me)
            except Exception as error:
                wrong = said(error, desk.conversation)
            desk.shown = None
            return now(desk, me) | {told: alert(wrong)}

        return done

    def ends(end: End) -> Callable[[str, str], None]:
        return lambda conversation, me: let_go(store, conversation, me, end)

    def send(desk: Desk, over: str, words: str, request: gr.Request) -> dict[Any, Any]:
        me, wrong = _me(request), ""
        words = words.strip()
        if not words:
            return {told: alert("Write something first.")}
        try:
            if len(words) > ANSWER:
                raise BadInput(f"An answer has at most {ANSWER} characters.")
            store.human_reply(_named(desk, over), me, words)
        except Exception as error:
            wrong = said(error, desk.conversation)
        else:
            desk.drafts.pop(desk.conversation, None)
        desk.shown = None
        shown = now(desk, me) | {told: alert(wrong)}
        return shown if wrong else shown | {answer: "", entry: words}

    def insert(desk: Desk, words: str, event: gr.EventData) -> str:
        hit = desk.hits.get(str(event._data.get("id", "")))
        return "\n\n".join(filter(None, [words.strip(), passage_of(hit) if hit else ""]))

    def teach(desk: Desk, asked: str, answered: str, request: gr.Request) -> dict[Any, Any]:
        try:
            made = add_faq(agent, asked, answered)
        except Exception as error:
            return {added: alert(said(error, desk.conversation))}
        log.info("The FAQ entry %s was added by %s.", made.id, _me(request))
        return {added: good("Added: customers are answered from it."), question: "", entry: ""}

    with gr.Blocks(
        title=f"Desk · {settings.title}",
        analytics_enabled=False,
        delete_cache=(3600, 7200),
        fill_width=True,
    ) as page:
        desk, tick = gr.State(Desk()), gr.Timer(LOOK)
        head(page, store, settings.title, "desk")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="queue", scale=3, min_width=260):
                line = gr.HTML(js_on_load=CHOOSE, elem_id="line")
            with gr.Column(elem_id="case", scale=7, min_width=380):
                with gr.Row(elem_id="over"):
                    title = gr.HTML(NONE, elem_id="title")
                    take = _button("Take over", "take", variant="primary")
                    requeue = _button("Back to queue", "requeue")
                    back = _button("Hand to assistant", "back")
                    resolve = _button("Resolve", "resolve", variant="primary")
                talk = gr.HTML(elem_id="talk", autoscroll=True)
                told = gr.HTML(elem_id="told")
                suggestion = gr.Button("", size="sm", visible=False, elem_id="suggestion")
                with gr.Row(elem_id="writing", visible=False) as writing:
                    answer = gr.Textbox(
                        label="Your answer",
                        show_label=False,
                        placeholder="Write to the customer",
                        lines=3,
                        max_lines=10,
                        max_length=ANSWER,
                        container=False,
                        elem_id="answer",
                    )
                    write = gr.Button("Send", variant="primary", scale=0, elem_id="send")
            with gr.Column(elem_id="beside", scale=4, min_width=300):
                side = gr.HTML(elem_id="side")
                with gr.Column(elem_id="helps", visible=False) as helps:
                    gr.HTML("<h3>What the shop knows</h3>")
                    wanted = gr.Textbox(
                        label="Search the knowledge",
                        show_label=False,
                        container=False,
                        placeholder="Search products, FAQ and policies",
                        max_length=1_000,
                        elem_id="wanted",
                    )
                    passages = gr.HTML(js_on_load=CHOOSE, elem_id="passages")
                    with gr.Accordion("Add to the FAQ", open=False, elem_id="faq"):
                        question = gr.Textbox(label="Question", max_length=500, elem_id="question")
                        entry = gr.Textbox(
                            label="Answer", lines=3, max_length=20_000, elem_id="entry"
                        )
                        add = gr.Button("Add it", size="sm", variant="primary", elem_id="add")
                        added = gr.HTML(elem_id="added")

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        all_of_case = [
            line, title, talk, side, told, take, requeue, back, resolve, writing, helps, suggestion,
            answer, wanted, passages, question, entry, added,
        ]  # fmt: skip
        case = quiet | {"outputs": all_of_case}
        page.load(look, desk, **case)
        tick.tick(look, desk, **case)
        line.click(open_case, [desk, answer], **case)
        take.click(acting(store.take_over), [desk, title], **case)
        resolve.click(acting(ends("resolved")), [desk, title], **case)
        back.click(acting(ends("returned")), [desk, title], **case)
        requeue.click(acting(ends("open")), [desk, title], **case)
        write.click(send, [desk, title, answer], **case)
        suggestion.click(
            lambda words, offered: f"{words.strip()}\n\n{offered}".strip(),
            [answer, suggestion],
            answer,
            **quiet,
        )
        wanted.submit(search, [wanted, desk], passages, **quiet)
        passages.click(insert, [desk, answer], answer, **quiet)
        add.click(teach, [desk, question, entry], [added, question, entry], **quiet)
    return queued(page)


def _button(label: str, id: str, variant: Any = "secondary") -> gr.Button:
    return gr.Button(label, size="sm", scale=0, variant=variant, visible=False, elem_id=id)


def _me(request: gr.Request) -> str:
    """The person, as the guard of the page let them in."""
    return str(request.username)


def _named(desk: Desk, over: str) -> str:
    """The open conversation, if it is the one that stands over the answer on the page."""
    if not desk.conversation or f'data-conversation="{desk.conversation}"' not in over:
        raise NotFound("Another conversation is shown now. Read it, then try again.")
    return desk.conversation
