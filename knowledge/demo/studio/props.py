"""Things that are not for sale: neutral clutter around a product, and photos of foreign objects."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

import numpy as np
from mathutils import Matrix, Vector
from numpy.random import Generator as Dice

from knowledge.demo.studio import materials as m
from knowledge.demo.studio.mesh import Parts, ball, box, hollow, lathe, move, sawn, tube

DULL = ["7d6f62", "5f6b73", "8a8578", "b9b1a2", "4a4640", "8c5a4a", "6a7a66", "3d4656", "c8c2b6"]
RUBBER = "1d1d20"


def _dull(dice: Dice) -> m.bpy.types.Material:
    return m.paint(str(dice.choice(DULL)), 0.6)


def books(dice: Dice) -> Parts:
    z, parts = 0.0, []
    for _ in range(int(dice.integers(2, 5))):
        w, d, h = dice.uniform(0.42, 0.55), dice.uniform(0.3, 0.38), dice.uniform(0.04, 0.09)
        cover = _dull(dice)
        book = [box((w, d, 0.008), (0, 0, s), cover, 0.003) for s in (0.004, h - 0.004)]
        book.append(box((0.01, d, h), (-w / 2, 0, h / 2), cover, 0.004))
        book.append(box((w - 0.03, d - 0.03, h - 0.014), (0, 0, h / 2), m.paint("cream", 0.9), 0))
        parts += move(
            book, Matrix.Translation((0, 0, z)) @ Matrix.Rotation(dice.normal(0, 0.2), 4, "Z")
        )
        z += h
    return parts


def carton(dice: Dice) -> Parts:
    size = dice.uniform((0.25, 0.2, 0.2), (0.5, 0.4, 0.5))
    brown = m.paint("a98355", 0.8)
    tape = box(
        (size[0] * 1.004, 0.06, size[2] * 1.004), (0, 0, size[2] / 2), m.paint("c6a878", 0.4), 0
    )
    return [box(size, (0, 0, size[2] / 2), brown, 0.006), tape]


def fruit(dice: Dice) -> Parts:
    skins = ["d88a1c", "9db04a", "b5462c", "d6bd3a"]
    skin = m.paint(str(dice.choice(skins)), 0.4)
    parts = []
    for _ in range(int(dice.integers(1, 4))):
        x, y = dice.uniform(-0.16, 0.16, 2)
        parts.append(ball((0.11, 0.11, 0.1), (x, y, 0.1), skin))
    return parts


def phone(dice: Dice) -> Parts:
    case = box((0.2, 0.42, 0.022), (0, 0, 0.011), _dull(dice), 0.01)
    return [case, box((0.185, 0.4, 0.003), (0, 0, 0.023), m.paint("black", 0.08), 0)]


def bottle(dice: Dice) -> Parts:
    h = dice.uniform(0.6, 0.95)
    side = [(0, 0), (0.12, 0), (0.12, 0), (0.125, 0.55 * h), (0.05, 0.78 * h), (0.04, h), (0, h)]
    return [lathe(side, m.paint(str(dice.choice(DULL)), 0.25))]


def ream(dice: Dice) -> Parts:
    h = dice.uniform(0.02, 0.1)
    return [box((0.42, 0.58, h), (0, 0, h / 2), m.paint("e8e4da", 0.9), 0.002)]


def towel(dice: Dice) -> Parts:
    stuff, layers = m.cloth(str(dice.choice(DULL))), int(dice.integers(2, 5))
    return [
        box((0.5, 0.36, 0.065), (0, 0, 0.033 + 0.06 * i), stuff, 0.03, 5) for i in range(layers)
    ]


def yarn(dice: Dice) -> Parts:
    return [ball(dice.uniform(0.1, 0.17), (0, 0, 0.13), m.cloth(str(dice.choice(DULL)), 140))]


CLUTTER = [books, carton, fruit, phone, bottle, ream, towel, yarn]


def football(dice: Dice) -> Parts:
    parts = [ball(0.5, (0, 0, 0.5), m.paint("white", 0.4))]
    g = (1 + 5**0.5) / 2
    corners = [np.roll((0, a, b * g), k) for k in range(3) for a in (1, -1) for b in (1, -1)]
    black = m.paint("black", 0.4)
    for corner in corners:
        out = np.asarray(corner, float) / np.linalg.norm(corner)
        spot = lathe([(0.18, -0.05), (0.175, 0.0), (0.1, 0.018), (0, 0.025)], black, 12, 5)
        turn = Vector(out).to_track_quat("Z", "Y").to_matrix().to_4x4()
        parts += move(
            [spot], Matrix.Translation((0, 0, 0.5)) @ turn @ Matrix.Translation((0, 0, 0.478))
        )
    return parts


def umbrella(dice: Dice) -> Parts:
    def ribs(angle: np.ndarray, z: np.ndarray) -> np.ndarray:
        return 1 - 0.09 * np.abs(np.sin(angle * 4)) * np.clip((1 - z) / 0.35, 0, 1)

    dome = [
        (0.62, 0.62),
        (0.5, 0.8),
        (0.3, 0.93),
        (0.1, 0.985),
        (0, 1.0),
        (0.1, 0.97),
        (0.3, 0.91),
        (0.6, 0.61),
    ]
    canopy = lathe(dome, m.cloth("6a2f7a"), 60, 96, ribs)
    stick = tube(
        [(0, 0, 1.08), (0, 0, 0.5), (0, 0, 0.12), (0.06, 0, 0.02), (0.14, 0, 0.1)],
        0.016,
        m.metal("steel"),
        60,
    )
    lying = (
        Matrix.Translation((0, 0, 0.5))
        @ Matrix.Rotation(1.9, 4, "Y")
        @ Matrix.Translation((0, 0, -0.75))
    )
    return move([canopy, stick], lying)


def hammer(dice: Dice) -> Parts:
    steel = m.metal("steel", 0.35)
    handle = tube(
        [(-0.45, 0, 0.07), (-0.2, 0, 0.07), (0.45, 0, 0.07)],
        [0.042, 0.045, 0.03],
        m.wood("oak"),
        flat=0.7,
    )
    grip = tube(
        [(-0.5, 0, 0.07), (-0.3, 0, 0.07), (-0.15, 0, 0.07)],
        [0.05, 0.055, 0.045],
        m.paint("c22a1e"),
    )
    head = tube(
        [(0.45, -0.2, 0.07), (0.45, -0.12, 0.07), (0.45, 0.08, 0.07)],
        [0.075, 0.06, 0.055],
        steel,
        sides=24,
    )
    claw = tube(
        [(0.45, 0.05, 0.07), (0.45, 0.2, 0.075), (0.4, 0.3, 0.04)],
        [0.05, 0.04, 0.012],
        steel,
        flat=0.7,
    )
    return [handle, grip, head, claw]


def shoe(dice: Dice) -> Parts:
    t = np.linspace(0, 2 * pi, 40, endpoint=False)
    wide = 0.17 + 0.035 * np.cos(t)
    outline = np.stack([0.5 * np.cos(t), wide * np.sin(t) * (1 - 0.15 * np.cos(2 * t))], -1)
    sole = sawn(outline, [], 0.09, m.paint("white", 0.6))
    canvas = m.cloth("2c4fb0")
    toe = ball((0.36, 0.165, 0.165), (0.12, 0, 0.1), canvas)
    heel = lathe(hollow([(0.165, 0), (0.165, 0.08), (0.145, 0.18), (0.15, 0.23)], 0.02), canvas)
    heel = move([heel], Matrix.Translation((-0.24, 0, 0.06)) @ Matrix.Diagonal((1.35, 1, 1, 1)))[0]
    tongue = box((0.26, 0.17, 0.03), (0, 0, 0), canvas, 0.014, 4)
    move([tongue], Matrix.Translation((0.0, 0, 0.26)) @ Matrix.Rotation(0.65, 4, "Y"))
    laces = [
        tube([(x, -0.1, z - 0.03), (x, 0, z + 0.025), (x, 0.1, z - 0.03)], 0.014, m.paint("white"))
        for x, z in ((0.04, 0.28), (0.11, 0.26), (0.18, 0.24))
    ]
    return [sole, toe, heel, tongue, *laces]


def guitar(dice: Dice) -> Parts:
    t = np.linspace(0, 2 * pi, 72, endpoint=False)
    x = -0.28 + 0.235 * np.cos(t)
    y = np.sin(t) * (0.185 - 0.03 * np.cos(t) - 0.045 * np.exp(-(((np.cos(t) - 0.25) / 0.3) ** 2)))
    body = sawn(np.stack([x, y], -1), [], 0.1, m.wood("c9873a"))
    hole = lathe([(0.062, 0.1), (0.062, 0.102), (0, 0.102)], m.paint("black"))
    move([hole], Matrix.Translation((-0.2, 0, 0)))
    dark = m.wood("walnut")
    parts = [
        body,
        hole,
        box((0.5, 0.055, 0.03), (0.13, 0, 0.11), dark),
        box((0.14, 0.08, 0.025), (0.43, 0, 0.1), dark),
    ]
    parts.append(box((0.03, 0.17, 0.02), (-0.4, 0, 0.11), dark))
    wire = m.metal("steel")
    parts += [
        tube([(-0.4, k, 0.127), (0, k, 0.13), (0.42, k, 0.128)], 0.0025, wire)
        for k in np.linspace(-0.02, 0.02, 6)
    ]
    stand = (
        Matrix.Rotation(pi / 2, 4, "Z")
        @ Matrix.Translation((0, 0, 0.5))
        @ Matrix.Rotation(-1.35, 4, "Y")
    )
    return move(parts, stand)


def laptop(dice: Dice) -> Parts:
    alloy, dark = m.metal("steel", 0.45), m.paint("black", 0.3)
    parts = [
        box((1, 0.68, 0.03), (0, 0, 0.015), alloy, 0.012),
        box((0.84, 0.3, 0.004), (0, 0.1, 0.031), dark, 0),
    ]
    parts += [box((0.3, 0.19, 0.003), (0, -0.2, 0.031), m.metal("grey", 0.5), 0)]
    lid = [
        box((1, 0.02, 0.66), (0, 0, 0.33), alloy, 0.009),
        box((0.95, 0.004, 0.6), (0, -0.011, 0.335), m.glow("4f7fc0", 0.8), 0),
    ]
    return parts + move(lid, Matrix.Translation((0, 0.34, 0.025)) @ Matrix.Rotation(-0.3, 4, "X"))


def wheel(dice: Dice) -> Parts:
    a = np.linspace(0, 2 * pi, 49)
    ring = np.stack([np.cos(a), np.sin(a), 0 * a], -1)
    steel = m.metal("steel")
    parts = [
        tube(ring * 0.47, 0.03, m.paint(RUBBER), 97, closed=True),
        tube(ring * 0.43, 0.015, steel, 97, closed=True),
    ]
    parts.append(lathe([(0, -0.06), (0.035, -0.06), (0.035, 0.06), (0, 0.06)], steel))
    for i in range(24):
        k = i * pi / 12
        hub = (0.03 * cos(k + 1.2), 0.03 * sin(k + 1.2), 0.04 * (-1) ** i)
        parts.append(
            tube(
                [hub, (0.2 * cos(k), 0.2 * sin(k), 0.01), (0.43 * cos(k), 0.43 * sin(k), 0)],
                0.004,
                steel,
                5,
                sides=5,
            )
        )
    return move(parts, Matrix.Translation((0, 0, 0.5)) @ Matrix.Rotation(pi / 2 - 0.1, 4, "X"))


def toy_car(dice: Dice) -> Parts:
    red, black = m.paint("cf1b1b", 0.2, 1.0), m.paint(RUBBER)
    parts = [
        box((1, 0.46, 0.2), (0, 0, 0.22), red, 0.08, 5),
        box((0.52, 0.4, 0.22), (-0.04, 0, 0.38), red, 0.09, 5),
    ]
    parts += [
        box((0.535, 0.32, 0.12), (-0.04, 0, 0.385), m.paint("2a3440", 0.1), 0.03),
        box((0.36, 0.41, 0.11), (-0.04, 0, 0.385), m.paint("2a3440", 0.1), 0.03),
    ]
    for x in (-0.3, 0.3):
        for y in (-0.23, 0.23):
            tyre = lathe(
                [(0, -0.05), (0.1, -0.05), (0.13, -0.04), (0.13, 0.04), (0.1, 0.05), (0, 0.05)],
                black,
            )
            cap = lathe([(0.06, -0.055), (0.06, 0.055), (0, 0.055)], m.metal("steel"))
            parts += move(
                [tyre, cap],
                Matrix.Translation((x, y, 0.13)) @ Matrix.Rotation(-pi / 2 * np.sign(y), 4, "X"),
            )
    parts += [ball(0.04, (0.48, y, 0.24), m.glow("fff3c8", 0.6)) for y in (-0.15, 0.15)]
    return parts


def dumbbell(dice: Dice) -> Parts:
    iron = m.paint("2a2b2e", 0.5)
    parts = [tube([(-0.4, 0, 0.2), (0, 0, 0.2), (0.4, 0, 0.2)], 0.045, m.metal("steel"))]
    for x in (-0.4, 0.4):
        disc = lathe(
            [(0, -0.11), (0.2, -0.11), (0.2, -0.11), (0.2, 0.11), (0.2, 0.11), (0, 0.11)],
            iron,
            24,
            6,
        )
        parts += move([disc], Matrix.Translation((x, 0, 0.175)) @ Matrix.Rotation(pi / 2, 4, "Y"))
    return parts


def headphones(dice: Dice) -> Parts:
    a = np.linspace(-0.1, pi + 0.1, 20)
    band = tube(
        np.stack([0.4 * np.cos(a), 0 * a, 0.3 + 0.5 * np.sin(a)], -1),
        0.04,
        m.paint("2a2a2e"),
        60,
        flat=0.5,
    )
    parts = [band]
    for s in (1, -1):
        pad = lathe(
            [(0, 0), (0.12, 0), (0.19, 0.02), (0.2, 0.07), (0.17, 0.12), (0.1, 0.11), (0, 0.1)],
            m.paint(RUBBER, 0.7),
        )
        cup = lathe([(0, -0.06), (0.14, -0.05), (0.18, 0.01)], m.paint("c9ccd1", 0.3))
        parts += move(
            [pad, cup],
            Matrix.Translation((s * 0.42, 0, 0.2)) @ Matrix.Rotation(-s * pi / 2, 4, "Y"),
        )
    return parts


def traffic_cone(dice: Dice) -> Parts:
    orange, white = m.paint("f05a10", 0.5), m.paint("white", 0.4)
    parts = [box((0.62, 0.62, 0.06), (0, 0, 0.03), orange, 0.03)]
    parts.append(lathe([(0.25, 0.05), (0.16, 0.5), (0.06, 1.0), (0.04, 1.0), (0, 0.99)], orange))
    return [
        *parts,
        lathe([(0.2, 0.36), (0.152, 0.58)], white, 8),
        lathe([(0.123, 0.7), (0.094, 0.84)], white, 8),
    ]


def book_stack(dice: Dice) -> Parts:
    parts, z = [], 0.0
    for colour, h in (("2d4f7a", 0.13), ("9c2f2f", 0.09), ("2f6e55", 0.16), ("d9a521", 0.07)):
        cover = m.paint(colour, 0.5)
        book = [box((0.9, 0.62, 0.014), (0, 0, k), cover, 0.005) for k in (0.007, h - 0.007)]
        book += [
            box((0.016, 0.62, h), (-0.45, 0, h / 2), cover),
            box((0.86, 0.58, h - 0.02), (0, 0, h / 2), m.paint("cream"), 0),
        ]
        parts += move(
            book, Matrix.Translation((0, 0, z)) @ Matrix.Rotation(dice.normal(0, 0.12), 4, "Z")
        )
        z += h
    return parts


FOREIGN: dict[str, Callable[[Dice], Parts]] = {
    "football": football,
    "umbrella": umbrella,
    "hammer": hammer,
    "shoe": shoe,
    "guitar": guitar,
    "laptop": laptop,
    "bicycle-wheel": wheel,
    "toy-car": toy_car,
    "dumbbell": dumbbell,
    "headphones": headphones,
    "traffic-cone": traffic_cone,
    "books": book_stack,
}
