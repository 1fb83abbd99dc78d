"""The rows of a project for Qt: follows the project, its picks, and what is searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt

from tomoscribe.project.model import Role
from tomoscribe.ui.annotate.tomogram_chooser import BY_MEMBRANE_TIP
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.membrane_model import NEXT_ROLE, ROLE_LETTERS, ROLE_WORDS
from tomoscribe.ui.project.counts import by_class
from tomoscribe.ui.project.pictures import Look, Pictures
from tomoscribe.ui.project.rows import Order, Row, arrange, entry_of

if TYPE_CHECKING:
    from collections import Counter

    from tomoscribe.picks.table import Edit
    from tomoscribe.project.model import MembraneEntry, TomogramEntry
    from tomoscribe.ui.session import Session

FOLDED_FROM = 200
"""Membranes of a project from which they are folded away until their tomogram is shown."""

Index = QModelIndex


class ProjectModel(QAbstractListModel):
    """One row a tomogram or membrane; what a row shows is asked for by `row`, `counts`, `look`."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.pictures = Pictures()
        self.query = ""
        self.order = Order.ADDED
        self.rows: list[Row] = []
        self._places: dict[str, int] = {}
        self._folded: set[str] = set()
        self._preparing = Background(reads_only=True)
        connect(self, session.project_changed, self.take_project)
        connect(self, session.current_changed, self._on_current)
        connect(self, session.membrane_changed, self.refresh)
        connect(self, session.opening_changed, self.refresh)
        connect(self, session.class_changed, self.refresh)
        connect(self, self.pictures.arrived, self._refresh_one)
        self.take_project()

    # ---------------------------------------------------------------- following
    def take_project(self) -> None:
        """Show the project that is open now."""
        project = self._session.project
        self._folded.clear()
        if project is not None:
            connect(self, project.tomograms_changed, self.rearrange)
            connect(self, project.membranes_changed, self.rearrange)
            connect(self, project.picks_changed, self._on_picks)
            if not project.read_only:
                self._preparing.run(project.prepared(), lambda _: None)
            if len(project.membranes) >= FOLDED_FROM:
                self._folded.update(project.tomograms)
        self.rearrange()

    def rearrange(self) -> None:
        """Put the rows in order; nothing but their content changes where the order is the same."""
        project = self._session.project
        rows = arrange(project, self.query, self.order, self._folded)
        if rows == self.rows:
            self.refresh()
            return
        self.beginResetModel()
        self.rows = rows
        self._places = {row.name: place for place, row in enumerate(rows)}
        self.endResetModel()

    def search(self, query: str) -> None:
        """Show only what has this in its name."""
        self.query = query
        self.rearrange()

    def sort_by(self, order: Order) -> None:
        """Sort by something else."""
        self.order = order
        self.rearrange()

    def fold(self, tomogram: str, fold: bool) -> None:
        """Show or hide the membranes of a tomogram."""
        (self._folded.add if fold else self._folded.discard)(tomogram)
        self.rearrange()

    def refresh(self, *_: object) -> None:
        """Paint all rows anew."""
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def _refresh_one(self, name: str | None) -> None:
        place = self._places.get(name or "")
        if place is not None:
            self.dataChanged.emit(self.index(place), self.index(place))

    def _on_current(self, name: str | None) -> None:
        if name in self._folded:
            self.fold(name, False)
        self.refresh()

    def _on_picks(self, tomogram: str, edit: Edit) -> None:
        for name in {tomogram, *(p.membrane for p in (*edit.before, *edit.after))}:
            self._refresh_one(name)

    # ---------------------------------------------------------------- what a row shows
    def row_of(self, index: QModelIndex) -> Row | None:
        """Return the row at an index."""
        return self.rows[index.row()] if 0 <= index.row() < len(self.rows) else None

    def place(self, name: str | None) -> QModelIndex:
        """Return the index of a tomogram or membrane; an invalid one where it has no row."""
        place = self._places.get(name or "")
        return QModelIndex() if place is None else self.index(place)

    def entry(self, row: Row) -> TomogramEntry | MembraneEntry | None:
        """Return what a row is about."""
        return entry_of(self._session.project, row)

    def counts(self, row: Row) -> Counter[str]:
        """Return the accepted picks of a row by class."""
        return by_class(self._session.project, row)

    def dots(self, row: Row) -> list[tuple[str, int]]:
        """Return colour and number of each class that has picks."""
        counts = self.counts(row)
        return [(c.color, counts[c.name]) for c in self._session.classes if counts[c.name]]

    def look(self, row: Row) -> Look | None:
        """Return what is known of a tomogram's file."""
        project = self._session.project
        entry = None if project is None else project.tomograms.get(row.name)
        return None if entry is None or row.is_membrane else self.pictures.get(entry)

    def is_current(self, row: Row) -> bool:
        """Tell whether a row is what the viewer shows."""
        session = self._session
        return row.name == (session.membrane_name if row.is_membrane else session.current)

    def is_opening(self, row: Row) -> bool:
        """Tell whether a tomogram is being opened."""
        return not row.is_membrane and row.name == self._session.opening

    def change_role(self, row: Row) -> None:
        """Give a tomogram or membrane the next role: train, validate, unused."""
        project, entry = self._session.project, self.entry(row)
        if project is not None and entry is not None:
            self._session.change(lambda: project.set_role(row.name, NEXT_ROLE[entry.role]))

    def close(self) -> None:
        """End what works in the background."""
        self.pictures.close()
        self._preparing.close()

    def want_pictures(self, rows: list[Row]) -> None:
        """Look at the tomograms of these rows next."""
        project = self._session.project
        names = dict.fromkeys(row.name for row in rows if not row.is_membrane)
        if project is not None:
            self.pictures.want(project.tomograms[n] for n in names if n in project.tomograms)

    # ---------------------------------------------------------------- Qt
    def rowCount(self, _parent: QModelIndex = Index()) -> int:  # noqa: B008  # Qt's signature
        """Return the number of rows."""
        return len(self.rows)

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return a row's name, what a screen reader says of it, and its tip."""
        row = self.row_of(index)
        entry = None if row is None else self.entry(row)
        if row is None or entry is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.name}, {self._pick_words(row)}, {entry.role}"
        if role == Qt.ItemDataRole.ToolTipRole:
            look = self.look(row)
            problem = [look.problem] if look is not None and look.problem else []
            return "\n".join(
                [str(entry.path), *problem, self._pick_words(row), self._role_tip(row)]
            )
        return None

    def _role_tip(self, row: Row) -> str:
        project, entry = self._session.project, self.entry(row)
        assert project is not None
        assert entry is not None
        letter = ROLE_LETTERS[entry.role]
        by_membrane = entry.role is Role.UNUSED and any(
            m.tomogram == row.name and m.role is not Role.UNUSED for m in project.membranes.values()
        )
        words = BY_MEMBRANE_TIP if by_membrane else ROLE_WORDS[entry.role]
        return f"{letter}: {words} Click {letter} or press Space to change it."

    def _pick_words(self, row: Row) -> str:
        counts = self.counts(row)
        parts = [f"{counts[c.name]} {c.name}" for c in self._session.classes if counts[c.name]]
        return "Picks: " + ", ".join(parts) if parts else "No picks yet"
