"""What the potter makes: one function a family, built from the piece's own measures.

Each stands on z = 0 about the origin with its handle or spout along x, and returns its parts.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
from mathutils import Matrix

from knowledge.demo.studio import materials as m
from knowledge.demo.studio.mesh import Parts, hollow, lathe, move, solid, tube
from knowledge.demo.studio.pieces import Piece


def aster_mug(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    foot = [
        (0, 0),
        (0.6 * r, 0),
        (0.6 * r, 0),
        (0.88 * r, 0.12 * h),
        (r, 0.4 * h),
        (0.97 * r, 0.75 * h),
    ]
    body = lathe(hollow([*foot, (0.93 * r, h)], 0.055), look, 90)
    grip = [(0.9 * r, 0, 0.8 * h), (1.35 * r, 0, 0.84 * h), (1.66 * r, 0, 0.58 * h)]
    handle = tube([*grip, (1.4 * r, 0, 0.26 * h), (0.88 * r, 0, 0.2 * h)], 0.06, look, flat=0.75)
    return [body, handle]


def tove_mug(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    outer = [
        (0, 0),
        (0.74 * r, 0),
        (0.74 * r, 0),
        (0.78 * r, 0.03 * h),
        (0.88 * r, 0.5 * h),
        (r, h),
    ]
    body = lathe(hollow(outer, 0.03), look, 90)
    top, low, out = 0.84 * h, 0.3 * h, 1.55 * r
    path = [
        (0.9 * r, 0, top),
        (out, 0, top),
        (out, 0, top),
        (out, 0, top),
        (out, 0, low),
        (out, 0, low),
    ]
    handle = tube([*path, (out, 0, low), (0.8 * r, 0, low)], 0.035, look, 48)
    return [body, handle]


def linden_bowl(p: Piece) -> Parts:
    r, h = p.radius, p.height
    outer = [
        (0, 0),
        (0.4 * r, 0),
        (0.4 * r, 0),
        (0.42 * r, 0.1 * h),
        (0.75 * r, 0.38 * h),
        (0.94 * r, 0.75 * h),
    ]
    return [lathe(hollow([*outer, (r, h)], 0.03), m.finish(p.colour, p.material), 90, 72)]


def linden_plate(p: Piece) -> Parts:
    r, h = p.radius, p.height
    outer = [(0, 0), (0.6 * r, 0), (0.6 * r, 0), (0.72 * r, 0.16 * h), (0.92 * r, 0.75 * h), (r, h)]
    return [lathe(hollow(outer, 0.016, 0.02), m.finish(p.colour, p.material), 90, 80)]


def fjord_vase(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    neck = 0.24 * r + 0.02
    outer = [(0, 0), (0.6 * r, 0), (0.6 * r, 0), (0.96 * r, 0.16 * h), (0.98 * r, 0.34 * h)]
    outer += [(0.55 * r, 0.55 * h), (neck, 0.72 * h), (neck, 0.9 * h), (neck * 1.6, h)]
    return [lathe(hollow(outer, 0.022), look, 100)]


def onda_vase(p: Piece) -> Parts:
    r, h = p.radius, p.height
    outer = [
        (0, 0),
        (0.5 * r, 0),
        (0.5 * r, 0),
        (0.85 * r, 0.2 * h),
        (r, 0.45 * h),
        (0.85 * r, 0.72 * h),
    ]
    outer += [(0.45 * r, 0.9 * h), (0.44 * r, 0.95 * h), (0.52 * r, h)]

    def rings(angle: np.ndarray, z: np.ndarray) -> np.ndarray:
        belly = np.clip(1 - abs(z / h - 0.45) / 0.4, 0, 1)
        return 1 + 0.022 * np.sin(z / h * 2 * pi * 13) * np.sqrt(belly) + 0 * angle

    return [lathe(hollow(outer, 0.03, count=110), m.finish(p.colour, p.material), 260, swell=rings)]


def hazel_teapot(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    side = [
        (0, 0),
        (0.55 * r, 0),
        (0.55 * r, 0),
        (0.92 * r, 0.2 * h),
        (r, 0.42 * h),
        (0.85 * r, 0.66 * h),
    ]
    body = lathe([*side, (0.5 * r, 0.8 * h), (0.46 * r, 0.81 * h), (0, 0.81 * h)], look)
    cap = [(0.49 * r, 0.79 * h), (0.48 * r, 0.83 * h), (0.28 * r, 0.89 * h), (0.08 * r, 0.91 * h)]
    lid = lathe([*cap, (0.12 * r, 0.97 * h), (0.08 * r, h), (0, h)], look)
    path = [
        (0.8 * r, 0, 0.34 * h),
        (1.25 * r, 0, 0.45 * h),
        (1.4 * r, 0, 0.66 * h),
        (1.62 * r, 0, 0.8 * h),
    ]
    spout = tube(path, [0.13, 0.09, 0.06, 0.05], look)
    loop = [(-0.85 * r, 0, 0.66 * h), (-1.35 * r, 0, 0.75 * h), (-1.6 * r, 0, 0.5 * h)]
    handle = tube([*loop, (-1.35 * r, 0, 0.24 * h), (-0.85 * r, 0, 0.24 * h)], 0.05, look, flat=0.7)
    return [body, lid, spout, handle]


def brook_jug(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    outer = [
        (0, 0),
        (0.75 * r, 0),
        (0.75 * r, 0),
        (r, 0.2 * h),
        (0.95 * r, 0.4 * h),
        (0.6 * r, 0.7 * h),
    ]
    outer += [(0.6 * r, 0.85 * h), (0.75 * r, h)]

    def lip(angle: np.ndarray, z: np.ndarray) -> np.ndarray:
        toward = np.exp(-((np.angle(np.exp(1j * angle)) / 0.45) ** 2))
        return 1 + 0.75 * toward * np.clip((z / h - 0.78) / 0.22, 0, 1) ** 1.6

    body = lathe(hollow(outer, 0.025), look, 100, swell=lip)
    grip = [(-0.58 * r, 0, 0.86 * h), (-1.2 * r, 0, 0.92 * h), (-1.55 * r, 0, 0.68 * h)]
    return [
        body,
        tube([*grip, (-1.3 * r, 0, 0.4 * h), (-0.92 * r, 0, 0.34 * h)], 0.035, look, flat=0.7),
    ]


def cellar_jar(p: Piece) -> Parts:
    r, h = p.radius, p.height
    top = 0.86 * h
    outer = [
        (0, 0),
        (0.92 * r, 0),
        (0.92 * r, 0),
        (r, 0.05 * h),
        (r, 0.3 * h),
        (r, 0.6 * h),
        (r, top),
    ]
    body = lathe(hollow(outer, 0.05), m.finish(p.colour, p.material), 90)
    edge = [
        (0, top),
        (1.02 * r, top),
        (1.02 * r, top),
        (1.03 * r, top + 0.02),
        (1.03 * r, 0.94 * h),
    ]
    lid = lathe([*edge, (0.98 * r, 0.96 * h), (0, 0.96 * h)], m.wood("oak"))
    knob = lathe(
        [
            (0.1 * r, 0.95 * h),
            (0.1 * r, h),
            (0.2 * r, 1.03 * h),
            (0.16 * r, 1.07 * h),
            (0, 1.07 * h),
        ],
        m.wood("oak"),
    )
    return [body, lid, knob]


def pebble_soap_dish(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    outer = [(0, 0), (0.6 * r, 0), (0.6 * r, 0), (0.88 * r, 0.35 * h), (r, h)]
    oval = Matrix.Diagonal((1, p.depth / p.width, 1, 1))
    dish = move([lathe(hollow(outer, 0.035), look, 80, 72)], oval)
    z = 0.3 * h
    ribs = [tube([(x, -0.24, z), (x, 0, z), (x, 0.24, z)], 0.025, look, 8) for x in (-0.2, 0, 0.2)]
    bar = lathe(
        [(0, 0), (0.29, 0), (0.34, 0.045), (0.34, 0.1), (0.29, 0.145), (0, 0.155)],
        m.paint("c3c27d", 0.5, 0.3),
        50,
    )
    return (
        dish
        + ribs
        + move([bar], Matrix.Translation((0, 0, 0.4 * h)) @ Matrix.Diagonal((1, 0.64, 1, 1)))
    )


def moss_planter(p: Piece) -> Parts:
    r, h = p.radius, p.height
    low = 0.62 * r if h / r > 1.5 else 0.7 * r
    outer = [
        (0, 0),
        (low, 0),
        (low, 0),
        (0.89 * r, 0.74 * h),
        (0.89 * r, 0.74 * h),
        (r, 0.76 * h),
        (r, 0.78 * h),
    ]
    pot = lathe(
        hollow([*outer, (r, 0.97 * h), (0.98 * r, h)], 0.05, count=60),
        m.finish(p.colour, p.material),
        110,
    )
    soil = lathe([(0.9 * r, 0.86 * h), (0.5 * r, 0.88 * h), (0, 0.89 * h)], m.clay("3a2a1d"))
    # The plant is the same height whatever the pot, so that the pot is what tells sizes apart.
    return [pot, soil, *_fern(r * 0.5, 0.88 * h, 0.42)]


def _fern(spread: float, base: float, reach: float) -> Parts:
    green, dice = m.paint("3c7a35", 0.5), np.random.default_rng(4)
    leaves = []
    for i in range(26):
        a, lean, long = i * 2.4, dice.uniform(0.2, 1.0), reach * dice.uniform(0.75, 1.15)
        t = np.linspace(0, 1, 9)[:, None]
        out = spread * 0.5 * lean + t * long * lean * 0.95
        rise = base - 0.01 + long * (t * 1.15 - lean * 0.8 * t**2)
        side = 0.055 * np.sin(np.pi * np.clip(t, 0.04, 0.97)) ** 0.7
        edge = (
            [out * cos(a) + s * side * sin(a) for s in (1, -1)],
            [out * sin(a) - s * side * cos(a) for s in (1, -1)],
        )
        verts = np.concatenate(
            [np.hstack([edge[0][k], edge[1][k], rise + 0.012 * k]) for k in (0, 1)]
        )
        leaves.append(solid(verts, [(j, j + 1, j + 10, j + 9) for j in range(8)], green))
    return leaves
