"""A shop's own intents: a classifier of sentences, fitted in minutes from a few examples a label.

Three judges are averaged: a logistic regression over the sentence vector (what is meant), a linear
support vector machine over pieces of words (how it is worded), and the sentence encoder's last
layers trained on. Each fails on other sentences. `fusion.reject` says what is out of scope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix

from fusion.linear import LINEAR, count, fit_linear, linear_probabilities
from fusion.reject import OUTSIDE, Scale, one_vs_rest, views
from fusion.text import TextEncoder
from fusion.tune import LAYERS, Progress, TunedLayers, train_layers
from fusion.types import BadInput, WeightsError
from fusion.weights import load_into, load_weights, save_weights

MODEL = "intents-1"
FILE = "intents.safetensors"
TUNED = "tuned."  # what the names of the trained layers' tensors begin with
FOLDS = (10, 3)  # of the cross-validation, up to MANY rows and above
MANY = 3_000
AT_ONCE = 512  # sentences between two reports of progress
TUNED_WEIGHT = 2.0  # of the trained layers, beside 1 for the two linear judges together
REFIT = "Fit them anew with `deskhand intents fit TRAIN.csv --out DIR`."


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a sentence was taken for."""

    label: str  # the likeliest, also when the sentence is out of scope
    score: float  # its probability among the labels, in [0, 1]
    out_of_scope: float  # in [0, 1]; from 0.5 on it is out of scope


@dataclass(frozen=True, slots=True)
class Validation:
    """Every row judged by linear judges that were fitted without it."""

    probabilities: np.ndarray  # (rows, labels)
    seen: np.ndarray  # (rows, 2), as `fusion.reject.views` gives them


