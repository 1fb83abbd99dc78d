"""The table of label classes: colour, name, brush key, and how much is labelled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTableWidget, QTableWidgetItem, QWidget

from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.painted_values import BACKGROUND
from tomoscribe.ui.class_rows import (
    CLASS_KEYS,
    COLOR,
    NAME,
    asked_color,
    class_rows,
    frame,
    show_rows,
)
from tomoscribe.ui.connections import connect
from tomoscribe.ui.labels.label_colors import BACKGROUND_COLOR, next_label_color
from tomoscribe.ui.labels.label_counts import Labelled
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.labels.words import amount
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.widgets import button, enable, swatch

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

ROWS_SHOWN = 7

BACKGROUND_CLASS = LabelClass("background", BACKGROUND_COLOR, BACKGROUND)


class LabelClassTable(QWidget):
    """Shows and edits the classes of voxels; the selected row is what the brush paints."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._painter = LabelPainter.of(session)
        self._mode = LabelMode.of(session)
        self._filling = False
        self.table = self._make_table()
        self.add_button = button("+", "Add a class of voxels", self.add)
        self.remove_button = button("−", "Remove the selected class", self.remove)
        frame(self, self.table, self.add_button, self.remove_button)
        connect(self, self._painter.changed, self.refresh)
        connect(self, self._mode.changed, self.refresh)
        connect(self, session.project_changed, self.refresh)
        self.refresh()

    @property
    def _rows(self) -> list[LabelClass]:
        return [*self._painter.classes, BACKGROUND_CLASS]

    def _make_table(self) -> QTableWidget:
        table = class_rows(
            "The chosen class is painted next. Double click: name, colour.",
            ("Key", "Labelled"),
            (
                "Key that chooses the class for the brush",
                "Labelled in this tomogram: voxels (or objects) / sections with any",
            ),
        )
        table.itemChanged.connect(self._on_item)
        table.currentCellChanged.connect(self._on_row)
        table.cellClicked.connect(self._on_click)
        return table

    def refresh(self, *_: object) -> None:
        """Show the classes as they are."""
        rows, counts = self._rows, self._painter.labelled()
        self._filling = True
        try:
            self.table.setRowCount(len(rows))
            for index, label in enumerate(rows):
                self._fill_row(index, label, counts.get(label.value, Labelled()))
            values = [label.value for label in rows]
            if self._painter.active in values:
                self.table.setCurrentCell(values.index(self._painter.active), NAME)
        finally:
            self._filling = False
        show_rows(self.table, min(len(rows), ROWS_SHOWN))
        enable(self.add_button, self._why_not_edit())
        enable(self.remove_button, self._why_not_remove())

    def add(self) -> None:
        """Add a class with a free name and colour, ready to be renamed."""
        project, classes = self._session.project, self._painter.classes
        if project is None:
            return
        taken = {c.name for c in classes}
        free = next(n for n in range(1, len(taken) + 2) if f"class {n}" not in taken)
        new = LabelClass(f"class {free}", next_label_color(classes))
        if self._session.change(lambda: project.set_label_classes([*classes, new])):
            self._painter.choose(len(classes) + 1)
            self.table.editItem(self.table.item(len(classes), NAME))

    def remove(self) -> None:
        """Remove the selected class; its voxels stay on disk and count for nothing."""
        project, index = self._session.project, self.table.currentRow()
        kept = self._painter.classes
        if project is not None and 0 <= index < len(kept) and self._why_not_remove() is None:
            del kept[index]
            self._session.change(lambda: project.set_label_classes(kept))

    def _why_not_edit(self) -> str | None:
        project = self._session.project
        if project is None:
            return "Open a project or a tomogram first."
        return READ_ONLY if project.read_only else None

    def _why_not_remove(self) -> str | None:
        why = self._why_not_edit()
        if why is not None:
            return why
        if self._painter.active == BACKGROUND:
            return "Background is there always; it is what is of no class."
        here = self._painter.labelled().get(self._painter.active)
        if here is not None and here.voxels:
            return f"{here.voxels:,} voxels here have this class; erase them first."
        return None

    def _fill_row(self, index: int, label: LabelClass, labelled: Labelled) -> None:
        fixed = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        is_background = label.value == BACKGROUND
        color = QTableWidgetItem(swatch(label.color), "")
        name = QTableWidgetItem(label.name)
        digit = "0" if is_background else str(index + 1) if index < CLASS_KEYS else ""
        key = QTableWidgetItem(f"⇧{digit}" if digit else "")
        much = QTableWidgetItem(amount(labelled, objects=self._mode.objects))
        much.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        much.setToolTip(
            f"{labelled.voxels:,} voxels on {labelled.sections} sections, "
            f"{labelled.objects} objects told apart"
        )
        chooses = f"Shift+{digit} chooses it" if digit else "Click to choose it"
        color.setToolTip("What is of no class." if is_background else "Click to change the colour.")
        name.setToolTip(
            f"{chooses}. What you know to be of no class: a few strokes beside the objects."
            if is_background
            else f"{chooses}; double-click to rename it."
        )
        key.setToolTip(chooses)
        for item in (color, key, much, *((name,) if is_background else ())):
            item.setFlags(fixed)
        for column, item in enumerate((color, name, key, much)):
            self.table.setItem(index, column, item)

    def _on_row(self, index: int, *_: int) -> None:
        rows = self._rows
        if not self._filling and 0 <= index < len(rows):
            self._painter.choose_value(rows[index].value)

    def _on_item(self, item: QTableWidgetItem) -> None:
        if not self._filling and item.column() == NAME:
            classes = self._painter.classes
            if item.row() < len(classes):
                name = item.text().strip()
                self._replace(item.row(), replace(classes[item.row()], name=name))

    def _on_click(self, index: int, column: int) -> None:
        if column == COLOR and index < len(self._painter.classes):
            self.choose_color(index)

    def choose_color(self, index: int) -> None:
        """Ask for the colour of a class."""
        old = self._painter.classes[index]
        color = asked_color(self, old.name, old.color)
        if color is not None:
            self._replace(index, replace(old, color=color))

    def _replace(self, index: int, new: LabelClass) -> None:
        project, classes = self._session.project, self._painter.classes
        if project is not None and new != classes[index]:
            classes[index] = new
            self._session.change(lambda: project.set_label_classes(classes))
        self.refresh()
