"""What a judgement of segmentations says in words: the same in viewer, command and report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.segments.judgement import Basis
from tomoscribe.evaluation.segments.objects import MOST_VOXELS
from tomoscribe.evaluation.segments.places import Spot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.evaluation.segments.agreement import Agreement
    from tomoscribe.evaluation.segments.judgement import JudgedClass, SegmentJudgement

NO_LABELS = (
    "Nothing is labelled here, so that nothing can tell which side is right: paint a few strokes "
    "of each class and of background on an image that does not train, best where A and B differ."
)
SPARSE = (
    "Only labelled voxels judge, and few are: of what was never painted nothing is known, and who "
    "paints shows a class more often than it occurs. Compare A with B by these figures; they are "
    "not those of the whole image."
)
NO_OBJECTS = (
    "Objects are not counted: that needs parts that are labelled whole, with a number an object, "
    f"in a box of at most {MOST_VOXELS // 1_000_000} million voxels."
)
IN_SECTIONS = (
    "Objects are matched in each section, as a side or the labels number them anew in each."
)
AP, PQ, VOI = "AP at IoU 0.5", "panoptic quality", "VOI split, bits"
FIGURES = (
    "IoU", "Dice", "precision", "recall", "best IoU", "at threshold",
    "objects found", "objects missed", "objects extra", "F1 of objects", AP,
    "AP, mean of IoU 0.5 to 0.95", PQ, VOI, "VOI merge, bits",
)  # fmt: skip
"""Names of the figures, in the order in which they are told."""


def figures_of(judged: JudgedClass) -> dict[str, float]:
    """Return the figures of a class by name, as many as could be told; counts are whole numbers."""
    if not judged.labelled:
        return {}
    best, threshold = judged.curve.best()
    voxels = judged.voxels
    told: dict[str, float] = {
        "IoU": voxels.iou,
        "Dice": voxels.dice,
        "precision": voxels.precision,
        "recall": voxels.recall,
        "best IoU": best,
        "at threshold": threshold,
    }
    found = judged.instances
    if found is not None:
        counts = found.at_50
        told |= {
            "objects found": counts.hits,
            "objects missed": counts.missed,
            "objects extra": counts.extra,
            "F1 of objects": counts.f1,
            AP: counts.average_precision,
            "AP, mean of IoU 0.5 to 0.95": found.average_precision,
            PQ: counts.panoptic_quality,
            VOI: found.voi_split,
            "VOI merge, bits": found.voi_merge,
        }
    return {name: value for name, value in told.items() if not math.isnan(value)}


def figure_text(value: float | None) -> str:
    """Return a figure as it stands in a table."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def better_low(name: str) -> bool | None:
    """Tell whether a low figure is the better one; None where neither is."""
    if name in ("at threshold", "best IoU"):
        return None
    return name in ("objects missed", "objects extra") or name.startswith("VOI")


def how_judged(judgement: SegmentJudgement) -> str:
    """Return how the figures were counted, in sentences for the user."""
    counts = judgement.counts
    if judgement.basis is Basis.NONE:
        return NO_LABELS
    said = []
    if judgement.unknown:
        said.append(
            f"It is not known which labels the training of {_and(judgement.unknown)} saw; its "
            "figures may flatter."
            if len(judgement.unknown) == 1
            else "It is not known which labels the trainings saw; the figures may flatter."
        )
    if judgement.basis is Basis.ALL:
        said.append(
            "The trainings learned from all labels here, so that the figures flatter; paint "
            "strokes on an image that does not train, or hold labels out, for honest ones."
        )
    elif counts.never_seen < counts.labelled:
        share = counts.never_seen / counts.labelled
        said.append(
            f"Judged by the {share:.0%} of the labelled voxels from which {_nobody(judgement)} "
            "learned, the same for both."
        )
    elif not judgement.unknown:
        said.append("The trainings never saw these labels.")
    if not counts.dense:
        said.append(SPARSE)
    if judgement.tells_apart and not any(one.objects for one in judgement.judged.values()):
        said.append(NO_OBJECTS)
    if any(each.by_section for one in judgement.judged.values() for each in one.objects):
        said.append(IN_SECTIONS)
    return " ".join(said)


def not_known(judgement: SegmentJudgement) -> list[str]:
    """Return a sentence for each class that a side does not know."""
    return [
        f"{letter} knows no class '{name}', only {', '.join(known)}."
        for letter, known in judgement.known.items()
        for name in judgement.classes
        if name not in known
    ]


