"""What a report of two checkpoints tells, as plain values; `report` makes the page of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.picks.table import HUMAN, JUNK, PickState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.evaluation.compared import ComparedSample
    from tomoscribe.evaluation.judgement import Judgement
    from tomoscribe.evaluation.pictures import PictureRow
    from tomoscribe.project.model import ParticleClass


@dataclass(frozen=True)
class ReportSide:
    """One checkpoint and the training behind it.

    Parameters
    ----------
    letter : str
        A or B.
    name : str
        Run and checkpoint.
    facts : tuple of (str, str)
        What is known of it: file, steps, time, parent.
    settings : tuple of (str, str, str)
        Settings that are not the default: key, value, meaning.
    plan : tuple of (str, str, str)
        What the plan chose: key, value, reason.
    versions : tuple of (str, str)
        Of the libraries that trained it.
    """

    letter: str
    name: str
    facts: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str, str], ...] = ()
    plan: tuple[tuple[str, str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ReportClass:
    """How both sides stand in one class, over all samples.

    Parameters
    ----------
    name : str
    diameter_A : float
    judged : mapping of str to Judgement
        By letter; a side without scores is missing.
    thresholds : mapping of str to (float, bool)
        Of each side, and whether its own calibration chose it.
    """

    name: str
    diameter_A: float
    judged: Mapping[str, Judgement]
    thresholds: Mapping[str, tuple[float, bool]]


@dataclass(frozen=True)
class ReportSample:
    """A sample: what it is and what people said of it.

    Parameters
    ----------
    name, kind, path, role : str
    voxel_size_A : float
    counts : tuple of (str, int, int, int)
        Class, clicked, accepted from proposals, rejected.
    declared : str
        What is declared complete.
    """

    name: str
    kind: str
    path: str
    role: str
    voxel_size_A: float
    counts: tuple[tuple[str, int, int, int], ...]
    declared: str


@dataclass(frozen=True)
class Report:
    """Everything on the page.

    Parameters
    ----------
    project : str
        Its name.
    made : str
        Date and time.
    version : str
        Of this program.
    sides : tuple of ReportSide
    classes : tuple of ReportClass
    samples : tuple of ReportSample
    pictures : tuple of (str, tuple of PictureRow)
        By class.
    notes : tuple of str
        What is missing, and why.
    """

    project: str
    made: str
    version: str
    sides: tuple[ReportSide, ...]
    classes: tuple[ReportClass, ...]
    samples: tuple[ReportSample, ...]
    pictures: tuple[tuple[str, tuple[PictureRow, ...]], ...] = ()
    notes: tuple[str, ...] = ()


def sample_of(compared: ComparedSample, classes: Sequence[ParticleClass]) -> ReportSample:
    """Return what a report tells of a sample."""
    evidence = compared.evidence
    mine = [p for p in evidence.picks if evidence.surface is None or p.membrane == evidence.name]
    counts = []
    for name in (*(c.name for c in classes), JUNK):
        of_class = [p for p in mine if p.class_name == name]
        accepted = [p for p in of_class if p.state == PickState.ACCEPTED]
        clicked = sum(p.source == HUMAN for p in accepted)
        rejected = sum(p.state == PickState.REJECTED for p in of_class)
        if name != JUNK or rejected:
            label = "junk" if name == JUNK else name
            counts.append((label, clicked, len(accepted) - clicked, rejected))
    surface = evidence.surface
    if surface is None:
        count = len(evidence.regions)
        declared = f"{count} region{'' if count == 1 else 's'}" if count else "nothing"
    elif surface.complete is not None and surface.complete.any():
        declared = f"{surface.complete.mean():.0%} of the vertices"
    else:
        declared = "nothing"
    return ReportSample(
        evidence.name,
        compared.kind,
        compared.path,
        str(compared.role),
        evidence.voxel_size_A,
        tuple(counts),
        declared,
    )
