"""The fusion module beside the classical ways to fuse: same turns, same features, same budget.

Each seed holds out other families and passages, so that in five seeds every one of the shop is
judged once by a model that never saw it.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from agent.photos import encode_catalogue, looks, read_photo, view
from fusion import photo_sets, train
from fusion.baselines import Baseline, Model
from fusion.data import Example, Item, Maker, bitext, clinc, mishear, sentences
from fusion.evaluate import finding, milliseconds, outputs, understanding
from fusion.frozen import Catalogue, Encodings, encode_once
from fusion.imagined import FAMILIES, imagine, picture
from fusion.model import collate
from fusion.text import TextEncoder
from fusion.types import Encoded, Encoder
from fusion.understand import FusionModule
from knowledge.lexical import spoken
from knowledge.types import Document

SOURCES = {
    "catalogue": "the demo shop's catalogue; products of fusion/imagined.py, Apache-2.0",
    "bitext": "Bitext customer-service utterances, CDLA-Sharing 1.0",
    "clinc150": "CLINC150 (Larson et al., 2019), CC BY 3.0",
    "clothing": "Clothing dataset (full, high resolution, Grigorev, 2020), CC0",
    "templates": "fusion/templates, Apache-2.0",
}
LOOKS = 8  # times each product photo is seen through another camera, beside as it is
STRANGE = 600  # real photos of what is in no catalogue
HEARD_WRONG = 0.15  # of the words, in the column "voice at WER 15 %"
TIMED = 60  # turns
GROCERY_TURNS = 300  # at most, of each kind

Figures = dict[str, Any]
Seen = dict[str, list[tuple[Encoded, float]]]


@dataclass
class Bench:
    """A shop's documents and everything frozen that models are trained and judged on."""

    documents: Sequence[Document]
    data: Path
    text: TextEncoder
    vision: Encoder
    cache: Path  # of encoded sentences
    each: int = 5  # examples a template, task and product

    @cached_property
    def items(self) -> list[Item]:
        return [item_of(document) for document in self.documents]

    @cached_property
    def imagined(self) -> list[Item]:
        return imagine(FAMILIES, seed=0)

    @cached_property
    def shop(self) -> Catalogue:
        texts, photos = encode_catalogue(self.documents, self.text, self.vision)
        return Catalogue.of(self.items, texts, photos)

    @cached_property
    def wide(self) -> Catalogue:
        """The shop's documents beside the imagined ones, as models are trained."""
        texts = self.text.encode([item.text for item in self.imagined])
        return self.shop.beside(Catalogue.of(self.imagined, texts))

    @cached_property
    def pictures(self) -> Seen:
        """What training is shown: catalogue photos through other cameras, and imagined photos."""
        seen: Seen = {}
        gaps = []  # (photo, its product's text vector)
        for document, text in zip(self.documents, self.shop.texts.numpy(), strict=True):
            if document.photos:
                photo = read_photo(Path(document.photos[0]))
                seen[document.id] = looks(self.vision, photo, LOOKS, seed=len(seen))
                gaps += [(encoded, text) for encoded, _ in seen[document.id]]
        rng = random.Random(0)
        wide = self.wide.texts.numpy()[len(self.items) :]
        for item, text in zip(self.imagined, wide, strict=True):
            seen[item.id] = [(picture(text, gaps, rng), rng.random()) for _ in range(3)]
        return seen

    @cached_property
    def strange(self) -> Seen:
        """Customers' photos of clothes, each as a thing by itself."""
        photo_set = photo_sets.clothing(self.data / "clothing")
        kept = random.Random(0).sample(list(np.flatnonzero(~photo_set.held_out)), STRANGE)
        return {
            f"clothing-{row}": [view(self.vision, read_photo(photo_set.paths[row]))] for row in kept
        }

    def encodings(self, examples: Sequence[Example], photos: Seen) -> Encodings:
        return Encodings(encode_once(sentences(examples), self.text, self.cache), photos)

    def _seen_by(self, model: Model, examples: Sequence[Example], photos: Seen) -> Encodings:
        encodings = self.encodings(examples, photos)
        return encodings.without_tokens() if isinstance(model, Baseline) else encodings

    def examples(self, fold: int) -> list[Example]:
        """What is trained and chosen on; the test part of the fold is among them, unused."""
        maker, imagined = Maker(self.items, fold=fold), Maker(self.imagined)
        photos, sets = sorted(self.pictures | self.strange), self.data / "text"
        made = chain(
            # what no shop sells says little of what this one is asked
            (replace(e, in_scope=None) for e in imagined.retrieval(1) if e.part != "test"),
            maker.bare(sorted(self.strange) * 2),
            maker.intents(self.each),
            maker.retrieval(self.each),
            maker.in_company(bitext(sets / "bitext/utterances_20000.csv", 400), photos),
            maker.in_company(clinc(sets / "clinc150/data_full.json", 3000), photos),
        )
        shown = {"", *photos}  # a shop may have products without a photo
        return [example for example in made if example.photo in shown]

    def train(self, name: str, recipe: train.Recipe, out: Path) -> Model:
        """Train the model called `name`; the recipe's seed says which fold is left out."""
        examples = self.examples(recipe.seed)
        encodings = self.encodings(examples, self.pictures | self.strange)
        return train.train(name, examples, encodings, self.wide, recipe, out, SOURCES)

    def customer_photos(self, folder: Path) -> Seen:
        """Photos named ID_N.jpg that no training sees, by product."""
        seen: Seen = {}
        for path in sorted(folder.glob("*.jpg")):
            seen.setdefault(path.stem.rsplit("_", 1)[0], []).append(
                view(self.vision, read_photo(path))
            )
        return seen

    def stand_ins(self) -> Seen:
        """In place of customer photos: the catalogue's own through cameras no training sees."""
        return {
            document.id: looks(self.vision, read_photo(Path(document.photos[0])), 3, 10_000 + row)[
                1:
            ]
            for row, document in enumerate(self.documents)
            if document.photos
        }

    def judge(self, model: Model, fold: int, seen: Seen, turns: Path) -> Figures:
        """Figures of `model` on the test families of `fold` and on sets no training has seen.

        `turns`: JSONL of text and intent (null if none), of independent wording.
        """
        model.eval()
        maker = Maker(self.items, seed=1, fold=fold)
        asked = [
            e for e in maker.retrieval(3) if e.part == "test" and (not e.photo or e.photo in seen)
        ]
        clear = [e for e in asked if e.task == "words" and e.text]
        rng = random.Random(2)
        misheard = [
            replace(
                e,
                text="",
                voice=mishear(e.text, HEARD_WRONG, maker.vocabulary, rng),
                confidence=1 - HEARD_WRONG,
                task="voice at WER 15 %",
            )
            for e in clear
        ]
        clear = [replace(e, voice=e.text, text="", task="voice at WER 0 %") for e in clear]
        said = read_turns(turns)
        every = [*asked, *misheard, *clear]
        encodings = self._seen_by(model, [*every, *said], seen)
        timed = [encodings.percept(e, rng) for e in rng.sample(asked, min(TIMED, len(asked)))]
        return {
            "shop": finding(every, outputs(model, every, encodings), self.shop),
            "grocery": self._grocery(model),
            "intents": understanding(model, said, outputs(model, said, encodings)),
            "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "ms": milliseconds(lambda percept: model(collate([percept])), timed),
            "ms explained": milliseconds(FusionModule(model, ""), timed),
        }

    @cached_property
    def _groceries(self) -> tuple[Catalogue, list[Item], Seen]:
        """The groceries as documents, and photos of the validation part by product."""
        folder = self.data / "grocery"
        photo_set = photo_sets.grocery(folder)
        items = []
        for i, text in enumerate(photo_set.texts):
            name, group = text.partition(". ")[0].split(", ", 1)
            items.append(Item(f"grocery-{i}", "product", name, text, f"{group}-{i}", group))
        photos = self.vision.encode([read_photo(path) for path in photo_set.pictures])
        catalogue = Catalogue.of(items, self.text.encode([i.text for i in items]), photos)
        seen: Seen = {}
        kept = np.flatnonzero(photo_set.held_out)
        for row in random.Random(0).sample(list(kept), min(GROCERY_TURNS, len(kept))):
            seen.setdefault(f"grocery-{photo_set.classes[row]}", []).append(
                view(self.vision, read_photo(photo_set.paths[row]))
            )
        return catalogue, items, seen

    def _grocery(self, model: Model) -> dict[str, dict[str, float]]:
        catalogue, items, seen = self._groceries
        asked = [
            replace(e, part="test")
            for e in Maker(items, seed=1).retrieval(3)
            if e.photo in seen or not e.photo
        ]
        encodings = self._seen_by(model, asked, seen)
        return finding(asked, outputs(model, asked, encodings), catalogue)


