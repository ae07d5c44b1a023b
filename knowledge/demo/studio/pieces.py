"""A product as the studio needs it: what it is made of and how long its sides are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

PRODUCTS = Path(__file__).parent.parent / "products.jsonl"
ON_FLOOR = {"floor lamp", "stool", "side table", "basket", "armchair"}
ON_WALL = {"wall clock", "picture frame", "coat hook"}


@dataclass(frozen=True)
class Piece:
    """Sides are in studio units: the longest is 1."""

    id: str
    family: str
    kind: str
    colour: str
    material: str
    width: float
    depth: float
    height: float

    @property
    def radius(self) -> float:
        return self.width / 2

    @property
    def place(self) -> str:
        """Where it stands: table | floor | wall | hanging."""
        if self.kind in ON_FLOOR:
            return "floor"
        if self.kind in ON_WALL:
            return "wall"
        return "hanging" if self.kind == "pendant lamp" else "table"


def read_pieces() -> list[Piece]:
    return [_piece(json.loads(line)) for line in PRODUCTS.read_text("utf-8").splitlines() if line]


def _piece(product: dict) -> Piece:
    attributes = product["attributes"]
    # "Ø 9 x 9 cm" is diameter and height; "44 x 30 x 6 cm" is width, depth and height.
    sides = [float(number) for number in re.findall(r"[\d.]+", attributes["dimensions"])]
    if len(sides) == 2:
        sides.insert(1, sides[0])
    width, depth, height = (side / max(sides) for side in sides)
    return Piece(
        id=product["id"],
        family=product["family"],
        kind=attributes["kind"],
        colour=attributes["color"],
        material=attributes["material"],
        width=width,
        depth=depth,
        height=height,
    )
