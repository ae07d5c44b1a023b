"""The next step of the open wish: ask for what is missing, read back, act, drop or hand over."""

from __future__ import annotations

from dataclasses import replace

from agent import answers
from agent.changes import Refused
from agent.consent import arguments, key_of
from agent.lookup import (
    QUESTIONS,
    WRONG_TRIES,
    ask_order,
    ask_who,
    guess_order,
    identify,
    not_yours,
    take_all,
)
from agent.orders import Order, Shop
from agent.readback import readback
from agent.scene import Read, scene
from agent.slots import ask, missing, read
from agent.state import FlowState
from agent.telling import TOLD
from agent.types import Act, Action, Ask, Choice, Decision, HandOff
from agent.wishes import NO_ORDER, SWAPS
from agent.words import names_all

TIMES = 2  # a question is not asked a third time

YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))

RIGHTS = (
    Choice("refund", "My money back"),
    Choice("replacement", "A new one"),
    Choice("explanation", "An explanation"),
    Choice("person", "That somebody calls me"),
)
"""What may put a complaint right; anything else in words."""

REASONS: dict[Action, str] = {
    "change_items": "change_order",
    "damaged": "damaged_item",
    "exchange": "exchange",
}
"""The reason under which a person gets a wish that the rules leave to one; else "asked"."""
LEFT = "All right, nothing was changed."

Step = tuple[FlowState, Decision | None]


def go_on(state: FlowState, shop: Shop) -> Step:
    """The next question: of the wish that is open, else of the one that waits; None without, and
    where the open one was asked often enough: it waits for its answer then."""
    state = refreshed(state, shop)
    if state.wish is not None:
        if state.asked and state.times >= TIMES:
            return state, None
        if state.customer is None and state.asked in QUESTIONS:
            asking = Ask(state.asked, QUESTIONS[state.asked], action=state.open.action)
            return put(state, asking, fresh=False)
        return next_step(state, shop, fresh=False)
    if not state.queue:
        return state, None
    wish, *queue = state.queue
    started, problem = state.ended().but(wish=wish, queue=tuple(queue)), ""
    if state.customer is None:
        started, problem = identify(started, wish.words, shop)
    return next_step(started, shop, problem)


def told_between(sentence: str, state: FlowState, shop: Shop) -> Step:
    """The sentence, and the open question once more if it was not asked often enough."""
    after, decision = said_before(sentence, go_on(state, shop))
    if decision is None and state.asked:
        decision = Ask(state.asked, sentence, action=state.open.action)
    return after, decision


def said_before(sentence: str, step: Step) -> Step:
    state, decision = step
    if isinstance(decision, Ask):
        decision = replace(decision, question=f"{sentence} {decision.question}")
    return state, decision


def fill(
    state: FlowState, words: str, picked: tuple[str, ...], shop: Shop
) -> tuple[FlowState, Read]:
    """Read the slots of the wish: the one asked for wholly, the others where the words are clear.

    What was given before is corrected when it is read back, or by "actually" and the like.
    """
    result = Read()
    settles = state.asked is not None or not answers.depends(words)
    corrects = state.asked == "confirm" or answers.corrects(words)
    for slot in shop.rules.actions[state.open.action].slots:
        asked = slot == state.asked or (
            slot == "items" and state.asked == "confirm" and names_all(words)
        )
        settled = not corrects and not missing(slot, state.open)
        if not settles and slot in ("items", "new_items", "payment_method"):
            continue  # "if there is a black one": asked when it comes to it
        if settled or (picked and not asked and state.asked is not None):
            continue
        got = read(slot, scene(state, shop), words, picked, asked)
        if got.changes:
            state = state.wishing(**got.changes).but(narrowed=())
        elif asked:
            state, result = state.but(narrowed=got.narrowed or state.narrowed), got
        elif got.narrowed and slot == "new_items":  # "one with clicky switches": which of these?
            state = state.but(narrowed=got.narrowed)
    return state, result


def next_step(state: FlowState, shop: Shop, problem: str = "", fresh: bool = True) -> Step:
    """Ask for the first thing that is missing, or finish; `fresh`: a question said again is not
    the same one, since the customer had answered it, only not well."""
    rules = shop.rules
    rule = rules.actions[state.open.action]
    if state.wrong >= WRONG_TRIES:
        return hand_off(state, "identity")
    if state.open.action == "complaint":
        return _complaint(state, fresh)
    if state.customer is None:
        return put(state, ask_who(state, problem), fresh)
    order = None
    if state.open.action not in NO_ORDER:
        if state.open.order_id is None:
            state = take_all(state, shop) or state.wishing(order_id=guess_order(state, shop))
        if state.open.order_id is None:
            return put(state, ask_order(state, shop, problem), fresh)
        order = shop.order(state.open.order_id)
        if order is None or order.customer != state.known.id:
            return _not_theirs(state, shop)
        state = _swapping(state, order, shop)
        rule = rules.actions[state.open.action]
        refused = state.asked != "confirm" and shop.refusal(state.open.action, order)
        if state.open.action in TOLD or refused:
            return _act(state)
    elif state.open.action in TOLD:
        return _act(state)
    if rule.offers:
        return _offer(state, rule.offers)
    if not state.read:
        state, _ = fill(state.but(asked=None), state.open.words, (), shop)
        state = state.but(read=True)
    for slot in rule.slots:
        if missing(slot, state.open):
            asking = ask(slot, scene(state, shop))
            asking = replace(asking, question=f"{problem.lstrip()}{asking.question}")
            return put(state, asking, fresh, denied=bool(problem.strip()), shop=shop)
    if rule.person:
        return hand_off(state, REASONS.get(state.open.action, "asked"))
    return _confirm(state, order, shop, fresh)


