"""The last row of *Compare*: what to do with the checkpoint in view, and with the picks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.compare.report_button import ReportButton
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.compare.use_model import NOT_KEPT, NOTHING, UseModel
from tomoscribe.ui.connections import connect
from tomoscribe.ui.export_dialog import ExportDialog
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.segments.object_export import ObjectExport
from tomoscribe.ui.segments.segments import Segments
from tomoscribe.ui.widgets import button, enable, hint

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

EXPORT_PICKS = "Writes the accepted picks."
EXPORT_OBJECTS = "Writes the objects: labels, table, meshes, point clouds."


class CompareActions(QWidget):
    """Use the checkpoint in view, or continue training from it; report; export the picks."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sides = Sides.of(session)
        self._starter = Starter.of(session)
        self.go_on = button(
            "Continue training",
            "Starts from the checkpoint in view, with all answers.",
            self._go_on,
        )
        self.export = button("Export…", EXPORT_PICKS, self._on_export)
        self._segments = Segments.of(session)
        self.objects = ObjectExport(session, self._segments, self)
        self.why_no_start = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        self.model = UseModel(session, self)
        self.report = ReportButton(session, self)
        grid = QGridLayout()
        grid.setSpacing(style.SPACING)
        grid.addWidget(self.model.use, 0, 0)
        grid.addWidget(self.go_on, 0, 1)
        grid.addWidget(self.report.write, 1, 0)
        grid.addWidget(self.export, 1, 1)
        layout.addLayout(grid)
        for line in (self.model.current, self.report.written, self.objects.line, self.why_no_start):
            layout.addWidget(line)
        for signal in (self._starter.changed, self._sides.changed, self._sides.refreshed):
            connect(self, signal, self.refresh)

    def show_export(self) -> ExportDialog:
        """Open the export dialog."""
        dialog = ExportDialog(self._session, self)
        dialog.show()
        return dialog

    def _on_export(self) -> None:
        """Export what is in view: objects, or picks."""
        if self._segments.maps is None:
            self.show_export()
        else:
            self.objects.menu.popup(self.export.mapToGlobal(self.export.rect().bottomLeft()))

    def refresh(self) -> None:
        """Say whether training can go on from what is in view."""
        why = self._starter.why_not()
        if why is None and self._sides.file_in_view is None:
            why = NOTHING if self._sides.in_view is None else NOT_KEPT
        enable(self.go_on, why)
        self.export.setToolTip(EXPORT_PICKS if self._segments.maps is None else EXPORT_OBJECTS)
        self.why_no_start.setText(why or "")
        self.why_no_start.setVisible(why is not None)

    def _go_on(self) -> None:
        path = self._sides.file_in_view
        if path is not None:
            self._starter.start(start_from=path)
