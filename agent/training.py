"""Training the photo encoder and judging a whole search: the shop's documents meet fusion.

The folder of public data is laid out as `fusion/weights/MODEL_CARD.md` lists it; the rendered
photos come from `python -m knowledge.demo.studio.render --set train`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from agent.agent import Agent
from agent.config import Settings
from agent.photos import is_photo, read_photo, view
from agent.space import open_encoders
from agent.strangers import Catalogue, strangers
from fusion import photo_sets, train_damage, train_vision
from fusion.sayings import FILE as SAYINGS
from fusion.sayings import train_sayings
from fusion.text import load_text
from fusion.types import BadInput, Encoded, Modality, Percept
from fusion.understand import load_model
from fusion.unsold import fit
from fusion.vision import load_vision
from fusion.weights import SHIPPED, add_to_card, card_path
from knowledge.demo import folder
from knowledge.lexical import spoken
from knowledge.load import read_documents
from knowledge.types import Document

SOURCES = {
    "grocery": "Grocery Store Dataset (Klasson et al., 2019), MIT",
    "clothing": "Clothing dataset (full, high resolution, Grigorev, 2020), CC0",
    "shop": "photos rendered by knowledge/demo/studio, Apache-2.0",
}
INTACT = 300  # photos of each public set that the threshold of the damage signal is set on
VIEWS = 2  # views of each photo to judge by, where a shop has no photo to spare
DRAWN = 2_000  # photos drawn an epoch, at least, when there are few


@dataclass(frozen=True, slots=True)
class Fit:
    """What fitting the tower to a shop did; figures are shares of held-out photos."""

    photos: int  # trained on
    judged: int  # held out
    spare: bool  # judged on photos of their own, not on views of those trained on
    before: dict[str, float]
    after: dict[str, float]
    kept: Path | None  # the new weights; None: they were no better


def train_tower(
    data: Path, renders: Path | None, out: Path, recipe: train_vision.Recipe, start: Path | None
) -> Path:
    """Train the photo encoder on the public sets, and on the rendered photos if there are any.

    Returns the path of its weights. Continues an unfinished run.
    """
    together, sets, named = _photos(data, renders)
    path = train_vision.train(together, recipe, out, start, named)
    calibrate(path, together, sets)
    return path


def average_towers(data: Path, renders: Path | None, out: Path, paths: Sequence[Path]) -> Path:
    """The mean of photo encoders trained so, judged and calibrated on the same photos."""
    together, sets, named = _photos(data, renders)
    path = train_vision.average(paths, together, out, named)
    calibrate(path, together, sets)
    return path


def _photos(
    data: Path, renders: Path | None
) -> tuple[train_vision.Data, list[photo_sets.PhotoSet], dict[str, str]]:
    """All photos as one, the sets with the texts that an index holds, and where each is from."""
    sets = [photo_sets.grocery(data / "grocery"), photo_sets.clothing(data / "clothing")]
    if renders is not None:
        sets.append(photo_sets.rendered(renders, folder() / "products.jsonl"))
    named = {photo_set.name: SOURCES[photo_set.name] for photo_set in sets}
    together = train_vision.gather(sets, load_text().encode)
    return together, [as_indexed(one) if one.name == "shop" else one for one in sets], named


def as_indexed(demo: photo_sets.PhotoSet) -> photo_sets.PhotoSet:
    """The demo shop's photos with the texts that its index holds."""
    products = {d.title: d for d in read_documents(folder()) if isinstance(d, Document)}
    return replace(demo, texts=tuple(spoken(products[t.split(". ")[0]]) for t in demo.texts))


