"""Order flows: who, which order, what exactly, and an explicit yes.

A flow is a wish whose slots are filled one after another (agent/slots.py); which slots those are,
and what is allowed, the shop's rules say. `advance` reads the shop and changes nothing: what is to
be done leaves as an Act, which the shop performs; then `go_on` takes up what is still open. Both
are given only what the customer typed, said or picked, never what is printed in a photo, so print
can neither identify nor agree.
"""

from __future__ import annotations

from dataclasses import replace

from agent import answers
from agent.changes import Refused
from agent.consent import arguments, key_of
from agent.lookup import (
    WRONG_TRIES,
    ask_order,
    ask_who,
    guess_order,
    identify,
    not_yours,
    take_order,
)
from agent.orders import Order, Shop
from agent.readback import readback
from agent.scene import Read, scene
from agent.slots import ask, missing, read
from agent.state import FlowState
from agent.telling import TOLD
from agent.types import Act, Action, Ask, Choice, Decision, HandOff
from agent.wishes import SWAPS, Wish, ordered, read_wishes, replaces
from agent.words import names_all

TIMES = 2  # a question is not asked a third time

YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))

REASONS: dict[Action, str] = {"change_items": "change_order", "damaged": "damaged_item"}
"""The reason under which a person is told of a wish, where it is not the action itself."""
LEFT = "All right, nothing was changed."
LATER = "I will come to that next."

Step = tuple[FlowState, Decision | None]


def advance(
    state: FlowState, words: str, intent: str, shop: Shop, picked: tuple[str, ...] = ()
) -> Step:
    """The next state and what to do now.

    `words` are the typed and spoken words, `picked` the ids of choices; `intent` is the intent when
    it is sure, else "". The decision is None when the words are not for a flow: none is active and
    none starts, or the customer asks something else in between. In the latter case `go_on` asks
    the open question again.
    """
    state = _refreshed(state, shop)
    between = state.wish is None
    new = [] if picked else read_wishes(words, intent, shop.rules, between)
    if state.wish is None:
        return _between(state, words, new, picked, shop)
    waiting = {(wish.action, wish.order_id) for wish in state.queue}
    others = [
        wish
        for wish in new
        if not _continues(wish, state, words) and (wish.action, wish.order_id) not in waiting
    ]
    if not others and answers.leaves(words, state.open.action, state.asked):
        return _dropped(state, shop)
    if intent == "person" and not picked and answers.asks_person(words):
        return state.ended().but(queue=()), None
    if others and not _takes_anything(state, shop):
        return _interrupted(state, others, words, shop)
    return _answered(state, words, intent, picked, shop)


def begin(state: FlowState, action: Action, words: str, shop: Shop) -> Step:
    """The first step of a wish that was recognised elsewhere."""
    order = next(iter(shop.rules.find_orders(words)), None)
    wish = Wish(action=action, words=" ".join(words.split()), order_id=order)
    return go_on(state.but(queue=(*state.queue, wish)), shop)


def go_on(state: FlowState, shop: Shop) -> Step:
    """The next question: of the wish that is open, else of the one that waits; None without."""
    state = _refreshed(state, shop)
    if state.wish is not None:
        return _next(state.but(times=0), shop)
    if not state.queue:
        return state, None
    wish, *queue = state.queue
    started, problem = state.ended().but(wish=wish, queue=tuple(queue)), ""
    if state.customer is None:
        started, problem = identify(started, wish.words, shop)
    return _next(started, shop, problem)


def _refreshed(state: FlowState, shop: Shop) -> FlowState:
    """With the customer as the shop has them now: a balance may have changed."""
    return state.but(customer=state.customer and shop.customer(state.customer.id))


def _between(
    state: FlowState, words: str, new: list[Wish], picked: tuple[str, ...], shop: Shop
) -> Step:
    """A turn while nothing is open."""
    chosen = [Wish(action=action, words=words) for action in shop.rules.actions if action in picked]
    if wishes := chosen or new:
        if state.customer is None:
            state = identify(state, words, shop)[0]
        waiting = [_pointing(wish, state) for wish in wishes]
        return go_on(state.but(queue=(*state.queue, *waiting)), shop)
    if state.customer is None and (answers.find_email(words) or all(answers.named_and_zip(words))):
        state, problem = identify(state, words, shop)
        if state.wrong >= WRONG_TRIES:
            return _hand_off(state, "identity")
        if state.customer:
            hello = f"Thank you, {state.customer.name.first}. What can I do for you?"
            return state, Ask("wish", hello)
        return _ask(state, ask_who(state, problem), fresh=True)
    return state, None


