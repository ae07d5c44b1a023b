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
from agent.markup import aside, link, photo_address
from agent.page.texts import NAMES, Texts
from agent.products import variant
from knowledge.index import Knowledge
from knowledge.relations import options
from knowledge.types import Document

THUMBNAIL = 320  # pixels of the long side of a photo in the conversation
STATED = ("material", "size", "capacity", "dimensions")  # attributes on a card, if it has them
OTHERS = 4  # other variants on a card, at most

REASONS = ("Not what I asked", "Not correct", "Hard to understand")
SHOW = "Show me the %(title)s"
RECORD = "Record a voice message"
ASK = "Ask about a product, an order, delivery or returns. You can also speak, or show us a photo."

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
    tell: Texts,
    words: str,
    pictures: Sequence[str] = (),
    spoken: str = "",
    others: Sequence[str] = (),
) -> str:
    """What the customer wrote, showed (addresses of pictures), said, and sent besides."""
    photo = tell.html("Your photo")
    shown = "".join(f'<img src="{escape(one)}" alt="{photo}">' for one in pictures)
    sent = "".join(f'<p class="sent">{escape(name)}</p>' for name in others)
    said = f'<p class="spoken">{icon("aloud")}{escape(spoken)}</p>' if spoken else ""
    typed = f"<p>{escape(words)}</p>" if words else ""
    return (
        f'<article class="msg you"><h2 class="sr">{tell.html("You")}</h2>'
        f'<div class="bubble">{shown}{sent}{said}{typed}</div></article>'
    )


def agent_says(inner: str) -> str:
    """The other side, still writing."""
    return f'<article class="msg us"><div class="bubble">{inner}</div></article>'


def words(text: str, language: str = "") -> str:
    """What is read aloud; in `language`, if that is known."""
    lang = f' lang="{escape(language)}"' if language else ""
    return f'<p class="words"{lang}>{escape(text)}</p>'


def writing(text: str) -> str:
    return agent_says(words(text))


def waiting(doing: str) -> str:
    return agent_says(f'<p class="wait">{escape(doing)}</p>')


def reply(
    tell: Texts, reply: types.Reply, knowledge: Knowledge, rating: str = "", asked: bool = False
) -> str:
    """A whole reply; `rating` is what the customer thinks of it, `asked` whether a reason was."""
    decision = reply.decision
    silent = SILENT.get(decision.reason, "") if isinstance(decision, types.HandOff) else ""
    untold = [note for note in reply.notes if note not in reply.text]
    inner = (
        (words(reply.text, reply.language if reply.intent else "") if reply.text else "")
        + (aside(tell.sentence(silent)) if silent else "")
        + "".join(f'<p class="note">{escape(tell.sentence(note))}</p>' for note in untold)
        + _compared(tell, reply)
        + _sources(tell, reply)
    )
    shown = "" if reply.comparison else _cards(tell, reply, knowledge)
    return (
        f'<article class="msg us"><h2 class="sr">{tell.html("Answer")}</h2>'
        f'<div class="bubble">{inner}</div>{shown}'
        f"{_tools(tell, reply.id, rating, asked) if reply.intent else ''}</article>"
    )


def _sources(tell: Texts, reply: types.Reply) -> str:
    titles = {cited.document: link(cited.url, cited.title) for cited in reply.citations}
    named = " · ".join(titles.values())
    return f'<p class="from">{tell.html("Source")}: {named}</p>' if titles else ""


def _compared(tell: Texts, reply: types.Reply) -> str:
    """What was compared, a product a column."""
    if reply.comparison is None:
        return ""
    photos = {one.title: photo_address(one.id) for one in reply.products if one.photo}
    titles = "".join(
        '<th scope="col">'
        + (f'<img src="{photos[title]}" alt="">' if title in photos else "")
        + f"{escape(title)}</th>"
        for title in reply.comparison.products
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in reply.comparison.rows
    )
    label = tell.html("Comparison")
    return (
        f'<div class="compared" tabindex="0" role="region" aria-label="{label}">'
        f"<table><thead><tr><td></td>{titles}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cards(tell: Texts, reply: types.Reply, knowledge: Knowledge) -> str:
    drawn = "".join(card(tell, one, knowledge) for one in reply.products)
    return _group(tell, "Products", "cards", drawn, 'tabindex="0"') if drawn else ""


def card(tell: Texts, product: types.ProductCard, knowledge: Knowledge) -> str:
    """Picture, name, price, stock, what the shop states, the other variants as buttons."""
    document = knowledge.document(product.id)
    image = ""
    if product.photo:
        image = f'<img src="{photo_address(product.id)}" alt="" loading="lazy">'
    price = "" if product.price is None else tell.money(product.price, product.currency)
    stated = [document.attributes.get(name, "") for name in STATED] if document else []
    facts = " · ".join(tell.value(one) for one in dict.fromkeys(filter(None, stated)))
    return (
        f"<section>{image}<h3>{link(product.url, product.title)}</h3>"
        f'<p class="price"><b>{escape(price)}</b> {_stock(tell, product.stock)}</p>'
        + (f'<p class="facts">{escape(facts)}</p>' if facts else "")
        + (_others(tell, document, knowledge) if document else "")
        + "</section>"
    )


def _stock(tell: Texts, pieces: int | None) -> str:
    if pieces is None:
        return ""
    if pieces == 0:
        return f'<span class="out">{tell.html("out of stock")}</span>'
    left = "only %(count)s left" if pieces <= 3 else "%(count)s in stock"
    return f"<span>{tell.html(left, count=pieces)}</span>"


def _others(tell: Texts, document: Document, knowledge: Knowledge) -> str:
    """The variants it also comes in, each as a question that may be asked by a click."""
    if not document.family:
        return ""
    others = [(variant(one), one) for one in options(knowledge, document)]
    buttons = "".join(
        f'<button type="button" data-say="{tell.html(SHOW, title=one.title)}">'
        f"{escape(tell.value(name))}</button>"
        for name, one in others[:OTHERS]
        if name
    )
    also = tell.html("Also in")
    return f'<p class="also"><span>{also}</span> {buttons}</p>' if buttons else ""


def _tools(tell: Texts, id: str, rating: str, asked: bool) -> str:
    """Read aloud, whether it helped, and why it is what it is."""
    name = escape(id)

    def button(what: str, english: str, extra: str = "") -> str:
        label = tell.html(english)
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
        + icon("why") + f"<span>{tell.html('Why?')}</span></button>"
    )  # fmt: skip
    asks = ""
    if rating == "down" and asked:
        reasons = "".join(
            f'<button type="button" data-reason="{reason}" data-reply="{name}">'
            f"{tell.html(reason)}</button>"
            for reason in REASONS
        )
        asks = (
            f'<form class="reason" data-reply="{name}"><p>{tell.html("What was wrong?")}</p>'
            f'<div>{reasons}</div><div><input name="comment" maxlength="300" '
            f'aria-label="{tell.html("What was wrong, in your words")}" '
            f'placeholder="{tell.html("In your words")}">'
            f'<button type="submit">{tell.html("Send")}</button></div></form>'
        )
    elif rating:
        asks = f'<p class="thanks" role="status">{tell.html("Thank you.")}</p>'
    return f'<div class="tools">{tools}</div>{asks}'


