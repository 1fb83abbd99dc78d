"""The membranes of a project as rows: role, name, picks, how much is declared complete."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QFont

from tomoscribe.picks.table import PickState
from tomoscribe.project.model import Role
from tomoscribe.ui import style
from tomoscribe.ui.connections import connect

if TYPE_CHECKING:
    from tomoscribe.picks.table import Edit
    from tomoscribe.project.model import MembraneEntry
    from tomoscribe.ui.session import Session

ROLE, NAME, PICKS, COMPLETE = range(4)
HEADERS = ("", "Name", "Picks", "Complete")
NEXT_ROLE = {Role.TRAIN: Role.VALIDATE, Role.VALIDATE: Role.UNUSED, Role.UNUSED: Role.TRAIN}
ROLE_LETTERS = {Role.TRAIN: "T", Role.VALIDATE: "V", Role.UNUSED: "–"}
"""Letters, as colours in this list mean classes."""

ROLE_WORDS = {
    Role.TRAIN: "Its picks train the model.",
    Role.VALIDATE: "Its picks only measure the model.",
    Role.UNUSED: "Neither trains nor validates.",
}
WHOLE = 0.99
"""Share of vertices from which a membrane counts as complete: a brush misses a rim."""

Index = QModelIndex


class MembraneModel(QAbstractTableModel):
    """Rows in the order of the project; follows picks, patches and roles."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.names: list[str] = []
        self._counts: dict[str, Counter[str]] = {}
        self._rows: dict[str, int] = {}
        self._shares: dict[str, float] = {}
        connect(self, session.project_changed, self.reset)
        connect(self, session.current_changed, self.measure)
        connect(self, session.membrane_changed, self.measure)
        connect(self, session.patches_changed, self.measure)
        connect(self, session.class_changed, self._refresh)
        connect(self, session.surfaces.shelf.arrived, self.measure)
        self.reset()

    # ---------------------------------------------------------------- following
    def reset(self) -> None:
        """Show the membranes of the project, which may be another one."""
        project = self._session.project
        if project is not None:
            connect(self, project.membranes_changed, self.reset)
            connect(self, project.picks_changed, self.recount)
        self.beginResetModel()
        self.names = list(project.membranes) if project is not None else []
        self._rows = {name: row for row, name in enumerate(self.names)}
        self._counts = {name: Counter() for name in self.names}
        self._shares = {n: share for n, share in self._shares.items() if n in self._counts}
        for tomogram in project.tomograms if project is not None else ():
            self._count(tomogram)
        self.endResetModel()
        self.measure()

    def recount(self, _tomogram: str, edit: Edit) -> None:
        """Count what an edit of any tomogram took away and added; only its rows change."""
        changed = {}
        for picks, sign in ((edit.before, -1), (edit.after, +1)):
            for pick in picks:
                counts = self._counts.get(pick.membrane)
                if counts is not None and pick.state == PickState.ACCEPTED:
                    counts[pick.class_name] += sign
                    changed[pick.membrane] = counts
        for name, counts in changed.items():
            self._counts[name] = +counts
            row = self._rows[name]
            self.dataChanged.emit(self.index(row, 0), self.index(row, COMPLETE))

    def measure(self, *_: object) -> None:
        """Measure what is complete of the current tomogram's membranes, as far as loaded."""
        for shelved in self._session.surfaces.loaded():
            mask = self._session.surfaces.complete_mask(shelved.name)
            if mask is not None and len(mask):
                self._shares[shelved.name] = float(mask.mean())
        self._refresh()

    def _count(self, tomogram: str) -> None:
        project = self._session.project
        if project is None or tomogram not in project.tomograms:
            return
        for (class_name, membrane), count in project.tomograms[tomogram].picks.tally.items():
            if membrane in self._counts:
                self._counts[membrane][class_name] += count

    def _refresh(self, *_: object) -> None:
        if self.names:
            last = self.index(len(self.names) - 1, COMPLETE)
            self.dataChanged.emit(self.index(0, 0), last)

    # ---------------------------------------------------------------- what is known
    def entry(self, name: str) -> MembraneEntry | None:
        """Return a membrane of the project by name."""
        project = self._session.project
        return None if project is None else project.membranes.get(name)

    def picks(self, name: str) -> Counter[str]:
        """Return how many accepted picks of each class a membrane has."""
        return self._counts.get(name, Counter())

    def share(self, name: str) -> float | None:
        """Return what share of a membrane is declared complete; None if it was never loaded."""
        return self._shares.get(name)

    def status(self, name: str) -> str:
        """Return how far the work on a membrane is, in a word or per cent."""
        share = self.share(name) or 0.0
        if share >= WHOLE:
            return "all"
        if share > 0:
            return f"{max(share, 0.01):.0%}"
        return "begun" if self.picks(name) else "to do"

    def change_role(self, name: str) -> None:
        """Give a membrane the next role: train, validate, unused."""
        project, entry = self._session.project, self.entry(name)
        if project is not None and entry is not None:
            self._session.change(lambda: project.set_role(name, NEXT_ROLE[entry.role]))

    # ---------------------------------------------------------------- Qt
    def rowCount(self, _parent: QModelIndex = Index()) -> int:  # noqa: B008  # Qt's signature
        """Return the number of membranes."""
        return len(self.names)

    def columnCount(self, _parent: QModelIndex = Index()) -> int:  # noqa: B008
        """Return the number of columns."""
        return len(HEADERS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        """Return titles and their tips."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                "What it is used for: T trains, V validates, – neither; click to change.",
                "M goes to the next membrane, Shift+M back.",
                "Accepted picks, one number a class.",
                "How much is declared complete with the brush.",
            )[section]
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows."""
        name = self.names[index.row()]
        entry = self.entry(name)
        if entry is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            letter = ROLE_LETTERS[entry.role]
            return (letter, name, self._pick_text(name), self.status(name))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(index.column(), name, entry)
        if role == Qt.ItemDataRole.FontRole and name == self._session.membrane_name:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == COMPLETE:
            whole = (self.share(name) or 0.0) >= WHOLE
            return QColor(style.GOOD if whole else style.MUTED)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == ROLE:
            return int(Qt.AlignmentFlag.AlignCenter)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() >= PICKS:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _pick_text(self, name: str) -> str:
        counts = self.picks(name)
        if not counts:
            return "–"
        return " · ".join(str(counts[c.name]) for c in self._session.classes)

    def _tip(self, column: int, name: str, entry: MembraneEntry) -> str:
        if column == ROLE:
            return f"{entry.role}: {ROLE_WORDS[entry.role]} Click to change it."
        if column == PICKS:
            counts = self.picks(name)
            lines = [f"{c.name}: {counts[c.name]}" for c in self._session.classes]
            return "\n".join(lines)
        if column == COMPLETE:
            return "Paint with the brush (B) what you picked completely: the rest is unlabelled."
        shelved = self._session.surfaces.shelf.get(name)
        notes = shelved.membrane.notes if shelved is not None else ()
        return "\n".join([f"{name}, in {entry.tomogram}", str(entry.path), *notes])
