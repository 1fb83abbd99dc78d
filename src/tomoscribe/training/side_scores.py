"""A checkpoint's scores on samples of a project: read where they lie, else predicted at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.prediction.volume import choose_device, predict_heatmap
from tomoscribe.project.default_task import MEMBRANE
from tomoscribe.tasks.table import task_of
from tomoscribe.tasks.voxels.predictor import TOLERANCE, VoxelPredictor
from tomoscribe.training.preview_job import segmented_by
from tomoscribe.training.previews import assemble, encode_scores
from tomoscribe.training.run import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.tasks.base import Predictor, Subject
    from tomoscribe.training.catalog import Catalog, StoredScores
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.events import Segmented
    from tomoscribe.training.prediction_request import PredictionRequest

COMPLETE = 0.999
"""Stored scores that cover less are predicted anew; rounding may keep them from 1."""


@dataclass(frozen=True)
class SideScores:
    """Scores (class, z, y, x) of a checkpoint on one sample.

    Parameters
    ----------
    values : (C, Z, Y, X) array of uint8
        As stored, see `evaluation.score_bytes`; of a membrane (C, 1, 1, V).
    bin : int
        Tomogram voxels along each axis to one of the grid.
    class_names : tuple of str
    thresholds : mapping of str to float
        By class, as far as the tool chose any.
    segmented : Segmented or None
        What turns maps of a segmentation into objects; `class_names` are those of the maps then.
    """

    values: NDArray[np.uint8]
    bin: int
    class_names: tuple[str, ...]
    thresholds: Mapping[str, float]
    segmented: Segmented | None = None


class ScoreMaker:
    """Gives the scores of one checkpoint; its weights are loaded when they are needed first.

    Parameters
    ----------
    ref : CheckpointRef
        The checkpoint.
    request_of : callable
        Gives what is to be predicted, by the name of a sample.
    catalog : Catalog or None
        Polled: knows what is stored; None: nothing is.
    device : str
        auto, cpu, cuda, cuda:1, mps.
    """

    def __init__(
        self,
        ref: CheckpointRef,
        request_of: Callable[[str], PredictionRequest],
        catalog: Catalog | None,
        device: str,
    ) -> None:
        self.ref = ref
        self._request_of = request_of
        self._catalog = catalog
        self._device = device
        self._predictor: Predictor | None = None

    @property
    def task(self) -> str:
        """What it learned: `tomogram`, `membrane`, `semantic` or `instance`.

        Raises
        ------
        TomoscribeError
            If neither its run nor its file tells.
        """
        if self.ref.run is not None:
            return RunFolder(self.ref.run).config().task
        return task_of(self.ref.where).name

    def scores(
        self, sample: str, on_progress: Callable[[str, float], None] | None = None
    ) -> SideScores:
        """Return the scores on a tomogram or a membrane.

        Raises
        ------
        TomoscribeError
            If there are none and the weights were not kept, or it cannot predict on the sample.
        """
        stored = self._stored(sample)
        if stored is not None:
            return _read(stored)
        predictor, subject = self._opened(sample)

        def tell(share: float) -> None:
            if on_progress is not None:
                on_progress(f"{self.ref.source} on {sample}", share)

        heatmap, grid = predict_heatmap(predictor, subject, on_progress=tell)
        return SideScores(
            encode_scores(heatmap),
            grid.bin,
            predictor.maps,
            dict(predictor.thresholds),
            segmented_by(predictor),
        )

    def check(self, sample: str) -> None:
        """Check that scores can be had, without predicting any.

        Raises
        ------
        TomoscribeError
            As `scores` does.
        """
        if self._stored(sample) is None:
            predictor, subject = self._opened(sample)
            predictor.grid(subject)

    def trained_pixel_nm(self) -> float | None:
        """Return the pixel size that a segmentation learned from; None of other tasks."""
        predictor = None if self.ref.file is None else self._load()
        return predictor.voxel_size_zyx_nm[2] if isinstance(predictor, VoxelPredictor) else None

    def _stored(self, sample: str) -> StoredScores | None:
        found = None if self._catalog is None else self._catalog.find(self.ref, sample)
        return None if found is None or found.coverage < COMPLETE else found

    def _opened(self, sample: str) -> tuple[Predictor, Subject]:
        """Return the model, and what it is to predict on."""
        if self.ref.file is None:
            raise TomoscribeError(
                f"The weights of {self.ref.source} were not kept, and no preview shows all of "
                f"{sample}: compare another checkpoint, or another sample."
            )
        request = self._request_of(sample)
        if request.kind != ("mesh" if self.task == MEMBRANE else "volume"):
            mine, other = ("membrane", "tomogram")[:: 1 if self.task == MEMBRANE else -1]
            raise TomoscribeError(
                f"{sample} is a {other}, but {self.ref.source} was trained on {mine}s."
            )
        predictor = self._load()
        subject = predictor.open(request.volume_path, request.voxel_size_A, request.tomogram)
        return predictor, subject

    def _load(self) -> Predictor:
        if self._predictor is None:
            file = self.ref.where
            self._predictor = task_of(file).load(file, choose_device(self._device))
        return self._predictor


def check_sides(makers: Mapping[str, ScoreMaker], samples: Iterable[str]) -> None:
    """Check that all sides can predict on all samples, before any does.

    Raises
    ------
    TomoscribeError
        If one cannot.
    """
    try:
        for sample in samples:
            for maker in makers.values():
                maker.check(sample)
    except TomoscribeError as error:
        sizes = {letter: maker.trained_pixel_nm() for letter, maker in makers.items()}
        known = [size for size in sizes.values() if size is not None]
        if not known or max(known) <= (1 + TOLERANCE) * min(known):
            raise
        told = " and ".join(
            f"{letter} ({makers[letter].ref.source}) learned from pixels of {size:g} nm"
            for letter, size in sizes.items()
            if size is not None
        )
        raise TomoscribeError(
            f"{told}: no image suits both. Compare checkpoints of one pixel size, or judge each by "
            "the truth of an image of its own: `tomoscribe predict`, then `tomoscribe evaluate`."
        ) from error


def _read(stored: StoredScores) -> SideScores:
    values = assemble(stored.path, len(stored.class_names), stored.shape_zyx)
    return SideScores(values, stored.bin, stored.class_names, stored.thresholds, stored.segmented)