def choices(tell: Texts, decision: types.Decision, wishes: Sequence[types.Chip]) -> str:
    """The answers that the last question knows, or the wishes that may be taken away."""
    if isinstance(decision, types.Ask) and decision.choices:
        several = decision.many and len(decision.choices) > 1
        picks = "".join(_pick(one, several) for one in decision.choices)
        these = tell.html("Send these")
        done = f'<button type="button" data-done hidden>{these}</button>' if several else ""
        return _group(tell, "Answers", "picks", picks + done)
    chips = "".join(_chip(tell, chip) for chip in wishes)
    return _group(tell, "Wishes", "picks", chips) if chips else ""


def _chip(tell: Texts, chip: types.Chip) -> str:
    without = tell.html("Without “%(wish)s”", wish=chip.label)
    return (
        f'<button type="button" class="chip" data-pick="without:{escape(chip.id)}" '
        f'data-label="{without}" aria-label="{without}">{escape(chip.label)}<span>✕</span></button>'
    )


def _group(tell: Texts, english: str, kind: str, inner: str, extra: str = "") -> str:
    label = tell.html(english)
    return f'<div class="{kind}" role="group" aria-label="{label}" {extra}>{inner}</div>'


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


def head(tell: Texts, title: str) -> str:
    """The shop, and the languages that the page has."""
    options = "".join(
        f'<option value="{one}" lang="{one}"{" selected" * (one == tell.language)}>{name}</option>'
        for one, name in NAMES.items()
    )
    return (
        f"<h1>{escape(title)}</h1><div><p>{tell.html('Customer service')}</p>"
        f'<select id="language" aria-label="{tell.html("Language")}">{options}</select></div>'
    )


def welcome(tell: Texts, examples: Sequence[tuple[str, str | None]]) -> str:
    """What stands there before anybody said anything; an example may show a product's photo."""
    offered = "".join(
        f'<button type="button" data-example="{place}">'
        + (f'<img src="{photo_address(product)}" alt="">' if product else "")
        + f"<span>{tell.html(words)}</span></button>"
        for place, (words, product) in enumerate(examples)
    )
    return (
        f'<div class="welcome"><h2>{tell.html("How can we help?")}</h2><p>{tell.html(ASK)}</p>'
        f'<div class="starters">{offered}</div></div>'
    )


def player(tell: Texts, path: str) -> str:
    """The recording that waits to be sent; Gradio serves it to its own browser alone."""
    address = f"gradio_api/file={quote(path)}"
    label = tell.html("Your recording")
    return f'<audio controls src="{escape(address)}" aria-label="{label}"></audio>'


def recorder(tell: Texts, seconds: float) -> str:
    """A button that records `seconds` at most, and one that takes a recording; voice.js."""
    record, upload = tell.html(RECORD), tell.html("Upload a recording")
    return (
        f'<div class="recorder" data-seconds="{seconds:.0f}">'
        f'<button type="button" class="mic" aria-pressed="false" aria-label="{record}" '
        f'title="{record}">{icon("mic")}<span class="clock" hidden></span></button>'
        f'<button type="button" class="give" aria-label="{upload}" title="{upload}">'
        f'{icon("upload")}</button><input type="file" accept="audio/*" hidden></div>'
    )


def panel_head(tell: Texts) -> str:
    return (
        f'<button type="button" data-close aria-label="{tell.html("Close")}">✕</button>'
        f"<h2>{tell.html('How this answer came about')}</h2>"
    )
