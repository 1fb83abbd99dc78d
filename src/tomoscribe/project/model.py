"""Plain data of a project: classes, regions, tomograms, and what a training is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.table import Pick, PickState, PickTable

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.segmentation.labels import LabelClass, SampleLabels


class Role(StrEnum):
    """What a tomogram is used for."""

    TRAIN = "train"
    VALIDATE = "validate"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class ParticleClass:
    """A particle type; `diameter_A` in Å, `color` as #rrggbb."""

    name: str
    diameter_A: float
    color: str = "#e69f00"


@dataclass(frozen=True, slots=True)
class Region:
    """A box that the user declares complete: in it, what is not picked is background.

    `lo_zyx` and `hi_zyx` are voxel edges, lo <= position < hi; no class names mean all classes.
    """

    lo_zyx: tuple[float, float, float]
    hi_zyx: tuple[float, float, float]
    class_names: tuple[str, ...] = ()

    def contains(self, zyx: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which of the (N, 3) positions lie inside, as (N,) bool."""
        points = np.asarray(zyx, dtype=float).reshape(-1, 3)
        inside: NDArray[np.bool_] = np.all((points >= self.lo_zyx) & (points < self.hi_zyx), axis=1)
        return inside


@dataclass(frozen=True, slots=True)
class Patch:
    """A stroke of the brush that declares a part of a membrane complete, or takes it back.

    It covers the vertices of `membrane` within `radius` of `center_zyx` along the surface, both
    in voxels of the tomogram; later strokes count over earlier ones.
    """

    membrane: str
    center_zyx: tuple[float, float, float]
    radius: float
    erase: bool = False


@dataclass(frozen=True)
class TrainingSample:
    """A tomogram or a membrane as a training sees it.

    Picks are values, so that the viewer may go on editing. Of a membrane `volume_path` is its
    container, `tomogram` the path of its tomogram where somebody knows it better than the
    container, and `complete` tells that all of its particles are picked. `labels` are those of
    its voxels, for what is learned from painted labels; None where there are none.
    `voxel_sizes_zyx_A` are the edges by axis where they are known not to be those of a cube, or
    where the file tells others; they count over those of the opened volume.
    """

    name: str
    volume_path: str
    voxel_size_A: float
    role: Role
    picks: tuple[Pick, ...] = ()
    regions: tuple[Region, ...] = ()
    patches: tuple[Patch, ...] = ()
    complete: bool = False
    tomogram: str | None = None
    labels: SampleLabels | None = None
    voxel_sizes_zyx_A: tuple[float, float, float] | None = None

    @property
    def size(self) -> VoxelSize:
        """What `open_volume` takes: the edges where they are known, else that of x, in Å."""
        return self.voxel_sizes_zyx_A or self.voxel_size_A

    def of_class(self, class_name: str, state: PickState = PickState.ACCEPTED) -> list[Pick]:
        """Return the picks of one class in one review state."""
        return [p for p in self.picks if p.class_name == class_name and p.state == state]


@dataclass(frozen=True)
class TrainingData:
    """Everything that a training learns from.

    `revision` grows with every edit of the picks, so that a running worker
    knows when to read again. `warnings` are sentences for the user: what was odd
    in the data, and how it was read. `left_out` counts accepted picks that are on no sample:
    outside of their volume, or far from every membrane. `label_classes` are what voxels are
    labelled with; `exclusive` tells that a voxel is of one of them at most.
    """

    samples: tuple[TrainingSample, ...]
    classes: tuple[ParticleClass, ...]
    revision: int = 0
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    label_classes: tuple[LabelClass, ...] = ()
    exclusive: bool = True

    def with_role(self, role: Role) -> list[TrainingSample]:
        """Return the samples of one role."""
        return [s for s in self.samples if s.role == role]

    def teaches_as(self, other: TrainingData) -> bool:
        """Return whether a training would learn and be judged by the same.

        Proposals, samples that are not used, colours and the order of picks make no difference.
        """
        mine, theirs = ([(c.name, c.diameter_A) for c in d.classes] for d in (self, other))
        voxels = [([c.name for c in d.label_classes], d.exclusive) for d in (self, other)]
        return mine == theirs and voxels[0] == voxels[1] and self._taught() == other._taught()

    def _taught(self) -> list[tuple[object, ...]]:
        return [
            (
                s.name,
                s.volume_path,
                s.role,
                s.voxel_size_A,
                s.voxel_sizes_zyx_A,
                {
                    (p.class_name, p.zyx, p.state, p.membrane)
                    for p in s.picks
                    if p.state != PickState.PROPOSED
                },
                s.regions,
                s.patches,
                s.complete,
                None if s.labels is None else (s.labels.source, s.labels.version),
            )
            for s in self.samples
            if s.role != Role.UNUSED
        ]


@dataclass
class TomogramEntry:
    """A tomogram in a project. `voxel_size_A` overrides a header that lies or says nothing.

    `voxel_sizes_zyx_A` are its edges by axis where a person told them; picks are in that of x,
    which is `voxel_size_A` then too.
    """

    name: str
    path: Path
    voxel_size_A: float
    role: Role = Role.TRAIN
    regions: list[Region] = field(default_factory=list)
    picks: PickTable = field(default_factory=PickTable)
    patches: list[Patch] = field(default_factory=list)
    voxel_sizes_zyx_A: tuple[float, float, float] | None = None

    @property
    def size(self) -> VoxelSize:
        """What `open_volume` takes: the edges where they were told, else that of x, in Å."""
        return self.voxel_sizes_zyx_A or self.voxel_size_A

    @size.setter
    def size(self, size: VoxelSize) -> None:
        self.voxel_sizes_zyx_A = size if isinstance(size, tuple) else None
        self.voxel_size_A = float(size[2] if isinstance(size, tuple) else size)

    @property
    def address(self) -> str:
        """What `open_volume` takes: the path, or the address that `Path` has shortened (s3:/)."""
        text = str(self.path)
        scheme, colon, rest = text.partition(":/")
        # One letter is a drive of Windows.
        is_address = bool(colon) and len(scheme) > 1 and scheme.isalnum()
        return f"{scheme}://{rest}" if is_address else text


@dataclass
class MembraneEntry:
    """A membrane in a project: its container, the tomogram that it lies in, what it is used for.

    Names are unique among tomograms and membranes together. Its picks are those of the
    tomogram that name it.
    """

    name: str
    path: Path
    tomogram: str
    role: Role = Role.TRAIN
