"""What trains and what validates: whole tomograms or a box of the only one, never particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.table import PickState, positions_zyx
from tomoscribe.project.model import Region, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingSample

ENOUGH_TOMOGRAMS = 4
"""With fewer labelled tomograms each one is needed more for training than for validation."""

_SMALLEST_GAP = 1e-3
"""Voxels between two picks that a plane can part."""


def split_by_tomogram(pick_counts: Mapping[str, int], share: float = 0.2) -> dict[str, Role]:
    """Choose which tomograms validate.

    Parameters
    ----------
    pick_counts : mapping of str to int
        Labelled picks of each tomogram.
    share : float
        Share of all picks that should validate.

    Returns
    -------
    dict of str to Role
        With fewer than four labelled tomograms all of them train. Otherwise those with
        few picks validate first, up to the share and never the one with most picks:
        training gains more from a rich tomogram.
    """
    labelled = sorted(
        (name for name, n in pick_counts.items() if n), key=lambda n: (pick_counts[n], n)
    )
    roles = dict.fromkeys(pick_counts, Role.TRAIN)
    if len(labelled) < ENOUGH_TOMOGRAMS:
        return roles
    wanted = share * sum(pick_counts.values())
    held = 0
    for name in labelled[:-1]:
        if held and held + pick_counts[name] > wanted:
            break
        roles[name] = Role.VALIDATE
        held += pick_counts[name]
    return roles


def held_out_box(
    sample: TrainingSample,
    shape_zyx: tuple[int, int, int],
    share: float = 0.2,
    margin_voxels: float = 0.0,
) -> Region | None:
    """Propose a box of the only tomogram to validate on.

    The box is a slab from one face, across one axis. Of all axes and faces the one is
    taken that wastes fewest picks: those within the margin of its cut can neither train
    (their patch would show the held-out part) nor validate.

    Parameters
    ----------
    sample : TrainingSample
        The tomogram with its picks; accepted ones count.
    shape_zyx : (int, int, int)
        Size of the tomogram in voxels.
    share : float
        Share of the picks that should lie in the box; at least one does.
    margin_voxels : float
        Distance from the cut within which a pick is wasted, usually half a patch.

    Returns
    -------
    Region or None
        None with fewer than two picks, or when they cannot be parted by a plane.
    """
    zyx = positions_zyx(p for p in sample.picks if p.state == PickState.ACCEPTED)
    if len(zyx) < 2:
        return None
    wanted = min(max(1, round(share * len(zyx))), len(zyx) - 1)
    best: tuple[float, float, Region] | None = None
    for axis in range(3):
        for at_low_face in (True, False):
            cut = _cut(zyx[:, axis], wanted, at_low_face)
            if cut is None:
                continue
            wasted = float(np.count_nonzero(np.abs(zyx[:, axis] - cut) < margin_voxels))
            # Between equals the longer axis: a slab across a thin axis is mostly border.
            rank = (wasted, -float(shape_zyx[axis]))
            if best is None or rank < best[:2]:
                best = (*rank, _slab(shape_zyx, axis, cut, at_low_face))
    return None if best is None else best[2]


def _cut(values: NDArray[np.float64], wanted: int, at_low_face: bool) -> float | None:
    """Return where a plane parts `wanted` values, or a few more, from the rest."""
    ordered = np.sort(values)
    gaps = np.diff(ordered)
    places = np.arange(1, len(ordered))
    inside = places if at_low_face else len(ordered) - places
    possible = gaps > _SMALLEST_GAP
    if not possible.any():
        return None
    off = np.abs(inside - wanted)
    index = int(np.lexsort((-gaps, np.where(possible, off, len(ordered) + 1)))[0])
    return float((ordered[index] + ordered[index + 1]) / 2)


def _slab(shape_zyx: tuple[int, int, int], axis: int, cut: float, at_low_face: bool) -> Region:
    # Voxel edges: the first voxel reaches from -0.5 to 0.5.
    lo = [-0.5, -0.5, -0.5]
    hi = [n - 0.5 for n in shape_zyx]
    if at_low_face:
        hi[axis] = cut
    else:
        lo[axis] = cut
    return Region((lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2]))
