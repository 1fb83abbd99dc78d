"""The table of particle classes: colour, name, diameter in Å and how many picks each has here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTableWidget, QTableWidgetItem, QWidget

from tomoscribe.picks.table import PickState
from tomoscribe.project.model import ParticleClass
from tomoscribe.ui.annotate.pick_style import next_color
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
from tomoscribe.ui.project.beginning import DEFAULT_DIAMETER_A
from tomoscribe.ui.widgets import button, enable, swatch

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

DIAMETER, COUNT = NAME + 1, NAME + 2
ROWS_SHOWN = 4


class ClassTable(QWidget):
    """Shows and edits the project's classes; the selected row is the class of the next pick."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._filling = False
        self.table = self._make_table()
        self.add_button = button("+", "Add a particle class", self.add)
        self.remove_button = button("−", "Remove the selected class", self.remove)
        frame(self, self.table, self.add_button, self.remove_button)
        connect(self, session.class_changed, self.refresh)
        connect(self, session.picks_changed, self.refresh_counts)
        connect(self, session.current_changed, self.refresh)
        connect(self, session.project_changed, self.refresh)
        self.refresh()

    def _make_table(self) -> QTableWidget:
        table = class_rows(
            "The chosen class is clicked next. Double click: name, diameter (Å), colour.",
            ("Diameter", "Picks"),
            (
                "Particle diameter in Å. Training, suppression and display all follow from it.",
                "Accepted picks in this tomogram",
            ),
        )
        table.itemChanged.connect(self._on_item)
        table.currentCellChanged.connect(self._on_row)
        table.cellClicked.connect(self._on_click)
        return table

    def refresh(self, *_: object) -> None:
        """Show the classes as they are."""
        classes = self._session.classes
        self._filling = True
        try:
            self.table.setRowCount(len(classes))
            for index, particle in enumerate(classes):
                self._fill_row(index, particle)
            names = [c.name for c in classes]
            if self._session.active_class in names:
                self.table.setCurrentCell(names.index(self._session.active_class), NAME)
        finally:
            self._filling = False
        self.refresh_counts()
        show_rows(self.table, min(max(len(classes), 1), ROWS_SHOWN))
        no_project = None if self._session.project else "Open a project or a tomogram first."
        enable(self.add_button, no_project)
        enable(self.remove_button, self._why_not_remove())

    def refresh_counts(self) -> None:
        """Show how many accepted picks each class has in this tomogram."""
        entry = self._session.entry
        self._filling = True
        try:
            for index, particle in enumerate(self._session.classes):
                accepted = PickState.ACCEPTED
                count = (
                    0
                    if entry is None
                    else len(entry.picks.select(class_name=particle.name, state=accepted))
                )
                self.table.item(index, COUNT).setText(str(count))
        finally:
            self._filling = False
        enable(self.remove_button, self._why_not_remove())

    def add(self) -> None:
        """Add a class with a free name and colour, ready to be renamed."""
        project, classes = self._session.project, self._session.classes
        if project is None:
            return
        taken = {c.name for c in classes}
        number = next(n for n in range(1, len(taken) + 2) if f"particle {n}" not in taken)
        diameter = classes[-1].diameter_A if classes else DEFAULT_DIAMETER_A
        new = ParticleClass(f"particle {number}", diameter, next_color(classes))
        if self._session.change(lambda: project.add_class(new)):
            self._session.set_active_class(new.name)
            self.table.editItem(self.table.item(len(classes), NAME))

    def remove(self) -> None:
        """Remove the selected class, if nothing is picked of it."""
        project, classes = self._session.project, self._session.classes
        index = self.table.currentRow()
        if project is not None and 0 <= index < len(classes) and self._why_not_remove() is None:
            kept = classes[:index] + classes[index + 1 :]
            self._session.change(lambda: project.set_classes(kept))

    def _why_not_remove(self) -> str | None:
        project, name = self._session.project, self._session.active_class
        if project is None or name is None:
            return "There is no class to remove."
        if len(project.classes) == 1:
            return "A project needs one class."
        used = sum(len(e.picks.select(class_name=name)) for e in project.tomograms.values())
        return f"{used} picks have this class; relabel or delete them first." if used else None

    def _fill_row(self, index: int, particle: ParticleClass) -> None:
        fixed = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        color = QTableWidgetItem(swatch(particle.color), "")
        color.setFlags(fixed)
        color.setToolTip("Click to change the colour.")
        name = QTableWidgetItem(particle.name)
        key = f"Shift+{index + 1} chooses it; " if index < CLASS_KEYS else ""
        name.setToolTip(f"{key}double-click to rename it.")
        diameter = QTableWidgetItem(f"{particle.diameter_A:g} Å")
        diameter.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        diameter.setToolTip("Particle diameter in Å; double-click to change it.")
        count = QTableWidgetItem("0")
        count.setFlags(fixed)
        count.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for column, item in enumerate((color, name, diameter, count)):
            self.table.setItem(index, column, item)

    def _on_row(self, index: int, *_: int) -> None:
        classes = self._session.classes
        if not self._filling and 0 <= index < len(classes):
            self._session.set_active_class(classes[index].name)

    def _on_item(self, item: QTableWidgetItem) -> None:
        classes = self._session.classes
        if self._filling or item.row() >= len(classes):
            return
        old = classes[item.row()]
        if item.column() == NAME:
            self._rename(item.row(), item.text().strip())
        elif item.column() == DIAMETER:
            self._replace(item.row(), replace(old, diameter_A=parse_diameter(item.text(), old)))

    def _on_click(self, index: int, column: int) -> None:
        if column == COLOR:
            self.choose_color(index)

    def choose_color(self, index: int) -> None:
        """Ask for the colour of a class."""
        old = self._session.classes[index]
        color = asked_color(self, old.name, old.color)
        if color is not None:
            self._replace(index, replace(old, color=color))

    def _replace(self, index: int, new: ParticleClass) -> None:
        project, classes = self._session.project, self._session.classes
        if project is not None and new != classes[index]:
            classes[index] = new
            self._session.change(lambda: project.set_classes(classes))
        self.refresh()

    def _rename(self, index: int, name: str) -> None:
        """Rename a class, and the picks of it in all tomograms with it."""
        project, classes = self._session.project, self._session.classes
        old = classes[index]
        if project is None or not name or name == old.name or name in {c.name for c in classes}:
            if name != old.name:
                self._session.status_message.emit(
                    f"'{name}' is no free class name; '{old.name}' stays."
                )
            self.refresh()
            return
        self._session.rename_class(old.name, name)
        self.refresh()


def parse_diameter(text: str, old: ParticleClass) -> float:
    """Return the diameter in Å that a text like `150 Å` tells; the old one where it tells none."""
    number = text.replace("Å", "").replace("A", "").replace(",", ".").strip()
    try:
        value = float(number)
    except ValueError:
        return old.diameter_A
    return value if 0 < value < 1e5 else old.diameter_A
