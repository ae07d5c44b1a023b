"""A shop's own intents at work: which label a message has, and what the shop wants said to it.

`answers.yaml` beside the classifier maps labels; a label that is not in it changes nothing.

    card_arrival:   {answer: "Cards arrive within five working days."}
    return_window:  {faq: faq-returns}
    where_is_it:    {flow: order_status}
    speak_to_human: {person: true}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from agent.errors import SetupError
from agent.evidence import OWN
from agent.flows import begin
from agent.orders import Shop
from agent.policy import summary
from agent.state import FlowState
from agent.steps import Step
from agent.types import Action, Answer, HandOff, Limits
from agent.wishes import STARTS
from fusion.intents import IntentClassifier
from fusion.types import Message
from knowledge.index import Knowledge
from knowledge.types import Document, Hit

FILE = "answers.yaml"

FLOWS: dict[str, Action] = {
    **STARTS,
    "change_address": "change_address",
    "change_payment": "change_payment",
    "refund_status": "refund_status",
}


class Route(BaseModel):
    """What a label leads to: exactly one of the four."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str | None = Field(default=None, min_length=1)
    """Said word for word."""
    faq: str | None = None
    """Id of an FAQ entry or policy in the index."""
    flow: str | None = None
    """One of FLOWS."""
    person: bool = False

    @field_validator("flow")
    @classmethod
    def _known(cls, flow: str | None) -> str | None:
        if flow is not None and flow not in FLOWS:
            raise ValueError(f"there is no flow {flow!r}; expected one of {', '.join(FLOWS)}")
        return flow

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [self.answer, self.faq, self.flow, self.person or None].count(None) != 3:
            raise ValueError("give exactly one of answer, faq, flow and person: true")
        return self


class OwnIntents:
    """The shop's classifier and what its labels lead to."""

    def __init__(
        self, classifier: IntentClassifier, routes: Mapping[str, Route], knowledge: Knowledge
    ) -> None:
        """Raises SetupError when a route names a label or a document that is not there."""
        self._classifier = classifier
        self._routes = routes
        self._documents: dict[str, Document] = {}
        if unknown := sorted(set(routes) - set(classifier.labels)):
            raise SetupError(
                f"{FILE} names labels that were not taught: {', '.join(unknown)}. Correct them, or "
                "fit the intents anew with examples of them (`deskhand intents fit`)."
            )
        for label, route in routes.items():
            if route.answer:
                title = label.replace("_", " ")
                self._documents[label] = Document(f"intent:{label}", "faq", title, route.answer)
            elif route.faq:
                document = knowledge.document(route.faq)
                if document is None or document.kind == "product":
                    raise SetupError(
                        f"{FILE} maps {label} to the FAQ {route.faq!r}, which is not in the index. "
                        "Correct the id, or index the file that holds it (`deskhand index`)."
                    )
                self._documents[label] = document

    def label(self, words: str, limits: Limits) -> str:
        """The label of `words` when it is in scope, sure enough and mapped; else ""."""
        if not words:
            return ""
        found = self._classifier.predict([words])[0]
        sure = found.out_of_scope < limits.out_of_scope and found.score >= limits.sure_label
        return found.label if sure and found.label in self._routes else ""

    def act_on(
        self, label: str, state: FlowState, words: str, history: Sequence[Message], shop: Shop
    ) -> Step:
        """What the shop mapped a label of `label` to; `state` is between flows."""
        route = self._routes[label]
        if route.flow:
            return begin(state, FLOWS[route.flow], words, shop)
        if route.person:
            return state, HandOff("asked", summary(words, history))
        ranks = {OWN: 1} if route.answer else {}
        return state, Answer((Hit(self._documents[label], 1.0, ranks),), "")


def read_routes(path: Path) -> dict[str, Route]:
    """The map in a YAML file, by label.

    Raises SetupError when it cannot be read or is not such a map.
    """
    try:
        # BaseLoader: every value is text, so a label may be called "yes" or "no".
        given = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
        return TypeAdapter(dict[str, Route]).validate_python(given)
    except FileNotFoundError as error:
        raise SetupError(
            f"There is no {path}. It maps the labels of DESKHAND_INTENTS to what is answered, a "
            "line a label such as `opening_hours: {answer: We are open from 9 to 5.}`."
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SetupError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = " > ".join(map(str, first["loc"]))
        raise SetupError(f"{path}: {place or 'the file'}: {first['msg']}.") from error
