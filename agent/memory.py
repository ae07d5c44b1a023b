"""What matters of a conversation, however long it gets: read off each reply, so that it is the same
every time, and bounded, so that the hundredth turn costs what the tenth did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.types import Answer, Ask, Decision, Frozen, Reply

PRODUCTS = 30  # talked about, the last ones
ORDERS = 10
DEEDS = 10
QUESTIONS = 10


class Talked(Frozen):
    """A product that was shown."""

    id: str
    title: str
    price: float | None = None


class Memory(Frozen):
    """Everything newest last. `offered` are the products of the last reply that showed any, in its
    order, `asked` the questions which product is meant, `turns` how many there were; `strayed`:
    products were shown since an order was last talked about; `topic` is that of the last answer."""

    turns: int = 0
    products: tuple[Talked, ...] = ()
    offered: tuple[Talked, ...] = ()
    orders: tuple[str, ...] = ()
    deeds: tuple[str, ...] = ()
    asked: tuple[Ask, ...] = ()
    strayed: bool = False
    topic: str = ""

    def after(self, reply: Reply) -> Memory:
        """With one more reply."""
        shown = tuple(Talked(id=c.id, title=c.title, price=c.price) for c in reply.products)
        best = {talked.id: talked for talked in (*self.products, *reversed(shown))}
        for talked in reversed(shown):  # the one that was answered with counts as the newest
            best[talked.id] = best.pop(talked.id)
        asked = reply.decision if isinstance(reply.decision, Ask) else None
        told = [str(deed.arguments.get("order_id") or "") for deed in reply.done]
        about = [order for order in ((asked and asked.order_id) or "", *told) if order]
        deeds = [f"{d.action}: {'done' if d.ok else 'refused'}. {d.message}" for d in reply.done]
        return Memory(
            turns=self.turns + 1,
            products=tuple(best.values())[-PRODUCTS:],
            offered=shown or self.offered,
            orders=_newest((*self.orders, *about), ORDERS),
            deeds=(*self.deeds, *deeds)[-DEEDS:],
            asked=(*self.asked, *([asked] if asked and asked.slot == "product" else []))[
                -QUESTIONS:
            ],
            strayed=bool(shown) or (self.strayed and not about),
            topic=reply.decision.topic if isinstance(reply.decision, Answer) else "",
        )

    def told(self) -> str:
        """In words, for a person or a chat model; "" before anything was talked about."""
        titles = [talked.title for talked in self.products]
        parts = [
            f"Products talked about: {'; '.join(titles)}." if titles else "",
            f"Orders: {', '.join(self.orders)}." if self.orders else "",
            f"Done so far: {' '.join(self.deeds)}" if self.deeds else "",
        ]
        return " ".join(filter(None, parts))


def decided(memory: Memory, shown: Sequence[Reply]) -> list[Decision]:
    """What was decided before, oldest first: the questions remembered, then the last replies."""
    recent = [reply.decision for reply in shown]
    again = sum(isinstance(one, Ask) and one.slot == "product" for one in recent)
    return [*memory.asked[: len(memory.asked) - again], *recent]


def _newest(values: Iterable[str], most: int) -> tuple[str, ...]:
    """Each once, where it came last."""
    kept: dict[str, None] = {}
    for value in values:
        kept.pop(value, None)
        kept[value] = None
    return tuple(kept)[-most:]
