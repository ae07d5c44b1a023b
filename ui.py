"""The chat page: a box to write in, a recorder, the reply as it is written, and the evidence.

`build_page` makes the page, `mount` puts it on the app of `agent.api`. What one browser sees is
kept on the server, one `Talk` a session, and is never read back from the browser.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.applications import Starlette

from agent import types
from agent.agent import Agent
from agent.brief import by_person
from agent.chips import removal
from agent.config import Settings
from agent.errors import CUSTOMER_ERRORS, OPERATOR_ERRORS
from agent.files import read_turn, without_metadata
from agent.markup import STYLE, alert, aside, below, laid_open, sent_photo, silence, spoken, waiting
from agent.page.staff import mount_staff

log = logging.getLogger(__name__)

CHOICES = 6  # buttons under a question, at most; an answer can always be typed
CONCURRENT = 4  # turns answered at once; more wait, WAITING at most
WAITING = 64
LOOK = 4.0  # seconds between two looks for what a person wrote

Example = tuple[str, str | None]  # the words, and the product whose photo goes with them
EXAMPLES: tuple[Example, ...] = (
    ("How long do I have to return something?", None),
    ("Where is my order?", None),
)
DEMO_PHOTO = "mug-aster-blue"
DEMO_EXAMPLES: tuple[Example, ...] = (
    ("Do you have a blue mug under 20 euros?", None),
    ("How much is this?", DEMO_PHOTO),
)
"""Turns to try; these only while the demo shop is indexed."""

WELCOME = "Ask about a product, an order, delivery or returns. You can also show us a photo."
BACK = "The assistant answers again."
NOTHING = "<p>Ask something: what was understood, found and quoted is laid open here.</p>"
LATER = "We cannot look this up just now. Please try again in a few minutes."
FAULT = "Something went wrong on our side. Your message is still in the box: please try again."


@dataclass
class Talk:
    """What one browser sees: its conversation, the messages shown, and whether one is due."""

    conversation: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    waiting: bool = False
    read: int = 0  # replies of the conversation that it shows
    meant: dict[str, str] = field(default_factory=dict)  # what stands on a button -> what it says


def failure(error: Exception, conversation: str) -> str:
    """The sentence the customer reads when a turn could not be answered; the rest is logged."""
    if isinstance(error, CUSTOMER_ERRORS):
        return str(error)
    expected = isinstance(error, OPERATOR_ERRORS)
    log.error("Conversation %s: %s", conversation, error, exc_info=None if expected else error)
    return LATER if expected else FAULT


def theme() -> gr.themes.Base:
    """Linen and pine, in the fonts the customer's machine has: nothing is fetched for it."""
    pine = gr.themes.Color(
        "#eff6f2", "#dcebe3", "#bad7c9", "#8fbda9", "#609c85", "#3f7f68",
        "#2f6654", "#285345", "#224439", "#1d3930", "#0e211b", name="pine",
    )  # fmt: skip
    return gr.themes.Base(
        primary_hue=pine,
        secondary_hue=pine,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f6f3ee",
        body_background_fill_dark="#171614",
        block_background_fill="#fffdfa",
        block_background_fill_dark="#211f1c",
        block_border_color="#e4ded4",
        block_border_color_dark="#37332e",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#fffdfa",
        button_secondary_background_fill_dark="#2a2723",
        button_secondary_background_fill_hover="#f1ebe1",
        button_secondary_background_fill_hover_dark="#353129",
        button_secondary_border_color="#dcd5c9",
        button_secondary_border_color_dark="#423d36",
        button_border_width="1px",
    )


