"""The part of *Compare* that says how good A and B are: figures, curves, table, what was missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.compare.checkpoint_table import CheckpointTable
from tomoscribe.ui.compare.judge import Judge
from tomoscribe.ui.compare.judge_words import notes, progress, side_words
from tomoscribe.ui.compare.match_list import MatchList
from tomoscribe.ui.compare.score_curves import ScoreCurves
from tomoscribe.ui.compare.sides import LETTERS
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.scores.difference import SIDE_COLORS
from tomoscribe.ui.segments.error_list import ErrorList
from tomoscribe.ui.segments.figures import SegmentFigures
from tomoscribe.ui.segments.segment_judge import SegmentJudge
from tomoscribe.ui.widgets import heading, hint

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

TITLE = "How good?"
SCOPES = (("this", "on what is in view"), ("validation", "on all that validate"))


class JudgementPanel(QWidget):
    """Folded at first; while it is unfolded and seen, both sides are judged."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._judge = Judge.of(session)
        self._watching = self._seen = self._segmented = False
        self.scope = QComboBox()
        self.scope.setToolTip(
            "Judge on the sample in view, or on all that validate; what is missing is predicted."
        )
        for value, text in SCOPES:
            self.scope.addItem(text, value)
        self.scope.activated.connect(lambda _: self._judge.set_scope(self.scope.currentData()))
        self.words = {letter: _words() for letter in LETTERS}
        self.progress = hint()
        self.curves = ScoreCurves()
        self.notes = hint()
        self.matches = MatchList(session)
        self.table = CheckpointTable(session)
        self._segment_judge = SegmentJudge.of(session)
        self.figures = SegmentFigures(session)
        self.errors = ErrorList(session)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.SPACING)
        column.addWidget(self.figures)
        column.addWidget(self.errors)
        column.addWidget(self.scope)
        for letter in LETTERS:
            column.addWidget(self.words[letter])
        column.addWidget(self.progress)
        column.addWidget(self.curves)
        column.addWidget(self.notes)
        column.addWidget(self.matches)
        column.addWidget(heading("Checkpoints"))
        column.addWidget(self.table)
        self.fold = _fold_button()
        self.fold.toggled.connect(self._on_fold)
        self._inside = inside
        inside.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.fold)
        layout.addWidget(inside)
        connect(self, self._judge.changed, self.refresh)
        connect(self, self._judge.moved, self._on_moved)
        connect(self, self._judge.library.told, self._on_told)
        lend(
            self,
            session,
            {"next_mismatch": lambda: self._step(+1), "previous_mismatch": lambda: self._step(-1)},
        )
        self.refresh()

    def refresh(self) -> None:
        """Show what is judged by now: picks by the clicks, segmentations by labels."""
        for shown in (self.figures, self.errors):
            shown.setVisible(self._segmented)
        for part in (*self.words.values(), self.scope, self.curves, self.matches):
            part.setVisible(not self._segmented)
        if self._segmented:
            self.progress.hide()
            self.notes.hide()
            return
        self.errors.hide_marks()
        self.matches.refresh()
        if self._watching:
            self._say()
            self.curves.show_judgement(self._judge)

    def show_kind(self, *, segmented: bool) -> None:
        """Judge segmentations or picks, whichever the rest of the dock is about."""
        if segmented != self._segmented:
            self._segmented = segmented
            self.refresh()

    def set_seen(self, seen: bool) -> None:
        """Judge while the dock around this is seen; nothing while nobody looks."""
        self._seen = seen
        self._watch()

    def _on_fold(self, unfolded: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow
        self.fold.setArrowType(arrow)
        self._inside.setVisible(unfolded)
        self._watch()

    def _step(self, direction: int) -> None:
        (self.errors if self._segmented else self.matches).step(direction)

    def _watch(self) -> None:
        watching = self.fold.isChecked() and self._seen
        if watching == self._watching:
            return
        self._watching = watching
        self._judge.watch(watching)
        self._segment_judge.watch(watching)
        self._judge.library.watch(watching)
        self.refresh()

    def _say(self) -> None:
        for letter, label in self.words.items():
            text = side_words(self._judge, letter)
            line = "━" if letter == "a" else "╍"
            sign = f"<span style='color:{SIDE_COLORS[letter]}'>{line}</span>"
            label.setText(f"{sign} <b>{letter.upper()}</b> {text}")
        for label, text in (
            (self.progress, progress(self._judge)),
            (self.notes, notes(self._judge)),
        ):
            label.setText(text)
            label.setVisible(bool(text))

    def _on_moved(self) -> None:
        """Follow the threshold: figures, marks and list, without judging anew."""
        if self._watching and not self._segmented:
            self._say()
            self.curves.show_thresholds(self._judge)
            self.matches.refresh()

    def _on_told(self, *_: object) -> None:
        if self._watching and not self._segmented:
            self._say()


def _fold_button() -> QToolButton:
    """Return the title, which folds what is below it: labels that wrap there grow as they need."""
    made = QToolButton()
    made.setText(TITLE)
    made.setToolTip("How good A and B are: on your picks, or on held-out labels; all checkpoints.")
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    made.setArrowType(Qt.ArrowType.RightArrow)
    made.setCheckable(True)
    made.setAutoRaise(True)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setStyleSheet("font-weight: 600; border: none;")
    return made


def _words() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label
