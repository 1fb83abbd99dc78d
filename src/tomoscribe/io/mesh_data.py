"""A triangle mesh as plain arrays: what mesh files hold and what membranes are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TriangleMesh:
    """Vertices and triangles.

    Parameters
    ----------
    vertices_zyx : (V, 3) array of float64
        Positions in voxels of the tomogram's file, 0 at the first voxel's centre.
    faces : (F, 3) array of int64
        Vertex indices. Seen from outside they go round counter-clockwise: with corners a, b, c
        in the order x y z, (b - a) × (c - a) points outward.
    """

    vertices_zyx: NDArray[np.float64]
    faces: NDArray[np.int64]
