"""What is dropped on the canvas and is ours opens at once, where napari would ask for a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QDropEvent, QGuiApplication

from tomoscribe.ui.project.adding import can_open

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

NAPARIS = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
"""Keys with which napari lets the user choose a reader, or stacks files."""


class CanvasDrop(QObject):
    """Takes what is dropped on the canvas of a session, as long as its window lives."""

    def __init__(self, session: Session, canvas: QObject) -> None:
        super().__init__(canvas)
        self._session = session
        canvas.installEventFilter(self)

    @classmethod
    def bring(cls, session: Session, canvas: QObject) -> None:
        """Take what is dropped on a canvas from now on; a second time changes nothing."""
        if canvas.findChild(cls) is None:
            cls(session, canvas)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Open dropped projects, runs, tomograms, membranes and picks; leave the rest to napari."""
        if not isinstance(event, QDropEvent) or event.type() != QEvent.Type.Drop:
            return super().eventFilter(watched, event)
        mime = event.mimeData()
        urls = [] if mime is None else mime.urls()
        paths = [url.toLocalFile() or url.toString() for url in urls]
        asks_napari = bool(QGuiApplication.keyboardModifiers() & NAPARIS)
        if not paths or asks_napari or not all(map(can_open, paths)):
            return False
        event.acceptProposedAction()
        self._session.change(lambda: self._session.open_paths(paths))
        return True
