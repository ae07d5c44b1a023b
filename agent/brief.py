"""A conversation as the person who takes it over reads it: who, what was tried, what may help."""

from __future__ import annotations

from collections.abc import Sequence

from agent.errors import NotFound
from agent.store import PERSON, Store
from agent.types import Act, Ask, Frozen, Reply

TRIED = 8  # steps told, the last ones

SUGGESTED = {
    "asked": "how can I help you?",
    "unhappy": "I am sorry for the trouble. I look at it myself now; what matters most to you?",
    "complaint": "I am sorry about what happened. I look into it now.",
    "damaged_item": "I am sorry that it did not arrive as it should. May I send you a new one, or "
    "would you rather have your money back?",
    "identity": "let us find your order together. Which name and address did you order with?",
    "not_understood": "could you tell me in your own words what you need?",
    "failed": "what exactly are you looking for? I look it up for you.",
    "change_order": "I can change that for you. Please confirm what you want instead.",
    "exchange": "I can arrange the exchange. Please confirm what you want instead.",
}
"""A first reply, by the reason of the hand-off; the person changes it as they like."""


class Said(Frozen):
    """One message; `speaker` is customer, agent or person."""

    speaker: str
    text: str


class Brief(Frozen):
    """What a person needs to go on. `tried`: what the agent asked, did and could not, in order;
    `attachments`: the kinds of what came along, in order; `mood` in [-1, 1]."""

    conversation: str
    reason: str
    since: str  # ISO 8601, UTC
    priority: int  # 0 as it comes, 1 sooner, 2 first
    person: str  # who has it; "" when nobody has
    customer: str | None  # name, e-mail and the shop's id, once identified
    order: str | None
    mood: float
    summary: str
    tried: tuple[str, ...]
    transcript: tuple[Said, ...]
    attachments: tuple[str, ...]
    suggested_reply: str


def brief(store: Store, conversation: str) -> Brief:
    """Raises NotFound when no person has, or is due to have, the conversation."""
    waits = [waiting for waiting in store.waiting() if waiting.conversation == conversation]
    if not waits:
        store.recent(conversation)  # one that does not exist says so itself
        raise NotFound("The agent has this conversation: it was not handed to a person.")
    waiting, turns, state = waits[0], store.transcript(conversation), store.flow(conversation)
    customer = state.customer
    replies = [reply for _, reply in turns]
    written = [reply for words, reply in turns if words]
    hello = f"Hello {customer.name.first}" if customer else "Hello"
    return Brief(
        conversation=conversation,
        reason=waiting.reason,
        since=waiting.since,
        priority=waiting.priority,
        person=waiting.person,
        customer=f"{customer.name}, {customer.email} ({customer.id})" if customer else None,
        order=(state.wish and state.wish.order_id) or state.last_order,
        mood=written[-1].mood if written else 0.0,
        summary=waiting.summary,
        tried=tuple(_tried(replies))[-TRIED:],
        transcript=tuple(
            said
            for words, reply in turns
            for said in (Said(speaker="customer", text=words), _answer(reply))
            if said.text
        ),
        attachments=tuple(attachment.kind for attachment in store.attached(conversation)),
        suggested_reply=f"{hello}, {SUGGESTED.get(waiting.reason, SUGGESTED['asked'])}",
    )


def shown(brief: Brief) -> str:
    """As text for a terminal."""
    lines = [
        f"{brief.conversation}  {brief.reason}  since {brief.since}  priority {brief.priority}",
        f"with {brief.person}" if brief.person else "nobody has it yet",
        f"customer: {brief.customer or 'not identified'}",
        f"order: {brief.order or 'none named'}",
        f"mood: {brief.mood:+.2f}",
        f"came along: {', '.join(brief.attachments) or 'nothing'}",
        "",
        *(["Summary:", brief.summary, ""] if brief.summary else []),
        *(["Tried:", *(f"- {step}" for step in brief.tried), ""] if brief.tried else []),
        *(f"{said.speaker}: {said.text}" for said in brief.transcript),
        "",
        f"Suggested reply: {brief.suggested_reply}",
    ]
    return "\n".join(lines)


def by_person(reply: Reply) -> bool:
    """Whether a person wrote it."""
    return reply.decision.kind == "handoff" and reply.decision.reason == PERSON


def _answer(reply: Reply) -> Said:
    return Said(speaker="person" if by_person(reply) else "agent", text=reply.text)


def _tried(replies: Sequence[Reply]) -> list[str]:
    steps = []
    for reply in replies:
        for deed in reply.done:
            steps.append(f"{deed.action}: {'done' if deed.ok else 'refused'}. {deed.message}")
        match reply.decision:
            case Ask(slot=slot, question=question):
                steps.append(f"asked for {slot}: {question}")
            case Act() if not reply.done:
                steps.append("agreed to, but not done")
        steps += [f"note: {note}" for note in reply.notes if not by_person(reply)]
    return steps
