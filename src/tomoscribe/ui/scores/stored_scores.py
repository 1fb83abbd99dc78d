"""Scores of one checkpoint on one sample, as far as they are on disk; read in a thread.

Volumes and meshes are the same here: a mesh is a grid of one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.training.previews import iterate_blocks
from tomoscribe.ui.scores.score_map import ScoreGrid, write_block

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Literal

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.training.events import Segmented


@dataclass(frozen=True)
class About:
    """What is known of scores without their values.

    Parameters
    ----------
    grid : ScoreGrid
        Shape, bin and classes.
    coverage : float
        Share of the sample that is computed, 0..1.
    thresholds : mapping of str to float
        By class, as far as the tool chose any.
    kind : {"volume", "mesh"}
        What the grid is of.
    segmented : Segmented or None
        What turns the scores into objects, where they are maps of a segmentation.
    """

    grid: ScoreGrid
    coverage: float
    thresholds: Mapping[str, float]
    kind: Literal["volume", "mesh"]
    segmented: Segmented | None = None


@dataclass(frozen=True, eq=False)
class KnownScores:
    """What is known of a checkpoint's scores on a sample.

    Parameters
    ----------
    about : About
        Grid, coverage, thresholds, kind.
    values : (class, z, y, x) array of uint8
        As stored, 0 where nothing is computed. New blocks are written into the same array.
    """

    about: About
    values: NDArray[np.uint8]

    @property
    def grid(self) -> ScoreGrid:
        """Shape, bin and classes."""
        return self.about.grid

    @property
    def coverage(self) -> float:
        """Share of the sample that is computed, 0..1."""
        return self.about.coverage

    @property
    def kind(self) -> Literal["volume", "mesh"]:
        """What the grid is of."""
        return self.about.kind

    def threshold(self, class_name: str) -> float | None:
        """Return the threshold chosen for a class, None where there is none."""
        return self.about.thresholds.get(class_name)


@dataclass(frozen=True, eq=False)
class ReadLog:
    """A block log as far as it was read: the scores, and the last record's offset."""

    path: Path
    known: KnownScores
    offset: int
    size: int


def read_log(path: Path, about: About, before: ReadLog | None) -> ReadLog | None:
    """Return a block log with what is new in it; None where nothing is.

    Parameters
    ----------
    path : path
        The log.
    about : About
        What its events tell of it.
    before : ReadLog or None
        What was read before. Its array is written on, if it is of the same log and grid.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    if before is not None and (before.path != path or before.known.grid != about.grid):
        before = None
    size = path.stat().st_size
    if before is not None and size == before.size:
        if before.known.about == about:
            return None
        return ReadLog(path, KnownScores(about, before.known.values), before.offset, size)
    values = about.grid.empty() if before is None else before.known.values
    offset = 0 if before is None else before.offset
    # The last record is read again: where it ends is known only from the next.
    for at, lo, block in iterate_blocks(path, offset):
        write_block(values, lo, block)
        offset = at
    return ReadLog(path, KnownScores(about, values), offset, size)
