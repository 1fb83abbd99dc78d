"""From a run's previews on disk to the live scores: newest only, read off the GUI thread.

There is one target for volumes and one for meshes; the run's previews say which of them is fed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import numpy as np
from psygnal import Signal

from tomoscribe.training.previews import TornBlockError, assemble, read_block
from tomoscribe.ui.background import Background
from tomoscribe.ui.scores.heatmap_layer import HeatmapLayer
from tomoscribe.ui.scores.mesh_scores import MeshScores
from tomoscribe.ui.scores.score_map import ScoreGrid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from qtpy.QtCore import QObject

    from tomoscribe.training.events import Block, Preview, Segmented
    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.runs.run_record import RunRecord
    from tomoscribe.ui.scores.score_map import ScoreMap
    from tomoscribe.ui.session import Session

FLUSH_2D_S = 0.2
"""Seconds between two updates of the layer in a slice view: 5 a second."""

FLUSH_3D_S = 0.5
"""The same in 3D, where the whole volume goes to the graphics card each time."""

BlockKey = tuple[tuple[int, ...], tuple[int, ...]]
"""First voxel and shape of a block: blocks with the same key replace each other."""

Kind = Literal["volume", "mesh"]

ReadBlock = tuple[tuple[int, int, int], "NDArray[np.uint8]"]


def grid_of(preview: Preview) -> ScoreGrid:
    """Return the grid that a preview announces."""
    z, y, x = preview.shape_zyx
    return ScoreGrid((z, y, x), preview.bin, tuple(preview.class_names))


class ScoreFeed:
    """Feeds a score map from the previews of the run that is followed.

    A newer block of the same place replaces an older one that was not read yet; while what it
    feeds is hidden nothing is read.

    Attributes
    ----------
    volume : HeatmapLayer
        Shows scores of a volume.
    mesh : MeshScores
        Shows scores of a membrane.
    """

    changed = Signal()
    """Other content is shown, or on something else."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        self.volume = HeatmapLayer(session)
        self.mesh = MeshScores(session)
        for target in (self.volume, self.mesh):
            target.changed.connect(self.changed.emit)
        self._session = session
        self._run: RunFolder | None = None
        self._record: RunRecord | None = None
        self._kind: Kind = "volume"
        self._sample: str | None = None
        self._pending: dict[BlockKey, Block] = {}
        self._reader = Background(parent, reads_only=True)
        self._last_flush = -np.inf

    @property
    def kind(self) -> Kind:
        """What is fed: of the run that is followed, else of what is open."""
        return self._kind

    @property
    def layer(self) -> ScoreMap:
        """What is fed."""
        return self.mesh if self._kind == "mesh" else self.volume

    @property
    def sample(self) -> str | None:
        """The tomogram or membrane whose previews are shown."""
        return self._sample

    @property
    def segmented(self) -> Segmented | None:
        """What turns the live scores into objects, where they are maps of a segmentation."""
        previews = self._previews()
        return previews[-1].segmented if previews else None

    def follow(self, run: RunFolder | None, record: RunRecord, *, keep: bool) -> None:
        """Follow a run on what is shown; `keep` leaves the scores until blocks replace them."""
        self._reader.drop()
        self._pending.clear()
        self._run, self._record = run, record
        kind = self._kind_of(record)
        sample = self._session.membrane_name if kind == "mesh" else self._session.current
        if not keep or (kind, sample) != (self._kind, self._sample):
            self.layer.clear()
            self._kind = kind
            self.layer.clear()
        else:
            self.layer.keep_as_live()
        self._sample = sample
        self.changed.emit()

    def stale(self) -> bool:
        """Tell whether the run turned out to be of another kind than what is fed."""
        return self._record is not None and self._kind_of(self._record) != self._kind

    def _kind_of(self, record: RunRecord) -> Kind:
        return record.kind or ("mesh" if self._session.membrane_name else "volume")

    def restore(self) -> None:
        """Show what the run's previews so far hold, the newest over the older ones."""
        previews = self._previews()
        if self._run is None or not previews:
            return
        run, grid = self._run, grid_of(previews[-1])
        paths = [run.resolve(p.path) for p in reversed(previews) if grid_of(p) == grid]
        self._pending.clear()
        layer, live = self.layer, self.layer.live

        def read() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
            found = _newest_of_all(paths, grid)
            return layer.over(live, grid, found), found

        self._reader.run(read, lambda made: self.layer.replace_live(grid, *made))

    def take(self, block: Block) -> None:
        """Take the news of a block; it is read with the next `tick`."""
        if block.sample == self._sample:
            key = (tuple(block.lo_zyx), tuple(block.shape_zyx))
            self._pending.pop(key, None)  # so that the newest is also the last in order
            self._pending[key] = block

    def tick(self, now: float) -> None:
        """Read pending blocks in a thread, show what was read; `now` as of `time.monotonic`."""
        if self._pending and not self._reader.busy and self.layer.takes_blocks:
            self._read_pending()
        self._flush(now)

    def close(self) -> None:
        """End the threads."""
        self._reader.close()

    def _previews(self) -> list[Preview]:
        if self._record is None:
            return []
        return [p for (_, sample), p in self._record.previews.items() if sample == self._sample]

    def _read_pending(self) -> None:
        if self._run is None or self._record is None:
            return
        blocks, self._pending = list(self._pending.values()), {}
        previews = [self._record.previews.get((b.checkpoint, b.sample)) for b in blocks]
        jobs = [
            (block, self._run.resolve(preview.path))
            for block, preview in zip(blocks, previews, strict=True)
            if preview is not None
        ]
        if not jobs:
            return
        grid = grid_of(next(p for p in reversed(previews) if p is not None))
        layer, live = self.layer, self.layer.live

        def read() -> tuple[list[ReadBlock], list[Block], NDArray[np.uint8] | None]:
            carry = live is not None and live.grid != grid
            return *_read_all(jobs), layer.carried_over(live, grid) if live and carry else None

        self._reader.run(read, lambda found: self._write(grid, *found))

    def _write(
        self,
        grid: ScoreGrid,
        read: list[ReadBlock],
        torn: list[Block],
        carried: NDArray[np.uint8] | None,
    ) -> None:
        self.layer.begin(grid, carried)
        for lo, values in read:
            self.layer.write(lo, values)
        for block in torn:  # a network file system may show the event before the data
            self._pending.setdefault((tuple(block.lo_zyx), tuple(block.shape_zyx)), block)
        self._flush(time.monotonic())

    def _flush(self, now: float) -> None:
        """Show what was written, if the last time is long enough ago."""
        dear = self._kind == "volume" and self._session.viewer.dims.ndisplay == 3
        period = FLUSH_3D_S if dear else FLUSH_2D_S
        if now - self._last_flush >= period and self.layer.flush():
            self._last_flush = now


def _read_all(jobs: list[tuple[Block, Path]]) -> tuple[list[ReadBlock], list[Block]]:
    read: list[ReadBlock] = []
    torn: list[Block] = []
    for block, path in jobs:
        try:
            lo, values = read_block(path, block.offset)
        except (TornBlockError, FileNotFoundError):
            torn.append(block)
        else:
            read.append((lo, values))
    return read, torn


def _newest_of_all(paths: list[Path], grid: ScoreGrid) -> NDArray[np.uint8]:
    """Merge block logs, newest first, until every voxel is known."""
    merged = grid.empty()
    for path in paths:
        if path.is_file():
            older = assemble(path, len(grid.class_names), grid.shape_zyx)
            np.copyto(merged, older, where=merged == 0)
            if merged.all():
                break
    return merged
