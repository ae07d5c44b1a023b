"""What things are made of: procedural surfaces chosen by the shop's own words for them."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

COLOURS = {
    "white": "f1eee6",
    "black": "17171a",
    "grey": "94948f",
    "red": "b5121f",
    "blue": "123f9c",
    "green": "1c6a33",
    "yellow": "e6b20a",
    "pink": "e0708c",
    "teal": "0b8a8c",
    "terracotta": "ab5632",
    "natural": "b98a50",
    "amber": "d27a10",
    "oak": "b8864c",
    "walnut": "59351d",
    "cork": "b58a5c",
    "brass": "c9973a",
    "copper": "bd6f4e",
    "steel": "b9bbbd",
    "cream": "e9dfc6",
}
METALS = {"brass", "copper", "stainless steel"}
WOODS = {"oak", "walnut"}


def rgb(colour: str) -> tuple[float, float, float, float]:
    """Linear RGBA in [0, 1] from a colour's name or six hex digits."""
    digits = COLOURS.get(colour, colour)
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return r, g, b, 1.0


def shade(colour: str, factor: float) -> tuple[float, float, float, float]:
    r, g, b, _ = rgb(colour)
    return min(r * factor, 1), min(g * factor, 1), min(b * factor, 1), 1.0


class Surface:
    """One material under construction: a Principled shader and the nodes that feed it."""

    def __init__(self, **inputs: object) -> None:
        self.material = bpy.data.materials.new("surface")
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]
        for name, value in inputs.items():
            self.shader.inputs[
                name.replace("_", " ").title().replace("Ior", "IOR")
            ].default_value = value

    def node(self, kind: str, **settings: object) -> bpy.types.Node:
        made = self.tree.nodes.new("ShaderNode" + kind)
        for name, value in settings.items():
            if hasattr(made, name):
                setattr(made, name, value)
            else:
                made.inputs[name.replace("_", " ").title()].default_value = value
        return made

    def join(self, source: bpy.types.NodeSocket, target: bpy.types.NodeSocket) -> None:
        self.tree.links.new(source, target)

    def place(self, scale: tuple[float, ...] = (1, 1, 1)) -> bpy.types.NodeSocket:
        """Object coordinates stretched by `scale`, so that a pattern moves with its object."""
        where, mapping = self.node("TexCoord"), self.node("Mapping")
        mapping.inputs["Scale"].default_value = scale
        self.join(where.outputs["Object"], mapping.inputs["Vector"])
        return mapping.outputs["Vector"]

    def noise(
        self, scale: float, detail: float = 2.0, stretch: tuple[float, ...] = (1, 1, 1)
    ) -> bpy.types.NodeSocket:
        made = self.node("TexNoise", scale=scale, detail=detail)
        self.join(self.place(stretch), made.inputs["Vector"])
        return made.outputs["Fac"]

    def ramp(self, factor: bpy.types.NodeSocket, stops: list[tuple[float, tuple]]) -> None:
        """Colour the surface by a factor in [0, 1] through (position, RGBA) stops."""
        made = self.node("ValToRGB")
        elements = made.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, colour
        self.join(factor, made.inputs["Fac"])
        self.join(made.outputs["Color"], self.shader.inputs["Base Color"])

    def bump(self, height: bpy.types.NodeSocket, strength: float, depth: float = 0.02) -> None:
        made = self.node("Bump", strength=strength, distance=depth)
        self.join(height, made.inputs["Height"])
        self.join(made.outputs["Normal"], self.shader.inputs["Normal"])


def glaze(colour: str, roughness: float = 0.2) -> bpy.types.Material:
    s = Surface(roughness=roughness, coat_weight=0.6, coat_roughness=roughness / 2)
    drift = s.noise(3.5, 4)
    s.ramp(drift, [(0.3, shade(colour, 0.82)), (0.7, shade(colour, 1.15))])
    s.bump(drift, 0.12)
    return s.material


def clay(colour: str) -> bpy.types.Material:
    s = Surface(roughness=0.85, specular_ior_level=0.25)
    s.ramp(s.noise(7, 6), [(0.25, shade(colour, 0.75)), (0.75, shade(colour, 1.2))])
    s.bump(s.noise(60, 3), 0.25)
    return s.material


def paint(colour: str, roughness: float = 0.45, coat: float = 0.0) -> bpy.types.Material:
    s = Surface(base_color=rgb(colour), roughness=roughness, coat_weight=coat, coat_roughness=0.08)
    s.bump(s.noise(90, 1), 0.03)
    return s.material


