"""OME-Zarr 0.5 images of one resolution level, to be filled block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zarr
import zarr.errors

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import DTypeLike

LEVEL = "0"
_CHUNK = 64


def create_ome_zarr(
    path: str | Path,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    voxel_size_zyx_nm: tuple[float, float, float],
    attributes: dict[str, Any] | None = None,
    origin_zyx_nm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    chunk_zyx: tuple[int, int, int] = (_CHUNK, _CHUNK, _CHUNK),
) -> zarr.Array[Any]:
    """Create an image and return its array, all 0; what was at `path` is replaced.

    Parameters
    ----------
    path : str or Path
        Folder; its name should end in .zarr.
    shape : tuple of int
        (z, y, x) or (channel, z, y, x).
    dtype : data type
    voxel_size_zyx_nm, origin_zyx_nm : tuple of float
    attributes : dict, optional
        Further attributes of the image, as JSON has them.
    chunk_zyx : tuple of int
        Voxels of a chunk; each channel has chunks of its own.

    Raises
    ------
    TomoscribeError
        If it cannot be written there.
    """
    channels = len(shape) - 3
    axes: list[dict[str, str]] = [{"name": "c", "type": "channel"}] * channels
    axes += [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    scale = [1.0] * channels + [float(s) for s in voxel_size_zyx_nm]
    shift = [0.0] * channels + [float(o) for o in origin_zyx_nm]
    steps = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": shift}]
    level = {"path": LEVEL, "coordinateTransformations": steps}
    ome: Any = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [level]}]}
    chunks = (1,) * channels + tuple(min(c, n) for c, n in zip(chunk_zyx, shape[-3:], strict=True))
    try:
        group = zarr.open_group(str(path), mode="w", zarr_format=3)
        group.attrs.put({"ome": ome, **(attributes or {})})
        return group.create_array(
            LEVEL,
            shape=shape,
            chunks=chunks,
            dtype=dtype,
            dimension_names=[a["name"] for a in axes],
        )
    except (OSError, zarr.errors.BaseZarrError) as error:
        raise TomoscribeError(f"Cannot write {path}: {error}.") from error
