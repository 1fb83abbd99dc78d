"""Segmentations to uniform, outward triangle meshes: one for each component or label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.components import Part, find_parts
from tomoscribe.membranes.middle import middle_surface
from tomoscribe.membranes.surface import closed_surface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

AREA_VOXELS2 = 4.0
"""Area a vertex in voxels²: MemBrain-pick's 400 Å² at 10 Å voxels."""
SMALLEST_VOXELS = 20
"""Fewer voxels than this have no surface to speak of; they are counted, not meshed."""

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
    only: Sequence[int] | None = None,
    smallest_voxels: int = SMALLEST_VOXELS,
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Meshing:
    """Return meshes of a segmentation.

    A mask, which has one value beside 0, gives one mesh a connected component, largest first; a
    volume with several values one mesh a value. 0 and negative values are background.

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
    only : sequence of int, optional
        Values to be meshed; with a single one, each of its components.
    smallest_voxels : int
        Smaller parts are skipped, and told.
    on_progress : callable, optional
        Called with the share done, 0..1, and what comes next.
    should_stop : callable, optional
        Asked between the steps; the meshes so far are returned when it says yes.

    Raises
    ------
    TomoscribeError
        If the segmentation is empty, full, or no segmentation.
    """
    area = AREA_VOXELS2 if area_A2 is None else area_A2 / voxel_size_A**2
    if not area > 0:
        raise TomoscribeError(f"An area of {area_A2:g} Å² a vertex is not possible.")
    parts, skipped = find_parts(np.asarray(labels), only, smallest_voxels)
    total = sum(part.voxels for part in parts)
    done = 0
    meshes: list[LabelledMesh] = []

    def between() -> None:
        if should_stop is not None and should_stop():
            raise _Stopped

    for number, part in enumerate(parts):
        if on_progress is not None:
            on_progress(done / total, f"{part.name} of {len(parts)}, {part.voxels} voxels")
        done += part.voxels
        try:
            between()
            meshes.append(_mesh_of(part, area, surface, len(parts), between))
        except TomoscribeError as error:
            skipped.append(f"{part.name} was skipped ({part.voxels} voxels): {error}")
        except _Stopped:
            skipped.append(f"Stopped: {len(parts) - number} of {len(parts)} parts not meshed.")
            break
    if on_progress is not None:
        on_progress(1.0, "done")
    return Meshing(tuple(meshes), tuple(skipped))


class _Stopped(Exception):
    """The caller wants no more meshes."""


def _mesh_of(
    part: Part, area: float, surface: Surface, count: int, between: Callable[[], None]
) -> LabelledMesh:
    make = middle_surface if surface == "middle" else closed_surface
    mesh, notes = make(part.mask, area, between)
    vertices = mesh.vertices_zyx + np.asarray(part.corner_zyx)
    moved = TriangleMesh(vertices, mesh.faces)
    return LabelledMesh(part.label, moved, notes, f"_{part.label}" if count > 1 else "")
