"""A checkpoint's proposals against what people know: matched, missed, extra, and their figures.

Where something is declared complete, the figures are counted in there alone and are exact. Where
nothing is, an extra proposal is not wrong but not judged yet: what is counted as precision and F1
is then the least that they can be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.proposals import SAME
from tomoscribe.picks.match import curve_of_hits, match_in_order, match_picks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.evaluation.known import Known
    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.picks.match import BestF1, PrecisionRecallCurve


class Standing(StrEnum):
    """What a proposal or a particle is, seen from the other side."""

    MATCHED = "matched"
    MISSED = "missed"
    WRONG = "wrong"
    OPEN = "not judged"


@dataclass(frozen=True)
class Figures:
    """Counts at one threshold, and what follows from them.

    Parameters
    ----------
    threshold : float
        Lowest score that counts.
    proposed, found, clicks : int
        Proposals, particles found, particles known.
    wrong, open : int
        Extra proposals that are certainly wrong, and those that nobody has judged.
    held_out, held_out_found : int
        Particles that the training never saw, and those of them found.
    right, counted, sought : int
        What precision and recall are counted from: right proposals, proposals, particles.
    exact : bool
        Whether these are all in declared regions; else precision and F1 are the least they can be.
    """

    threshold: float
    proposed: int
    found: int
    clicks: int
    wrong: int
    open: int
    held_out: int
    held_out_found: int
    right: int
    counted: int
    sought: int
    exact: bool

    @property
    def settled(self) -> bool:
        """Whether every proposal that counts was judged, so that nothing is a least value only."""
        return self.exact or not self.open

    @property
    def precision(self) -> float:
        """Share of the proposals that are right; where not `exact`, at least."""
        return self.right / self.counted if self.counted else 0.0

    @property
    def recall(self) -> float:
        """Share of the particles that were found."""
        return self.right / self.sought if self.sought else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; where not `exact`, at least."""
        total = self.counted + self.sought
        return 2 * self.right / total if total else 0.0


@dataclass(frozen=True)
class Verdicts:
    """Every proposal and particle of a sample at one threshold.

    Parameters
    ----------
    shown : (K,) array of int
        The proposals at or above the threshold.
    standing : (K,) array of str
        `MATCHED`, `WRONG` or `OPEN` of each.
    missed : (L,) array of int
        The particles that none of them found.
    figures : Figures
    """

    shown: NDArray[np.intp]
    standing: NDArray[np.str_]
    missed: NDArray[np.intp]
    figures: Figures


