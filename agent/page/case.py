"""A hand-off as HTML: the queue, the conversation, the customer and what may help.

Every word from outside is escaped here; knows nothing of who shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from agent import types
from agent.brief import Brief, by_person
from agent.evidence import money
from agent.markup import alert, link, photo_address
from agent.orders import Customer, Order, detailed
from agent.store.desk import Enclosed, Queued
from fusion.types import Transcript
from knowledge.types import Hit

REASONS = {
    "asked": "asked for a person",
    "unhappy": "unhappy",
    "complaint": "complaint",
    "damaged_item": "damaged item",
    "identity": "could not be identified",
    "not_understood": "not understood",
    "failed": "nothing found",
    "taken": "taken by a person",
}
"""Why a person has a conversation; others are written as they are."""

URGENT = {2: "urgent", 1: "soon", 0: ""}
NOBODY = '<div class="empty"><b>Nobody waits</b><p>The assistant has every conversation.</p></div>'
UNKNOWN = '<p class="soft">Not identified: no e-mail address that the shop knows was given.</p>'
KINDS = {"product": "Product", "faq": "FAQ", "policy": "Policy"}


def reason_said(reason: str) -> str:
    return REASONS.get(reason, reason.replace("_", " "))


def feeling(mood: float) -> str:
    """The mood in a word; the worst first."""
    words = ((-0.8, "furious"), (-0.5, "unhappy"), (-0.2, "uneasy"), (0.35, "calm"))
    return next((word for least, word in words if mood <= least), "pleased")


def waited(since: str, now: datetime | None = None) -> str:
    """How long ago: "3 min", "2 h", "4 days"."""
    now = now or datetime.now(UTC)
    minutes = int((now - datetime.fromisoformat(since)).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}" if minutes < 600 else f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def mood_shown(mood: float) -> str:
    word = feeling(mood)
    return f'<span class="mood {word}" title="Mood {mood:+.2f}">{word}</span>'


def queue_shown(waiting: Sequence[Queued], names: Mapping[str, str], me: str, open_id: str) -> str:
    """`names`: the shop's id of a customer -> their name."""
    if not waiting:
        return NOBODY
    free = [one for one in waiting if not one.person]
    mine = [one for one in waiting if one.person == me]
    others = [one for one in waiting if one.person not in ("", me)]
    parts = (("Mine", mine), ("Waiting", free), ("With colleagues", others))
    return "".join(
        f"<h3>{title}<span>{len(some)}</span></h3><ul>"
        + "".join(_item(one, names, me, one.conversation == open_id) for one in some)
        + "</ul>"
        for title, some in parts
        if some
    )


def _item(one: Queued, names: Mapping[str, str], me: str, is_open: bool) -> str:
    name = names.get(one.customer) or "Customer"
    urgent = URGENT.get(one.priority, "")
    chip = f'<span class="chip p{one.priority}">{urgent}</span>' if urgent else ""
    holder = f'<span class="with">{escape(one.person)}</span>' if one.person not in ("", me) else ""
    words = escape(one.words[:160]) or "<i>no words</i>"
    return (
        f'<li><button type="button" data-open="{escape(one.conversation)}"'
        f"{' aria-current=true' if is_open else ''}>"
        f'<span class="top"><b>{escape(name)}</b>'
        f'<span class="wait">{waited(one.since)}</span></span>'
        f'<span class="words">{words}</span>'
        f'<span class="tags">{chip}{mood_shown(one.mood)}'
        f'<span class="why">{escape(reason_said(one.reason))}</span>{holder}</span></button></li>'
    )


