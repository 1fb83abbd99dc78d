"""What the judge of picks needs to know of a membrane.

Positions carry their normals along as further coordinates, so that a pick on one face is far from
a click on the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from tomoscribe.tasks.tomogram.judge import Peaks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.tasks.base import FoundPicks
    from tomoscribe.tasks.membrane.prepared import PreparedMembrane
    from tomoscribe.tasks.tomogram.labels import ClassPoints


def peaks_of(
    prepared: PreparedMembrane,
    found: FoundPicks,
    known: ClassPoints,
    certain: NDArray[np.bool_],
    diameter_A: float,
) -> Peaks:
    """Return the peaks of one class with what is known of it.

    Parameters
    ----------
    prepared : PreparedMembrane
        The membrane.
    found : FoundPicks
        Its picks.
    known : ClassPoints
        Its clicks.
    certain : (V,) array of bool
        Where what is not clicked is background.
    diameter_A : float
        Of the particle.
    """
    membrane = prepared.membrane
    diameter = diameter_A / membrane.voxel_size_A

    def place(zyx: NDArray[np.float64]) -> NDArray[np.float64]:
        vertices = prepared.vertices_at(zyx)
        return _joined(zyx, membrane.normals_zyx[vertices], diameter)

    return Peaks(
        place(found.zyx),
        found.scores,
        place(known.held_out),
        place(known.clicked),
        [],
        diameter,
        _inside_of(membrane, certain, diameter) if certain.any() else None,
    )


def _inside_of(
    membrane: Membrane, certain: NDArray[np.bool_], diameter: float
) -> Callable[[NDArray[np.float64]], NDArray[np.bool_]]:
    """Return what tells which joined positions (N, 6) lie on the certain part."""
    tree = KDTree(_joined(membrane.mesh.vertices_zyx, membrane.normals_zyx, diameter))

    def inside(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        if not len(points):
            return np.zeros(0, bool)
        return certain[tree.query(points)[1]]

    return inside


def _joined(
    zyx: NDArray[np.float64], normals_zyx: NDArray[np.float64], diameter: float
) -> NDArray[np.float64]:
    """Return positions with their normals (N, 6); opposite faces are a diameter apart."""
    return np.concatenate([zyx, 0.5 * diameter * normals_zyx], axis=1)
