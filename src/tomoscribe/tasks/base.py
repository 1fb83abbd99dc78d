"""What a task must bring. Adding a task adds one folder and one row in `tasks.table`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from tomoscribe.coords import binned_to_voxels

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.project.model import ParticleClass, TrainingData
    from tomoscribe.segmentation.labels import LabelClass
    from tomoscribe.tasks.settings import TrainingSettings


Subject = Any
"""What a predictor has opened to predict on: a `Volume`, a `Membrane`. Only the predictor that
opened it looks inside; everybody else hands it on."""


@dataclass(frozen=True)
class Grid:
    """The grid of a prediction: `bin` tomogram voxels an axis average into one of its voxels."""

    kind: ClassVar[Literal["volume", "mesh"]] = "volume"

    shape_zyx: tuple[int, int, int]
    bin: int

    def to_tomogram(self, zyx: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return tomogram voxels of grid positions (N, 3)."""
        return binned_to_voxels(zyx, self.bin)


@dataclass(frozen=True)
class MeshGrid(Grid):
    """The grid of a prediction on a membrane, (1, 1, V): its voxel i is vertex i of the mesh."""

    kind: ClassVar[Literal["volume", "mesh"]] = "mesh"

    membrane: Membrane

    @classmethod
    def of(cls, membrane: Membrane) -> MeshGrid:
        """Return the grid of a membrane."""
        return cls((1, 1, len(membrane.mesh.vertices_zyx)), 1, membrane)


@dataclass(frozen=True)
class Block:
    """A finished box of heatmap: scores (class, z, y, x) in 0..1, float32.

    Its first voxel is voxel `lo_zyx` of the grid.
    """

    lo_zyx: tuple[int, int, int]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Focus:
    """Where the user looks: a point and the visible box around it, tomogram voxels zyx.

    A thickness of 1 or less along an axis means that one slice across it is in view.
    """

    center_zyx: tuple[float, float, float]
    lo_zyx: tuple[float, float, float]
    hi_zyx: tuple[float, float, float]


@dataclass(frozen=True)
class FoundPicks:
    """Decoded picks of one class: (N, 3) tomogram voxels zyx, and scores (N,), best first.

    On a membrane also outward unit normals (N, 3) zyx, and rotations about them in degrees (N,)
    where the task tells them.
    """

    class_name: str
    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]
    normals_zyx: NDArray[np.float64] | None = None
    angles_deg: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Evaluation:
    """A validation: `score` ranks checkpoints.

    `thresholds` by class name are what the tool would choose; `decoder` are the settings with
    which the maps of a segmentation become objects (`segmentation.decoders.DecoderSettings`).
    """

    score: float
    metrics: dict[str, float]
    thresholds: dict[str, float]
    decoder: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingStatus:
    """What a task made of the labels, for the status line.

    Parameters
    ----------
    used : int
        Accepted picks that it learns from.
    total : int
        All accepted picks: used, held out, on samples that are not used, outside, of other classes.
    held_out : int
        Accepted picks that only judge, on samples that validate too.
    rejected : int
        Counter-examples that it learns from, junk too; they are no part of the total.
    warnings : tuple of str
        Sentences for the user.
    of_class : mapping of str to int
        How many of the used are of each class, where a class has voxels.
    """

    used: int
    total: int
    held_out: int
    rejected: int = 0
    warnings: tuple[str, ...] = field(default=())
    of_class: Mapping[str, int] = field(default_factory=dict)


