"""What the side that is not in view says of the sample in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tomoscribe.evaluation.compared import UNMEASURED
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.scores.score_library import ScoreLibrary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.scores.score_map import ScoreGrid
    from tomoscribe.ui.session import Session


class OtherMap(NamedTuple):
    """Scores of the side that is not in view, of one class: stored values (z, y, x) on a grid."""

    values: NDArray[np.uint8]
    grid: ScoreGrid
    source: str
    threshold: float


def other_ref(session: Session) -> CheckpointRef | None:
    """Return the side that is not in view; None where it is the same, or there is none."""
    sides = Sides.of(session)
    found = sides.b if sides.letter_in_view == "a" else sides.a
    return None if found == sides.in_view else found


def other_map(session: Session, class_name: str) -> OtherMap | None:
    """Return the other side's scores of a class; asks for them where they are not read yet."""
    ref, sample = other_ref(session), Sides.of(session).sample
    if ref is None or sample is None:
        return None
    library = ScoreLibrary.of(session)
    known = library.get(ref, sample)
    if known is None:
        library.want(ref, sample)
        return None
    if class_name not in known.grid.class_names:
        return None
    threshold = known.threshold(class_name)
    return OtherMap(
        known.values[known.grid.class_names.index(class_name)],
        known.grid,
        ref.source,
        UNMEASURED if threshold is None else threshold,
    )
