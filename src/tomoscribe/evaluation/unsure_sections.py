"""Where a stroke of the brush would teach most: the most uncertain field of each section."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.uncertainty import uncertainty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

THRESHOLD = 0.5
"""Maps of a segmentation are corrected so that this is even odds."""

STEP = 2
"""Every second voxel along y and x is looked at."""

LEAST = 0.15
"""Mean uncertainty, in bits, below which a field tells nothing."""


def unsure_sections(
    sections: Iterable[int],
    scores_of: Callable[[int], NDArray[np.floating]],
    labelled_of: Callable[[int], NDArray[np.bool_]],
    field: int,
) -> NDArray[np.intp]:
    """Return the most uncertain place of each section, the most uncertain first.

    Section by section, so that memory stays that of one.

    Parameters
    ----------
    sections : iterable of int
        Sections z to look at.
    scores_of : callable
        Scores (y, x) of a section, 0..1, NaN where none is known.
    labelled_of : callable
        Where (y, x) a section is labelled already, and need not be painted.
    field : int
        Voxels a side of what is seen at once and painted on.

    Returns
    -------
    (N, 3) array of int
        Voxels z, y, x; sections that tell nothing are left out.
    """

    def unsure_of(z: int) -> NDArray[np.float32]:
        unsure = uncertainty(np.asarray(scores_of(z)[::STEP, ::STEP], np.float32), THRESHOLD)
        unsure[labelled_of(z)[::STEP, ::STEP]] = 0
        return unsure

    return fullest_fields(sections, unsure_of, field, LEAST)


def fullest_fields(
    sections: Iterable[int],
    values_of: Callable[[int], NDArray[np.float32]],
    field: int,
    least: float,
) -> NDArray[np.intp]:
    """Return of each section the field with the highest mean, the highest of all first.

    Parameters
    ----------
    sections : iterable of int
        Sections z to look at.
    values_of : callable
        Values of every `STEP`-th voxel (y, x) of a section.
    field : int
        Voxels a side of a field.
    least : float
        Mean below which a section is left out.

    Returns
    -------
    (N, 3) array of int
        Voxels z, y, x.
    """
    found: list[tuple[float, int, int, int]] = []
    for z in sections:
        mean = scipy.ndimage.uniform_filter(values_of(z), max(field // STEP, 1), mode="constant")
        y, x = np.unravel_index(int(np.argmax(mean)), mean.shape)
        if mean[y, x] >= least:
            found.append((float(mean[y, x]), z, int(y) * STEP, int(x) * STEP))
    places = [place for _, *place in sorted(found, reverse=True)]
    return np.array(places, dtype=np.intp).reshape(-1, 3)
