"""The brush on the mesh: what it covers is declared complete, and is undone stroke by stroke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from psygnal import Signal

from tomoscribe.project.model import Patch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoscribe.ui.membranes.mesh_pick_tool import Spot
    from tomoscribe.ui.session import Session

Mode = Literal["off", "paint", "erase"]

FIRST_RADIUS_A = 200.0
"""A brush of 40 nm across: some particles wide."""

SPACING = 0.4
"""In radii: strokes that are dragged lie as close as to look like one."""


class PatchTool:
    """Paints patches while it is on; the mouse then paints on the mesh, and turns the view off it.

    Emits `changed` when it is taken, laid down, or its radius is another.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.mode: Mode = "off"
        self.radius_A = FIRST_RADIUS_A

    def set_mode(self, mode: Mode) -> None:
        """Take the brush or the eraser, or lay it down; taking it shows the mesh."""
        session = self._session
        if mode != "off" and session.membrane is None:
            session.status_message.emit("Choose a membrane first, then paint on it.")
            return
        self.mode = mode
        if mode != "off" and not session.membranes.shown:
            session.surfaces.view.enter()
        if mode != "off":
            session.membranes.prepare_patches()
        session.picks.activate()
        self.changed.emit()

    def set_radius(self, radius_A: float) -> None:
        """Set the radius along the surface, in Å."""
        self.radius_A = radius_A
        self.changed.emit()

    @property
    def on(self) -> bool:
        """Whether a press on the mesh paints."""
        return self.mode != "off" and self._session.membranes.shown

    def drag(self, event: Any) -> Iterator[None]:
        """Paint along the mouse's way; all of it is one step of undo. Beside the mesh, nothing."""
        spot = self._spot(event)
        entry = self._session.entry
        if spot is None or entry is None:
            return
        event.handled = True
        before = list(entry.patches)
        strokes = [self._stroke(spot)]
        self._preview(before, strokes)
        yield
        while event.type == "mouse_move":
            event.handled = True
            here = self._spot(event)
            if here is not None and self._is_new(strokes[-1], here):
                strokes.append(self._stroke(here))
                self._preview(before, strokes)
            yield
        event.handled = True
        self._session.timeline.paint([*before, *strokes])

    def _spot(self, event: Any) -> Spot | None:
        pointer = self._session.picks.pointer
        ray = pointer.ray(event.position, event.view_direction)
        spot = None if ray is None else pointer.first_hit(ray)
        return spot if spot is not None and spot.membrane == self._session.membrane_name else None

    def _stroke(self, spot: Spot) -> Patch:
        entry = self._session.entry
        assert entry is not None
        radius = self.radius_A / entry.voxel_size_A
        return Patch(spot.membrane, spot.zyx, radius, erase=self.mode == "erase")

    def _is_new(self, last: Patch, spot: Spot) -> bool:
        way = np.array(spot.zyx) - np.array(last.center_zyx)
        return bool(np.linalg.norm(way) >= SPACING * last.radius)

    def _preview(self, before: list[Patch], strokes: list[Patch]) -> None:
        """Show the strokes before the button is let go, without saving each of them."""
        self._session.surfaces.preview_patches([*before, *strokes])
