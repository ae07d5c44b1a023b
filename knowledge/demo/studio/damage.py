"""Damage to a product that already stands before the camera: a crack, a chip, a lost part, a stain.

Every damage is put where the camera sees it: rays through the picture find the product's surface.
A function returns False where the piece cannot have that damage, or not in view.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import bpy
import numpy as np
from mathutils import Vector
from numpy.random import Generator as Dice

from knowledge.demo.studio import materials as m
from knowledge.demo.studio import mesh
from knowledge.demo.studio.mesh import Parts
from knowledge.demo.studio.pieces import Piece

GRID = 56  # rays a side
SOFT = {"linen", "wool", "wicker"}  # tears and stains, but never chips
DARK = {"black", "walnut", "blue"}

LOSABLE: dict[str, tuple[tuple[int, ...], ...]] = {
    "aster-mug": ((1,),),
    "tove-mug": ((1,),),
    "hazel-teapot": ((1,), (2,), (3,)),
    "brook-jug": ((1,),),
    "cellar-storage-jar": ((1, 2), (2,)),
    "pantry-storage-jar": ((1,),),
    "bruno-kettle": ((1, 2), (2,), (3,), (4, 5), (5,)),
    "grind-pepper-mill": ((1, 2), (2,)),
    "dew-watering-can": ((2,), (3,)),
    "birk-tray": ((1,), (2,), (3,), (4,)),
    "lumi-table-lamp": ((2,),),
    "alder-floor-lamp": ((0,), (1,), (2,), (5,)),
    "halo-pendant-lamp": ((2,),),
    "pike-stool": ((1,), (3,), (5,), (7,), (2,), (4,), (6,), (8,)),
    "tarn-side-table": ((1,), (2,), (3,), (4,)),
    "hora-wall-clock": ((0,), (14, 15, 16)),
    "vista-picture-frame": ((0,), (1,), (2,), (3,)),
    "perch-coat-hook": ((1,), (2,), (3,), (4,), (5,)),
    "reed-basket": ((3,), (4,)),
    "fell-armchair": ((0,), (2,), (4,)),
}
"""Which parts of a family can be lost, as its builder numbers them."""


@dataclass(frozen=True)
class Spot:
    """A place on the product that the camera sees; `u`, `v` in [0, 1] across and up the picture."""

    u: float
    v: float
    at: Vector
    normal: Vector
    part: int


class View:
    """The product as the camera sees it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        camera = bpy.context.scene.camera
        self.eye = camera.matrix_world.translation.copy()
        corners = camera.data.view_frame(scene=bpy.context.scene)
        right_top, right_low, left_low, _ = (camera.matrix_world @ c for c in corners)
        self.corner, self.across, self.up = left_low, right_low - left_low, right_top - right_low
        self.names = {part.name: i for i, part in enumerate(parts)}
        bpy.context.view_layer.update()
        self.graph = bpy.context.evaluated_depsgraph_get()
        ticks = (np.arange(GRID) + 0.5) / GRID
        self.grid = [[self.look(u, v) for u in ticks] for v in ticks]
        self.seen = np.array([[spot is not None for spot in row] for row in self.grid])

    def look(self, u: float, v: float) -> Spot | None:
        toward = self.corner + self.across * float(u) + self.up * float(v) - self.eye
        hit, at, normal, _, thing, _ = bpy.context.scene.ray_cast(
            self.graph, self.eye, toward.normalized()
        )
        part = self.names.get(thing.name) if hit else None
        return None if part is None else Spot(float(u), float(v), at.copy(), normal.copy(), part)

    def pixel(self, at: Vector) -> float:
        """The side of a pixel of a 224-pixel photo, in studio units, at that place."""
        lens = bpy.context.scene.camera.data.lens
        return (at - self.eye).length * 36 / lens / 224

    def inner(self, dice: Dice, margin: int = 2) -> Spot | None:
        """Any place well within the outline, as far within as the piece allows."""
        deep = self.seen
        for _ in range(margin):
            padded = np.pad(deep, 1)
            less = (
                deep & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
            )
            if less.sum() < 6:
                break
            deep = less
        places = np.argwhere(deep)
        if not len(places):
            return None
        row, column = places[dice.integers(len(places))]
        return self.grid[row][column]

    def share(self, chosen: tuple[int, ...]) -> int:
        """How many of the grid's rays meet one of the chosen parts."""
        return sum(spot is not None and spot.part in chosen for row in self.grid for spot in row)

    def width(self) -> float:
        """The piece's extent in the picture, as a share of its side."""
        rows, columns = np.nonzero(self.seen)
        return float(max(np.ptp(rows), np.ptp(columns)) + 1) / GRID


