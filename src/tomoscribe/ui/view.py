"""Where the user looks: between the viewer's world coordinates and the tomogram's voxels.

Works on napari's `ViewerModel`, so that it can be tested without a canvas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

PLANE_ANGLES = (15.0, -30.0, 75.0)
"""Camera angles in degrees when the plane appears: tilted, so that it is seen to be one."""

Triple = tuple[float, float, float]


class Focus(NamedTuple):
    """What is in view: a point and the visible box around it, tomogram voxels z y x.

    The box is one voxel thick across the slice in view.
    """

    center_zyx: Triple
    lo_zyx: Triple
    hi_zyx: Triple


def world_to_voxels(
    layer: Image, world: Sequence[float] | NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the tomogram voxel (3,), z y x, at a world position in Å."""
    return np.asarray(layer.world_to_data(tuple(np.asarray(world)[-3:])), dtype=np.float64)


def voxels_to_world(
    layer: Image, zyx: Sequence[float] | NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the world position (3,) in Å, z y x, of a tomogram voxel."""
    return np.asarray(layer.data_to_world(tuple(float(v) for v in zyx)), dtype=np.float64)


def in_volume(layer: Image, zyx: NDArray[np.floating]) -> bool:
    """Tell whether a voxel position lies in the volume, half a voxel of rim included."""
    shape = np.asarray(layer.data.shape[-3:])
    return bool(np.all(np.asarray(zyx) >= -0.5) and np.all(np.asarray(zyx) <= shape - 0.5))


def focus_of(viewer: ViewerModel, layer: Image) -> Focus:
    """Return what is in view: the slice and its visible part, or the plane, or the whole volume.

    Returns
    -------
    Focus
        Centre and box in voxels z y x, cut at the volume's faces. In a slice view the box
        is one voxel thick along the axis that is not displayed.
    """
    shape = np.asarray(layer.data.shape[-3:], dtype=float)
    camera = viewer.scene.camera
    if viewer.dims.ndisplay == 3:
        if str(layer.depiction) == "plane":
            center = np.asarray(layer.plane.position, dtype=float)
        else:
            center = world_to_voxels(layer, camera.center)
        center = np.clip(center, 0, shape - 1)
        return Focus(triple(center), (0.0, 0.0, 0.0), triple(shape))
    displayed = list(viewer.dims.displayed)
    half = np.asarray(viewer.canvas.size, dtype=float) / (2 * max(camera.zoom, 1e-9))
    world_center = np.asarray(viewer.dims.point, dtype=float)
    world_center[displayed] = np.asarray(camera.center)[-2:]
    world_lo, world_hi = world_center.copy(), world_center.copy()
    world_lo[displayed] -= half
    world_hi[displayed] += half
    corners = [world_to_voxels(layer, world_lo), world_to_voxels(layer, world_hi)]
    center = np.clip(world_to_voxels(layer, world_center), 0, shape - 1)
    lo = np.clip(np.minimum(*corners), 0, shape)
    hi = np.clip(np.maximum(*corners), 0, shape)
    for axis in viewer.dims.not_displayed:
        center[axis] = np.round(center[axis])
        lo[axis], hi[axis] = center[axis], center[axis] + 1
    return Focus(triple(center), triple(lo), triple(hi))


def fly_to(viewer: ViewerModel, layer: Image, zyx: Sequence[float]) -> None:
    """Bring a voxel to the middle of the canvas, on its slice or with the plane through it."""
    world = voxels_to_world(layer, zyx)
    viewer.dims.point = tuple(world)
    if viewer.dims.ndisplay == 3:
        if str(layer.depiction) == "plane":
            layer.plane.position = tuple(float(v) for v in zyx)
        viewer.scene.camera.center = tuple(world)
    else:
        viewer.scene.camera.center = tuple(world[list(viewer.dims.displayed)])


def keep_in_view(viewer: ViewerModel, layer: Image) -> None:
    """Move a slice view so that the tomogram fills the canvas as far as its size allows.

    What was in the middle stays in view, though not in the middle, where it lies near an edge.
    """
    if viewer.dims.ndisplay == 3:
        return
    displayed = list(viewer.dims.displayed)
    shape = np.asarray(layer.data.shape[-3:], dtype=float)
    corners = [voxels_to_world(layer, -0.5 * np.ones(3)), voxels_to_world(layer, shape - 0.5)]
    lo, hi = np.minimum(*corners)[displayed], np.maximum(*corners)[displayed]
    half = np.asarray(viewer.canvas.size, dtype=float) / (2 * max(viewer.scene.camera.zoom, 1e-9))
    center = np.asarray(viewer.scene.camera.center)[-2:]
    inside = np.clip(center, np.minimum(lo + half, hi - half), np.maximum(lo + half, hi - half))
    viewer.scene.camera.center = tuple(np.where(hi - lo <= 2 * half, (lo + hi) / 2, inside))


def triple(values: NDArray[np.floating]) -> Triple:
    """Return a vector (3,) as three numbers."""
    return float(values[0]), float(values[1]), float(values[2])


def plane_position(
    layer: Image, world: Sequence[float], direction: Sequence[float] | None
) -> NDArray[np.float64] | None:
    """Return where a ray through the canvas meets the tomogram's plane, in voxels z y x.

    Parameters
    ----------
    layer : Image
        The tomogram.
    world : sequence of float
        Any point of the ray, in Å.
    direction : sequence of float or None
        Direction of the ray in world coordinates.

    Returns
    -------
    ndarray or None
        Position (3,); None without a plane, or when the ray runs along it.
    """
    if direction is None or str(layer.depiction) != "plane":
        return None
    start = world_to_voxels(layer, world)
    along = world_to_voxels(layer, np.asarray(world)[-3:] + np.asarray(direction)[-3:]) - start
    normal = np.asarray(layer.plane.normal, dtype=float)
    slope = float(along @ normal)
    if abs(slope) < 1e-6 * np.linalg.norm(along):
        return None
    distance = float((np.asarray(layer.plane.position) - start) @ normal) / slope
    return np.asarray(start + distance * along, dtype=np.float64)


def toggle_plane(viewer: ViewerModel, layer: Image) -> None:
    """Switch between the slice and, in 3D, a plane at the same depth."""
    if viewer.dims.ndisplay == 3:
        depth = world_to_voxels(layer, voxels_to_world(layer, layer.plane.position))
        viewer.dims.ndisplay = 2
        viewer.dims.point = tuple(voxels_to_world(layer, depth))
        return
    center = focus_of(viewer, layer).center_zyx
    layer.plane.position = center
    layer.plane.normal = (1, 0, 0)
    layer.depiction = "plane"
    layer.rendering = "average"  # over the plane's thickness, as the slices are averaged
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = PLANE_ANGLES


def shift_plane(layer: Image, steps: float) -> None:
    """Move the plane along its normal by voxels, kept inside of the volume."""
    moved = np.asarray(layer.plane.position) + steps * np.asarray(layer.plane.normal)
    layer.plane.position = tuple(np.clip(moved, 0, np.asarray(layer.data.shape[-3:]) - 1))