@dataclass(frozen=True)
class JudgedSample:
    """The proposals of one class in one sample, with what is known there."""

    proposals: Proposals
    known: Known
    _last: dict[float, Verdicts] = field(default_factory=dict, repr=False, compare=False)

    @property
    def exact(self) -> bool:
        """Whether a part of it is declared complete."""
        return self.known.declared is not None

    @cached_property
    def declared(self) -> NDArray[np.bool_]:
        """Which proposals (N,) lie where all is picked."""
        return self._inside(self.proposals.places)

    @cached_property
    def sought(self) -> NDArray[np.bool_]:
        """Which particles (M,) recall is counted from."""
        if not self.exact:
            return np.ones(len(self.known.places), bool)
        return self._inside(self.known.places)

    @cached_property
    def refuted(self) -> NDArray[np.bool_]:
        """Which proposals (N,) are wrong unless they are matched.

        Those in declared regions, those where somebody said that there is none, and those so near
        to a particle that they can only be the same one again.
        """
        refuted = self.declared.copy()
        certain = np.concatenate([self.known.negatives, self.known.places])
        if len(certain) and len(self.proposals):
            away, _ = scipy.spatial.KDTree(certain).query(self.proposals.places)
            refuted |= away <= self.tolerance
        return refuted

    @property
    def tolerance(self) -> float:
        """Largest distance of a match, tomogram voxels."""
        return SAME * self.proposals.diameter_voxels

    @cached_property
    def ranked(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores and hits (K,) of the proposals that precision is counted from, best first."""
        taken = match_in_order(self.proposals.places, self.known.places, self.tolerance)
        hits = taken >= 0
        if self.exact:
            right = np.zeros(len(hits), bool)
            right[hits] = self.sought[taken[hits]]
            counted = right | (~hits & self.declared)
            return self.proposals.scores[counted].astype(np.float64), right[counted]
        return self.proposals.scores.astype(np.float64), hits

    def at(self, threshold: float) -> Verdicts:
        """Judge at a threshold, with as many particles found as one-to-one pairs allow."""
        verdicts = self._last.get(threshold)  # figures, marks and list all ask for the same one
        if verdicts is None:
            verdicts = self._at(threshold)
            self._last.clear()
            self._last[threshold] = verdicts
        return verdicts

    def _at(self, threshold: float) -> Verdicts:
        shown = np.flatnonzero(self.proposals.scores >= np.float32(threshold))
        known = self.known
        matching = match_picks(self.proposals.places[shown], known.places, self.tolerance)
        standing = np.where(self.refuted[shown], Standing.WRONG, Standing.OPEN).astype("U10")
        standing[matching.pairs[:, 0]] = Standing.MATCHED
        found = np.zeros(len(known.places), bool)
        found[matching.pairs[:, 1]] = True
        held = np.zeros(len(found), bool) if known.held_out is None else known.held_out
        unmatched = standing != Standing.MATCHED
        right = int((found & self.sought).sum())
        beside = int((unmatched & self.declared[shown]).sum()) if self.exact else 0
        figures = Figures(
            threshold=threshold,
            proposed=len(shown),
            found=int(found.sum()),
            clicks=len(found),
            wrong=int((standing == Standing.WRONG).sum()),
            open=int((standing == Standing.OPEN).sum()),
            held_out=int(held.sum()),
            held_out_found=int((held & found).sum()),
            right=right,
            counted=right + beside if self.exact else len(shown),
            sought=int(self.sought.sum()),
            exact=self.exact,
        )
        return Verdicts(shown, standing, np.flatnonzero(~found), figures)

    def _inside(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        if self.known.declared is None:
            return np.zeros(len(places), bool)
        return self.known.declared(places)


@dataclass(frozen=True)
class Judgement:
    """A checkpoint's proposals of one class over some samples.

    Where one of them has a declared part, precision, recall and F1 are counted in such parts alone.
    """

    samples: tuple[JudgedSample, ...]

    @property
    def exact(self) -> bool:
        """Whether precision and F1 are what they are, not the least that they can be."""
        return any(sample.exact for sample in self.samples)

    @property
    def clicks(self) -> int:
        """Particles known in all samples."""
        return sum(len(sample.known.places) for sample in self.samples)

    @property
    def counted_samples(self) -> list[JudgedSample]:
        """The samples that precision, recall and F1 are counted in."""
        return [s for s in self.samples if s.exact] or list(self.samples)

    @cached_property
    def curve(self) -> PrecisionRecallCurve:
        """Precision, recall and F1 at every threshold, of all samples together."""
        ranked = [sample.ranked for sample in self.counted_samples]
        scores = np.concatenate([s for s, _ in ranked]) if ranked else np.zeros(0)
        hits = np.concatenate([h for _, h in ranked]) if ranked else np.zeros(0, bool)
        order = np.argsort(-scores, kind="stable")
        sought = sum(int(sample.sought.sum()) for sample in self.counted_samples)
        return curve_of_hits(scores[order], hits[order], sought)

    @property
    def best(self) -> BestF1 | None:
        """The threshold with the highest F1; None where F1 is not exact.

        The least that F1 can be is highest where little more than the clicks is proposed, which
        tells nothing of the best threshold.
        """
        return self.curve.best() if self.exact and self.clicks else None

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Scores of all proposals of all samples, ascending."""
        values = [sample.proposals.scores.astype(np.float64) for sample in self.samples]
        return np.sort(np.concatenate(values)) if values else np.zeros(0)

    def count(self, threshold: float) -> int:
        """Return the number of proposals at or above a threshold."""
        return len(self.scores) - int(np.searchsorted(self.scores, np.float32(threshold)))

    def at(self, threshold: float) -> Figures:
        """Return the figures of all samples together at a threshold."""
        each = [sample.at(threshold).figures for sample in self.samples]
        return pooled(each, threshold)

    def prepared(self) -> Judgement:
        """Return this with what costs time computed, which a thread can do."""
        _ = self.curve, self.scores, [s.refuted for s in self.samples]
        return self


def pooled(each: Sequence[Figures], threshold: float) -> Figures:
    """Return the figures of several samples together; the exact ones alone where there are any."""
    counted = [f for f in each if f.exact] or each
    return Figures(
        threshold=threshold,
        proposed=sum(f.proposed for f in each),
        found=sum(f.found for f in each),
        clicks=sum(f.clicks for f in each),
        wrong=sum(f.wrong for f in each),
        open=sum(f.open for f in each),
        held_out=sum(f.held_out for f in each),
        held_out_found=sum(f.held_out_found for f in each),
        right=sum(f.right for f in counted),
        counted=sum(f.counted for f in counted),
        sought=sum(f.sought for f in counted),
        exact=any(f.exact for f in each),
    )