def read_turns(path: Path) -> list[Example]:
    """Sentences of independent wording, from JSONL of text and intent (null: out of scope)."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Example(text=row["text"], intent=row["intent"], in_scope=row["intent"] is not None)
        for row in rows
    ]


def judge_intents(module: FusionModule, text: TextEncoder, turns: Path) -> dict[str, float]:
    """How well `module` understands the sentences of `turns`."""
    said = read_turns(turns)
    encodings = Encodings(dict(text.all_states(sentences(said))), {})
    return understanding(module.model, said, outputs(module.outputs, said, encodings))


def compare(
    bench: Bench,
    names: Sequence[str],
    seeds: int,
    recipe: train.Recipe,
    out: Path,
    photos: Path,
    turns: Path,
) -> None:
    """Train and judge every model with every seed; what `out` has already is not done again.

    Each run leaves fusion.safetensors with its card and figures.json in `out`/NAME/SEED.
    """
    seen = bench.customer_photos(photos)
    for seed in range(seeds):
        for name in names:
            folder = out / name / str(seed)
            if (folder / "figures.json").is_file():
                continue
            model = bench.train(name, replace(recipe, seed=seed), folder)
            figures = bench.judge(model, seed, seen, turns)
            (folder / "figures.json").write_text(json.dumps(figures, indent=1))


def retrain(bench: Bench, recipe: train.Recipe, out: Path, now: Model, turns: Path) -> bool:
    """Train for the bench's own shop; weights come to `out` only if they are no worse than `now`.

    Prints recall and intents before and after, on families the training leaves out. True if kept.
    """
    seen = bench.stand_ins()
    before = _summary(bench.judge(now, recipe.seed, seen, turns))
    with TemporaryDirectory() as folder:
        model = bench.train("ours", recipe, Path(folder))
        after = _summary(bench.judge(model, recipe.seed, seen, turns))
        for name, was in before.items():
            print(f"{name:32}{was:.3f} -> {after[name]:.3f}")
        kept = np.mean([after[name] - was for name, was in before.items()]) >= 0
        if kept:
            out.mkdir(parents=True, exist_ok=True)
            for path in Path(folder).iterdir():
                shutil.move(path, out / path.name)
    return bool(kept)


def _summary(figures: Figures) -> dict[str, float]:
    """What a retrained model must not be worse in, on average."""
    found = {f"{kind} MRR": row["MRR"] for kind, row in figures["shop"].items()}
    return found | {kind: figures["intents"][kind] for kind in ("accuracy", "AUROC")}


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