def wood(colour: str, along: str = "x", scale: float = 1.0) -> bpy.types.Material:
    """Grain that runs along one axis, in the wood's own colour or a stain's."""
    s = Surface(roughness=0.48)
    stretch = tuple(0.07 * scale if axis == along else scale for axis in "xyz")
    grain = s.noise(16, 6, stretch)
    dark = 0.5 if colour != "black" else 0.4
    stops = [(0.3, shade(colour, dark)), (0.5, rgb(colour)), (0.72, shade(colour, 1.3))]
    s.ramp(grain, stops)
    s.bump(grain, 0.2)
    return s.material


def metal(colour: str, roughness: float = 0.24) -> bpy.types.Material:
    s = Surface(base_color=rgb(colour), metallic=1.0, roughness=roughness)
    s.bump(s.noise(5, 2), 0.04)
    return s.material


def cloth(colour: str, threads: float = 90.0) -> bpy.types.Material:
    s = Surface(roughness=0.95, sheen_weight=0.25, specular_ior_level=0.1)
    s.ramp(s.noise(40, 5), [(0.3, shade(colour, 0.85)), (0.7, shade(colour, 1.1))])
    weave = s.node("TexChecker", scale=threads)
    s.join(s.place(), weave.inputs["Vector"])
    s.bump(weave.outputs["Fac"], 0.35, 0.008)
    return s.material


def wicker(colour: str) -> bpy.types.Material:
    s = Surface(roughness=0.6)
    s.ramp(s.noise(22, 4, (1, 1, 3)), [(0.25, shade(colour, 0.5)), (0.7, shade(colour, 1.2))])
    return s.material


def glass(colour: str = "clear") -> bpy.types.Material:
    """Glass that lets light through to its own shadow, which a few bounces alone would not."""
    tint = (0.96, 0.98, 0.97, 1.0) if colour == "clear" else shade(colour, 2.2)
    s = Surface(base_color=tint, roughness=0.02, transmission_weight=1.0, ior=1.45)
    through, mix, light = s.node("BsdfTransparent"), s.node("MixShader"), s.node("LightPath")
    through.inputs["Color"].default_value = tint
    s.join(light.outputs["Is Shadow Ray"], mix.inputs["Fac"])
    s.join(s.shader.outputs["BSDF"], mix.inputs[1])
    s.join(through.outputs["BSDF"], mix.inputs[2])
    s.join(mix.outputs["Shader"], s.tree.nodes["Material Output"].inputs["Surface"])
    return s.material


def glow(colour: str, strength: float) -> bpy.types.Material:
    """A lit shade or bulb: its own colour plus light of `strength` (1 is as bright as paper)."""
    s = Surface(
        base_color=rgb(colour),
        roughness=0.9,
        emission_color=rgb(colour),
        emission_strength=strength,
    )
    s.bump(s.noise(120, 1), 0.1)
    return s.material


def tiles(colour: str, grout: str, scale: float, long: float = 1.0) -> bpy.types.Material:
    """Tiles or bricks on the x-y plane; `long` is a tile's width over its height."""
    s = Surface(roughness=0.3)
    made = s.node("TexBrick", scale=scale, mortar_size=0.015, row_height=0.5)
    made.offset = 0.5 if long > 1.5 else 0.0
    made.inputs["Brick Width"].default_value = 0.5 * long
    made.inputs["Color1"].default_value = rgb(colour)
    made.inputs["Color2"].default_value = shade(colour, 0.85)
    made.inputs["Mortar"].default_value = rgb(grout)
    s.join(s.place(), made.inputs["Vector"])
    s.join(made.outputs["Color"], s.shader.inputs["Base Color"])
    return s.material


def planks(colour: str, scale: float) -> bpy.types.Material:
    """Floorboards along x."""
    s = Surface(roughness=0.42)
    boards = s.node("TexBrick", scale=scale, mortar_size=0.004, row_height=0.25)
    boards.inputs["Brick Width"].default_value = 1.6
    boards.inputs["Color1"].default_value = rgb(colour)
    boards.inputs["Color2"].default_value = shade(colour, 0.68)
    boards.inputs["Mortar"].default_value = shade(colour, 0.25)
    s.join(s.place(), boards.inputs["Vector"])
    mix = s.node("MixRGB", blend_type="OVERLAY")
    mix.inputs["Fac"].default_value = 0.75
    s.join(boards.outputs["Color"], mix.inputs["Color1"])
    s.join(s.noise(14 * scale, 5, (0.06, 1, 1)), mix.inputs["Color2"])
    s.join(mix.outputs["Color"], s.shader.inputs["Base Color"])
    return s.material


def marble(colour: str, vein: str) -> bpy.types.Material:
    s = Surface(roughness=0.15)
    made = s.node("TexWave", scale=0.6, distortion=14.0, detail=6.0, detail_scale=1.1)
    s.join(s.place(), made.inputs["Vector"])
    faint = tuple(0.35 * a + 0.65 * b for a, b in zip(rgb(vein), rgb(colour), strict=True))
    s.ramp(made.outputs["Fac"], [(0.0, faint), (0.22, rgb(colour)), (1.0, shade(colour, 1.08))])
    return s.material


