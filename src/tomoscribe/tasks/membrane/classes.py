"""Which of the data's classes are learned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from tomoscribe.project.model import TrainingData
    from tomoscribe.tasks.settings import TrainingSettings


def choose_classes(data: TrainingData, settings: TrainingSettings) -> TrainingData:
    """Return the data with the classes that `position_tokens` names; all where it is empty.

    Raises
    ------
    TomoscribeError
        If none of the names is there.
    """
    tokens = settings.membrane.position_tokens
    if not tokens:
        return data
    chosen = tuple(c for c in data.classes if c.name in tokens)
    if not chosen:
        raise TomoscribeError(
            f"position_tokens names {', '.join(tokens)}, but the classes are "
            f"{', '.join(c.name for c in data.classes)}; name one of them, or leave it empty."
        )
    return replace(data, classes=chosen)
