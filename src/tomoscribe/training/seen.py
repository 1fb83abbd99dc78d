"""Which picks a training never saw: only on those a checkpoint's recall means what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import PickState
from tomoscribe.tasks.tomogram.labels import held_out_ids
from tomoscribe.training import events as ev
from tomoscribe.training.event_log import EventReader
from tomoscribe.training.run import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.picks.table import Pick
    from tomoscribe.project.source import DataSource
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.config import RunConfig

_NOT_ASKED = (b'{"type":"block"', b'{"type":"step"', b'{"type":"preview"', b'{"type":"epoch"')
_ANCESTORS = 20
"""Runs that went on from each other, at most."""


@dataclass(frozen=True)
class SeenBy:
    """What the trainings behind a checkpoint learned from, the last one first.

    Parameters
    ----------
    trained : tuple of frozenset of str
        Samples that each training learned from.
    hold_out : tuple of float
        Share of their picks that each kept from training.
    """

    trained: tuple[frozenset[str], ...]
    hold_out: tuple[float, ...]

    def never_seen(self, sample: str, picks: Iterable[Pick], class_name: str) -> frozenset[int]:
        """Return the ids of the accepted picks of a class in a sample that no training saw.

        Which ones a training held out follows from the picks as they are now: one that was
        clicked after it counts as seen if it would have been.
        """
        mine = [p for p in picks if p.class_name == class_name and p.state == PickState.ACCEPTED]
        unseen = frozenset(p.id for p in mine)
        for trained, share in zip(self.trained, self.hold_out, strict=True):
            if sample in trained:
                unseen &= held_out_ids(mine, share)
        return unseen


def seen_by(ref: CheckpointRef, project: Path) -> SeenBy | None:
    """Return what the trainings behind a checkpoint learned from; it reads their events.

    None where it is not known: of a file from anywhere, a run that is gone, or one of other data
    than this project's, whose samples only happen to have the same names.
    """
    behind = trainings_behind(ref)
    if behind is None:
        return None
    trained: list[frozenset[str]] = []
    shares: list[float] = []
    for training in behind:
        config = training.config
        if config.data.kind != "project" or not same_folder(config.data.path, project):
            return None
        trained.append(frozenset(training.started.train))
        # Where samples validate, or there are few clicks, nothing was held out.
        shares.append(config.settings.hold_out if any(training.held_out) else 0.0)
    return SeenBy(tuple(trained), tuple(shares))


def data_of(ref: CheckpointRef) -> DataSource | None:
    """Return the data that a checkpoint was trained on; None where its run is not known.

    Raises
    ------
    TomoscribeError
        If the run's configuration cannot be read.
    """
    return None if ref.run is None else RunFolder(ref.run).config().data


@dataclass(frozen=True)
class Training:
    """A training as it can be looked up: its run's configuration, start and held-out labels."""

    config: RunConfig
    started: ev.Started
    held_out: tuple[int, ...]


def trainings_behind(ref: CheckpointRef) -> list[Training] | None:
    """Return the trainings behind a checkpoint, the last one first; None where one is not known."""
    found = []
    run = None if ref.run is None else RunFolder(ref.run)
    for _ in range(_ANCESTORS):
        if run is None:
            return None
        try:
            config = run.config()
        except TomoscribeError:
            return None
        news = EventReader(run.events_path, skip=_NOT_ASKED).read_new()
        started = [e for e in news if isinstance(e, ev.Started)]
        if not started:
            return None
        held = tuple(e.held_out for e in news if isinstance(e, ev.Labels))
        found.append(Training(config, started[-1], held))
        if config.parent is not None:
            run = RunFolder(run.path.parent / config.parent)
        elif config.start_from is not None:
            run = _run_of(Path(config.start_from))
        else:
            return found
    return None


def _run_of(checkpoint: Path) -> RunFolder | None:
    run = RunFolder(checkpoint.parent.parent)
    return run if run.checkpoint_path(checkpoint.stem) == checkpoint and run.exists else None


def same_folder(one: Path | None, other: Path) -> bool:
    """Tell whether two paths are of one folder."""
    return one is not None and one.expanduser().absolute() == other.expanduser().absolute()
