"""Where a plane cuts a membrane: the outline that a 2D slice of the tomogram shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh


class Outline:
    """Plane sections of one mesh, each in a fraction of a millisecond.

    Parameters
    ----------
    mesh : TriangleMesh
        Not changed afterwards.
    """

    def __init__(self, mesh: TriangleMesh) -> None:
        self._mesh = mesh
        corners = mesh.vertices_zyx[mesh.faces]
        self._low = np.ascontiguousarray(corners.min(axis=1).T)
        self._high = np.ascontiguousarray(corners.max(axis=1).T)

    def at(self, axis: int, position: float) -> NDArray[np.float64]:
        """Return the section with the plane `axis` = `position`.

        Parameters
        ----------
        axis : int
            0, 1 or 2 for z, y or x.
        position : float
            Voxels.

        Returns
        -------
        (N, 2, 3) array
            Segments z y x, one a triangle; those of neighbours share their ends.
        """
        return self.cut(axis, position)[0]

    def cut(self, axis: int, position: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the section as `at` does, and the triangle (N,) that each segment is in."""
        near = (self._low[axis] <= position) & (self._high[axis] >= position)
        triangles = np.flatnonzero(near)
        points = self._mesh.vertices_zyx[self._mesh.faces[triangles]]
        height = points[:, :, axis] - position
        # On the plane counts as above it: a vertex is then never met twice.
        above = height >= 0
        crosses = above != np.roll(above, -1, axis=1)
        cut = crosses.any(axis=1)
        points, height, crosses = points[cut], height[cut], crosses[cut]
        rows, edges = np.nonzero(crosses)
        ends = (edges + 1) % 3
        share = height[rows, edges] / (height[rows, edges] - height[rows, ends])
        start, end = points[rows, edges], points[rows, ends]
        met: NDArray[np.float64] = start + share[:, None] * (end - start)
        return met.reshape(-1, 2, 3), triangles[cut]
