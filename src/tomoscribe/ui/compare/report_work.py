"""The report of what the dock compares, made in a thread from scores that are in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.compared import ComparedSample, ScoredClass
from tomoscribe.evaluation.evidence import ClassScores
from tomoscribe.evaluation.report import write_report
from tomoscribe.evaluation.segments.report import render
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.volumes import open_volume
from tomoscribe.training.report_facts import make_report
from tomoscribe.training.report_segments import make_segment_report
from tomoscribe.ui.segments.segment_judge import judge_segments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tomoscribe.project.model import ParticleClass, Role
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.compare.judge_work import JudgeOrder, JudgeWork
    from tomoscribe.ui.compare.sides import Letter
    from tomoscribe.ui.segments.segment_judge import SegmentOrder

FOLDER = "reports"
"""In the project."""


@dataclass(frozen=True)
class ReportOrder:
    """What a report is made of.

    Parameters
    ----------
    project : str
        Its name.
    path : Path
        Where the page is written.
    refs : mapping of letter to CheckpointRef
        The sides.
    orders : tuple of JudgeOrder
        One a class, all on the same samples.
    thresholds : mapping of (letter, class) to (float, bool)
        Of each side and class, and whether it is its own.
    roles : mapping of str to Role
        By sample.
    """

    project: str
    path: Path
    refs: Mapping[Letter, CheckpointRef]
    orders: tuple[JudgeOrder, ...]
    thresholds: Mapping[tuple[Letter, str], tuple[float, bool]]
    roles: Mapping[str, Role]


def report_path(folder: Path, refs: Mapping[Any, CheckpointRef]) -> Path:
    """Return where the report of two checkpoints goes: in the project, named by time and both."""
    names = "_vs_".join(re.sub(r"[^\w.+-]+", "_", ref.source) for ref in refs.values())
    stamp = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    return folder / FOLDER / f"{stamp}_{names}.html"


def write(order: ReportOrder, work: JudgeWork) -> Path:
    """Judge, draw and write; return where the page is.

    Raises
    ------
    TomoscribeError
        If a sample cannot be read, or the page not be written.
    """
    compared = _compare(order, work)
    notes = [
        f"{letter.upper()} has no scores on {sample.evidence.name}."
        for sample in compared
        for letter in order.refs
        if letter.upper() not in sample.sides
    ]
    sides = {letter.upper(): ref for letter, ref in order.refs.items()}
    classes: list[ParticleClass] = [one.particle for one in order.orders]
    report = make_report(order.project, sides, compared, classes, notes)
    _make_folder(order.path.parent)
    write_report(order.path, report)
    return order.path


def write_segments(order: SegmentOrder, project: str, path: Path) -> Path:
    """Judge two segmentations, draw and write; return where the page is.

    Raises
    ------
    TomoscribeError
        If an image or its painting cannot be read, or the page not be written.
    """
    page = render(make_segment_report(project, judge_segments(order)))
    _make_folder(path.parent)
    write_text_atomic(path, page)
    return path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise TomoscribeError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _compare(order: ReportOrder, work: JudgeWork) -> list[ComparedSample]:
    """Return every sample with the scores of both sides in all classes, judged."""
    judged = {one.particle.name: work.do(one) for one in order.orders}
    first = order.orders[0]
    found = []
    for evidence, sample in zip(work.evidence(first), first.samples, strict=True):
        sides: dict[str, dict[str, ScoredClass]] = {}
        for one in order.orders:
            for letter, side in judged[one.particle.name].items():
                if sample.name not in side.samples:
                    continue
                known = one.known[(letter, sample.name)]
                index = known.grid.class_names.index(one.particle.name)
                threshold, own = order.thresholds[(letter, one.particle.name)]
                scores = ClassScores(known.values[index], known.grid.bin)
                sides.setdefault(letter.upper(), {})[one.particle.name] = ScoredClass(
                    scores, side.samples[sample.name], threshold, own
                )
        volume = None
        if sample.membrane is None:
            volume = open_volume(sample.tomogram, sample.voxel_size_A).data
        path = sample.tomogram if sample.membrane is None else str(sample.membrane)
        found.append(ComparedSample(evidence, path, order.roles[sample.name], volume, sides))
    return found
