"""What the sides are, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.ui.compare.sides import RunChoice
from tomoscribe.ui.compare.stops import NOT_VALIDATED
from tomoscribe.ui.runs.run_words import ago

if TYPE_CHECKING:
    from tomoscribe.ui.compare.sides import Letter, Sides

NONE_YET = "no checkpoint yet"


def age(seconds: float) -> str:
    """Return how long ago something was, in its largest unit."""
    return f"{ago(seconds)} ago" if seconds >= 60 else "now"


def checkpoint_text(sides: Sides, letter: Letter) -> str:
    """Return step and quality of a side."""
    side = sides.side(letter)
    if side.ref is None:
        return NONE_YET
    if side.stop is None:
        return side.ref.name
    quality = side.stop.quality
    step = f"step {side.stop.step}"
    return f"{step}, " + (
        NOT_VALIDATED if quality is None else f"{quality.name} {quality.value:.2f}"
    )


def choice_text(sides: Sides, letter: Letter) -> str:
    """Return what was chosen for a side, and which checkpoint that is now."""
    side, choice = sides.side(letter), sides.choice(letter)
    now = checkpoint_text(sides, letter)
    if side.ref is None or side.run is None:
        return now
    if isinstance(choice, RunChoice):
        return f"{choice.which} ({now}) of {side.run.name}"
    if side.live:
        return f"newest ({now}) of {side.run.name}"
    return f"{now} of {side.run.name}"


def canvas_text(sides: Sides, letter: Letter) -> str:
    """Return what is written over a side's canvas."""
    side = sides.side(letter)
    run = "" if side.run is None else f" · {side.run.name}"
    return f"{letter.upper()} · {checkpoint_text(sides, letter)}{run}"