def _pointing(wish: Wish, state: FlowState) -> Wish:
    """A wish about "that order" is about the one that was talked of last."""
    same = wish.order_id is None and answers.means_same(wish.words)
    return wish.but(order_id=state.last_order) if same else wish


def _continues(wish: Wish, state: FlowState, words: str) -> bool:
    """Whether this is the open wish said again, or an answer that sounds like a wish."""
    current = state.open
    if state.asked == "address" and wish.action.endswith("address"):
        return True
    if state.asked == "payment_method" and wish.action == "change_payment" and not wish.order_id:
        return True
    if wish.action != current.action and not {wish.action, current.action} <= SWAPS:
        return False
    return not answers.adds(words)


def _takes_anything(state: FlowState, shop: Shop) -> bool:
    """Whether any words can be the answer to the open question."""
    if state.asked == "reason":
        return not shop.rules.actions[state.open.action].reasons
    return state.asked == "product"


def _interrupted(state: FlowState, others: list[Wish], words: str, shop: Shop) -> Step:
    """Another wish in between: told at once, done instead, or done afterwards."""
    current = state.open
    if state.customer is None:
        state = identify(state, words, shop)[0]
    if len(others) == 1 and others[0].action in TOLD and state.customer:
        after, told = _next(state.ended().but(wish=others[0]), shop)
        if isinstance(told, Act):
            return state.but(wrong=after.wrong), told
    if replaces(words):
        kept = [w if w.order_id else w.but(order_id=current.order_id) for w in others]
        return go_on(state.ended().but(queue=(*kept, *state.queue)), shop)
    waiting = ordered([current, *state.queue, *others])
    if waiting[0] is not current:
        return go_on(state.ended().but(queue=tuple(waiting)), shop)
    return _said_before(LATER, go_on(state.but(queue=tuple(waiting[1:])), shop))


def _said_before(sentence: str, step: Step) -> Step:
    state, decision = step
    if isinstance(decision, Ask):
        decision = replace(decision, question=f"{sentence} {decision.question}")
    return state, decision


def _answered(
    state: FlowState, words: str, intent: str, picked: tuple[str, ...], shop: Shop
) -> Step:
    """A turn that answers the open question, corrects an earlier answer, or does neither."""
    before, problem, got = state, "", Read()
    if state.customer is None:
        state, problem = identify(state, words, shop)
    if state.customer is not None:
        state = take_order(state, words, picked, shop)
    if state.read and state.customer:
        state, got = _fill(state, words, picked, shop)
        problem = got.problem
    gained = (state.wish, state.customer, state.full_name, state.narrowed) != (
        before.wish,
        before.customer,
        before.full_name,
        before.narrowed,
    )
    if state.asked == "confirm" and state.wish == before.wish:
        yes = "yes" in picked or answers.yes_or_no(words, state.question)
        if "no" in picked or yes is False:
            return _dropped(state, shop)
        if yes:
            return _agreed(state)
    if not gained and not problem and intent and answers.asks(words) and not picked:
        return state, None
    if not state.read:
        state = _remembered(state, words)
    wrong = state.wrong != before.wrong
    return _next(state, shop, problem, fresh=gained or wrong)


def _remembered(state: FlowState, words: str) -> FlowState:
    """What was said before the order was known is read for the other slots once it is."""
    if state.asked != "email" or not (more := answers.without_email(words)):
        return state
    return state.wishing(words=f"{state.open.words}, {more}")


def _fill(
    state: FlowState, words: str, picked: tuple[str, ...], shop: Shop
) -> tuple[FlowState, Read]:
    """Read the slots of the wish: the one asked for wholly, the others where the words are clear.

    What was given before is corrected only when it is read back.
    """
    result = Read()
    for slot in shop.rules.actions[state.open.action].slots:
        asked = slot == state.asked or (
            slot == "items" and state.asked == "confirm" and names_all(words)
        )
        settled = state.asked != "confirm" and not missing(slot, state.open)
        if settled or (picked and not asked and state.asked is not None):
            continue
        got = read(slot, scene(state, shop), words, picked, asked)
        if got.changes:
            state = state.wishing(**got.changes).but(narrowed=())
        elif asked:
            state, result = state.but(narrowed=got.narrowed), got
    return state, result


