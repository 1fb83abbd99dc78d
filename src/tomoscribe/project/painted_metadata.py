"""The OME-Zarr metadata (format 0.4) with which other programs open a painting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.segmentation.labels import Triple


def array_metadata(shape_zyx: Triple, chunk_zyx: Triple, level: int) -> dict[str, object]:
    """Return what `.zarray` tells of uint16 values in chunks that zlib compressed at `level`."""
    return {
        "zarr_format": 2,
        "shape": list(shape_zyx),
        "chunks": list(chunk_zyx),
        "dtype": "<u2",
        "compressor": {"id": "zlib", "level": level},
        "fill_value": 0,
        "filters": None,
        "order": "C",
        "dimension_separator": "/",
    }


def group_attributes(
    array: str, voxel_sizes_zyx_A: tuple[float, float, float] | None
) -> dict[str, object]:
    """Return what `.zattrs` tells of the labels in `array`; voxel edges in Å, None: unknown."""
    axes: list[dict[str, str]] = [{"name": name, "type": "space"} for name in "zyx"]
    if voxel_sizes_zyx_A is not None:
        axes = [{**axis, "unit": "angstrom"} for axis in axes]
    scale = {"type": "scale", "scale": list(voxel_sizes_zyx_A or (1.0, 1.0, 1.0))}
    level = {"path": array, "coordinateTransformations": [scale]}
    return {
        "multiscales": [{"version": "0.4", "name": "labels", "axes": axes, "datasets": [level]}],
        "image-label": {"version": "0.4"},
    }


def stored_shape(file: Path, chunk_zyx: Triple) -> Triple:
    """Return the voxels z, y, x that a `.zarray` tells.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or is not of a painting.
    """
    content = read_json(file)
    try:
        z, y, x = (int(n) for n in content["shape"])
        known = tuple(content["chunks"]) == chunk_zyx and content["dtype"] == "<u2"
    except (KeyError, TypeError, ValueError):
        known = False
    if not known:
        raise TomoscribeError(f"{file} is no painting of tomoscribe: move it away.")
    return z, y, x


def read_json(file: Path) -> Any:
    """Return what a file of a painting holds.

    Raises
    ------
    TomoscribeError
        If it cannot be read.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TomoscribeError(f"Cannot read {file} ({error.strerror or error}).") from error
    except ValueError as error:
        raise TomoscribeError(f"{file} is damaged: restore it from a copy.") from error
