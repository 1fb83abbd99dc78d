"""A window with the end of a worker's log, for when something went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.widgets import button, hint, row

if TYPE_CHECKING:
    from tomoscribe.training.run import RunFolder

TAIL_BYTES = 200_000
"""What is shown of a long log."""


class LogWindow(QWidget):
    """Shows the end of a run's log; not modal, and reads again on a press."""

    def __init__(self, run: RunFolder, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Log of {run.name}")
        self.resize(900, 480)
        self._run = run
        self._reader = Background(self, reads_only=True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        again = button("Read again", "Reads the end of the log again.", self.read)
        layout = QVBoxLayout(self)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.text)
        layout.addLayout(row(hint(str(run.log_path)), again, stretch=0))
        self.read()

    def read(self) -> None:
        """Read the log, in a thread, and show its end."""
        path = self._run.log_path

        def tail() -> str:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - TAIL_BYTES))
                return file.read().decode(errors="replace")

        self._reader.run(tail, self._show, self._failed)

    def _show(self, text: str) -> None:
        self.text.setPlainText(text or "The worker has written nothing yet.")
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _failed(self, error: BaseException) -> None:
        self.text.setPlainText(f"The log cannot be read: {sentence_of(error)}")
