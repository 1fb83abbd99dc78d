"""The last lines of the dock: what went wrong or happened, and when everything was saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import hint

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

TICK_MS = 1000


def saved_text(seconds: float) -> str:
    """Return how long ago something was saved, in words."""
    if seconds < 1.5:
        return "saved just now"
    if seconds < 90:
        return f"saved {seconds:.0f} s ago"
    if seconds < 5400:
        return f"saved {seconds / 60:.0f} min ago"
    return f"saved {seconds / 3600:.0f} h ago"


class SaveLine(QWidget):
    """Shows messages of the session and the age of the last save."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._saved_at: float | None = None
        self.message = hint()
        self.message.hide()
        self.saved = QLabel()
        self.saved.setToolTip("Every click and stroke is written to the project's folder at once.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.message)
        layout.addWidget(self.saved)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        connect(self, session.status_message, self.show_message)
        connect(self, session.saved, self._on_saved)
        connect(self, session.project_changed, self._on_project)
        self._tick()

    def show_message(self, text: str) -> None:
        """Show a sentence until the next save that succeeds."""
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _on_saved(self, ok: bool) -> None:
        if ok:
            self._saved_at = time.monotonic()
            self.message.setStyleSheet(f"color: {style.quiet_text()};")
            self.show_message("")
            self._timer.start()
        else:
            self.message.setStyleSheet(f"color: {style.BAD};")
        self._tick()

    def close_timer(self) -> None:
        """Stop counting seconds."""
        self._timer.stop()

    def _on_project(self) -> None:
        self._saved_at = None
        self._tick()

    def _tick(self) -> None:
        project = self._session.project
        if project is None:
            text, color = "", style.quiet_text()
        elif project.read_only:
            text, color = "read only: nothing is saved", style.BAD
        elif project.unsaved:
            text, color = f"{project.unsaved} changes not saved yet", style.BAD
        elif self._saved_at is None:
            text, color = "every click and stroke is saved", style.quiet_text()
        else:
            text, color = saved_text(time.monotonic() - self._saved_at), style.quiet_text()
        self.saved.setText(text)
        self.saved.setStyleSheet(f"color: {color};")
