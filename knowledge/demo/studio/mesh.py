"""The few ways of making a solid that all shapes share: turn it, bend it, saw it, stuff it.

Every function links one new object to the scene and returns it, standing where its numbers say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi

import bmesh
import bpy
import numpy as np
from mathutils import Matrix, Vector

Numbers = Sequence[float] | np.ndarray
Points = Sequence[Numbers] | np.ndarray
Parts = list[bpy.types.Object]


def spline(points: Points, count: int = 64) -> np.ndarray:
    """A smooth curve (count, dimensions) through the points; a point given twice is a corner."""
    p = np.asarray(points, float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, len(p) - 3 - 1e-6, count)
    i = t.astype(int)
    u = (t - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    curve = 2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2
    return 0.5 * (curve + (3 * b - a - 3 * c + d) * u**3)


def solid(
    verts: np.ndarray, faces: list, material: bpy.types.Material, smooth: bool = True
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("solid")
    mesh.from_pydata(np.asarray(verts, float).tolist(), [], faces)
    mesh.polygons.foreach_set("use_smooth", np.full(len(mesh.polygons), smooth))
    mesh.materials.append(material)
    return _link(mesh)


def _link(data: bpy.types.ID) -> bpy.types.Object:
    made = bpy.data.objects.new("part", data)
    bpy.context.scene.collection.objects.link(made)
    return made


def _grid(rows: int, columns: int, close_rows: bool, close_columns: bool) -> list:
    """Quads over a grid of rows * columns vertices; a closed direction wraps round."""
    quads = []
    for r in range(rows if close_rows else rows - 1):
        for c in range(columns if close_columns else columns - 1):
            r2, c2 = (r + 1) % rows, (c + 1) % columns
            quads.append((r * columns + c, r * columns + c2, r2 * columns + c2, r2 * columns + c))
    return quads


def lathe(
    profile: Points,
    material: bpy.types.Material,
    count: int = 64,
    around: int = 56,
    swell: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> bpy.types.Object:
    """Turn a smooth (radius, height) profile round the z axis.

    `swell(angle, height)` scales the radius, for ribs, ovals and weaves.
    """
    curve = spline(profile, count)
    angle = np.linspace(0, 2 * pi, around, endpoint=False)[None, :]
    r, z = np.maximum(curve[:, :1], 0), curve[:, 1:]
    if swell:
        r = r * swell(angle, z)
    x, y = r * np.cos(angle), r * np.sin(angle)
    verts = np.stack([x, y, np.broadcast_to(z, x.shape)], -1).reshape(-1, 3)
    return solid(verts, _grid(count, around, False, True), material)


def hollow(outer: Points, wall: float, floor: float | None = None, count: int = 40) -> np.ndarray:
    """Close an outer (radius, height) profile over a round lip and down the inside."""
    out = spline(outer, count)
    step = np.gradient(out, axis=0)
    normal = np.stack([step[:, 1], -step[:, 0]], -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    inner = out - normal * wall
    bottom = out[0, 1] + (floor if floor is not None else wall * 1.4)
    inner = inner[(inner[:, 1] > bottom) & (inner[:, 0] > 0) & (np.arange(count) > count // 6)]
    tip = (out[-1] + inner[-1]) / 2 + step[-1] / (np.linalg.norm(step[-1]) + 1e-9) * wall * 0.45
    base = [[inner[0, 0] * 0.9, bottom], [0, bottom]]
    return np.vstack([out, tip, inner[::-1], base])


def tube(
    path: Points,
    radius: float | Numbers,
    material: bpy.types.Material,
    count: int = 32,
    flat: float = 1.0,
    sides: int = 14,
    closed: bool = False,
) -> bpy.types.Object:
    """Sweep a circle along a smooth path; several radii are spread evenly, `flat` squashes one way.

    Ends are left open where they vanish into another part, so paths should start inside one.
    """
    curve = spline(path, count)
    if closed:
        curve = curve[:-1]
    rows = len(curve)
    widths = np.atleast_1d(np.asarray(radius, float))
    widths = np.interp(np.linspace(0, 1, rows), np.linspace(0, 1, len(widths)), widths)
    step = np.gradient(curve, axis=0)
    if closed:
        step = np.roll(curve, -1, 0) - np.roll(curve, 1, 0)
    step /= np.linalg.norm(step, axis=1, keepdims=True) + 1e-9
    side = np.cross(step[0], [0.0, 1.0, 0.02])
    angle = np.linspace(0, 2 * pi, sides, endpoint=False)
    rings = []
    for point, ahead, width in zip(curve, step, widths, strict=True):
        # Carrying the last side along keeps the ring from twisting where the path bends.
        side = side - ahead * (side @ ahead)
        side /= np.linalg.norm(side) + 1e-9
        other = np.cross(ahead, side)
        ring = np.cos(angle)[:, None] * side * flat + np.sin(angle)[:, None] * other
        rings.append(point + width * ring)
    faces = _grid(rows, sides, closed, True)
    if not closed:
        faces += [tuple(range(sides))[::-1], tuple(range((rows - 1) * sides, rows * sides))]
    return solid(np.concatenate(rings), faces, material)


def box(
    size: Numbers,
    centre: Numbers,
    material: bpy.types.Material,
    bevel: float = 0.01,
    steps: int = 2,
) -> bpy.types.Object:
    """A block with rounded edges; `size` and `centre` are (x, y, z)."""
    shape = bmesh.new()
    bmesh.ops.create_cube(shape, size=1.0, matrix=Matrix.Diagonal((*size, 1.0)))
    if bevel:
        width = min(bevel, min(size) * 0.49)
        bmesh.ops.bevel(
            shape, geom=shape.edges[:], offset=width, segments=steps, profile=0.5, affect="EDGES"
        )
    bmesh.ops.translate(shape, verts=shape.verts, vec=Vector(centre))
    mesh = bpy.data.meshes.new("box")
    shape.to_mesh(mesh)
    shape.free()
    if steps > 3:
        mesh.polygons.foreach_set("use_smooth", np.full(len(mesh.polygons), True))
    mesh.materials.append(material)
    return _link(mesh)


def sawn(
    outline: Points, holes: Sequence[Points], thickness: float, material: bpy.types.Material
) -> bpy.types.Object:
    """A board lying on z = 0, cut to an outline of (x, y), with holes and softened edges."""
    curve = bpy.data.curves.new("sawn", "CURVE")
    curve.dimensions, curve.fill_mode = "2D", "BOTH"
    soft = thickness * 0.18
    curve.extrude, curve.bevel_depth, curve.bevel_resolution = thickness / 2 - soft, soft, 3
    for ring in [outline, *holes]:
        line = curve.splines.new("POLY")
        line.points.add(len(ring) - 1)
        for point, (x, y) in zip(line.points, ring, strict=True):
            point.co = (x, y, 0, 1)
        line.use_cyclic_u = True
    draft = _link(curve)
    mesh = bpy.data.meshes.new_from_object(draft)
    bpy.data.objects.remove(draft)
    mesh.transform(Matrix.Translation((0, 0, thickness / 2)))
    mesh.materials.append(material)
    return _link(mesh)


def rounded(width: float, depth: float, corner: float, steps: int = 8) -> np.ndarray:
    """The outline (n, 2) of a rectangle about the origin with round corners."""
    ring = []
    for turn, (sx, sy) in enumerate([(1, 1), (-1, 1), (-1, -1), (1, -1)]):
        a = np.linspace(0, pi / 2, steps) + turn * pi / 2
        centre = np.array([sx * (width / 2 - corner), sy * (depth / 2 - corner)])
        ring.append(centre + corner * np.stack([np.cos(a), np.sin(a)], -1))
    return np.concatenate(ring)


def ball(
    radius: float | Numbers, centre: Numbers, material: bpy.types.Material
) -> bpy.types.Object:
    """A sphere, or an ellipsoid where three radii are given."""
    rx, ry, rz = np.broadcast_to(radius, 3)
    a = np.linspace(-pi / 2, pi / 2, 20)
    made = lathe(np.stack([np.cos(a), np.sin(a)], -1), material, 24, 32)
    made.data.transform(Matrix.Translation(centre) @ Matrix.Diagonal((rx, ry, rz, 1)))
    return made


def stuffed(
    size: Numbers, centre: Numbers, material: bpy.types.Material, plump: float = 0.5
) -> bpy.types.Object:
    """A cushion lying flat: full in the middle, pinched to a seam at its four sides."""
    n = 28
    u = np.sin(np.linspace(-pi / 2, pi / 2, n))
    x, y = np.meshgrid(u, u)
    rise = (np.maximum(1 - x**4, 0) * np.maximum(1 - y**4, 0)) ** plump
    draw_in = 1 - 0.07 * (1 - (x * y) ** 2) * np.maximum(abs(x), abs(y)) ** 3
    flat = np.stack([x * draw_in * size[0] / 2, y * draw_in * size[1] / 2], -1)
    sheets = [np.dstack([flat, s * rise * size[2] / 2]).reshape(-1, 3) for s in (1, -1)]
    quads = _grid(n, n, False, False)
    under = [tuple(n * n + i for i in reversed(quad)) for quad in quads]
    made = solid(np.concatenate(sheets) + np.asarray(centre), quads + under, material)
    shape = bmesh.new()
    shape.from_mesh(made.data)
    bmesh.ops.remove_doubles(shape, verts=shape.verts, dist=1e-4)
    shape.to_mesh(made.data)
    shape.free()
    return made


def move(parts: Parts, matrix: Matrix) -> Parts:
    for part in parts:
        part.matrix_world = matrix @ part.matrix_world
    return parts


def vertices(parts: Parts) -> np.ndarray:
    """Every vertex (n, 3) in world coordinates, for framing; `unframed` parts are left out."""
    clouds = []
    for part in parts:
        if part.get("unframed"):
            continue
        flat = np.empty(len(part.data.vertices) * 3)
        part.data.vertices.foreach_get("co", flat)
        world = np.asarray(part.matrix_world)
        clouds.append(flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
    return np.concatenate(clouds)