def _offer(state: FlowState, actions: tuple[Action, ...]) -> Step:
    """What can be done instead, to choose from."""
    choices = tuple(Choice(action, f"{action.capitalize()} it") for action in actions)
    question = f"I am sorry about that. Shall I {' or '.join(actions)} it?"
    return state.ended(), Ask("wish", question, choices, order_id=state.open.order_id)


def _complaint(state: FlowState, fresh: bool) -> Step:
    """What happened and what is wished for, by anybody; then a person has it all."""
    if not state.read:
        said = answers.complaint(state.open.words) or None
        state = state.wishing(reason=said).but(read=True)
    if state.open.reason is None:
        asking = Ask("reason", "I am sorry about that. What happened?", action="complaint")
        return put(state, asking, fresh)
    if state.open.product is None:
        question = "Thank you for telling me. What would put it right for you?"
        return put(state, Ask("wish", question, RIGHTS, action="complaint"), fresh)
    return hand_off(state, "complaint")


def complained(state: FlowState, words: str, picked: tuple[str, ...], shop: Shop) -> Step:
    """An answer to one of the two questions of a complaint: any words are."""
    said = " ".join(words.split()) or ", ".join(c.label for c in RIGHTS if c.id in picked)
    if not said:
        return next_step(state, shop, fresh=False)
    slot = "reason" if state.asked == "reason" else "product"
    orders = shop.rules.find_orders(words)
    order = orders[0] if orders else state.open.order_id
    state = state.wishing(**{slot: said}, order_id=order)
    if state.customer is None:
        state, _ = identify(state, words, shop)
    return next_step(state, shop)


def _swapping(state: FlowState, order: Order, shop: Shop) -> FlowState:
    """Articles are changed before they are sent and exchanged afterwards: the status says which."""
    if state.open.action in SWAPS:
        for action in sorted(SWAPS):
            rule = shop.rules.rule(action)
            if rule and order.status in rule.when:
                return state.wishing(action=action)
    return state


def _not_theirs(state: FlowState, shop: Shop) -> Step:
    problem = not_yours(state.open.order_id or "")
    state = state.but(wrong=state.wrong + 1)
    if state.wrong >= WRONG_TRIES:
        return hand_off(state, "identity")
    state = state.wishing(order_id=None, printed=())
    return put(state, ask_order(state, shop, problem), fresh=True)


def _confirm(state: FlowState, order: Order | None, shop: Shop, fresh: bool) -> Step:
    """Read back; only a plain yes to exactly this lets it happen."""
    try:
        question = readback(state.open, order, state.known, shop)
    except Refused as refused:
        return said_before(str(refused), dropped(state, shop))
    key = key_of(state)
    again = state.asked == "confirm" and state.pending == key and not fresh
    if again:
        question = f"Please say yes or no. {question}"
    action, order_id = state.open.action, state.open.order_id
    asking = Ask("confirm", question, YES_NO, action=action, order_id=order_id)
    return put(state.but(pending=key), asking, fresh=not again)


def agreed(state: FlowState) -> Step:
    """A yes that is said again after the shop has acted leads to the same Act, so the customer
    hears the same outcome."""
    act = Act(state.open.action, arguments(state.open), key_of(state), confirmed=True)
    return state.ended().but(acts=state.acts + 1), act


def _act(state: FlowState) -> Step:
    """To be performed without a yes: to tell something, or to be told why not."""
    act = Act(state.open.action, arguments(state.open), key_of(state), confirmed=False)
    return state.ended(), act


def put(
    state: FlowState, asking: Ask, fresh: bool, denied: bool = False, shop: Shop | None = None
) -> Step:
    """Ask, or give up after TIMES in a row: what was denied is dropped, what was not understood is
    for a person."""
    times = 1 if fresh or state.asked != asking.slot else state.times + 1
    if times > TIMES and denied and shop:
        return dropped(state, shop)
    if times > TIMES:
        return hand_off(state, "not_understood")
    asked = state.but(asked=asking.slot, times=times, question=asking.question)
    return asked, asking


def dropped(state: FlowState, shop: Shop) -> Step:
    after, decision = go_on(state.ended(), shop)
    if decision is None:
        return after, Ask("wish", f"{LEFT} What else can I do for you?")
    return said_before(LEFT, (after, decision))


def hand_off(state: FlowState, reason: str) -> Step:
    """A person goes on from here, with everything that was found out."""
    return state.ended().but(queue=()), HandOff(reason, state.summary())


def refreshed(state: FlowState, shop: Shop) -> FlowState:
    """With the customer as the shop has them now: a balance may have changed."""
    return state.but(customer=state.customer and shop.customer(state.customer.id))
