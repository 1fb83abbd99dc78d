"""Two checkpoints that segment voxels, on labels that lie in files or in a project."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.project.label_data import load_labelled
from tomoscribe.training.compare_segments import chosen, compare_segments
from tomoscribe.training.prediction_request import PredictionRequest
from tomoscribe.training.side_scores import ScoreMaker, check_sides

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.project.source import DataSource
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.compare_segments import SegmentComparison
    from tomoscribe.training.events import Segmented


def compare_on_labels(
    source: DataSource,
    sides: Mapping[str, CheckpointRef],
    samples: Sequence[str] | None = None,
    *,
    device: str = "auto",
    on_progress: Callable[[str, float], None] | None = None,
) -> SegmentComparison:
    """Compare checkpoints that segment voxels on labelled images that are in no project.

    Parameters
    ----------
    source : DataSource
        Images with label files.
    sides : mapping of str to CheckpointRef
        By letter, A and B.
    samples : sequence of str or None
        Images, named as in a training on `source`; None: those that validate, else all.
    device : str
        auto, cpu, cuda, cuda:1, mps.
    on_progress : callable or None
        Called with what is predicted, in words, and the share of it that is done.

    Raises
    ------
    TomoscribeError
        If a checkpoint learned particles or cannot be read, an image is unknown, or images and
        labels do not fit each other.
    """
    found: dict[str, TrainingSample] = {}

    def request(ref: CheckpointRef, name: str) -> PredictionRequest:
        sample = found[name]
        return PredictionRequest(ref, name, sample.volume_path, "volume", sample.size)

    makers = {k: ScoreMaker(ref, partial(request, ref), None, device) for k, ref in sides.items()}
    for letter, maker in makers.items():
        if maker.task not in VOXEL_TASKS:
            raise TomoscribeError(
                f"{sides[letter].source} {learned(maker.task)}: give the --project with the picks "
                "to judge it by."
            )
    # Numbers of objects are such for both sides where one of them tells objects apart.
    tasks = [maker.task for maker in makers.values()]
    data = load_labelled(source, max(tasks, key=VOXEL_TASKS.index), 0)
    found |= {sample.name: sample for sample in data.samples}
    return compare_labelled(makers, source, data, samples, on_progress)


def compare_labelled(
    makers: Mapping[str, ScoreMaker],
    source: DataSource,
    data: TrainingData,
    samples: Sequence[str] | None,
    on_progress: Callable[[str, float], None] | None,
) -> SegmentComparison:
    """Compare checkpoints on labels, with the maps that their makers give.

    Raises
    ------
    TomoscribeError
        If there is nothing to compare on, maps cannot be had, or nobody knows a labelled class.
    """

    def maps_of(
        letter: str, sample: TrainingSample
    ) -> tuple[NDArray[np.uint8], tuple[str, ...], Segmented]:
        found = makers[letter].scores(sample.name, on_progress)
        if found.segmented is None:
            raise TomoscribeError(
                f"The maps of {makers[letter].ref.source} on {sample.name} do not tell their "
                "classes: they were written by an older version; train anew."
            )
        return found.values, found.class_names, found.segmented

    check_sides(makers, [sample.name for sample in chosen(data, samples)])
    sides = {letter: maker.ref for letter, maker in makers.items()}
    return compare_segments(sides, source, data, samples, maps_of)


def learned(task: str) -> str:
    """Return what a task is about, as `on tomograms`."""
    return "segments voxels" if task in VOXEL_TASKS else f"on {task}s"
