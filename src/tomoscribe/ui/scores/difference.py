"""The difference of two checkpoints' scores, and its colours. Arrays only, no Qt.

Stored as 128 where both agree or one is not computed, above where B scores higher, below where A
does; a step is 2 of the 254 steps of stored scores. The colours are told apart by all colour
vision, and nothing is drawn where nothing differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.ui.scores.score_map import ScoreGrid, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

EQUAL = 128
"""Stored value of no difference."""

A_COLOR, B_COLOR = "#0072b2", "#d55e00"
"""Okabe-Ito blue where A scores higher, vermilion where B does; the first class is orange."""

SIDE_COLORS = {"a": A_COLOR, "b": B_COLOR}
"""By the letter of a side: the same in lines, names and marks."""

STEPS = 127.0
"""Stored steps from no difference to a difference of 1."""

REACH = (0.1, 1.0)
"""Difference in scores that is drawn strongest: at least, at most."""

STRONG_SHARE = 0.0005
"""Share of the voxels that may be drawn strongest."""

FAINT = 0.08
"""Share of the strongest difference below which nothing is drawn: noise of the two models."""

SAMPLED = 500_000
"""Voxels that the reach is read from."""


def common_grid(a: ScoreGrid, b: ScoreGrid) -> ScoreGrid:
    """Return the finer of two grids, with the classes that both know, in the order of B."""
    finer = a if a.bin < b.bin else b
    names = tuple(name for name in b.class_names if name in a.class_names)
    return ScoreGrid(finer.shape_zyx, finer.bin, names)


def difference_of(
    a: NDArray[np.uint8], a_grid: ScoreGrid, b: NDArray[np.uint8], b_grid: ScoreGrid
) -> tuple[ScoreGrid, NDArray[np.uint8]]:
    """Return B minus A, stored as above, on the finer grid.

    Parameters
    ----------
    a, b : (class, z, y, x) arrays of uint8
        Stored scores, 0 where nothing is computed.
    a_grid, b_grid : ScoreGrid
        Their grids. Meshes must have the same vertices.

    Returns
    -------
    ScoreGrid, (class, z, y, x) array of uint8
        The classes are those that both know.
    """
    grid = common_grid(a_grid, b_grid)
    if a_grid != grid:
        a = resampled(a, a_grid, grid)
    if b_grid != grid:
        b = resampled(b, b_grid, grid)
    result = np.full(a.shape, EQUAL, np.uint8)
    for index in np.ndindex(a.shape[:2]):  # slice by slice: little memory, and the GUI gets turns
        one, other = a[index].astype(np.int16), b[index].astype(np.int16)
        both = (one > 0) & (other > 0)
        np.copyto(result[index], EQUAL + (other - one) / 2, where=both, casting="unsafe")
    return grid, result


def reach_of(values: NDArray[np.uint8]) -> float:
    """Return the stored steps from no difference to what is drawn strongest, of a map (z, y, x)."""
    step = max(1, round((values.size / SAMPLED) ** (1 / 3)))
    some = np.abs(values[::step, ::step, ::step].astype(np.int16) - EQUAL)
    counts = np.bincount(some.ravel(), minlength=129)
    above = counts[::-1].cumsum()[::-1] / max(some.size, 1)
    low, high = (STEPS * share for share in REACH)
    return float(np.clip(np.count_nonzero(above > STRONG_SHARE) - 1, low, high))


def difference_colors() -> NDArray[np.float32]:
    """Return colours (256, 4) from A higher over transparent to B higher."""
    place = np.linspace(-1, 1, 256, dtype=np.float32)
    colors = np.empty((256, 4), np.float32)
    colors[:, :3] = np.where((place > 0)[:, None], _rgb(B_COLOR), _rgb(A_COLOR))
    strength = np.clip((np.abs(place) - FAINT) / (1 - FAINT), 0, 1)
    colors[:, 3] = np.sqrt(strength)
    return colors


def _rgb(color: str) -> NDArray[np.float32]:
    return np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)], np.float32)
