"""What the Labels panel says: how much is labelled, what is missing, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.segmentation.painted_values import BACKGROUND
from tomoscribe.ui.labels.label_counts import Labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.segmentation.labels import LabelClass


NOTHING = Labelled()

FEW_BOUNDED = 4
"""So many times more sections with a class than with background are too many. Of simulated cells
the IoU was 0.89 after 90 steps on one whole section, 0.61 with cells locked in 23 more beside."""

PARTED = "Objects that touch are parted only where both are painted, or background between them."


def number(count: int) -> str:
    """Return a count in at most four characters."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            value = count / limit
            return f"{value:.0f}{unit}" if value >= 10 else f"{value:.1f}{unit}"
    return str(count)


def plural(count: int, noun: str) -> str:
    """Return `1 section`, `3 sections`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def amount(labelled: Labelled, *, objects: bool) -> str:
    """Return how much of a class is labelled, for its row."""
    if not labelled.voxels:
        return "–"
    first = f"{labelled.objects} obj" if objects and labelled.objects else number(labelled.voxels)
    return f"{first} / {labelled.sections}"


def missing(
    classes: Sequence[LabelClass], counts: Mapping[int, Labelled], *, complete: bool
) -> list[str]:
    """Return what a training would lack, the most important first, as sentences.

    Parameters
    ----------
    classes : sequence of LabelClass
        The project's.
    counts : mapping
        What is labelled in all tomograms that train, by the value of the class.
    complete : bool
        Something is declared fully labelled and not painted, so that there is background
        without strokes.
    """
    if not classes:
        return ["There is no class yet: add one with +."]
    bare = [c.name for c in classes if not counts.get(c.value, NOTHING).voxels]
    said = [f"{', '.join(bare)} {'has' if len(bare) == 1 else 'have'} no strokes."] if bare else []
    if not counts.get(BACKGROUND, NOTHING).voxels and not complete:
        said.append(
            "There are no background strokes: paint some (Shift+0), or declare a section "
            "fully labelled."
        )
    return said


def hinders(
    classes: Sequence[LabelClass],
    counts: Mapping[int, Labelled],
    *,
    complete: bool,
    declared: bool = False,
) -> str | None:
    """Return why nothing can be learned from the labels, as one sentence; None if it can.

    Parameters
    ----------
    classes, counts, complete
        As of `missing`.
    declared : bool
        Something is declared fully labelled, be there background in it or not.
    """
    if not classes:
        return "Add a class in the Annotate dock and paint some of it: a few strokes do."
    painted = [c.name for c in classes if counts.get(c.value, NOTHING).voxels]
    if not painted:
        return f"Paint some {classes[0].name}, and some background: a few strokes do."
    one_sided = len(painted) == 1 and not counts.get(BACKGROUND, NOTHING).voxels
    if one_sided and not complete and declared:
        return (
            f"All that is labelled is {painted[0]}, also where everything is declared labelled: "
            "paint some background (Shift+0)."
        )
    if one_sided and not complete:
        return (
            f"All that is painted is {painted[0]}: paint some background (Shift+0), or declare a "
            "section fully labelled."
        )
    return None


def next_step(
    classes: Sequence[LabelClass],
    counts: Mapping[int, Labelled],
    *,
    complete: bool,
    complete_sections: int = 0,
    strokes_alone: bool = False,
) -> tuple[str, str]:
    """Return title and help of the card: what to do next.

    Parameters
    ----------
    classes, counts, complete
        As of `missing`.
    complete_sections : int
        Sections that are declared fully labelled, in part or whole.
    strokes_alone : bool
        Objects are told apart, and none is known to its border.
    """
    lacks = missing(classes, counts, complete=complete)
    if not classes:
        return "Add a class", "With + below: what you want to find, such as mitochondria."
    labelled = any(counts.get(c.value, NOTHING).voxels for c in classes)
    if not labelled:
        return (
            f"Paint some {classes[0].name}",
            "Drag on the section. A few strokes do; what stays unpainted is unknown, not "
            "background.",
        )
    if lacks:
        return "Paint what is missing", " ".join(lacks)
    sections = max(counts.get(c.value, NOTHING).sections for c in classes)
    bounded = counts.get(BACKGROUND, NOTHING).sections + complete_sections
    if sections > FEW_BOUNDED * bounded:
        return "Paint background beside the objects", (
            f"Only {plural(bounded, 'section')} of {sections} {'has' if bounded == 1 else 'have'} "
            "any, so that too much would be taken for "
            f"{', '.join(c.name for c in classes if c.value in counts)}."
        )
    more = (
        " Strokes on a second section would make the score honest."
        if sections < 2
        else " Paint on where it errs while it trains: strokes count from the next step."
    )
    objects = any(counts.get(c.value, NOTHING).objects for c in classes)
    parted = f" {PARTED}" if strokes_alone and objects and not complete_sections else ""
    return "Enough to train", f"Open the Train tab.{parted}{more}"
