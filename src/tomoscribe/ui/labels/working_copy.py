"""The painting of one tomogram as napari's brush needs it: one array, of which little is real.

A stroke is written to the store chunk by chunk afterwards, in a thread; see `stroke_writer`.
"""

from __future__ import annotations

import mmap
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.painted_values import DTYPE, FIRST_OBJECT
from tomoscribe.ui.labels.label_counts import LabelCounts

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from tomoscribe.project.painted import PaintedLabels
    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.segmentation.painted_values import Box


def sparse_array(shape_zyx: Triple) -> NDArray[np.uint16]:
    """Return an array of zeros on a temporary file with holes: only what is painted takes room."""
    size = int(np.prod(shape_zyx)) * DTYPE.itemsize
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        held = mmap.mmap(file.fileno(), size)
    return np.frombuffer(held, DTYPE).reshape(shape_zyx)


class WorkingCopy:
    """A painting in memory, and the store that its strokes go to.

    Made and saved in one thread; the viewer paints into `values` meanwhile.

    Attributes
    ----------
    name : str
        The tomogram's name in the project.
    values : (z, y, x) array of uint16
        Painted values.
    objects : dict of int to int
        The value of its class by the number of an object; the viewer's thread adds to it.
    whole : set of int
        Objects that are labelled to their border; the viewer's thread adds to it.
    counts : LabelCounts
        What is labelled.
    """

    def __init__(self, name: str, store: PaintedLabels) -> None:
        self.name = name
        self.store = store
        self.values = sparse_array(store.shape_zyx)
        self.objects = store.objects
        self.whole = set(store.whole)
        self.counts = LabelCounts()
        self._owed: list[Box] = []
        self._uncounted: list[Box] = []
        for lo, hi in store.boxes():
            self.values[_slices((lo, hi))] = store.read(lo, hi)
            self.counts.take(self.values, (lo, hi))

    @property
    def unsaved(self) -> int:
        """Strokes that are in memory only, because writing failed."""
        return len(self._owed)

    def next_object(self) -> int:
        """Return the number of the next object."""
        return max(self.objects, default=FIRST_OBJECT - 1) + 1

    def voxels_of(self, numbers: Collection[int]) -> dict[int, int]:
        """Return how many voxels each object has, also of strokes that wait for the disk."""
        for box in self._uncounted.copy():
            self.counts.take(self.values, box)
        return self.counts.voxels_of(numbers)

    def touch(self, box: Box) -> None:
        """Hear in the viewer's thread of a box, lo <= voxel < hi, that is to be saved."""
        self._uncounted.append(box)

    def save(self, box: Box) -> None:
        """Write a box, lo <= voxel < hi, and what could not be written before.

        Raises
        ------
        TomoscribeError
            If the disk refuses; the next call tries again.
        """
        self.counts.take(self.values, box)
        self._uncounted.remove(box)
        self._owed.append(box)
        self.save_owed()

    def save_owed(self) -> None:
        """Write what is not on disk yet; raises as `save`."""
        # Objects first: a number without its class would say nothing after a crash.
        stored = self.store.objects
        new = {n: c for n, c in self.objects.copy().items() if stored.get(n) != c}
        if new:
            self.store.set_objects(new, [n for n in new if n in self.whole])
        while self._owed:
            lo, _ = self._owed[0]
            self.store.write(lo, self.values[_slices(self._owed[0])])
            self._owed.pop(0)


def _slices(box: Box) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(*box, strict=True))
