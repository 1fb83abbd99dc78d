"""Segmentations to uniform, outward triangle meshes: one for each component or label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import ndimage

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.middle import middle_surface
from tomoscribe.membranes.surface import closed_surface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

AREA_VOXELS2 = 4.0
"""Area a vertex in voxels²: MemBrain-pick's 400 Å² at 10 Å voxels."""
SMALLEST_VOXELS = 20
"""Fewer voxels than this have no surface to speak of; they are counted, not meshed."""
_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)
"""Thin membranes are often connected over corners only."""
_MANY_PARTS = 5
"""More skipped parts than this are told in one sentence."""

Surface = Literal["closed", "middle"]


@dataclass(frozen=True)
class LabelledMesh:
    """A mesh of one component or label.

    Parameters
    ----------
    label : int
        The component's number, largest first, from 1; or its value in a label volume.
    mesh : TriangleMesh
        Voxels of the segmentation, outward.
    notes : tuple of str
        Sentences about what was mended.
    name_suffix : str
        What its file's name ends with; empty where there is one mesh only.
    """

    label: int
    mesh: TriangleMesh
    notes: tuple[str, ...] = ()
    name_suffix: str = ""


@dataclass(frozen=True)
class Meshing:
    """All meshes of a segmentation, and a sentence for each part without one."""

    meshes: tuple[LabelledMesh, ...]
    skipped: tuple[str, ...] = ()


def mesh_segmentation(
    labels: NDArray[Any],
    voxel_size_A: float,
    *,
    area_A2: float | None = None,
    surface: Surface = "closed",
    smallest_voxels: int = SMALLEST_VOXELS,
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Meshing:
    """Return meshes of a segmentation.

    A binary mask gives one mesh a connected component, largest first; a volume with several
    values one mesh a value. 0 is background.

    Parameters
    ----------
    labels : (Z, Y, X) array
        Whole numbers or booleans.
    voxel_size_A : float
        Å per voxel.
    area_A2 : float, optional
        Surface area a vertex; 4 voxels² if omitted, which is 400 Å² at 10 Å voxels.
    surface : {"closed", "middle"}
        Both faces of the membrane as one closed surface, or the sheet half-way between them.
    smallest_voxels : int
        Smaller components are skipped, and told.
    on_progress : callable, optional
        Called with the share done, 0..1, and what comes next.
    should_stop : callable, optional
        Asked before each mesh; the meshes so far are returned when it says yes.

    Raises
    ------
    TomoscribeError
        If the segmentation is empty, full, or no segmentation.
    """
    values = _checked(labels)
    area = AREA_VOXELS2 if area_A2 is None else area_A2 / voxel_size_A**2
    if not area > 0:
        raise TomoscribeError(f"An area of {area_A2:g} Å² a vertex is not possible.")
    parts, skipped = _parts(values, smallest_voxels)
    total = sum(part.voxels for part in parts)
    done = 0
    meshes: list[LabelledMesh] = []
    for part in parts:
        if should_stop is not None and should_stop():
            skipped.append(f"Stopped: {len(parts) - len(meshes)} of {len(parts)} not meshed.")
            break
        if on_progress is not None:
            on_progress(done / total, f"{part.name} of {len(parts)}, {part.voxels} voxels")
        done += part.voxels
        try:
            meshes.append(_mesh_of(part, area, surface, len(parts)))
        except TomoscribeError as error:
            skipped.append(f"{part.name} ({part.voxels} voxels): {error}")
    if on_progress is not None:
        on_progress(1.0, "done")
    return Meshing(tuple(meshes), tuple(skipped))


@dataclass(frozen=True)
class _Part:
    name: str
    label: int
    voxels: int
    mask: NDArray[np.bool_]
    corner: tuple[int, ...]


def _checked(labels: NDArray[Any]) -> NDArray[Any]:
    values = np.asarray(labels)
    if values.ndim != 3:
        raise TomoscribeError(f"A segmentation has three axes, not {values.ndim}.")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise TomoscribeError("The segmentation holds NaN or infinite values.")
        whole = np.rint(values).astype(np.int64)
        if not np.array_equal(whole, values):
            raise TomoscribeError(
                "The segmentation holds fractions, so it is a density or a probability: cut it "
                "at a threshold first."
            )
        values = whole
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    if values.dtype.kind not in "iu":
        raise TomoscribeError(f"A segmentation holds whole numbers, not {values.dtype}.")
    if values.size == 0 or not values.any():
        raise TomoscribeError("The segmentation is empty: all voxels are 0.")
    if values.all():
        raise TomoscribeError("The segmentation is full: no voxel is 0, so there is no surface.")
    return values


def _parts(values: NDArray[Any], smallest: int) -> tuple[list[_Part], list[str]]:
    """Return what is to be meshed, largest first, and sentences about what is not."""
    found = np.unique(values[values != 0])
    parts = list(_components(values != 0)) if len(found) == 1 else list(_values(values, found))
    parts.sort(key=lambda part: -part.voxels)
    kept = [part for part in parts if part.voxels >= smallest]
    small = parts[len(kept) :]
    skipped = [
        f"{part.name} was skipped: {part.voxels} voxels, fewer than {smallest}." for part in small
    ]
    if len(small) > _MANY_PARTS:
        skipped = [
            f"{len(small)} parts were skipped: {small[-1].voxels} to {small[0].voxels} voxels, "
            f"fewer than {smallest}."
        ]
    if len(found) == 1:
        kept = [
            _Part(f"Component {i}", i, p.voxels, p.mask, p.corner) for i, p in enumerate(kept, 1)
        ]
    return kept, skipped


def _components(mask: NDArray[np.bool_]) -> Iterator[_Part]:
    numbered, _ = ndimage.label(mask, structure=_NEIGHBOURS)
    for i, box in enumerate(ndimage.find_objects(numbered), 1):
        part = numbered[box] == i
        corner = tuple(s.start for s in box)
        yield _Part("A component", i, int(part.sum()), part, corner)


def _values(values: NDArray[Any], found: NDArray[Any]) -> Iterator[_Part]:
    dense = np.searchsorted(found, values).astype(np.int32) + 1
    dense[values == 0] = 0
    for i, box in enumerate(ndimage.find_objects(dense)):
        part = dense[box] == i + 1
        corner = tuple(s.start for s in box)
        yield _Part(f"Label {found[i]}", int(found[i]), int(part.sum()), part, corner)


def _mesh_of(part: _Part, area: float, surface: Surface, count: int) -> LabelledMesh:
    if surface == "middle":
        mesh, notes = middle_surface(part.mask, area)
    else:
        mesh, notes = closed_surface(part.mask, area)
    vertices = mesh.vertices_zyx + np.asarray(part.corner)
    moved = type(mesh)(vertices, mesh.faces)
    return LabelledMesh(part.label, moved, notes, f"_{part.label}" if count > 1 else "")
