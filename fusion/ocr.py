"""Words printed in a photo, read by RapidOCR with the models in its package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import rapidocr
from PIL import Image

from fusion.types import WeightsError

SURE = 0.6  # lines read with less confidence are left out
FIND_AT = 736  # px of the long side at which lines are looked for; they are read at full size
GLANCE_AT = 448  # px of the long side at which a photo is looked over before that
LINE = 0.2  # of the photo's long side: no line of print is higher, unless it is
LONG = 2.0  # times as long as high

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
            if not _has_lines(engine, photo):
                return []
            bgr = np.ascontiguousarray(photo[:, :, ::-1])
            result: Any = engine(bgr, use_det=True, use_cls=True, use_rec=True)
        return [
            (text.strip(), float(score))
            for text, score in zip(result.txts or (), result.scores or (), strict=True)
            if sum(map(str.isalnum, text)) > 1  # a lone sign is mostly a pattern taken for print
        ]

    return read


def _has_lines(engine: Any, photo: np.ndarray) -> bool:
    """Whether a glance finds anything in the shape of a line.

    Looked at so small, the detector takes any plain thing for print as well, but as a whole: a mug
    is as high as the photo and as long as it is high.
    """
    image = Image.fromarray(photo)
    image.thumbnail((GLANCE_AT, GLANCE_AT))
    small = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
    found = engine(small, use_det=True, use_cls=False, use_rec=False)
    if found.boxes is None:
        return False
    sides = np.linalg.norm(np.diff(found.boxes[:, [0, 1, 2]], axis=1), axis=2)  # (boxes, 2)
    high, long = sides.min(1), sides.max(1)
    return bool(((high < LINE * max(image.size)) | (long > LONG * high)).any())


def _model(part: str) -> str:
    folder = Path(rapidocr.__file__).parent / "models"
    found = sorted(folder.glob(f"*_{part}_*.onnx"))
    if not found:
        raise WeightsError(
            f"RapidOCR has no {part} model in {folder}. Install it again: "
            "`pip install --force-reinstall rapidocr`."
        )
    return str(found[0])
