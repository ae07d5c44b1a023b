"""Lamps, furniture, cloth and what hangs on the wall: one function a family.

Each stands on z = 0 about the origin; wall pieces have their back on y = 0 and face -y.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
from mathutils import Matrix

from knowledge.demo.studio import materials as m
from knowledge.demo.studio.mesh import Parts, ball, box, lathe, move, stuffed, tube
from knowledge.demo.studio.pieces import Piece

UPRIGHT = Matrix.Rotation(pi / 2, 4, "X")  # turns what lies on the floor to face -y


def lumi_table_lamp(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.glaze(p.colour, 0.15)
    base = 0.58 * h
    tall = h / r > 3.7
    waist = (
        [(0.75 * r, 0.26 * base), (0.6 * r, 0.55 * base)]
        if not tall
        else [(0.42 * r, 0.2 * base), (0.5 * r, 0.6 * base)]
    )
    side = [
        (0, 0),
        (0.5 * r, 0),
        (0.5 * r, 0),
        *waist,
        (0.14 * r, 0.92 * base),
        (0.1 * r, base),
        (0, base),
    ]
    stem = tube(
        [(0, 0, base - 0.02), (0, 0, base + 0.05), (0, 0, 0.9 * h)], 0.015, m.metal("brass")
    )
    skirt = [(r, 0.56 * h), (0.66 * r, h), (0.65 * r, h), (0.98 * r, 0.565 * h)]
    return [lathe(side, look), stem, lathe([skirt[0], *skirt], m.glow("f3e6c8", 0.35), 60)]


def alder_floor_lamp(p: Piece) -> Parts:
    r, h = p.radius, p.height
    wood = m.finish(p.colour, p.material, "z")
    parts = []
    for turn in (0.5, 0.5 + 2 * pi / 3, 0.5 + 4 * pi / 3):
        foot = (1.05 * r * cos(turn), 1.05 * r * sin(turn), 0)
        hip = (0.1 * r * cos(turn), 0.1 * r * sin(turn), 0.72 * h)
        middle = tuple((a + b) / 2 for a, b in zip(foot, hip, strict=True))
        parts.append(tube([foot, middle, hip], [0.011, 0.016, 0.02], wood))
    parts.append(
        lathe([(0, 0.7 * h), (0.14 * r, 0.7 * h), (0.14 * r, 0.74 * h), (0, 0.74 * h)], wood)
    )
    parts.append(
        tube([(0, 0, 0.72 * h), (0, 0, 0.8 * h), (0, 0, 0.95 * h)], 0.008, m.metal("brass"))
    )
    dark = p.colour == "black"
    shade = m.cloth("black") if dark else m.glow("f1e8d4", 0.3)
    drum = [
        (r, 0.76 * h),
        (r, 0.76 * h),
        (0.88 * r, h),
        (0.88 * r, h),
        (0.86 * r, h),
        (0.98 * r, 0.765 * h),
    ]
    return [*parts, lathe(drum, shade, 50)]


def halo_pendant_lamp(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    dome = [
        (r, 0),
        (0.98 * r, 0.16 * h),
        (0.82 * r, 0.45 * h),
        (0.45 * r, 0.72 * h),
        (0.2 * r, 0.8 * h),
        (0.13 * r, h),
    ]
    outside = lathe([*dome, (0, h)], look)
    lining = [(x - 0.015, max(z - 0.015, 0)) for x, z in dome[:4]]
    inside = lathe([dome[0], *lining, (0, 0.74 * h)], m.paint("white", 0.5))
    bulb = ball(0.1, (0, 0, 0.3 * h), m.glow("ffe2ad", 4))
    cord = tube([(0, 0, h - 0.02), (0, 0, 1.8), (0, 0, 4)], 0.012, m.paint("black"))
    cord["unframed"] = True
    return [outside, inside, bulb, cord]


def pike_stool(p: Piece) -> Parts:
    r, h = p.radius, p.height
    wood, legs_wood = (m.finish(p.colour, p.material, axis) for axis in "xz")
    seat_low = h - 0.07
    dish = [
        (0, seat_low),
        (0.9 * r, seat_low),
        (r, seat_low + 0.025),
        (r, h - 0.01),
        (0.94 * r, h),
        (0, h - 0.02),
    ]
    parts = [lathe(dish, wood)]
    feet = []
    for turn in np.arange(4) * pi / 2 + pi / 4:
        foot = np.array([1.0 * r * cos(turn), 1.0 * r * sin(turn), 0])
        hip = np.array([0.6 * r * cos(turn), 0.6 * r * sin(turn), seat_low + 0.01])
        feet.append((foot, hip))
        parts.append(tube([foot, (foot + hip) / 2, hip], [0.024, 0.034, 0.036], legs_wood))
    for i, share in enumerate((0.3, 0.42, 0.3, 0.42)):
        a, b = (foot + (hip - foot) * share for foot, hip in (feet[i], feet[(i + 1) % 4]))
        parts.append(tube([a, (a + b) / 2, b], [0.016, 0.022, 0.016], wood))
    return parts


def tarn_side_table(p: Piece) -> Parts:
    r, h = p.radius, p.height
    look, upright = (m.finish(p.colour, p.material, axis) for axis in "xz")
    top = h - 0.06
    rim = [
        (0, top),
        (0.98 * r, top),
        (r, top),
        (r, h),
        (r, h),
        (0.975 * r, h),
        (0.97 * r, top + 0.025),
        (0, top + 0.025),
    ]
    parts = [lathe([x for x in rim for _ in (0, 1)], look, 100, 80)]
    for turn in np.arange(3) * 2 * pi / 3 + 0.4:
        x, y = cos(turn) * r * 0.82, sin(turn) * r * 0.82
        parts.append(
            tube(
                [(x * 1.1, y * 1.1, 0), (x * 1.05, y * 1.05, top / 2), (x, y, top + 0.01)],
                0.022,
                upright,
            )
        )
    ring = [(0.86 * r * cos(a), 0.86 * r * sin(a), 0.16 * h) for a in np.linspace(0, 2 * pi, 25)]
    return [*parts, tube(ring, 0.014, look, 73, closed=True)]


def hora_wall_clock(p: Piece) -> Parts:
    r, deep, black = p.radius, p.height, m.paint("black")
    frame = [
        (0.9 * r, 0),
        (r, 0),
        (r, 0),
        (r, deep * 0.8),
        (0.96 * r, deep),
        (0.9 * r, deep),
        (0.87 * r, 0.5 * deep),
    ]
    rim = lathe(frame, m.finish(p.colour, p.material), 60, 80)
    face = lathe(
        [(0, 0.45 * deep), (0.5 * r, 0.45 * deep), (0.9 * r, 0.45 * deep)], m.paint("white")
    )
    z, parts = 0.47 * deep, [rim, face]
    for hour in range(12):
        long = 0.13 * r if hour % 3 == 0 else 0.07 * r
        mark = box((0.03 * r, long, 0.01), (0, 0.8 * r - long / 2, z), black, 0)
        parts += move([mark], Matrix.Rotation(hour * pi / 6, 4, "Z"))
    for turn, long, wide in ((0.95, 0.46 * r, 0.05 * r), (-1.05, 0.7 * r, 0.035 * r)):
        hand = box((wide, long, 0.008), (0, long * 0.42, z + 0.02), black, 0)
        parts += move([hand], Matrix.Rotation(turn, 4, "Z"))
    parts.append(ball((0.05 * r, 0.05 * r, 0.02), (0, 0, z + 0.03), black))
    return move(parts, Matrix.Translation((0, 0, r)) @ UPRIGHT)


def vista_picture_frame(p: Piece) -> Parts:
    # Printed measures are width, height and depth as it hangs.
    w, h, wide = p.width, p.depth, 0.065
    across, up = (m.finish(p.colour, p.material, axis) for axis in "xy")
    deep = p.height
    parts = [
        box((w, wide, deep), (0, s * (h - wide) / 2, deep / 2), across, 0.006) for s in (1, -1)
    ]
    parts += [
        box((wide, h - 2 * wide, deep), (s * (w - wide) / 2, 0, deep / 2), up, 0.006)
        for s in (1, -1)
    ]
    parts.append(box((w - wide, h - wide, 0.01), (0, 0, 0.4 * deep), m.paint("f4f1ea", 0.7), 0))
    z = 0.42 * deep
    sheet = box((0.6 * w, 0.64 * h, 0.008), (0, 0, z), m.paint("d8cdb8", 0.7), 0)
    hill = m.paint("5c7a6a", 0.7)
    parts += [
        sheet,
        ball((0.1 * w, 0.1 * w, 0.006), (0.1 * w, 0.14 * h, z + 0.004), m.paint("cf6a3a", 0.7)),
    ]
    parts += [box((0.6 * w, 0.16 * h, 0.008), (0, -0.24 * h, z + 0.004), hill, 0)]
    parts += [ball((0.16 * w, 0.12 * h, 0.004), (-0.13 * w, -0.15 * h, z + 0.003), hill)]
    return move(parts, Matrix.Translation((0, 0, h / 2)) @ UPRIGHT)


def perch_coat_hook(p: Piece) -> Parts:
    # Printed measures are width, height and depth as it hangs.
    w, h, deep = p.width, p.depth * 1.2, p.height * 1.1
    wood, peg_wood = (m.finish(p.colour, p.material, axis) for axis in "xz")
    parts = [box((w, h, 0.035), (0, 0, 0.0175), wood, 0.01)]
    turned = [
        (0.032, 0),
        (0.026, 0.02),
        (0.018, 0.05),
        (0.02, 0.75 * deep),
        (0.042, 0.88 * deep),
        (0.036, deep),
        (0, deep),
    ]
    for i in range(5):
        peg = lathe(turned, peg_wood, 40, 24)
        tip = Matrix.Rotation(-0.25, 4, "X")
        parts += move([peg], Matrix.Translation(((i - 2) * 0.2 * w, -0.01, 0.02)) @ tip)
    return move(parts, Matrix.Translation((0, 0, h / 2)) @ UPRIGHT)


def reed_basket(p: Piece) -> Parts:
    r, h, look = p.radius, p.height, m.finish(p.colour, p.material)
    rows = max(5, round(h / 0.075))
    stakes = 22
    outer = [(0.84 * r, 0), (0.93 * r, 0.4 * h), (r, h)]

    def weave(angle: np.ndarray, z: np.ndarray) -> np.ndarray:
        row = np.floor(np.clip(z / h, 0, 0.999) * rows)
        strand = np.abs(np.sin(np.clip(z / h, 0, 1) * rows * pi)) ** 0.6
        return 1 + 0.035 * strand + 0.04 * strand * np.cos(angle * stakes + row * pi)

    wall = lathe(outer, look, rows * 7 + 1, stakes * 8, swell=weave)
    inside = lathe([(0, 0.03), (0.75 * r, 0.03), (0.84 * r, 0.1 * h), (0.96 * r, h)], look)
    a = np.linspace(0, 2 * pi, 40)
    rim = tube(
        np.stack([1.02 * r * np.cos(a), 1.02 * r * np.sin(a), 0 * a + h], -1),
        0.03,
        look,
        120,
        closed=True,
    )
    parts = [wall, inside, rim]
    for s in (1, -1):
        loop = [
            (s * 1.03 * r, -0.16, h - 0.05),
            (s * 1.1 * r, -0.13, h + 0.1),
            (s * 1.12 * r, 0, h + 0.14),
        ]
        parts.append(
            tube([*loop, (s * 1.1 * r, 0.13, h + 0.1), (s * 1.03 * r, 0.16, h - 0.05)], 0.026, look)
        )
    return parts


def fell_armchair(p: Piece) -> Parts:
    w, d, h, wool = p.width, p.depth, p.height, m.cloth(p.colour)
    legs = m.wood("oak", "z")
    parts = []
    for sx in (1, -1):
        for sy in (1, -1):
            top, foot = (sx * 0.36 * w, sy * 0.34 * d, 0.2), (sx * 0.42 * w, sy * 0.41 * d, 0)
            middle = tuple((a + b) / 2 for a, b in zip(top, foot, strict=True))
            parts.append(tube([foot, middle, top], [0.02, 0.028, 0.034], legs))
        parts.append(box((0.15, 0.8 * d, 0.4), (sx * (w / 2 - 0.075), -0.02, 0.4), wool, 0.07, 5))
    parts.append(box((0.86 * w, 0.84 * d, 0.16), (0, 0, 0.24), wool, 0.05, 5))
    back = box((0.98 * w, 0.19, 0.82 * h), (0, 0, 0), wool, 0.09, 6)
    parts += move(
        [back], Matrix.Translation((0, 0.36 * d, 0.57 * h)) @ Matrix.Rotation(-0.14, 4, "X")
    )
    parts.append(stuffed((0.66 * w, 0.72 * d, 0.24), (0, -0.07, 0.38), wool, 0.3))
    return parts


def nappe_cushion(p: Piece) -> Parts:
    leaning = Matrix.Translation((0, 0, 0.47)) @ Matrix.Rotation(1.2, 4, "X")
    return move(
        [
            stuffed(
                (p.width, p.depth, p.height * 1.15), (0, 0, 0), m.finish(p.colour, p.material), 0.42
            )
        ],
        leaning,
    )
