"""What works in the background, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QSizePolicy, QWidget
from superqt import QElidingLabel

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.activity import Activity
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_words import state_word

if TYPE_CHECKING:
    from qtpy.QtGui import QHideEvent, QShowEvent

    from tomoscribe.ui.session import Session

LOOK_MS = 500


def busy_words(session: Session) -> str:
    """Return everything that goes on in the background, in one line."""
    parts = []
    update = RunMonitor.of(session).update
    if update is not None and update.alive:
        parts.append(state_word(update.state)[0].lower())
    if session.opening is not None:
        parts.append(f"opening {session.opening}")
    if session.surfaces.shelf.busy:
        parts.append("reading membranes")
    return " · ".join([*parts, *Activity.of(session).words])


class ActivityLine(QElidingLabel):
    """Shows the line; looks twice a second while it is seen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._session = session
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setStyleSheet(f"color: {style.quiet_text()};")
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.refresh)
        connect(self, Activity.of(session).changed, self.refresh)
        connect(self, session.opening_changed, self.refresh)
        connect(self, session.closed, self._end)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Say what goes on now."""
        words = busy_words(self._session)
        self.setText(words or "nothing in the background")
        self.setToolTip(
            f"In the background: {words or 'nothing'}. Trainings, predictions, meshing and "
            "pictures never stop the viewer."
        )

    def showEvent(self, event: QShowEvent | None) -> None:
        """Begin to look."""
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Look no more."""
        super().hideEvent(event)
        self._timer.stop()

    def _end(self) -> None:
        self._timer.stop()
