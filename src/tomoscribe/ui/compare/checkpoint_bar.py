"""A slider over the previews of a side's run, whose right end follows the training; and play."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui import style
from tomoscribe.ui.compare.sides import RunChoice, Sides
from tomoscribe.ui.compare.stops import ref_of, stop_text
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_library import READING
from tomoscribe.ui.scores.score_map import LIVE
from tomoscribe.ui.widgets import button, enable, row

if TYPE_CHECKING:
    from tomoscribe.ui.compare.showing import Showing
    from tomoscribe.ui.runs.run_record import PreviewedCheckpoint
    from tomoscribe.ui.session import Session

PLAY_MS = 350
"""A picture each: slow enough to see what changed, a run of 30 previews takes ten seconds."""

AHEAD = 3
"""Previews that are read ahead while playing."""

TOO_FEW = "There is only one checkpoint with a preview; wait for the next."


class CheckpointBar(QWidget):
    """Slider and play over the side that is moved: A while A alone is shown, else B."""

    def __init__(self, session: Session, showing: Showing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self._showing = showing
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setToolTip(
            "Left: older checkpoints (J, K). Right end: the newest, as it grows."
        )
        self.slider.valueChanged.connect(self._on_slider)
        self.play = button("▶", "Watch it learn again: all previews in turn (Shift+K).", self._play)
        self.play.setCheckable(True)
        self.play.setFixedWidth(32)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self._timer = QTimer(self)
        self._timer.setInterval(PLAY_MS)
        self._timer.timeout.connect(self._on_time)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(self.play, self.slider, stretch=1))
        layout.addWidget(self.label)
        connect(self, self._sides.changed, self.refresh)
        connect(self, self._sides.refreshed, self.refresh)
        connect(self, self._showing.changed, self._show_label)
        connect(self, self._monitor.followed, self._on_follow)
        connect(self, session.closed, self._end)
        self.refresh()

    @property
    def checkpoints(self) -> list[PreviewedCheckpoint]:
        """Where the slider stops, oldest first."""
        return list(self._sides.side(self._sides.moved_letter).stops)

    @property
    def name(self) -> str | None:
        """The checkpoint that the slider is at, `LIVE` at the right end of what grows."""
        side = self._sides.side(self._sides.moved_letter)
        return LIVE if side.live or side.ref is None else side.ref.name

    def refresh(self) -> None:
        """Take new previews over; the checkpoint that was chosen stays."""
        side = self._sides.side(self._sides.moved_letter)
        last = max(len(side.stops) - (0 if self._grows else 1), 0)
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, last)
            self.slider.setValue(self._index(self.name))
        enable(self.slider, None if side.stops else self._nothing)
        enable(self.play, None if len(side.stops) > 1 else TOO_FEW if side.stops else self._nothing)
        self._show_label()

    def show_checkpoint(self, name: str | None) -> None:
        """Make a checkpoint the side that is moved, or follow the newest (`LIVE`)."""
        self.slider.setValue(self._index(name))

    def step(self, direction: int) -> None:
        """Go to the next older (-1) or newer (+1) checkpoint."""
        self.slider.setValue(self.slider.value() + direction)

    def toggle_play(self) -> None:
        """Start or end playing."""
        if self.play.isEnabled():
            self.play.click()
        else:
            self._session.status_message.emit(self.play.toolTip())

    @property
    def _grows(self) -> bool:
        """Whether the right end of the slider is live."""
        return self._sides.grows(self._sides.side(self._sides.moved_letter).run)

    @property
    def _nothing(self) -> str:
        if self._monitor.run is None and not self.checkpoints:
            return "Train first; checkpoints appear here as it learns."
        subject = "membrane" if self._monitor.feed.kind == "mesh" else "tomogram"
        return f"No preview of this {subject} yet."

    def _index(self, name: str | None) -> int:
        names = [c.name for c in self.checkpoints]
        return names.index(name) if name in names else len(names)

    def _on_slider(self) -> None:
        letter, stops, index = self._sides.moved_letter, self.checkpoints, self.slider.value()
        run = self._sides.side(letter).run
        if run is None:
            return
        if index < len(stops):
            self._sides.choose(letter, ref_of(run, stops[index]))
        else:
            self._sides.choose(letter, None if letter == "b" else RunChoice(run, "newest"))

    def _play(self) -> None:
        playing = self.play.isChecked()
        self.play.setText("❚❚" if playing else "▶")
        if not playing:
            self._timer.stop()
            self._showing.prefetch(())
            return
        if self._sides.mode == "blink":
            self._sides.set_mode("b")
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._read_ahead()
        self._timer.start()

    def _on_time(self) -> None:
        """Go on once what is asked for is there to be seen; stop at the right end."""
        letter = self._sides.moved_letter
        if self._showing.scores(letter) is None and self._showing.state_of(letter) in ("", READING):
            return
        if self.slider.value() >= self.slider.maximum():
            self.play.click()
        else:
            self.step(+1)
            self._read_ahead()

    def _read_ahead(self) -> None:
        run, index = self._sides.side(self._sides.moved_letter).run, self.slider.value()
        coming = self.checkpoints[index + 1 : index + 1 + AHEAD]
        self._showing.prefetch([] if run is None else [ref_of(run, stop) for stop in coming])

    def _end(self) -> None:
        self._timer.stop()

    def _on_follow(self, *_: object) -> None:
        if self.play.isChecked():
            self.play.click()
        self.refresh()

    def _show_label(self) -> None:
        blinks = self._sides.mode == "blink"
        letter = self._sides.letter_in_view if blinks else self._sides.moved_letter
        side = self._sides.side(letter)
        stop = side.stop
        if side.ref is None:
            self.label.setText(self._nothing)
            return
        live = "newest: " if side.live else ""
        text = side.ref.source if stop is None else stop_text(stop)
        # While the rest is predicted the line below tells how far that is.
        if stop is not None and stop.coverage < WHOLE and not self._showing.state_of(letter):
            text += f" · {stop.coverage:.0%} computed"
        self.label.setText(f"<b>{letter.upper()}: {live}{text}</b>")
