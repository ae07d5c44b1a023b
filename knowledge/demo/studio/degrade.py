"""What a phone does to a photo on its way to a shop: shake, noise, wrong colours, JPEG damage."""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator as Dice
from PIL import Image, ImageFilter


def phone_photo(photo: Image.Image, dice: Dice) -> Image.Image:
    """Damage a clean RGB photo as much as an ordinary hand-held phone would."""
    if dice.random() < 0.25:
        photo = _shaken(photo, dice)
    elif dice.random() < 0.6:
        photo = photo.filter(ImageFilter.GaussianBlur(dice.uniform(0.2, 0.9) * photo.width / 320))
    light = np.asarray(photo, np.float32) / 255
    light = light * _metered(light) * np.exp(dice.normal(0, 0.1))
    light = light * np.exp(dice.normal(0, 0.045, 3))  # white balance, one gain a channel
    light = (light - 0.5) * dice.uniform(0.85, 1.15) + 0.5  # contrast
    light = light * _vignette(light.shape[0], light.shape[1], dice.uniform(0, 0.3))
    light = light + _grain(light.shape, dice.uniform(0.002, 0.02), dice)
    damaged = Image.fromarray((np.clip(light, 0, 1) * 255).astype(np.uint8))
    if dice.random() < 0.4:
        damaged = _recompressed(damaged, int(dice.integers(28, 65)))
    return damaged


def _shaken(photo: Image.Image, dice: Dice) -> Image.Image:
    """Motion blur: the mean of copies moved along a short line."""
    length, angle = dice.uniform(1.5, 5.0) * photo.width / 320, dice.uniform(0, 2 * np.pi)
    dx, dy = length * np.cos(angle), length * np.sin(angle)
    copies = [
        photo.transform(
            photo.size,
            Image.Transform.AFFINE,
            (1, 0, t * dx, 0, 1, t * dy),
            Image.Resampling.BILINEAR,
        )
        for t in np.linspace(-0.5, 0.5, 7)
    ]
    mean = np.mean([np.asarray(copy, np.float32) for copy in copies], axis=0)
    edge = int(np.ceil(length)) + 1
    blurred = Image.fromarray(mean.astype(np.uint8)).crop(
        (edge, edge, photo.width - edge, photo.height - edge)
    )
    return blurred.resize(photo.size, Image.Resampling.BICUBIC)


def _metered(light: np.ndarray) -> float:
    """The gain a phone's own metering would choose, three quarters of the way to mid grey."""
    return float(np.clip((0.47 / max(light.mean(), 0.02)) ** 0.75, 0.6, 2.2))


def _vignette(height: int, width: int, strength: float) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return (1 - strength * (x**2 + y**2) / 2)[:, :, None].astype(np.float32)


def _grain(shape: tuple[int, ...], strength: float, dice: Dice) -> np.ndarray:
    """Sensor noise: fine in brightness, coarser in colour, as small sensors smear it."""
    height, width, _ = shape
    fine = dice.normal(0, strength, (height, width, 1))
    coarse = dice.normal(0, strength * 0.6, (-(-height // 2), -(-width // 2), 3))
    return fine + np.repeat(np.repeat(coarse, 2, 0), 2, 1)[:height, :width]


def _recompressed(photo: Image.Image, quality: int) -> Image.Image:
    """Once through a messenger that saves bytes."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
