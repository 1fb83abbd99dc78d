"""Whether sections lie as far apart as a network knows them; 2D networks see one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.sample_checks import same_voxel_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.io.volumes import Volume
    from tomoscribe.project.model import TrainingSample
    from tomoscribe.tasks.voxels.plan import VoxelPlan


def depth_A(volume: Volume) -> float | None:
    """Return the distance of sections in Å; None: nobody told it, or there is one section only."""
    sizes = volume.voxel_sizes_zyx_A
    if sizes is None or volume.cubes_assumed or volume.shape_zyx[0] == 1:
        return None
    return sizes[0]


def check_depth(volume: Volume, plan: VoxelPlan) -> None:
    """Check that the sections of an image lie as far apart as those of a training.

    Raises
    ------
    TomoscribeError
        If both are known and differ by more than 5 %, and the network looks across sections.
    """
    known, told = plan.voxel_size_zyx_nm[0], depth_A(volume)
    if told is None or _is_like(told, plan):
        return
    raise TomoscribeError(
        f"{volume.path} has sections {told / 10:g} nm apart, but the checkpoint was trained on "
        f"{known:g} nm and looks across sections ({plan.dimension}); resample the image to "
        f"{known:g} nm along z, correct its header if that is wrong, or use a 2d checkpoint."
    )


def check_depths(samples: Iterable[TrainingSample], plan: VoxelPlan) -> None:
    """Check that the sections of images of a training lie equally far apart.

    Raises
    ------
    TomoscribeError
        As `check_depth`.
    """
    for sample in samples:
        sizes = sample.voxel_sizes_zyx_A
        if sizes is None or _is_like(sizes[0], plan):
            continue
        told = depth_A(open_volume(sample.volume_path, sample.size))
        if told is not None:
            raise TomoscribeError(
                f"{sample.name} has sections {told / 10:g} nm apart, others that train "
                f"{plan.voxel_size_zyx_nm[0]:g} nm; train on images of one distance, correct it, "
                "or set the dimension of the network to 2d."
            )


def _is_like(told_A: float, plan: VoxelPlan) -> bool:
    if plan.dimension == "2d" or not plan.depth_known:
        return True
    return same_voxel_size(told_A, plan.voxel_size_zyx_nm[0] * 10)
