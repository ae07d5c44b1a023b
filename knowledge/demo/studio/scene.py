"""How a photo is taken: the renderer, the camera, the lights, and the shop's own clean studio.

A scene puts its subject about the origin and the camera on the -y side; everything that varies is
drawn from one dice, so the same seed gives the same picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, radians, sin

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.random import Generator as Dice

from knowledge.demo.studio import materials as m
from knowledge.demo.studio import mesh
from knowledge.demo.studio.mesh import Parts

# These have a back, or an edge, that nobody photographs.
FACING = {"cushion", "armchair"}
FACING |= {"umbrella", "bicycle-wheel", "guitar", "laptop", "hammer", "dumbbell", "shoe"}


@dataclass(frozen=True)
class Subject:
    """What is photographed. `place` is table | floor | wall | hanging."""

    build: Callable[[], Parts]
    kind: str
    place: str
    pale: bool = False  # white and clear things need a darker backdrop to stand out


def clear() -> None:
    """Empty the session, so that thousands of photos fit in one."""
    data = bpy.data
    for kept in (data.objects, data.meshes, data.curves, data.materials, data.lights, data.cameras):
        data.batch_remove(list(kept))


def open_studio(size: int, samples: int, threads: int) -> None:
    """Set the renderer once: photos of size x size pixels."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.image_settings.compression = 0
    cycles = scene.cycles
    cycles.samples, cycles.use_adaptive_sampling = samples, False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "FAST"
    cycles.use_light_tree = False  # three lights are quicker without
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 6, 2, 3
    cycles.transmission_bounces, cycles.transparent_max_bounces = 6, 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"


def shoot(path: str) -> None:
    bpy.context.scene.render.filepath = path
    bpy.ops.render.render(write_still=True)


def studio(subject: Subject, dice: Dice | None = None) -> None:
    """The clean shop photo: soft light, near-white sweep; a dice varies the view."""
    paper = m.paint("c9cccd" if subject.pale else "f4f3f0", 0.9)
    parts = set_down(subject, -0.42 if dice is None else any_yaw(subject, dice), 0.95)
    if subject.place == "wall":
        mesh.box((12, 0.1, 12), (0, 0.05, 0), paper, 0)
    else:
        bend = [(1.6 + 1.4 * sin(a), 1.4 - 1.4 * cos(a)) for a in np.linspace(0, pi / 2, 14)]
        line = np.array([(-8, 0), *bend, (3.0, 9)])
        wide = np.stack([np.insert(line, 0, x, axis=1) for x in (-9, 9)])
        faces = [(i, i + 1, i + 1 + len(line), i + len(line)) for i in range(len(line) - 1)]
        mesh.solid(wide.reshape(-1, 3), faces, paper)
    fill_light((1, 1, 1), 0.38)
    area_light((-2.4, -1.3, 2.6), 2.0, 105, (1, 0.98, 0.95))
    area_light((2.8, -1.5, 1.6), 2.4, 22, (0.95, 0.97, 1))
    area_light((0, 1.0, 3.2), 1.6, 60, (1, 1, 1))
    seen = mesh.vertices(parts)
    rise, turn, fill = elevation(seen, subject), 0.0, 0.78
    if subject.place == "wall":
        turn, rise = (0.6, 18.0) if subject.kind == "coat hook" else (0.35, 9.0)
    if dice is not None:
        rise += dice.normal(0, 8)
        turn, fill = dice.uniform(-0.4, 0.4), dice.uniform(0.55, 0.9)
    point_camera(seen, turn, rise, fill, 75)


def set_down(subject: Subject, yaw: float, lift: float) -> Parts:
    """Build the subject on its table or floor, or `lift` above it on the wall or a cord."""
    raised = lift if subject.place in ("wall", "hanging") else 0.0
    turn = 0.0 if subject.place == "wall" else yaw
    stand = Matrix.Translation((0, 0, raised)) @ Matrix.Rotation(turn, 4, "Z")
    return mesh.move(subject.build(), stand)


def any_yaw(subject: Subject, dice: Dice) -> float:
    return float(dice.uniform(-0.9, 0.9) if subject.kind in FACING else dice.uniform(-pi, pi))


def elevation(seen: np.ndarray, subject: Subject) -> float:
    """Degrees above the horizon that suit a shape: flat things are seen more from above."""
    if subject.place == "hanging":
        return -4.0
    if subject.place == "wall":
        return 3.0
    low, high = seen.min(0), seen.max(0)
    flatness = 1 - (high[2] - low[2]) / max(high[0] - low[0], high[1] - low[1], high[2] - low[2])
    return 15 + 33 * float(flatness)


def point_camera(
    seen: np.ndarray, turn: float, rise: float, fill: float, focal: float
) -> bpy.types.Object:
    """Look at the middle of what is seen, from as far as makes it fill that share of the frame.

    `turn` is in radians from straight ahead, `rise` in degrees, `focal` in mm on a 36 mm square.
    """
    up = radians(rise)
    away = Vector((sin(turn) * cos(up), -cos(turn) * cos(up), sin(up)))
    facing = away.to_track_quat("Z", "Y").to_matrix()
    local = (seen - (seen.min(0) + seen.max(0)) / 2) @ np.asarray(facing)
    middle = (local[:, :2].min(0) + local[:, :2].max(0)) / 2
    half = np.abs(local[:, :2] - middle).max(1)
    distance = float((half / (fill * 18 / focal) + local[:, 2]).max())
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.sensor_fit = focal, 36, "HORIZONTAL"
    data.dof.focus_distance = max(distance - 0.2, 0.1)
    camera = bpy.data.objects.new("camera", data)
    at = Vector((seen.min(0) + seen.max(0)) / 2) + facing @ Vector((*middle, distance))
    camera.matrix_world = Matrix.Translation(at) @ facing.to_4x4()
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    return camera


def fill_light(colour: tuple[float, float, float], strength: float) -> None:
    world = bpy.context.scene.world or bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    sky = world.node_tree.nodes["Background"]
    sky.inputs["Color"].default_value = (*colour, 1)
    sky.inputs["Strength"].default_value = strength


def area_light(
    at: tuple[float, float, float], size: float, watts: float, colour: tuple[float, float, float]
) -> None:
    """A soft square light that looks at the subject."""
    data = bpy.data.lights.new("area", "AREA")
    data.size, data.energy, data.color = size, watts, colour
    light = bpy.data.objects.new("area", data)
    aim = Vector(at) - Vector((0, 0, 0.4))
    light.matrix_world = Matrix.Translation(at) @ aim.to_track_quat("Z", "Y").to_matrix().to_4x4()
    bpy.context.scene.collection.objects.link(light)
