"""The one space of an index: the encoders that its vectors come from, and what names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.config import Settings
from agent.errors import SetupError
from fusion.decoder import Decoder
from fusion.hub_vision import HubTower, PhotoMap, fit_map, load_map, save_map
from fusion.perceive import Encoders, load_encoders
from fusion.speech import SpeechOptions
from fusion.types import BadInput, Encoder, InputLimits
from fusion.vision import load_vision
from knowledge.embed import EmbedPhotos, Progress
from knowledge.lexical import spoken
from knowledge.types import Document, Skipped

MAP = "photo-map.safetensors"  # in the folder of the index, for as long as the index lives
FITTED_ON = 3000  # photos at most


def open_encoders(settings: Settings, speech: str = "off") -> Encoders:
    """The encoders that are set; a pretrained photo tower with the map kept with the index."""
    encoders = load_encoders(settings.text, settings.vision, speech, speech_options(settings))
    return replace(encoders, vision=_mapped(encoders.vision, settings))


def speech_options(settings: Settings) -> SpeechOptions:
    return SpeechOptions(
        settings.speech_folder, settings.speech_language, settings.speech_translate
    )


def open_vision(settings: Settings) -> Encoder:
    """The photo encoder of `open_encoders`, alone."""
    return _mapped(load_vision(settings.vision), settings)


def encoder_name(text: Encoder, vision: Encoder) -> str:
    """The space of the index: both towers, since its vectors come from both."""
    return f"{text.name}+{vision.name}"


def fit_to_shop(
    encoders: Encoders,
    documents: Sequence[Document | Skipped],
    limits: InputLimits,
    progress: Progress,
) -> tuple[Encoders, dict[Path, np.ndarray]]:
    """The pretrained photo tower with a map fitted on these documents' photos and texts.

    Also gives what the tower saw in the photos it was fitted on, so that none is looked at twice.
    Raises SetupError when no photo can be read.
    """
    assert isinstance(encoders.vision, HubTower)
    products = [d for d in documents if isinstance(d, Document) and d.photos]
    pairs = [(row, Path(path)) for row, d in enumerate(products) for path in d.photos]
    pairs = pairs[:: -(-len(pairs) // FITTED_ON) or 1]
    seen: dict[Path, np.ndarray] = {}
    for done, (_, path) in enumerate(pairs):
        progress("fitting the photo encoder", done, len(pairs))
        if (photo := _photo(path, encoders.decoder, limits)) is not None:
            seen[path] = encoders.vision.features([photo])[0].mean(0)
    shown = [(row, path) for row, path in pairs if path in seen]
    if not shown:
        raise SetupError(
            f"DESKHAND_VISION={encoders.vision.tower} cannot be used: it is fitted on photos of "
            "your products, and no photo of theirs could be read. Name photos in the product "
            "feed, or unset DESKHAND_VISION."
        )
    rows = np.array([row for row, _ in shown])
    texts = encoders.text.encode([spoken(product) for product in products])
    fitted = fit_map(np.stack([seen[path] for _, path in shown]), texts[rows], rows)
    return replace(encoders, vision=encoders.vision.with_map(fitted)), seen


def keep_map(settings: Settings, encoders: Encoders, photos: int) -> None:
    """Writes the photo tower's map into the folder of the index."""
    assert isinstance(encoders.vision, HubTower) and encoders.vision.fitted
    tower = encoders.vision
    settings.index_folder.mkdir(parents=True, exist_ok=True)
    path = settings.index_folder / MAP
    save_map(path, encoders.vision.fitted, tower.tower, encoders.text.name, photos)


def photo_embedder(
    vision: Encoder, decoder: Decoder, limits: InputLimits, seen: Mapping[Path, np.ndarray]
) -> EmbedPhotos:
    """Paths of photos -> their vectors, None for one that cannot be read. One is held at a time.

    `seen`: what a pretrained tower saw in some of them before.
    """

    def embed(paths: Sequence[Path]) -> list[np.ndarray | None]:
        return list(vectors(paths))

    def vectors(paths: Sequence[Path]) -> Iterator[np.ndarray | None]:
        for path in paths:
            if path in seen and isinstance(vision, HubTower):
                yield vision.vectors(seen[path][None])[0]
            else:
                photo = _photo(path, decoder, limits)
                yield None if photo is None else vision.encode([photo])[0]

    return embed


def _mapped(vision: Encoder, settings: Settings) -> Encoder:
    if not isinstance(vision, HubTower):
        return vision
    fitted: PhotoMap | None = load_map(settings.index_folder / MAP)
    return vision.with_map(fitted)


def _photo(path: Path, decoder: Decoder, limits: InputLimits) -> np.ndarray | None:
    try:
        return decoder.photo(path.read_bytes(), limits)
    except (BadInput, OSError):
        return None