def carpet(colour: str) -> bpy.types.Material:
    s = Surface(roughness=1.0, sheen_weight=0.3, specular_ior_level=0.0)
    pile = s.noise(70, 4)
    s.ramp(pile, [(0.3, shade(colour, 0.45)), (0.7, shade(colour, 1.3))])
    s.bump(pile, 0.9, 0.05)
    return s.material


def stripes(colour: str, other: str, scale: float) -> bpy.types.Material:
    """Cloth or wallpaper with stripes across x."""
    s = Surface(roughness=0.9)
    made = s.node("TexWave", scale=scale)
    s.join(s.place(), made.inputs["Vector"])
    s.ramp(made.outputs["Fac"], [(0.45, rgb(colour)), (0.55, rgb(other))])
    return s.material


def finish(colour: str, material: str, along: str = "x") -> bpy.types.Material:
    """The surface for a product's own `color` and (first) `material` attribute."""
    name = material.split(" and ")[0]
    if name in METALS:
        return metal(colour, 0.16 if name == "stainless steel" else 0.24)
    if name in WOODS:
        return wood(name, along)
    if name in ("ash", "birch") and colour == "black":
        return wood("black", along)
    if name in ("ash", "birch", "beech"):
        return paint(colour, 0.3, 0.4)
    if name in ("linen", "wool"):
        return cloth(colour)
    if name == "wicker":
        return wicker(colour)
    if name == "glass":
        return glass(colour)
    if name == "enamelled steel":
        return paint(colour, 0.2, 1.0)
    if name in ("steel", "iron", "metal"):
        return paint(colour, 0.42)
    if name == "concrete" or colour == "terracotta":
        return clay(colour)
    return glaze(colour, {"porcelain": 0.12, "earthenware": 0.38}.get(name, 0.2))


def blot(
    material: bpy.types.Material,
    blots: list[tuple[Sequence[float], float]],
    colour: str,
    strength: float,
    soft: float,
) -> None:
    """Colour round places (world coordinates, radius) with ragged edges, over what is there."""
    tree = material.node_tree

    def node(kind: str, **settings: object) -> bpy.types.Node:
        made = tree.nodes.new("ShaderNode" + kind)
        for name, value in settings.items():
            setattr(made, name, value)
        return made

    where, ragged = node("NewGeometry").outputs["Position"], node("TexNoise")
    widest = max(radius for _, radius in blots)
    ragged.inputs["Scale"].default_value, ragged.inputs["Detail"].default_value = 1.1 / widest, 5
    tree.links.new(where, ragged.inputs["Vector"])
    covered = None
    for centre, radius in blots:
        away = node("VectorMath", operation="DISTANCE")
        away.inputs[1].default_value = centre
        tree.links.new(where, away.inputs[0])
        # The distance in radii, moved by the noise so that the edge is no circle.
        bent = node("Math", operation="MULTIPLY_ADD")
        tree.links.new(away.outputs["Value"], bent.inputs[0])
        bent.inputs[1].default_value = 1 / radius
        tree.links.new(ragged.outputs["Fac"], bent.inputs[2])
        inside = node("MapRange", interpolation_type="SMOOTHSTEP")
        tree.links.new(bent.outputs["Value"], inside.inputs["Value"])
        edge = (1.5 - soft, 1.5, strength, 0.0)
        for name, value in zip(("From Min", "From Max", "To Min", "To Max"), edge, strict=True):
            inside.inputs[name].default_value = value
        if covered is None:
            covered = inside.outputs["Result"]
        else:
            most = node("Math", operation="MAXIMUM")
            tree.links.new(covered, most.inputs[0])
            tree.links.new(inside.outputs["Result"], most.inputs[1])
            covered = most.outputs["Value"]
    shader = tree.nodes["Principled BSDF"].inputs
    if shader["Metallic"].default_value:  # dirt on metal is dull
        bare = node("Math", operation="SUBTRACT")
        bare.inputs[0].default_value = 1
        tree.links.new(covered, bare.inputs[1])
        tree.links.new(bare.outputs["Value"], shader["Metallic"])
    base = shader["Base Color"]
    mix = node("MixRGB")
    if base.links:
        tree.links.new(base.links[0].from_socket, mix.inputs["Color1"])
    else:
        mix.inputs["Color1"].default_value = base.default_value
    mix.inputs["Color2"].default_value = rgb(colour)
    tree.links.new(covered, mix.inputs["Fac"])
    tree.links.new(mix.outputs["Color"], base)
