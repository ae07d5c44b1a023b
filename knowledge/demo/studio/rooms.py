"""Rooms as customers have them: a surface, a wall, some light, and other things lying about."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.random import Generator as Dice

from knowledge.demo.studio import materials as m
from knowledge.demo.studio import mesh, props
from knowledge.demo.studio.mesh import Parts
from knowledge.demo.studio.scene import (
    Subject,
    any_yaw,
    area_light,
    elevation,
    fill_light,
    point_camera,
    set_down,
)


@dataclass(frozen=True)
class Palette:
    """The colours of one circle of homes; training homes and customers' homes differ."""

    woods: tuple[str, ...]
    cloths: tuple[str, ...]
    stones: tuple[str, ...]
    walls: tuple[str, ...]


HOMES = {
    "train": Palette(
        woods=("b08455", "7a5230", "c9a878", "51361f", "9a8468"),
        cloths=("d9d2c4", "5c6a7c", "a24e3e", "77845f", "2f3136", "c9b07a", "e8e6e1"),
        stones=("d8d8d4", "8d9296", "b7a995", "3f4346", "c4cdd0"),
        walls=(
            "e8e2d6",
            "b9c6c9",
            "c9b7a2",
            "7d8c84",
            "d5b9ae",
            "5a6675",
            "efefec",
            "a8a39a",
            "d9c88e",
        ),
    ),
    "customer": Palette(
        woods=("a5703f", "8f6a48", "d3b68c", "643f25"),
        cloths=("e4dccd", "6f5b6b", "3f5560", "b58a6a", "9ba6a0"),
        stones=("e3e1dc", "777b7c", "c9b9a4", "55504b"),
        walls=("f0ebe0", "a9bcb4", "d8c9b8", "8693a3", "c9a79a", "646b62", "e0e4e6"),
    ),
}


def room(subject: Subject, home: str, dice: Dice) -> Parts:
    """A customer's photo: some surface, some wall, some light, and other things lying about.

    Returns the parts of the subject.
    """
    palette = HOMES[home]
    lift = dice.uniform(0.4, 0.7) + (0.8 if subject.place == "hanging" else 0.0)
    parts = set_down(subject, any_yaw(subject, dice), lift)
    seen = mesh.vertices(parts)
    back = 0.0 if subject.place == "wall" else float(dice.uniform(0.9, 2.6))
    _surfaces(subject, palette, back, dice)
    _lights(dice)
    _clutter(seen, subject, back, dice)
    rise = elevation(seen, subject) + dice.normal(0, 11)
    # Lower than this, a camera at full distance would sink into the floor.
    rise = max(rise, {"wall": -4, "hanging": -10}.get(subject.place, 7))
    turn = dice.uniform(-0.65, 0.65) if subject.place == "wall" else dice.uniform(-0.5, 0.5)
    reach = dice.uniform(0.5, 0.92) if dice.random() < 0.85 else dice.uniform(0.36, 0.5)
    camera = point_camera(seen, turn, min(rise, 72), reach, float(dice.uniform(30, 62)))
    camera.data.shift_x, camera.data.shift_y = dice.normal(0, 0.05, 2)
    camera.matrix_world = camera.matrix_world @ Matrix.Rotation(dice.normal(0, 0.07), 4, "Z")
    camera.data.dof.use_dof = dice.random() < 0.7
    camera.data.dof.aperture_fstop = float(dice.uniform(0.35, 1.6))
    return parts


