"""Replies and events as HTML, every word from outside escaped; knows nothing of who shows it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from agent import types
from agent.compose import SILENT
from agent.evidence import money

PARTS = {
    "text": "typed words",
    "voice": "spoken words",
    "print": "words in the photo",
    "photo": "the photo",
    "history": "earlier messages",
}


def photo_address(document: str) -> str:
    """Where `agent.api` serves the photo of an indexed document, seen from the page."""
    return f"photos/{quote(document, safe='')}"


def link(url: str, words: str) -> str:
    """`words`, escaped; a link if `url` is a whole web address."""
    if not url.startswith(("https://", "http://")):
        return escape(words)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(words)}</a>'


def stock(pieces: int | None) -> str:
    if pieces is None:
        return ""
    if pieces == 0:
        return '<span class="out">out of stock</span>'
    return f"<span>{f'only {pieces} left' if pieces <= 3 else f'{pieces} in stock'}</span>"


def product(card: types.ProductCard) -> str:
    """One product as a card: picture, name, price, stock."""
    picture = f'<img src="{photo_address(card.id)}" alt="">' if card.photo else ""
    price = "" if card.price is None else money(card.price, card.currency)
    return (
        f"<article>{picture}<h4>{link(card.url, card.title)}</h4>"
        f"<p><b>{escape(price)}</b>{stock(card.stock)}</p></article>"
    )


def below(reply: types.Reply) -> str:
    """What stands under the words of a reply: notes, sources and product cards."""
    untold = [note for note in reply.notes if note not in reply.text]
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in untold)
    titles = {cited.document: link(cited.url, cited.title) for cited in reply.citations}
    sources = f'<p class="from">Source: {" · ".join(titles.values())}</p>' if titles else ""
    cards = "".join(map(product, reply.products))
    cards = f'<div class="cards">{cards}</div>' if cards else ""
    return notes + (table(reply.comparison) if reply.comparison else "") + sources + cards


def table(comparison: types.Comparison) -> str:
    """A comparison of products, one a column."""
    head = "".join(f"<th>{escape(title)}</th>" for title in ("", *comparison.products))
    cells = [
        f"<th>{escape(name)}</th>" + "".join(f"<td>{escape(value)}</td>" for value in values)
        for name, *values in comparison.rows
    ]
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table class="compared"><tr>{head}</tr>{rows}</table>'


def sent_photo(document: str) -> str:
    return f'<img class="sent" src="{photo_address(document)}" alt="">'


def spoken(words: str) -> str:
    return f'<p class="spoken">{escape(words)}</p>'


def waiting(words: str) -> str:
    return f'<p class="wait">{escape(words)}</p>'


def aside(sentence: str) -> str:
    """What the page itself says, in neither voice."""
    return f'<p class="aside">{escape(sentence)}</p>'


def silence(reply: types.Reply) -> str:
    """Why nothing is said, where a person has the conversation; "" otherwise."""
    decision = reply.decision
    said = isinstance(decision, types.HandOff) and SILENT.get(decision.reason)
    return aside(said) if said else ""


def alert(sentence: str) -> str:
    return f'<p class="alert">{escape(sentence)}</p>'


def bars(values: Mapping[str, float], form: str) -> str:
    """One bar a value in [-1, 1], 1 as wide as the room; `form` is how the figure is written."""
    return "".join(
        f'<div class="bar{" against" * (value < 0)}"><span>'
        f"{escape(PARTS.get(key, key.replace('_', ' ')))}</span>"
        f'<i style="--share:{min(1.0, abs(value)):.3f}"></i><b>{format(value, form)}</b></div>'
        for key, value in values.items()
    )


def quoted(title: str, url: str, passage: str, figures: str = "") -> str:
    return (
        f'<div class="hit"><p><b>{link(url, title)}</b><span>{escape(figures)}</span></p>'
        f'<p class="quote">{escape(passage)}</p></div>'
    )


def section(title: str, *parts: str) -> str:
    return f"<section><h3>{title}</h3>{''.join(parts)}</section>" if any(parts) else ""


def lines(*sentences: str) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)


def laid_open(event: types.Event) -> str:
    """One event as a section of the evidence panel; everything in it is escaped."""
    match event:
        case types.Heard(transcript=spoken, printed=printed, photos=photos):
            return section(
                "What you said and showed",
                f'<p class="quote">{escape(event.words)}</p>' if event.words else "",
                lines(f"Heard by {spoken.engine}, {spoken.confidence:.0%} sure") if spoken else "",
                lines(*(f"Printed in a photo: “{line.text}”" for line in printed)),
                lines(f"Pictures looked at: {photos}") if photos else "",
                lines(*event.problems),
            )
        case types.Understood(attributions=games):
            return section(
                "What I took it to mean",
                bars(event.intents, ".0%"),
                lines(f"Not for this shop: {event.out_of_scope:.0%}. Mood: {event.mood:+.2f}."),
            ) + section(
                "What that rests on",
                *(
                    f"<h4>{name}</h4>{bars(games[game], '+.2f')}"
                    for game, name in (("intent", "To understand"), ("retrieval", "To look it up"))
                    if games.get(game)
                ),
            )
        case types.Found(hits=hits):
            return section(
                "What I found",
                lines(f"Only: {event.filters}" if event.filters else ""),
                lines(*(f"Nothing fits “{wish}”, so I left it out." for wish in event.relaxed)),
                *(
                    quoted(hit.title, hit.url, hit.passage, f"{hit.kind} {hit.score:.2f}")
                    for hit in hits[:4]
                ),
            )
        case types.Done(reply=reply):
            spent = " · ".join(f"{stage} {took:.2f} s" for stage, took in reply.seconds.items())
            return (
                section(
                    "What I quoted", *(quoted(c.title, c.url, c.quote) for c in reply.citations)
                )
                + section("Notes", lines(*reply.notes))
                + section("Time", lines(spent))
            )
        case _:
            return ""


STYLE = """
.gradio-container {--line: #e4ded4; --soft: #6f675c; --ink: #2b2824; --paper: #fffdfa;
  --accent: #2f6654; --tint: #e3ebe5; --clay: #b4573a; max-width: 1160px !important;
  width: 100%; margin: 0 auto !important; color: var(--ink)}
