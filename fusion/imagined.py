"""A catalogue of products that no shop has, to learn from what a wish changes.

"This in green" means the same beside a mug, a bicycle or a sofa. A shop's own catalogue is far too
small to learn that from, and what is learnt on it is learnt by heart; a few hundred imagined
families, in the form in which documents are encoded, are not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from fusion.data import Item
from fusion.types import Encoded

COLORS = (
    "black", "white", "grey", "red", "blue", "green", "yellow", "orange", "purple", "pink",
    "brown", "beige", "navy", "turquoise", "teal", "silver", "gold", "cream", "copper", "clear",
)  # fmt: skip
SIZES = ("small", "medium", "large")
TRADES = {  # what it is made of: what is made of it
    "cotton, linen, wool, polyester, silk": "shirt, dress, scarf, sweater, jacket, skirt, hat, "
    "blanket, towel, apron, curtain, tablecloth, sock, pillowcase, hoodie, bathrobe, quilt",
    "leather, canvas, nylon, suede": "backpack, wallet, belt, handbag, boot, sneaker, sandal, "
    "suitcase, pouch, laptop sleeve, watch strap, dog collar",
    "oak, walnut, beech, pine, bamboo": "chair, table, bookshelf, bench, desk, stool, bed frame, "
    "dresser, cutting board, coat rack, toy train, picture frame, salad bowl",
    "steel, brass, aluminium, iron, copper": "desk lamp, wall hook, kettle, bicycle, toaster, pan, "
    "thermos, garden chair, door handle, letter box, lantern, colander, shelf",
    "stoneware, porcelain, earthenware, glass, concrete": "vase, plate, bowl, teapot, cup, jug, "
    "planter, candlestick, soap dish, sugar pot, butter dish, carafe, cake stand",
    "plastic, silicone, rubber, acrylic": "water bottle, lunch box, phone case, yoga mat, bucket, "
    "bath mat, headphones, mouse, speaker, hair brush, pet bowl, umbrella, storage box",
}
NAMES = (
    "Alma", "Borek", "Cleo", "Dario", "Edda", "Faro", "Greta", "Hilde", "Ibis", "Jonas", "Kaya",
    "Lark", "Milo", "Nadir", "Olga", "Piet", "Quill", "Runa", "Sira", "Tilda", "Ugo", "Viggo",
    "Wren", "Xenia", "Ylva", "Zora",
)  # fmt: skip
PRAISE = (
    "Made to be used every day and easy to keep clean.",
    "A quiet shape that goes with whatever is already there.",
    "Light in the hand, and stronger than it looks.",
    "Finished by hand, so no two are quite alike.",
    "A present that does not end up in a drawer.",
    "Small enough for a narrow hallway, at home in any room.",
    "The one our own team takes home.",
    "Packed without plastic and sent the same day.",
)


FAMILIES = 400
"""How many of them fusion is trained on."""


def imagine(families: int, seed: int) -> list[Item]:
    """Families of two to eleven variants that differ in colour, material or size alone."""
    rng = random.Random(seed)
    items = []
    for number in range(families):
        trade, nouns = rng.choice(sorted(TRADES.items()))
        materials, noun = trade.split(", "), rng.choice(nouns.split(", "))
        name = f"{rng.choice(NAMES)} {noun}"
        colors = rng.sample(COLORS, rng.randint(2, 5))
        material = rng.choice(materials)
        size = rng.choice(("", "medium"))
        looks = [(color, material, size) for color in colors]
        if rng.random() < 0.5:
            looks += [(colors[0], other, size) for other in materials if other != material]
        if size and rng.random() < 0.5:
            looks += [(colors[0], material, other) for other in SIZES if other != size]
        praise = rng.sample(PRAISE, 2)
        for color, material, size in looks:
            items.append(_item(number, name, noun, color, material, size, praise, rng))
    return items


def _item(
    family: int,
    name: str,
    noun: str,
    color: str,
    material: str,
    size: str,
    praise: Sequence[str],
    rng: random.Random,
) -> Item:
    title = ", ".join(filter(None, [name, rng.choice((color, f"{color} {material}")), size]))
    said = rng.choice(
        (
            f"A {noun} of {material} in {color}. {rng.choice(praise)}",
            f"{rng.choice(praise)} This {color} {noun} is made of {material}.",
            f"{material.capitalize()} {noun}. {rng.choice(praise)} Here in {color}.",
        )
    )
    text = "\n".join(filter(None, [title, said, f"imagined {name}", noun, color, material, size]))
    return Item(
        f"imagined-{family}-{color}-{material}-{size}",
        "product",
        title,
        text,
        f"imagined-{family}",
        noun,
        color,
        material,
        size,
    )


def picture(
    described: np.ndarray, seen: Sequence[tuple[Encoded, np.ndarray]], rng: random.Random
) -> Encoded:
    """A photo of an imagined product, as the photo encoder might have placed it.

    `described` (DIM,) is the product's text vector. What a real photo (first of each pair of
    `seen`) has that its product's text (second) has not is carried over: the gap between the
    modalities and the encoder's mistakes. Its patches come along, all moved by as much.
    """
    photo, text = rng.choice(seen)
    vector = described + rng.uniform(0.6, 1.4) * (photo.vector - text)
    vector /= np.linalg.norm(vector)
    mean = photo.tokens.mean(0)
    return Encoded(photo.tokens + np.linalg.norm(mean) * vector - mean, vector)