class Predictor(Protocol):
    """A frozen model that needs to be told nothing.

    It holds weights, normalisation, voxel size, classes and thresholds.
    """

    kind: ClassVar[Literal["volume", "mesh"]]
    """What it predicts on, as in `Grid`."""

    @property
    def classes(self) -> tuple[ParticleClass, ...]:
        """What it picks; empty where it segments."""
        ...

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the maps that it predicts, in their order.

        The classes, and what else decoding needs, as `mito contour`.
        """
        ...

    @property
    def thresholds(self) -> dict[str, float]:
        """The chosen score by name of the map."""
        ...

    def open(
        self, path: str, voxel_size_A: VoxelSize | None = None, tomogram: str | None = None
    ) -> Subject:
        """Open what is to be predicted: a tomogram, or the container of a membrane.

        Parameters
        ----------
        path : str
            A sample's `volume_path`.
        voxel_size_A : float, (z, y, x) tuple of float or None
            Overrides what the file says.
        tomogram : str or None
            Of a membrane: its tomogram, where the container does not lead to it.

        Raises
        ------
        TomoscribeError
            If it cannot be read.
        """
        ...

    def grid(self, subject: Subject) -> Grid:
        """Return the grid of a prediction of `subject`.

        Raises
        ------
        TomoscribeError
            If the voxel size is unknown or differs by more than 5 % from what was trained on.
        """
        ...

    def blocks(self, subject: Subject, focus: Focus | None = None) -> Iterator[Block]:
        """Yield finished blocks that cover the whole grid, those nearest to `focus` first."""
        ...

    def decode(
        self, heatmap: NDArray[np.float32], grid: Grid, min_score: float = 0.0
    ) -> list[FoundPicks]:
        """Return the picks of a whole heatmap (class, z, y, x): suppressed by radius, sub-voxel."""
        ...


@runtime_checkable
class SlicePredictor(Predictor, Protocol):
    """A predictor that can answer the slice in view before anything else."""

    def slice_first(self, subject: Subject, focus: Focus) -> Block:
        """Return a thin block on the slice in view, as fast as possible; a small halo will do."""
        ...


@runtime_checkable
class SegmentingPredictor(Predictor, Protocol):
    """A predictor of maps that become classes or objects of voxels, not picks."""

    label_classes: tuple[LabelClass, ...]
    """What it segments."""

    decoder: dict[str, dict[str, Any]]
    """Settings by class that suit its maps; a class without has the default ones."""

    task: str
    """semantic, or instance, which tells objects apart."""

    @property
    def exclusive(self) -> bool:
        """Whether a voxel is of one class at most."""
        ...


@runtime_checkable
class TurnablePredictor(Predictor, Protocol):
    """A predictor whose blocks can go on from another place."""

    def blocks_left(
        self, subject: Subject, focus: Focus, done: Collection[tuple[int, int, int]]
    ) -> Iterator[Block]:
        """Yield the blocks that are left, those nearest to `focus` first.

        Parameters
        ----------
        subject : Subject
        focus : Focus
        done : collection of (int, int, int)
            `lo_zyx` of the blocks that `blocks`, begun with any focus, has yielded.
        """
        ...


class TaskModule(Protocol):
    """A training in memory: a LightningModule with these on top."""

    plan: dict[str, object]
    reasons: dict[str, str]

    def set_data(self, data: TrainingData) -> TrainingStatus:
        """Take (new) labels over; called between steps."""
        ...

    def set_progress(self, fraction: float) -> None:
        """Tell before each step how much of the budget is used, 0..1: it drives the schedules."""
        ...

    def evaluate(self, should_stop: Callable[[], bool] | None = None) -> Evaluation | None:
        """Validate the EMA weights on what was held out; None where `should_stop` ended it."""
        ...

    def predictor(self) -> Predictor:
        """Return a frozen copy of the EMA weights with the thresholds of the last evaluation."""
        ...

    def checkpoint(self) -> dict[str, Any]:
        """Return all that prediction and resuming need.

        Tensors, numbers, strings, lists and dicts only.
        """
        ...

    def restore(self, state: dict[str, Any], *, weights_only: bool) -> None:
        """Take a checkpoint over.

        Weights alone (continue from), or optimizer, step and random state too (resume).
        """
        ...


class Task(Protocol):
    """One row of the table of tasks."""

    name: str

    def build(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        device: torch.device,
        start: dict[str, Any] | None = None,
    ) -> TaskModule:
        """Plan and build a training.

        `start` is the checkpoint that will be restored, if any: the plan takes from it what its
        weights need, so that it goes on whatever the time or the device now are.

        Raises
        ------
        TomoscribeError
            If the data cannot be trained on: no picks, no diameter, unknown voxel size. Or if
            `start` is of another task.
        """
        ...

    def load(self, checkpoint: Path, device: torch.device) -> Predictor:
        """Load a checkpoint for prediction, with `weights_only`.

        Raises
        ------
        TomoscribeError
            If the file is no checkpoint of this task.
        """
        ...
