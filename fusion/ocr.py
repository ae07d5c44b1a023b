"""Words printed in a photo, read by RapidOCR with the models in its package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from fusion.types import WeightsError

SURE = 0.6  # lines read with less confidence are left out
FIND_AT = 736  # px of the long side at which lines are looked for; they are read at full size
GLANCE_AT = 448  # px of the long side at which a photo is looked over before that
LINE = 0.2  # of the photo's long side: no line of print is higher, unless it is
LONG = 2.0  # times as long as high
STANDS = 1.5  # times as high as long

Reader = Callable[[np.ndarray], list[tuple[str, float]]]
"""A photo (h, w, 3) uint8 RGB into its lines (text, confidence in [0.6, 1]), in reading order."""


def load_ocr() -> Reader:
    """The reader of print. It starts at the first photo; it may serve many threads.

    Raises WeightsError when a model of it is missing.
    """
    models = {f"{part.title()}.model_path": _model(part) for part in ("det", "cls", "rec")}
    engine: Any = None
    lock = Lock()  # the engine keeps figures of the photo in hand on itself

    def read(photo: np.ndarray) -> list[tuple[str, float]]:
        nonlocal engine
        with lock:
            engine = engine or _start(models)
            if not _has_lines(engine, photo):
                return []
            # In steps, because the whole does not say which lines it had to turn around.
            image, record = engine.preprocess_img(np.ascontiguousarray(photo[:, :, ::-1]))
            engine.update_params(use_det=True, use_cls=True, use_rec=True)
            found, turned, said, _ = engine.run_ocr_steps(image, record)
        if not said.txts:
            return []
        over = np.array([way == "180" for way, _ in turned.cls_res])
        lines = [(said.txts[i].strip(), float(said.scores[i])) for i in _order(found.boxes, over)]
        return [
            (text, score)
            for text, score in lines
            # a lone sign is mostly a pattern taken for print
            if score >= SURE and sum(map(str.isalnum, text)) > 1
        ]

    return read


def _start(models: Mapping[str, str]) -> Any:
    """The models by path, because RapidOCR downloads one that it looks for in vain."""
    from rapidocr import RapidOCR  # a second that nobody waits who sends no photo

    size = {"Det.limit_type": "max", "Det.limit_side_len": FIND_AT}
    return RapidOCR(params={"Global.log_level": "error", **size, **models})


def _order(boxes: np.ndarray, over: np.ndarray) -> list[int]:
    """Lines as they are read on a label turned any way: rows from its top, each from its left.

    `boxes` (lines, 4, 2) px, corners clockwise from the upper left; `over`: upside down. As the
    reader does, a box half as high again as long is taken for a line that stands on its end.
    """
    along, down = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 0]  # (lines, 2)
    long, high = np.linalg.norm(along, axis=1), np.linalg.norm(down, axis=1)
    upright = (high < STANDS * long)[:, None]
    along, down = np.where(upright, along, down), np.where(upright, down, -along)
    along, down = (np.where(over[:, None], -way, way) for way in (along, down))
    right, under = (way.sum(0) / (np.linalg.norm(way.sum(0)) or 1) for way in (along, down))
    middles, height = boxes.mean(1), float(np.median(np.minimum(long, high)))
    from_top, from_left = middles @ under, middles @ right
    rows, at = np.zeros(len(boxes), int), np.argsort(from_top)
    rows[at] = np.cumsum(np.diff(from_top[at], prepend=from_top[at[0]]) > height / 2)
    return [int(i) for i in np.lexsort((from_left, rows))]


def _has_lines(engine: Any, photo: np.ndarray) -> bool:
    """Whether a glance finds anything in the shape of a line.

    Looked at so small, the detector takes any plain thing for print as well, but as a whole: a mug
    is as high as the photo and as long as it is high.
    """
    image = Image.fromarray(photo)
    image.thumbnail((GLANCE_AT, GLANCE_AT), reducing_gap=1.0)
    small = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
    found = engine(small, use_det=True, use_cls=False, use_rec=False)
    if found.boxes is None:
        return False
    sides = np.linalg.norm(np.diff(found.boxes[:, [0, 1, 2]], axis=1), axis=2)  # (boxes, 2)
    high, long = sides.min(1), sides.max(1)
    return bool(((high < LINE * max(image.size)) | (long > LONG * high)).any())


def _model(part: str) -> str:
    package = find_spec("rapidocr")
    folder = Path(package.origin if package and package.origin else "").parent / "models"
    found = sorted(folder.glob(f"*_{part}_*.onnx"))
    if not found:
        raise WeightsError(
            f"RapidOCR has no {part} model in {folder}. Install it again: "
            "`pip install --force-reinstall rapidocr`."
        )
    return str(found[0])
