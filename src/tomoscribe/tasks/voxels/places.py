"""Where labels of an image are: looked at box by box, so that a stroke costs one box."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.tasks.voxels.holdout import Held, Profile, hold_out, long_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Triple = tuple[int, int, int]
    Box = tuple[Triple, Triple]
    Read = Callable[[Triple, Triple], NDArray[np.int32]]
    """Gives the labels (class, z, y, x) of a box of working voxels."""

_MOST_PLACES = 20_000
"""Voxels of a class in a box whose places are remembered, to centre windows on."""
_MOST_IN_ALL, _LEAST_PLACES = 1_000_000, 100
"""Fewer a box where there are very many, as where whole volumes are labelled."""
_PIECE = 64_000_000
"""Label values that are read at once."""


@dataclass(frozen=True)
class Places:
    """Where labels of an image are, on its working grid.

    Parameters
    ----------
    of_class : tuple of (N, 3) arrays
        Voxels that train and are of each class; a sample of them where they are many.
    anywhere : (N, 3) array
        Voxels that train, of whatever.
    known, held : int
        Labelled voxels: that train, and that judge.
    positive : (class,) array
        Voxels of each class that train.
    positive_held : (class,) array
        And that judge.
    """

    of_class: tuple[NDArray[np.int32], ...]
    anywhere: NDArray[np.int32]
    known: int
    held: int
    positive: NDArray[np.int64]
    positive_held: NDArray[np.int64]


@dataclass(frozen=True)
class BoxFacts:
    """What was found in a box, which holds while its `stamp` does and `held` and `most` do.

    Parameters
    ----------
    stamp : object
        Differs where labels of the box do.
    profile : Profile or None
        None where all of the image judges.
    held : Held
        What of the box judges.
    most : int
        Places of a class that are remembered.
    places : Places
        Of the box.
    """

    stamp: object
    profile: Profile | None
    held: Held
    most: int
    places: Places = field(repr=False)


def look_at(
    boxes: Mapping[Box, object],
    read: Read,
    classes: int,
    share: float,
    before: Mapping[Box, BoxFacts],
) -> tuple[Held, dict[Box, BoxFacts]]:
    """Return what of an image's labels judges, and what is in each box.

    The same whatever was known `before`, which only spares reading.

    Parameters
    ----------
    boxes : mapping of box to object
        On the working grid, each with its stamp.
    read : callable
    classes : int
        How many the labels have.
    share : float
        Of the labels that is to judge; 1: all.
    before : mapping of box to BoxFacts
        What was found earlier.
    """
    same = {box: before[box] for box, stamp in boxes.items() if _holds(before.get(box), stamp)}
    profiles: dict[Box, Profile | None] = {}
    for box in boxes:
        profile = same[box].profile if box in same else None
        profiles[box] = profile if share >= 1 else profile or _profile(read, box, classes)
    held = Held(share=1.0) if share >= 1 else hold_out([p for p in profiles.values() if p], share)
    most = _most_places(sum(1 for _ in pieces_of(tuple(boxes))))

    def facts_of(held: Held) -> dict[Box, BoxFacts]:
        found = {}
        for box, stamp in boxes.items():
            mine, known = held.within(*box), same.get(box)
            if known is None or (known.held, known.most) != (mine, most):
                places = _find(read, box, mine, classes, most)
                known = BoxFacts(stamp, profiles[box], mine, most, places)
            found[box] = known
        return found

    facts = facts_of(held)
    if share < 1:
        positive = sum(f.places.positive for f in facts.values())
        judges = sum(f.places.positive_held for f in facts.values())
        if np.any((np.asarray(positive) == 0) & (np.asarray(judges) > 0)):
            # So little is labelled that all of a class would only judge.
            held = Held()
            facts = facts_of(held)
    return held, facts


def together(facts: Sequence[BoxFacts], classes: int) -> Places:
    """Return the places of all boxes."""
    every = [one.places for one in facts]
    none, zeros = np.empty((0, 3), np.int32), np.zeros(classes, np.int64)
    return Places(
        tuple(np.concatenate([none, *(p.of_class[k] for p in every)]) for k in range(classes)),
        np.concatenate([none, *(p.anywhere for p in every)]),
        sum(p.known for p in every),
        sum(p.held for p in every),
        np.sum([zeros, *(p.positive for p in every)], 0),
        np.sum([zeros, *(p.positive_held for p in every)], 0),
    )


def pieces_of(boxes: Sequence[Box]) -> Iterator[Box]:
    """Yield boxes, the large ones section by section or a few at once."""
    for lo, hi in boxes:
        section = (hi[1] - lo[1]) * (hi[2] - lo[2])
        depth = max(1, _PIECE // max(1, section))
        for z in range(lo[0], hi[0], depth):
            yield (z, lo[1], lo[2]), (min(z + depth, hi[0]), hi[1], hi[2])


def _holds(facts: BoxFacts | None, stamp: object) -> bool:
    return facts is not None and facts.stamp == stamp


def _most_places(pieces: int) -> int:
    """Return how many places of a class are remembered in a piece; it changes seldom."""
    share = _MOST_IN_ALL / max(1, pieces)
    return int(min(_MOST_PLACES, max(_LEAST_PLACES, 2 ** math.floor(math.log2(share)))))


def _profile(read: Read, box: Box, classes: int) -> Profile:
    axis = long_axis(box)
    across = tuple(a for a in range(3) if a != axis)
    counts = np.zeros((1 + classes, box[1][axis] - box[0][axis]), np.int64)
    for lo, hi in pieces_of((box,)):
        values = read(lo, hi)
        counts[0] += (values != UNKNOWN).any(0).sum(across)
        for k in range(classes):
            counts[1 + k] += (values[k] > 0).sum(across)
    return Profile(box, counts)


def _find(read: Read, box: Box, held: Held, classes: int, most: int) -> Places:
    # Chance of its own for each box: what is found does not depend on what was before.
    rng = np.random.default_rng(box[0])
    places: list[list[NDArray[np.int32]]] = [[] for _ in range(classes + 1)]
    known = judged = 0
    positive, positive_held = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    for lo, hi in pieces_of((box,)):
        values, judges = read(lo, hi), held.mask(lo, hi)
        told = (values != UNKNOWN).any(0)
        known += int((told & ~judges).sum())
        judged += int((told & judges).sum())
        of_class = [values[k] > 0 for k in range(classes)]
        positive += [int((mine & ~judges).sum()) for mine in of_class]
        positive_held += [int((mine & judges).sum()) for mine in of_class]
        for index, mask in enumerate([*of_class, told]):
            found = np.flatnonzero(mask & ~judges)
            if len(found) > most:
                found = rng.choice(found, most, replace=False)
            zyx = np.stack(np.unravel_index(found, mask.shape), 1) + lo
            places[index].append(zyx.astype(np.int32))
    joined = [np.concatenate(p) for p in places]
    return Places(tuple(joined[:-1]), joined[-1], known, judged, positive, positive_held)
