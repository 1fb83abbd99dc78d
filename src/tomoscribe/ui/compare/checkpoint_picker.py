"""A button that says which checkpoint a side is, and opens a list of all there are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, QSize, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.ui import style
from tomoscribe.ui.compare.checkpoint_rows import CURRENT
from tomoscribe.ui.compare.side_words import age, choice_text
from tomoscribe.ui.compare.sides import Letter, RunChoice, Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.widgets import button, hint

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QDragEnterEvent, QDropEvent, QFontMetrics, QKeyEvent, QResizeEvent

    from tomoscribe.training.catalog import KnownCheckpoint
    from tomoscribe.ui.compare.sides import Choice
    from tomoscribe.ui.session import Session

SHEET = "text-align: left; padding: 3px 6px;"
SUFFIXES = (".pt", ".ckpt")
POPUP_SIZE = QSize(520, 360)
CHOICE = Qt.ItemDataRole.UserRole
NOTHING = "Train first; checkpoints appear here. Or open a checkpoint file that you have."


class CheckpointPicker(QPushButton):
    """Says what side A or B is; a click opens the list, and a checkpoint file may be dropped."""

    def __init__(self, session: Session, letter: Letter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._letter: Letter = letter
        self._sides = Sides.of(session)
        self._monitor = RunMonitor.of(session)
        self._text = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setStyleSheet(SHEET)
        self.setAcceptDrops(True)
        self.clicked.connect(lambda _=False: self.open())
        connect(self, self._sides.changed, self.refresh)
        connect(self, self._sides.refreshed, self.refresh)
        connect(self, self._monitor.followed, self.refresh)
        self.refresh()

    def set_mark(self, color: str) -> None:
        """Show the colour that the side has in the canvas and in the legends."""
        self.setStyleSheet(f"{SHEET} border-left: 4px solid {color};")

    def refresh(self, *_: object) -> None:
        """Say what the side is."""
        self._text = choice_text(self._sides, self._letter)
        self.setToolTip(
            f"Checkpoint {self._letter.upper()}: {self._text}. Click to choose another; a "
            "checkpoint file (.pt) can be dropped here."
        )
        self._elide()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take checkpoint files."""
        if event is not None and _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Make a checkpoint file the side."""
        path = None if event is None else _dropped(event)
        if event is not None and path is not None:
            event.acceptProposedAction()
            self.take_file(path)

    def open(self) -> CheckpointPopup:
        """Open the list below the button."""
        popup = CheckpointPopup(self._session, self._letter, self.take_file, self)
        width = max(self.width(), POPUP_SIZE.width())
        popup.resize(width, POPUP_SIZE.height())
        corner = self.mapToGlobal(QPoint(self.width() - width, self.height()))
        popup.move(corner)
        popup.show()
        popup.search.setFocus()
        return popup

    def take_file(self, path: Path) -> None:
        """Make a checkpoint file the side."""
        self._sides.choose(self._letter, CheckpointRef.of_file(path))

    def _elide(self) -> None:
        room = self.width() - 16
        self.setText(shortened(self._text, self.fontMetrics(), room))


class CheckpointPopup(QFrame):
    """All checkpoints, grouped by run, with a search field."""

    def __init__(
        self,
        session: Session,
        letter: Letter,
        take_file: Callable[[Path], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._take_file = take_file
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._sides = Sides.of(session)
        self._letter: Letter = letter
        self._library = ScoreLibrary.of(session)
        self._followed = RunMonitor.of(session).run
        self._model = None if session.project is None else session.project.model
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search runs and steps")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Checkpoint", "Quality", "Age"])
        self.tree.setUniformRowHeights(True)
        header = self.tree.header()
        if header is not None:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
            header.setStretchLastSection(False)
        self.tree.itemClicked.connect(lambda item, _: self._choose(item))
        self.tree.itemActivated.connect(lambda item, _: self._choose(item))
        self.empty = hint(NOTHING)
        self.open_file = button(
            "Open file…", "A checkpoint (.pt) from anywhere, of the same task.", self._ask_file
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(style.SPACING,) * 4)
        layout.setSpacing(style.SPACING)
        for widget in (self.search, self.empty, self.tree, self.open_file):
            layout.addWidget(widget)
        self._fill()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Choose with Return; go from the search field into the list with the arrow keys."""
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            item = self.tree.currentItem() or self._first()
            if item is not None:
                self._choose(item)
        elif event.matches(QKeySequence.StandardKey.MoveToNextLine):
            self.tree.setFocus()
            if self.tree.currentItem() is None and self._first() is not None:
                self.tree.setCurrentItem(self._first())
        else:
            super().keyPressEvent(event)

    def _fill(self) -> None:
        catalog, now = self._library.catalog, time.time()
        by_run: dict[Path, list[KnownCheckpoint]] = {}
        for known in [] if catalog is None else catalog.checkpoints():
            if known.ref.run is not None:
                by_run.setdefault(known.ref.run, []).append(known)
        newest_first = sorted(by_run, key=lambda run: by_run[run][-1].time, reverse=True)
        followed = None if self._followed is None else self._followed.path
        items = [
            _run_item(run, by_run[run], now, self._model, followed=run == followed)
            for run in newest_first
        ]
        self.tree.addTopLevelItems(items)
        for item, run in zip(items, newest_first, strict=True):
            item.setExpanded(run == followed or len(items) == 1)
        self.tree.setVisible(bool(items))
        self.search.setVisible(bool(items))
        self.empty.setVisible(not items)

    def _first(self) -> QTreeWidgetItem | None:
        """Return the first entry that can be chosen and is not filtered out."""
        for item in self._items():
            if item.data(0, CHOICE) is not None and not item.isHidden():
                return item
        return None

    def _items(self) -> list[QTreeWidgetItem]:
        found: list[QTreeWidgetItem] = []
        for index in range(self.tree.topLevelItemCount()):
            top = self.tree.topLevelItem(index)
            if top is not None and not top.isHidden():
                found += [c for k in range(top.childCount()) if (c := top.child(k)) is not None]
        return found

    def _filter(self, text: str) -> None:
        """Show what has all the words in its name or its run's."""
        words = text.lower().split()
        for index in range(self.tree.topLevelItemCount()):
            top = self.tree.topLevelItem(index)
            assert top is not None
            any_left = False
            for k in range(top.childCount()):
                child = top.child(k)
                assert child is not None
                whole = f"{top.text(0)} {child.text(0)} {child.text(1)}".lower()
                fits = all(word in whole for word in words)
                child.setHidden(not fits)
                any_left = any_left or fits
            top.setHidden(not any_left)
            if words:
                top.setExpanded(True)

    def _choose(self, item: QTreeWidgetItem) -> None:
        choice: Choice | None = item.data(0, CHOICE)
        if choice is None:
            item.setExpanded(not item.isExpanded())
            return
        self.close()
        self._sides.choose(self._letter, choice)

    def _ask_file(self) -> None:
        take, parent = self._take_file, self.parentWidget()
        self.close()
        path, _ = QFileDialog.getOpenFileName(
            parent, "Open a checkpoint", "", "Checkpoints (*.pt *.ckpt)"
        )
        if path:
            take(Path(path))


