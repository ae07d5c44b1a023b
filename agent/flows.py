"""Order flows: who, which order, what exactly, and an explicit yes.

A flow is a wish whose slots are filled one after another (agent/slots.py); which slots those are,
and what is allowed, the shop's rules say. `advance` reads the shop and changes nothing: what is to
be done leaves as an Act, which the shop performs; then `go_on` takes up what is still open. Both
are given only what the customer typed, said or picked. Of what is printed in a photo only numbers
of orders and articles come here, as candidates (agent/printed.py): print neither identifies nor
agrees.
"""

from __future__ import annotations

from agent import answers
from agent.asides import aside
from agent.lookup import (
    WRONG_TRIES,
    ask_who,
    identify,
    take_order,
)
from agent.orders import Shop
from agent.rules import WISHES
from agent.scene import Read
from agent.state import FlowState
from agent.steps import (
    Step,
    agreed,
    complained,
    dropped,
    fill,
    go_on,
    hand_off,
    next_step,
    put,
    refreshed,
    told_between,
)
from agent.telling import TOLD
from agent.types import Act, Action, Ask, Choice
from agent.wishes import INVITED, SWAPS, Wish, follow_up, ordered, read_wishes, replaces

LATER = "I will come to that next."


def advance(
    state: FlowState,
    words: str,
    intent: str,
    shop: Shop,
    picked: tuple[str, ...] = (),
    printed: tuple[str, ...] = (),
) -> Step:
    """The next state and what to do now; `printed` are the order numbers in the turn's photos.

    `words` are the typed and spoken words, `picked` the ids of choices; `intent` is the intent when
    it is sure, else "". The decision is None when the words are not for a flow: none is active and
    none starts, or the customer asks something else in between. In the latter case `go_on` asks
    the open question again.
    """
    shown = printed or state.printed  # in this turn, or just before it
    state = refreshed(state, shop).but(printed=printed)
    between = state.wish is None
    if printed and not words and not picked:
        if between:
            return state, _asked_of(printed, shop)
        intent = ""  # print starts nothing
    new = [] if picked else read_wishes(words, intent, shop.rules, between, shown)
    new = [wish.but(shown=state.shown, printed=() if wish.order_id else shown) for wish in new]
    if state.wish is not None:
        state = state.wishing(shown=state.shown or state.open.shown)
        if state.open.order_id is None and printed:
            state = state.wishing(printed=printed)
    if state.wish is None:
        return _between(state, words, new, picked, shown, shop)
    waiting = {(wish.action, wish.order_id) for wish in state.queue}
    others = [
        wish
        for wish in new
        if not _continues(wish, state, words) and (wish.action, wish.order_id) not in waiting
    ]
    if not others and answers.leaves(words, state.open.action, state.asked):
        if answers.asks_besides(words):
            return state.ended(), None
        return dropped(state, shop)
    if intent == "person" and not picked and answers.asks_person(words):
        return state.ended().but(queue=()), None
    if others and not _takes_anything(state, shop):
        return _interrupted(state, others, words, shop)
    if state.open.action == "complaint":
        return complained(state, words, picked, shop)
    return _answered(state, words, intent, picked, shop)


def begin(
    state: FlowState, action: Action, words: str, shop: Shop, order: str | None = None
) -> Step:
    """The first step of a wish that was recognised elsewhere; `order` where its words name none."""
    order = next(iter(shop.rules.find_orders(words)), order)
    wish = Wish(action=action, words=" ".join(words.split()), order_id=order)
    return go_on(state.but(queue=(*state.queue, wish)), shop)


def _between(
    state: FlowState,
    words: str,
    new: list[Wish],
    picked: tuple[str, ...],
    before: tuple[str, ...],
    shop: Shop,
) -> Step:
    """A turn while nothing is open; `before` are the order numbers shown in it or just before."""
    chosen = [
        Wish(
            action=action,
            words=words,
            order_id=None if before else state.last_order,
            printed=before,
            shown=state.shown,
        )
        for action in shop.rules.actions
        if action in picked
    ]
    if wishes := chosen or _taken_up(state, words, shop) or new:
        if state.customer is None:
            state = identify(state, words, shop)[0]
        waiting = [_pointing(wish, state) for wish in wishes]
        return go_on(state.but(queue=(*state.queue, *waiting)), shop)
    if state.customer is None and (answers.find_email(words) or all(answers.named_and_zip(words))):
        state, problem = identify(state, words, shop)
        if state.wrong >= WRONG_TRIES:
            return hand_off(state, "identity")
        if state.customer:
            hello = f"Thank you, {state.customer.name.first}. What can I do for you?"
            return state, Ask("wish", hello)
        return put(state, ask_who(state, problem), fresh=True)
    if words and answers.is_vague(words):
        actions = [action for action in WISHES if action in shop.rules.actions]
        choices = tuple(Choice(action, action.replace("_", " ").capitalize()) for action in actions)
        return state, Ask("wish", "I am glad to help. What would you like to do?", choices)
    return state, None


