"""What is known of a sample, whoever is judged by it, and the judging of a checkpoint's scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.coords import voxels_to_binned
from tomoscribe.evaluation.judgement import JudgedSample
from tomoscribe.evaluation.known import known_in_volume, known_on_membrane
from tomoscribe.evaluation.proposals import find_mesh_proposals, find_proposals
from tomoscribe.evaluation.score_bytes import decode_scores
from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.membranes.patches import patch_mask

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray
    from scipy import sparse

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import ParticleClass, Patch, Region


@dataclass(frozen=True)
class Surface:
    """The membrane of a sample that is one.

    Parameters
    ----------
    membrane : Membrane
        Its mesh.
    graph : (V, V) csr array
        Ways along the surface, from `geodesics.distance_graph`.
    complete : (V,) array of bool or None
        Vertices where all is picked.
    """

    membrane: Membrane
    graph: sparse.csr_array
    complete: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls,
        membrane: Membrane,
        patches: Iterable[Patch] = (),
        graph: sparse.csr_array | None = None,
    ) -> Surface:
        """Return a membrane with what strokes of the brush declare complete on it.

        Parameters
        ----------
        membrane : Membrane
        patches : iterable of Patch
            The strokes on this membrane, oldest first.
        graph : csr array or None
            Its ways, where they are there already.
        """
        ways = distance_graph(membrane.mesh) if graph is None else graph
        strokes = list(patches)
        if not strokes:
            return cls(membrane, ways)
        return cls(membrane, ways, patch_mask(ways, membrane.mesh.vertices_zyx, strokes))


@dataclass(frozen=True)
class Evidence:
    """What people said of a tomogram or, with a `surface`, of a membrane.

    Parameters
    ----------
    name : str
        Of the sample.
    voxel_size_A : float
        Of the tomogram.
    picks : tuple of Pick
        All picks of the tomogram.
    regions : tuple of Region
        Boxes that are declared complete; of no meaning on a membrane.
    surface : Surface or None
        The membrane.
    """

    name: str
    voxel_size_A: float
    picks: tuple[Pick, ...]
    regions: tuple[Region, ...] = ()
    surface: Surface | None = None


@dataclass(frozen=True)
class ClassScores:
    """A checkpoint's scores of one class on one sample.

    Parameters
    ----------
    stored : (Z, Y, X) array of uint8
        As `score_bytes` makes them: those of many samples are kept; of a membrane (1, 1, V).
    bin : int
        Tomogram voxels along each axis to one of the grid.
    """

    stored: NDArray[np.uint8]
    bin: int

    @property
    def scores(self) -> NDArray[np.float32]:
        """The scores 0..1 of all of it, made anew at each call."""
        return decode_scores(self.stored)


@dataclass(frozen=True)
class Computed:
    """Where scores that are still being computed are known.

    Parameters
    ----------
    mask : (Z, Y, X) array of bool
        On their grid.
    bin : int
        Of the grid.
    """

    mask: NDArray[np.bool_]
    bin: int

    def at(self, zyx: NDArray[np.float64], surface: Surface | None) -> NDArray[np.bool_]:
        """Return which positions (N, 3) in tomogram voxels lie there."""
        if surface is not None:
            vertices = surface.membrane.mesh.vertices_zyx
            return np.asarray(self.mask.reshape(-1)[scipy.spatial.KDTree(vertices).query(zyx)[1]])
        index = np.rint(voxels_to_binned(zyx, self.bin)).astype(int)
        z, y, x = np.clip(index, 0, np.array(self.mask.shape) - 1).T
        return np.asarray(self.mask[z, y, x])


def propose(
    evidence: Evidence, found: ClassScores, particle: ParticleClass, source: str
) -> Proposals:
    """Return what scores propose on a sample.

    Parameters
    ----------
    evidence : Evidence
        The sample; its picks play no part.
    found : ClassScores
        Of the class.
    particle : ParticleClass
        The class, with its diameter.
    source : str
        What the scores come from.
    """
    diameter = particle.diameter_A / evidence.voxel_size_A
    surface = evidence.surface
    if surface is None:
        return find_proposals(found.scores, found.bin, diameter, particle.name, source)
    scores = found.scores.reshape(-1)
    return find_mesh_proposals(
        surface.membrane, surface.graph, scores, diameter, particle.name, source, evidence.name
    )


def judge(
    evidence: Evidence,
    proposals: Proposals,
    computed: Computed | None = None,
    held_out: Collection[int] | None = None,
) -> JudgedSample:
    """Return proposals set against what is known of their sample.

    Parameters
    ----------
    evidence : Evidence
        The sample.
    proposals : Proposals
        From `propose`.
    computed : Computed or None
        Where there are scores: elsewhere nothing is missed. None: everywhere.
    held_out : collection of int or None
        Ids of the picks that the training never saw; None where nobody knows.
    """
    surface = evidence.surface
    there = None if computed is None else lambda zyx: computed.at(zyx, surface)
    if surface is None:
        known = known_in_volume(
            evidence.picks, proposals, evidence.regions, held_out=held_out, computed=there
        )
    else:
        known = known_on_membrane(
            evidence.picks,
            proposals,
            surface.membrane,
            surface.complete,
            held_out=held_out,
            computed=there,
        )
    return JudgedSample(proposals, known)
