"""Metal, glass and wood for the table: one function a family, built from the piece's measures.

Each stands on z = 0 about the origin with its handle or spout along x, and returns its parts.
"""

from __future__ import annotations

from math import pi

import numpy as np
from mathutils import Matrix

from knowledge.demo.studio import materials as m
from knowledge.demo.studio.mesh import Parts, ball, box, hollow, lathe, move, rounded, sawn, tube
from knowledge.demo.studio.pieces import Piece


def bruno_kettle(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    side = [
        (0, 0),
        (0.9 * r, 0),
        (0.9 * r, 0),
        (r, 0.06 * h),
        (0.97 * r, 0.25 * h),
        (0.75 * r, 0.48 * h),
    ]
    body = lathe([*side, (0.42 * r, 0.58 * h), (0.36 * r, 0.6 * h), (0, 0.6 * h)], look)
    lid = lathe(
        [(0.37 * r, 0.59 * h), (0.36 * r, 0.62 * h), (0.2 * r, 0.65 * h), (0, 0.66 * h)], look
    )
    dark = m.wood("walnut", "x")
    knob = ball((0.1 * r, 0.1 * r, 0.08 * r), (0, 0, 0.7 * h), dark)
    path = [
        (0.75 * r, 0, 0.22 * h),
        (1.15 * r, 0, 0.34 * h),
        (1.3 * r, 0, 0.5 * h),
        (1.52 * r, 0, 0.6 * h),
    ]
    spout = tube(path, [0.13, 0.085, 0.065, 0.055], look)
    steel = m.metal("steel")
    arms = [(-0.72 * r, 0, 0.42 * h), (-0.85 * r, 0, 0.7 * h), (-0.55 * r, 0, 0.97 * h)]
    bow = tube(
        [*arms, (0.55 * r, 0, 0.97 * h), (0.85 * r, 0, 0.7 * h), (0.72 * r, 0, 0.42 * h)],
        0.02,
        steel,
    )
    ends = [(-0.52 * r, 0, 0.98 * h), (0, 0, 1.03 * h), (0.52 * r, 0, 0.98 * h)]
    return [body, lid, knob, spout, bow, tube(ends, [0.035, 0.05, 0.035], dark)]


def pantry_jar(p: Piece) -> Parts:
    r, h, clear = p.radius, p.height, m.glass()
    top = h - 0.3 * r
    side = [(r, z) for z in np.linspace(0.1 * r, top - 0.3 * r, 4)]
    outer = [(0, 0), (0.9 * r, 0), (0.9 * r, 0), *side]
    outer += [(0.97 * r, top - 0.15 * r), (0.86 * r, top - 0.05 * r), (0.88 * r, top)]
    jar = lathe(hollow(outer, 0.05 * r, count=60), clear, 120)
    cork = [
        (0, top - 0.25 * r),
        (0.76 * r, top - 0.25 * r),
        (0.78 * r, top),
        (0.9 * r, top + 0.02 * r),
    ]
    lid = lathe(
        [*cork, (0.94 * r, h - 0.04 * r), (0.9 * r, h), (0.9 * r, h), (0, h)], m.clay("cork")
    )
    return [jar, lid]


def ember_candle_holder(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    foot = [(0, 0), (r, 0), (r, 0), (r, 0.03), (0.8 * r, 0.05), (0.3 * r, 0.08), (0.13 * r, 0.14)]
    if h / r > 4:
        # Only the tall one has turned rings in its stem.
        for share in (0.3, 0.48, 0.66):
            foot += [
                (0.13 * r, (share - 0.05) * h),
                (0.36 * r, share * h),
                (0.13 * r, (share + 0.05) * h),
            ]
    cup = [(0.13 * r, 0.78 * h), (0.24 * r, 0.86 * h), (0.34 * r, h), (0.26 * r, h), (0, 0.98 * h)]
    stem = lathe([*foot, *cup], look, 160)
    top = h + 0.55
    stick = [
        (0.2 * r, 0.95 * h),
        (0.2 * r, h),
        (0.16 * r, top),
        (0.1 * r, top + 0.02),
        (0, top + 0.01),
    ]
    candle = lathe(stick, m.paint("cream", 0.6))
    wick = tube(
        [(0, 0, top), (0.005, 0, top + 0.02), (0.02, 0, top + 0.05)], 0.007, m.paint("black")
    )
    return [stem, candle, wick]


def grind_pepper_mill(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material, "z")
    low = [
        (0, 0),
        (0.95 * r, 0),
        (0.95 * r, 0),
        (r, 0.04 * h),
        (0.85 * r, 0.2 * h),
        (0.55 * r, 0.42 * h),
    ]
    body = lathe(
        [*low, (0.7 * r, 0.6 * h), (0.85 * r, 0.66 * h), (0.8 * r, 0.69 * h), (0.5 * r, 0.7 * h)],
        look,
        90,
    )
    cap = [(0.5 * r, 0.69 * h), (0.75 * r, 0.71 * h), (0.92 * r, 0.8 * h), (0.75 * r, 0.9 * h)]
    head = lathe([*cap, (0.3 * r, 0.94 * h), (0, 0.95 * h)], look)
    return [body, head, ball(0.2 * r, (0, 0, 0.97 * h), m.metal("steel"))]


def rill_tumbler(p: Piece) -> Parts:
    r, h = p.radius, p.height
    outer = [(0, 0), (0.78 * r, 0), (0.78 * r, 0), (0.82 * r, 0.03 * h), (0.9 * r, 0.5 * h), (r, h)]

    def flutes(angle: np.ndarray, z: np.ndarray) -> np.ndarray:
        return 1 + 0.02 * np.cos(angle * 14) * np.clip((0.8 - z / h) * 4, 0, 1)

    return [lathe(hollow(outer, 0.045, 0.13), m.glass(p.colour), 90, 112, swell=flutes)]


def dew_watering_can(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    top = 0.8 * h
    side = [
        (0, 0),
        (r, 0),
        (r, 0),
        (r, 0.02),
        (0.92 * r, 0.45 * h),
        (0.72 * r, top),
        (0.72 * r, top),
    ]
    body = lathe(
        [*side, (0.66 * r, top + 0.02), (0.6 * r, top - 0.02), (0.55 * r, top - 0.02)], look
    )
    inside = lathe(
        [(0.6 * r, top - 0.03), (0.3 * r, top - 0.05), (0, top - 0.05)], m.paint("black")
    )
    path = [
        (0.8 * r, 0, 0.16 * h),
        (1.6 * r, 0, 0.3 * h),
        (2.3 * r, 0, 0.72 * h),
        (2.75 * r, 0, 1.05 * h),
    ]
    spout = tube([*path, (2.95 * r, 0, 1.1 * h)], [0.075, 0.045, 0.032, 0.028, 0.036], look)
    loop = [
        (0.5 * r, 0, top - 0.02),
        (0.3 * r, 0, 1.12 * h),
        (-0.5 * r, 0, 1.2 * h),
        (-1.35 * r, 0, 0.95 * h),
    ]
    handle = tube([*loop, (-1.45 * r, 0, 0.6 * h), (-0.9 * r, 0, 0.26 * h)], 0.026, look, 40)
    return [body, inside, spout, handle]


def birk_tray(p: Piece) -> Parts:
    w, d, h, look = p.width, p.depth, p.height, m.finish(p.colour, p.material)
    wall, parts = 0.03, [box((w, d, 0.03), (0, 0, 0.015), m.finish(p.colour, p.material), 0.008)]
    parts += [box((w, wall, 0.75 * h), (0, s * (d - wall) / 2, 0.375 * h), look) for s in (1, -1)]
    side = m.finish(p.colour, p.material, "x")
    slot = rounded(0.26, 0.05, 0.024) + np.array([0, 0.1 * h])
    for s in (1, -1):
        end = sawn(rounded(d, 1.15 * h, 0.05), [slot], wall, side)
        turn = Matrix.Rotation(pi / 2, 4, "Z") @ Matrix.Rotation(pi / 2, 4, "X")
        parts += move(
            [end], Matrix.Translation((s * (w - wall) / 2 - wall / 2, 0, 0.575 * h)) @ turn
        )
    return parts


def plank_cutting_board(p: Piece) -> Parts:
    w, d = p.width, p.depth
    neck, body = 0.11, w - 0.3
    # Blade, shoulders and handle run along x; the hole is drilled through the handle's end.
    half = [
        (-w / 2, 0),
        (-w / 2, d / 2 - 0.05),
        (-w / 2 + 0.015, d / 2 - 0.015),
        (-w / 2 + 0.05, d / 2),
    ]
    x = -w / 2 + body
    half += [
        (x - 0.06, d / 2),
        (x - 0.02, d / 2 - 0.015),
        (x, d / 2 - 0.05),
        (x + 0.02, neck / 2 + 0.03),
    ]
    half += [
        (x + 0.06, neck / 2),
        (w / 2 - 0.06, neck / 2),
        (w / 2 - 0.015, neck / 2 - 0.03),
        (w / 2, 0),
    ]
    outline = half + [(px, -py) for px, py in half[-2:0:-1]]
    a = np.linspace(0, 2 * pi, 20, endpoint=False)
    hole = np.stack([w / 2 - 0.065 + 0.024 * np.cos(a), 0.024 * np.sin(a)], -1)
    return [sawn(outline, [hole], p.height, m.finish(p.colour, p.material))]
