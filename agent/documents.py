"""What the shop knows, changed while it is in use: documents put in and taken out of its index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

from agent.agent import Agent
from agent.build import ADDED
from agent.errors import NotFound
from agent.space import photo_embedder
from fusion.types import BadInput
from knowledge.embed import Progress
from knowledge.types import Document, IndexReport, Skipped

QUESTION, ANSWER = 500, 20_000  # characters of an FAQ entry, at most


def put(
    agent: Agent,
    documents: Iterable[Document | Skipped],
    progress: Progress = lambda doing, done, total: None,
    complete: bool = False,
) -> IndexReport:
    """Add documents, or change those of the same id; with `complete`, no other ones stay.

    Raises IndexBusy while another process updates the index, or KnowledgeError.
    """
    encoders = agent.encoders
    photos = photo_embedder(encoders.vision, encoders.decoder, agent.input_limits, {})
    return agent.knowledge.update(documents, encoders.text.encode, photos, progress, complete)


def take_out(agent: Agent, id: str) -> None:
    """Raises NotFound, and what `put` raises."""
    if agent.knowledge.document(id) is None:
        raise NotFound("There is no such document.")

    # Read inside the update: nothing that another update adds meanwhile is lost.
    def kept() -> Iterator[Document]:
        yield from (each for each in agent.knowledge.documents() if each.id != id)

    put(agent, kept(), complete=True)


def add_faq(agent: Agent, question: str, answer: str) -> Document:
    """A new entry of the FAQ; the next question is answered from it. It stays when the shop's files
    are indexed again, until they have the question, too.

    Raises BadInput when something is missing or there is such an entry, and what `put` raises.
    """
    question, answer = " ".join(question.split()), answer.strip()
    if not question or not answer:
        raise BadInput("An entry of the FAQ has a question and an answer.")
    if len(question) > QUESTION or len(answer) > ANSWER:
        raise BadInput(f"A question has at most {QUESTION} characters, an answer at most {ANSWER}.")
    # As a file of theirs names it, which may have the question one day.
    id = "faq-" + sha256(question.encode(errors="replace")).hexdigest()[:12]
    if agent.knowledge.document(id) is not None:
        raise BadInput("The FAQ has an entry for this question. The knowledge page can delete it.")
    entry = Document(id, "faq", question, answer, attributes={ADDED: "desk"})
    put(agent, [entry])
    return entry
