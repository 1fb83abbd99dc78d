"""A Labels layer whose objects are locked, and that tells which box an edit or its undo changed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from psygnal import Signal

from tomoscribe.segmentation.painted_values import FIRST_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.painted_values import Box


class PaintLayer(Labels):  # type: ignore[misc]  # napari is not typed
    """napari's own brush, bucket, polygon, eraser and undo, with two things more.

    Attributes
    ----------
    objects_locked : bool
        Objects keep their voxels: of them, only that with the chosen number is painted over.
    """

    edited = Signal(object)
    """A box, lo <= voxel < hi, in which an edit that has ended, or its undo, changed values."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.objects_locked = True
        super().__init__(*args, **kwargs)
        self.events.paint.connect(lambda event: self.edited.emit(box_of(event.value)))

    @property
    def _type_string(self) -> str:
        return "labels"  # napari goes by the name of the class

    def forget_history(self) -> None:
        """Forget what could be undone: the data are others now."""
        self._reset_history()

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._undo_history)

    @property
    def can_redo(self) -> bool:
        """Whether there is one to bring back."""
        return bool(self._redo_history)

    def undo(self) -> None:
        """Take the last edit back."""
        item = self._undo_history[-1] if self.can_undo else None
        super().undo()
        if item:
            self.edited.emit(box_of(item))

    def redo(self) -> None:
        """Bring the last undone edit back."""
        item = self._redo_history[-1] if self.can_redo else None
        super().redo()
        if item:
            self.edited.emit(box_of(item))

    def data_setitem(self, indices: Any, value: Any, refresh: bool = True) -> None:
        """Set values by index; told when it is done."""
        with self._whole_edit():
            super().data_setitem(indices, value, refresh)

    def _paint_region_with_mask(self, *args: Any, **kwargs: Any) -> None:
        with self._whole_edit():
            super()._paint_region_with_mask(*args, **kwargs)

    @contextmanager
    def _whole_edit(self) -> Iterator[None]:
        """Let napari tell of an edit after it; by itself it does so before, but for strokes."""
        if self._block_history:  # a part of a stroke
            yield
            return
        with self.block_history():
            yield

    def _apply_mask_to_data(
        self,
        data: NDArray[Any],
        mask: NDArray[np.bool_],
        new_label: int,
        volume_slice: tuple[slice, ...],
    ) -> NDArray[np.bool_] | None:
        """Paint where the mask says, but on no locked object."""
        if self.objects_locked:
            mask = mask & ~((data >= FIRST_OBJECT) & (data != self.selected_label))
        painted: NDArray[np.bool_] | None = super()._apply_mask_to_data(
            data, mask, new_label, volume_slice
        )
        return painted


def box_of(atoms: Sequence[Any]) -> Box:
    """Return the box that holds all changes of an edit in napari's history."""
    boxes = [_atom_box(atom) for atom in atoms]
    lo = np.min([b[0] for b in boxes], axis=0)
    hi = np.max([b[1] for b in boxes], axis=0)
    return (int(lo[0]), int(lo[1]), int(lo[2])), (int(hi[0]), int(hi[1]), int(hi[2]))


def _atom_box(atom: Any) -> tuple[list[int], list[int]]:
    key = getattr(atom, "slice_key", None)
    if key is not None:  # of brush, bucket and polygon
        return [part.start for part in key], [part.stop for part in key]
    indices = [np.asarray(axis) for axis in atom[0]]
    return [int(i.min()) for i in indices], [int(i.max()) + 1 for i in indices]
