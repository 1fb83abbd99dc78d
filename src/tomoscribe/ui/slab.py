"""The mean of a few neighbouring slices: what makes particles stand out of the noise to an eye.

Only what is shown is averaged; picking, the instant answer and training see the voxels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import DTypeLike, NDArray

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.ui.session import Session

SHARE = 1 / 3
"""Slices averaged by default, in diameters: noise falls, and neither outline nor depth blurs."""

SAMPLED_SLICES = 5
"""Slices read for the contrast; more change it by less than a grey level and cost time."""

SAMPLED_STEP = 4
"""Every fourth pixel along y and x of a sampled slice."""


def odd(count: float) -> int:
    """Return the nearest odd number, at least 1: a slab has its slice in the middle."""
    return 2 * max(round((count - 1) / 2), 0) + 1


class SlabMean:
    """A volume (z, y, x) whose slices are means over `count` slices along the same axis.

    Anything but a slice, such as the whole volume in 3D, comes as it is.

    Parameters
    ----------
    data : LazyArray
        The volume.
    count : int
        Odd number of slices.
    """

    def __init__(self, data: LazyArray, count: int = 1) -> None:
        self.data = data
        self.count = count
        self.shape = tuple(int(n) for n in data.shape)
        self.dtype = np.dtype(data.dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self.nbytes = self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        parts = key if isinstance(key, tuple) else (key,)
        axes = [axis for axis, part in enumerate(parts) if isinstance(part, (int, np.integer))]
        if self.count == 1 or len(axes) != 1:
            return np.asarray(self.data[key])
        (axis,) = axes
        middle, half = int(parts[axis]) % self.shape[axis], self.count // 2
        slab = slice(max(middle - half, 0), middle + half + 1)
        thick = np.asarray(self.data[(*parts[:axis], slab, *parts[axis + 1 :])])
        return np.asarray(thick.mean(axis=axis, dtype=np.float32))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.data[...], dtype=dtype)


def contrast_limits(data: Any, count: int = 1) -> tuple[float, float]:
    """Return robust grey limits of means over `count` slices, from a few thinned slabs.

    The 0.5th and 99.5th percentile leave gold beads and dead pixels out. Slices at the very
    top and bottom of a tomogram are mostly empty, so only the middle 80 % is sampled.

    Parameters
    ----------
    data : LazyArray
        The volume, z y x.
    count : int
        Odd number of slices.
    """
    depth, half = data.shape[0], count // 2
    indices = np.unique(
        np.linspace(0.1 * (depth - 1), 0.9 * (depth - 1), SAMPLED_SLICES).round().astype(int)
    )
    slabs = [data[max(int(i) - half, 0) : int(i) + half + 1] for i in indices]
    thinned = [np.asarray(slab)[:, ::SAMPLED_STEP, ::SAMPLED_STEP] for slab in slabs]
    values = np.concatenate([slab.mean(axis=0, dtype=np.float32).ravel() for slab in thinned])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, [0.5, 99.5]))
    return (low, high) if high > low else (low, low + 1.0)


class Averaging:
    """How many slices the layer `tomogram` shows the mean of.

    Until the user chooses, it is a third of the smallest class's diameter.
    """

    changed = Signal(int)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._chosen: int | None = None
        self._before = 1
        self._limits = (0.0, 1.0)

    @property
    def count(self) -> int:
        """Number of slices, odd; 1 shows the slice itself."""
        return min(self.suggested if self._chosen is None else self._chosen, self.most)

    @property
    def suggested(self) -> int:
        """Number of slices that shows the smallest class well."""
        return odd(SHARE * self._smallest)

    @property
    def most(self) -> int:
        """Largest number of slices that makes sense: the smallest class's diameter."""
        return odd(self._smallest)

    @property
    def _smallest(self) -> float:
        entry = self._session.entry
        if entry is None:
            return 1.0
        diameters = [c.diameter_A for c in self._session.classes]
        return min(diameters, default=entry.voxel_size_A) / entry.voxel_size_A

    def set(self, count: int) -> None:
        """Average this many slices from now on, in every tomogram."""
        self._chosen = odd(count)
        self.apply()

    def toggle(self) -> None:
        """Switch between the slice itself and the mean."""
        if self.count > 1:
            self._before = self.count
            self.set(1)
        else:
            self.set(self._before if self._before > 1 else max(self.suggested, 3))

    def start(self, limits: tuple[float, float]) -> None:
        """Begin with a new volume, shown slice by slice with these contrast limits."""
        self._limits = limits

    def apply(self) -> None:
        """Bring the layer up to date; its contrast follows, as far as noise falls."""
        layer, count = self._session.layer, self.count
        if layer is not None and isinstance(layer.data, SlabMean) and layer.data.count != count:
            layer.data.count = layer.plane.thickness = count
            self._follow_noise(layer)
            layer.refresh(extent=False)
        self.changed.emit(count)

    def _follow_noise(self, layer: Image) -> None:
        old_low, old_high = self._limits
        low, high = self._limits = contrast_limits(layer.data.data, layer.data.count)
        scale = (high - low) / (old_high - old_low)
        # What the user made of the contrast stays, relative to what it would have been.
        mine = [low + (limit - old_low) * scale for limit in layer.contrast_limits]
        layer.contrast_limits_range = (2 * low - high, 2 * high - low)
        layer.contrast_limits = mine
