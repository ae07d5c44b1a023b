"""How good a photo is: its sharpness, exposure and size, and why it is no use when it is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter1d, minimum_filter1d

DARK, BRIGHT = 0.2, 0.88  # exposure below, above which little can be seen
BLURRED = 0.235  # steepness below which no edge is sharp; of 300 good photos the softest has 0.259
SMALL = 64  # px of the short side
EDGE = 24  # grey levels within 9 px that make an edge


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of one photo."""

    sharpness: float  # in [0, 1); how much fine detail there is, which a plain thing has little of
    steepness: float  # in [0, 1]; how much of its height an edge climbs in one px; 1 without edges
    exposure: float  # in [0, 1]; 0 is black, 1 is white
    size: int  # px of the short side

    def fault(self) -> str:
        """What to tell the customer when hardly anything can be seen, else ""."""
        if self.size < SMALL:
            return (
                f"is too small ({self.size} pixels) to see what is in it. Please take another "
                "photo, or send a larger one."
            )
        if self.exposure < DARK:
            return "is too dark. Please take another photo with more light."
        if self.exposure > BRIGHT:
            return "is too bright. Please take another photo with less light."
        if self.steepness < BLURRED:
            return "is blurred. Please take another photo and hold the camera still."
        return ""


def quality_of(photo: np.ndarray) -> Quality:
    """The figures of a photo (h, w, 3), uint8 RGB."""
    return Quality(sharpness(photo), _steepness(photo), _exposure(photo), min(photo.shape[:2]))


def sharpness(photo: np.ndarray) -> float:
    """How sharp a photo is, in [0, 1): v / (v + 100), v the variance of its Laplacian.

    Measured on grey levels (0 to 255) at a long side of at most 512 px. Above 0.7 is crisp, below
    0.3 is blurred; a blank wall is 0.
    """
    grey = _grey(photo, 512)
    if min(grey.shape) < 3:
        return 0.0
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    variance = float((around - 4 * grey[1:-1, 1:-1]).var())
    return variance / (variance + 100)


def _steepness(photo: np.ndarray) -> float:
    """Of the strongest edges, in the second worst of four directions; a step climbs 0.5 a px.

    Unlike the variance of the Laplacian it does not ask how many edges there are, so a white mug
    on a white table is not blurred. A shaken camera blurs along its way alone, which is hardly ever
    just one of the four; and one may be worst because what stands there is soft.
    """
    grey = _grey(photo, 320)
    image = Image.fromarray(grey.astype(np.uint8)).rotate(45, Image.Resampling.BILINEAR)
    inside = round(min(image.size) / 2**0.5) // 2  # of the turned picture, none of its corners
    x, y = image.width // 2, image.height // 2
    turned = np.asarray(image.crop((x - inside, y - inside, x + inside, y + inside)), np.float32)
    found = [_climb(lines) for lines in (grey, grey.T, turned, turned.T)]
    steep = sorted(climb for climb in found if climb is not None)
    return steep[min(1, len(steep) - 1)] if steep else 1.0


def _climb(grey: np.ndarray) -> float | None:
    """Of the strongest edges along the rows, the part of their height climbed in one px."""
    if min(grey.shape) < 9:
        return None
    height = (maximum_filter1d(grey, 9, 1) - minimum_filter1d(grey, 9, 1))[:, 1:-1]
    strong = height >= max(EDGE, 0.5 * float(np.quantile(height, 0.995)))
    if not strong.any():
        return None
    step = np.abs(grey[:, 2:] - grey[:, :-2]) / 2
    return float(np.quantile(step[strong] / height[strong], 0.95))


def _exposure(photo: np.ndarray) -> float:
    """Halfway between the darkest and the brightest parts, a pure colour being both."""
    image = Image.fromarray(photo)
    image.thumbnail((128, 128))
    light = np.asarray(image)
    low, high = np.quantile(light.min(-1), 0.002), np.quantile(light.max(-1), 0.95)
    return float(low + high) / 2 / 255


def _grey(photo: np.ndarray, side: int) -> np.ndarray:
    image = Image.fromarray(photo).convert("L")
    image.thumbnail((side, side))
    return np.asarray(image, np.float32)
