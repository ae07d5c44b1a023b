"""Searching without an agent: the index and the encoders, nothing of orders or conversations."""

from __future__ import annotations

import numpy as np

from agent.config import Settings
from agent.space import encoder_name, open_encoders
from fusion.perceive import Encoders, perceive
from fusion.types import BadInput, InputLimits, Turn
from fusion.understand import FusionModule, load_fusion
from knowledge.index import Knowledge, open_index
from knowledge.parse import parse_filters
from knowledge.types import Hit


class Lookup:
    """Words, photos or both -> hits."""

    def __init__(
        self,
        knowledge: Knowledge,
        encoders: Encoders,
        fusion: FusionModule,
        limits: InputLimits,
    ) -> None:
        self.knowledge = knowledge
        self.encoders = encoders
        self.fusion = fusion
        self.limits = limits

    def search(
        self, turn: Turn, k: int, fill: bool = False, grouped: bool = False
    ) -> tuple[list[Hit], str]:
        """The k best documents, and the wishes in the words that were obeyed, as words.

        With `fill`, products that do not fulfil the wishes follow those that do, up to k; `grouped`
        as in `Knowledge.search`. Raises BadInput when nothing of the turn can be read.
        """
        words, vector = self.understood(turn)
        if vector is None:
            return [], ""
        wishes = parse_filters(turn.text, self.knowledge.vocabulary)
        hits = self.knowledge.search(words, vector, wishes or None, k=k, grouped=grouped)
        if wishes and fill and len(hits) < k:
            fitting = {hit.document.id for hit in hits}
            others = self.knowledge.search(words, vector, k=k, grouped=grouped)
            hits = [*hits, *(hit for hit in others if hit.document.id not in fitting)][:k]
        return hits, wishes.describe()

    def understood(self, turn: Turn) -> tuple[str, np.ndarray | None]:
        """The words and the vector to search with; fusion has a say only where there is a photo.

        The vector is None where there is nothing to search with. Raises BadInput.
        """
        if not turn.photos:
            words = self.knowledge.corrected(turn.text.strip())
            return words, self.encoders.text.encode([words])[0] if words else None
        percept = perceive(turn, [], self.encoders, self.limits)
        if not percept.present:
            raise BadInput(" ".join(percept.problems))
        return percept.words, self.fusion.vector(percept)

    def close(self) -> None:
        self.encoders.decoder.close()
        self.knowledge.close()


def open_lookup(settings: Settings) -> Lookup:
    """The index and the encoders. Raises one of OPERATOR_ERRORS."""
    encoders = open_encoders(settings)
    space = encoder_name(encoders.text, encoders.vision)
    knowledge = open_index(settings.index_folder, space, language=encoders.text.words)
    return Lookup(knowledge, encoders, load_fusion(settings.fusion), settings.input_limits)
