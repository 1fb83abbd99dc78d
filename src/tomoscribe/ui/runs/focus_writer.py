"""Tells the worker where the user looks, so that this part of the heatmap comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.training.control import FocusBox
from tomoscribe.ui.background import Background, sentence_of

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.scores.score_feed import Kind, ScoreFeed
    from tomoscribe.ui.session import Session

PERIOD_S = 0.25
"""Seconds between two writes while the user moves; a jump must be answered within a second."""


def focus_box(session: Session, kind: Kind) -> FocusBox | None:
    """Return where the user looks, on the tomogram or on the membrane; None where nothing is."""
    focus = session.focus()
    sample = session.membrane_name if kind == "mesh" else session.current
    if focus is None or sample is None:
        return None
    return FocusBox(
        sample=sample, center_zyx=focus.center_zyx, lo_zyx=focus.lo_zyx, hi_zyx=focus.hi_zyx
    )


class FocusWriter:
    """Writes the focus into a run's control file, in a thread, whenever the view has changed."""

    def __init__(self, session: Session, feed: ScoreFeed, parent: QObject | None = None) -> None:
        self._session = session
        self._feed = feed
        self._writer = Background(parent)
        self._moved = True
        self._last: FocusBox | None = None
        self._last_write = float("-inf")
        viewer = session.viewer
        self._events = [
            viewer.dims.events.current_step,
            viewer.dims.events.ndisplay,
            viewer.scene.camera.events.center,
            viewer.scene.camera.events.zoom,
        ]
        for event in self._events:
            event.connect(self._on_move)

    def again(self) -> None:
        """Tell the next run from the start."""
        self._moved, self._last = True, None

    def tick(self, run: RunFolder, now: float) -> None:
        """Write the focus if the view has changed and the last write is long enough ago."""
        if not self._moved or self._writer.busy or now - self._last_write < PERIOD_S:
            return
        project = self._session.project
        if project is None or project.read_only:
            return  # where the editor of the project looks comes first, not where both look in turn
        box = focus_box(self._session, self._feed.kind)
        if box is None:
            return
        self._moved = False
        if box == self._last:
            return
        self._last, self._last_write = box, now
        self._writer.run(
            lambda: run.write_control(focus=box, samples=[box.sample]), lambda _: None, self._failed
        )

    def close(self) -> None:
        """Let go of the viewer and end the thread."""
        for event in self._events:
            event.disconnect(self._on_move)
        self._writer.close()

    def _on_move(self) -> None:
        self._moved = True

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(sentence_of(error))
