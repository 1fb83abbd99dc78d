"""The instant answer: from the third click on, a first heatmap from the clicks alone.

The work is done in a thread, the newest clicks win, and a training that runs has the
heatmap to itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import PickState, positions_zyx
from tomoscribe.prediction.instant import InstantAnswer
from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.background import Background
from tomoscribe.ui.heatmap_layer import HeatmapGrid
from tomoscribe.ui.monitor import RunMonitor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.ui.session import Session

FIRST_CLICKS = 3
"""An average of fewer clicks is mostly noise."""

QUIET_MS = 200
"""Wait after a click: someone who clicks fast gets one answer, not five."""

SOURCE = "instant"
"""Source of proposals that come from the clicks alone."""


@dataclass(frozen=True)
class Question:
    """What an answer is computed from; equal questions have equal answers."""

    tomogram: str
    class_name: str
    diameter_A: float
    clicks: tuple[tuple[float, float, float], ...]
    rejected: tuple[tuple[float, float, float], ...]


def question_of(session: Session) -> Question | None:
    """Return the question that the picks of the active class pose; None with too few clicks."""
    entry, name = session.entry, session.active_class
    particle = next((c for c in session.classes if c.name == name), None)
    if entry is None or particle is None or session.current is None:
        return None
    accepted = entry.picks.select(class_name=particle.name, state=PickState.ACCEPTED)
    if len(accepted) < FIRST_CLICKS:
        return None
    rejected = entry.picks.select(class_name=particle.name, state=PickState.REJECTED)
    return Question(
        session.current,
        particle.name,
        particle.diameter_A,
        tuple(p.zyx for p in accepted),
        tuple(p.zyx for p in rejected),
    )


class Answerer:
    """Keeps what does not depend on the clicks for the tomogram that was asked about last."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._answer: InstantAnswer | None = None

    def __call__(self, volume: Volume, question: Question) -> tuple[HeatmapGrid, NDArray[np.uint8]]:
        """Return the heatmap (1, z, y, x) of a question as stored scores, and its grid."""
        if self._answer is None or self._path != volume.path:
            self._answer, self._path = InstantAnswer(volume), volume.path
            self._answer.prepare()
        heatmap = self._answer.answer(
            np.array(question.clicks),
            question.diameter_A,
            np.array(question.rejected).reshape(-1, 3),
        )
        scores = np.asarray(heatmap.scores, dtype=np.float32)
        z, y, x = scores.shape
        grid = HeatmapGrid((z, y, x), heatmap.bin, (question.class_name,))
        return grid, encode_scores(scores)[None]


class InstantLoop(QObject):
    """Asks after each click and shows the answer in the layer `heatmap`."""

    progressed = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._answerer = Answerer()
        self._background = Background(self)
        self._asked: Question | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self.ask)
        for signal in (session.picks_changed, session.class_changed, session.current_changed):
            signal.connect(self._soon)

    def _soon(self, *_: object) -> None:
        self._timer.start()

    def ask(self) -> None:
        """Compute the answer to the picks as they are, unless it is known or a training shows more."""
        question, volume = question_of(self._session), self._session.volume
        if question is None or volume is None or self._monitor.alive:
            self._asked = None
            self._background.drop()
            self.progressed.emit("")
            return
        if question == self._asked:
            return
        self._asked = question
        self.progressed.emit("Looking for more like these …")
        self._background.run(lambda: self._answerer(volume, question), self._show, self._failed)

    def _show(self, answer: tuple[HeatmapGrid, NDArray[np.uint8]]) -> None:
        if self._monitor.alive or self._asked is None:
            return
        grid, values = answer
        heatmap = self._monitor.feed.layer
        heatmap.begin(grid)
        heatmap.show_checkpoint(SOURCE, values)
        self.progressed.emit("The heatmap shows what looks like your clicks. N reviews it.")

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, TomoscribeError):
            raise error
        self.progressed.emit("")
        self._session.status_message.emit(str(error))

    def close(self) -> None:
        """Stop asking."""
        self._timer.stop()
        self._background.close()