.dark .gradio-container, .gradio-container.dark {--line: #3a362f; --soft: #a89f92; --ink: #ece7df;
  --paper: #23211e; --accent: #86bda7; --tint: #30423a; --clay: #dd9272}
.gradio-container > .main {padding: 16px 20px !important}
#main .form {border: 0; background: none; overflow: visible}
#head .html-container, #starters .html-container {padding: 0}
footer, #chat .icon-button-wrapper {display: none !important}
#head {align-items: center; justify-content: space-between; flex-wrap: nowrap;
  padding-bottom: 10px; border-bottom: 1px solid var(--line)}
#head h1 {font-size: 21px; font-weight: 650; letter-spacing: -.01em; margin: 0; color: var(--ink)}
#head p {margin: 0; color: var(--soft); font-size: 13px}
#fresh {border-radius: 999px; min-width: 148px; font-weight: 500; color: var(--ink)}
#body {gap: 28px}
#main {gap: 10px; height: calc(100dvh - 112px); min-height: 480px; flex-wrap: nowrap}
#main > * {flex-shrink: 0}
#chat {flex: 1 1 0; height: auto !important; min-height: 0; border: 0; background: none}
#chat .bubble-wrap {padding: 4px 4px 12px; background: none}
#chat, #chat * {scrollbar-width: thin; scrollbar-color: var(--line) transparent}
#chat .message-wrap {gap: 12px}
#chat .message-row {margin: 4px 0}
#chat .placeholder-content, #chat .placeholder {text-align: center; width: 100%}
#chat .placeholder h2 {font-size: 24px; font-weight: 650; margin: 0 0 6px; color: var(--ink)}
#chat .placeholder p {color: var(--soft); max-width: 30em; margin: 0 auto}
#chat .message {font-size: 15px; line-height: 1.5; box-shadow: none}
#chat .message .message {background: none; padding: 0; border: 0}
#chat .user.message, #chat .bot.message {padding: 10px 15px; border-radius: 16px}
#chat .user.message {background: #2f6654; border: 0; color: #fff; border-bottom-right-radius: 5px}
#chat .user.message .md {color: #fff}
#chat .bot.message {background: var(--paper); border: 1px solid var(--line);
  border-bottom-left-radius: 5px}
