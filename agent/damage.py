"""What a photo that seems to show damage may do: settle a close talk, and inform a person.

It never acts, never agrees and never decides a refund: an order is changed on the customer's own
words alone.
"""

from __future__ import annotations

from dataclasses import replace

from agent.answers import of_own, says_whole
from agent.state import FlowState
from fusion.types import Fused

DAMAGED = "damaged_item"
LEAN = 0.2
"""What damage in a photo adds to the probability of a damaged item, before all are made to sum to 1
again: enough to settle what the words leave open, too little against words that are clear."""


def speaks(words: str, state: FlowState) -> bool:
    """Whether damage in a photo matters here: in talk of what the customer has received, and never
    against words that say it is whole."""
    own = state.wish is not None or state.last_order is not None or of_own(words)
    return own and not says_whole(words)


def leant(fused: Fused) -> Fused:
    """The turn as understood, a damaged item being likelier; unchanged where that is not enough to
    make it the likeliest intent."""
    raised = {**fused.intents, DAMAGED: fused.intents.get(DAMAGED, 0.0) + LEAN}
    best_first = sorted(raised, key=lambda intent: -raised[intent])
    if best_first[0] != DAMAGED:
        return fused
    total = sum(raised.values())
    return replace(fused, intents={intent: raised[intent] / total for intent in best_first})
