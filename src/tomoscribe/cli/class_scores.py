"""How well a segmentation learned each of its classes, in sentences at the end of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.training import events as ev
from tomoscribe.training.run_summary import score_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.training.run import CheckpointInfo

_NOTHING = 0.0005
"""A lower IoU is 0 as it is told."""


def told_of_classes(events: Sequence[ev.Event], checkpoint: CheckpointInfo) -> list[str]:
    """Return the IoU of each class where there are several, and which were not learned.

    Parameters
    ----------
    events : sequence of Event
        Of the run.
    checkpoint : CheckpointInfo
        The one whose figures count.
    """
    judged = [e for e in events if isinstance(e, ev.Validation) and e.step == checkpoint.step]
    if not judged:
        return []
    metrics = judged[-1].metrics
    split = ((*key.rpartition("/"), value) for key, value in metrics.items())
    iou = {name: value for name, _, figure, value in split if name and figure == "iou"}
    if not iou:
        return []
    estimated = " ≈" if score_name(metrics).endswith("≈") else ""
    each = ", ".join(f"{name} {value:.3f}" for name, value in iou.items())
    labels = [e for e in events if isinstance(e, ev.Labels) and e.step <= checkpoint.step]
    voxels = labels[-1].of_class if labels else {}
    missing = [name for name, value in iou.items() if value < _NOTHING]
    return [f"IoU{estimated} by class: {each}", *(_not_learned(name, voxels) for name in missing)]


def _not_learned(name: str, voxels: dict[str, int]) -> str:
    had = f" it had {voxels[name]} labelled voxels to learn from;" if name in voxels else ""
    return (
        f"'{name}' was not learned, its IoU is 0:{had} label more of it, train longer, or let rare "
        "classes weigh more with --set voxels.class_weights=true."
    )
