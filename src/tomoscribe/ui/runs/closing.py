"""Closing the viewer: what becomes of a training that goes on, and of edits not on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import launch
from tomoscribe.ui import style
from tomoscribe.ui.lifetime import WindowEnd
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.widgets import heading, main_window

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

KEEP, STOP, CANCEL = "keep", "stop", "cancel"


class ClosingDialog(QDialog):
    """Asks what becomes of the training, and of those that wait behind it.

    `choice` is `KEEP`, `STOP` or `CANCEL`.
    """

    def __init__(self, run_name: str, waiting: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("A training goes on")
        self.choice = CANCEL
        text = QLabel(
            f"{run_name} trains in a process of its own. It can go on without the viewer; "
            "open the project again to watch it."
            + (f" {waiting} more that you started wait for their turn." if waiting else "")
        )
        text.setWordWrap(True)
        buttons = QDialogButtonBox()
        self.keep = buttons.addButton("Keep training", QDialogButtonBox.ButtonRole.AcceptRole)
        self.stop = buttons.addButton("Stop and save", QDialogButtonBox.ButtonRole.DestructiveRole)
        self.cancel = buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        for widget, choice in ((self.keep, KEEP), (self.stop, STOP), (self.cancel, CANCEL)):
            widget.clicked.connect(lambda _=False, choice=choice: self._choose(choice))
        self.keep.setDefault(True)
        self.keep.setFocus()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(3 * style.SPACING,) * 4)
        layout.setSpacing(2 * style.SPACING)
        layout.addWidget(heading("Close the viewer, keep the training?"))
        layout.addWidget(text)
        layout.addWidget(buttons)
        self.setMinimumWidth(420)

    def _choose(self, choice: str) -> None:
        self.choice = choice
        self.accept() if choice != CANCEL else self.reject()


class UnsavedDialog(QMessageBox):
    """Asks what becomes of edits that cannot be written: try again, lose them, or stay."""

    def __init__(self, sentence: str, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIcon(QMessageBox.Icon.Warning)
        self.setWindowTitle("Edits are not saved")
        self.setText(f"{sentence}\n\n{count} changes would be lost.")
        self.again = self.addButton("Try again", QMessageBox.ButtonRole.AcceptRole)
        self.lose = self.addButton("Close and lose them", QMessageBox.ButtonRole.DestructiveRole)
        self.cancel = self.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(self.again)


class ClosingGuard(QObject):
    """Watches one main window: asks before it closes."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._monitor = RunMonitor.of(session)
        self._dialog: ClosingDialog | None = None
        window.installEventFilter(self)

    @classmethod
    def watch(cls, session: Session, widget: QWidget) -> None:
        """Watch the main window that a widget is in, once."""
        WindowEnd.watch(session, widget)  # first, so that a close that is refused does not reach it
        window = main_window(widget)
        if window.findChild(cls) is None:
            cls(session, window)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Ask on a close event; swallow it when the user stays."""
        if watched is not self._window or event is None or event.type() != QEvent.Type.Close:
            return False
        if not (self._saved() and self._may_close()):
            event.ignore()
            return True
        return False

    def _saved(self) -> bool:
        """Write what is outstanding; where that fails, ask. Return whether the window may close."""
        project = self._session.project
        while project is not None and project.unsaved and self._window.isVisible():
            try:
                project.save()
            except TomoscribeError as error:
                dialog = UnsavedDialog(str(error), project.unsaved, self._window)
                dialog.exec()
                clicked = dialog.clickedButton()
                dialog.deleteLater()
                if clicked is not dialog.again:
                    return clicked is dialog.lose
        return True

    def _may_close(self) -> bool:
        run = self._monitor.run
        if run is None or not self._monitor.alive or not self._window.isVisible():
            return True  # nobody is there to ask about a window that is closed, or was never shown
        if self._dialog is not None:
            # A script, or the desktop, closes again while the question is open. To ask anew would
            # nest one event loop in the other, at every such close, until Python gives up.
            self._dialog.raise_()
            return False
        waiting = Starter.of(self._session).line
        self._dialog = dialog = ClosingDialog(run.name, len(waiting), self._window)
        try:
            dialog.exec()
        finally:
            self._dialog = None
            dialog.deleteLater()
        if dialog.choice == STOP:
            try:
                for each in [*reversed(waiting), run]:  # so that none begins meanwhile
                    launch.request_stop(each)
            except TomoscribeError as error:
                self._session.status_message.emit(str(error))
                return False
        return dialog.choice != CANCEL
