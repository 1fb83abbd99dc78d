"""One tool for picking: click adds or selects, drag moves the pick, or else the view.

Works on slices, on the membrane in 3D and on the tomogram's plane: a click on neither has no depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.ui.annotate.pick_style import diameter_voxels, lift_of
from tomoscribe.ui.membranes.angle_handle import AngleHandle
from tomoscribe.ui.membranes.mesh_pick_tool import placed
from tomoscribe.ui.view import in_volume, plane_position, world_to_voxels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari.layers import Points
    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.annotate.pick_layer import PickLayer
    from tomoscribe.ui.membranes.mesh_pick_tool import Ray, Spot
    from tomoscribe.ui.session import Session

NO_REACH = -1.0
"""Voxels; nothing is as near, so that a pick stays where it was put."""

DRAWN_ALONG = 2000
"""Picks up to which ticks follow one that is dragged: beyond, drawing them takes too long."""

CLICK_PIXELS = 5
"""A press that moves less than this many canvas pixels is a click; the same as napari's own."""


class PickTool:
    """Replaces napari's "add points" on the picks layer while that mode is on."""

    def __init__(self, session: Session, picks: PickLayer) -> None:
        self._session = session
        self._picks = picks
        self.handle = AngleHandle(session, picks)

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
        """Return the voxel under a world position in a slice or plane, None outside the volume."""
        image = self._session.layer
        if image is None:
            return None
        if self._session.viewer.dims.ndisplay == 3:
            zyx = plane_position(image, world, direction)
        else:
            zyx = world_to_voxels(image, world)
        return zyx if zyx is not None and in_volume(image, zyx) else None

    def spot(
        self, world: Sequence[float], direction: Any = None, *, reach: float | None = None
    ) -> Spot | None:
        """Return the place for a pick under a world position; by a membrane it is on it.

        In slices that is within `reach` voxels of one, by default that of the active class.
        """
        pointer = self._picks.pointer
        if self._session.membranes.shown:
            ray = pointer.ray(world, direction)
            return None if ray is None else pointer.first_hit(ray)
        zyx = self.position(world, direction)
        return None if zyx is None else pointer.snap(zyx, self._reach if reach is None else reach)

    @property
    def _reach(self) -> float:
        return self._picks.pointer.reach(self._session.active_class)

    def hit(self, zyx: NDArray[np.float64], normal_zyx: Any = None) -> Pick | None:
        """Return the nearest pick whose sphere holds a voxel position.

        With a normal, picks that look the other way do not count: they sit on the opposite face.
        """
        entry, layer = self._session.entry, self._picks.layer
        if entry is None or layer is None or not len(entry.picks):
            return None
        picks = [
            p
            for p in entry.picks
            if normal_zyx is None or p.normal_zyx is None or np.dot(p.normal_zyx, normal_zyx) > 0
        ]
        if not picks:
            return None
        distances = np.linalg.norm(np.array([p.zyx for p in picks]) - zyx, axis=1)
        nearest = int(np.argmin(distances))
        pick = picks[nearest]
        radius = diameter_voxels(self._session.classes, pick.class_name, entry.voxel_size_A) / 2
        return pick if distances[nearest] <= radius else None

    def _pick_at(self, event: Any) -> Pick | None:
        """Return the pick under the mouse: its disc, or the sphere around its centre."""
        if not self._session.membranes.shown:
            zyx = self.position(event.position, event.view_direction)
            return None if zyx is None else self.hit(zyx)
        ray = self._picks.pointer.ray(event.position, event.view_direction)
        if ray is None:
            return None
        spot = self._picks.pointer.first_hit(ray)
        disc = self._disc_at(ray, spot)
        if disc is not None or spot is None:
            return disc
        return self.hit(np.array(spot.zyx), spot.normal_zyx)

    def _disc_at(self, ray: Ray, spot: Spot | None) -> Pick | None:
        """Return the foremost pick whose disc the ray goes through before it meets the mesh."""
        look, entry = self._picks.look, self._session.entry
        if look is None or entry is None or not look.ids:
            return None
        depths = ray.depth_of(look.zyx)
        behind = np.inf if spot is None else float(ray.depth_of(np.array(spot.zyx)))
        through = (ray.distance_to(look.zyx) <= look.size / 2) & (depths <= behind + look.size / 2)
        if not through.any():
            return None
        return entry.picks[look.ids[int(np.argmin(np.where(through, depths, np.inf)))]]

    def add_under_cursor(self) -> None:
        """Add a pick where the mouse is, without a button."""
        self._add(self.cursor_spot(self._reach))

    def cursor_spot(self, reach: float) -> Spot | None:
        """Return the place where the mouse is, in slices on a membrane within `reach` voxels."""
        viewer = self._session.viewer
        direction = viewer.cursor._view_direction
        if direction is None:
            direction = viewer.scene.camera.view_direction
        return self.spot(viewer.cursor.position, direction, reach=reach)

    def _add(self, spot: Spot | None) -> None:
        session = self._session
        if spot is None:
            session.status_message.emit(self.why_nothing())
        elif session.membranes.shown and spot.membrane != session.membrane_name:
            # A click on a dim mesh asks for it; nobody picks on what is hardly seen.
            session.change(lambda: session.set_membrane(spot.membrane))
        else:
            self._picks.put([spot])

    def why_nothing(self) -> str:
        """Return why there is no place for a pick under the cursor."""
        if self._session.current is None:
            return "Open a tomogram first, then click particles."
        if self._session.membranes.shown:
            return "There is no membrane under the cursor."
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
        if event.button != 1 or "Control" in event.modifiers:
            return
        if "Alt" in event.modifiers and self._session.viewer.dims.ndisplay == 3:
            return
        brush = self._session.surfaces.brush
        if brush.on:
            yield from brush.drag(event)
            return
        if self.handle.is_at(event):
            yield from self.handle.drag(event)
            return
        pick = self._pick_at(event)
        if pick is not None:
            yield from self._drag_pick(layer, event, pick)
        else:
            yield from self._click(layer, event)

    def _click(self, layer: Points, event: Any) -> Iterator[None]:
        start = np.array(event.pos)
        reach = NO_REACH if "Alt" in event.modifiers else None
        spot = self.spot(event.position, event.view_direction, reach=reach)
        yield
        while event.type == "mouse_move":
            if np.linalg.norm(start - event.pos) < CLICK_PIXELS:
                event.handled = True
            yield
        if np.linalg.norm(start - event.pos) >= CLICK_PIXELS:
            return
        layer.selected_data = set()
        self._add(spot)

    def _drag_pick(self, layer: Points, event: Any, pick: Pick) -> Iterator[None]:
        event.handled = True
        start, row = np.array(event.pos), self._picks.row_of(pick.id)
        if "Shift" in event.modifiers:
            layer.selected_data = set(layer.selected_data) ^ {row}
        elif row not in layer.selected_data:
            layer.selected_data = {row}
        grabbed = self.position(event.position, event.view_direction)
        offset = np.zeros(3) if grabbed is None else np.array(pick.zyx) - grabbed
        target: Spot | None = None

        def follow() -> None:
            nonlocal target
            far = np.linalg.norm(start - event.pos) >= CLICK_PIXELS
            here = self._dragged_to(event, offset, pick) if far or target else None
            if here is not None:
                target = here
                layer.data[row] = self._drawn(here, float(layer.size[row]))
                layer.refresh(thumbnail=False, extent=False)
                self._draw_along(placed(pick, here))

        yield
        while event.type == "mouse_move":
            event.handled = True
            follow()
            yield
        event.handled = True
        follow()
        if target is not None:
            self._draw_along(None)
            self._picks.place({pick.id: target})

    def _draw_along(self, pick: Pick | None) -> None:
        """Let tick and arrow follow a pick while it is dragged; None ends it."""
        entry = self._session.entry
        self.handle.show_dragged(pick)
        if pick is None or (entry is not None and len(entry.picks) <= DRAWN_ALONG):
            self._session.ticks.show_dragged(pick)

    def _dragged_to(self, event: Any, offset: NDArray[np.float64], pick: Pick) -> Spot | None:
        """Return where a dragged pick is now: it keeps its way to the mouse, and sticks to mesh."""
        if self._session.membranes.shown:
            return self.spot(event.position, event.view_direction)
        here = self.position(event.position, event.view_direction)
        if here is None:
            return None
        free = "Alt" in event.modifiers
        reach = NO_REACH if free else self._picks.pointer.reach(pick.class_name)
        return self._picks.pointer.snap(here + offset, reach)

    def _drawn(self, spot: Spot, size: float) -> NDArray[np.float64]:
        zyx = np.array(spot.zyx)
        if self._session.membranes.shown and spot.normal_zyx is not None:
            zyx = zyx + lift_of(size) * np.array(spot.normal_zyx)
        return zyx
