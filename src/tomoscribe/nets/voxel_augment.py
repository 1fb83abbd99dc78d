"""Flips, quarter turns and changes of intensity of training windows, images and labels alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

GAIN, OFFSET, NOISE = 0.25, 0.3, 0.3
"""Half ranges of factor and offset, and the largest noise, in standard deviations of the image."""


def turn(values: NDArray[T], quarters: int, flips: tuple[bool, bool, bool]) -> NDArray[T]:
    """Return (..., z, y, x) values turned in the section, then flipped along z, y, x."""
    turned = np.rot90(values, quarters, axes=(-2, -1))
    axes = tuple(axis - 3 for axis in range(3) if flips[axis])
    return np.flip(turned, axes) if axes else turned


def vary(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a window with other contrast, brightness and grain."""
    gain = 1 + GAIN * rng.uniform(-1, 1)
    shifted = values * np.float32(gain) + np.float32(OFFSET * rng.uniform(-1, 1))
    grain = rng.standard_normal(values.shape, dtype=np.float32)
    varied: NDArray[np.float32] = shifted + np.float32(NOISE * rng.random()) * grain
    return varied
