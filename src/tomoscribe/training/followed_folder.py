"""One folder of the catalogue, a run's or a prediction's: its previews, read as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import events as ev
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
        self.index = PreviewIndex()
        self.kept: frozenset[str] = frozenset()
        self._events = EventReader(folder.events_path, skip=NOT_INDEXED)
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
            if isinstance(event, (ev.Preview, ev.Block, ev.Scores)):
                changed.add((event.checkpoint, event.sample))
        return changed

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
        return before != kept

    def log_path(self, preview: ev.Preview) -> Path | None:
        """Return where the blocks of a preview lie; None where the event leads elsewhere."""
        try:
            return self.folder.resolve(preview.path)
        except TomoscribeError:
            return None
