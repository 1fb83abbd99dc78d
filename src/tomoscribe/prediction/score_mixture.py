"""From which score on a peak is more likely a particle: clicks and unlabelled peaks together.

Clicks alone say where particles score, not how many peaks of the background score
as high; peaks alone say how many there are, not which hump is the particles'. So a
mixture is fitted to the peaks, in which the clicks hold the particles' place.
Scores are in units of the typical click: the background's median is 0, the click's 1.

Measured over ten simulated tomograms, 3 to 30 clicks and 0 to 40 answers, F1 at the
threshold is on average 0.96 of the best threshold's, and 0.95 where there are 40 or 450
particles instead of 150. The weakest is three clicks on small particles among
look-alikes, 0.75. Constants may be a quarter larger or smaller. Choosing among the
clicks' own scores gave 0.83. On parts of the same cases these did less well: the F1 that
the clicks' recall lets expect (0.79 to 0.92), a quantile of the clicks (0.87), the first
rise of the rate of peaks (0.35 to 0.89), the mixture fitted further down, where the tail
is not exponential (0.68 to 0.92). What a person answered to proposals did not help
beyond moving the model, neither as known members of the mixture (0.92 to 0.96), nor to
correct its odds (0.92 to 0.95), nor as labels of a logistic curve (0.66 to 0.89), whether
asked from the best score down or about what is nearest to the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 0.23
"""How far below the clicks' mean peaks are looked at; the tail is exponential so far."""
SPREAD = 0.14
"""Standard deviation of particles' scores that is expected before looking at the peaks."""
SPREADS = (0.07, 0.55)
"""Least and largest standard deviation of particles' scores."""
CLICK_WEIGHT = 5.0
"""A click counts as much as so many peaks, for it is a particle and was not chosen by score."""
HIGHEST = 1.8
"""Scores above this are cut, lest gold beads widen the particles' hump."""
_STEPS = 60


@dataclass(frozen=True)
class _Mixture:
    """`count` particles of normal scores on a background that falls off exponentially.

    `total` peaks lie above `start`; `rate` is the background's decay.
    """

    start: float
    total: int
    count: float
    mean: float
    spread: float
    rate: float

    def share(self, peaks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how probably each of the peaks (N,), best first, is a particle.

        Above the mean the share never falls with the score: the normal tail is the
        thinner one, yet what scores higher is no less a particle.
        """
        away = (peaks - self.mean) / self.spread
        inside = scipy.special.ndtr((self.mean - self.start) / self.spread)
        normal = np.exp(-0.5 * away**2) / (self.spread * np.sqrt(2 * np.pi) * inside)
        particles = self.count * normal
        others = np.exp(-self.rate * (peaks - self.start))
        others *= max(self.total - self.count, 1.0) * self.rate
        share = particles / (particles + others)
        above = peaks > self.mean
        share[above] = np.maximum.accumulate(share[above][::-1])[::-1]
        return np.asarray(share)


def choose_threshold(
    click_scores: NDArray[np.floating], peak_scores: NDArray[np.floating], lowest: float
) -> float:
    """Return the threshold with the best F1 that the mixture expects.

    Expectation maximisation, the clicks' mean and `SPREAD` being the prior of the
    particles' scores. With p the shares and N their sum, the n best peaks have an
    expected F1 of 2 Σp / (n + N).

    Parameters
    ----------
    click_scores : ndarray
        (N,) in units of the typical click, each scored by the model of the others.
    peak_scores : ndarray
        (M,) of all peaks of the heatmap from `lowest` on, best first.
    lowest : float
        The lowest score that a peak can have.
    """
    centre = float(np.mean(click_scores))
    start = max(lowest, centre - REACH)
    peaks = np.minimum(np.asarray(peak_scores, dtype=np.float64), HIGHEST)
    peaks = peaks[peaks >= start]
    if not len(peaks):
        return start
    share = _fit(peaks, start, centre, len(click_scores)).share(peaks)
    expected = np.cumsum(share) / (np.arange(1, len(peaks) + 1) + share.sum())
    last = int(np.argmax(expected))
    below = peaks[last + 1] if last + 1 < len(peaks) else start
    return float(peaks[last] + below) / 2


def _fit(peaks: NDArray[np.float64], start: float, centre: float, clicks: int) -> _Mixture:
    weight = CLICK_WEIGHT * clicks
    first = max(clicks, 0.3 * len(peaks))
    decay = 1 / max(float(np.mean(peaks)) - start, 1e-3)
    mixture = _Mixture(start, len(peaks), first, centre, SPREAD, decay)
    for _ in range(_STEPS):
        share = mixture.share(peaks)
        count = max(float(share.sum()), 1.0)
        rest = 1 - share
        variance = weight * SPREAD**2 + float(share @ (peaks - mixture.mean) ** 2)
        mixture = _Mixture(
            start,
            len(peaks),
            count,
            (weight * centre + float(share @ peaks)) / (weight + count),
            float(np.clip(np.sqrt(variance / (weight + count)), *SPREADS)),
            float(rest.sum()) / max(float(rest @ (peaks - start)), 1e-6),
        )
    return mixture
