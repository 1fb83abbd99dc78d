"""The OME-Zarr metadata (format 0.4) with which other programs open a painting."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
