"""Tells the user who deleted the tomogram's layer how to see it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from tomoscribe.ui.session_bound import SessionBound
from tomoscribe.ui.tomogram_layer import PATH

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

LOST = (
    "The layer of the tomogram was deleted; its picks are kept. "
    "Click {name} in the Project panel to see it again."
)


class LostTomogram(SessionBound):
    """Watches the layers of a session's viewer for the tomogram."""

    def __init__(self, session: Session) -> None:
        self._session = session
        session.viewer.layers.events.removed.connect(self._on_removed)

    def _on_removed(self, event: Any) -> None:
        if PATH in event.value.metadata and QApplication.instance() is not None:
            # Who takes the tomogram away to show another one takes its picks away right after it.
            QTimer.singleShot(0, self._tell)

    def _tell(self) -> None:
        session = self._session
        if session.project is not None and session.layer is None and session.picks.layer:
            session.status_message.emit(LOST.format(name=session.current))
