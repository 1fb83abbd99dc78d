"""What the dock Annotate shows while voxels are labelled: card, classes, tools, sections."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.annotate.task_card import SIZE
from tomoscribe.ui.connections import connect
from tomoscribe.ui.labels.class_list import LabelClassTable
from tomoscribe.ui.labels.complete_section import CompleteSection
from tomoscribe.ui.labels.import_button import ImportButton
from tomoscribe.ui.labels.label_question import LabelQuestion
from tomoscribe.ui.labels.label_tally import LabelTally
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.next_stroke import NextStroke
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.labels.switch import Switch
from tomoscribe.ui.labels.tool_row import ToolRow
from tomoscribe.ui.labels.words import next_step
from tomoscribe.ui.widgets import button, enable, hint, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

CLASSES, OBJECTS = "Classes", "Objects"
KIND_TIPS = {
    CLASSES: "Learns which class each voxel is of (semantic)",
    OBJECTS: "Learns to tell touching objects apart (instance): a stroke is of one object, "
    "M begins another",
}
PLACE_TIP = (
    "Flies to where the model is unsure and nothing is painted yet, section by section (Shift+N)"
)
OPEN = "Open an image stack", "Drop a stack of images or a tomogram on the viewer."


class LabelPanel(QWidget):
    """Puts the parts together; all they do goes through the painter."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._painter = LabelPainter.of(session)
        self._mode = LabelMode.of(session)
        self._tally = LabelTally.of(session)
        self.title = QLabel()
        self.title.setStyleSheet("font-size: 14px; font-weight: 600;")
        self.title.setWordWrap(True)
        self.help = hint()
        self.kind = Switch(KIND_TIPS, self._choose_kind)
        self.classes = LabelClassTable(session)
        self.tools = ToolRow(session)
        self.new = button("New object", "Paint another object of the class (M)", self._new)
        self.undo = button("Undo", "Take the last stroke back (Ctrl+Z)", self._painter.undo)
        self.redo = button("Redo", "Bring it back (Ctrl+Shift+Z)", self._painter.redo)
        self.section = CompleteSection(session)
        self.question = LabelQuestion(session)
        self.bring = ImportButton(session)
        self.place = button("Where next", PLACE_TIP, NextStroke.of(session).go)
        self._lay_out()
        connect(self, self._painter.changed, self.refresh)
        connect(self, self._mode.changed, self.refresh)
        connect(self, self._tally.changed, self.refresh)
        connect(self, session.regions_changed, self.refresh)
        connect(self, session.current_changed, self.refresh)
        connect(self, session.pending_changed, self.refresh)
        connect(self, session.project_changed, self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        card = QFrame()
        card.setFrameShape(QFrame.Shape.StyledPanel)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(*(style.SPACING,) * 4)
        inside.addWidget(self.title)
        inside.addWidget(self.help)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * style.SPACING)
        for part in (self.question, card, self.kind, self.classes, self.tools):
            layout.addWidget(part)
        layout.addLayout(row(self.new, self.undo, self.redo, self.bring, stretch=0))
        layout.addLayout(row(self.section, self.place, stretch=0))

    def refresh(self, *_: object) -> None:
        """Show what to do next and what can be done."""
        painter, layer = self._painter, self._painter.layer
        entry, objects = self._session.entry, self._mode.objects
        complete = entry is not None and self._tally.tells_background(entry, objects=objects)
        declared = {
            z
            for region in self._session.regions.regions
            for z in range(math.ceil(region.lo_zyx[0]), math.ceil(region.hi_zyx[0]))
        }
        title, text = next_step(
            painter.classes,
            painter.labelled(),
            complete=complete,
            complete_sections=len(declared),
            strokes_alone=objects and painter.copy is not None and not painter.copy.whole,
        )
        if self._session.pending is not None:
            title, text = SIZE
        elif self._session.entry is None:
            title, text = OPEN
        self.title.setText(title)
        self.help.setText(text)
        self.kind.show_choice(OBJECTS if self._mode.objects else CLASSES)
        self.new.setVisible(self._mode.objects)
        editable = layer is not None and layer.editable
        can_undo = layer is not None and layer.can_undo and editable
        can_redo = layer is not None and layer.can_redo and editable
        enable(self.new, None if editable else "There is nothing to paint on yet.")
        enable(self.undo, None if can_undo else "There is nothing to undo.")
        enable(self.redo, None if can_redo else "There is nothing to redo.")

    def _choose_kind(self, kind: str) -> None:
        self._mode.set(on=True, objects=kind == OBJECTS)

    def _new(self) -> None:
        self._painter.new_object()
