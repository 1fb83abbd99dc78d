"""What every kind of training data is checked for, and the sentences about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import PickColumns, check_inside
from tomoscribe.picks.table import JUNK, PickState, positions_zyx
from tomoscribe.project.classes import make_classes
from tomoscribe.project.model import Role, TrainingData

SAME_VOXEL_SIZE = 0.05
"""Relative difference of voxel sizes up to which tomograms are learnt from together."""

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tomoscribe.coords import Geometry
    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import ParticleClass, TrainingSample


def keep_inside(
    picks: tuple[Pick, ...], geometry: Geometry, volume: str, labels: str, warnings: list[str]
) -> tuple[Pick, ...]:
    """Leave picks outside the volume out, with a warning.

    Raises
    ------
    TomoscribeError
        If none is inside.
    """
    zyx = positions_zyx(picks)
    problem = check_inside(PickColumns(zyx), geometry)
    if problem is None:
        return picks
    good = np.all((zyx >= -0.5) & (zyx <= np.array(geometry.shape_zyx) - 0.5), axis=1)
    if not good.any():
        raise TomoscribeError(f"{labels} does not fit {volume}: {problem}")
    warnings.append(f"{labels}: {problem} They are left out.")
    return tuple(p for p, ok in zip(picks, good, strict=True) if ok)


def used_classes(samples: Iterable[TrainingSample]) -> list[str]:
    """Return the names of the classes that picks of used samples have, in their order.

    Junk is no class.
    """
    used = dict.fromkeys(p.class_name for s in samples if s.role != Role.UNUSED for p in s.picks)
    return [name for name in used if name != JUNK]


def classes_of(
    samples: list[TrainingSample],
    named: Mapping[str, ParticleClass],
    diameter_A: float | None,
    where: str,
) -> tuple[ParticleClass, ...]:
    """Return the classes, the project's first; one that only picks name takes `diameter_A`.

    Raises
    ------
    TomoscribeError
        If it needs a diameter and none is given.
    """
    unknown = [name for name in used_classes(samples) if name not in named]
    if unknown and diameter_A is None:
        raise TomoscribeError(
            f"The diameter of '{unknown[0]}' in {where} is unknown: give it in Å with --diameter-A."
        )
    extra = make_classes(unknown, diameter_A) if diameter_A is not None else ()
    return (*named.values(), *extra)


def checked(
    samples: list[TrainingSample],
    classes: tuple[ParticleClass, ...],
    revision: int,
    warnings: list[str],
    where: str,
    kind: str = "tomogram",
    left_out: int = 0,
) -> TrainingData:
    """Return the data, with warnings about what will make a poor training.

    Raises
    ------
    TomoscribeError
        If there is no pick to train on.
    """
    counts = {role: _accepted(samples, role) for role in Role}
    if not counts[Role.TRAIN]:
        if counts[Role.VALIDATE] or counts[Role.UNUSED]:
            raise TomoscribeError(
                f"No {kind} with picks trains in {where}: set the role of one with picks to "
                "'train'."
            )
        raise TomoscribeError(f"There are no picks in {where}: click at least one particle.")
    if counts[Role.TRAIN] == 1:
        warnings.append(
            "There is one pick only: what is found will be poor until there are more; 5 to 20 do "
            "well."
        )
    validates = counts[Role.VALIDATE] or any(
        s.regions or s.patches or s.complete for s in samples if s.role == Role.VALIDATE
    )
    if not validates:
        warnings.append(
            f"No {kind} validates: some of the picks are held out to choose checkpoint and "
            "threshold."
        )
    return TrainingData(tuple(samples), classes, revision, tuple(warnings), left_out)


def required(path: Path | None, what: str) -> Path:
    """Return the path of a data source.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    if path is None:
        raise TomoscribeError(f"The data source needs {what}.")
    return path


def same_voxel_size(first_A: float, second_A: float) -> bool:
    """Tell whether two voxel sizes in Å are alike enough to be learnt together."""
    return abs(first_A / second_A - 1) <= SAME_VOXEL_SIZE


def count_accepted(picks: Iterable[Pick]) -> int:
    """Return how many picks are accepted particles."""
    return sum(p.state == PickState.ACCEPTED and p.class_name != JUNK for p in picks)


def _accepted(samples: list[TrainingSample], role: Role) -> int:
    return sum(count_accepted(s.picks) for s in samples if s.role == role)
