"""The list of tomograms and membranes: a click or Enter shows one, a menu does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelectionModel, QPoint, Qt, QTimer, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QAbstractItemView, QListView, QMenu

from tomoscribe.ui.annotate.tomogram_menu import TomogramMenu
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.membrane_list import MAKE
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.project.row_painter import RowPainter

if TYPE_CHECKING:
    from qtpy.QtGui import QKeyEvent, QMouseEvent, QResizeEvent, QShowEvent
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.project.project_model import ProjectModel
    from tomoscribe.ui.project.rows import Row
    from tomoscribe.ui.session import Session

LOOK_MS = 60
"""Pause of scrolling after which pictures of what is in view are made."""


class ProjectList(QListView):
    """Shows the model's rows; asks for pictures of those that are in view only."""

    def __init__(
        self, session: Session, model: ProjectModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._rows = model
        self.setModel(model)
        self.setToolTip(
            "Click or Enter shows a tomogram; the letter, or Space, changes what it is used for."
        )
        self.painter_of_rows = RowPainter(model, self)
        self.setItemDelegate(self.painter_of_rows)
        self.setMouseTracking(True)
        self.setUniformItemSizes(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self.show_menu)
        self._looking = QTimer(self)
        self._looking.setSingleShot(True)
        self._looking.setInterval(LOOK_MS)
        self._looking.timeout.connect(self._look)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._looking.start())
        model.modelReset.connect(self._on_reset)
        self.menu_of = TomogramMenu(session, lambda: self._menu_for, self)
        self._menu_for: str | None = None
        connect(self, session.current_changed, self.follow)
        connect(self, session.membrane_changed, self.follow)
        self._on_reset()

    # ---------------------------------------------------------------- doing
    def show_row(self, row: Row | None) -> None:
        """Show a tomogram or a membrane in the viewer."""
        session = self._session
        seen = session.opening is None and session.layer is not None
        if row is None or (seen and self._rows.is_current(row)):
            return
        if row.is_membrane and row.tomogram == session.current:
            session.change(lambda: session.set_membrane(row.name))
        elif row.is_membrane:
            session.surfaces.name = row.name  # its tomogram comes up with it
            session.show(row.tomogram)
        else:
            session.show(row.name)

    def show_menu(self, at: QPoint) -> None:
        """Offer what else can be done with the row at a place."""
        row = self._rows.row_of(self.indexAt(at))
        if row is not None:
            self.menu(row).popup(self.viewport().mapToGlobal(at))

    def menu(self, row: Row) -> QMenu:
        """Return the menu of a row."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        project, session = self._session.project, self._session
        entry = self._rows.entry(row)
        if project is None or entry is None:
            return menu
        self._menu_for = row.name
        menu.addAction("Show", lambda: self.show_row(row))
        menu.addAction("Open folder", lambda: open_folder(str(entry.path.parent)))
        menu.addSeparator()
        edits = []
        if row.is_membrane:
            remove = lambda: session.change(lambda: project.remove_membrane(row.name))  # noqa: E731
            edits.append(menu.addAction("Remove from project", remove))
        else:
            edits.append(menu.addAction("Voxel size…", self.menu_of.ask_voxel_size))
            if row.name == session.current and MAKE in session.actions:
                edits.append(menu.addAction("Make membranes…", session.actions[MAKE]))
            edits.append(menu.addAction("Remove from project…", self.menu_of.ask_removal))
        for action in edits:
            action.setEnabled(not project.read_only)
            action.setToolTip(READ_ONLY if project.read_only else "")
        return menu

    # ---------------------------------------------------------------- looking
    def follow(self, *_: object) -> None:
        """Choose the row of what the viewer shows, and bring it into view."""
        session = self._session
        name = session.current
        here = self._rows.row_of(self.currentIndex())
        if here is not None and here.is_membrane and here.tomogram == session.current:
            name = session.membrane_name
        index = self._rows.place(name)
        if index.isValid() and index != self.currentIndex():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(index, flags)
            self.scrollTo(index)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter shows, Space changes the role, Left and Right fold; arrows move."""
        row = self._rows.row_of(self.currentIndex())
        key = None if event is None else event.key()
        if row is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.show_row(row)
        elif row is not None and key == Qt.Key.Key_Space:
            self._rows.change_role(row)
        elif row is not None and row.members and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._rows.fold(row.name, key == Qt.Key.Key_Left)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Change the role, fold, or show, by what is clicked in a row."""
        super().mouseReleaseEvent(event)
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position().toPoint()
        index = self.indexAt(at)
        row = self._rows.row_of(index)
        if row is None or index != self.currentIndex():  # pressed elsewhere
            return
        rect, painter = self.visualRect(index), self.painter_of_rows
        if painter.button_rect(rect).contains(at):
            self._rows.change_role(row)
        elif row.members and painter.fold_rect(rect).contains(at):
            self._rows.fold(row.name, not row.folded)
        else:
            self.show_row(row)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Look at what is seen now."""
        super().showEvent(event)
        self._looking.start()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Look at what came into view."""
        super().resizeEvent(event)
        self._looking.start()

    def rows_in_view(self) -> list[Row]:
        """Return the rows that are seen, from top to bottom."""
        area = self.viewport().rect()
        first, last = self.indexAt(area.topLeft()), self.indexAt(area.bottomLeft())
        if not first.isValid():
            return []
        end = last.row() if last.isValid() else len(self._rows.rows) - 1
        return self._rows.rows[first.row() : end + 1]

    def look_again(self) -> None:
        """Make pictures of what is in view, after a pause."""
        self._looking.start()

    def _look(self) -> None:
        if self.isVisible():
            self._rows.want_pictures(self.rows_in_view())

    def _on_reset(self) -> None:
        self.follow()
        self._looking.start()


def open_folder(path: str) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(path))