def summary(judgement: SegmentJudgement, letter: str) -> str:
    """Return a side in one line, as `IoU 0.82 · mito 0.90, vesicle 0.74`."""
    judged = judgement.of_side(letter)
    told = {name: one.voxels.iou for name, one in judged.items() if one.labelled}
    if not told:
        return "no labels of its classes to judge by"
    mean = judgement.mean_iou(letter)
    each = ", ".join(f"{name} {iou:.2f}" for name, iou in told.items())
    precision = [o.at_50.average_precision for one in judged.values() if (o := one.instances)]
    objects = f" · {AP} {sum(precision) / len(precision):.2f}" if precision else ""
    return f"IoU {mean:.2f}{f' · {each}' if len(told) > 1 else ''}{objects}"


def agreement_text(found: Sequence[Agreement]) -> str:
    """Return how far A and B agree, in a sentence; empty where they were not compared."""
    voxels = sum(one.voxels for one in found)
    if not voxels:
        return ""
    share = sum(one.differing for one in found) / voxels
    each = []
    for name in dict.fromkeys(name for one in found for name in one.of_class):
        mine = [one.of_class[name] for one in found if name in one.of_class]
        iou = sum(mine[1:], mine[0]).iou
        each.append(f"{name} {iou:.2f}")
    return (
        f"Where nothing is labelled A and B differ in {share:.1%} of the voxels; IoU of A with B: "
        f"{', '.join(each)}."
    )


@dataclass(frozen=True)
class Place:
    """Where to look: voxels z, y, x of a sample, for which class, and why."""

    sample: str
    class_name: str
    zyx: tuple[float, float, float]
    text: str


MOST_PLACES = 5
"""Of each kind: a list that nobody reads to its end tells nothing."""


def places_to_look(
    judgement: SegmentJudgement, found: Sequence[Agreement], most: int = MOST_PLACES
) -> list[Place]:
    """Return where each side is most wrong, and where both differ most and nothing is labelled.

    Errors within the radius of a larger one are one place with it, also of the other side and in
    other sections.
    """
    seen: list[dict[str, list[Spot]]] = []
    for letter in judgement.known:
        spots = [spot for one in judgement.of_side(letter).values() for spot in one.spots]
        errors = (Standing.MISSED, Standing.WRONG)
        for spot in sorted((s for s in spots if s.standing in errors), key=Spot.rank):
            size = judgement.voxel_sizes_nm[spot.sample]
            there = next((place for place in seen if _first(place).holds(spot, size)), None)
            if there is not None and letter in there:
                there[letter].append(spot)
            elif sum(letter in place for place in seen) < most:
                if there is None:
                    seen.append({letter: [spot]})
                else:
                    there[letter] = [spot]
    places = []
    for each in seen:
        first = _first(each)
        text = ". ".join(f"{letter}: {_errors_text(found)}" for letter, found in each.items())
        places.append(Place(first.sample, first.class_name, first.zyx, text))
    apart = [
        Place(one.sample, one.most_apart, (z, y, x), "A and B differ around here")
        for one in found
        for z, y, x in one.places[:most].tolist()
    ]
    return [*places, *apart]


def _first(place: Mapping[str, Sequence[Spot]]) -> Spot:
    """Return the error that a place was begun with."""
    return next(iter(place.values()))[0]


def _errors_text(found: Sequence[Spot]) -> str:
    more = f"; {len(found) - 1} more around it" if len(found) > 1 else ""
    return f"{spot_text(found[0])}{more}"


def spot_text(spot: Spot) -> str:
    """Return what a list says of a place; of its class nothing where that has no name."""
    size = f"{spot.voxels} voxels"
    name = f" {spot.class_name}" if spot.class_name else ""
    if spot.standing is Standing.MATCHED:
        return f"matched{name}: IoU {spot.iou:.2f}, {size}"
    if not spot.is_object:
        return f"{_short(spot.standing)}{name}: {size}"
    near = f"best overlap {spot.iou:.2f}" if spot.iou > 0 else "nothing overlaps"
    told = "not judged: mostly unlabelled" if spot.standing is Standing.OPEN else near
    return f"{_short(spot.standing)}{name}: {told}, {size}"


def _short(standing: Standing) -> str:
    return "missed" if standing is Standing.MISSED else "extra"


def _nobody(judgement: SegmentJudgement) -> str:
    told = [letter for letter in judgement.known if letter not in judgement.unknown]
    return f"the training of {told[0]} never" if len(told) == 1 else "neither training"


def _and(letters: Sequence[str]) -> str:
    return " and ".join(letters)
