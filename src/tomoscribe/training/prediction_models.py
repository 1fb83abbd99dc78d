"""Checkpoints and samples of background predictions in memory: read once, the least used go."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.membrane_files import if_there
from tomoscribe.tasks.checkpoint import read_checkpoint
from tomoscribe.tasks.table import task_of
from tomoscribe.training.callbacks.checkpoints import RUN_KEY
from tomoscribe.training.file_stamp import FileStamp

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import torch

    from tomoscribe.tasks.base import Predictor, Subject, Task
    from tomoscribe.training.prediction_folder import Wish

V = TypeVar("V")

MOST_MODELS = 4
"""Networks in memory: two sides of a comparison, and where the slider was before."""

MOST_SUBJECTS = 4
"""Samples that are kept open: a membrane with its density takes tens of megabytes."""

WORDS = {"volume": "a tomogram", "mesh": "a membrane"}
PLURAL = {"volume": "tomograms", "mesh": "membranes"}


@dataclass(frozen=True)
class Model:
    """A checkpoint in memory, and what its file says of itself."""

    predictor: Predictor
    task: str
    file: FileStamp
    voxel_size_A: float
    name: str
    step: int
    score: float | None


class PredictionModels:
    """Reads checkpoints and opens samples, and keeps the last few.

    Parameters
    ----------
    base : Path
        The project's folder; stamps of files in it are relative.
    task_of : callable
        Tells the task of a checkpoint file.
    """

    def __init__(self, base: Path, task_of: Callable[[Path], Task] = task_of) -> None:
        self._base = base
        self._task_of = task_of
        self._models: OrderedDict[Hashable, Model] = OrderedDict()
        self._subjects: OrderedDict[Hashable, Subject] = OrderedDict()

    def model(self, path: Path, device: torch.device) -> Model:
        """Return a checkpoint on a device.

        Raises
        ------
        TomoscribeError
            If it is none, damaged, or of a task that this version does not know.
        """
        file = self.stamp(path)
        key = (file, str(device))
        return _kept(self._models, key, MOST_MODELS, lambda: self._read(path, file, device))

    def subject(self, wish: Wish, model: Model) -> Subject:
        """Return what the model's task opens for the sample of a wish.

        Raises
        ------
        TomoscribeError
            If it is of another kind than the model predicts on, or cannot be read.
        """
        kind = model.predictor.kind
        if kind != wish.kind:
            raise TomoscribeError(
                f"{Path(wish.checkpoint).name} was trained on {PLURAL[kind]}, but "
                f"'{wish.sample}' is {WORDS[wish.kind]}; choose a checkpoint that was trained on "
                f"{PLURAL[wish.kind]}."
            )
        # A membrane keeps its densities, so that it does without a tomogram that is not there.
        tomogram = if_there(wish.tomogram)
        key = (
            model.task, wish.volume_path, wish.voxel_size_A, tomogram,
            self.stamp_of_sample(wish),
        )  # fmt: skip
        return _kept(
            self._subjects,
            key,
            MOST_SUBJECTS,
            lambda: model.predictor.open(wish.volume_path, wish.voxel_size_A, tomogram),
        )

    def stamp(self, checkpoint: Path) -> FileStamp:
        """Return which file a checkpoint is.

        Raises
        ------
        TomoscribeError
            If it is not there.
        """
        try:
            return FileStamp.of(checkpoint, self._base)
        except OSError as error:
            raise TomoscribeError(
                f"The checkpoint {checkpoint} cannot be read ({error.strerror}); it may have been "
                "removed or its disk is not there. Choose another one."
            ) from error

    def stamp_of_sample(self, wish: Wish) -> FileStamp | None:
        """Return which file a sample is; None for an address, or where it cannot be told."""
        if "://" in wish.volume_path:
            return None
        try:
            return FileStamp.of(Path(wish.volume_path), self._base)
        except OSError:  # its predictor tells what is wrong
            return None

    def clear(self) -> None:
        """Let all go, so that memory is free."""
        self._models.clear()
        self._subjects.clear()

    def _read(self, path: Path, file: FileStamp, device: torch.device) -> Model:
        task = self._task_of(path)
        state = read_checkpoint(path)
        run: dict[str, Any] = state.get(RUN_KEY, {})
        score = run.get("score")
        return Model(
            predictor=task.load(path, device),
            task=task.name,
            file=file,
            voxel_size_A=float(state.get("voxel_size_A", 0.0)),
            name=str(run.get("name", path.stem)),
            step=int(run.get("step", 0)),
            score=None if score is None else float(score),
        )


def _kept(kept: OrderedDict[Hashable, V], key: Hashable, most: int, make: Callable[[], V]) -> V:
    """Return what is kept under a key, made if need be; the least used goes."""
    if key not in kept:
        while len(kept) >= most:
            kept.popitem(last=False)
        kept[key] = make()
    kept.move_to_end(key)
    return kept[key]
