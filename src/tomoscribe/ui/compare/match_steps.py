"""What was missed and what was proposed beside, as places to step through. No Qt.

Missed particles come first, the least missed one at their head; then extra proposals, best first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.judgement import Standing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.evaluation.judgement import JudgedSample, Verdicts

NEVER = 0.0
"""Score of a missed particle where nothing at all is proposed."""


@dataclass(frozen=True)
class Step:
    """A place to look at.

    Parameters
    ----------
    standing : Standing
        `MISSED`, `WRONG` or `OPEN`.
    zyx : tuple of float
        Tomogram voxels.
    place : tuple of float
        The same as it is set against picks; on a membrane moved outward.
    score : float
        Of the proposal; of a missed particle the best there is below the threshold.
    normal_zyx : tuple of float or None
        Outward, on a membrane.
    """

    standing: Standing
    zyx: tuple[float, float, float]
    place: tuple[float, float, float]
    score: float
    normal_zyx: tuple[float, float, float] | None = None

    @property
    def text(self) -> str:
        """What the list says of it."""
        if self.standing is Standing.MISSED:
            told = f"{self.score:.2g} there" if self.score > NEVER else "nothing there"
            return f"missed: {told}"
        why = "certainly wrong" if self.standing is Standing.WRONG else "not judged yet"
        return f"extra {self.score:.2g}: {why}"


def steps_of(sample: JudgedSample, verdicts: Verdicts) -> list[Step]:
    """Return the places to step through at a threshold."""
    found, known = sample.proposals, sample.known
    scores = _scores_at(sample, known.places[verdicts.missed])
    missed = []
    for index, score in zip(verdicts.missed.tolist(), scores.tolist(), strict=True):
        pick = known.accepted[index]
        place = _triple(known.places[index])
        missed.append(Step(Standing.MISSED, pick.zyx, place, score, pick.normal_zyx))
    extra = []
    for index, standing in zip(verdicts.shown.tolist(), verdicts.standing.tolist(), strict=True):
        if standing != Standing.MATCHED:
            normal = None if found.normals_zyx is None else _triple(found.normals_zyx[index])
            zyx, place = _triple(found.zyx[index]), _triple(found.places[index])
            extra.append(Step(Standing(standing), zyx, place, float(found.scores[index]), normal))
    return sorted(missed, key=lambda step: -step.score) + extra


def _scores_at(sample: JudgedSample, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best score (N,) proposed within a match's reach of places (N, 3)."""
    best = np.full(len(places), NEVER)
    if len(places) and len(sample.proposals):
        near = scipy.spatial.KDTree(sample.proposals.places).query_ball_point(
            places, sample.tolerance
        )
        for i, indices in enumerate(near):
            if indices:
                best[i] = float(sample.proposals.scores[indices].max())
    return best


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    z, y, x = (float(v) for v in values)
    return z, y, x
