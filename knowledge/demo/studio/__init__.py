"""The photo studio of the demo shop: parametric homeware, rooms and cameras, rendered with Blender.

Only this package imports `bpy`, and nothing outside it imports this package, so that the shop runs
without Blender. Lengths are in studio units: the longest side of a product is 1.
"""
