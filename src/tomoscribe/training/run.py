"""The run folder: the only module that knows its file names (`docs/run-folder.md`)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import yaml
from filelock import FileLock, Timeout
from pydantic import ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.training.config import RunConfig
from tomoscribe.training.control import Control, FocusBox
from tomoscribe.training.event_log import EventReader, append_event
from tomoscribe.training.events import Checkpoint, Event, Labels, Preview, Scores, Step
from tomoscribe.training.status import Status

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

T = TypeVar("T")

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Safe either way; the one in C is ten times faster, and projects have dozens of runs."""

CONTROL_LOCK_S = 2.0
"""Two writers of a control wait this long for each other."""


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint that is on disk; exactly one of a run is `best` (if any has a score)."""

    name: str
    path: Path
    step: int
    score: float | None
    best: bool


class RunFolder:
    """A training run on disk.

    Parameters
    ----------
    path : path
        The folder. It is not read before it is asked.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunFolder) and self.path.absolute() == other.path.absolute()

    def __hash__(self) -> int:
        return hash(self.path.absolute())

    @classmethod
    def create(
        cls, runs_dir: str | os.PathLike[str], config: RunConfig, name: str | None = None
    ) -> RunFolder:
        """Make a new run folder; nothing is ever overwritten.

        Raises
        ------
        TomoscribeError
            If a run of that name exists, or nothing can be written there.
        """
        runs = Path(runs_dir)
        try:
            runs.mkdir(parents=True, exist_ok=True)
            path = _make_folder(runs, config.task, name)
        except OSError as error:
            raise TomoscribeError(
                f"No run can be made in {runs} ({error.strerror}); "
                "choose a folder that can be written to."
            ) from error
        if path is None:
            raise TomoscribeError(
                f"The run {runs / (name or '')} exists already; give another name, or resume it."
            )
        run = cls(path)
        try:
            run.write_config(config)
        except TomoscribeError:
            run.path.rmdir()
            raise
        return run

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def exists(self) -> bool:
        """Whether this is a run folder."""
        return self.config_path.is_file()

    @property
    def config_path(self) -> Path:
        """File of the configuration (YAML)."""
        return self.path / "config.yaml"

    @property
    def status_path(self) -> Path:
        """File of the worker's status (JSON)."""
        return self.path / "status.json"

    @property
    def control_path(self) -> Path:
        """File of the user's wishes (JSON)."""
        return self.path / "control.json"

    @property
    def events_path(self) -> Path:
        """File of the events (JSON lines, append-only)."""
        return self.path / "events.jsonl"

    @property
    def log_path(self) -> Path:
        """Standard output and error of the worker."""
        return self.path / "worker.log"

    @property
    def reserve_path(self) -> Path:
        """File that keeps space for the worker's last words; gone at its end."""
        return self.path / "reserve"

    @property
    def metrics_dir(self) -> Path:
        """Folder of `metrics.csv`, and of `tensorboard/`."""
        return self.path

    def config(self) -> RunConfig:
        """Read the configuration.

        Raises
        ------
        TomoscribeError
            If there is none, or it cannot be understood.
        """
        try:
            values = yaml.load(self.config_path.read_text(encoding="utf-8"), Loader=_LOADER)
            return RunConfig.model_validate(values)
        except FileNotFoundError as error:
            raise TomoscribeError(
                f"{self.path} is not a run folder: it has no config.yaml."
            ) from error
        except (ValidationError, yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            raise TomoscribeError(
                f"{self.config_path} cannot be understood: {_first_line(error)}."
            ) from error

    def write_config(self, config: RunConfig) -> None:
        """Write the configuration."""
        text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_text_atomic(self.config_path, text)

    def parent(self) -> RunFolder | None:
        """Return the run that this one goes on from, if any."""
        parent = self.config().parent
        return None if parent is None else RunFolder(self.path.parent / parent)

    def status(self) -> Status | None:
        """Read the worker's status; None before there is one."""
        return _read_json(self.status_path, Status)

    def write_status(self, status: Status) -> None:
        """Replace the status (the worker's, except before it starts and after it was killed)."""
        write_text_atomic(self.status_path, msgspec.json.encode(status).decode())

    def control(self) -> Control:
        """Read what the user wants."""
        return _read_json(self.control_path, Control) or Control()

    def write_control(self, **changes: object) -> Control:
        """Change fields of the control under a new revision; return it.

        A new `focus` gets a new `focus_revision`.

        Raises
        ------
        TomoscribeError
            If the folder cannot be written to.
        """
        if not self.path.is_dir():  # the lock would make the folder again
            raise TomoscribeError(
                f"The run folder {self.path} is gone; the worker did not get the command."
            )
        try:
            with FileLock(self.control_path.with_suffix(".lock"), timeout=CONTROL_LOCK_S):
                old = self.control()
                if isinstance(changes.get("focus"), FocusBox):
                    changes.setdefault("focus_revision", old.focus_revision + 1)
                new = msgspec.structs.replace(
                    old, **changes, revision=old.revision + 1, written=time.time()
                )
                write_text_atomic(self.control_path, msgspec.json.encode(new).decode())
        except (OSError, Timeout) as error:
            raise TomoscribeError(
                f"{self.control_path} cannot be written ({error}); "
                "the worker did not get the command."
            ) from error
        return new

    def append_event(self, event: Event) -> None:
        """Append an event (the worker's)."""
        append_event(self.events_path, event)

    def events(self) -> list[Event]:
        """Read all events so far; `EventReader` follows them."""
        return EventReader(self.events_path).read_new()

    def checkpoint_path(self, name: str) -> Path:
        """Return where the checkpoint of that name lies."""
        return self.path / "checkpoints" / f"{name}.pt"

    def preview_path(self, checkpoint: str, sample: str) -> Path:
        """Return where the block log of a checkpoint on a sample lies."""
        return self.path / "previews" / checkpoint / f"{_file_name(sample)}.blocks"

    def scores_path(self, checkpoint: str, sample: str) -> Path:
        """Return where the picks (CSV) of a checkpoint on a sample lie."""
        return self.path / "previews" / checkpoint / f"{_file_name(sample)}.csv"

    def relative(self, path: Path) -> str:
        """Return a path of this folder as events carry it."""
        return path.relative_to(self.path).as_posix()

    def resolve(self, relative: str) -> Path:
        """Return the file that an event's `path` names.

        Raises
        ------
        TomoscribeError
            If it leads out of the run folder.
        """
        path = self.path / relative
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise TomoscribeError(
                f"{self.events_path} names a file outside of the run: {relative}."
            )
        return path

    def checkpoints(self) -> list[CheckpointInfo]:
        """Return the checkpoints that are on disk, oldest first."""
        return checkpoints_of(self, self.events())

    def trained_s(self) -> float:
        """Return the seconds of training behind what a run that goes on from this begins with.

        Those of the runs before it count; 0 where none wrote a checkpoint.
        """
        ancestor: RunFolder | None = self
        while ancestor is not None:
            events = ancestor.events()
            kept = checkpoints_of(ancestor, events)
            if kept:
                last = kept[-1].step
                steps = [e for e in events if isinstance(e, Step) and e.step <= last]
                return steps[-1].elapsed_s if steps else 0.0
            ancestor = ancestor.parent()
        return 0.0

    def best_checkpoint(self) -> Path:
        """Return the best checkpoint, the last one where none has a score.

        Raises
        ------
        TomoscribeError
            If there is none yet.
        """
        best = [c for c in self.checkpoints() if c.best]
        return best[-1].path if best else self.last_checkpoint()

    def last_checkpoint(self) -> Path:
        """Return the newest checkpoint.

        Raises
        ------
        TomoscribeError
            If there is none yet.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            raise TomoscribeError(
                f"The run {self.name} has no checkpoint yet; wait, or choose another run."
            )
        return checkpoints[-1].path

    def previews(self) -> list[tuple[str, str]]:
        """Return (checkpoint, sample) of the previews so far, oldest first."""
        found = [(e.checkpoint, e.sample) for e in self.events() if isinstance(e, Preview)]
        return list(dict.fromkeys(found))

    def scores(self) -> list[Scores]:
        """Return the events of the pick lists so far."""
        return [e for e in self.events() if isinstance(e, Scores)]


def checkpoints_of(run: RunFolder, events: Iterable[Event]) -> list[CheckpointInfo]:
    """Return the checkpoints on disk that these events announce, oldest first.

    Scores can be compared only on the same held-out clicks, so the best is
    sought among those written since the held-out clicks last changed.
    """
    seen: dict[str, tuple[Checkpoint, int]] = {}
    generation, held_out = 0, None
    for event in events:
        if isinstance(event, Labels):
            generation += held_out is not None and event.held_out != held_out
            held_out = event.held_out
        elif isinstance(event, Checkpoint) and run.resolve(event.path).is_file():
            seen[event.name] = (event, generation)
    ranked = [(g, e.score, e.step, name) for name, (e, g) in seen.items() if e.score is not None]
    best = max(ranked)[-1] if ranked else None
    return [
        CheckpointInfo(name, run.resolve(event.path), event.step, event.score, name == best)
        for name, (event, _) in seen.items()
    ]


def _make_folder(runs: Path, task: str, name: str | None) -> Path | None:
    """Make a new folder and return it; None if the wanted one is there already."""
    number = 1
    while True:
        path = runs / (name or f"{date.today().isoformat()}_{task}_{number:03d}")
        if not path.exists():
            try:
                path.mkdir()
            except FileExistsError:  # somebody was faster
                continue
            return path
        if name is not None:
            return None
        number += 1


def _file_name(sample: str) -> str:
    return re.sub(r"[^\w.+-]", "_", sample)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _read_json(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
