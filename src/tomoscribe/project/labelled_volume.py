"""Facts of a volume that are asked for at every new stroke, remembered until it changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.io.volumes import open_volume, require_finite

if TYPE_CHECKING:
    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.segmentation.labels import Triple


@dataclass(frozen=True)
class VolumeFacts:
    """Size and voxel edges in Å (None: unknown) of a volume; `cubes_assumed` as `Volume` has it."""

    shape_zyx: Triple
    voxel_sizes_zyx_A: tuple[float, float, float] | None
    cubes_assumed: bool = False


def changed_us(address: str) -> int:
    """Return when a file or folder was changed last, in µs; 0 for what cannot be asked."""
    try:
        return Path(address.partition("::")[0]).stat().st_mtime_ns // 1000
    except OSError:
        return 0


def volume_facts(address: str, voxel_size_A: VoxelSize | None = None) -> VolumeFacts:
    """Return the facts of a volume.

    Raises
    ------
    TomoscribeError
        If it cannot be opened.
    """
    return _facts(address, voxel_size_A, changed_us(address))


@lru_cache(maxsize=1024)
def _facts(address: str, voxel_size_A: VoxelSize | None, stamp: int) -> VolumeFacts:
    volume = open_volume(address, voxel_size_A)
    return VolumeFacts(volume.shape_zyx, volume.voxel_sizes_zyx_A, volume.cubes_assumed)


def check_finite(address: str) -> None:
    """Check that all voxels of a volume are numbers: a training must not find out in an hour.

    Raises
    ------
    TomoscribeError
        If some are NaN or infinite, or cannot be read.
    """
    _check_finite(address, changed_us(address))


@lru_cache(maxsize=256)
def _check_finite(address: str, stamp: int) -> None:
    data = open_volume(address).data
    if np.dtype(data.dtype).kind == "f":
        for z in range(data.shape[0]):
            require_finite(np.asarray(data[z]), address, f"section z = {z} of ")
