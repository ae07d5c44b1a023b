"""Photos of documents and customers, encoded as training and judging want them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fusion.photo import decode_photo, sharpness
from fusion.text import TextEncoder
from fusion.train_vision import other_views
from fusion.types import DIM, Encoded, Encoder, InputLimits
from knowledge.lexical import spoken
from knowledge.types import Document


def read_photo(path: Path) -> np.ndarray:
    return decode_photo(path.read_bytes(), InputLimits())


def view(vision: Encoder, photo: np.ndarray) -> tuple[Encoded, float]:
    """What the fusion module is told of a photo: its states and its sharpness."""
    return vision.states(photo), sharpness(photo)


def looks(vision: Encoder, photo: np.ndarray, count: int, seed: int) -> list[tuple[Encoded, float]]:
    """The photo as it is and through `count` other cameras: the encoder has seen it before."""
    return [view(vision, seen) for seen in [photo, *other_views(photo, count, seed)]]


def encode_catalogue(
    documents: Sequence[Document], text: TextEncoder, vision: Encoder
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of the documents' texts and of their first photos (zeros where there is none)."""
    photos = np.zeros((len(documents), DIM), np.float32)
    for row, document in enumerate(documents):
        if document.photos:
            photos[row] = vision.states(read_photo(Path(document.photos[0]))).vector
    return text.encode([spoken(document) for document in documents]), photos
