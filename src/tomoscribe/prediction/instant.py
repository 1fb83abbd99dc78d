"""The instant answer: a first heatmap from a few clicks, before any training, without torch.

`prepare` computes the features of a tomogram once; each `answer` fits the clicks
and scores the whole tomogram again, in a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.coords import binned_to_voxels
from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.peaks import SUPPRESSION, find_peaks
from tomoscribe.prediction.click_model import ClickModel, fit_clicks
from tomoscribe.prediction.instant_features import FeatureMaps, compute_features
from tomoscribe.prediction.score_mixture import choose_threshold
from tomoscribe.tasks.tomogram.scaled import scale_volume

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.volumes import Volume

MIN_CLICKS = 3
"""Fewer clicks say too little about what varies among particles."""
KNOWN = 0.5
"""A proposal closer than this to a clicked or rejected position is known already, in diameters."""
REJECTED = 0.35
"""Radius in diameters around a rejected place where the heatmap is 0."""
CLICK_SCORE = 0.8
"""Score of a typical click; the background's median is 0."""
LIFT = float(np.arctanh(CLICK_SCORE))
"""The score is tanh(LIFT t) where t is 0 for the background's median and 1 for a typical click."""
BELOW_ONE = 1 - 1e-6
LOWEST_PEAK = 0.3
"""Score below which peaks are noise and are not kept."""
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
        Score above which places are proposed, chosen from the clicks and the peaks.
    peaks_zyx : ndarray
        (N, 3) peaks in tomogram voxels, best first.
    peak_scores : ndarray, float32
        (N,) their scores.
    """

    scores: NDArray[np.float32]
    bin: int
    threshold: float
    peaks_zyx: NDArray[np.float64]
    peak_scores: NDArray[np.float32]


@dataclass(frozen=True)
class InstantModel:
    """What clicks look like: the model, and the scores that fix the heatmap's scale.

    `low` is the background's median; `click_scores` (N,) are those of the clicks.
    """

    model: ClickModel
    diameter_A: float
    low: float
    click_scores: NDArray[np.float32]

    @property
    def typical(self) -> float:
        """How far a typical click is above the background's median."""
        return max(float(np.median(self.click_scores)) - self.low, 1e-3)

    def to_unit(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-likelihood ratios as 0..1, in place."""
        # tanh: linear where it matters, yet the best stay apart instead of meeting at 1
        scores -= self.low
        scores *= LIFT / self.typical
        return np.tanh(np.maximum(scores, 0, out=scores), out=scores)

    def threshold(self, peak_scores: NDArray[np.float32]) -> float:
        """Return the score 0..1 above which peaks (N,) are proposed, best first."""
        clicks = (self.click_scores - self.low) / self.typical
        linear = np.arctanh(np.minimum(peak_scores, BELOW_ONE)) / LIFT
        chosen = choose_threshold(clicks, linear, lowest=np.arctanh(LOWEST_PEAK) / LIFT)
        return float(np.tanh(chosen * LIFT))


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

    def fit(
        self, clicks_zyx: ArrayLike, diameter_A: float, accepted_zyx: ArrayLike = ()
    ) -> InstantModel:
        """Return what the clicks look like, to be used on this or on another tomogram.

        Parameters
        ----------
        clicks_zyx : array_like
            (N, 3) positions that a person chose, in tomogram voxels.
        diameter_A : float
            Particle diameter in Å.
        accepted_zyx : array_like
            (M, 3) proposals that a person accepted. They teach as clicks do, but do not tell
            where particles score, for proposals were chosen by their score.

        Raises
        ------
        TomoscribeError
            If there are fewer than three positions inside the tomogram.
        """
        clicks, accepted = self._inside(clicks_zyx), self._inside(accepted_zyx)
        count = len(clicks) + len(accepted)
        if count < MIN_CLICKS:
            raise TomoscribeError(
                f"The instant answer needs {MIN_CLICKS} clicks in {self._volume.path}, "
                f"there are {count}; click more particles."
            )
        if len(clicks) < MIN_CLICKS:
            clicks, accepted = np.concatenate([clicks, accepted]), accepted[:0]
        maps = self._features(diameter_A)
        model, scores = fit_clicks(maps, clicks, accepted)
        low = float(np.median(model.score(maps.background)))
        return InstantModel(model, diameter_A, low, scores)

    def apply(self, model: InstantModel, rejected_zyx: ArrayLike = ()) -> InstantHeatmap:
        """Return the heatmap of a model of this or of another tomogram, 0 at rejected places."""
        maps = self._features(model.diameter_A)
        diameter = model.diameter_A / self._volume.require_voxel_size() / maps.bin
        scores = model.to_unit(model.model.score_maps(maps))
        for place in maps.to_grid(self._inside(rejected_zyx)):
            _blank(scores, place, REJECTED * diameter)
        zyx, peaks = find_peaks(scores, SUPPRESSION * diameter, LOWEST_PEAK)
        zyx = binned_to_voxels(zyx, maps.bin)
        return InstantHeatmap(scores, maps.bin, model.threshold(peaks), zyx, peaks)

    def answer(
        self,
        clicks_zyx: ArrayLike,
        diameter_A: float,
        rejected_zyx: ArrayLike = (),
        accepted_zyx: ArrayLike = (),
    ) -> InstantHeatmap:
        """Return the heatmap of clicks, rejected and accepted proposals, all (N, 3) voxels.

        Raises
        ------
        TomoscribeError
            If there are fewer than three positions inside the tomogram.
        """
        return self.apply(self.fit(clicks_zyx, diameter_A, accepted_zyx), rejected_zyx)

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
        `min_score` defaults to the heatmap's own threshold; below 0.3 there are no more.
        """
        diameter = diameter_A / self._volume.require_voxel_size()
        good = heatmap.peak_scores >= (heatmap.threshold if min_score is None else min_score)
        zyx, scores = heatmap.peaks_zyx[good], heatmap.peak_scores[good]
        known = np.concatenate([_points(clicks_zyx), _points(rejected_zyx)])
        if len(known) and len(zyx):
            new = scipy.spatial.KDTree(known).query(zyx)[0] > KNOWN * diameter
            zyx, scores = zyx[new], scores[new]
        return zyx, scores

    def _inside(self, zyx: ArrayLike) -> NDArray[np.float64]:
        points = _points(zyx)
        size = np.array(self._volume.shape_zyx)
        return points[np.all((points >= -0.5) & (points < size - 0.5), axis=1)]


def _blank(scores: NDArray[np.float32], centre: NDArray[np.float64], radius: float) -> None:
    """Set a ball of the heatmap to 0, in place."""
    lo = np.maximum(np.ceil(centre - radius), 0).astype(int)
    hi = np.minimum(np.floor(centre + radius) + 1, scores.shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(lo, hi, strict=True))
    grid = np.ogrid[box]
    away = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
    scores[box][away <= radius**2] = 0


def _points(zyx: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(zyx, dtype=np.float64).reshape(-1, 3)
