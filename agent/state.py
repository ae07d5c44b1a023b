"""Where a conversation stands between two turns, and what one turn made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.find import Findings
from agent.memory import Memory
from agent.orders import Customer
from agent.types import Act, Decision, Frozen, Outcome, Slot
from agent.wishes import Wish


class FlowState(Frozen):
    """`wish` is None between flows."""

    conversation: str
    customer: Customer | None = None  # stays known after a flow, and nobody else ever is
    full_name: str = ""  # given, while the zip is asked
    wrong: int = 0  # wrong tries in this conversation
    acts: int = 0  # changes agreed to so far: a repeated yes is not a second wish
    wish: Wish | None = None
    queue: tuple[Wish, ...] = ()  # to be done afterwards
    read: bool = False  # whether the wish's own words were read for its slots
    printed: tuple[str, ...] = ()  # order numbers in the photo of the last turn
    shown: tuple[str, ...] = ()  # numbers of articles in the last photo with print, bare
    passed: tuple[str, ...] = ()  # orders that the customer said it was not
    last_order: str | None = None  # "that order" in a later wish
    narrowed: tuple[str, ...] = ()  # ids left by an answer that fitted several
    pending: str = ""  # key of the Act that was read back
    asked: Slot | None = None
    times: int = 0  # how often in a row
    question: str = ""  # as asked, to remind of it
    seen: str = ""  # the damage that a photo seems to show, for a person who takes over
    memory: Memory = Memory()  # what the conversation was about so far

    @property
    def open(self) -> Wish:
        """The wish that is being done."""
        assert self.wish is not None
        return self.wish

    @property
    def known(self) -> Customer:
        """The customer, once known."""
        assert self.customer is not None
        return self.customer

    def but(self, **changes: Any) -> FlowState:
        return self.model_copy(update=changes)

    def wishing(self, **changes: Any) -> FlowState:
        """The same with changes of the open wish."""
        return self.but(wish=self.open.but(**changes))

    def ended(self) -> FlowState:
        """Without the wish, which was done or dropped; those that wait stay."""
        return FlowState(
            conversation=self.conversation,
            customer=self.customer,
            full_name=self.full_name,
            wrong=self.wrong,
            acts=self.acts,
            seen=self.seen,
            queue=self.queue,
            memory=self.memory,
            last_order=(self.wish and self.wish.order_id) or self.last_order,
        )

    def summary(self) -> str:
        """What was found out, for the person who goes on from here."""
        wish, customer = self.wish, self.customer
        parts = [
            f"The customer wrote: {wish.words}" if wish else "",
            f"Order {wish.order_id}." if wish and wish.order_id else "",
            f"Printed in the photo: {', '.join(wish.printed)}." if wish and wish.printed else "",
            f"Customer {customer.name}, {customer.email}." if customer else "",
            f"Reason: {wish.reason}" if wish and wish.reason else "",
            f"Wanted: {wish.product}" if wish and wish.product else "",
            f"Open question: {self.question}" if self.asked and not (wish and wish.product) else "",
            self.memory.told(),
        ]
        return " ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Part:
    """One decision of a turn, and what it is put into words from."""

    decision: Decision
    found: Findings
    outcome: Outcome | None = None  # of an Act: what the shop made of it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided for a turn, and done about it."""

    parts: tuple[Part, ...]
    state: FlowState  # where the conversation stands afterwards
    notes: tuple[str, ...] = ()
    priority: int | None = None  # of the person's work, when it ends with them

    @property
    def decision(self) -> Decision:
        """The last one: what the conversation waits for, or how it ended."""
        return self.parts[-1].decision

    @property
    def acts(self) -> list[tuple[Act, Outcome]]:
        return [
            (part.decision, part.outcome)
            for part in self.parts
            if isinstance(part.decision, Act) and part.outcome is not None
        ]