def train_damage_signal(renders: Path, data: Path | None, out: Path) -> Path:
    """Train the damage signal on rendered goods; return the path of its weights.

    With public photos in `data`, of which none shows damage, few of them may raise an alarm. Those
    of their validation parts are left for judging.
    """
    products = [d for d in read_documents(folder()) if isinstance(d, Document)]
    families = {d.id: d.attributes.get("family", d.id) for d in products}
    intact: list[Path] = []
    if data is not None:
        for photos in (
            photo_sets.grocery(data / "grocery"),
            photo_sets.clothing(data / "clothing"),
        ):
            rows = np.flatnonzero(~photos.held_out)
            step = max(1, len(rows) // INTACT)
            intact += [photos.paths[row] for row in rows[::step][:INTACT]]
    return train_damage.train(renders, families, SHIPPED / "vision.safetensors", out, intact)


def teach_sayings(settings: Settings, weights: Path) -> None:
    """Learn how customers speak, beside the fusion weights in the folder `weights`."""
    model, _ = load_model(weights / "fusion.safetensors")
    encoders = open_encoders(settings)
    with closing(encoders.decoder):
        train_sayings(encoders, model, weights / SAYINGS)


def calibrate(path: Path, data: train_vision.Data, sets: Sequence[photo_sets.PhotoSet]) -> None:
    """Fit on held-out photos what tells a thing that is not sold; into the card of the tower."""
    vision = load_vision(str(path))
    shops: list[tuple[np.ndarray, np.ndarray]] = []
    for photo_set in sets:
        if not photo_set.pictures:
            continue
        classes = dict(data.sets)[photo_set.name]
        mine = data.held_out & (data.classes >= classes.start) & (data.classes < classes.stop)
        catalogue = Catalogue(
            load_text().encode(photo_set.texts),
            vision.encode([read_photo(picture) for picture in photo_set.pictures]),
            photo_set.groups,
        )
        if not mine.any():
            continue
        shown = (data.classes[mine] - classes.start).tolist()
        photos = data.pixels[mine].permute(0, 2, 3, 1).numpy()
        shops.append(strangers(vision, photos, shown, catalogue))
    add_to_card(path, {"unsold": asdict(fit(shops))})


def shop_photos(documents: Sequence[Document]) -> photo_sets.PhotoSet:
    """The products' own photos that can be read; of a product with several, the last is held out.

    Raises BadInput where fewer than two products have one.
    """
    texts: list[str] = []
    paths: list[Path] = []
    pictures: list[Path] = []
    classes: list[int] = []
    held_out: list[bool] = []
    groups: list[str] = []
    for document in documents:
        photos = [Path(photo) for photo in document.photos if is_photo(Path(photo))]
        if document.kind != "product" or not photos:
            continue
        paths += photos
        classes += [len(texts)] * len(photos)
        held_out += [i > 0 and i == len(photos) - 1 for i in range(len(photos))]
        texts.append(spoken(document))
        pictures.append(photos[0])
        groups.append(document.attributes.get("family", document.id))
    if len(texts) < 2:
        raise BadInput("There are no photos to learn from: at least two products must have one.")
    return photo_sets.PhotoSet(
        "shop",
        tuple(texts),
        tuple(paths),
        np.array(classes),
        np.array(held_out),
        tuple(pictures),
        tuple(groups),
    )


def fit_tower(documents: Sequence[Document], start: Path, out: Path, epochs: int) -> Fit:
    """Fine-tune the tower at `start` on a shop's own photos; it is kept only if it got better.

    A shop whose products have one photo each is judged on views of these photos that other cameras
    might have taken, which says less than photos of its own would.
    """
    photos = shop_photos(documents)
    data = train_vision.gather([photos], load_text().encode)
    spare = bool(data.held_out.any())
    if not spare:
        data = train_vision.with_views(data, VIEWS, seed=1)
    learnt = int((~data.held_out).sum())
    draws = min(8, max(1, round(DRAWN / learnt)))
    recipe = train_vision.Recipe(
        epochs=epochs, peak_rate=2e-4, head_rate=1.0, draws=(("shop", draws),), patience=3
    )
    before = train_vision.found(train_vision.load_tower(start), data)
    path = train_vision.train(data, recipe, out / "tried", start, {"shop": f"{learnt} photos"})
    after = train_vision.found(train_vision.load_tower(path), data)
    kept = None
    if after["R@1"] > before["R@1"]:
        calibrate(path, data, [photos])
        kept = out / path.name
        for file in (path, card_path(path)):
            shutil.copy(file, out / file.name)
    return Fit(learnt, int(data.held_out.sum()), spare, before, after, kept)


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
