"""The instant answer on a membrane: which vertices look like the clicked ones, without torch.

`prepare` pools the density along the normals over two sizes of surroundings, once; each `answer`
fits the clicks and scores all vertices again, in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.geodesics import distance_graph, distance_to
from tomoscribe.membranes.peaks import MeshPeaks, find_mesh_peaks
from tomoscribe.picks.peaks import SUPPRESSION
from tomoscribe.prediction.click_model import ClickModel, fit_gaussian
from tomoscribe.prediction.instant import LOWEST_PEAK, MIN_CLICKS, REJECTED, InstantModel
from tomoscribe.prediction.instant_features import Whitening, fit_whitening

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.membranes.membrane import Membrane

BAND_A = (-30.0, 130.0)
"""Depths that are compared by default: the outer leaflet and the reach of most ectodomains."""
STEP_A = 20.0
"""Depths are averaged over this; finer ones are noise to a few clicks."""
POOLING = (0.25, 0.5)
"""Sigmas in diameters: the mean within the first, its difference to the second, the second."""
PRIOR_CLICKS = 40.0
"""Weight of the background's covariance in that of the clicks, counted in clicks."""
DEFAULT_DIAMETER_A = 100.0
_MOST_LEFT_OUT = 40
"""So many clicks are scored by the others; more would not tell more."""


@dataclass(frozen=True)
class InstantMeshAnswer:
    """How much each vertex looks like the clicks.

    Parameters
    ----------
    scores : (V,) array of float32
        0..1: the background's median is 0, a typical click 0.8.
    threshold : float
        Score from which peaks are proposed, chosen from the clicks and the peaks.
    peaks : MeshPeaks
        Best first, no two of a face closer than a particle.
    """

    scores: NDArray[np.float32]
    threshold: float
    peaks: MeshPeaks


class InstantMesh:
    """Scores of one membrane from clicks alone.

    Parameters
    ----------
    membrane : Membrane
    graph : (V, V) csr array, optional
        From `geodesics.distance_graph`, where it is there already.
    """

    def __init__(self, membrane: Membrane, graph: scipy.sparse.csr_array | None = None) -> None:
        self.membrane = membrane
        self._graph = graph
        self._key: tuple[float, float, float] | None = None
        self._raw: NDArray[np.float32] | None = None
        self._whitening: Whitening | None = None

    @property
    def graph(self) -> scipy.sparse.csr_array:
        """Distances along the mesh, made when first needed."""
        if self._graph is None:
            self._graph = distance_graph(self.membrane.mesh)
        return self._graph

    def prepare(
        self, diameter_A: float = DEFAULT_DIAMETER_A, band_A: tuple[float, float] = BAND_A
    ) -> None:
        """Pool what does not depend on the clicks; a tenth of a second at 15,000 vertices."""
        self._features(diameter_A, band_A)

    def fit(
        self,
        clicked: ArrayLike,
        diameter_A: float = DEFAULT_DIAMETER_A,
        band_A: tuple[float, float] = BAND_A,
    ) -> InstantModel:
        """Return what clicks look like, to be used on this or on another membrane.

        Parameters
        ----------
        clicked : (N,) array_like of int
            Vertices nearest to the clicks.
        diameter_A : float
            Particle diameter.
        band_A : (float, float)
            Depths that are compared, outward positive.

        Raises
        ------
        TomoscribeError
            If there are fewer than three.
        """
        vertices = np.asarray(clicked, dtype=np.int64).reshape(-1)
        if len(vertices) < MIN_CLICKS:
            raise TomoscribeError(
                f"The instant answer needs {MIN_CLICKS} clicks on membrane "
                f"'{self.membrane.name}', there are {len(vertices)}; click more particles."
            )
        raw, whitening = self._features(diameter_A, band_A)
        white = whitening.apply(raw[vertices])
        # A click is scored by the others: its own would flatter it. As a peak, it scores at its
        # best place among the neighbours.
        scores = np.array(
            [
                ClickModel(whitening, fit_gaussian(np.delete(white, i, axis=0), PRIOR_CLICKS))
                .score(raw[self._around(vertices[i])])
                .max()
                for i in range(min(len(vertices), _MOST_LEFT_OUT))
            ],
            dtype=np.float32,
        )
        model = ClickModel(whitening, fit_gaussian(white, PRIOR_CLICKS))
        low = float(np.median(model.score(raw)))
        return InstantModel(model, diameter_A, low, scores)

    def apply(
        self,
        model: InstantModel,
        rejected: ArrayLike = (),
        band_A: tuple[float, float] = BAND_A,
    ) -> InstantMeshAnswer:
        """Return the answer of a model of this or another membrane, 0 around rejected vertices."""
        raw, _ = self._features(model.diameter_A, band_A)
        scores = model.to_unit(model.model.score(raw))
        diameter = model.diameter_A / self.membrane.voxel_size_A
        if np.size(rejected):
            near = distance_to(self.graph, rejected, REJECTED * diameter)
            scores[np.isfinite(near)] = 0
        peaks = find_mesh_peaks(
            self.membrane.mesh, self.graph, scores, SUPPRESSION * diameter, LOWEST_PEAK
        )
        return InstantMeshAnswer(scores, model.threshold(peaks.scores), peaks)

    def answer(
        self,
        clicked: ArrayLike,
        diameter_A: float = DEFAULT_DIAMETER_A,
        rejected: ArrayLike = (),
        band_A: tuple[float, float] = BAND_A,
    ) -> InstantMeshAnswer:
        """Return the scores of clicked and rejected vertices; see `fit` and `apply`.

        Raises
        ------
        TomoscribeError
            If there are fewer than three clicks.
        """
        return self.apply(self.fit(clicked, diameter_A, band_A), rejected, band_A)

    def _around(self, vertex: np.int64) -> NDArray[np.int64]:
        graph = self.graph
        near = graph.indices[graph.indptr[vertex] : graph.indptr[vertex + 1]]
        return np.append(near.astype(np.int64), vertex)

    def _features(
        self, diameter_A: float, band_A: tuple[float, float]
    ) -> tuple[NDArray[np.float32], Whitening]:
        key = (diameter_A, *band_A)
        if self._raw is None or self._whitening is None or self._key != key:
            layers = _layers(self.membrane, band_A)
            sigmas = [share * diameter_A / self.membrane.voxel_size_A for share in POOLING]
            near, far = pool(self.graph, layers, sigmas)
            self._raw = np.concatenate([near - far, far], axis=1)
            self._whitening = fit_whitening(self._raw)
            self._key = key
        return self._raw, self._whitening


