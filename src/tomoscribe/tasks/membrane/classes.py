"""Which of the data's classes are learned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.numbered import numbers_of_classes
from tomoscribe.io.pick_columns import PickColumns

if TYPE_CHECKING:
    from tomoscribe.project.model import TrainingData
    from tomoscribe.tasks.settings import TrainingSettings


def choose_classes(data: TrainingData, settings: TrainingSettings) -> TrainingData:
    """Return the data with the classes that `position_tokens` names; all where it is empty.

    A token is a name, or the number that `rlnClassNumber` has for the class in our star files.

    Raises
    ------
    TomoscribeError
        If a token is no class.
    """
    tokens = settings.membrane.position_tokens
    if not tokens:
        return data
    names = [particle.name for particle in data.classes]
    # The rule of the star files decides, so that a number means the same class there and here.
    numbers = numbers_of_classes(PickColumns(np.zeros((len(names), 3)), class_names=names))
    by_number = {str(number): name for number, name in zip(numbers, names, strict=True)}
    wanted = {token if token in names else by_number.get(token.strip()) for token in tokens}
    unknown = [t for t in tokens if t not in names and t.strip() not in by_number]
    if unknown:
        known = ", ".join(f"{name} ({number})" for number, name in by_number.items())
        raise TomoscribeError(
            f"position_tokens names {', '.join(unknown)}, but the classes are {known}; "
            "name some of them, by name or number, or leave it empty."
        )
    chosen = tuple(c for c in data.classes if c.name in wanted)
    return replace(data, classes=chosen)