def build_page(agent: Agent, settings: Settings) -> gr.Blocks:
    """The chat page for one agent, made but not served."""

    def send(
        message: dict[str, Any],
        recording: str | None,
        talk: Talk | None,
        product: str | None = None,
    ) -> Iterator[dict[Any, Any]]:
        """Answer one turn as it is written; `product` adds the photo of a product of the shop."""
        text, files = message["text"].strip(), message["files"]
        bare = without_metadata(files, agent)
        shown: list[Any] = [
            {"path": path} if is_photo else gr.HTML(spoken(Path(path).name))
            for path, is_photo in zip(files, bare, strict=True)
        ]
        # A video or recording may say where it was made, too: it is not kept once it is answered.
        raw = [path for path, is_photo in zip(files, bare, strict=True) if not is_photo]
        raw += [recording] if recording else []
        if product and (document := agent.knowledge.document(product)) and document.photos:
            files = document.photos[:1]
            shown = [gr.HTML(sent_photo(product))]
        talk = talk or Talk()
        if talk.waiting:
            return
        talk.waiting = True
        before = talk.messages
        if recording:
            shown.append(gr.HTML(spoken("Voice message")))
        words = [escape(text)] if text else []  # the chat would obey markup, even as plain text
        said = {"role": "user", "content": [*shown, *words]}
        talk.messages = [*before, said]

        def says(*content: Any) -> dict[Any, Any]:
            return {chat: [*talk.messages, {"role": "assistant", "content": list(content)}]}

        def waits(words: str) -> dict[Any, Any]:
            return says(gr.HTML(waiting(words)))

        story, written, events = "", "", None
        try:
            yield {
                session: talk,
                **waits("Reading your message"),
                **dict.fromkeys(choices, gr.update(visible=False)),
                box: gr.update(value=None, interactive=False),
            }
            talk.conversation = talk.conversation or agent.store.new_conversation()
            events = agent.reply(read_turn(text, files, recording), talk.conversation)
            for event in events:
                story += laid_open(event)
                match event:
                    case types.Heard(transcript=transcript):
                        if recording and transcript and transcript.text:
                            shown[-1] = gr.HTML(spoken(f"“{transcript.text}”"))
                            said["content"] = [*shown, *words]
                        yield waits("Thinking it over")
                    case types.Understood():
                        yield {**waits("Looking it up"), evidence: story}
                    case types.Token(text=more):
                        written += more
                        yield says(escape(written))
                    case types.Done(reply=reply):
                        handed = isinstance(reply.decision, types.HandOff)
                        extra = below(reply) + silence(reply)
                        for path in raw:
                            Path(path).unlink(missing_ok=True)
                        text = [escape(reply.text)] if reply.text else []
                        told = says(*text, *([gr.HTML(extra)] if extra else []))
                        talk.messages = told[chat]
                        asks = reply.decision if isinstance(reply.decision, types.Ask) else None
                        labels = [choice.label for choice in asks.choices] if asks else []
                        if asks and asks.slot == "order_id":
                            talk.meant = {choice.label: choice.id for choice in asks.choices}
                        elif reply.wishes:
                            talk.meant = {f"✕ {chip.label}": removal(chip) for chip in reply.wishes}
                            labels = [*labels, *talk.meant]
                        offers = {
                            button: gr.update(value=label, visible=True)
                            for button, label in zip(choices, labels, strict=False)
                        }
                        free = {box: gr.update(interactive=True), recorder: None}
                        yield {**told, **free, **offers, evidence: story, look: _look(handed)}
        except Exception as error:
            sorry = gr.HTML(alert(failure(error, talk.conversation)))
            yield {**says(sorry), box: gr.update(value=message, interactive=True)}
            talk.messages = before  # it was not answered: the box has it again
        finally:
            talk.waiting = False
            if events is not None:
                events.close()

    def send_choice(label: str, talk: Talk) -> Iterator[dict[Any, Any]]:
        yield from send({"text": talk.meant.get(label, label), "files": []}, None, talk)

    def send_example(
        talk: Talk | None, words: str, product: str | None
    ) -> Iterator[dict[Any, Any]]:
        yield from send({"text": words, "files": []}, None, talk, product)

    def look_again(talk: Talk | None) -> dict[Any, Any]:
        """Show what a person wrote meanwhile, as long as one has the conversation."""
        if talk is None or talk.waiting:
            return {look: gr.skip()}
        try:
            replies = agent.store.replies(talk.conversation)
            handed = bool(agent.store.handed_off(talk.conversation))
        except CUSTOMER_ERRORS:  # it was erased
            return {look: _look(False)}
        new = [reply for reply in replies[talk.read :] if by_person(reply)]
        talk.read = len(replies)
        if not new and handed:
            return {look: gr.skip()}
        said = [escape(reply.text) for reply in new]
        back = [] if handed else [gr.HTML(aside(BACK))]
        told = [{"role": "assistant", "content": [one]} for one in (*said, *back)]
        talk.messages = [*talk.messages, *told]
        return {chat: talk.messages, look: _look(handed)}

    def start_over() -> dict[Any, Any]:
        return {
            session: None,
            look: _look(False),
            chat: [],
            evidence: NOTHING,
            box: gr.update(value=None, interactive=True),
            recorder: None,
            **dict.fromkeys(choices, gr.update(visible=False)),
        }

    is_demo = agent.knowledge.document(DEMO_PHOTO) is not None
    offered = EXAMPLES + DEMO_EXAMPLES if is_demo else EXAMPLES
    with gr.Blocks(
        title=settings.title, analytics_enabled=False, delete_cache=(3600, 7200), fill_width=True
    ) as page:
        session = gr.State()  # a Talk from the first turn on
        look = gr.Timer(LOOK, active=False)
        with gr.Row(elem_id="head"):
            gr.HTML(f"<h1>{escape(settings.title)}</h1><p>Customer service</p>")
            fresh = gr.Button("New conversation", size="sm", scale=0, elem_id="fresh")
        with gr.Row(elem_id="body"):
            with gr.Column(scale=8, min_width=320, elem_id="main"):
                chat = gr.Chatbot(
                    show_label=False,
                    container=False,
                    placeholder=f"<h2>How can we help?</h2><p>{WELCOME}</p>",
                    render_markdown=False,
                    allow_tags=False,
                    buttons=[],
                    elem_id="chat",
                )
                with gr.Row(elem_id="choices"):
                    choices = [gr.Button(visible=False, size="sm", scale=0) for _ in range(CHOICES)]
                box = gr.MultimodalTextbox(
                    label="Your message",
                    show_label=False,
                    placeholder="Write, or add a photo or video",
                    file_types=["image", "video"],
                    file_count="multiple",
                    max_lines=6,
                    max_plain_text_length=settings.input_limits.text_chars,
                    elem_id="box",
                )
                with gr.Row(elem_id="voice"):
                    # Its own recorder: the one inside MultimodalTextbox fails (gradio #12985).
                    recorder = gr.Audio(
                        sources=["microphone", "upload"],
                        type="filepath",
                        label="Say it",
                        show_label=False,
                        container=False,
                        buttons=[],
                        waveform_options=gr.WaveformOptions(show_recording_waveform=False),
                        elem_id="recorder",
                    )
                    speak = gr.Button(
                        "Send recording",
                        variant="primary",
                        size="sm",
                        visible=False,
                        scale=0,
                        elem_id="speak",
                    )
            with gr.Column(scale=5, min_width=300, elem_id="side"):
                with gr.Column(elem_id="starters"):
                    gr.HTML("<h3>For example</h3>")
                    examples = [
                        (gr.Button(f"{words} (with a photo)" if product else words), words, product)
                        for words, product in offered
                    ]
                with gr.Accordion("How this answer came about", open=False, elem_id="why"):
                    evidence = gr.HTML(NOTHING, elem_id="evidence")

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        turns = quiet | {
            "outputs": [session, chat, box, recorder, evidence, look, *choices],
            "concurrency_limit": CONCURRENT,
            "concurrency_id": "turns",
        }
        running = [gr.on([box.submit, speak.click], send, [box, recorder, session], **turns)]
        running += [b.click(send_choice, [b, session], **turns) for b in choices]
        for button, words, product in examples:
            example = partial(send_example, words=words, product=product)
            running.append(button.click(example, session, **turns))
        recorder.change(
            lambda recording: gr.update(visible=bool(recording)), recorder, speak, **quiet
        )
        look.tick(look_again, session, [chat, look], **quiet)
        # First stop what is being written, then clear: the last words would come after.
        fresh.click(None, cancels=running, **quiet).then(
            start_over, outputs=turns["outputs"], **quiet
        )
    return page.queue(max_size=WAITING, api_open=False)


def _look(active: bool) -> gr.Timer:
    return gr.Timer(active=active)


def mount(app: Starlette, agent: Agent, settings: Settings) -> None:
    """Put the page at the root of `app`; the routes the app already has go before it."""
    mount_staff(app, agent, settings, theme())
    limits = settings.input_limits
    gr.mount_gradio_app(
        app,
        build_page(agent, settings),
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