def _lights(dice: Dice) -> None:
    """Window, sun through a window's bars, a warm lamp, or a ceiling light."""
    side = float(dice.choice([-1, 1]))
    mood = dice.choice(["window", "sun", "lamp", "ceiling"], p=[0.4, 0.2, 0.2, 0.2])
    if mood == "window":
        tint = (0.88, 0.94, 1.0) if dice.random() < 0.5 else (1.0, 0.97, 0.92)
        fill_light((0.9, 0.95, 1.0), dice.uniform(0.25, 0.5))
        area_light(
            (side * 2.6, dice.uniform(-1.5, 0.4), dice.uniform(1.2, 2.4)),
            1.8,
            dice.uniform(80, 150),
            tint,
        )
    elif mood == "sun":
        fill_light((0.85, 0.92, 1.0), dice.uniform(0.4, 0.6))
        sun = bpy.data.lights.new("sun", "SUN")
        sun.energy, sun.angle, sun.color = dice.uniform(2.2, 3.6), 0.02, (1, 0.94, 0.84)
        light = bpy.data.objects.new("sun", sun)
        aim = Vector(
            (side * dice.uniform(0.5, 1.2), dice.uniform(-1.2, -0.2), dice.uniform(0.7, 1.3))
        )
        light.matrix_world = aim.to_track_quat("Z", "Y").to_matrix().to_4x4()
        bpy.context.scene.collection.objects.link(light)
        _window_bars(aim.normalized(), dice)
    elif mood == "lamp":
        fill_light((1.0, 0.85, 0.68), dice.uniform(0.14, 0.28))
        warm = (1.0, 0.8, 0.58)
        area_light(
            (side * dice.uniform(0.8, 1.8), dice.uniform(-1.4, 0.2), 2.2),
            0.5,
            dice.uniform(70, 110),
            warm,
        )
    else:
        fill_light((1.0, 0.97, 0.93), dice.uniform(0.4, 0.65))
        area_light(
            (dice.uniform(-0.6, 0.6), dice.uniform(-0.8, 0.4), 3.2),
            1.0,
            dice.uniform(70, 120),
            (1, 0.96, 0.9),
        )


def _window_bars(toward: Vector, dice: Dice) -> None:
    """A crossed window between sun and subject, for its shadow."""
    turn = Matrix.Translation(toward * 5) @ toward.to_track_quat("Z", "Y").to_matrix().to_4x4()
    frame, shift = m.paint("white"), dice.uniform(-0.5, 0.5, 2)
    bars = [mesh.box((0.09, 4, 0.02), (x + shift[0], 0, 0), frame, 0) for x in (-1.1, 0, 1.1)]
    bars += [mesh.box((4, 0.09, 0.02), (0, y + shift[1], 0), frame, 0) for y in (-1.1, 0.35)]
    mesh.move(bars, turn)


def _surfaces(subject: Subject, palette: Palette, back: float, dice: Dice) -> None:
    """The table or floor the subject stands on, and the wall behind, at y = `back`."""
    table = subject.place == "table"
    scale = 0.55 if table else 1.6
    choices = (
        ["wood", "stone", "tiles", "cloth"]
        if table
        else ["wood", "wood", "tiles", "carpet", "carpet"]
    )
    kind = str(dice.choice(choices))
    wood, cloth, stone = (
        str(dice.choice(c)) for c in (palette.woods, palette.cloths, palette.stones)
    )
    if kind == "wood":
        top = m.planks(wood, scale)
    elif kind == "stone":
        top = m.marble(stone, str(dice.choice(palette.stones)))
    elif kind == "tiles":
        top = m.tiles(stone, "b5b1a8", scale * 2)
    elif kind == "carpet":
        top = m.carpet(cloth)
    else:
        striped = dice.random() < 0.35
        top = (
            m.stripes(cloth, str(dice.choice(palette.cloths)), 2.5)
            if striped
            else m.cloth(cloth, 160)
        )
    spin = float(dice.uniform(-0.4, 0.4) + dice.choice([0, pi / 2]))
    colour = str(dice.choice(palette.walls))
    style = dice.random()
    wall = m.paint(colour, 0.9)
    if style < 0.12:
        wall = m.tiles(colour, "dddad2", 3.0, 2.0)
    elif style < 0.2:
        wall = m.stripes(colour, str(dice.choice(palette.walls)), 1.5)
    far = back
    if table and dice.random() < 0.4:
        # A table's edge, with the rest of the room behind it.
        far = back + float(dice.uniform(1.5, 3.5))
        slab = mesh.box((9, 9, 0.12), (0, 0, -0.06), top, 0.02)
        mesh.move([slab], Matrix.Translation((0, back * 0.6 - 4.5, 0)))
        mesh.box((24, 24, 0.1), (0, 0, -1.6), m.planks(str(dice.choice(palette.woods)), 1.2), 0)
    else:
        mesh.move([mesh.box((24, 24, 0.1), (0, 0, -0.05), top, 0)], Matrix.Rotation(spin, 4, "Z"))
        if not table:
            mesh.box((24, 0.04, 0.22), (0, back - 0.02, 0.11), m.paint("white"), 0.01)
    upright = Matrix.Translation((0, far + 0.05, 4)) @ Matrix.Rotation(pi / 2, 4, "X")
    mesh.move([mesh.box((24, 14, 0.1), (0, 0, 0), wall, 0)], upright)
    if far > 0.5:
        _furniture(far, palette, dice)


