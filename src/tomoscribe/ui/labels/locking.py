"""Which voxels a predicted object takes as it is locked: its own, and strokes painted for it.

Arrays in, indices out; the painter writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.painted_values import FIRST_OBJECT, UNLABELLED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.ui.labels.working_copy import WorkingCopy


_AROUND = (1, 16, 16)
"""Voxels along z, y, x that a stroke may reach beyond the object's box: brushes are coarse."""


def voxels_to_lock(
    copy: WorkingCopy, mask: NDArray[np.bool_], lo_zyx: Triple, value: int
) -> tuple[NDArray[np.intp], ...]:
    """Return the voxels that become a locked object of a class.

    Those of the mask which are unlabelled or painted with the class, and all voxels of strokes
    that belong to the object. As islands in it these would teach a border round each of them.

    Parameters
    ----------
    copy : WorkingCopy
        What is painted so far.
    mask : (z, y, x) array of bool
        The object's voxels in a box of the tomogram.
    lo_zyx : tuple of int
        First voxel of the box.
    value : int
        Painted value of the class.

    Returns
    -------
    three (n,) arrays of int
        Their indices z, y and x in the tomogram.
    """
    ends = zip(lo_zyx, mask.shape, _AROUND, copy.values.shape, strict=True)
    more = [(min(a, m), min(m, size - a - n)) for a, n, m, size in ends]
    mask = np.pad(mask, more)
    lo = [a - before for a, (before, _) in zip(lo_zyx, more, strict=True)]
    there = copy.values[tuple(slice(a, a + n) for a, n in zip(lo, mask.shape, strict=True))]
    taken = mask & ((there == UNLABELLED) | (there == value))
    taken |= np.isin(there, _strokes_of(copy, mask, there, value))
    return tuple(axis + a for axis, a in zip(np.nonzero(taken), lo, strict=True))


def _strokes_of(
    copy: WorkingCopy, mask: NDArray[np.bool_], there: NDArray[np.uint16], value: int
) -> list[int]:
    """Return the painted objects of a class of which most is in the mask and all around it.

    What is whole is an object beside this one; a stroke that goes on elsewhere may be of another.
    """
    here, inside = np.bincount(there.ravel()), np.bincount(there[mask])
    found = [
        int(number)
        for number in np.flatnonzero(inside)
        if number >= FIRST_OBJECT
        and copy.objects.get(int(number)) == value
        and int(number) not in copy.whole
    ]
    sizes = copy.voxels_of(found)
    return [n for n in found if 2 * inside[n] > sizes[n] == here[n]]