def _asked_of(printed: tuple[str, ...], shop: Shop) -> Ask:
    """What to do with the order whose number is all that was shown."""
    actions = [action for action in WISHES if action in shop.rules.actions]
    choices = tuple(Choice(action, action.replace("_", " ").capitalize()) for action in actions)
    numbers = " and ".join(printed)
    return Ask("wish", f"I can read {numbers} in your photo. What would you like to do?", choices)


def _pointing(wish: Wish, state: FlowState) -> Wish:
    """A wish about "that order" is about the one that was talked of last."""
    named = wish.order_id or wish.printed or answers.means_rest(wish.words)
    same = not named and answers.means_same(wish.words)
    return wish.but(order_id=state.last_order) if same else wish


def _taken_up(state: FlowState, words: str, shop: Shop) -> list[Wish]:
    """What words that wish for nothing by themselves mean after what we said: they take up what an
    answer offered to do, or ask about the order that was talked of last."""
    rules, last = shop.rules, state.last_order
    if read_wishes(words, "", rules):
        return []
    invited = INVITED.get(state.memory.topic)
    orders = rules.find_orders(words)
    agreed_to = answers.yes_or_no(words, "") and not answers.acknowledges(words)
    if invited and invited in rules.actions and (orders or answers.find_email(words) or agreed_to):
        return [Wish(action=invited, words=words, order_id=next(iter(orders), None))]
    if not state.customer or not last or (state.memory.strayed and not answers.of_own(words)):
        return []
    if (action := follow_up(words)) and action in rules.actions:
        about = None if answers.means_rest(words) else last
        return [Wish(action=action, words=words, order_id=about)]
    return read_wishes(words, "", rules, printed=(last,)) if answers.asks_leave(words) else []


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
    return state.asked in ("product", "wish")


def _interrupted(state: FlowState, others: list[Wish], words: str, shop: Shop) -> Step:
    """Another wish in between: told at once, done instead, or done afterwards."""
    current = state.open
    if state.customer is None:
        state = identify(state, words, shop)[0]
    if len(others) == 1 and others[0].action in TOLD and state.customer:
        after, told = next_step(state.ended().but(wish=others[0]), shop)
        if isinstance(told, Act):
            return state.but(wrong=after.wrong), told
    if replaces(words) or (current.action in TOLD and not answers.adds(words)):
        kept = [_inherit(wish, current) for wish in others]
        return go_on(state.ended().but(queue=(*kept, *state.queue)), shop)
    waiting = ordered([current, *state.queue, *others])
    if waiting[0] is not current:
        return go_on(state.ended().but(queue=tuple(waiting)), shop)
    return told_between(LATER, state.but(queue=tuple(waiting[1:])), shop)


def _inherit(wish: Wish, former: Wish) -> Wish:
    """A wish in the place of another is about the same order and articles, unless it says so."""
    if wish.order_id not in (None, former.order_id):
        return wish
    return wish.but(order_id=former.order_id, items=former.items)


def _answered(
    state: FlowState, words: str, intent: str, picked: tuple[str, ...], shop: Shop
) -> Step:
    """A turn that answers the open question, corrects an earlier answer, or does neither."""
    before, problem, got = state, "", Read()
    if state.asked == "reason" and "?" in words and (told := _told_aside(state, words, shop)):
        return told
    if state.customer is None:
        state, problem = identify(state, words, shop)
    state = take_order(state, words, picked, shop)
    if state.customer is None and state.open.order_id != before.open.order_id:
        problem = problem or f"Thank you, I have noted order {state.open.order_id}. "
    if state.read and state.customer:
        state, got = fill(state, words, picked, shop)
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
            return dropped(state, shop)
        if yes:
            return agreed(state)
    if not gained and not problem and answers.asks(words) and not picked:
        if told := _told_aside(state, words, shop):
            return told
        if intent or "?" in words:
            return state, None
    if not state.read:
        state = _remembered(state, words)
    wrong = state.wrong != before.wrong
    return next_step(state, shop, problem, fresh=gained or wrong)


def _told_aside(state: FlowState, words: str, shop: Shop) -> Step | None:
    """The answer to a question about the order in hand; None when it is about something else."""
    if told := aside(state, words, shop):
        return told_between(told, state, shop)
    action = follow_up(words) if state.open.order_id else None
    if not state.customer or not action or action not in shop.rules.actions:
        return None
    return _interrupted(state, [state.open.but(action=action, words=words)], words, shop)


def _remembered(state: FlowState, words: str) -> FlowState:
    """What was said before the order was known is read for the other slots once it is."""
    if state.asked != "email" or not (more := answers.without_email(words)):
        return state
    return state.wishing(words=f"{state.open.words}, {more}")
