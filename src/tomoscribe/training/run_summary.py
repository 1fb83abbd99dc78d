"""What a table says of one run, read from its files piece by piece: only what is new is read."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import events as ev
from tomoscribe.training.best_since import BestSince
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.run import checkpoints_of
from tomoscribe.training.setting_keys import flat_values
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomoscribe.training.follow import Update
    from tomoscribe.training.run import CheckpointInfo, RunFolder

PASSED_OVER = (b'{"type":"block"', b'{"type":"step"', b'{"type":"preview"', b'{"type":"epoch"')
"""Lines that a table does without; most of a long run's events, so they are not decoded."""

DIAMETER_SCALE = "diameter_scale"
"""Key of the factor on all diameters, which is no setting but alters the data."""


@dataclass(frozen=True)
class RunRow:
    """A line of the run table.

    Attributes
    ----------
    run : RunFolder
        The run.
    state : State
        As it is to be shown.
    task : str
        What it learns; empty where the run cannot be read, and `message` says why.
    train, validate : tuple of str
        Samples that train and that validate; empty before the worker has read the data.
    clicks_used, clicks_total : int
        Clicks that it learns from, clicks that there are.
    values : mapping of str to object
        Every setting, and how the data were altered for this run (`diameter_scale`), by key.
    best_score : float or None
        Best score of a validation since the held-out clicks last changed.
    best_name : str
        `F1` where that was measured for every class, else `F1 ≈`; empty without a validation.
    steps : int
        Optimizer steps.
    elapsed_s, budget_s : float
        Seconds of training without pauses; seconds granted.
    heartbeat : float
        When the worker last spoke, seconds since the epoch by its clock; 0: never.
    created : float
        Seconds since the epoch.
    parent : str
        Name of the run, or of the run and checkpoint, that it goes on from; empty: new weights.
    sweep : str
        Name that it shares with the runs it was started together with.
    checkpoints : tuple of CheckpointInfo
        Those on disk, oldest first.
    message : str
        One sentence, empty if there is nothing to say.
    """

    run: RunFolder
    state: State
    task: str = ""
    train: tuple[str, ...] = ()
    validate: tuple[str, ...] = ()
    clicks_used: int = 0
    clicks_total: int = 0
    values: Mapping[str, object] = field(default_factory=dict)
    best_score: float | None = None
    best_name: str = ""
    steps: int = 0
    elapsed_s: float = 0.0
    budget_s: float = 0.0
    heartbeat: float = 0.0
    created: float = 0.0
    parent: str = ""
    sweep: str = ""
    checkpoints: tuple[CheckpointInfo, ...] = ()
    message: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing of it changes any more; a lost worker may speak again."""
        return not self.state.alive and self.state not in (State.LOST, State.GONE)

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name


class RunSummary:
    """Keeps the row of one run up to date.

    Parameters
    ----------
    run : RunFolder
        The run; its folder must be there.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(self, run: RunFolder, clock: Callable[[], float] = time.time) -> None:
        self.run = run
        self._follower = RunFollower(run, clock, skip=PASSED_OVER)
        self._config_stamp: tuple[int, int] | None = None
        self._best = BestSince()
        self._kept: list[ev.Event] = []
        self._row = RunRow(run, State.STARTING)

    def poll(self) -> RunRow:
        """Return the row as of now; an ended run that was read costs nothing.

        Raises
        ------
        OSError
            If a file is there but cannot be read.
        """
        row = self._row
        if row.task and row.settled:
            return row
        self._look_at_config()
        update = self._follower.poll()
        for event in update.events:
            self._take_event(event)
        best = self._best.validation
        self._row = replace(
            self._row,
            best_score=None if best is None else best.score,
            best_name="" if best is None else score_name(best.metrics),
        )
        news = [e for e in update.events if isinstance(e, ev.Checkpoint | ev.Labels)]
        if news:
            self._kept += news
            kept = tuple(checkpoints_of(self.run, self._kept))
            self._row = replace(self._row, checkpoints=kept)
        self._take_update(update)
        return self._row

    def _look_at_config(self) -> None:
        try:
            stat = self.run.config_path.stat()
        except FileNotFoundError:
            return
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._config_stamp:
            return
        self._config_stamp = stamp
        created = self._row.created or stat.st_mtime  # the worker completes the file later
        self._row = replace(self._row, created=created)
        try:
            config = self.run.config()
        except TomoscribeError as error:
            self._row = replace(self._row, message=str(error))
            return
        values = flat_values(config.settings) | {DIAMETER_SCALE: config.data.diameter_scale}
        if config.toolbox is not None:
            del values["max_minutes"]  # epochs end it, minutes never do
        self._row = replace(
            self._row,
            task=config.task,
            values=values,
            parent=config.parent or _checkpoint_words(config.start_from),
            sweep=config.sweep or "",
            message="",
        )

    def _take_update(self, update: Update) -> None:
        row, status = self._row, update.status
        if status is None:
            state = update.state if row.task else State.FAILED
            self._row = replace(row, state=state, message=row.message or update.message)
            return
        readable = bool(row.task)
        self._row = replace(
            row,
            state=update.state,
            steps=status.step,
            elapsed_s=status.elapsed_s,
            budget_s=status.budget_s,
            heartbeat=status.heartbeat,
            clicks_used=status.labels_used or row.clicks_used,
            clicks_total=status.labels_total or row.clicks_total,
            message=update.message if readable else row.message,
        )

    def _take_event(self, event: ev.Event) -> None:
        self._best.take(event)
        match event:
            case ev.Started():
                self._row = replace(
                    self._row, train=tuple(event.train), validate=tuple(event.validate)
                )
            case ev.Labels():
                self._row = replace(self._row, clicks_used=event.used, clicks_total=event.total)


ESTIMATED = "F1 ≈"
"""What ranks checkpoints where F1 could not be measured for each class: an estimate of it."""


_MOSTLY = 0.5
"""Share of labelled voxels from which on a score of segmentations speaks of the image."""


def score_name(metrics: Mapping[str, float]) -> str:
    """Return what ranks checkpoints: `F1` if that was measured for each class, else `F1 ≈`.

    Of segmentations it is the overlap, `IoU`, with objects its mean with their average precision;
    with `≈` where most of what was judged is not labelled, so that errors there are not seen.
    """
    if any(key.rpartition("/")[2] == "iou" for key in metrics):
        name = "IoU+AP" if "ap50" in metrics else "IoU"
        return name if metrics.get("labelled", 1.0) >= _MOSTLY else f"{name} ≈"
    measured: dict[str, bool] = {}
    for key in metrics:
        class_name, _, metric = key.rpartition("/")
        measured[class_name] = measured.get(class_name, False) or metric == "f1"
    return "F1" if measured and all(measured.values()) else ESTIMATED


def size_on_disk(run: RunFolder) -> int:
    """Return the bytes of all files of a run; those that go meanwhile count nothing."""
    total = 0
    folders = [str(run.path)]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
            except OSError:
                continue
    return total


def _checkpoint_words(start_from: str | None) -> str:
    """Return run and checkpoint of a file `RUN/checkpoints/NAME.pt`, else the file's name."""
    if start_from is None:
        return ""
    path = PurePath(start_from)
    inside = len(path.parts) > 2 and path.parent.name == "checkpoints"
    return f"{path.parent.parent.name}/{path.stem}" if inside else path.stem
