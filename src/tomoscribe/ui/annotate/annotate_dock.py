"""The dock Annotate: choose a tomogram, click particles, declare regions, export."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QSizePolicy, QWidget
from superqt import QElidingLabel

from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.ui import style
from tomoscribe.ui.annotate.annotate_actions import annotate_actions
from tomoscribe.ui.annotate.class_table import ClassTable
from tomoscribe.ui.annotate.instant import InstantLoop
from tomoscribe.ui.annotate.pick_style import JUNK_NAME
from tomoscribe.ui.annotate.region_list import RegionList
from tomoscribe.ui.annotate.save_line import SaveLine
from tomoscribe.ui.annotate.slab_control import SlabControl
from tomoscribe.ui.annotate.task_card import TaskCard
from tomoscribe.ui.annotate.tomogram_chooser import TomogramChooser
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.export_dialog import ExportDialog
from tomoscribe.ui.keys_overlay import KeysOverlay
from tomoscribe.ui.membranes.membrane_list import MembraneList
from tomoscribe.ui.widgets import button, enable, main_window, row, scrolling_column

if TYPE_CHECKING:
    from qtpy.QtGui import QCloseEvent

    from tomoscribe.ui.session import Session


def counters(session: Session) -> str:
    """Return how many picks of each state the tomogram has, in words."""
    entry = session.entry
    if entry is None:
        return "no picks yet"
    counts = Counter(JUNK_NAME if p.class_name == JUNK else str(p.state) for p in entry.picks)
    order = (*map(str, PickState), JUNK_NAME)
    parts = [f"{counts[name]} {name}" for name in order if counts[name]]
    return " · ".join(parts) or "no picks yet"


class AnnotateDock(QWidget):
    """Puts the parts together; all they do goes through the session."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("tomoscribe-annotate")
        session.actions.update(annotate_actions(session))
        lend(self, session, {"show_keys": self.show_keys})
        self.chooser = TomogramChooser(session)
        self.slab = SlabControl(session)
        self.card = TaskCard(session)
        self.classes = ClassTable(session)
        self.membranes = MembraneList(session)
        self.regions = RegionList(session)
        self.line = SaveLine(session)
        self.counts = QElidingLabel()
        self.counts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.undo = button("Undo", "Take the last edit back (Ctrl+Z)", session.undo)
        self.redo = button("Redo", "Bring it back (Ctrl+Shift+Z)", session.redo)
        self.export = button("Export…", "Write the picks as STAR, CSV or text", self.show_export)
        self.keys = button("? Keys", "Show all keys (?)", self.show_keys)
        self.instant = InstantLoop(session, self)
        self.instant.progressed.connect(self.card.show_answer)
        self._lay_out()
        for signal in (session.picks_changed, session.current_changed, session.project_changed):
            connect(self, signal, self.refresh)
        connect(self, session.saved, self.refresh)
        connect(self, session.patches_changed, self.refresh)
        connect(self, session.closed, self._end)
        connect(self, session.membranes.shown_changed, self._make_room)
        self.refresh()

    def _lay_out(self) -> None:
        column = scrolling_column(self)
        column.setSpacing(2 * style.SPACING)
        parts = (self.chooser, self.slab, self.card, self.classes, self.membranes, self.regions)
        for widget in parts:
            column.addWidget(widget)
        column.addStretch(1)
        column.addLayout(row(self.counts, self.undo, self.redo, stretch=0))
        column.addLayout(row(self.export, self.keys, stretch=0))
        column.addWidget(self.line)

    def refresh(self, *_: object) -> None:
        """Bring counters and buttons up to date."""
        session = self.session
        self.counts.setText(counters(session))
        self.counts.setToolTip(f"Picks in this tomogram: {counters(session)}")
        history = session.timeline
        enable(self.undo, None if history.can_undo else "There is nothing to undo.")
        enable(self.redo, None if history.can_redo else "There is nothing to redo.")
        picks = bool(session.entry and len(session.entry.picks))
        enable(self.export, None if picks else "There are no picks to export yet.")

    def _make_room(self, mesh_shown: bool) -> None:
        """Leave out what is about slices while a mesh is shown: its brush shall be in view."""
        self.slab.setVisible(not mesh_shown)
        self.regions.setVisible(not mesh_shown)

    def show_export(self) -> ExportDialog:
        """Open the export dialog."""
        dialog = ExportDialog(self.session, self)
        dialog.show()
        return dialog

    def show_keys(self) -> None:
        """Show all keys, or hide them."""
        KeysOverlay.toggle(main_window(self))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop what works in the background with the dock."""
        self._end()
        super().closeEvent(event)

    def _end(self) -> None:
        self.instant.close()
        self.line.close_timer()
