"""The answers to proposals in the order in which they were given, over all tomograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.evaluation.review_score import Advice, RunningScore
from tomoscribe.picks.table import HUMAN, PickState
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.picks.table import Edit, Pick
    from tomoscribe.project.store import Project
    from tomoscribe.ui.session import Session

ADVICE = {
    Advice.FEW: "",
    Advice.IMPROVES: "Better than the {window} before: go on.",
    Advice.WORSENS: "Worse than the {window} before: harder places, or a worse checkpoint.",
    Advice.STUCK: "No better than the {window} before: train on, or label elsewhere (L).",
    Advice.ENOUGH: "As good as the {window} before: more answers teach it little.",
}


def answer_of(pick: Pick) -> tuple[float, bool] | None:
    """Return when a proposal was answered by itself, and whether yes; None for any other pick."""
    if pick.answered is None or pick.source == HUMAN or pick.state is PickState.PROPOSED:
        return None
    return pick.answered, pick.state == PickState.ACCEPTED


class Answers(SessionBound):
    """What was answered in the open project. Get it with `Answers.of(session)`.

    Emits `changed` when an answer came or was taken back.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._by_tomogram: dict[str, list[tuple[float, bool]]] = {}
        self._project: Project | None = None
        self._session = session
        session.project_changed.connect(self._on_project)
        self._on_project()

    @property
    def score(self) -> RunningScore:
        """The running score of all answers."""
        given = sorted(answer for each in self._by_tomogram.values() for answer in each)
        return RunningScore.of([yes for _, yes in given])

    def _on_project(self) -> None:
        if self._project is not None:
            self._project.picks_changed.disconnect(self._on_picks, missing_ok=True)
        self._project = project = self._session.project
        self._by_tomogram = {}
        if project is not None:
            for name, entry in project.tomograms.items():
                self._read(name, entry.picks)
            project.picks_changed.connect(self._on_picks)
        self.changed.emit()

    def _on_picks(self, name: str, edit: Edit) -> None:
        if self._project is None or not any(p.answered for p in (*edit.before, *edit.after)):
            return
        self._read(name, self._project.tomograms[name].picks)
        self.changed.emit()

    def _read(self, name: str, picks: Iterable[Pick]) -> None:
        found = [answer for pick in picks if (answer := answer_of(pick)) is not None]
        if found or name in self._by_tomogram:
            self._by_tomogram[name] = found


def words_of(score: RunningScore) -> str:
    """Return the running score in words: precision, how sure that is, and whether to go on."""
    if not score.count:
        return "No proposal was answered yet: each answer with G or H counts here."
    low, high = score.interval()
    text = (
        f"<b>{100 * score.precision:.0f} %</b> yes in the last {score.count} "
        f"({100 * low:.0f}-{100 * high:.0f} %)."
    )
    return f"{text} {ADVICE[score.advice()].format(window=score.window)}".strip()
