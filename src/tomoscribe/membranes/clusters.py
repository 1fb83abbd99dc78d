"""From a scored membrane to oriented picks, by suppression or by mean shift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.membranes.in_plane import in_plane_angles
from tomoscribe.membranes.mean_shift import find_mean_shift_peaks
from tomoscribe.membranes.peaks import MeshPeaks, find_mesh_peaks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane

DEFAULT_RADIUS_A = 60.0
"""0.6 diameters of a particle of 100 Å, as picks of tomograms are kept apart."""
DEFAULT_MIN_SCORE = 0.5
SMOOTHING = 1 / 3
"""Default smoothing, in radii."""


@dataclass(frozen=True)
class MembranePicks:
    """Picks of one class on a membrane, best first.

    Parameters
    ----------
    class_name : str
    zyx : (N, 3) array of float64
        On the surface, voxels.
    scores : (N,) array of float32
    normals_zyx : (N, 3) array of float64
        Outward unit normals.
    angles_deg : (N,) array of float64 or None
        Rotations about the normals, where they were sought.
    notes : tuple of str
    """

    class_name: str
    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]
    normals_zyx: NDArray[np.float64]
    angles_deg: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


def picks_from_scores(
    membrane: Membrane,
    *,
    min_score: float = DEFAULT_MIN_SCORE,
    radius_A: float = DEFAULT_RADIUS_A,
    smoothing_A: float | None = None,
    bandwidth_A: float | None = None,
    in_plane: bool = False,
) -> list[MembranePicks]:
    """Return the picks of each class of a scored membrane.

    Parameters
    ----------
    membrane : Membrane
        With scores, our own or MemBrain-pick's.
    min_score : float
        Lowest score of a pick; with mean shift, of a vertex that takes part.
    radius_A : float
        Smallest distance of two picks along the surface.
    smoothing_A : float, optional
        Gaussian over neighbouring vertices before maxima are sought; a third of the radius if
        omitted.
    bandwidth_A : float, optional
        Use mean shift of this bandwidth instead.
    in_plane : bool
        Seek rotations about the normals from the density; where the picks do not agree on
        one, they stay unknown and a note says so.

    Raises
    ------
    TomoscribeError
        If the membrane has no scores.
    """
    if membrane.scores is None:
        raise TomoscribeError(f"{membrane.path or membrane.name} has no scores: predict it first.")
    graph = distance_graph(membrane.mesh)
    smoothing_A = SMOOTHING * radius_A if smoothing_A is None else smoothing_A
    size_A = membrane.voxel_size_A
    found = []
    for name, scores in zip(membrane.class_names, membrane.scores, strict=True):
        if bandwidth_A is None:
            peaks = find_mesh_peaks(
                membrane.mesh,
                graph,
                scores,
                radius_A / size_A,
                min_score,
                smoothing_voxels=smoothing_A / size_A,
            )
        else:
            peaks = find_mean_shift_peaks(membrane.mesh, scores, size_A, bandwidth_A, min_score)
        found.append(_oriented(membrane, name, peaks, radius_A, in_plane))
    return found


def _oriented(
    membrane: Membrane, name: str, peaks: MeshPeaks, radius_A: float, in_plane: bool
) -> MembranePicks:
    normals = peaks.normals_zyx(membrane.mesh, membrane.normals_zyx)
    picks = MembranePicks(name, peaks.zyx, peaks.scores, normals)
    if not in_plane:
        return picks
    turned = in_plane_angles(membrane, peaks.zyx, normals, radius_A)
    return replace(picks, angles_deg=turned.angles_deg, notes=turned.notes)
