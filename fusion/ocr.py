"""Words printed in a photo, read by RapidOCR with the models in its package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import rapidocr

from fusion.types import WeightsError

SURE = 0.6  # lines read with less confidence are left out
FIND_AT = 736  # px of the long side at which lines are looked for; they are read at full size

Reader = Callable[[np.ndarray], list[tuple[str, float]]]
"""A photo (h, w, 3) uint8 RGB into its lines (text, confidence in [0.6, 1]), in reading order."""


def load_ocr() -> Reader:
    """The reader of print. Its models load at the first photo; it may serve many threads."""
    # Given by path, because RapidOCR downloads a model that it has to look for and does not find.
    engine = rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.text_score": SURE,
            "Det.limit_type": "max",
            "Det.limit_side_len": FIND_AT,
            **{f"{part.title()}.model_path": _model(part) for part in ("det", "cls", "rec")},
        }
    )
    lock = Lock()  # the engine keeps figures of the photo in hand on itself

    def read(photo: np.ndarray) -> list[tuple[str, float]]:
        with lock:
            result: Any = engine(np.ascontiguousarray(photo[:, :, ::-1]))  # it expects BGR
        return [
            (text.strip(), float(score))
            for text, score in zip(result.txts or (), result.scores or (), strict=True)
            if sum(map(str.isalnum, text)) > 1  # a lone sign is mostly a pattern taken for print
        ]

    return read


def _model(part: str) -> str:
    folder = Path(rapidocr.__file__).parent / "models"
    found = sorted(folder.glob(f"*_{part}_*.onnx"))
    if not found:
        raise WeightsError(
            f"RapidOCR has no {part} model in {folder}. Install it again: "
            "`pip install --force-reinstall rapidocr`."
        )
    return str(found[0])
