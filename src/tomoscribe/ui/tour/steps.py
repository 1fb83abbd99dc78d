"""The steps of the guided tour as plain data: what to say, beside what, and when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Target = Literal[
    "chooser",
    "canvas",
    "card",
    "train",
    "strip",
    "slider",
    "histogram",
    "review",
    "go_on",
    "export",
]
"""Names of the widgets that steps are about; `targets` finds them."""


@dataclass(frozen=True)
class Facts:
    """What the user has done so far, as far as the tour asks.

    Parameters
    ----------
    tomogram : str or None
        What is shown.
    look : tuple
        How it is looked at: slice or 3D, and where; any change counts.
    clicks : int
        Picks that the user placed, in all tomograms.
    heatmap : bool
        Whether scores are shown: of the clicks, or of a training.
    run : str or None
        Name of the run that is followed.
    alive : bool
        Whether it goes on.
    previews : int
        Checkpoints with a preview of what is in view.
    sides : tuple
        What is compared, and how; any change counts.
    touched : int
        How often the widget that the step is about was used with the mouse.
    answers : int
        Proposals that were accepted or rejected.
    exported : bool
        Whether an export was written and is still on show.
    """

    tomogram: str | None = None
    look: tuple[object, ...] = ()
    clicks: int = 0
    heatmap: bool = False
    run: str | None = None
    alive: bool = False
    previews: int = 0
    sides: tuple[object, ...] = ()
    touched: int = 0
    answers: int = 0
    exported: bool = False


@dataclass(frozen=True)
class Step:
    """One step: `done(before, now)` tells from the facts when it began and now."""

    name: str
    title: str
    text: str
    target: Target
    done: Callable[[Facts, Facts], bool]


CLICKS, ANSWERS, PREVIEWS = 3, 3, 2
"""Clicks that bring the instant answer; answers that show how review works; previews to compare."""

STEPS: tuple[Step, ...] = (
    Step(
        "open",
        "Open something to work on",
        "A sample is made here in a few seconds: particles in a tomogram, or on membranes. Your "
        "own tomogram will do as well: drop it on the viewer.",
        "chooser",
        lambda before, now: now.tomogram is not None,
    ),
    Step(
        "look",
        "Look around",
        "Ctrl+wheel goes through the slices. W switches between slice and 3D: the membrane where "
        "there is one, else a plane. W again comes back.",
        "canvas",
        lambda before, now: now.look != before.look,
    ),
    Step(
        "click",
        f"Click {CLICKS} particles",
        "Click the middle of a particle, or press Q over it. Ctrl+Z takes a click back. The third "
        "click is answered at once by a heatmap of what looks alike.",
        "canvas",
        lambda before, now: now.clicks >= CLICKS and now.heatmap,
    ),
    Step(
        "train",
        "Train",
        "Those clicks are enough to begin with. A process of its own trains; you go on clicking "
        "meanwhile, and it takes new clicks up by itself.",
        "train",
        lambda before, now: now.run is not None and now.run != before.run,
    ),
    Step(
        "watch",
        "Watch it learn",
        "The heatmap grows where you look first. This strip tells the state, how good the "
        "model is so far (F1) and the time left; Stop keeps what was learnt.",
        "strip",
        lambda before, now: now.previews >= PREVIEWS or (now.previews > 0 and not now.alive),
    ),
    Step(
        "compare",
        "Compare checkpoints",
        "Drag the slider, or press J and K: the same spot, earlier and later. U blinks between A "
        "and B, Shift+U shows them side by side, I their difference.",
        "slider",
        lambda before, now: now.sides != before.sides,
    ),
    Step(
        "threshold",
        "Choose a threshold",
        "What scores above the line is proposed. Drag it: proposals come and go on the canvas, and "
        "the line below tells how many of your picks are among them.",
        "histogram",
        lambda before, now: now.touched > before.touched,
    ),
    Step(
        "review",
        f"Answer {ANSWERS} proposals",
        "N flies to the one that tells most. G accepts it, H rejects it, and the next one comes. "
        "What you reject is learnt as no particle.",
        "review",
        lambda before, now: now.answers >= before.answers + ANSWERS,
    ),
    Step(
        "continue",
        "Train on your answers",
        "A training that still runs takes answers up by itself. Once it has ended, this button "
        "goes on from the checkpoint in view.",
        "go_on",
        lambda before, now: now.run is not None and now.run != before.run,
    ),
    Step(
        "export",
        "Export",
        "Writes STAR for RELION, IMOD, Dynamo, copick, CSV and more, and reads back what it wrote. "
        "Choose a format, then Export.",
        "export",
        lambda before, now: now.exported,
    ),
)

END = (
    "That was all",
    "? shows every key. The same works on your own tomograms: drop one on the viewer.",
)
"""Title and text after the last step."""
