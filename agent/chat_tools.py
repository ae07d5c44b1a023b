"""The tools a chat model may call to plan a turn. None does anything: each is a suggestion, which
goes through the same search, policy and order flows as the customer's own words."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from agent.types import Action

ORDER = Field(default=None, max_length=40, description="The order's number, if the customer said.")


class Tool(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Search(Tool):
    """Search the shop's products, questions and answers, and policies."""

    query: str = Field(min_length=1, max_length=200, description="A few words.")


class LookUpOrder(Tool):
    """Tell the customer how an order or refund of their own stands, its invoice, their orders, or
    their account."""

    action: Action = Field(default="status", description="What is to be told.")
    order_id: str | None = ORDER


class Propose(Tool):
    """Begin a change that the customer wants: the shop asks for what is missing and for a yes."""

    action: Action = Field(description="What is to be done.")
    order_id: str | None = ORDER


Call = Search | LookUpOrder | Propose

TOOLS: dict[str, type[Search] | type[LookUpOrder] | type[Propose]] = {
    tool.__name__: tool for tool in (Search, LookUpOrder, Propose)
}
