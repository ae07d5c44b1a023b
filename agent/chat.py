"""A chat model as composer, held to the evidence.

The model only puts an answer into words. Each sentence is checked before it is said: a figure,
price, address or product name that the evidence does not hold, a promise or a deed that only the
shop can make, or our rules repeated, and the built-in composer's reply is given instead, with a
note that says so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from agent.chat_guard import TIMEOUT, GuardedModel, ModelUnavailable
from agent.chat_prompt import EVIDENCE, WRITE, Mask, leaks, prompt
from agent.errors import SetupError
from agent.evidence import OWN
from agent.grounding import deeds, grounded, promises
from agent.types import Answer, Composer, Decision, Draft, Outcome
from fusion.types import Message
from knowledge.types import Hit

TEMPERATURE = 0.2
EXAMPLE = "openai:gpt-5-mini"
LONGEST = 1_200  # characters of a reply
INVENTED = "The chat model's answer was not borne out by the evidence"
UNUSABLE = "The chat model gave no usable answer"

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]?\s+(?=\S)|\n+")

log = logging.getLogger(__name__)


class ChatComposer:
    """Answers in a chat model's words; everything else, and every failure, in `fallback`'s."""

    def __init__(self, model: GuardedModel, fallback: Composer, mask: Mask) -> None:
        self.model = model
        self.fallback = fallback
        self.mask = mask

    def compose(
        self,
        decision: Decision,
        outcome: Outcome | None,
        hits: Sequence[Hit],
        history: Sequence[Message],
        words: str,
        language: str = "en",
    ) -> Draft:
        """The whole draft. Nobody heard the sentences before a failure, so they are dropped."""
        writing, said = self.write(decision, outcome, hits, history, words, language), ""
        while True:
            try:
                said += next(writing)
            except StopIteration as finished:
                draft: Draft = finished.value
                return replace(draft, text=draft.text.removeprefix(said)) if draft.notes else draft

    def write(
        self,
        decision: Decision,
        outcome: Outcome | None,
        hits: Sequence[Hit],
        history: Sequence[Message],
        words: str,
        language: str = "en",
    ) -> Generator[str, None, Draft]:
        """Sentences as they are checked; the draft's text begins with them."""
        draft = self.fallback.compose(decision, outcome, hits, history, words, language)
        if not isinstance(decision, Answer) or not decision.hits:
            return draft  # questions, acts and hand-offs have words of their own
        if OWN in decision.hits[0].ranks:
            return draft
        evidence = decision.hits[:EVIDENCE]
        messages = prompt(WRITE, evidence, outcome, history, words, self.mask)
        said, coming = "", ""
        try:
            for chunk in self.model.stream(messages):
                coming += chunk.text
                while end := _SENTENCE_END.search(coming):
                    sentence, coming = coming[: end.end()], coming[end.end() :]
                    if why := _amiss(said + sentence, evidence, outcome):
                        return _instead(draft, said, why)
                    said += sentence
                    yield sentence
                if len(said + coming) > LONGEST:
                    return _instead(draft, said, UNUSABLE)
        except ModelUnavailable as error:
            return _instead(draft, said, str(error))
        coming = coming.rstrip()
        if not (said + coming).strip():
            return _instead(draft, "", UNUSABLE)
        if why := _amiss(said + coming, evidence, outcome):
            return _instead(draft, said, why)
        if coming:
            yield coming
        return replace(draft, text=said + coming)


def load_chat_model(name: str, url: str | None = None, key: str | None = None) -> BaseChatModel:
    """A model as LangChain names it, e.g. "openai:gpt-5-mini" or "ollama:llama3.2".

    `url`: where it is served, if not where its provider serves it ("openai:..." is the protocol
    then); `key`: what is sent there, if not what the provider's own variable says.
    Raises SetupError when the provider is unknown, not installed or has no key.
    """
    if not name.partition(":")[2]:
        raise SetupError(
            f'DESKHAND_LLM={name} names no model: give PROVIDER:MODEL, e.g. "{EXAMPLE}".'
        )
    given: dict[str, Any] = {}
    if url:  # the provider's key is not for other addresses
        given["base_url"] = url
        if name.startswith("openai:"):
            given["api_key"] = "none"
    if key:
        given["api_key"] = key
    try:
        return init_chat_model(
            name, temperature=TEMPERATURE, timeout=TIMEOUT, max_retries=0, **given
        )
    except ImportError as error:
        raise SetupError(
            f"DESKHAND_LLM={name} needs a package that is not installed: {error}"
        ) from error
    except Exception as error:  # what a provider raises without its key is its own
        raise SetupError(
            f"DESKHAND_LLM={name} cannot be used; is the provider's key set? {error}"
        ) from error


def _amiss(text: str, hits: Sequence[Hit], outcome: Outcome | None) -> str:
    """Why this must not be said; "" when it may."""
    invented = [*grounded(text, hits, outcome), *promises(text, hits, outcome), *deeds(text)]
    if invented:
        log.warning("The chat model's answer was replaced; not in the evidence: %s", invented)
    return INVENTED if invented or leaks(text) else ""


def _instead(draft: Draft, said: str, why: str) -> Draft:
    """The built-in composer's words, after what was already said."""
    text = f"{said}{draft.text}"
    return replace(
        draft, text=text, notes=(*draft.notes, f"{why}, so the built-in composer answered.")
    )
