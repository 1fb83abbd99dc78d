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
from tomoscribe.ui.labels.label_actions import label_actions
from tomoscribe.ui.labels.label_panel import LabelPanel
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.labels.switch import Switch
from tomoscribe.ui.membranes.membrane_list import MembraneList
from tomoscribe.ui.widgets import button, enable, main_window, row, scrolling_column

if TYPE_CHECKING:
    from qtpy.QtGui import QCloseEvent

    from tomoscribe.ui.session import Session


PARTICLES, LABELS = "Particles", "Labels"
KIND_TIPS = {
    PARTICLES: "Click particles in tomograms or on membranes",
    LABELS: "Paint voxels of classes, such as mitochondria, in tomograms and image stacks",
}


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
        self._mode = LabelMode.of(session)
        self.kind = Switch(KIND_TIPS, lambda kind: self._mode.set(on=kind == LABELS))
        self.labels = LabelPanel(session)
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
        self._of_picks = (
            self.slab, self.card, self.classes, self.membranes,
            self.counts, self.undo, self.redo, self.export,
        )  # fmt: skip
        self._lay_out()
        connect(self, self._mode.changed, self._show_kind)
        self._show_kind()
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
        picking = (self.slab, self.card, self.classes, self.membranes)
        parts = (self.chooser, self.kind, *picking, self.labels, self.regions)
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

    def _show_kind(self) -> None:
        """Show what belongs to particles or to labels, and let the keys mean that."""
        on = self._mode.on
        self.kind.show_choice(LABELS if on else PARTICLES)
        for widget in self._of_picks:
            widget.setVisible(not on)
        self.labels.setVisible(on)
        self.regions.speak_of_labels(on)
        actions, of_labels = self.session.actions, label_actions(self.session)
        for name in of_labels:
            actions.pop(name, None)
        actions.update(annotate_actions(self.session))
        if on:
            actions.update(of_labels)
        elif LabelPainter.of(self.session).is_active:
            self.session.picks.activate()
        self._make_room(self.session.membranes.shown)

    def _make_room(self, mesh_shown: bool) -> None:
        """Leave out what is about slices while a mesh is shown: its brush shall be in view."""
        self.slab.setVisible(not mesh_shown and not self._mode.on)
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
