"""What becomes of the layers that lie on the tomogram when the user deletes it from the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from napari.layers import Layer

    from tomoscribe.ui.session import Session

ON_IT = ("proposals", "matches")
"""Layers of points beside the picks that are of no use without the tomogram."""

LOST = (
    "The layer of the tomogram was deleted, so its picks are hidden, but kept. "
    "Click {name} in the Project panel to see it again."
)


class LostTomogram(SessionBound):
    """Hides points without a tomogram, and shows them with the next one.

    Points that are left alone with no image at all crash napari 0.9 with Mesa's software OpenGL,
    the one of remote desktops: it draws instances by a program that was deleted.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hidden: list[Layer] = []
        session.viewer.layers.events.removed.connect(self._on_removed)
        session.current_changed.connect(self._on_current)

    def _on_removed(self) -> None:
        session = self._session
        if session.layer is not None:
            return
        layers = session.viewer.layers
        for layer in (session.picks.layer, *(layers[n] for n in ON_IT if n in layers)):
            if layer is not None and layer.visible:
                layer.visible = False
                self._hidden.append(layer)
        if self._hidden and QApplication.instance() is not None:
            # Who takes the tomogram away to show another one takes its picks away right after it.
            QTimer.singleShot(0, self._tell)

    def _tell(self) -> None:
        session = self._session
        if session.project is not None and session.layer is None and session.picks.layer:
            session.status_message.emit(LOST.format(name=session.current))

    def _on_current(self, _name: str | None) -> None:
        session = self._session
        if session.layer is None:
            return
        for layer in self._hidden:
            if layer in session.viewer.layers:
                layer.visible = True
        self._hidden.clear()