def _layers(membrane: Membrane, band_A: tuple[float, float]) -> NDArray[np.float32]:
    """Return the density (V, K) averaged over layers of `STEP_A`, triangular windows."""
    slab = membrane.slab
    low, high = max(band_A[0], slab.depths_A[0]), min(band_A[1], slab.depths_A[-1])
    middles = np.arange(low, max(high, low) + STEP_A / 2, STEP_A)
    away = np.abs(slab.depths_A[:, None] - middles)
    step = float(np.diff(slab.depths_A).min()) if len(slab.depths_A) > 1 else STEP_A
    window = np.maximum(max(STEP_A, step) - away, 0)
    layers: NDArray[np.float32] = slab.values @ (window / window.sum(axis=0)).astype(np.float32)
    return layers


def pool(
    graph: scipy.sparse.csr_array, values: NDArray[np.float32], sigmas: list[float]
) -> list[NDArray[np.float32]]:
    """Return values (V, K) averaged over the surroundings, once for each ascending sigma (voxels).

    By repeated means over the neighbours, each of which adds half a squared edge to the variance.
    """
    edge = float(graph.data.mean())
    weights = scipy.sparse.csr_array(
        (np.exp(-0.5 * (graph.data / edge) ** 2), graph.indices, graph.indptr), shape=graph.shape
    )
    weights = (weights + scipy.sparse.eye_array(graph.shape[0])).tocsr()
    total = np.asarray(weights.sum(axis=1)).reshape(-1)
    weights.data /= np.repeat(total, np.diff(weights.indptr))
    weights = weights.astype(np.float32)
    pooled, done = [], 0
    for sigma in sigmas:
        steps = round(sigma**2 / (0.5 * edge**2))
        for _ in range(done, steps):
            values = weights @ values
        done = max(done, steps)
        pooled.append(values)
    return pooled
