"""One sample as two checkpoints see it: what tables and pictures of a report are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomoscribe.evaluation.evidence import ClassScores, Evidence
    from tomoscribe.evaluation.judgement import JudgedSample
    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.project.model import Role

UNMEASURED = 0.5
"""Threshold of a checkpoint for which its training chose none."""


@dataclass(frozen=True)
class ScoredClass:
    """A checkpoint's scores of one class on one sample, judged.

    Parameters
    ----------
    scores : ClassScores
        The map.
    judged : JudgedSample
        Its proposals against what is known.
    threshold : float
        Lowest score of a proposal that counts.
    own : bool
        Whether the checkpoint's own calibration chose that threshold.
    """

    scores: ClassScores
    judged: JudgedSample
    threshold: float
    own: bool = True


@dataclass(frozen=True)
class ComparedSample:
    """A tomogram or a membrane, and what each side says of it.

    Parameters
    ----------
    evidence : Evidence
        What people said of it.
    path : str
        Its file.
    role : Role
        What the project uses it for.
    volume : LazyArray or None
        The tomogram; None for a membrane.
    sides : mapping of str to mapping of str to ScoredClass
        By letter, then by class; a side that has no scores here is missing.
    """

    evidence: Evidence
    path: str
    role: Role
    volume: LazyArray | None
    sides: Mapping[str, Mapping[str, ScoredClass]]

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return "tomogram" if self.evidence.surface is None else "membrane"