#chat .message img {border-radius: 10px}
#chat .user img {max-height: 190px; width: auto; margin-bottom: 6px}
.spoken {margin: 0 !important; font-style: italic; color: #fff}
#chat .bot-row:has(.cards), #chat .bot-row:has(.cards) .flex-wrap,
#chat .bot-row:has(.cards) .flex-wrap > div {width: 100%}
.sent {width: 170px; margin: 2px 0 6px !important}
.aside {color: var(--soft); font-style: italic; margin: 0 !important}
.wait {color: var(--soft); margin: 0 !important}
.wait::after {content: "…"; animation: wait 1.2s infinite}
@keyframes wait {50% {opacity: .2}}
.note, .from {font-size: 13px !important; color: var(--soft); margin: 8px 0 0 !important}
.note, .alert {border-left: 3px solid var(--clay); padding-left: 10px; margin: 0 !important}
.compared {border-collapse: collapse; font-size: 13px; margin: 10px 0 !important}
.compared th, .compared td {border-bottom: 1px solid var(--line); padding: 5px 12px 5px 0;
  text-align: left; vertical-align: top}
.cards {display: grid; grid-template-columns: repeat(auto-fill, minmax(124px, 1fr)); gap: 12px;
  margin: 12px 0 4px}
.cards article {border: 1px solid var(--line); border-radius: 12px; overflow: hidden;
  background: var(--paper); display: flex; flex-direction: column; max-width: 220px}
.cards img {width: 100%; aspect-ratio: 1; object-fit: cover; margin: 0 !important;
  border-radius: 0 !important; background: var(--tint)}
.cards h4 {margin: 9px 12px 4px !important; font-size: 14px; font-weight: 600; color: var(--ink)}
.cards p {margin: auto 12px 11px !important; font-size: 13px; display: flex;
  flex-direction: column; color: var(--ink)}
.cards span {color: var(--soft)}
.cards .out {color: var(--clay)}
#choices {gap: 8px; justify-content: flex-start}
#choices button {border-radius: 999px; padding: 7px 14px; flex: 0 1 auto; min-width: 90px;
  border-color: var(--accent); color: var(--accent); font-weight: 500}
#box {border: 1px solid var(--line) !important; border-radius: 16px !important; padding: 4px 6px}
#box .submit-button {background: #2f6654; color: #fff; border-radius: 50%}
#box textarea {font-size: 15px}
#voice {align-items: center; flex-wrap: nowrap}
#recorder {border: 0; background: none; padding: 0; overflow: visible}
#recorder .component-wrapper, #recorder .audio-container {padding: 0; height: auto; min-height: 0}
#recorder .controls {margin: 0; padding-right: 70px}
#recorder .mic-select {max-width: 190px; font-size: 12px; color: var(--soft)}
#recorder .audio-container:has(.mic-select) .icon-button-wrapper,
#recorder:has(audio) .source-selection {display: none}
#recorder .upload-container {height: 56px !important; min-height: 0; border-radius: 12px;
  border: 1px dashed var(--line); margin-right: 76px}
#recorder .upload-container .wrap {flex-direction: row; gap: 6px; min-height: 0; padding: 0;
  font-size: 13px}
#recorder .upload-container .icon-wrap {display: none}
#recorder audio {width: calc(100% - 36px); height: 40px}
#recorder .source-selection {position: absolute; right: 0; top: 2px; border: 0; width: auto}
#speak {border-radius: 999px; min-width: 140px}
#starters {gap: 8px}
#starters h3 {margin: 6px 0 2px; font-size: 13px; color: var(--soft); font-weight: 600}
#starters button {justify-content: flex-start; text-align: left; font-weight: 450;
  color: var(--ink); font-size: 14px; border-radius: 12px; padding: 10px 14px}
#why {border-radius: 12px; margin-top: 6px}
#evidence section {padding: 12px 0; border-top: 1px solid var(--line)}
#evidence section:first-child {border: 0; padding-top: 0}
#evidence h3 {font-size: 14px; font-weight: 650; margin: 0 0 8px; color: var(--ink)}
#evidence h4 {font-size: 12px; font-weight: 600; margin: 8px 0 4px; color: var(--soft)}
#evidence p {font-size: 13px; margin: 4px 0; color: var(--soft)}
#evidence .quote {margin: 2px 0 10px; padding-left: 10px; border-left: 3px solid var(--tint);
  color: var(--ink); overflow-wrap: anywhere}
.bar {display: grid; grid-template-columns: 9.5em 1fr 3.2em; gap: 8px; align-items: center;
  font-size: 13px; margin: 4px 0; color: var(--ink)}
.bar i {height: 8px; border-radius: 4px; background: var(--tint); overflow: hidden}
.bar i::before {content: ""; display: block; height: 100%; border-radius: 4px;
  width: calc(100% * var(--share)); background: var(--accent)}
.bar.against i::before {background: var(--clay)}
.bar b {text-align: right; font-weight: 500; font-variant-numeric: tabular-nums}
.hit p {display: flex; justify-content: space-between; gap: 8px}
.hit p b {color: var(--ink); font-weight: 600}
.hit p span {white-space: nowrap}
@media (min-width: 761px) {
  #side {max-height: calc(100dvh - 112px); overflow-y: auto; flex-wrap: nowrap}
  #side > * {flex-shrink: 0}
}
@media (max-width: 760px) {
  .gradio-container > .main {padding: 10px 12px !important}
  #body {gap: 14px}
  #main {height: calc(100dvh - 118px)}
  .cards {grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 8px}
  .cards h4, .cards p {margin-left: 9px !important; margin-right: 9px !important}
  #chat .bot-row:has(.cards) {max-width: 100%}
}
"""
"""The look of what is drawn here and of the page around it, in light and in dark."""
