"""The instant answer: from the third click on, a first heatmap from the clicks alone.

The work is done in a thread, the newest clicks win, and where a training has shown
something the heatmap is the training's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import HUMAN, PickState
from tomoscribe.prediction.instant import MIN_CLICKS, InstantAnswer
from tomoscribe.training.events import Scores
from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.monitor import RunMonitor
from tomoscribe.ui.score_map import ScoreGrid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.ui.session import Session

QUIET_MS = 150
"""Wait after a click: someone who clicks fast gets one answer, not five."""

SOURCE = "instant"
"""Source of proposals that come from the clicks alone."""

Points = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Question:
    """What an answer is computed from; equal questions have equal answers."""

    tomogram: str
    class_name: str
    diameter_A: float
    clicks: Points
    rejected: Points
    accepted: Points

    @property
    def answerable(self) -> bool:
        """Whether there are enough particles to learn from."""
        return len(self.clicks) + len(self.accepted) >= MIN_CLICKS


@dataclass(frozen=True)
class Answer:
    """A heatmap (1, z, y, x) as stored scores, and the score above which places are proposed."""

    grid: ScoreGrid
    values: NDArray[np.uint8]
    threshold: float


def question_of(session: Session) -> Question | None:
    """Return the question that the picks of the active class pose; None without any."""
    entry, name = session.entry, session.active_class
    particle = next((c for c in session.classes if c.name == name), None)
    if entry is None or particle is None or session.current is None:
        return None
    found = entry.picks.select(class_name=particle.name, state=PickState.ACCEPTED)
    if not found:
        return None
    return Question(
        session.current,
        particle.name,
        particle.diameter_A,
        clicks=tuple(p.zyx for p in found if p.source == HUMAN),
        rejected=tuple(
            p.zyx for p in entry.picks.select(class_name=particle.name, state=PickState.REJECTED)
        ),
        accepted=tuple(p.zyx for p in found if p.source != HUMAN),
    )


class Answerer:
    """Keeps what does not depend on the clicks for the tomogram that was asked about last."""

    def __init__(self) -> None:
        self._volume: Volume | None = None
        self._answer: InstantAnswer | None = None

    def __call__(self, volume: Volume, question: Question) -> Answer | None:
        """Return the answer; with too few clicks get ready for it and return None."""
        if self._answer is None or self._volume is not volume:
            self._answer, self._volume = InstantAnswer(volume), volume
        self._answer.prepare(question.diameter_A)
        if not question.answerable:
            return None
        heatmap = self._answer.answer(
            question.clicks,
            question.diameter_A,
            rejected_zyx=question.rejected,
            accepted_zyx=question.accepted,
        )
        z, y, x = heatmap.scores.shape
        grid = ScoreGrid((z, y, x), heatmap.bin, (question.class_name,))
        return Answer(grid, encode_scores(heatmap.scores)[None], heatmap.threshold)


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
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self.ask)
        connect(self, session.picks_changed, self._soon)
        connect(self, session.class_changed, self._soon)
        connect(self, session.current_changed, self._forget)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way or will be asked for."""
        return self._background.busy or self._timer.isActive()

    def _soon(self, *_: object) -> None:
        self._timer.start()

    def _forget(self, *_: object) -> None:
        self._asked = None
        self._soon()

    def _training_shows_more(self) -> bool:
        name = self._session.current
        return self._monitor.alive or bool(name and self._monitor.record.previewed(name))

    def ask(self) -> None:
        """Compute the answer to the picks as they are, unless it is known or a training has one."""
        question, volume = question_of(self._session), self._session.volume
        if question is None or volume is None or self._training_shows_more():
            self._asked = None
            self._background.drop()
            self.progressed.emit("")
            return
        if question == self._asked:
            return
        self._asked = question
        if question.answerable:
            self.progressed.emit("Looking for more like these …")
        self._background.run(lambda: self._answerer(volume, question), self._show, self._failed)

    def _show(self, answer: Answer | None) -> None:
        if answer is None or self._asked is None or self._training_shows_more():
            return
        # Told as a worker tells it of a checkpoint, so that Compare proposes from there on.
        self._monitor.record.apply(
            Scores(
                time=time.time(),
                checkpoint=SOURCE,
                sample=self._asked.tomogram,
                path="",
                threshold=answer.threshold,
            )
        )
        heatmap = self._monitor.feed.layer
        heatmap.begin(answer.grid)
        heatmap.show_checkpoint(SOURCE, answer.values)
        self.progressed.emit("The heatmap shows what looks like your clicks. N reviews it.")

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, TomoscribeError):
            raise error
        self.progressed.emit("")
        self._session.status_message.emit(str(error))

    def close(self) -> None:
        """Stop asking, once."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        self._session.picks_changed.disconnect(self._soon)
        self._session.class_changed.disconnect(self._soon)
        self._session.current_changed.disconnect(self._forget)
        self._background.close()