def _run_item(
    run: Path,
    checkpoints: list[KnownCheckpoint],
    now: float,
    model: Path | None,
    *,
    followed: bool,
) -> QTreeWidgetItem:
    top = QTreeWidgetItem([run.name + (" (followed)" if followed else ""), "", ""])
    top.setToolTip(0, str(run))
    for choice in (RunChoice(run, "newest"), RunChoice(run, "best")):
        item = QTreeWidgetItem([f"{choice.which}, as it goes on", "", ""])
        item.setData(0, CHOICE, choice)
        top.addChild(item)
    for known in reversed(checkpoints):
        score = "" if known.score is None else f"{known.score_name} {known.score:.2f}"
        marks = " · best" if known.best else ""
        if known.ref.file is None:
            marks += " · previews only"
        if known.ref.where == model:
            marks += f" · {CURRENT} current model"
        item = QTreeWidgetItem([f"step {known.step}{marks}", score, age(now - known.time)])
        item.setData(0, CHOICE, known.ref)
        item.setToolTip(0, known.ref.source)
        top.addChild(item)
    top.setText(2, age(now - checkpoints[-1].time))
    return top


def _dropped(event: QDragEnterEvent | QDropEvent) -> Path | None:
    """Return the checkpoint file that is dragged, if it is one."""
    data = event.mimeData()
    urls = [] if data is None else data.urls()
    paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and paths[0].suffix in SUFFIXES else None


def shortened(text: str, metrics: QFontMetrics, room: int) -> str:
    """Return a text in `room` pixels; of `step 9, F1 0.91 of RUN` the run's beginning goes first.

    Names of runs begin with a date, and differ at their ends.
    """
    head, of, run = text.rpartition(" of ")
    left = room - metrics.horizontalAdvance(head + of)
    if metrics.horizontalAdvance(text) > room and of and left > metrics.horizontalAdvance("…001"):
        return head + of + metrics.elidedText(run, Qt.TextElideMode.ElideLeft, left)
    return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room)
