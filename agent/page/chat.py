"""The chat page: the conversation, a box to write in, a recorder, and the evidence beside it.

There is one page a language, under its code; / leads to the browser's own (agent/page/browsers.py).
What one browser sees is kept on the server, one `Talk` a session, and is never read back from the
browser (agent/page/talk.py). Functions first, layout last; chat.js and voice.js do what only a
browser can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
from fastapi import HTTPException

from agent import types
from agent.agent import Agent
from agent.api.access import Access
from agent.api.budget import Budgets
from agent.config import Settings
from agent.errors import NotFound
from agent.markup import alert
from agent.page import messages, queued
from agent.page.browsers import Uploads, asking
from agent.page.evidence import evidence, nothing
from agent.page.style import script
from agent.page.talk import Sent, Talk, Talks, failure
from agent.page.texts import Texts
from agent.store.feedback import Rating
from fusion.languages import LANGUAGES

CONCURRENT = 4
"""Turns answered at once. Of 30 pages on two cores the median reply comes after 2.7 to 3.3 s, with
1, 2, 4 or 8 alike (`python -m tests.benchmarks.page --home HOME --pages 30 --concurrent
1 2 4 8 1 2 4 8`): so that one slow turn, a video or a chat model, does not hold up the others."""
LOOK = 4.0  # seconds between two looks for what a person wrote
PASTED = 10**9  # characters that stay words when they are pasted: of more, Gradio makes a file
COMMENT = 300  # characters of what is wrong with a reply

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

STATES = {
    "LOST": "The shop cannot be reached just now. What you wrote stays here; we keep trying.",
    "OFFLINE": "You are offline. What you wrote stays here until you are back.",
    "QUEUED": "Many are asking at once. Your message is in the queue.",
    "LARGE": "The file is too large: at most %(size)s MB can be sent.",
    "MESSAGE": "Your message",
    "ADD": "Add photos or a video",
    "ADDED": "Added",
    "REMOVE": "Remove",
    "SEND": "Send",
    "UPLOADING": "Uploading",
}
RECORDING = {
    "RECORD": messages.RECORD,
    "STOP": "Stop recording",
    "EMPTY": "The recording is empty. Please try again.",
    "LARGE": "The recording is too large: at most %(size)s MB can be sent.",
    "UNSENT": "The recording could not be sent. Please try again, or write to us.",
    "DENIED": "The browser does not let us use the microphone. Allow it in the address bar, or "
    "write.",
    "NONE": "There is no microphone that works. You can upload a recording, or write.",
}
"""What chat.js and voice.js say, by the names of their constants."""

PERSON = "I would like to talk to a person, please."


def chat_page(
    agent: Agent, settings: Settings, uploads: Uploads, access: Access, budgets: Budgets
) -> gr.Blocks:
    """The chat page for one agent, in every language, made but not served."""
    talks = Talks(agent, uploads, budgets)
    page = gr.Blocks(
        title=settings.title, analytics_enabled=False, delete_cache=(3600, 7200), fill_width=True
    )
    for language in LANGUAGES:
        with page.route(language, language, show_in_navbar=False):
            _draw(page, talks, settings, access, Texts(language))
    return queued(page, CONCURRENT)


def _draw(page: gr.Blocks, talks: Talks, settings: Settings, access: Access, tell: Texts) -> None:
    """The page in one language."""
    agent, limits = talks.agent, settings.input_limits
    is_demo = agent.knowledge.document(DEMO_PHOTO) is not None
    examples = EXAMPLES + DEMO_EXAMPLES if is_demo else EXAMPLES
    welcome = messages.welcome(tell, examples)

    def opened(request: gr.Request) -> dict[Any, Any]:
        """The conversation that this browser had, after a reload."""
        talk = talks.restored(asking(request), tell)
        handed = bool(talk.conversation and agent.store.handed_off(talk.conversation))
        return {session: talk, past: talk.drawn or welcome, **offered(talk.last), **look_on(handed)}

    def counted(request: gr.Request) -> dict[str, str]:
        """The names this browser and its address are counted under. Raises HTTPException 429."""
        return access.enter_page(asking(request), request.client.host if request.client else "")

    def answer(
        talk: Talk | None, sent: Sent, request: gr.Request, boxed: dict[str, Any] | None = None
    ) -> Iterator[dict[Any, Any]]:
        """Answer one turn as it is written; `boxed` is what the box holds, if that is sent: the
        box has it again when the turn fails."""
        emptied: dict[str, Any] = {"value": None} if boxed else {}
        back: dict[str, Any] = {"value": boxed} if boxed else {}
        talk = talk or talks.restored(asking(request), tell)  # the server was started anew
        if talk.waiting:
            yield {session: gr.skip()}
            return
        try:
            names = counted(request)
        except HTTPException as refused:
            yield {now: messages.agent_says(alert(failure(refused, talk)))}
            return
        talk.waiting = True
        try:
            first = True
            for progress in talks.answered(talk, sent, names):
                shown: dict[Any, Any] = {now: progress.now}
                if progress.events:
                    shown[panel] = evidence(tell, progress.events, agent.knowledge)
                if first:
                    shown |= {session: talk, past: talk.drawn, choices: ""}
                    shown[box] = gr.update(interactive=False, **emptied)
                if progress.reply is not None:
                    handed = isinstance(progress.reply.decision, types.HandOff)
                    shown |= {past: talk.drawn, **offered(talk.last), **look_on(handed)}
                    shown |= {box: gr.update(interactive=True), **reviewing(talk)}
                if progress.failed:
                    shown |= {past: talk.drawn or welcome, **offered(talk.last)}
                    shown[box] = gr.update(interactive=True, **back)
                first = False
                yield shown
        finally:
            talk.waiting = False

    def send(
        message: dict[str, Any], corrected: str, talk: Talk | None, request: gr.Request
    ) -> Iterator[dict[Any, Any]]:
        sent = Sent(message["text"], corrected, tuple(message["files"]))
        yield from answer(talk, sent, request, message)

    def pick(
        talk: Talk | None, request: gr.Request, event: gr.EventData
    ) -> Iterator[dict[Any, Any]]:
        """Answers picked among those offered, or a wish to be taken away."""
        picked = [one for one in event.picked if isinstance(one, dict)]
        ids = tuple(str(one.get("id", "")) for one in picked)
        labels = ", ".join(str(one.get("label", "")) for one in picked)
        yield from answer(talk, Sent(choices=ids, labels=labels), request)

    def say(
        talk: Talk | None, request: gr.Request, event: gr.EventData
    ) -> Iterator[dict[Any, Any]]:
        """An example, or what a card offers to ask."""
        if "example" in event._data:
            words, product = examples[int(event.example)]
            yield from answer(talk, Sent(tell(words), product=product), request)
        else:
            yield from answer(talk, Sent(str(event.say)), request)

    def ask_person(talk: Talk | None, request: gr.Request) -> Iterator[dict[Any, Any]]:
        yield from answer(talk, Sent(tell(PERSON)), request)

    def rate(talk: Talk | None, event: gr.EventData) -> dict[Any, Any]:
        rating: Rating = "up" if event.rating == "up" else "down"
        try:
            if talk:
                talks.rate(talk, str(event.reply), rating, str(event.comment)[:COMMENT])
        except NotFound:  # it was erased
            return {past: gr.skip()}
        return {past: talk.drawn if talk else gr.skip()}

    def explain(talk: Talk | None, event: gr.EventData) -> dict[Any, Any]:
        happened = talks.laid_open(talk, str(event.reply)) if talk else ()
        return {panel: evidence(tell, happened, agent.knowledge)}

    def listen(
        talk: Talk | None, request: gr.Request, event: gr.EventData
    ) -> Iterator[dict[Any, Any]]:
        talk = talk or talks.restored(asking(request), tell)
        try:
            names = counted(request)
        except HTTPException as refused:
            yield {trouble: alert(failure(refused, talk))}
            return
        listening = tell.html("Listening to your recording")
        yield {trouble: f'<p class="wait" role="status">{listening}</p>'}
        wrong = talks.listen(talk, str(event.path), names)
        yield {session: talk, trouble: alert(wrong), **reviewing(talk)}

    def discard(talk: Talk | None) -> dict[Any, Any]:
        if talk:
            talks.discard(talk)
        return reviewing(talk or Talk())

    def look_again(talk: Talk | None) -> dict[Any, Any]:
        """Show what a person wrote meanwhile, as long as one has the conversation."""
        if talk is None or talk.waiting:
            return {look: gr.skip()}
        before = len(talk.said)
        handed = talks.looked(talk)
        return {past: talk.drawn if len(talk.said) > before else gr.skip(), **look_on(handed)}

    def start_over(talk: Talk | None, request: gr.Request) -> dict[Any, Any]:
        talks.begin_anew(talk or talks.restored(asking(request), tell))
        anew = Talk(asking(request), tell)
        cleared: dict[Any, Any] = {session: anew, past: welcome, now: "", panel: nothing(tell)}
        cleared |= {trouble: "", **offered(None), **look_on(False), **reviewing(anew)}
        return cleared | {box: gr.update(value=None, interactive=True)}

    def offered(reply: types.Reply | None) -> dict[Any, Any]:
        return {choices: messages.choices(tell, reply.decision, reply.wishes) if reply else ""}

    def look_on(handed: bool) -> dict[Any, Any]:
        return {look: gr.Timer(active=handed)}

    def reviewing(talk: Talk) -> dict[Any, Any]:
        """The recording that waits with its words to be corrected, or nothing."""
        return {
            review: gr.update(visible=bool(talk.recording)),
            player: messages.player(tell, talk.recording) if talk.recording else "",
            words: talk.heard.text if talk.heard else "",
        }

    session = gr.State()  # a Talk
    look = gr.Timer(LOOK, active=False)
    log = tell.html("Conversation")
    largest = limits.file_bytes // 1_000_000
    said = {name: tell(english, size=largest) for name, english in STATES.items()}
    most = limits.audio_bytes // 1_000_000
    heard = {name: tell(english, size=most) for name, english in RECORDING.items()}
    with gr.Row(elem_id="head"):
        gr.HTML(messages.head(tell, settings.title), js_on_load=None, apply_default_css=False)
        person = gr.Button(tell("Talk to a person"), size="sm", scale=0, elem_id="person")
        fresh = gr.Button(tell("New conversation"), size="sm", scale=0, elem_id="fresh")
    with gr.Row(elem_id="body"):
        with gr.Column(scale=8, min_width=280, elem_id="main"):
            with gr.Column(elem_id="talk"):
                past = gr.HTML(
                    welcome,
                    html_template=f'<div role="log" aria-label="{log}">${{value}}</div>',
                    js_on_load=script(
                        "chat.js",
                        **said,
                        LANGUAGE=tell.language,
                        ORIGINS=list(settings.origins),
                        MOST=limits.file_bytes,
                    ),
                    apply_default_css=False,
                    elem_id="past",
                )
                now = gr.HTML(elem_id="now", js_on_load=None, apply_default_css=False)
            choices = gr.HTML(
                elem_id="choices", js_on_load=script("choices.js"), apply_default_css=False
            )
            with gr.Column(visible=False, elem_id="review") as review:
                player = gr.HTML(js_on_load=None, apply_default_css=False)
                words = gr.Textbox(
                    label=tell("This is what we heard. Correct it before you send it."),
                    lines=2,
                    max_lines=4,
                    elem_id="words",
                )
                with gr.Row(elem_id="review-buttons"):
                    drop = gr.Button(tell("Discard"), size="sm", scale=0, elem_id="drop")
                    speak = gr.Button(
                        tell("Send"), variant="primary", size="sm", scale=0, elem_id="speak"
                    )
            trouble = gr.HTML(elem_id="trouble", js_on_load=None, apply_default_css=False)
            with gr.Row(elem_id="bar"):
                box = gr.MultimodalTextbox(
                    label=tell("Your message"),
                    show_label=False,
                    placeholder=tell("Your message"),
                    file_count="multiple",
                    max_lines=6,
                    max_plain_text_length=PASTED,
                    scale=1,
                    elem_id="box",
                )
                voice = gr.HTML(
                    messages.recorder(tell, limits.audio_seconds) if agent.encoders.speech else "",
                    js_on_load=script("voice.js", **heard, MOST=limits.audio_bytes),
                    apply_default_css=False,
                    elem_id="voice",
                )
        with gr.Column(scale=5, min_width=280, elem_id="side"):
            gr.HTML(
                messages.panel_head(tell),
                js_on_load=None,
                apply_default_css=False,
                elem_id="side-head",
            )
            panel = gr.HTML(
                nothing(tell), js_on_load=None, apply_default_css=False, elem_id="evidence"
            )

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    every = [session, past, now, choices, box, review, player, words, trouble, panel, look]
    turns = quiet | {
        "outputs": every,
        "concurrency_limit": CONCURRENT,
        "concurrency_id": "turns",
    }
    running = [
        gr.on([box.submit, speak.click, words.submit], send, [box, words, session], **turns),
        choices.select(pick, session, **turns),
        past.example_select(say, session, **turns),
        person.click(ask_person, session, **turns),
    ]
    voice.upload(listen, session, **turns)
    drop.click(discard, session, [review, player, words], **quiet)
    past.like(rate, session, past, **quiet)
    past.select(explain, session, panel, **quiet)
    look.tick(look_again, session, [past, look], **quiet)
    page.load(opened, None, [session, past, choices, look], **quiet)
    # First stop what is being written, then clear: the last words would come after.
    fresh.click(None, cancels=running, **quiet).then(start_over, session, every, **quiet)