def crack(piece: Piece, view: View, dice: Dice) -> bool:
    """A dark irregular line with branches, walked across the picture and laid on the surface."""
    pale = piece.colour in DARK
    tone = dice.choice(["b9b2a2", "cfc8ba"] if pale else ["17130f", "2a221b", "0d0c0b"])
    look = m.paint("d5dcda" if piece.colour == "clear" else str(tone), 1.0)
    for _ in range(30):
        start = view.inner(dice)
        if start is None:
            return False
        angle, length = dice.uniform(0, 2 * pi), view.width() * dice.uniform(0.3, 0.7)
        # From the middle both ways, so that a narrow piece is crossed as well.
        ways = [_walk(view, start, angle + turn, length / 2, dice) for turn in (0, pi)]
        line = [*reversed(ways[0]), *ways[1][1:]]
        if len(line) < max(7, 0.2 * view.width() / STEP):
            continue
        thick = view.pixel(start.at) * dice.uniform(0.5, 1.05)
        _lay(line, thick, look)
        for _ in range(int(dice.integers(0, 4))):
            fork = line[int(dice.integers(2, len(line) - 2))]
            turn = angle + dice.choice([-1, 1]) * dice.uniform(0.5, 1.2)
            branch = _walk(view, fork, turn, length * dice.uniform(0.15, 0.4), dice)
            if len(branch) > 3:
                _lay(branch, thick * 0.7, look)
        return True
    return False


STEP = 0.013  # of the picture's side, between two points of a crack


def _walk(view: View, start: Spot, angle: float, length: float, dice: Dice) -> list[Spot]:
    line, u, v, bend = [start], start.u, start.v, 0.0
    for _ in range(int(length / STEP)):
        bend = 0.6 * bend + dice.normal(0, 0.3)
        kink = angle + bend + dice.normal(0, 0.35)
        u, v = u + STEP * np.cos(kink), v + STEP * np.sin(kink)
        spot = view.look(u, v)
        if spot is None or (spot.at - line[-1].at).length > 6 * view.pixel(spot.at) * STEP * 224:
            break
        line.append(spot)
    return line


def _lay(line: list[Spot], thick: float, look: bpy.types.Material) -> None:
    points = np.array([spot.at for spot in line])
    swell = np.interp(np.arange(7), [0, 1.5, 4.5, 6], [0.45, 1, 0.9, 0.3]) * thick
    mesh.tube(points, swell, look, count=3 * len(points), sides=6)


def chip(piece: Piece, view: View, dice: Dice) -> bool:
    """A bite out of a rim, a foot or a corner, showing what is under the surface."""
    if piece.material.split(" and ")[0] in SOFT:
        return False
    edges = [spot for spot in _rim(view) if view.share((spot.part,)) > 30]
    for _ in range(min(6, len(edges))):
        spot = edges[int(dice.integers(len(edges)))]
        size = view.pixel(spot.at) * dice.uniform(4.5, 11)
        if _bite(view.parts[spot.part], spot.at, size, _inside(piece), dice):
            return True
    return False


