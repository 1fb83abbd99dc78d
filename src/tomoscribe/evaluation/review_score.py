"""What a person's answers to proposals tell: precision so far, and whether answering still pays.

Plain numbers in the order in which the answers were given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WINDOW = 50
"""Answers that precision is taken over: a standard error of 0.04 at 0.9, 0.07 at 0.5."""

Z = 1.96
"""Standard errors of a 95 % interval."""

GOOD = 0.9
"""Precision from which on a person's answers are mostly a yes, which teaches the model little."""


class Advice(StrEnum):
    """What the answers say about going on."""

    FEW = "few"
    IMPROVES = "improves"
    WORSENS = "worsens"
    STUCK = "stuck"
    ENOUGH = "enough"


@dataclass(frozen=True)
class RunningScore:
    """Precision over a sliding window of answers.

    Parameters
    ----------
    answers : (N,) array of bool
        True where a proposal was accepted, oldest first.
    window : int
        Answers that each precision is taken over; fewer at the start.
    """

    answers: NDArray[np.bool_]
    window: int = WINDOW

    @classmethod
    def of(cls, answers: Sequence[bool] | NDArray[np.bool_], window: int = WINDOW) -> RunningScore:
        """Return the score of answers, oldest first."""
        return cls(np.asarray(answers, dtype=bool).reshape(-1), window)

    @property
    def count(self) -> int:
        """How many answers the newest precision is taken over."""
        return min(len(self.answers), self.window)

    @property
    def right(self) -> int:
        """How many of these were accepted."""
        return int(self.answers[-self.window :].sum())

    @property
    def precision(self) -> float:
        """The newest precision, NaN without answers."""
        return self.right / self.count if self.count else math.nan

    def curve(self) -> NDArray[np.float64]:
        """Return the precision (N,) after each answer, over up to `window` answers before it."""
        sums = np.concatenate([[0], np.cumsum(self.answers)])
        ends = np.arange(1, len(self.answers) + 1)
        starts = np.maximum(ends - self.window, 0)
        return np.asarray((sums[ends] - sums[starts]) / (ends - starts))

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the newest precision; (0, 1) without answers."""
        return wilson(self.right, self.count)

    def advice(self) -> Advice:
        """Compare the last window with the one before it.

        They differ when their precisions are apart by more than 1.96 standard errors of the
        difference of two binomial shares (pooled). If they do not, nothing changes any more:
        `ENOUGH` at a precision of `GOOD` or more, else `STUCK`.
        """
        if len(self.answers) < 2 * self.window:
            return Advice.FEW
        last = float(self.answers[-self.window :].mean())
        before = float(self.answers[-2 * self.window : -self.window].mean())
        pooled = (last + before) / 2
        error = math.sqrt(2 * pooled * (1 - pooled) / self.window)
        if abs(last - before) > Z * error:
            return Advice.IMPROVES if last > before else Advice.WORSENS
        return Advice.ENOUGH if last >= GOOD else Advice.STUCK


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share `right / count`; (0, 1) for no count.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927: it
    stays within 0..1 and holds for small counts, where the usual one does not.
    """
    if not count:
        return 0.0, 1.0
    share, square = right / count, Z**2 / count
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)
