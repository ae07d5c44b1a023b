"""Training and judging the shipped weights: the shop's documents handed to the fusion floor.

The folder of public data is laid out as `fusion/weights/MODEL_CARD.md` lists it; the rendered
photos come from `python -m knowledge.demo.studio.render --set train`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.agent import Agent
from fusion import photo_sets, train, train_vision
from fusion.data import Example, Item, Maker, bitext, clinc, sentences
from fusion.model import load_fusion
from fusion.photo import decode_photo, sharpness
from fusion.reject import auroc
from fusion.text import load_text
from fusion.types import DIM, Encoded, Encoder, InputLimits, Modality, Percept
from fusion.vision import TowerEncoder, load_vision
from knowledge.demo import folder
from knowledge.lexical import spoken
from knowledge.load import read_documents
from knowledge.types import Document

SOURCES = {
    "grocery": "Grocery Store Dataset (Klasson et al., 2019), MIT",
    "clothing": "Clothing dataset (full, high resolution, Grigorev, 2020), CC0",
    "shop": "photos rendered by knowledge/demo/studio, Apache-2.0",
    "bitext": "Bitext customer-service utterances, CDLA-Sharing 1.0",
    "clinc150": "CLINC150 (Larson et al., 2019), CC BY 3.0",
    "templates": "fusion/templates, Apache-2.0",
}
LOOKS = 2  # times each rendered photo is seen through another camera, beside as it is


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


def train_module(data: Path, renders: Path, out: Path, recipe: train.Recipe, each: int) -> Path:
    """Train the fusion module on frozen encodings; `each` examples a task and product."""
    documents = shop_documents()
    maker = Maker([item_of(document) for document in documents], recipe.seed)
    examples = [
        *maker.intents(each),
        *maker.retrieval(each),
        *maker.in_company(bitext(data / "text/bitext/utterances_20000.csv", 400, recipe.seed)),
        *maker.in_company(clinc(data / "text/clinc150/data_full.json", 3000, recipe.seed)),
    ]
    tower = load_vision()
    photos: dict[str, list[tuple[Encoded, float]]] = {}
    for row in _rows(renders / "train.jsonl"):
        photo = _photo(renders / row["photo"])
        photos.setdefault(row["id"], []).extend(_looks(tower, photo, recipe.seed + len(photos)))
    encodings = train.Encodings(_encode(sentences(examples)), photos)
    named = {name: SOURCES[name] for name in ("shop", "bitext", "clinc150", "templates")}
    return train.train(examples, encodings, _catalogue(documents, tower), recipe, out, named)


def judge_finding(photos: Path) -> dict[str, dict[str, float]]:
    """How often the right document comes first, beside what words or the photo alone find.

    On families and templates that were neither trained nor chosen on; `photos` are customer photos
    named ID_N.jpg that no training saw.
    """
    documents = shop_documents()
    maker = Maker([item_of(document) for document in documents], seed=1)
    tower = load_vision()
    seen: dict[str, list[tuple[Encoded, float]]] = {}
    for path in sorted(photos.glob("*.jpg")):
        seen.setdefault(path.stem.rsplit("_", 1)[0], []).append(_view(tower, _photo(path)))
    asked = [e for e in maker.retrieval(3) if e.part == "test" and (not e.photo or e.photo in seen)]
    encodings = train.Encodings(_encode(sentences(asked)), seen)
    catalogue = _catalogue(documents, tower)
    model = load_fusion().model

    def figures(shown: Sequence[Example]) -> dict[str, float]:
        return train.judge(shown, train.outputs(model, shown, encodings), catalogue)

    words = [replace(e, photo="", printed="", history="") for e in asked if e.text or e.voice]
    pictures = [replace(e, text="", voice="", printed="", history="") for e in asked if e.photo]
    return {
        "fused": figures(asked),
        "words alone": figures(words),
        "photo alone": figures(pictures),
    }


def judge_photos(agent: Agent, photos: Sequence[Path], words: str) -> dict[str, float]:
    """How often the product pictured (ID.jpg or ID_N.jpg) is found, by the agent's own search."""
    families = {d.id: d.attributes.get("family") for d in agent.knowledge.documents("product")}
    typed = agent.encoders.text.states(words)
    first, among, family = [], [], []
    for path in photos:
        states, sharp = _view(agent.encoders.vision, _photo(path))
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


def judge_intents(turns: Path) -> dict[str, float]:
    """Intents and rejection on sentences of independent wording (rows of text and intent)."""
    rows = _rows(turns)
    examples = [
        Example(text=row["text"], intent=row["intent"], in_scope=row["intent"] is not None)
        for row in rows
    ]
    encodings = train.Encodings(_encode(sentences(examples)), {})
    module = load_fusion()
    rng = random.Random(0)
    fused = [module(encodings.percept(example, rng)) for example in examples]
    ours = [(e, f) for e, f in zip(examples, fused, strict=True) if e.in_scope]
    others = [f for e, f in zip(examples, fused, strict=True) if not e.in_scope]
    return {
        "intent right": float(np.mean([f.intent == e.intent for e, f in ours])),
        "ours rejected": float(np.mean([f.out_of_scope >= 0.5 for _, f in ours])),
        "others rejected": float(np.mean([f.out_of_scope >= 0.5 for f in others])),
        "AUROC out of scope": auroc(
            np.array([f.out_of_scope for _, f in ours]), np.array([f.out_of_scope for f in others])
        ),
    }


def shop_documents() -> list[Document]:
    return [d for d in read_documents(folder()) if isinstance(d, Document)]


def item_of(document: Document) -> Item:
    told = document.attributes
    return Item(
        document.id,
        document.kind,
        document.title,
        spoken(document),
        told.get("family", document.id),
        told.get("kind", "product"),
        told.get("color", ""),
        told.get("material", ""),
        told.get("size", ""),
    )


def _encode(texts: Sequence[str]) -> dict[str, Encoded]:
    """Each text's states, in half precision: there are tens of thousands."""
    return {
        text: Encoded(states.tokens.astype(np.float16), states.vector)
        for text, states in load_text().all_states(texts)
    }


def _photo(path: Path) -> np.ndarray:
    return decode_photo(path.read_bytes(), InputLimits())


def _looks(tower: TowerEncoder, photo: np.ndarray, seed: int) -> list[tuple[Encoded, float]]:
    """The photo as it is and through `LOOKS` other cameras: the tower has seen it before."""
    views = [photo, *train_vision.other_views(photo, LOOKS, seed)]
    return [_view(tower, view) for view in views]


def _view(tower: Encoder, photo: np.ndarray) -> tuple[Encoded, float]:
    """What the fusion module is told of a photo."""
    return tower.states(photo), sharpness(photo)


def _catalogue(documents: Sequence[Document], tower: TowerEncoder) -> train.Catalogue:
    photos = np.zeros((len(documents), DIM), np.float32)
    for row, document in enumerate(documents):
        if document.photos:
            photos[row] = tower.encode([_photo(Path(document.photos[0]))])[0]
    texts = load_text().encode([spoken(document) for document in documents])
    return train.Catalogue.of([d.id for d in documents], texts, photos)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