def _rim(view: View) -> list[Spot]:
    """Places seen near the top, the bottom or the outermost edge of their part."""
    found = []
    boxes = [
        np.array([part.matrix_world @ Vector(c) for c in part.bound_box]) for part in view.parts
    ]
    for row, line in enumerate(view.grid):
        for column, spot in enumerate(line):
            if spot is None:
                continue
            low, high = boxes[spot.part].min(0), boxes[spot.part].max(0)
            near = 0.05 * max(high - low) + 1e-6
            rim = spot.at[2] > high[2] - near and high[2] - low[2] > 4 * near
            around = view.seen[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            corner = high[2] - low[2] < 0.5 * max(high - low) and not around.all()
            if rim or corner:
                found.append(spot)
    return found


def _inside(piece: Piece) -> bpy.types.Material:
    """What a chip lays bare."""
    material = piece.material.split(" and ")[0]
    if material == "glass":
        return m.glass(piece.colour)
    if material in m.WOODS | {"ash", "birch", "beech"}:
        return m.clay("d9b98a")
    if "steel" in material or material in m.METALS | {"iron", "metal"}:
        return m.clay("35322f")
    return m.clay("9d8f80" if piece.colour in ("white", "natural", "grey") else "e2d8c6")


def _bite(
    part: bpy.types.Object, at: Vector, size: float, look: bpy.types.Material, dice: Dice
) -> bool:
    """Take an irregular lump about a place away; False where nothing could be taken."""
    tool = mesh.ball(1.0, (0, 0, 0), look)
    points = np.array([v.co for v in tool.data.vertices])
    waves = dice.normal(0, 2.6, (5, 3))
    shifts = dice.uniform(0, 2 * pi, 5)
    lumps = 1 + 0.11 * np.sin(points @ waves.T + shifts).sum(1) + 0.0 * points[:, 0]
    points = points * lumps[:, None] * size * dice.uniform(0.7, 1.3, 3) + np.array(at)
    tool.data.vertices.foreach_set("co", points.ravel())
    for face in tool.data.polygons:
        face.use_smooth = False
    before = len(part.data.vertices)
    cut = part.modifiers.new("bite", "BOOLEAN")
    cut.operation, cut.solver, cut.object = "DIFFERENCE", "EXACT", tool
    cut.material_mode, cut.use_hole_tolerant = "TRANSFER", True
    bpy.context.view_layer.update()
    made = bpy.data.meshes.new_from_object(
        part.evaluated_get(bpy.context.evaluated_depsgraph_get())
    )
    part.modifiers.remove(cut)
    bpy.data.objects.remove(tool)
    if len(made.vertices) in (0, before):
        return False
    part.data = made
    return True


def missing(piece: Piece, view: View, dice: Dice) -> bool:
    """A part left out; a handle or spout is sometimes broken off and leaves its stumps."""
    options = [o for o in LOSABLE.get(piece.family, ()) if view.share(o) >= 14]
    if not options:
        return False
    chosen = options[int(dice.integers(len(options)))]
    lost = [view.parts[i] for i in chosen]
    if len(chosen) == 1 and dice.random() < 0.5:
        cloud = mesh.vertices(lost)
        middle = Vector((cloud.min(0) + cloud.max(0)) / 2)
        reach = float(np.ptp(cloud, axis=0).max()) * dice.uniform(0.34, 0.46)
        if _bite(lost[0], middle, reach, _inside(piece), dice):
            return True
    for part in lost:
        part.hide_render = True
    return True


STAINS = ("3d2412", "2b2622", "8a6a1f", "4f0f1c", "1a2140", "5a5a2a", "6b4a2c")
PALE_STAINS = ("d0c7b2", "b8b6a0", "c9a98a", "e4e0d6")


def stain(piece: Piece, view: View, dice: Dice) -> bool:
    """An irregular blot that colours the product's own surfaces."""
    spot = view.inner(dice, 4)
    if spot is None:
        return False
    pixel = view.pixel(spot.at)
    blots = [(spot.at, pixel * dice.uniform(8, 22))]
    for _ in range(int(dice.integers(0, 4))):
        away = view.look(spot.u + dice.normal(0, 0.09), spot.v + dice.normal(0, 0.09))
        if away is not None:
            blots.append((away.at, pixel * dice.uniform(2.5, 8)))
    colour = str(dice.choice(PALE_STAINS if piece.colour in DARK else STAINS))
    strength, soft = float(dice.uniform(0.5, 0.92)), float(dice.uniform(0.05, 0.6))
    surfaces = {slot.material for part in view.parts for slot in part.material_slots}
    for surface in surfaces:
        m.blot(surface, blots, colour, strength, soft)
    return True


DAMAGES: dict[str, Callable[[Piece, View, Dice], bool]] = {
    "crack": crack,
    "chip": chip,
    "missing": missing,
    "stain": stain,
}
