"""The instant answer: a first heatmap from a few clicks, before any training, without torch.

`prepare` computes the features of a tomogram once; each `answer` fits the clicks
and scores the whole tomogram again, in a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.peaks import find_peaks
from tomoscribe.prediction.click_model import ClickModel, fit_clicks
from tomoscribe.prediction.instant_features import FeatureMaps, compute_features
from tomoscribe.tasks.tomogram.scaled import scale_volume

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.volumes import Volume

MIN_CLICKS = 3
"""Fewer clicks say too little about what varies among particles."""
SUPPRESSION = 0.6
"""Least distance of two proposals, in diameters."""
KNOWN = 0.5
"""A proposal closer than this to a clicked or rejected position is known already, in diameters."""
CLICK_SCORE = 0.8
"""Score of a typical click; the background's median is 0."""
THRESHOLD_QUANTILE = 0.25
"""Share of the clicks that may lie below the threshold for proposals."""
MAX_VOXELS = 12e6
"""Above this a coarser grid is preferred, for time and memory."""


@dataclass(frozen=True)
class InstantHeatmap:
    """How much each place looks like the clicks.

    Parameters
    ----------
    scores : ndarray, float32
        (z, y, x) in 0..1: the background's median is 0, a typical click 0.8.
    bin : int
        Tomogram voxels per voxel of the heatmap and axis.
    threshold : float
        Score above which places are proposed, chosen from the clicks.
    """

    scores: NDArray[np.float32]
    bin: int
    threshold: float


def choose_bin(shape_zyx: tuple[int, int, int], diameter: float) -> int:
    """Return the binning factor for particles of `diameter` voxels: 1, 2, 4, ...

    Particles keep at most 20 voxels; halves again for small particles in large tomograms, where
    time and noise count more than detail.
    """
    factor = 1
    while diameter / factor > 20:
        factor *= 2
    if factor == 1 and diameter >= 12:
        factor = 2
    voxels = float(np.prod(shape_zyx))
    while voxels / factor**3 > MAX_VOXELS and diameter / (2 * factor) >= 4:
        factor *= 2
    return factor


class InstantAnswer:
    """Heatmaps of one tomogram from clicks alone.

    Parameters
    ----------
    volume : Volume
        The tomogram; read slab by slab, and never held in full.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._maps: FeatureMaps | None = None
        self._diameter_A: float | None = None

    def prepare(self, diameter_A: float | None = None) -> None:
        """Compute what does not depend on the clicks; seconds, so call it early and in a thread.

        Parameters
        ----------
        diameter_A : float, optional
            Particle diameter in Å; without it there is nothing to compute yet.

        Raises
        ------
        TomoscribeError
            If the voxel size is unknown, the tomogram is constant, or voxels are not finite.
        """
        if diameter_A is not None:
            self._features(diameter_A)

    def _features(self, diameter_A: float) -> FeatureMaps:
        if self._maps is None or self._diameter_A != diameter_A:
            diameter = diameter_A / self._volume.require_voxel_size()
            if diameter < 3:
                raise TomoscribeError(
                    f"A particle of {diameter_A:g} Å is smaller than three voxels of "
                    f"{self._volume.path}; correct the diameter of the class or the voxel size."
                )
            factor = choose_bin(self._volume.shape_zyx, diameter)
            binned = scale_volume(self._volume, factor).read_all()
            self._maps = compute_features(binned, diameter / factor, factor)
            self._diameter_A = diameter_A
        return self._maps

    def fit(self, clicks_zyx: ArrayLike, diameter_A: float) -> ClickModel:
        """Return what the clicks look like, to be used on this or on another tomogram.

        Raises
        ------
        TomoscribeError
            If there are fewer than three clicks inside the tomogram.
        """
        clicks = self._inside(clicks_zyx)
        if len(clicks) < MIN_CLICKS:
            raise TomoscribeError(
                f"The instant answer needs {MIN_CLICKS} clicks in {self._volume.path}, "
                f"there are {len(clicks)}; click more particles."
            )
        return fit_clicks(self._features(diameter_A), clicks)

    def answer(
        self, clicks_zyx: ArrayLike, diameter_A: float, rejected_zyx: ArrayLike = ()
    ) -> InstantHeatmap:
        """Return the heatmap from clicks (N, 3) and rejected proposals (M, 3), in tomogram voxels.

        Raises
        ------
        TomoscribeError
            If there are fewer than three clicks inside the tomogram.
        """
        maps = self._features(diameter_A)
        clicks = self._inside(clicks_zyx)
        return self.apply(self.fit(clicks, diameter_A), diameter_A, maps.at(clicks))

    def apply(
        self, model: ClickModel, diameter_A: float, clicked: NDArray[np.float32]
    ) -> InstantHeatmap:
        """Return the heatmap of a model; `clicked` are the raw features (N, K) of its clicks."""
        maps = self._features(diameter_A)
        ratios = model.score_maps(maps)
        at_clicks = model.score(clicked)
        low = float(np.median(model.score(maps.background)))
        high = max(float(np.median(at_clicks)), low + 1e-3)
        # tanh: linear where it matters, yet the best stay apart instead of meeting at 1
        scale = np.arctanh(CLICK_SCORE) / (high - low)
        ratios -= low
        ratios *= scale
        np.tanh(np.maximum(ratios, 0, out=ratios), out=ratios)
        edge = np.tanh((float(np.quantile(at_clicks, THRESHOLD_QUANTILE)) - low) * scale)
        return InstantHeatmap(ratios, maps.bin, float(np.clip(edge, 0.05, 0.95)))

    def proposals(
        self,
        heatmap: InstantHeatmap,
        clicks_zyx: ArrayLike,
        diameter_A: float,
        rejected_zyx: ArrayLike = (),
        min_score: float | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return new positions (N, 3) in tomogram voxels and scores (N,), best first.

        Positions within half a diameter of a clicked or rejected one are left out.
        `min_score` defaults to the heatmap's own threshold.
        """
        diameter = diameter_A / self._volume.require_voxel_size()
        floor = heatmap.threshold if min_score is None else min_score
        zyx, scores = find_peaks(heatmap.scores, SUPPRESSION * diameter / heatmap.bin, floor)
        zyx = zyx * heatmap.bin + (heatmap.bin - 1) / 2
        known = np.concatenate([_points(clicks_zyx), _points(rejected_zyx)])
        if len(known) and len(zyx):
            new = KDTree(known).query(zyx)[0] > KNOWN * diameter
            zyx, scores = zyx[new], scores[new]
        return zyx, scores

    def _inside(self, zyx: ArrayLike) -> NDArray[np.float64]:
        points = _points(zyx)
        size = np.array(self._volume.shape_zyx)
        return points[np.all((points >= -0.5) & (points < size - 0.5), axis=1)]


def _points(zyx: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(zyx, dtype=np.float64).reshape(-1, 3)
