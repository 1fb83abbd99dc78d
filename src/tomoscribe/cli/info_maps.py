"""What `tomoscribe info` says of a file of predicted maps, ours or AutoSeg's."""

from __future__ import annotations

from pathlib import Path

import h5py

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.score_maps import ScoreMaps, is_hdf5, open_score_maps


def describe_maps(path: str) -> list[str] | None:
    """Return what is known of predicted maps, one line each; None where a file holds an image."""
    local = is_hdf5(path) or Path(path).is_dir()
    if not local or not Path(path).exists():
        return None
    try:
        opened = open_score_maps(path)
    except TomoscribeError:  # Then it is no file of maps, and the reader of images has its say.
        return None
    try:
        return _lines(path, opened) if _holds_maps(opened) else None
    finally:
        opened.close()


def _holds_maps(opened: ScoreMaps) -> bool:
    """Tell maps from images: they have names, or, as AutoSeg's, four axes in HDF5."""
    four = isinstance(opened.data, h5py.Dataset) and opened.data.ndim == 4
    return bool(opened.header.maps) or four


def _lines(path: str, opened: ScoreMaps) -> list[str]:
    header, (count, *shape) = opened.header, opened.data.shape
    names = ", ".join(header.maps)
    unnamed = f"{count} without names, as AutoSeg writes them: name them with --map"
    sizes = header.voxel_size_zyx_nm
    size = "unknown: give it to `decode` with --voxel-size-nm"
    if sizes is not None:
        size = " x ".join(f"{edge:g}" for edge in sizes) + " nm"
    lines = [
        f"{path}: predicted maps: turn them into labels with `tomoscribe decode`.",
        f"  maps            {names or unnamed}",
        f"  shape (z y x)   {' x '.join(map(str, shape))}",
        f"  type            {opened.data.dtype.name}",
        f"  voxel size      {size}",
    ]
    if header.classes:
        lines.append(f"  classes         {', '.join(header.classes)}")
    return lines
