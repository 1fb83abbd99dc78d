"""The dock Project over the small project, with a user's mouse and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from tomoscribe.ui.project.project_dock import ProjectDock
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.session import Session

BUTTON, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Panel:
    """A user of the dock: clicks rows and their buttons, drops files."""

    def __init__(self, dock: ProjectDock, session: Session, until: Callable[..., None]) -> None:
        self.dock = dock
        self.session = session
        self.until = until
        self.said: list[str] = []
        session.status_message.connect(self.said.append)

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.dock.model.rows]

    def rect(self, name: str) -> object:
        rows = self.dock.list
        index = self.dock.model.place(name)
        rows.scrollTo(index)
        QApplication.processEvents()
        return rows.visualRect(index)

    def click(self, name: str) -> None:
        """Click the name of a row."""
        self._click(self.rect(name).topLeft() + QPoint(90, 10))

    def click_role(self, name: str) -> None:
        """Click the button for the role of a row."""
        self._click(self.dock.list.painter_of_rows.button_rect(self.rect(name)).center())

    def click_fold(self, name: str) -> None:
        """Click the number of membranes of a tomogram."""
        fold = self.dock.list.painter_of_rows.fold_rect(self.rect(name))
        self._click(QPoint(fold.right() - 10, fold.center().y()))

    def key(self, key: Qt.Key) -> None:
        QTest.keyClick(self.dock.list, key)

    def drop(self, *paths: Path) -> None:
        """Drop files on the dock."""
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        action = Qt.DropAction.CopyAction
        enter = QDragEnterEvent(QPoint(20, 20), action, mime, BUTTON, NONE)
        QApplication.sendEvent(self.dock, enter)
        drop = QDropEvent(QPointF(20, 20), action, mime, BUTTON, NONE, QEvent.Type.Drop)
        QApplication.sendEvent(self.dock, drop)

    def _click(self, at: QPoint) -> None:
        QTest.mouseClick(self.dock.list.viewport(), BUTTON, NONE, at)


@pytest.fixture
def viewer(qapp: QApplication) -> Iterator[ViewerModel]:
    """A viewer without a window: the dock does not need its canvas."""
    made = ViewerModel()
    yield made
    session = Session.of(made)
    Starter.of(session).close()
    RunMonitor.of(session).close()
    qapp.processEvents()


@pytest.fixture
def panel(session: Session, process_until: Callable[..., None]) -> Iterator[Panel]:
    """The dock, shown as narrow as it may be."""
    dock = ProjectDock(session)
    dock.resize(320, 640)
    dock.show()
    QApplication.processEvents()
    yield Panel(dock, session, process_until)
    dock.close()
    session.closed.emit()
    dock.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
