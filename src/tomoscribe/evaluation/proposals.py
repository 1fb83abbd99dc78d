"""What scores propose: their peaks as positions. Arrays only; who stored the scores decodes them.

The viewer, the command line and reports propose with this, so that their counts agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import binned_to_voxels
from tomoscribe.membranes.peaks import find_mesh_peaks
from tomoscribe.picks.peaks import SUPPRESSION, find_peaks
from tomoscribe.picks.table import positions_zyx

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from scipy import sparse

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.picks.table import Pick

SAME = 0.5
"""A proposal within this many diameters of a pick is that pick."""

APART = 1.0
"""Diameters by which the faces of a membrane are moved apart before picks are compared."""

MIN_SCORE = 0.008
"""Two steps of the stored scores; after the first minute good peaks may score no more than 0.02."""

LIMIT = 1000
"""Best proposals kept: nobody reviews more, and napari's time to show points grows with them."""


@dataclass(frozen=True)
class Proposals:
    """Peaks of one class in one heatmap, best first.

    Parameters
    ----------
    source : str
        The checkpoint that they come from, or what else made the heatmap.
    class_name : str
        Their class.
    diameter_voxels : float
        Its diameter in tomogram voxels.
    zyx : (N, 3) array of float
        Tomogram voxels, z y x.
    scores : (N,) array of float
        0..1.
    normals_zyx : (N, 3) array of float or None
        Outward unit normals, on a membrane.
    membrane : str
        The membrane that they lie on, empty in a volume.
    """

    source: str
    class_name: str
    diameter_voxels: float
    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]
    normals_zyx: NDArray[np.float64] | None = None
    membrane: str = ""

    @property
    def places(self) -> NDArray[np.float64]:
        """Where they are (N, 3) when they are set against picks: see `place_of`."""
        if self.normals_zyx is None:
            return self.zyx
        return self.zyx + APART * self.diameter_voxels * self.normals_zyx

    def place_of(self, picks: Iterable[Pick]) -> NDArray[np.float64]:
        """Return where picks (N, 3) are when these are set against them.

        On a membrane all are moved outward by a diameter, so that what lies on the other face,
        however thin the membrane, is far away.
        """
        rows = list(picks)
        places = positions_zyx(rows)
        if self.normals_zyx is not None:
            for place, pick in zip(places, rows, strict=True):
                if pick.normal_zyx is not None:
                    place += APART * self.diameter_voxels * np.asarray(pick.normal_zyx)
        return places

    def __len__(self) -> int:
        return len(self.zyx)


def find_proposals(
    scores: NDArray[np.floating],
    bin_: int,
    diameter_voxels: float,
    class_name: str,
    source: str,
) -> Proposals:
    """Return the peaks of a heatmap of one class.

    Parameters
    ----------
    scores : (Z, Y, X) array
        0..1, on a grid of which voxel i is centred on tomogram voxel `i * bin_ + (bin_ - 1) / 2`.
    bin_ : int
        Tomogram voxels along each axis to one of the grid.
    diameter_voxels : float
        Of the class, tomogram voxels.
    class_name, source : str
        What the proposals are called by.
    """
    radius = SUPPRESSION * diameter_voxels / bin_
    zyx, values = find_peaks(scores, radius, MIN_SCORE, most=LIMIT)
    return Proposals(source, class_name, diameter_voxels, binned_to_voxels(zyx, bin_), values)


def find_mesh_proposals(
    membrane: Membrane,
    graph: sparse.csr_array,
    scores: NDArray[np.floating],
    diameter_voxels: float,
    class_name: str,
    source: str,
    name: str,
) -> Proposals:
    """Return the peaks of a membrane's scores (V,) of one class.

    Parameters
    ----------
    membrane : Membrane
        Its mesh and outward normals.
    graph : (V, V) csr array
        From `geodesics.distance_graph`.
    scores : (V,) array
        0..1.
    diameter_voxels : float
        Of the class, tomogram voxels.
    class_name, source, name : str
        What the proposals are called by; the membrane's name.
    """
    radius = SUPPRESSION * diameter_voxels
    peaks = find_mesh_peaks(membrane.mesh, graph, scores, radius, MIN_SCORE)
    normals = peaks.normals_zyx(membrane.mesh, membrane.normals_zyx)
    return Proposals(
        source,
        class_name,
        diameter_voxels,
        peaks.zyx[:LIMIT],
        peaks.scores[:LIMIT],
        normals[:LIMIT],
        name,
    )
