"""Training the photo encoder and judging a whole search: the shop's documents meet fusion.

The folder of public data is laid out as `fusion/weights/MODEL_CARD.md` lists it; the rendered
photos come from `python -m knowledge.demo.studio.render --set train`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.agent import Agent
from agent.photos import read_photo, view
from fusion import photo_sets, train_vision
from fusion.text import load_text
from fusion.types import Encoded, Modality, Percept
from knowledge.demo import folder

SOURCES = {
    "grocery": "Grocery Store Dataset (Klasson et al., 2019), MIT",
    "clothing": "Clothing dataset (full, high resolution, Grigorev, 2020), CC0",
    "shop": "photos rendered by knowledge/demo/studio, Apache-2.0",
}


def train_tower(
    data: Path, renders: Path | None, out: Path, recipe: train_vision.Recipe, start: Path | None
) -> Path:
    """Train the photo encoder on the public sets, and on the rendered photos if there are any.

    Returns the path of its weights. Continues an unfinished run.
    """
    sets = [photo_sets.grocery(data / "grocery"), photo_sets.clothing(data / "clothing")]
    if renders is not None:
        sets.append(photo_sets.rendered(renders, folder() / "products.jsonl"))
    named = {photo_set.name: SOURCES[photo_set.name] for photo_set in sets}
    together = train_vision.gather(sets, load_text().encode)
    return train_vision.train(together, recipe, out, start, named)


def judge_photos(agent: Agent, photos: Sequence[Path], words: str) -> dict[str, float]:
    """How often the product pictured (ID.jpg or ID_N.jpg) is found, by the agent's own search."""
    families = {d.id: d.attributes.get("family") for d in agent.knowledge.documents("product")}
    typed = agent.encoders.text.states(words)
    first, among, family = [], [], []
    for path in photos:
        states, sharp = view(agent.encoders.vision, read_photo(path))
        encoded: dict[Modality, Encoded] = {"text": typed, "photo": states}
        fused = agent.fusion(Percept(words, words, None, (), encoded, {"sharpness": sharp}))
        hits = agent.knowledge.search(words, fused.vector, k=5, kinds=["product"])
        found = [hit.document.id for hit in hits]
        pictured = path.stem if path.stem in families else path.stem.rsplit("_", 1)[0]
        first.append(found[0] == pictured)
        among.append(pictured in found)
        family.append(families[found[0]] == families[pictured])
    return {
        "R@1": float(np.mean(first)),
        "R@5": float(np.mean(among)),
        "family first": float(np.mean(family)),
    }
