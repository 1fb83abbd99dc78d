"""The upper part of *Compare*: which checkpoints are compared, and how they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from tomoscribe.segmentation.maps import maps_of_classes
from tomoscribe.ui import style
from tomoscribe.ui.compare.checkpoint_bar import CheckpointBar
from tomoscribe.ui.compare.checkpoint_picker import CheckpointPicker
from tomoscribe.ui.compare.difference_legend import DifferenceLegend
from tomoscribe.ui.compare.mode_row import ModeRow
from tomoscribe.ui.compare.second_canvas import SecondCanvas
from tomoscribe.ui.compare.showing import Showing
from tomoscribe.ui.compare.sides import LETTERS, Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.difference import SIDE_COLORS
from tomoscribe.ui.widgets import heading, hint, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.ui.session import Session

BLINK_MS = 700
"""Long enough to see, short enough to remember what was there."""


OPENING = "Opening the second canvas …"


class SidesPanel(QWidget):
    """Sides A and B, the way to look at them, and the slider over the checkpoints."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self.showing = Showing(session, self)
        self.second_canvas = SecondCanvas(session, self.showing, self)
        self.pickers = {letter: CheckpointPicker(session, letter) for letter in LETTERS}
        self.modes = ModeRow(session)
        self.checkpoints = CheckpointBar(session, self.showing)
        self.legend = DifferenceLegend(session)
        self.status = hint()
        self.class_name = QComboBox()
        self.class_name.setToolTip("Class of the scores and of the proposals")
        self.class_name.activated.connect(lambda _: self._on_class())
        self._blink = QTimer(self)
        self._blink.setInterval(BLINK_MS)
        self._blink.timeout.connect(self._sides.flip)
        self._build()
        connect(self, self._sides.changed, self._on_sides)
        connect(self, self.showing.changed, self.refresh)
        self.second_canvas.appeared.connect(self.refresh)
        connect(self, session.closed, self._end)
        self._on_sides()

    @property
    def actions(self) -> dict[str, Callable[[], None]]:
        """What keys do here."""
        return {
            "older_checkpoint": lambda: self.checkpoints.step(-1),
            "newer_checkpoint": lambda: self.checkpoints.step(+1),
            "play_checkpoints": self.checkpoints.toggle_play,
            "blink": lambda: self.modes.toggle("blink"),
            "side_by_side": lambda: self.modes.toggle("side_by_side"),
            "difference": lambda: self.modes.toggle("difference"),
        }

    def refresh(self) -> None:
        """Offer the classes of both sides; say what is waited for or missing."""
        heat = self._monitor.feed.layer
        names = list(self._class_names())
        if [self.class_name.itemText(i) for i in range(self.class_name.count())] != names:
            self.class_name.clear()
            self.class_name.addItems(names)
        self.class_name.setCurrentText(heat.class_name or "")
        self.class_name.setVisible(len(names) > 1)
        text = self._status()
        self.status.setText(text)
        self.status.setVisible(bool(text))
        self.legend.refresh()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(heading("Checkpoints"), self.class_name, stretch=0))
        for letter in LETTERS:
            label = QLabel(letter.upper())
            label.setStyleSheet("font-weight: 600;")
            self.pickers[letter].set_mark(SIDE_COLORS[letter])
            layout.addLayout(row(label, self.pickers[letter], stretch=1))
        for widget in (self.modes, self.checkpoints, self.legend, self.status):
            layout.addWidget(widget)

    def _class_names(self) -> dict[str, None]:
        """Return the classes of what is shown and of both sides, each once."""
        heat = self._monitor.feed.layer
        names = dict.fromkeys(() if heat.grid is None else heat.grid.class_names)
        for letter in LETTERS:
            known = self.showing.scores(letter)
            if known is not None:
                names |= dict.fromkeys(known.grid.class_names)
        names.pop("", None)
        # Borders, distances and affinities serve to tell objects apart; one looks at the classes.
        return dict.fromkeys(maps_of_classes(list(names)))

    def _status(self) -> str:
        """Return what holds the sides in view up, or which does not know the class."""
        paired = self._sides.mode in ("blink", "side_by_side", "difference")
        letters = LETTERS if paired else (self._sides.letter_in_view,)
        lines = [OPENING] if self.second_canvas.is_coming else []
        name = self._monitor.feed.layer.class_name
        for letter in letters:
            state, known = self.showing.state_of(letter), self.showing.scores(letter)
            if state:
                lines.append(f"{letter.upper()}: {state}")
            elif known is not None and name and name not in known.grid.class_names:
                trained = ", ".join(known.grid.class_names)
                lines.append(f"{letter.upper()} knows no class '{name}', only {trained}.")
        return "\n".join(lines)

    def _on_sides(self) -> None:
        blinking = self._sides.mode == "blink"
        if blinking and not self._blink.isActive():
            self._blink.start()
        elif not blinking:
            self._blink.stop()
        self.refresh()

    def _on_class(self) -> None:
        self._monitor.feed.layer.show_class(self.class_name.currentText())

    def _end(self) -> None:
        self._blink.stop()
