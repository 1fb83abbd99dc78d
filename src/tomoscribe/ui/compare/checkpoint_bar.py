"""Which checkpoint's heatmap is in view: a slider over the previews so far, and A/B blinking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy, QSlider, QVBoxLayout, QWidget

from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui import style
from tomoscribe.ui.compare.sides import default_sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_words import minutes
from tomoscribe.ui.scores.score_map import LIVE
from tomoscribe.ui.widgets import button, enable, row

if TYPE_CHECKING:
    from tomoscribe.ui.runs.run_record import PreviewedCheckpoint
    from tomoscribe.ui.session import Session

BLINK_MS = 700
"""Long enough to see, short enough to remember what was there."""

TOO_FEW = "There is only one checkpoint with a preview; wait for the next."


def checkpoint_text(checkpoint: PreviewedCheckpoint) -> str:
    """Return step, quality and training time of a checkpoint in one line."""
    parts = [f"step {checkpoint.step}"]
    if checkpoint.quality is not None:
        parts.append(f"{checkpoint.quality.name} {checkpoint.quality.value:.2f}")
    if math.isfinite(checkpoint.elapsed_s):
        parts.append(minutes(checkpoint.elapsed_s))
    return " · ".join(parts) + (" · best" if checkpoint.best else "")


class CheckpointBar(QWidget):
    """A slider whose right end follows the training, and two checkpoints to blink between.

    Emits `chosen(name)`, the name `LIVE` at the right end.
    """

    chosen = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self.checkpoints: list[PreviewedCheckpoint] = []
        self._defaults: tuple[str | None, str | None] = (None, None)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.setToolTip(
            "Left: older checkpoints (J, K). Right end: the newest, as it grows."
        )
        self.slider.valueChanged.connect(self._on_slider)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.a, self.b = self._side("A"), self._side("B")
        self.blink = button("Blink", "Shows A and B in turn, at the same spot (U).", self._on_blink)
        self.blink.setCheckable(True)
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_MS)
        self._timer.timeout.connect(self.flip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.label)
        layout.addWidget(self.slider)
        sides = row(QLabel("A"), self.a, QLabel("B"), self.b, self.blink)
        sides.setStretch(1, 1)
        sides.setStretch(3, 1)
        layout.addLayout(sides)
        connect(self, self._monitor.progressed, self.refresh)
        connect(self, self._monitor.followed, self._on_follow)
        connect(self, session.current_changed, self._on_follow)
        connect(self, session.membrane_changed, self._on_follow)
        connect(self, session.closed, self._end)
        self.refresh()

    @property
    def _subject(self) -> str:
        return "membrane" if self._monitor.feed.kind == "mesh" else "tomogram"

    @property
    def name(self) -> str | None:
        """The checkpoint in view, `LIVE` at the right end."""
        index = self.slider.value()
        return self.checkpoints[index].name if index < len(self.checkpoints) else LIVE

    @property
    def current(self) -> PreviewedCheckpoint | None:
        """The checkpoint in view, the newest one at the right end; None without a preview."""
        if not self.checkpoints:
            return None
        return self.checkpoints[min(self.slider.value(), len(self.checkpoints) - 1)]

    def refresh(self) -> None:
        """Take new previews over; the checkpoint in view stays."""
        sample = self._monitor.feed.sample
        name, sides = self.name, (self.a.currentData(), self.b.currentData())
        checkpoints = [] if sample is None else self._monitor.record.previewed(sample, name)
        changed = checkpoints != self.checkpoints
        self.checkpoints = checkpoints  # also what is computed of each
        if changed:
            self._fill(sides)
            self.slider.blockSignals(True)
            self.slider.setRange(0, len(checkpoints))
            self.slider.setValue(self._index(name))
            self.slider.blockSignals(False)
        self._show_label()

    def show_checkpoint(self, name: str | None) -> None:
        """Bring a checkpoint into view, or follow the newest (`LIVE`)."""
        self.slider.setValue(self._index(name))

    def step(self, direction: int) -> None:
        """Go to the next older (-1) or newer (+1) checkpoint."""
        self.slider.setValue(self.slider.value() + direction)

    def toggle_blink(self) -> None:
        """Start or end blinking."""
        if self.blink.isEnabled():
            self.blink.click()
        else:
            self._session.status_message.emit(TOO_FEW)

    def flip(self) -> None:
        """Show B if A is in view, else A."""
        a, b = self.a.currentData(), self.b.currentData()
        self.show_checkpoint(b if self.name == a else a)

    def _side(self, letter: str) -> QComboBox:
        combo = QComboBox()
        combo.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        combo.setToolTip(f"Checkpoint {letter} of the comparison")
        combo.activated.connect(lambda _: self.show_checkpoint(combo.currentData()))
        return combo

    def _fill(self, sides: tuple[str | None, str | None]) -> None:
        """Offer the checkpoints on both sides; defaults are followed until the user chooses."""
        defaults = default_sides(self.checkpoints)
        sides_now = zip((self.a, self.b), sides, self._defaults, defaults, strict=True)
        for combo, old, old_default, default in sides_now:
            combo.clear()
            for checkpoint in self.checkpoints:
                quality = checkpoint.quality
                short = f"{checkpoint.step}" + (
                    "" if quality is None else f" ({quality.value:.2f})"
                )
                combo.addItem(short, checkpoint.name)
                combo.setItemData(
                    combo.count() - 1, checkpoint_text(checkpoint), Qt.ItemDataRole.ToolTipRole
                )
            found = -1 if old == old_default else combo.findData(old)
            combo.setCurrentIndex(found if found >= 0 else default)
        names = [c.name for c in self.checkpoints]
        self._defaults = (names[defaults[0]], names[defaults[1]]) if names else (None, None)
        enable(self.blink, None if len(self.checkpoints) > 1 else TOO_FEW)

    def _index(self, name: str | None) -> int:
        names = [c.name for c in self.checkpoints]
        return names.index(name) if name in names else len(names)

    def _on_slider(self) -> None:
        self._show_label()
        self.chosen.emit(self.name)

    def _on_blink(self) -> None:
        if self.blink.isChecked():
            self.flip()
            self._timer.start()
        else:
            self._timer.stop()
        self._show_label()

    def _end(self) -> None:
        self._timer.stop()

    def _on_follow(self) -> None:
        if self.blink.isChecked():
            self.blink.click()
        self.slider.blockSignals(True)
        self.slider.setValue(self.slider.maximum())
        self.slider.blockSignals(False)
        self.refresh()

    def _show_label(self) -> None:
        self.slider.setEnabled(bool(self.checkpoints))
        current, name = self.current, self.name
        if current is None:
            self.label.setText(f"No preview of this {self._subject} yet.")
            return
        side = ""
        if self.blink.isChecked():
            side = "A: " if name == self.a.currentData() else "B: "
        live = "newest: " if name is LIVE else ""
        text = checkpoint_text(current)
        if current.coverage < WHOLE:
            text += f" · {current.coverage:.0%} computed"
        self.label.setText(f"<b>{side}{live}{text}</b>")
