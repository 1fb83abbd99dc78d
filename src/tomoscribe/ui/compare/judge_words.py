"""What the viewer says of both sides: figures in a line, or why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.evaluation.judgement_words import (
    best_text,
    figures_text,
    how_measured,
    left_out_of,
)
from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui.compare.sides import LETTERS
from tomoscribe.ui.scores.score_library import READING

if TYPE_CHECKING:
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.compare.judge import Judge
    from tomoscribe.ui.compare.sides import Letter

NO_CHECKPOINT = "no checkpoint yet: train, or choose one in the table below."
NOBODY_VALIDATES = "No sample with picks of this class validates; give one the role in Project."


def side_words(judge: Judge, letter: Letter) -> str:
    """Return a side in one line."""
    ref, figures, judged = judge.ref(letter), judge.figures(letter), judge.side(letter)
    if ref is None:
        return NO_CHECKPOINT
    name = ref.source
    if figures is None or judged is None:
        return f"{name}: {_why_not(judge, ref)}"
    coming = _coming(judge, ref)
    if coming == READING or (not figures.clicks and left_out_of(judged.judgement)):
        return f"{name}: {coming or 'judging …'}"  # figures of next to nothing would be odd
    said = [figures_text(figures), best_text(judged.judgement)]
    if coming:
        said.append(f"so far. {coming}")
    return f"{name}: {' · '.join(filter(None, said))}"


def notes(judge: Judge) -> str:
    """Return how the figures were counted."""
    judged = [side for side in map(judge.side, LETTERS) if side is not None]
    said = [how_measured(side.judgement) for side in judged]
    if len(said) == 2 and said[0] != said[1]:
        return f"A: {said[0]} B: {said[1]}"
    return said[0] if said else ""


def progress(judge: Judge) -> str:
    """Return how far all that validate are computed, or what went wrong; empty if all is there."""
    if judge.problem or judge.scope == "this":
        return judge.problem
    names = judge.names()
    if not names:
        return NOBODY_VALIDATES
    wanted = [(ref, name) for ref in judge.refs().values() for name in names]
    known = [judge.library.get(*key) for key in wanted]
    done = sum(one is not None and one.coverage >= WHOLE for one in known)
    return "" if done == len(wanted) else f"{done} of {len(wanted)} predictions are there …"


def _coming(judge: Judge, ref: CheckpointRef) -> str:
    """Return what holds up the first of a side's scores that are not all there; empty if none."""
    states = (judge.library.state_of(ref, sample) for sample in judge.names())
    return next(filter(None, states), "")


def _why_not(judge: Judge, ref: CheckpointRef) -> str:
    name, samples = judge.class_name, judge.names()
    if name is None:
        return "no scores in view yet"
    if not samples:
        return "nothing to judge on"
    for sample in samples:
        known = judge.library.get(ref, sample)
        if known is not None and name not in known.grid.class_names:
            return f"it does not know {name}, only {', '.join(known.grid.class_names)}"
    state = _coming(judge, ref)
    if state or not judge.busy:
        return state or "no scores on this sample yet"
    return "judging …"