def _furniture(far: float, palette: Palette, dice: Dice) -> None:
    """Up to two dim shapes along the wall: a cupboard, a bright window, a door, a shelf."""
    for _ in range(int(dice.integers(0, 3))):
        x, colour = float(dice.uniform(-2.4, 2.4)), str(dice.choice(palette.woods + palette.walls))
        kind = dice.choice(["cupboard", "window", "shelf"])
        if kind == "cupboard":
            high = float(dice.uniform(0.5, 2.2))
            mesh.box(
                (dice.uniform(0.7, 1.8), 0.4, high + 1.6),
                (x, far - 0.2, high / 2 - 0.8),
                m.paint(colour),
                0.02,
            )
        elif kind == "window":
            mesh.box((1.3, 0.06, 1.5), (x, far - 0.02, 1.5), m.paint("white"), 0.02)
            mesh.box((1.1, 0.06, 1.3), (x, far - 0.04, 1.5), m.glow("dfeaf5", 1.5), 0)
        else:
            z = float(dice.uniform(0.6, 1.8))
            mesh.box((1.4, 0.3, 0.05), (x, far - 0.15, z), m.paint(colour), 0.01)
            stack = props.books(dice)
            mesh.move(
                stack, Matrix.Translation((x + dice.uniform(-0.4, 0.4), far - 0.15, z + 0.03))
            )


def _clutter(seen: np.ndarray, subject: Subject, back: float, dice: Dice) -> None:
    """One to three other things, one of them sometimes partly in front of the subject."""
    low, high = seen.min(0), seen.max(0)
    half, tall = (high[0] - low[0]) / 2, high[2] - low[2]
    shrink = {"table": 1.0, "floor": 0.75}.get(subject.place, 0.8)
    if subject.place != "hanging" and dice.random() < 0.5:
        side, grown = float(dice.choice([-1, 1])), float(dice.uniform(0.8, 1.3)) * shrink
        parts = _prop(dice, grown)
        own = mesh.vertices(parts)
        # Never more than about half as tall as the subject: it must stay the main thing.
        squash = min(1.0, 0.55 * max(tall, 0.2) / own[:, 2].max())
        mesh.move(parts, Matrix.Scale(squash, 4))
        width = own[:, 0].max() * squash
        x = side * (half + width * float(dice.uniform(-0.1, 0.6)))
        mesh.move(parts, Matrix.Translation((x, low[1] - 0.12 - width, 0)))
    for _ in range(int(dice.integers(0, 3))):
        side, grown = float(dice.choice([-1, 1])), float(dice.uniform(0.9, 1.5)) * shrink
        parts = _prop(dice, grown)
        x = side * (half + 0.3 * grown + float(dice.uniform(0, 0.6)))
        y = -0.5 if subject.place == "wall" else float(dice.uniform(-0.1, max(back - 0.4, 0)))
        mesh.move(parts, Matrix.Translation((x, y, 0)))


def _prop(dice: Dice, scale: float) -> Parts:
    parts = props.CLUTTER[int(dice.integers(len(props.CLUTTER)))](dice)
    return mesh.move(
        parts, Matrix.Scale(scale, 4) @ Matrix.Rotation(float(dice.uniform(-pi, pi)), 4, "Z")
    )
