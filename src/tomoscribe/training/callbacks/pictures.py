"""Sample pictures for TensorBoard: the image, what is labelled, and what is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.tasks.base import Focus, SlicePredictor

if TYPE_CHECKING:
    from lightning.pytorch import Trainer
    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingSample
    from tomoscribe.tasks.base import Predictor
    from tomoscribe.training.callbacks.context import TrainingContext

EDGE = 256
"""Most voxels of a picture along an edge."""

MOST_CLASSES = 8

_UNKNOWN_GREY = 96
"""Brightness of voxels that nobody has labelled; labels are white on black."""


def log_pictures(context: TrainingContext, trainer: Trainer) -> None:
    """Add a picture a class to TensorBoard: image | label | prediction of a validated section.

    Nothing where no voxels are labelled.
    """
    boards = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    sample = _sample(context)
    if not boards or sample is None:
        return
    predictor = context.module.predictor()
    if not isinstance(predictor, SlicePredictor):
        return
    lo, hi = _section(sample)
    image, scores = _predicted(sample, predictor, lo, hi)
    assert sample.labels is not None
    labels = sample.labels.reader.read(lo, hi)[:, 0]
    for index, known in enumerate(labels[:MOST_CLASSES]):
        name = context.data.label_classes[index].name
        map_index = predictor.maps.index(name) if name in predictor.maps else index
        shown = np.concatenate([image, _label_grey(known), _grey(scores[map_index])], axis=1)
        for board in boards:
            board.experiment.add_image(
                f"{name}: image, label, prediction", shown, context.step, dataformats="HW"
            )


def _sample(context: TrainingContext) -> TrainingSample | None:
    """Return a sample with labels, one that validates if there is any."""
    labelled = [s for s in context.data.samples if s.labels is not None and s.labels.boxes]
    return next((s for role in ("validate", "train") for s in labelled if s.role == role), None)


def _section(sample: TrainingSample) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return a section through the middle of the largest labelled box, `EDGE` wide at most."""
    assert sample.labels is not None
    box = max(sample.labels.boxes, key=lambda b: np.prod(np.subtract(b[1], b[0])))
    middle = [(a + b) // 2 for a, b in zip(*box, strict=True)]
    lo = [max(a, m - EDGE // 2) for a, m in zip(box[0], middle, strict=True)]
    hi = [min(b, a + EDGE) for a, b in zip(lo, box[1], strict=True)]
    return (middle[0], lo[1], lo[2]), (middle[0] + 1, hi[1], hi[2])


def _predicted(
    sample: TrainingSample,
    predictor: Predictor,
    lo: tuple[int, int, int],
    hi: tuple[int, int, int],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the section of the image as grey values, and the scores of its maps."""
    assert isinstance(predictor, SlicePredictor)
    subject = predictor.open(sample.volume_path, sample.voxel_size_A)
    center = tuple((a + b) / 2 for a, b in zip(lo, hi, strict=True))
    focus = Focus((float(lo[0]), center[1], center[2]), lo, hi)
    block = predictor.slice_first(subject, focus)
    scores = np.zeros((len(predictor.maps), hi[1] - lo[1], hi[2] - lo[2]), np.float32)
    _, y, x = block.lo_zyx
    _, _, height, width = block.scores.shape
    rows = slice(max(lo[1], y), min(hi[1], y + height))
    columns = slice(max(lo[2], x), min(hi[2], x + width))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = block.scores[
            :,
            min(max(0, lo[0] - block.lo_zyx[0]), block.scores.shape[1] - 1),
            rows.start - y : rows.stop - y,
            columns.start - x : columns.stop - x,
        ]
        scores[
            :, rows.start - lo[1] : rows.stop - lo[1], columns.start - lo[2] : columns.stop - lo[2]
        ] = part
    pixels = np.asarray(subject.data[lo[0], lo[1] : hi[1], lo[2] : hi[2]], np.float32)
    low, high = np.percentile(pixels, (1, 99))
    return _grey((pixels - low) / max(float(high - low), 1e-6)), scores


def _label_grey(known: NDArray[np.int32]) -> NDArray[np.uint8]:
    grey = np.zeros(known.shape, np.uint8)
    grey[known > 0] = 255
    grey[known == UNKNOWN] = _UNKNOWN_GREY
    return grey


def _grey(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return grey