def headline(brief: Brief, name: str, me: str) -> str:
    """Who it is about, and whose it is; names the conversation, by which an answer finds it."""
    if not brief.person:
        whose = '<span class="whose free">nobody has it yet</span>'
    elif brief.person == me:
        whose = '<span class="whose mine">you have it</span>'
    else:
        whose = (
            f'<span class="whose theirs">{escape(brief.person)} has it: you can read along</span>'
        )
    urgent = URGENT.get(brief.priority, "")
    chip = f'<span class="chip p{brief.priority}">{urgent}</span>' if urgent else ""
    why = escape(reason_said(brief.reason).capitalize())
    return (
        f'<div data-conversation="{escape(brief.conversation)}" class="headline">'
        f"<h2>{escape(name)}</h2>{whose}<p>{why} · waits {waited(brief.since)} "
        f"{mood_shown(brief.mood)} {chip}</p></div>"
    )


def talk_shown(
    conversation: str,
    turns: Sequence[tuple[str, types.Reply]],
    at: Sequence[str],
    came: Sequence[Enclosed],
) -> str:
    """Everything said and sent, oldest first."""
    along: dict[int, list[Enclosed]] = defaultdict(list)
    for one in came:
        along[one.turn].append(one)
    said = []
    for place, ((words, reply), moment) in enumerate(zip(turns, at, strict=False), start=1):
        if words or along[place]:
            files = "".join(_file(conversation, one, reply.transcript) for one in along[place])
            said.append(_message("customer", files + _typed(words, reply.transcript), moment))
        if by_person(reply):
            said.append(_message("person", _lines(reply.text), moment, _writer(reply)))
        elif reply.text:
            said.append(_message("agent", _answer(reply), moment, "Assistant"))
        elif isinstance(reply.decision, types.HandOff) and reply.decision.reason == "waiting":
            said.append('<p class="quiet">The assistant is silent: a person was asked for.</p>')
    return f'<div class="talk">{"".join(said)}</div>'


def _message(side: str, html: str, moment: str, who: str = "") -> str:
    name = f"<b>{escape(who)}</b> · " if who else ""
    at = escape(moment)
    return (
        f'<div class="said {side}"><div class="bubble">{html}</div>'
        f'<p class="by">{name}<time datetime="{at}">{at[11:16]}</time></p></div>'
    )


def _file(conversation: str, one: Enclosed, transcript: Transcript | None) -> str:
    at = f"../staff/attachments/{escape(conversation)}/{one.turn}/{one.place}"
    if one.kind == "photo":
        return f'<a href="{at}" target="_blank"><img src="{at}" alt="Photo from the customer"></a>'
    tag = "audio" if one.kind == "audio" else "video"
    heard = '<p class="heard none">Nothing was heard in it.</p>'
    if transcript and transcript.text:
        heard = (
            f'<p class="heard">“{escape(transcript.text)}”<span>heard by '
            f"{escape(transcript.engine)}, {transcript.confidence:.0%} sure</span></p>"
        )
    return f'<{tag} src="{at}" controls preload="metadata"></{tag}>{heard}'


def _typed(words: str, transcript: Transcript | None) -> str:
    """The words, but for those that stand under the recording they were heard in."""
    left = words.replace(transcript.text, "", 1) if transcript and transcript.text else words
    return _lines(left.strip())


def _lines(words: str) -> str:
    return f'<p class="text">{escape(words)}</p>' if words else ""


def _scrolled(words: str) -> str:
    """In a box that the keyboard reaches too."""
    box = '<div class="scrolled" tabindex="0" role="region" aria-label="Summary">'
    return f"{box}{_lines(words)}</div>" if words else ""


def _writer(reply: types.Reply) -> str:
    return next(iter(reply.notes), "").removeprefix("Written by ").removesuffix(".") or "Colleague"


def _answer(reply: types.Reply) -> str:
    shown = "".join(map(_product, reply.products[:4]))
    cited = {one.document: one.title for one in reply.citations}
    sources = " · ".join(map(escape, cited.values()))
    done = "".join(
        f'<p class="deed {"ok" if one.ok else "no"}">{escape(one.action.replace("_", " "))}: '
        f"{'done' if one.ok else 'refused'}</p>"
        for one in reply.done
    )
    return (
        _lines(reply.text)
        + (f'<ul class="shown">{shown}</ul>' if shown else "")
        + done
        + (f'<p class="sources">From: {sources}</p>' if sources else "")
    )


