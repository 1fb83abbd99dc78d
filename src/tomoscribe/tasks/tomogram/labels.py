"""What the picks of one tomogram say: clicks to train on, clicks held out, known negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.table import JUNK, PickState, positions_zyx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import ParticleClass, Region, TrainingSample

PointsAndWeights = tuple["NDArray[np.float64]", "NDArray[np.float64]"]

FRESH_WEIGHT = 3.0
"""A correction made during the run is drawn so many times as often as an older click."""
_FEWEST_TO_HOLD_OUT = 10
"""Below this number of clicks of a class none is held out: each is worth more to the training."""


@dataclass(frozen=True)
class ClassPoints:
    """Points of one class in one tomogram, (N, 3) tomogram voxels zyx.

    `weights` (N,) says how often a clicked point is drawn.
    """

    clicked: NDArray[np.float64]
    weights: NDArray[np.float64]
    held_out: NDArray[np.float64]
    rejected: NDArray[np.float64]
    rejected_weights: NDArray[np.float64]


@dataclass(frozen=True)
class SampleLabels:
    """The labels of one tomogram: one `ClassPoints` a class, declared regions, junk.

    `junk` (N, 3) is a known negative of every class, in tomogram voxels zyx.
    """

    points: tuple[ClassPoints, ...]
    regions: tuple[Region, ...]
    class_names: tuple[str, ...]
    junk: NDArray[np.float64]
    junk_weights: NDArray[np.float64]

    @property
    def drawn(self) -> tuple[PointsAndWeights, PointsAndWeights]:
        """Return clicks, and rejected picks with junk: (N, 3) and how often each is drawn (N,)."""
        clicked = [(part.clicked, part.weights) for part in self.points]
        wrong = [(part.rejected, part.rejected_weights) for part in self.points]
        return _joined(clicked), _joined([*wrong, (self.junk, self.junk_weights)])

    def negatives_of(self, index: int) -> NDArray[np.float64]:
        """Return the known negatives of a class: its rejected picks, junk, clicks of others."""
        others = [
            points
            for other, part in enumerate(self.points)
            if other != index
            for points in (part.clicked, part.held_out)
        ]
        return np.concatenate([self.points[index].rejected, self.junk, *others])

    def boxes_of(self, index: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return lower and upper corners of the regions that are complete for class `index`."""
        return [
            (np.asarray(region.lo_zyx, float), np.asarray(region.hi_zyx, float))
            for region in self.regions
            if not region.class_names or self.class_names[index] in region.class_names
        ]


def make_labels(
    sample: TrainingSample,
    classes: Sequence[ParticleClass],
    *,
    hold_out: float,
    known: frozenset[tuple[str, int]] | None,
) -> SampleLabels:
    """Split the picks of `sample` by class into trained, held out and rejected.

    Parameters
    ----------
    sample : TrainingSample
        A tomogram with picks.
    classes : sequence of ParticleClass
        The classes to learn, in the order of the output maps.
    hold_out : float
        Share of the clicks to hold out of the training; 0 where tomograms for validation exist,
        1 for all clicks of such a tomogram, however few.
    known : frozenset of (class name, pick id) or None
        What was there before; later picks are fresh. None: nothing is fresh.
    """

    def weigh(picks: list[Pick]) -> NDArray[np.float64]:
        fresh = [known is not None and (p.class_name, p.id) not in known for p in picks]
        return np.where(fresh, FRESH_WEIGHT, 1.0)

    parts = []
    for particle in classes:
        accepted = sample.of_class(particle.name)
        rejected = sample.of_class(particle.name, PickState.REJECTED)
        held = held_out_ids(accepted, hold_out)
        trained = [p for p in accepted if p.id not in held]
        parts.append(
            ClassPoints(
                clicked=positions_zyx(trained),
                weights=weigh(trained),
                held_out=positions_zyx(p for p in accepted if p.id in held),
                rejected=positions_zyx(rejected),
                rejected_weights=weigh(rejected),
            )
        )
    junk = sample.of_class(JUNK, PickState.REJECTED)
    names = tuple(c.name for c in classes)
    return SampleLabels(tuple(parts), sample.regions, names, positions_zyx(junk), weigh(junk))


def held_out_ids(accepted: Sequence[Pick], hold_out: float) -> frozenset[int]:
    """Return the ids of the clicks of one class in one sample that are kept from training.

    Parameters
    ----------
    accepted : sequence of Pick
        All accepted picks of the class there.
    hold_out : float
        Share to hold out, as for `make_labels`.
    """
    enough = hold_out >= 1 or len(accepted) >= _FEWEST_TO_HOLD_OUT
    count = round(hold_out * len(accepted)) if enough else 0
    return frozenset(sorted((p.id for p in accepted), key=_shuffled)[:count])


def can_judge(samples: Sequence[TrainingSample], classes: Sequence[ParticleClass]) -> bool:
    """Return whether `samples` can validate: some click, in a declared region or not, is there.

    Proposals and rejected picks say nothing of what is found, nor does a region without a click.
    """
    return any(sample.of_class(c.name) for sample in samples for c in classes)


def pick_keys(sample: TrainingSample) -> frozenset[tuple[str, int]]:
    """Return what identifies the reviewed picks of a sample from one revision to the next."""
    return frozenset((p.class_name, p.id) for p in sample.picks if p.state != PickState.PROPOSED)


def _joined(parts: list[PointsAndWeights]) -> PointsAndWeights:
    return np.concatenate([p for p, _ in parts]), np.concatenate([w for _, w in parts])


def _shuffled(pick_id: int) -> int:
    """Return a fixed pseudo-random rank, so that a click stays held out when others come."""
    return (pick_id * 2654435761 + 40503) % 2**32
