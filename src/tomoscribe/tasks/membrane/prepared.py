"""A membrane made ready for a network: distances, places of clicks, profiles, charts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.geodesics import distance_graph, distance_to, point_sources
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.tasks.membrane.charts import Charts, Surface, make_charts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.membranes.slab import Slab
    from tomoscribe.tasks.membrane.plan import MembranePlan

_CHART_SEED = 17


class PreparedMembrane:
    """A membrane and what is computed from it once.

    Parameters
    ----------
    membrane : Membrane
        As it was read.
    """

    def __init__(self, membrane: Membrane) -> None:
        self.membrane = membrane
        self._charts: dict[tuple[object, ...], Charts] = {}

    @cached_property
    def graph(self) -> csr_array:
        """The graph of distances along the surface, voxels."""
        return distance_graph(self.membrane.mesh)

    @cached_property
    def locator(self) -> SurfaceLocator:
        """Finds the surface point nearest to a position."""
        return SurfaceLocator(self.membrane.mesh, self.membrane.normals_zyx)

    def snap(self, zyx: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the vertices and offsets in voxels, 3 a point (N, 3), from which ways start."""
        points, triangles, _, _ = self.locator.closest_many(zyx)
        return point_sources(self.membrane.mesh, triangles, points)

    def vertices_at(self, zyx: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the vertex nearest to each position (N, 3)."""
        if not len(zyx):
            return np.empty(0, np.int64)
        vertices, offsets = self.snap(zyx)
        nearest = offsets.reshape(-1, 3).argmin(axis=1)
        return np.asarray(vertices.reshape(-1, 3)[np.arange(len(nearest)), nearest])

    def distances_A(self, zyx: NDArray[np.float64], limit_A: float) -> NDArray[np.float32]:
        """Return the distance (V,) along the surface to the nearest of positions (N, 3), in Å.

        It is inf beyond `limit_A`, and on the other face.
        """
        if not len(zyx):
            return np.full(len(self.membrane.mesh.vertices_zyx), np.inf, np.float32)
        vertices, offsets = self.snap(zyx)
        size = self.membrane.voxel_size_A
        found = distance_to(self.graph, vertices, limit_A / size, offsets)
        return np.asarray(found * size, dtype=np.float32)

    def profiles(
        self, plan: MembranePlan, depths_A: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """Return the densities (V, depths) over the band, or at other depths.

        They are scaled so that the band has mean 0 and deviation 1 over all of the membrane.

        Raises
        ------
        TomoscribeError
            If the slab does not reach so far.
        """
        slab = self._slab(plan)
        mean, deviation = _statistics(slab, plan)
        if depths_A is None:
            depths_A = np.linspace(plan.band_low_A, plan.band_high_A, plan.depths)
        values = slab.resample(depths_A)
        return np.asarray((values - mean) / deviation, dtype=np.float32)

    def charts(self, plan: MembranePlan, vertices: NDArray[np.int64] | None = None) -> Charts:
        """Return the charts that cover the whole surface, or some vertices of it."""
        if vertices is not None:
            return self._make_charts(plan, vertices)
        key = (plan.pixel_A, plan.size, plan.margin)
        if key not in self._charts:
            whole = np.arange(len(self.membrane.mesh.vertices_zyx))
            self._charts[key] = self._make_charts(plan, whole)
        return self._charts[key]

    def _make_charts(self, plan: MembranePlan, vertices: NDArray[np.int64]) -> Charts:
        mesh = self.membrane.mesh
        surface = Surface(mesh.vertices_zyx, mesh.faces, self.membrane.normals_zyx, self.graph)
        return make_charts(
            surface,
            vertices,
            size=plan.size,
            pixel=plan.pixel_A / self.membrane.voxel_size_A,
            margin=plan.margin,
            rng=np.random.default_rng(_CHART_SEED),
        )

    def _slab(self, plan: MembranePlan) -> Slab:
        slab, size = self.membrane.slab, self.membrane.voxel_size_A
        low, high = plan.band_low_A, plan.band_high_A
        depths = slab.depths_A
        slack = 0.5 * size
        if depths[0] <= low + slack and depths[-1] >= high - slack:
            return slab
        raise TomoscribeError(
            f"{self.membrane.path or self.membrane.name} holds densities from {depths[0]:.0f} to "
            f"{depths[-1]:.0f} Å, but {low:.0f} to {high:.0f} Å are needed; give the tomogram "
            "that the membrane was made from, so that they can be sampled."
        )


def _statistics(slab: Slab, plan: MembranePlan) -> tuple[float, float]:
    """Return mean and deviation of the densities over the band."""
    within = (slab.depths_A >= plan.band_low_A) & (slab.depths_A <= plan.band_high_A)
    values = slab.values[:, within]
    return float(values.mean()), max(float(values.std()), 1e-12)
