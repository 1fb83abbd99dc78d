"""All checkpoints of a project's runs as rows to sort: how good, how long trained, from what."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import events as ev
from tomoscribe.training.best_since import BestSince
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.event_log import EventReader
from tomoscribe.training.followed_folder import FollowedFolder
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import score_name

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

_NOT_LISTED = (b'{"type":"block"',)
METRICS = ("f1", "precision", "recall")
"""Figures of a validation that rows tell, where it measured them; the mean over the classes."""


@dataclass(frozen=True)
class CheckpointRow:
    """One checkpoint, with weights on disk or with stored previews only.

    Parameters
    ----------
    ref : CheckpointRef
        The checkpoint.
    run : str
        Name of its run; empty for a file from anywhere.
    step, epoch : int
        Optimizer steps; how often as many patches as there are clicks were seen.
    score : float or None
        What ranks the checkpoints of one run; None without a validation at this step.
    score_name : str
        What that is, for people: `F1`, `F1 ≈`, `IoU`.
    f1, precision, recall : float or None
        Of that validation, where it measured them.
    elapsed_s : float
        Seconds of training up to here, without pauses; NaN where no step was told before it.
    written : float
        Seconds since the epoch, NaN where it is not known.
    parent : str
        Name of the run or checkpoint that its run went on from; empty: new weights.
    best : bool
        Whether it is the best of its run.
    """

    ref: CheckpointRef
    run: str = ""
    step: int = 0
    epoch: int = 0
    score: float | None = None
    score_name: str = ""
    f1: float | None = None
    precision: float | None = None
    recall: float | None = None
    elapsed_s: float = math.nan
    written: float = math.nan
    parent: str = ""
    best: bool = False

    @property
    def kept(self) -> bool:
        """Whether the weights are on disk, so that it can predict and train on."""
        return self.ref.file is not None


class CheckpointList:
    """The checkpoints of a folder of runs; `poll` reads files, which a viewer does in a thread.

    Parameters
    ----------
    runs_dir : path
        Folder of the runs; it need not be there yet.
    """

    def __init__(self, runs_dir: str | os.PathLike[str]) -> None:
        self.runs_dir = Path(runs_dir)
        self._runs: dict[Path, _RunRows] = {}

    def poll(self) -> tuple[CheckpointRow, ...]:
        """Return the rows as of now, by name of the run and step; only news are read."""
        try:
            there = sorted(path for path in self.runs_dir.iterdir() if RunFolder(path).exists)
        except OSError:
            there = []
        known = {p: r for p, r in self._runs.items() if not r.folder.replaced()}
        self._runs = {path: known.get(path) or _RunRows(RunFolder(path)) for path in there}
        return tuple(row for run in self._runs.values() for row in run.poll())


def rows_of_files(refs: Iterable[CheckpointRef]) -> tuple[CheckpointRow, ...]:
    """Return rows of checkpoint files from anywhere; only their names are known."""
    return tuple(CheckpointRow(ref) for ref in refs)


class _RunRows:
    """The rows of one run, built as its events come."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.folder = FollowedFolder(run)  # knows which weights are there, and of which folder
        self.folder.replaced()
        self._events = EventReader(run.events_path, skip=_NOT_LISTED)
        self._written: dict[str, CheckpointRow] = {}
        self._validations: list[ev.Validation] = []
        self._best = BestSince()
        self._elapsed_s = math.nan
        self._epoch = 0
        self._parent: str | None = None

    def poll(self) -> list[CheckpointRow]:
        for event in self._events.read_new():
            self._take(event)
        self.folder.look_for_weights()
        best = self._best.validation
        at = {validation.step: validation for validation in self._validations}
        parent = self._parent_name()
        return [
            self._row(row, at.get(row.step), parent, best is not None and best.step == row.step)
            for row in sorted(self._written.values(), key=lambda row: row.step)
        ]

    def _row(
        self, row: CheckpointRow, validation: ev.Validation | None, parent: str, best: bool
    ) -> CheckpointRow:
        name = row.ref.name
        file = self.run.checkpoint_path(name) if name in self.folder.kept else None
        figures = {} if validation is None else mean_metrics(validation.metrics)
        return replace(
            row,
            ref=CheckpointRef(name, self.run.path, file),
            score=None if validation is None else validation.score,
            score_name="" if validation is None else score_name(validation.metrics),
            f1=figures.get("f1"),
            precision=figures.get("precision"),
            recall=figures.get("recall"),
            parent=parent,
            best=best,
        )

    def _take(self, event: ev.Event) -> None:
        self._best.take(event)
        match event:
            case ev.Step():
                self._elapsed_s = event.elapsed_s
            case ev.Epoch():
                self._epoch = event.epoch
            case ev.Validation():
                self._validations.append(event)
            case ev.Checkpoint():
                self._note(event.name, event)
            case ev.Preview():
                self._note(event.checkpoint, event)

    def _note(self, name: str, event: ev.Event) -> None:
        if name not in self._written:
            self._written[name] = CheckpointRow(
                CheckpointRef(name, self.run.path),
                self.run.name,
                event.step,
                self._epoch,
                elapsed_s=self._elapsed_s,
                written=event.time,
            )

    def _parent_name(self) -> str:
        if self._parent is None:
            try:
                config = self.run.config()
            except TomoscribeError:
                return ""  # it is told where runs are listed
            start = config.start_from
            self._parent = config.parent or (
                "" if start is None else CheckpointRef.of_file(start).source
            )
        return self._parent


def mean_metrics(metrics: dict[str, float]) -> dict[str, float]:
    """Return F1, precision and recall of a validation, where it has them of every class.

    Parameters
    ----------
    metrics : dict
        By name, or by `class/name` where there are several classes.
    """
    values: defaultdict[str, list[float]] = defaultdict(list)
    classes: set[str] = set()
    for key, value in metrics.items():
        of_class, _, name = key.rpartition("/")
        classes.add(of_class)
        values[name].append(value)
    return {
        name: sum(values[name]) / len(values[name])
        for name in METRICS
        if name in values and len(values[name]) == len(classes)
    }