class IntentClassifier:
    """A fitted classifier. One instance may serve many threads."""

    def __init__(
        self,
        labels: Sequence[str],
        scale: Scale,
        tensors: Mapping[str, torch.Tensor],
        encoder: TextEncoder,
    ) -> None:
        """From what `fit` or `load` made; WeightsError when a tensor is missing."""
        self.labels = tuple(labels)
        self.scale = scale
        self.encoder = encoder
        self._tensors = dict(tensors)
        missing = [name for name in (*LINEAR, "judges", "taught") if name not in tensors]
        if missing:
            raise WeightsError(f"The intents lack {', '.join(missing)}. {REFIT}")
        self._linear = {name: tensors[name].numpy() for name in LINEAR}
        self._judges, self._taught = tensors["judges"].numpy(), tensors["taught"].numpy()
        self._tuned: TunedLayers | None = None
        tuned = {
            name.removeprefix(TUNED): tensor
            for name, tensor in tensors.items()
            if name.startswith(TUNED)
        }
        if tuned:
            self._tuned = TunedLayers(encoder, len(self.labels)).eval()
            load_into(self._tuned, tuned, Path(FILE))

    def predict(self, sentences: Sequence[str]) -> list[Recognised]:
        """What each sentence is taken for, in their order."""
        if not sentences:
            return []
        if self._tuned is None:
            vectors = self.encoder.encode(sentences)
            probabilities = linear_probabilities(self._linear, vectors, count(sentences))
        else:
            vectors, states = self.encoder.halfway(sentences, LAYERS)
            linear = linear_probabilities(self._linear, vectors, count(sentences))
            tuned = self._tuned.probabilities(states)
            probabilities = (linear + TUNED_WEIGHT * tuned) / (1 + TUNED_WEIGHT)
        strange = self.scale.out_of_scope(views(vectors, self._judges, self._taught))
        best = probabilities.argmax(1)
        return [
            Recognised(self.labels[label], float(row[label]), float(odd))
            for label, row, odd in zip(best, probabilities, strange, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write the weights (half precision) and their card into `folder`."""
        card = {
            "model": MODEL,
            "labels": list(self.labels),
            "encoder": self.encoder.name,
            "scale": asdict(self.scale),
        }
        save_weights(folder / FILE, self._tensors, card)


def load_intents(folder: Path, encoder: TextEncoder) -> IntentClassifier:
    """The classifier saved in `folder`.

    Raises WeightsError when it is missing, damaged or fitted with another sentence encoder.
    """
    path = folder / FILE
    tensors, card = load_weights(path, MODEL, REFIT)
    if card.get("encoder") != encoder.name:
        raise WeightsError(
            f"{path} was fitted with the text encoder {card.get('encoder')!r}, but "
            f"{encoder.name!r} is set. {REFIT}"
        )
    try:
        scale = Scale(**card["scale"])
        labels = card["labels"]
    except (KeyError, TypeError) as error:
        raise WeightsError(f"The card of {path} is incomplete ({error}). {REFIT}") from error
    return IntentClassifier(labels, scale, tensors, encoder)


def fit(
    encoder: TextEncoder,
    sentences: Sequence[str],
    labels: Sequence[str],
    outside: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> tuple[IntentClassifier, Validation]:
    """A classifier of `sentences` (n) into their `labels` (n), and how it did on unseen rows.

    `outside`: examples of what is out of scope. The same seed gives the same weights. Raises
    BadInput when fewer than two labels have two sentences.
    """
    names, targets = np.unique(np.array(labels, dtype=str), return_inverse=True)
    if (np.bincount(targets, minlength=1) >= 2).sum() < 2:
        raise BadInput("At least two labels with two sentences each are needed to tell apart.")
    vectors, states = _encode(encoder, [*sentences, *outside], progress)
    inside, foreign = vectors[: len(targets)], vectors[len(targets) :]
    counts = count(sentences)
    titles = _titles(encoder, names)
    validation = _validate(inside, foreign, counts, targets, titles, seed, progress)
    progress("fitting", 0, 1)
    found = fit_linear(inside, counts, targets, len(names), titles)
    found["judges"] = _judge(inside, foreign, targets, len(names))
    found["taught"] = inside
    tensors = {name: torch.from_numpy(array) for name, array in found.items()}
    if encoder.layered:
        net = train_layers(encoder, states[: len(targets)], targets, len(names), seed, progress)
        tensors |= {TUNED + name: tensor for name, tensor in net.state_dict().items()}
    tensors = {  # as exact as they are saved, so that what is saved predicts the same
        name: tensor.half().float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    scale = Scale.of(validation.seen)
    return IntentClassifier(names.tolist(), scale, tensors, encoder), validation


def _validate(
    vectors: np.ndarray,
    foreign: np.ndarray,
    counts: csr_matrix,
    targets: np.ndarray,
    titles: tuple[np.ndarray, np.ndarray],
    seed: int,
    progress: Progress,
) -> Validation:
    labels = int(targets.max()) + 1
    folds = min(FOLDS[len(targets) > MANY], len(targets))
    mixed = np.random.default_rng(seed).permutation(len(targets))
    order = mixed[np.argsort(targets[mixed], kind="stable")]  # the rows of a label go round
    fold = np.zeros(len(targets), int)
    fold[order] = np.arange(len(targets)) % folds
    probabilities = np.zeros((len(targets), labels), np.float32)
    seen = np.zeros((len(targets), 2), np.float32)
    for k in range(folds):
        progress("cross-validating", k, folds)
        out, rest = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        found = fit_linear(vectors[rest], counts[rest], targets[rest], labels, titles)
        probabilities[out] = linear_probabilities(found, vectors[out], counts[out])
        judges = _judge(vectors[rest], foreign, targets[rest], labels)
        seen[out] = views(vectors[out], judges, vectors[rest])
    progress("cross-validating", folds, folds)
    return Validation(probabilities, seen)


def _judge(
    vectors: np.ndarray, foreign: np.ndarray, targets: np.ndarray, labels: int
) -> np.ndarray:
    others = np.full(len(foreign), OUTSIDE)
    return one_vs_rest(np.vstack([vectors, foreign]), np.concatenate([targets, others]), labels)


def _encode(
    encoder: TextEncoder, sentences: Sequence[str], progress: Progress
) -> tuple[np.ndarray, list[torch.Tensor]]:
    vectors, states = [], []
    for start in range(0, len(sentences), AT_ONCE):
        progress("reading the sentences", start, len(sentences))
        some = sentences[start : start + AT_ONCE]
        if encoder.layered:
            found, entering = encoder.halfway(some, LAYERS)
            states += entering
        else:
            found = encoder.encode(some)
        vectors.append(found)
    progress("reading the sentences", len(sentences), len(sentences))
    return np.vstack(vectors), states


def _titles(encoder: TextEncoder, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and targets of the labels that are words: each is one more example of itself."""
    spoken = [" ".join(re.findall(r"[^\W\d_]{2,}", name)) for name in names]
    rows = np.array([i for i, words in enumerate(spoken) if len(words) > 3], int)
    return encoder.encode([spoken[i] for i in rows]), rows
