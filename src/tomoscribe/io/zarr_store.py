"""OME-Zarr images (0.4 and 0.5), local or at an address that fsspec knows, such as s3://."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zarr
import zarr.errors
import zarr.storage

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import IndexedArray
from tomoscribe.io.opened import Opened, unit_in_A


def open_zarr(place: str, inner: str | None) -> Opened:
    """Open one resolution level of an OME-Zarr image, or a plain 3D zarr array.

    Parameters
    ----------
    place : str
        Folder or address.
    inner : str or None
        Number of the resolution level, 0 (the finest) by default, or the path of an array.

    Raises
    ------
    TomoscribeError
        If nothing can be read there, or it is no 3D image.
    """
    node = _open_node(place)
    if isinstance(node, zarr.Array):
        if inner is not None:
            raise TomoscribeError(f"{place} is a single array and has no {inner}.")
        return Opened(data=_volume(place, node, node.ndim - 3))
    attributes: dict[str, Any] = dict(node.attrs)
    # 0.5 keeps its metadata under a key of its own, 0.4 among the attributes.
    multiscales = attributes.get("ome", attributes).get("multiscales")
    if multiscales:
        return _open_level(place, node, multiscales[0], inner)
    return _open_plain(place, node, inner)


def _open_node(place: str) -> zarr.Array[Any] | zarr.Group:
    try:
        if "://" not in place:
            return zarr.open(zarr.storage.LocalStore(Path(place), read_only=True), mode="r")
        return _open_remote(place)
    except (FileNotFoundError, zarr.errors.BaseZarrError, KeyError) as error:
        raise TomoscribeError(f"There is no zarr image at {place}.") from error
    except (OSError, ValueError, ImportError) as error:
        raise TomoscribeError(f"{place} cannot be read: {error}.") from error


def _open_remote(place: str) -> zarr.Array[Any] | zarr.Group:
    """Open an address with the user's credentials; public buckets are read without any."""
    options: list[dict[str, Any]] = [{}]
    if place.startswith("s3://"):
        from botocore.exceptions import (  # type: ignore[import-untyped]
            BotoCoreError,
            ClientError,
        )

        options.append({"anon": True})
        refused: tuple[type[Exception], ...] = (PermissionError, BotoCoreError, ClientError)
    else:
        refused = (PermissionError,)
    reasons = []
    for option in options:
        try:
            store = zarr.storage.FsspecStore.from_url(place, storage_options=option, read_only=True)
            return zarr.open(store, mode="r")
        except refused as error:
            reasons.append(str(error))
    raise TomoscribeError(f"{place} cannot be read: {reasons[-1]}.")


def _volume(place: str, array: Any, lead: int) -> IndexedArray:
    """Return the last three axes of an array, at the first index of the others."""
    if lead < 0 or array.dtype.kind not in "iufb":
        raise TomoscribeError(f"{place} is no 3D image: its shape is {tuple(array.shape)}.")
    return IndexedArray(array, (0,) * lead)


def _open_plain(place: str, group: zarr.Group, inner: str | None) -> Opened:
    if inner is not None:
        array = group.get(inner.strip("/"))
        if isinstance(array, zarr.Array):
            return Opened(data=_volume(place, array, array.ndim - 3))
        if isinstance(array, zarr.Group):
            return open_zarr(f"{place}/{inner.strip('/')}", None)
        raise TomoscribeError(f"{place} has no {inner}.")
    arrays = [a for _, a in group.arrays() if a.ndim >= 3]
    if len(arrays) == 1:
        return Opened(data=_volume(place, arrays[0], arrays[0].ndim - 3))
    names = ", ".join(sorted(group.keys())[:6]) or "nothing"
    raise TomoscribeError(
        f"{place} is not an OME-Zarr image and it is not clear which array is meant "
        f"(it has {names}): name one, as in {place}::NAME."
    )


@dataclass(frozen=True)
class _Grid:
    """Scale and translation by axis, in the axes' units."""

    scale: list[float]
    translation: list[float]

    def after(self, transformations: list[dict[str, Any]]) -> _Grid:
        scale, translation = list(self.scale), list(self.translation)
        for step in transformations:
            if step.get("type") == "scale":
                factors = [float(v) for v in step["scale"]]
                scale = [a * b for a, b in zip(scale, factors, strict=True)]
                translation = [a * b for a, b in zip(translation, factors, strict=True)]
            elif step.get("type") == "translation":
                offsets = [float(v) for v in step["translation"]]
                translation = [a + b for a, b in zip(translation, offsets, strict=True)]
        return _Grid(scale, translation)


def _open_level(
    place: str, group: zarr.Group, multiscale: dict[str, Any], inner: str | None
) -> Opened:
    levels = multiscale["datasets"]
    chosen = inner or "0"
    by_path = {str(d["path"]): d for d in levels}
    if chosen.isdigit() and int(chosen) < len(levels):
        level = levels[int(chosen)]
    elif chosen.strip("/") in by_path:
        level = by_path[chosen.strip("/")]
    else:
        raise TomoscribeError(
            f"{place} has no resolution level {chosen}; it has 0 to {len(levels) - 1}."
        )
    array = group.get(str(level["path"]))
    if not isinstance(array, zarr.Array):
        raise TomoscribeError(f"{place} lacks the data of its resolution level {level['path']}.")
    axes = [a if isinstance(a, dict) else {"name": a} for a in multiscale.get("axes", [])]
    if not axes:
        axes = [{"name": n} for n in "tczyx"[-array.ndim :]]
    names = [str(a["name"]).lower() for a in axes]
    if names[-3:] != ["z", "y", "x"]:
        raise TomoscribeError(f"{place} is no volume with the axes z, y, x: it has {names}.")
    ones, zeros = [1.0] * array.ndim, [0.0] * array.ndim
    grid = _Grid(ones, zeros).after(level.get("coordinateTransformations", []))
    grid = grid.after(multiscale.get("coordinateTransformations", []))
    lead = array.ndim - 3
    notes = [
        f"The image has {n} along its axis {name}; the first is read."
        for name, n in zip(names[:lead], array.shape[:lead], strict=True)
        if n > 1
    ]
    units = [unit_in_A(a.get("unit", "")) for a in axes[-3:]]
    if any(u is None for u in units) and any(s != 1.0 for s in grid.scale[-3:]):
        notes.append("The image does not tell its unit of length; it is taken as Å.")
    z, y, x = (round(s * (u or 1.0), 6) for s, u in zip(grid.scale[-3:], units, strict=True))
    oz, oy, ox = (t * (u or 1.0) for t, u in zip(grid.translation[-3:], units, strict=True))
    known = bool(level.get("coordinateTransformations"))
    return Opened(
        data=_volume(place, array, lead),
        sizes_zyx_A=(z, y, x) if known else (math.nan,) * 3,
        origin_zyx_A=(oz, oy, ox),
        notes=tuple(notes),
    )
