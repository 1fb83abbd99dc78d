"""Whether a volume holds labels, as a segmentation does, or densities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume

PLANES = 3
"""Sections that are looked at, spread over the volume."""

EVEN = 0.9
"""Share of voxels that equal their neighbour from which on a section is one of labels.

Neighbours in a tomogram, also one of 8 bits, are equal by chance: mostly in less than a fifth.
"""


def looks_like_labels(volume: Volume) -> bool:
    """Return whether a volume is one of labels: whole numbers, none below 0, in even areas.

    Reads a few sections. A volume of one value is none of labels: it says nothing.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    planes = _some_planes(volume)
    return _are_even(planes) and _are_numbers(planes)


def looks_rescaled(volume: Volume) -> bool:
    """Return whether a volume has even areas, as labels do, but values that number nothing.

    So do labels that a program has rescaled, or saved as fractions. Reads a few sections.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    planes = _some_planes(volume)
    return _are_even(planes) and not _are_numbers(planes)


def _some_planes(volume: Volume) -> NDArray[Any]:
    depth = volume.shape_zyx[0]
    at = np.unique(np.linspace(0, depth - 1, PLANES + 2)[1:-1].round().astype(int))
    return np.stack([np.asarray(volume.data[int(z)]) for z in at])


def _are_numbers(planes: NDArray[Any]) -> bool:
    whole = np.isfinite(planes).all() and (planes == np.rint(planes)).all()
    return bool(whole and (planes >= 0).all())


def _are_even(planes: NDArray[Any]) -> bool:
    if planes.min() == planes.max():
        return False
    return bool((planes[..., 1:] == planes[..., :-1]).mean() >= EVEN)
