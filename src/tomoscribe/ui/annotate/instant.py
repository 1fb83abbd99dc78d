"""The instant answer: from the third click on, a first heatmap from the clicks alone.

The work is done in a thread, the newest clicks win, and where a training has shown
something the heatmap is the training's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import HUMAN, JUNK, PickState
from tomoscribe.prediction.instant import MIN_CLICKS, InstantAnswer
from tomoscribe.prediction.instant_mesh import BAND_A, InstantMesh
from tomoscribe.training.events import Scores
from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.click_profile import nearest_vertices
from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.scores.score_map import ScoreGrid

if TYPE_CHECKING:
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
    membrane: str = ""
    band_A: tuple[float, float] | None = None

    @property
    def sample(self) -> str:
        """What the answer is shown on: the membrane, else the tomogram."""
        return self.membrane or self.tomogram

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


def question_of(session: Session, membrane: str = "") -> Question | None:
    """Return the question that the picks of the active class pose; None without any.

    On a membrane those count that lie on it.
    """
    entry, name = session.entry, session.active_class
    particle = next((c for c in session.classes if c.name == name), None)
    if entry is None or particle is None or session.current is None:
        return None
    picks, junk = (
        [p for p in entry.picks.select(class_name=kind) if not membrane or p.membrane == membrane]
        for kind in (particle.name, JUNK)
    )
    found = [p for p in picks if p.state == PickState.ACCEPTED]
    if not found:
        return None
    return Question(
        session.current,
        particle.name,
        particle.diameter_A,
        clicks=tuple(p.zyx for p in found if p.source == HUMAN),
        rejected=tuple(p.zyx for p in [*picks, *junk] if p.state == PickState.REJECTED),
        accepted=tuple(p.zyx for p in found if p.source != HUMAN),
        membrane=membrane,
    )


class Answerer:
    """Keeps what does not depend on the clicks for what was asked about last."""

    def __init__(self) -> None:
        self._volume: Volume | None = None
        self._answer: InstantAnswer | None = None
        self._surface: ShelvedMembrane | None = None
        self._mesh: InstantMesh | None = None

    def __call__(self, subject: Volume | ShelvedMembrane, question: Question) -> Answer | None:
        """Return the answer; with too few clicks get ready for it and return None."""
        if isinstance(subject, ShelvedMembrane):
            return self._on_mesh(subject, question)
        return self._in_volume(subject, question)

    def _on_mesh(self, surface: ShelvedMembrane, question: Question) -> Answer | None:
        if self._mesh is None or self._surface is not surface:
            self._mesh, self._surface = InstantMesh(surface.membrane, surface.graph), surface
        band = question.band_A or BAND_A
        self._mesh.prepare(question.diameter_A, band)
        if not question.answerable:
            return None
        tree = surface.tree
        answer = self._mesh.answer(
            nearest_vertices(tree, np.array(question.clicks + question.accepted)),
            question.diameter_A,
            nearest_vertices(tree, np.array(question.rejected).reshape(-1, 3)),
            band,
        )
        grid = ScoreGrid((1, 1, len(answer.scores)), 1, (question.class_name,))
        return Answer(grid, encode_scores(answer.scores)[None, None, None], answer.threshold)

    def _in_volume(self, volume: Volume, question: Question) -> Answer | None:
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
        connect(self, session.membrane_changed, self._forget)
        connect(self, self._monitor.updated, self._on_update)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way or will be asked for."""
        return self._background.busy or self._timer.isActive()

    def _soon(self, *_: object) -> None:
        self._timer.start()

    def _forget(self, *_: object) -> None:
        self._asked = None
        self._soon()

    def _on_update(self, *_: object) -> None:
        """Say no more that there is an answer to review once a training has taken its place."""
        if self._asked is not None and self._training_shows_more():
            self._soon()

    @property
    def _on_mesh(self) -> bool:
        return self._monitor.feed.kind == "mesh"

    def _question(self) -> Question | None:
        """Return what the clicks ask, of the membrane while one is shown."""
        if not self._on_mesh:
            return question_of(self._session)
        asked = question_of(self._session, self._session.membrane_name or "")
        own = Starter.of(self._session).own_band
        return asked if asked is None or own is None else replace(asked, band_A=own)

    def _training_shows_more(self) -> bool:
        name = self._monitor.feed.sample
        return self._monitor.alive or bool(name and self._monitor.record.previewed(name))

    def ask(self) -> None:
        """Compute the answer to the picks as they are, unless it is known or a training has one."""
        question = self._question()
        subject = self._session.surfaces.shelved if self._on_mesh else self._session.volume
        if question is None or subject is None or self._training_shows_more():
            self._asked = None
            self._background.drop()
            self.progressed.emit("")
            if question is None and self._on_mesh:
                self._take_back()
            return
        if question == self._asked:
            return
        self._asked = question
        if question.answerable:
            self.progressed.emit("Looking for more like these …")
        self._background.run(lambda: self._answerer(subject, question), self._show, self._failed)

    def _show(self, answer: Answer | None) -> None:
        if self._asked is None or self._training_shows_more():
            return
        if bool(self._asked.membrane) != self._on_mesh or (
            self._asked.sample != self._monitor.feed.sample
        ):
            return  # something else is shown by now
        if answer is None:
            if self._on_mesh:
                self._take_back()
            return
        # Told as a worker tells it of a checkpoint, so that Compare proposes from there on.
        self._monitor.record.apply(
            Scores(
                time=time.time(),
                checkpoint=SOURCE,
                sample=self._asked.sample,
                path="",
                threshold=answer.threshold,
            )
        )
        heatmap = self._monitor.feed.layer
        heatmap.show(SOURCE, answer.grid, answer.values)
        what = "The mesh" if self._on_mesh else "The heatmap"
        self.progressed.emit(f"{what} shows what looks like your clicks. N reviews it.")

    def _take_back(self) -> None:
        """Take the answer away: the clicks that it answered are gone."""
        if self._monitor.feed.layer.shown == SOURCE:
            self._monitor.feed.layer.clear()
            self._monitor.feed.changed.emit()

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
        self._session.membrane_changed.disconnect(self._forget)
        self._background.close()
