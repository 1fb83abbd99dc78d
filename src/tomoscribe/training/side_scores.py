"""A checkpoint's scores on samples of a project: read where they lie, else predicted at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.prediction.volume import choose_device, predict_heatmap
from tomoscribe.project.default_task import MEMBRANE
from tomoscribe.tasks.table import task_of
from tomoscribe.training.preview_job import segmented_by
from tomoscribe.training.previews import assemble, encode_scores
from tomoscribe.training.run import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.tasks.base import Predictor
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
        stored = None if self._catalog is None else self._catalog.find(self.ref, sample)
        if stored is not None and stored.coverage >= COMPLETE:
            return _read(stored)
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

    def _load(self) -> Predictor:
        if self._predictor is None:
            file = self.ref.where
            self._predictor = task_of(file).load(file, choose_device(self._device))
        return self._predictor


def _read(stored: StoredScores) -> SideScores:
    values = assemble(stored.path, len(stored.class_names), stored.shape_zyx)
    return SideScores(values, stored.bin, stored.class_names, stored.thresholds, stored.segmented)