def _product(card: types.ProductCard) -> str:
    picture = f'<img src="../{photo_address(card.id)}" alt="">' if card.photo else ""
    price = "" if card.price is None else money(card.price, card.currency)
    words = f"<span>{link(card.url, card.title)}<b>{escape(price)}</b></span>"
    return f"<li>{picture}{words}</li>"


def facts_shown(
    brief: Brief,
    customer: Customer | None,
    orders: Sequence[Order],
    currency: str,
    trouble: str = "",
) -> str:
    """The customer, the orders with the one spoken of first, the summary, what was tried."""
    if customer is None:
        who = (
            '<p class="soft">Not identified: nobody gave an e-mail address that the shop knows.</p>'
        )
    else:
        who = (
            f'<p class="name">{escape(str(customer.name))}</p>'
            f'<p>{escape(customer.email)}</p><p class="soft">{escape(str(customer.address))}</p>'
            f'<p class="soft">Customer {escape(customer.id)}</p>'
        )
    spoken = sorted(orders, key=lambda order: order.id != brief.order)
    shown = "".join(_order(order, currency, order.id == brief.order) for order in spoken[:4])
    more = f'<p class="soft">and {len(spoken) - 4} more</p>' if len(spoken) > 4 else ""
    named = f"<p>Order {escape(brief.order)} was named.</p>" if brief.order and not orders else ""
    tried = "".join(f"<li>{escape(step)}</li>" for step in brief.tried)
    named += alert(trouble)
    return (
        _card("Customer", who)
        + _card("Orders", shown + more + named)
        + _card("Summary", _scrolled(brief.summary))
        + _card("What the assistant tried", f"<ol>{tried}</ol>" if tried else "")
    )


def _card(title: str, html: str) -> str:
    return f"<section><h3>{title}</h3>{html}</section>" if html else ""


def _order(order: Order, currency: str, spoken_of: bool) -> str:
    priced = [(detailed(item), money(item.price, currency)) for item in order.items]
    items = "".join(
        f"<li><span>{escape(what)}</span><b>{escape(price)}</b></li>" for what, price in priced
    )
    days = {"placed": order.placed_at, "shipped": order.shipped_at}
    days["delivered"] = order.delivered_at
    when = " · ".join(f"{name} {at:%-d %b}" for name, at in days.items() if at)
    track = f'<p class="soft">Tracking {escape(order.tracking)}</p>' if order.tracking else ""
    return (
        f'<details class="order"{" open" if spoken_of else ""}><summary><b>{escape(order.id)}</b>'
        f'<span class="status">{escape(order.status)}</span>'
        f"<span>{escape(money(order.total, currency))}</span></summary>"
        f'<ul>{items}</ul><p class="soft">{escape(when)}</p>{track}</details>'
    )


def passages_shown(hits: Sequence[Hit]) -> str:
    """What the shop knows, each with a button that puts it into the answer."""
    if not hits:
        return '<p class="soft">Nothing was found.</p>'
    return "".join(
        f"<article><p><b>{escape(hit.document.title)}</b><span>{KINDS[hit.document.kind]}</span></p>"
        f'<p class="passage">{escape(passage_of(hit)[:400])}</p>'
        f'<button type="button" data-insert="{escape(hit.document.id)}"'
        f' aria-label="Insert {escape(hit.document.title)}">Insert</button></article>'
        for hit in hits
    )


def passage_of(hit: Hit) -> str:
    """What is put into an answer: the passage that matched, for a product with price and stock."""
    document = hit.document
    if document.kind != "product":
        return hit.passage or document.text
    price = "" if document.price is None else f", {money(document.price, document.currency)}"
    stock = "" if document.stock is None else f" ({document.stock} in stock)"
    address = f" {document.url}" if document.url else ""
    return f"{document.title}{price}{stock}.{address}"
