"""Which features tell the clicked particles from the background: two Gaussians, fitted at once.

With white background features the score is a log-likelihood ratio. A quadratic
one: beads and membranes have more of everything than a particle, and a linear
score would rank them above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.prediction.instant_features import FeatureMaps, Whitening

PRIOR_CLICKS = 5.0
"""Weight of the background's covariance in that of the clicks, counted in clicks."""
_PLANES = 8


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution of white features: mean (K,), precision (K, K), log determinant."""

    mean: NDArray[np.float32]
    precision: NDArray[np.float32]
    log_det: float


def fit_gaussian(white: NDArray[np.float32], prior: float = PRIOR_CLICKS) -> Gaussian:
    """Return the Gaussian of (N, K) white features, its covariance shrunk towards 1."""
    values = white.astype(np.float64)
    mean = values.mean(axis=0)
    away = values - mean
    covariance = (away.T @ away + prior * np.eye(values.shape[1])) / (len(values) + prior)
    precision = np.linalg.inv(covariance)
    log_det = float(np.linalg.slogdet(precision)[1])
    return Gaussian(mean.astype(np.float32), precision.astype(np.float32), log_det)


@dataclass(frozen=True)
class ClickModel:
    """Scores voxels by how much more they look like the clicks than like the background."""

    whitening: Whitening
    target: Gaussian

    def score(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log-likelihood ratios (N,) of raw features (N, K).

        The difference of the two quadratic forms is one form of the raw features, which
        costs half as much as the two of the white ones.
        """
        matrix, target = self.whitening.matrix, self.target
        form = 0.5 * matrix @ (np.eye(len(matrix), dtype=np.float32) - target.precision) @ matrix.T
        slope = matrix @ (target.precision @ target.mean)
        constant = 0.5 * (target.log_det - target.mean @ target.precision @ target.mean)
        centred = raw - self.whitening.mean
        scores = np.einsum("nk,nk->n", centred @ form + slope, centred) + np.float32(constant)
        return np.asarray(scores, dtype=np.float32)

    def score_maps(self, maps: FeatureMaps) -> NDArray[np.float32]:
        """Return the log-likelihood ratio (z, y, x) of a whole tomogram."""
        scores = np.empty(maps.shape_zyx, np.float32)
        count = len(maps.raw)
        for start in range(0, len(scores), _PLANES):
            slab = maps.raw[:, start : start + _PLANES]
            raw = slab.reshape(count, -1).T.astype(np.float32)
            scores[start : start + _PLANES] = self.score(raw).reshape(slab.shape[1:])
        return scores


def fit_clicks(
    maps: FeatureMaps, clicks_zyx: NDArray[np.floating], accepted_zyx: NDArray[np.floating]
) -> tuple[ClickModel, NDArray[np.float32]]:
    """Return the model of clicks and accepted proposals, and each click's score (N,).

    A click is scored by the model of the others: its own would flatter it, and a
    threshold drawn from that would miss the particles that were not clicked. As the
    peak of a heatmap it scores at its best place, within a voxel of the maps.
    Accepted proposals have no say in the scores: they were shown for being high.

    Parameters
    ----------
    maps : FeatureMaps
        Features of the tomogram.
    clicks_zyx, accepted_zyx : ndarray
        (N, 3) and (M, 3) positions in tomogram voxels.
    """
    whitening = maps.whitening()
    positions = np.concatenate([clicks_zyx, accepted_zyx])
    white = whitening.apply(maps.at(positions))
    around = (np.argwhere(np.ones((3, 3, 3))) - 1) * maps.bin
    scores = np.empty(len(clicks_zyx), np.float32)
    for i, click in enumerate(clicks_zyx):
        others = ClickModel(whitening, fit_gaussian(np.delete(white, i, axis=0)))
        scores[i] = others.score(maps.at(click + around)).max()
    return ClickModel(whitening, fit_gaussian(white)), scores
