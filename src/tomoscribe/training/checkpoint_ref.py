"""A checkpoint as everybody names it: of a run, or a file from anywhere; nothing of it is read."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.training.events import Preview
from tomoscribe.training.run import RunFolder, checkpoints_of

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, eq=False)
class CheckpointRef:
    """A checkpoint of a run, with or without weights on disk, or a checkpoint file.

    Two are equal where they name the same checkpoint, whether or not its weights are kept.

    Parameters
    ----------
    name : str
        As in events and previews, `step_000120`; of a file its stem.
    run : Path or None
        The run's folder; None for a file from anywhere.
    file : Path or None
        The weights; None where they were not kept, so that only stored previews can be shown.
    """

    name: str
    run: Path | None = None
    file: Path | None = None

    @classmethod
    def of_run(cls, run: RunFolder, name: str) -> CheckpointRef:
        """Return the checkpoint of that name; asks the disk whether its weights are there."""
        path = run.checkpoint_path(name)
        return cls(name, run.path, path if path.is_file() else None)

    @classmethod
    def of_file(cls, path: str | os.PathLike[str]) -> CheckpointRef:
        """Return the checkpoint of a file; one that lies in a run is that run's checkpoint."""
        file = Path(path).absolute()
        run = RunFolder(file.parent.parent)
        if file == run.checkpoint_path(file.stem) and run.exists:
            return cls(file.stem, run.path, file)
        return cls(file.stem, None, file)

    @property
    def source(self) -> str:
        """How picks name where they come from: `<run>/<checkpoint>`, of a file its stem."""
        return self.name if self.run is None else f"{self.run.name}/{self.name}"

    @cached_property
    def where(self) -> Path:
        """Where the weights are, or were."""
        if self.run is not None:
            return RunFolder(self.run).checkpoint_path(self.name).absolute()
        return (self.file or Path(self.name)).absolute()

    @cached_property
    def key(self) -> str:
        """A name that no other checkpoint has, and that is safe as a file name."""
        digest = hashlib.sha256(str(self.where).encode()).hexdigest()[:10]
        return f"{re.sub(r'[^A-Za-z0-9_.+-]', '_', self.source)}_{digest}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CheckpointRef) and self.where == other.where

    def __hash__(self) -> int:
        return hash(self.where)


def refs_of_run(run: RunFolder) -> list[CheckpointRef]:
    """Return the checkpoints of a run, oldest first: with weights on disk, or with previews only.

    It reads the run's events; `Catalog.checkpoints` knows the same of many runs at once.
    """
    events = run.events()
    kept = {info.name: info for info in checkpoints_of(run, events)}
    steps = {event.checkpoint: event.step for event in events if isinstance(event, Preview)}
    steps |= {name: info.step for name, info in kept.items()}
    return [
        CheckpointRef(name, run.path, kept[name].path if name in kept else None)
        for name in sorted(steps, key=lambda name: steps[name])
    ]
