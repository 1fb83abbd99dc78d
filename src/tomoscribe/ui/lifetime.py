"""Ends a session with its window, and what is in a dock with the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QTimer

from tomoscribe.ui.widgets import main_window

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session


class WindowEnd(QObject):
    """Watches one main window for its end, so that its project can be opened again at once."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        window.installEventFilter(self)

    @classmethod
    def watch(cls, session: Session, widget: QWidget) -> None:
        """Watch the main window that a widget is in, once."""
        window = main_window(widget)
        if window.findChild(cls) is None:
            cls(session, window)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look, after the others had their say on a close event, whether the window is gone."""
        if watched is not self._window or event is None:
            return False
        if event.type() == QEvent.Type.Close:
            self._session.closing = True
            QTimer.singleShot(0, self._look)
        elif event.type() == QEvent.Type.DeferredDelete:
            # In a running application this comes before the timer, and takes the timer with it.
            self._end()
        return False

    def _look(self) -> None:
        self._session.closing = not self._window.isVisible()
        if self._session.closing:
            self._end()

    def _end(self) -> None:
        self._window.removeEventFilter(self)
        self._session.close()


class DockEnd(QObject):
    """Deletes a widget when the user closes the dock that it is in.

    napari takes the widget out of a dock that it closes, and leaves it: without an end, its
    threads would go on for nobody, and the next such dock would have a rival.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look whether the widget was taken out."""
        moved = event is not None and event.type() == QEvent.Type.ParentChange
        if moved and watched is self._widget and self._widget.parent() is None:
            self._widget.deleteLater()
        return False
