"""A chat model that plans and writes, held to the shop.

It plans with tools that do nothing by themselves (agent/chat_tools.py) and puts answers into words.
Each sentence is checked before it is said: a figure, price, address or product name that the
evidence does not hold, a promise or a deed that only the shop can make, or our rules repeated, and
the built-in composer's reply is given instead, with a note that says so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import ValidationError

from agent.chat_guard import GuardedModel, ModelUnavailable
from agent.chat_prompt import EVIDENCE, Mask, leaks, to_plan, to_write
from agent.chat_tools import TOOLS, Call
from agent.evidence import OWN
from agent.grounding import deeds, grounded, promises
from agent.types import Answer, Decision, Draft
from fusion.languages import detect, in_english
from fusion.types import Message
from knowledge.types import Hit

LONGEST = 1_200  # characters of a reply
CALLS = 3  # tool calls that are heeded in one turn
PLANNING = 0.4  # of the time limit
INVENTED = "The chat model's answer was not borne out by the evidence"
FOREIGN = "The chat model did not answer in the customer's language"
UNUSABLE = "The chat model gave no usable answer"

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]?\s+(?=\S)|\n+")

log = logging.getLogger(__name__)


class Chat:
    """One chat model for every conversation and thread; what it is told goes through `mask`."""

    def __init__(self, model: GuardedModel, mask: Mask) -> None:
        self.model = model
        self.mask = mask

    def plan(
        self, words: str, history: Sequence[Message], known: Mapping[str, Any]
    ) -> tuple[list[Call], str]:
        """The tools it calls for the customer's own `words`, and why there is no plan; "" if there
        is. `known` says where the conversation stands. What is no valid call is left out."""
        if not words or not self.model.has_tools:
            return [], ""
        messages = to_plan(history, words, known, self.mask)
        try:
            chunks = list(self.model.stream(messages, list(TOOLS.values()), PLANNING))
        except ModelUnavailable as error:
            return [], f"{error}, so the turn was planned without it."
        asked = reduce(add, chunks).tool_calls if chunks else []
        return [call for one in asked[:CALLS] if (call := _call(one))], ""

    def tell(
        self,
        before: str,
        decisions: Sequence[Decision],
        drafts: Sequence[Draft],
        after: str,
        history: Sequence[Message],
        words: Sequence[str],
        earlier: str = "",
        language: str = "en",
    ) -> Generator[str, None, tuple[str, ...]]:
        """A whole reply piece by piece, answers in the model's words; then its notes. `words` are
        the customer's, that each decision answers; `earlier` sums up what came before `history`;
        `language` (ISO 639-1) is what it is answered in."""
        notes: list[str] = []
        begun = bool(before)
        yield before
        for i, (decision, draft, asked) in enumerate(zip(decisions, drafts, words, strict=True)):
            if begun and draft.text:
                yield "\n\n" if i else " "  # as `agent.local.whole` has it
            if draft.aside:
                yield f"{draft.aside} "
            begun = begun or bool(draft.text)
            notes += yield from self.write(decision, draft, history, asked, earlier, language)
        yield f" {after}" if begun and after else after
        return tuple(notes)

    def write(
        self,
        decision: Decision,
        draft: Draft,
        history: Sequence[Message],
        words: str,
        earlier: str,
        language: str,
    ) -> Generator[str, None, tuple[str, ...]]:
        """Sentences as they are checked, in the place of the draft's; after a failure the draft's
        words, and a note that says so."""
        if not isinstance(decision, Answer) or not decision.hits or OWN in decision.hits[0].ranks:
            yield draft.text  # questions, acts and hand-offs have words of their own
            return ()
        evidence = decision.hits[:EVIDENCE]
        messages = to_write(evidence, history, words, earlier, self.mask, language)
        said, why = yield from self._sentences(evidence, messages, language)
        if not why:
            return ()
        yield f" {draft.text}" if said else draft.text
        return (f"{why}, so the built-in composer answered.",)

    def _sentences(
        self, evidence: Sequence[Hit], messages: Sequence[BaseMessage], language: str
    ) -> Generator[str, None, tuple[str, str]]:
        """The model's sentences up to the first that must not be said; then their text, and why
        they end there: "" when all is said. One that goes on for ever, or says a sentence again, is
        at its end."""
        said, coming, gap = "", "", ""
        try:
            for chunk in self.model.stream(messages):
                coming += chunk.text
                while end := _SENTENCE_END.search(coming):
                    sentence, coming = coming[: end.end()].rstrip(), coming[end.end() :]
                    if why := _amiss(said + gap + sentence, evidence, language):
                        return said, why
                    if len(said + sentence) > LONGEST or (said and sentence in said):
                        return said, "" if said else UNUSABLE
                    if sentence:
                        said += gap + sentence
                        yield gap + sentence
                        gap = " "
                if len(coming) > LONGEST:
                    return said, UNUSABLE
        except ModelUnavailable as error:
            return said, str(error)
        last = coming.strip()
        if not said and not last:
            return "", UNUSABLE
        if why := _amiss(said + gap + last, evidence, language):
            return said, why
        if last:
            yield gap + last
        return said + gap + last, ""


def _call(asked: Mapping[str, Any]) -> Call | None:
    tool = TOOLS.get(asked["name"])
    try:
        return tool.model_validate(asked["args"]) if tool else None
    except ValidationError:
        return None


def _amiss(text: str, hits: Sequence[Hit], language: str) -> str:
    """Why this must not be said; "" when it may."""
    if language != "en" and detect(text, language) != language:
        return FOREIGN
    # nouns of the language are no names of products: in German they are written like these
    strange = [
        said
        for said in grounded(text, hits)
        if not said.isalpha() or in_english(said, language) == said
    ]
    bound = promises(in_english(text, language), hits)
    invented = [*strange, *bound, *deeds(text, language)]
    if invented:
        log.warning("The chat model's answer was replaced; not in the evidence: %s", invented)
    return INVENTED if invented or leaks(text) else ""
