"""Images as a segmentation sees them: averaged by axis, normalised, in memory where they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.tomogram.scaled import ScaledVolume, binned_shape, read_binned, require_grey

if TYPE_CHECKING:
    from tomoscribe.io.volumes import Volume

    Triple = tuple[int, int, int]

MOST_RESIDENT = 200_000_000
"""Working voxels of an image that is kept in memory: 0.8 GB."""
_BOXES = 16
_BOX_EDGE = 512
"""Statistics come from so many boxes of one section, so large at most, spread over the image."""
_MAD_TO_SIGMA = 1.4826


def scale_image(volume: Volume, reduction_zyx: Triple) -> ScaledVolume:
    """Return an image averaged by axis, with statistics from boxes spread over it.

    Raises
    ------
    TomoscribeError
        If voxels are bits, not finite, or all equal.
    """
    require_grey(volume)
    values = np.concatenate([box.ravel() for box in _spread(volume, reduction_zyx)])
    center = float(np.median(values))
    spread = float(np.median(np.abs(values - center))) * _MAD_TO_SIGMA
    # Padding may be most of an image.
    spread = spread if spread > 0 else float(values.std())
    if not spread > 0:
        raise TomoscribeError(
            f"{volume.path} has the same value nearly everywhere, so there is nothing to see; "
            "check that it is the right file."
        )
    return ScaledVolume(volume, reduction_zyx, center, spread)


def resident(image: ScaledVolume) -> ScaledVolume:
    """Return an image with its values in memory, unless they are too many."""
    return image.resident() if int(np.prod(image.shape_zyx)) <= MOST_RESIDENT else image


def _spread(volume: Volume, reduction: Triple) -> list[np.ndarray]:
    """Return boxes of averaged voxels: sections spread over the depth, places over a section."""
    depth, height, width = binned_shape(volume, reduction)
    size_y, size_x = min(height, _BOX_EDGE), min(width, _BOX_EDGE)
    places = np.linspace(0, 1, _BOXES)
    boxes = []
    for index, share in enumerate(places.tolist()):
        z = round(share * (depth - 1))
        y = round(places[index * 7 % _BOXES] * (height - size_y))
        x = round(places[index * 5 % _BOXES] * (width - size_x))
        boxes.append(read_binned(volume, reduction, [(z, z + 1), (y, y + size_y), (x, x + size_x)]))
        if depth == 1 and (size_y, size_x) == (height, width):
            break
    return boxes
