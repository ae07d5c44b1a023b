"""What both sides say, as HTML: bubbles, product cards, what a reply can be asked to do."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from urllib.parse import quote

import numpy as np
from PIL import Image

from agent import types
from agent.compose import SILENT
from agent.evidence import money
from agent.markup import aside, link, photo_address, stock, table
from agent.products import variant
from knowledge.index import Knowledge
from knowledge.relations import options
from knowledge.types import Document

THUMBNAIL = 320  # pixels of the long side of a photo in the conversation
STATED = ("material", "size", "capacity", "dimensions")  # attributes on a card, if it has them
OTHERS = 4  # other variants on a card, at most

REASONS = ("Not what I asked", "Not correct", "Hard to understand")

_ICONS = {
    "aloud": "M4 9v6h4l5 4V5L8 9H4zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
    "up": "M7 11v9H4v-9h3zm0 0 4-8c1.7 0 2.5 1 2.3 2.7L12.8 9H19a2 2 0 0 1 2 2.4l-1.4 7a2 2 0 0 1"
    "-2 1.6H7",
    "mic": "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
    "upload": "M12 16V4m0 0L7.5 8.5M12 4l4.5 4.5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
    "why": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 8h.01",
}
"""Paths of line drawings in a square of 24."""


def icon(name: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_ICONS[name]}"/></svg>'


def picture(photo: np.ndarray) -> str:
    """A photo as it stands in the conversation, inside the page itself: nothing to be fetched."""
    small = Image.fromarray(photo)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    out = BytesIO()
    small.save(out, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{b64encode(out.getvalue()).decode()}"


def customer(
    words: str, pictures: Sequence[str] = (), spoken: str = "", others: Sequence[str] = ()
) -> str:
    """What the customer wrote, showed (addresses of pictures), said, and sent besides."""
    shown = "".join(f'<img src="{escape(one)}" alt="Your photo">' for one in pictures)
    sent = "".join(f'<p class="sent">{escape(name)}</p>' for name in others)
    said = f'<p class="spoken">{icon("aloud")}{escape(spoken)}</p>' if spoken else ""
    typed = f"<p>{escape(words)}</p>" if words else ""
    return (
        '<article class="msg you"><h2 class="sr">You</h2>'
        f'<div class="bubble">{shown}{sent}{said}{typed}</div></article>'
    )


def agent_says(inner: str) -> str:
    """The other side, still writing."""
    return f'<article class="msg us"><div class="bubble">{inner}</div></article>'


def words(text: str) -> str:
    return f'<p class="words">{escape(text)}</p>'


def writing(text: str) -> str:
    return agent_says(words(text))


def waiting(doing: str) -> str:
    return agent_says(f'<p class="wait">{escape(doing)}</p>')


def reply(reply: types.Reply, knowledge: Knowledge, rating: str = "", asked: bool = False) -> str:
    """A whole reply; `rating` is what the customer thinks of it, `asked` whether a reason was."""
    decision = reply.decision
    silent = SILENT.get(decision.reason, "") if isinstance(decision, types.HandOff) else ""
    untold = [note for note in reply.notes if note not in reply.text]
    inner = (
        (words(reply.text) if reply.text else "")
        + (aside(silent) if silent else "")
        + "".join(f'<p class="note">{escape(note)}</p>' for note in untold)
        + _compared(reply)
        + _sources(reply)
    )
    shown = "" if reply.comparison else cards(reply, knowledge)
    return (
        '<article class="msg us"><h2 class="sr">Answer</h2>'
        f'<div class="bubble">{inner}</div>{shown}'
        f"{_tools(reply.id, rating, asked) if reply.intent else ''}</article>"
    )


def _sources(reply: types.Reply) -> str:
    titles = {cited.document: link(cited.url, cited.title) for cited in reply.citations}
    return f'<p class="from">Source: {" · ".join(titles.values())}</p>' if titles else ""


def _compared(reply: types.Reply) -> str:
    photos = {one.title: photo_address(one.id) for one in reply.products if one.photo}
    return table(reply.comparison, photos) if reply.comparison else ""


def cards(reply: types.Reply, knowledge: Knowledge) -> str:
    drawn = "".join(card(one, knowledge) for one in reply.products)
    return (
        f'<div class="cards" tabindex="0" role="group" aria-label="Products">{drawn}</div>'
        if drawn
        else ""
    )


def card(product: types.ProductCard, knowledge: Knowledge) -> str:
    """Picture, name, price, stock, what the shop states, the other variants as buttons."""
    document = knowledge.document(product.id)
    image = ""
    if product.photo:
        image = f'<img src="{photo_address(product.id)}" alt="" loading="lazy">'
    price = "" if product.price is None else money(product.price, product.currency)
    stated = [document.attributes.get(name, "") for name in STATED] if document else []
    facts = " · ".join(dict.fromkeys(filter(None, stated)))
    return (
        f"<section>{image}<h3>{link(product.url, product.title)}</h3>"
        f'<p class="price"><b>{escape(price)}</b> {stock(product.stock)}</p>'
        + (f'<p class="facts">{escape(facts)}</p>' if facts else "")
        + (_others(document, knowledge) if document else "")
        + "</section>"
    )


def _others(document: Document, knowledge: Knowledge) -> str:
    """The variants it also comes in, each as a question that may be asked by a click."""
    if not document.family:
        return ""
    others = [(variant(one), one) for one in options(knowledge, document)]
    buttons = "".join(
        f'<button type="button" data-say="{escape(f"Show me the {one.title}")}">'
        f"{escape(name)}</button>"
        for name, one in others[:OTHERS]
        if name
    )
    return f'<p class="also"><span>Also in</span> {buttons}</p>' if buttons else ""


def _tools(id: str, rating: str, asked: bool) -> str:
    """Read aloud, whether it helped, and why it is what it is."""
    name = escape(id)

    def button(what: str, label: str, extra: str = "") -> str:
        return f'<button type="button" {what} aria-label="{label}" title="{label}" {extra}>'

    def pressed(which: str) -> str:
        return f'aria-pressed="{str(rating == which).lower()}"'

    tools = (
        button("data-aloud", "Read aloud") + icon("aloud") + "</button>"
        + button(f'data-rate="up" data-reply="{name}"', "This helped", pressed("up"))
        + icon("up") + "</button>"
        + button(f'data-rate="down" data-reply="{name}"', "This did not help", pressed("down"))
        + icon("up") + "</button>"
        + button(f'data-why="{name}"', "Why this answer?")
        + icon("why") + "<span>Why?</span></button>"
    )  # fmt: skip
    asks = ""
    if rating == "down" and asked:
        reasons = "".join(
            f'<button type="button" data-reason="{reason}" data-reply="{name}">{reason}</button>'
            for reason in REASONS
        )
        asks = (
            f'<form class="reason" data-reply="{name}"><p>What was wrong?</p>'
            f'<div>{reasons}</div><div><input name="comment" maxlength="300" '
            'aria-label="What was wrong, in your words" placeholder="In your words">'
            '<button type="submit">Send</button></div></form>'
        )
    elif rating:
        asks = '<p class="thanks" role="status">Thank you.</p>'
    return f'<div class="tools">{tools}</div>{asks}'


def choices(decision: types.Decision, wishes: Sequence[types.Chip]) -> str:
    """The answers that the last question knows, or the wishes that may be taken away."""
    if isinstance(decision, types.Ask) and decision.choices:
        several = decision.many and len(decision.choices) > 1
        picks = "".join(_pick(one, several) for one in decision.choices)
        done = '<button type="button" data-done hidden>Send these</button>' if several else ""
        return f'<div class="picks" role="group" aria-label="Answers">{picks}{done}</div>'
    chips = "".join(
        f'<button type="button" class="chip" data-pick="without:{escape(chip.id)}" '
        f'data-label="Without “{escape(chip.label)}”" aria-label="Without {escape(chip.label)}">'
        f"{escape(chip.label)}<span>✕</span></button>"
        for chip in wishes
    )
    return f'<div class="picks" role="group" aria-label="Wishes">{chips}</div>' if chips else ""


def _pick(choice: types.Choice, several: bool) -> str:
    image = f'<img src="{photo_address(choice.id)}" alt="">' if choice.picture else ""
    toggles = 'aria-pressed="false"' if several and choice.id != "all" else ""
    return (
        f'<button type="button" data-pick="{escape(choice.id)}" '
        f'data-label="{escape(choice.label)}" {toggles}>{image}{escape(choice.label)}</button>'
    )


def typed(heard: types.Heard) -> str:
    """What of the words of a turn was typed: without what was said, and without print."""
    words = heard.words.removesuffix("\n".join(line.text for line in heard.printed)).rstrip("\n")
    spoken = heard.transcript.text if heard.transcript else ""
    return re.sub(r"\n$", "", words.removesuffix(spoken)) if spoken else words


def welcome(examples: Sequence[tuple[str, str | None]]) -> str:
    """What stands there before anybody said anything; an example may show a product's photo."""
    offered = "".join(
        f'<button type="button" data-example="{place}">'
        + (f'<img src="{photo_address(product)}" alt="">' if product else "")
        + f"<span>{escape(words)}</span></button>"
        for place, (words, product) in enumerate(examples)
    )
    return (
        '<div class="welcome"><h2>How can we help?</h2>'
        "<p>Ask about a product, an order, delivery or returns. "
        "You can also speak, or show us a photo.</p>"
        f'<div class="starters">{offered}</div></div>'
    )


def player(path: str) -> str:
    """The recording that waits to be sent; Gradio serves it to its own browser alone."""
    address = f"gradio_api/file={quote(path)}"
    return f'<audio controls src="{escape(address)}" aria-label="Your recording"></audio>'


def recorder(seconds: float) -> str:
    """A button that records `seconds` at most, and one that takes a recording; voice.js."""
    return (
        f'<div class="recorder" data-seconds="{seconds:.0f}">'
        '<button type="button" class="mic" aria-pressed="false" '
        'aria-label="Record a voice message" title="Record a voice message">'
        f'{icon("mic")}<span class="clock" hidden></span></button>'
        '<button type="button" class="give" aria-label="Upload a recording" '
        f'title="Upload a recording">{icon("upload")}</button>'
        '<input type="file" accept="audio/*" hidden></div>'
    )


PANEL_HEAD = (
    '<button type="button" data-close aria-label="Close">✕</button>'
    "<h2>How this answer came about</h2>"
)
