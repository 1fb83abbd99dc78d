"""Files of a prediction on a membrane: the container with its scores, picks with directions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.membrane import save_membrane
from tomoscribe.project.membrane_files import geometry_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry
    from tomoscribe.membranes.membrane import Membrane


def write_scored(
    path: Path, membrane: Membrane, heatmap: NDArray[np.float32], class_names: tuple[str, ...]
) -> None:
    """Write a membrane with its scores (class, 1, 1, V) as a container that MemBrain-pick reads."""
    scores = heatmap.reshape(len(class_names), -1)
    save_membrane(path, replace(membrane, scores=scores, class_names=class_names))


def geometry_with_origin(membrane: Membrane) -> Geometry:
    """Return size, voxel size and origin of a membrane's tomogram, as far as they are known."""
    geometry = geometry_of(membrane)
    if membrane.tomogram is None:
        return geometry
    try:
        origin = open_volume(membrane.tomogram, membrane.voxel_size_A).origin_zyx_A
    except TomoscribeError:
        # A tomogram that has been moved: the picks count in its voxels all the same.
        return geometry
    return replace(geometry, origin_zyx_A=origin)


def tomogram_name(membrane: Membrane) -> str:
    """Return the name that picks give to their tomogram."""
    return PurePosixPath(membrane.tomogram).name if membrane.tomogram else membrane.name
