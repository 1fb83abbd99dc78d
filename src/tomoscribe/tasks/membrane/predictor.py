"""A frozen model of the membrane task: scores of every vertex, picks from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, cast

import numpy as np
from scipy.spatial import KDTree

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.membrane import Membrane, load_membrane
from tomoscribe.membranes.peaks import find_mesh_peaks
from tomoscribe.tasks.base import Block, FoundPicks, Grid, MeshGrid
from tomoscribe.tasks.membrane.architecture import Resident, place
from tomoscribe.tasks.membrane.prepared import PreparedMembrane

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from numpy.typing import NDArray
    from torch import nn

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.project.model import ParticleClass
    from tomoscribe.tasks.base import Focus
    from tomoscribe.tasks.membrane.plan import MembranePlan

_VOXEL_SIZE_TOLERANCE = 0.05
_FOOTPRINT = 0.5
"""Normals of picks are averaged so many diameters around: a particle sits on all of its foot."""


@dataclass
class MembranePredictor:
    """Frozen weights with all that is needed to use them; see `tasks.base.Predictor`.

    Parameters
    ----------
    net : nn.Module
        The network.
    plan : MembranePlan
        Band, depths, charts, radius.
    classes : tuple of ParticleClass
        In the order of the output maps.
    thresholds : dict
        Chosen score by class name.
    voxel_size_A : float
        Of the tomograms that it was trained on.
    device : torch.device
        Where it runs.
    resident : mapping of str to Resident
        Membranes on the device by path; of others the last one is kept.
    """

    kind: ClassVar[Literal["volume", "mesh"]] = "mesh"

    net: nn.Module
    plan: MembranePlan
    classes: tuple[ParticleClass, ...]
    thresholds: dict[str, float]
    voxel_size_A: float
    device: torch.device
    resident: Mapping[str, Resident] = field(default_factory=dict)
    _last: Resident | None = None

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the maps: the classes."""
        return tuple(particle.name for particle in self.classes)

    def open(
        self, path: str, voxel_size_A: VoxelSize | None = None, tomogram: str | None = None
    ) -> Membrane:
        """Open a membrane.

        Raises
        ------
        TomoscribeError
            If it cannot be read.
        """
        known = self.resident.get(path)
        if known is not None:
            return known.prepared.membrane
        size = voxel_size_A[2] if isinstance(voxel_size_A, tuple) else voxel_size_A
        return load_membrane(path, tomogram=tomogram, voxel_size_A=size)

    def grid(self, subject: Membrane) -> MeshGrid:
        """Return the grid of a prediction: one voxel a vertex.

        Raises
        ------
        TomoscribeError
            If the voxel size differs by more than 5 % from what was trained on, or the densities
            do not reach as far as the band.
        """
        size = subject.voxel_size_A
        if abs(size / self.voxel_size_A - 1) > _VOXEL_SIZE_TOLERANCE:
            raise TomoscribeError(
                f"{subject.path or subject.name} has voxels of {size:g} Å, but the checkpoint was "
                f"trained on {self.voxel_size_A:g} Å; make the membrane from a tomogram of "
                f"{self.voxel_size_A:g} Å, correct its voxel size if it is wrong, or train on "
                "membranes like it."
            )
        self._placed(subject)
        return MeshGrid.of(subject)

    def blocks(self, subject: Membrane, focus: Focus | None = None) -> Iterator[Block]:
        """Yield the scores of ranges of vertices; together they are all of the mesh.

        Ascending, or with a focus the range first that comes nearest to it.
        """
        near = None if focus is None else np.asarray(focus.center_zyx, dtype=float)
        for first, scores in self._placed(subject).predict(self.net, near):
            yield Block((0, 0, first), scores[:, None, None, :])

    def decode(
        self, heatmap: NDArray[np.float32], grid: Grid, min_score: float = 0.0
    ) -> list[FoundPicks]:
        """Return the picks of scores (class, 1, 1, V), none closer than the radius on one face."""
        assert isinstance(grid, MeshGrid)
        membrane = grid.membrane
        prepared = self._placed(membrane).prepared
        found = []
        for particle, scores in zip(self.classes, heatmap, strict=True):
            peaks = find_mesh_peaks(
                membrane.mesh,
                prepared.graph,
                scores.reshape(-1),
                self.plan.radius_A / membrane.voxel_size_A,
                min_score,
            )
            normals = peaks.normals_zyx(membrane.mesh, membrane.normals_zyx)
            reach = _FOOTPRINT * particle.diameter_A / membrane.voxel_size_A
            normals = footprint_normals(membrane, peaks.zyx, normals, reach)
            found.append(FoundPicks(particle.name, peaks.zyx, peaks.scores, normals))
        return found

    def _placed(self, membrane: Membrane) -> Resident:
        known = self.resident.get(str(membrane.path))
        for one in (known, self._last):
            if one is not None and one.prepared.membrane is membrane:
                return one
        self._last = place(PreparedMembrane(membrane), self.plan, self.device, training=False)
        return self._last


def footprint_normals(
    membrane: Membrane,
    zyx: NDArray[np.float64],
    normals_zyx: NDArray[np.float64],
    reach: float,
) -> NDArray[np.float64]:
    """Return the mean normals (N, 3) of the surface around positions (N, 3) on the same face.

    Parameters
    ----------
    membrane : Membrane
    zyx, normals_zyx : (N, 3) arrays
        Positions in voxels, and the normals right there.
    reach : float
        Voxels.
    """
    if not len(zyx):
        return normals_zyx
    tree = KDTree(membrane.mesh.vertices_zyx)
    smooth = np.array(normals_zyx)
    # One list for each position; the stubs know the answer to a single one only.
    around = cast("list[list[int]]", tree.query_ball_point(zyx, reach))
    for index, near in enumerate(around):
        normals = membrane.normals_zyx[near]
        mean = normals[normals @ normals_zyx[index] > 0].sum(axis=0) + normals_zyx[index]
        smooth[index] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return smooth
