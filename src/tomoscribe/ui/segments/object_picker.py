"""Clicks and a key on objects in the viewer: a click selects, the key locks into the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from tomoscribe.ui.annotate.pick_tool import CLICK_PIXELS
from tomoscribe.ui.connections import at_end, lend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.segments.segments import Segments
    from tomoscribe.ui.session import Session

NOTHING_HERE = "There is no predicted object under the cursor."


class ObjectPicker(QObject):
    """Works as long as its parent lives."""

    def __init__(self, session: Session, segments: Segments, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._segments = segments
        callbacks = session.viewer.mouse_drag_callbacks
        callback = self._on_press
        callbacks.append(callback)
        at_end(self, lambda: callbacks.remove(callback) if callback in callbacks else None)
        lend(self, session, {"take_object": self.take_under_cursor})

    def take_under_cursor(self) -> None:
        """Lock the object under the mouse."""
        cursor = self._session.viewer.cursor
        number = self._segments.layer.number_at(cursor.position, cursor._view_direction)
        if number:
            self._segments.take(number)
        else:
            self._session.status_message.emit(NOTHING_HERE)

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Select the object that is clicked, unless the click is for another tool."""
        start = event.pos
        yield
        while event.type == "mouse_move":
            yield
        moved = max(abs(a - b) for a, b in zip(event.pos, start, strict=True))
        if event.button != 1 or moved > CLICK_PIXELS or self._is_taken():
            return
        self._segments.select(self._segments.layer.number_at(event.position, event.view_direction))

    def _is_taken(self) -> bool:
        """Tell whether a click paints, or adds a pick."""
        active = self._session.viewer.layers.selection.active
        return active is not None and str(getattr(active, "mode", "")) not in ("", "pan_zoom")
