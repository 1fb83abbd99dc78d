"""What the user has done, gathered from the session and from those who follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication

from tomoscribe.picks.table import HUMAN, PickState
from tomoscribe.ui.compare.sides import LETTERS, Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.export_dialog import ExportDialog
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.tour.steps import Facts
from tomoscribe.ui.widgets import main_window

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session


class FactFinder(QObject):
    """Looks at a session; cheap enough for a few looks a second."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._counts: tuple[int, int] | None = None
        for signal in (session.picks_changed, session.current_changed, session.project_changed):
            connect(self, signal, self._recount)

    def look(self, touched: int) -> Facts:
        """Return what has been done; `touched` is how often the step's widget was used."""
        session = self._session
        monitor, sides, viewer = RunMonitor.of(session), Sides.of(session), session.viewer
        if self._counts is None:
            self._counts = _count(session)
        clicks, answers = self._counts
        sample = monitor.feed.sample
        return Facts(
            tomogram=None if session.layer is None else session.current,
            look=(viewer.dims.ndisplay, *viewer.dims.current_step),
            clicks=clicks,
            heatmap=monitor.feed.layer.content is not None,
            run=None if monitor.run is None else monitor.run.name,
            alive=monitor.alive,
            previews=0 if sample is None else len(monitor.record.previewed(sample)),
            sides=(sides.mode, *(sides.choice(letter) for letter in LETTERS)),
            touched=touched,
            answers=answers,
            exported=self._exported(),
        )

    def _recount(self, *_: object) -> None:
        self._counts = None

    def _exported(self) -> bool:
        """Tell whether a dialog of this window shows what it has written."""
        return any(
            isinstance(dialog, ExportDialog)
            and dialog.report is not None
            and main_window(dialog) is self._window
            for dialog in QApplication.topLevelWidgets()
        )


def _count(session: Session) -> tuple[int, int]:
    """Return how many picks the user placed, and how many proposals were answered."""
    clicks = answers = 0
    for entry in session.project.tomograms.values() if session.project else ():
        for pick in entry.picks:
            if pick.source == HUMAN and pick.state == PickState.ACCEPTED:
                clicks += 1
            elif pick.state != PickState.PROPOSED:
                answers += 1
    return clicks, answers
