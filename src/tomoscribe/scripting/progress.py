"""How far a training is, and its learning curve, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tomoscribe.training import events as ev

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.training.follow import Update


@dataclass(frozen=True)
class Progress:
    """How far a training is, as a progress callback gets it.

    Parameters
    ----------
    state : str
        starting, queued, running, paused, stopping, finished, stopped, failed, lost or gone.
    step : int
        Optimizer steps done.
    elapsed_s, budget_s : float
        Seconds of training without pauses; seconds granted.
    loss : float
        Mean loss of the last steps; NaN before the first.
    score : float
        Of the last validation, 0..1; NaN before the first.
    labels_used, labels_total : int
        Clicks in use, clicks there are; of segmentations labelled voxels.
    message : str
        One sentence for the user, empty if all is well.
    """

    state: str = "starting"
    step: int = 0
    elapsed_s: float = 0.0
    budget_s: float = 0.0
    loss: float = float("nan")
    score: float = float("nan")
    labels_used: int = 0
    labels_total: int = 0
    message: str = ""

    @property
    def share(self) -> float:
        """How much of the time is used, 0..1."""
        return min(1.0, self.elapsed_s / self.budget_s) if self.budget_s else 0.0


@dataclass(frozen=True)
class Curve:
    """The learning curve of a run.

    Parameters
    ----------
    steps, losses, elapsed_s : (N,) arrays
        Steps with the mean loss since the one before, and the training seconds then.
    validation_steps, scores : (M,) arrays
        Steps of the validations, and what ranks checkpoints there, 0..1.
    metrics : dict of (M,) arrays
        What was measured by name, such as `ribosome/recall`; NaN where it was not.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]
    elapsed_s: NDArray[np.float64]
    validation_steps: NDArray[np.int64]
    scores: NDArray[np.float64]
    metrics: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def advanced(told: Progress, update: Update) -> Progress:
    """Return the progress after an update."""
    known = replace(told, state=str(update.state), message=update.message)
    if update.status is not None:
        status = update.status
        known = replace(
            known,
            step=status.step,
            elapsed_s=status.elapsed_s,
            budget_s=status.budget_s,
            labels_used=status.labels_used,
            labels_total=status.labels_total,
        )
    for event in update.events:
        if isinstance(event, ev.Step):
            known = replace(known, loss=event.loss)
        elif isinstance(event, ev.Validation):
            known = replace(known, score=event.score)
    return known
