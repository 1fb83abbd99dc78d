"""One tool for picking: click adds or selects, drag moves the pick, or else the view.

Works on slices and, in 3D, on the tomogram's plane: a click without a plane has no depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.ui.pick_style import diameter_voxels
from tomoscribe.ui.view import in_volume, plane_position, world_to_voxels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari.layers import Points
    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.pick_layer import PickLayer
    from tomoscribe.ui.session import Session

CLICK_PIXELS = 5
"""A press that moves less than this many canvas pixels is a click; the same as napari's own."""


class PickTool:
    """Replaces napari's "add points" on the picks layer while that mode is on."""

    def __init__(self, session: Session, picks: PickLayer) -> None:
        self._session = session
        self._picks = picks

    def attach(self, layer: Points) -> None:
        """Take the layer's add mode over."""
        layer.events.mode.connect(self._on_mode)

    def _on_mode(self) -> None:
        layer = self._picks.layer
        if layer is None:
            return
        callbacks = layer.mouse_drag_callbacks
        if str(layer.mode) == "add":
            callbacks[:] = [self._drag]
        elif self._drag in callbacks:
            callbacks.remove(self._drag)

    # ---------------------------------------------------------------- where
    def position(self, world: Sequence[float], direction: Any = None) -> NDArray[np.float64] | None:
        """Return the voxel under a world position, None outside of the volume."""
        image = self._session.layer
        if image is None:
            return None
        if self._session.viewer.dims.ndisplay == 3:
            zyx = plane_position(image, world, direction)
        else:
            zyx = world_to_voxels(image, world)
        return zyx if zyx is not None and in_volume(image, zyx) else None

    def hit(self, zyx: NDArray[np.float64]) -> Pick | None:
        """Return the nearest pick whose sphere holds a voxel position."""
        entry, layer = self._session.entry, self._picks.layer
        if entry is None or layer is None or not len(entry.picks):
            return None
        picks = list(entry.picks)
        distances = np.linalg.norm(np.array([p.zyx for p in picks]) - zyx, axis=1)
        nearest = int(np.argmin(distances))
        pick = picks[nearest]
        radius = diameter_voxels(self._session.classes, pick.class_name, entry.voxel_size_A) / 2
        return pick if distances[nearest] <= radius else None

    def add_under_cursor(self) -> None:
        """Add a pick where the mouse is, without a button."""
        viewer = self._session.viewer
        zyx = self.position(viewer.cursor.position, viewer.scene.camera.view_direction)
        if zyx is None:
            self._session.status_message.emit(self._why_nothing())
        else:
            self._picks.add(zyx[None])

    def _why_nothing(self) -> str:
        if self._session.current is None:
            return "Open a tomogram first, then click particles."
        image = self._session.layer
        if (
            self._session.viewer.dims.ndisplay == 3
            and image is not None
            and str(image.depiction) != "plane"
        ):
            return "In 3D, picks go on the plane: press W to show it."
        return "There is no tomogram under the cursor."

    # ---------------------------------------------------------------- mouse
    def _drag(self, layer: Points, event: Any) -> Iterator[None]:
        if event.button != 1 or "Alt" in event.modifiers or "Control" in event.modifiers:
            return
        zyx = self.position(event.position, event.view_direction)
        pick = None if zyx is None else self.hit(zyx)
        if zyx is not None and pick is not None:
            yield from self._drag_pick(layer, event, pick, zyx)
        else:
            yield from self._click(layer, event, zyx)

    def _click(self, layer: Points, event: Any, zyx: NDArray[np.float64] | None) -> Iterator[None]:
        start = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            if np.linalg.norm(start - event.pos) < CLICK_PIXELS:
                event.handled = True
            yield
        if np.linalg.norm(start - event.pos) >= CLICK_PIXELS:
            return
        layer.selected_data = set()
        if zyx is None:
            self._session.status_message.emit(self._why_nothing())
        else:
            self._picks.add(zyx[None])

    def _drag_pick(
        self, layer: Points, event: Any, pick: Pick, grabbed: NDArray[np.float64]
    ) -> Iterator[None]:
        event.handled = True
        start, row = np.array(event.pos), self._picks.row_of(pick.id)
        if "Shift" in event.modifiers:
            layer.selected_data = set(layer.selected_data) ^ {row}
        elif row not in layer.selected_data:
            layer.selected_data = {row}
        offset = np.array(pick.zyx) - grabbed
        target: NDArray[np.float64] | None = None

        def follow() -> None:
            nonlocal target
            here = self.position(event.position, event.view_direction)
            far = np.linalg.norm(start - event.pos) >= CLICK_PIXELS
            if here is not None and (far or target is not None):
                target = here + offset
                layer.data[row] = target
                layer.refresh(thumbnail=False, extent=False)

        yield
        while event.type == "mouse_move":
            event.handled = True
            follow()
            yield
        event.handled = True
        follow()
        if target is not None:
            self._picks.move({pick.id: (float(target[0]), float(target[1]), float(target[2]))})
