"""One folder of the catalogue, a run's or a prediction's: its previews, read as they come."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.event_log import EventReader
from tomoscribe.training.preview_index import PreviewIndex

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tomoscribe.training.preview_index import OnSample
    from tomoscribe.training.run import RunFolder

NOT_INDEXED = (b'{"type":"step"', b'{"type":"epoch"')
"""Most of a run's events, and none of them about previews: they are not decoded."""


class FollowedFolder:
    """What is known of a folder's previews and checkpoints.

    `read` may take its time and changes nothing that others see; `apply` is quick.

    Parameters
    ----------
    folder : RunFolder
        A run, or a folder of predictions.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.path = folder.path.absolute()
        self.index = PreviewIndex()
        self.kept: frozenset[str] = frozenset()
        self._events = EventReader(folder.events_path, skip=NOT_INDEXED)
        self._refs: dict[str, CheckpointRef] = {}
        self._samples: dict[str, dict[str, None]] = {}
        self._inode = 0
        self._kept_changed_ns = 0

    def replaced(self) -> bool:
        """Return whether another folder of the same name is there by now."""
        try:
            inode = self.folder.path.stat().st_ino
        except OSError:
            return False
        before, self._inode = self._inode, inode
        return before not in (0, inode)

    def read(self) -> list[ev.Event]:
        """Read the events since the last time."""
        return self._events.read_new()

    def apply(self, events: Iterable[ev.Event]) -> set[OnSample]:
        """Take events over; return the checkpoints and samples of which more is known."""
        changed: set[OnSample] = set()
        for event in events:
            self.index.apply(event)
            if isinstance(event, ev.Preview):
                self._samples.setdefault(event.checkpoint, {})[event.sample] = None
            if isinstance(event, (ev.Preview, ev.Block, ev.Scores)):
                changed.add((event.checkpoint, event.sample))
        return changed

    def of_checkpoint(self, name: str) -> list[OnSample]:
        """Return the previews of a checkpoint."""
        return [(name, sample) for sample in self._samples.get(name, ())]

    def ref(self, name: str) -> CheckpointRef:
        """Return a checkpoint of the run; the same one again while its weights are there."""
        if name not in self._refs:
            file = self.path / self.folder.checkpoint_path(name).relative_to(self.folder.path)
            self._refs[name] = CheckpointRef(name, self.path, file if name in self.kept else None)
        return self._refs[name]

    def look_for_weights(self) -> bool:
        """Look which checkpoints are on disk; return whether others are than the last time."""
        above = self.folder.checkpoint_path("").parent
        try:
            changed_ns = above.stat().st_mtime_ns
            if changed_ns == self._kept_changed_ns:
                return False
            self._kept_changed_ns = changed_ns
            kept = frozenset(path.stem for path in above.iterdir() if path.suffix == ".pt")
        except OSError:
            kept = frozenset()
        before, self.kept = self.kept, kept
        if before != kept:
            self._refs = {}
        return before != kept

    def path_of(self, event: ev.Preview | ev.Scores) -> Path | None:
        """Return the file that an event announces; None where it leads out of the folder.

        By the name alone: no file is asked, so that any thread may.
        """
        inner = PurePosixPath(event.path)
        if inner.is_absolute() or ".." in inner.parts:
            return None
        return self.path / inner