def _next(state: FlowState, shop: Shop, problem: str = "", fresh: bool = True) -> Step:
    """Ask for the first thing that is missing, or finish; `fresh`: a question said again is not
    the same one, since the customer had answered it, only not well."""
    rules = shop.rules
    rule = rules.actions[state.open.action]
    if state.wrong >= WRONG_TRIES:
        return _hand_off(state, "identity")
    if state.customer is None:
        return _ask(state, ask_who(state, problem), fresh)
    order = None
    if state.open.action not in ("orders", "profile", "change_default_address"):
        if state.open.order_id is None:
            state = state.wishing(order_id=guess_order(state, shop))
        if state.open.order_id is None:
            return _ask(state, ask_order(state, shop, problem), fresh)
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
    if not state.read:
        state, _ = _fill(state.but(asked=None), state.open.words, (), shop)
        state = state.but(read=True)
    for slot in rule.slots:
        if missing(slot, state.open):
            asking = ask(slot, scene(state, shop))
            asking = replace(asking, question=f"{problem.lstrip()}{asking.question}")
            return _ask(state, asking, fresh, denied=bool(problem.strip()), shop=shop)
    if rule.person:
        return _hand_off(state, REASONS.get(state.open.action, state.open.action))
    return _confirm(state, order, shop, fresh)


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
        return _hand_off(state, "identity")
    state = state.wishing(order_id=None)
    return _ask(state, ask_order(state, shop, problem), fresh=True)


def _confirm(state: FlowState, order: Order | None, shop: Shop, fresh: bool) -> Step:
    """Read back; only a plain yes to exactly this lets it happen."""
    try:
        question = readback(state.open, order, state.known, shop)
    except Refused as refused:
        return _said_before(str(refused), _dropped(state, shop))
    key = key_of(state)
    again = state.asked == "confirm" and state.pending == key and not fresh
    if again:
        question = f"Please say yes or no. {question}"
    action, order_id = state.open.action, state.open.order_id
    asking = Ask("confirm", question, YES_NO, action=action, order_id=order_id)
    return _ask(state.but(pending=key), asking, fresh=not again)


def _agreed(state: FlowState) -> Step:
    """A yes that is said again after the shop has acted leads to the same Act, so the customer
    hears the same outcome."""
    act = Act(state.open.action, arguments(state.open), key_of(state), confirmed=True)
    return state.ended().but(acts=state.acts + 1), act


def _act(state: FlowState) -> Step:
    """To be performed without a yes: to tell something, or to be told why not."""
    act = Act(state.open.action, arguments(state.open), key_of(state), confirmed=False)
    return state.ended(), act


def _ask(
    state: FlowState, asking: Ask, fresh: bool, denied: bool = False, shop: Shop | None = None
) -> Step:
    """Ask, or give up after TIMES in a row: what was denied is dropped, what was not understood is
    for a person."""
    times = 1 if fresh or state.asked != asking.slot else state.times + 1
    if times > TIMES and denied and shop:
        return _dropped(state, shop)
    if times > TIMES:
        return _hand_off(state, "not_understood")
    asked = state.but(asked=asking.slot, times=times, question=asking.question)
    return asked, asking


def _dropped(state: FlowState, shop: Shop) -> Step:
    after, decision = go_on(state.ended(), shop)
    if decision is None:
        return after, Ask("wish", f"{LEFT} What else can I do for you?")
    return _said_before(LEFT, (after, decision))


def _hand_off(state: FlowState, reason: str) -> Step:
    """A person goes on from here, with everything that was found out."""
    wish, customer = state.wish, state.customer
    parts = [
        f"The customer wrote: {wish.words}" if wish else "",
        f"Order {wish.order_id}." if wish and wish.order_id else "",
        f"Customer {customer.name}, {customer.email}." if customer else "",
        f"Reason: {wish.reason}" if wish and wish.reason else "",
        f"Wanted instead: {wish.product}" if wish and wish.product else "",
        f"Open question: {state.question}" if state.asked and not (wish and wish.product) else "",
    ]
    return state.ended().but(queue=()), HandOff(reason, " ".join(filter(None, parts)))
