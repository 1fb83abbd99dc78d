"""OME-Zarr images (0.4 and 0.5), local or at an address that fsspec knows, such as s3://."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zarr
import zarr.errors
import zarr.storage

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import IndexedArray
from tomoscribe.io.multiscale import multiscale_of, open_level
from tomoscribe.io.n5 import is_n5, refused
from tomoscribe.io.opened import Opened
from tomoscribe.io.remote import is_address, open_remote_node


def open_zarr(place: str, inner: str | None) -> Opened:
    """Open one resolution level of an OME-Zarr image, or a plain 3D zarr array.

    Parameters
    ----------
    place : str
        Folder or address.
    inner : str or None
        Number of the resolution level, 0 (the finest) by default, the path of an array, or the
        voxel edges in nm that are wanted, `@8,8,8` (`multiscale`); behind a path too.

    Raises
    ------
    TomoscribeError
        If nothing can be read there, or it is no 3D image.
    """
    node = open_node(place)
    if isinstance(node, zarr.Array):
        if inner is not None:
            raise TomoscribeError(f"{place} is a single array and has no {inner}.")
        return Opened(data=_volume(place, node, node.ndim - 3))
    multiscale = multiscale_of(place, node)
    if multiscale is not None:
        return open_level(multiscale, inner)
    return _open_plain(place, node, inner)


def open_node(place: str) -> zarr.Array[Any] | zarr.Group:
    """Open a zarr group or array for reading.

    Raises
    ------
    TomoscribeError
        If there is none, or it cannot be read.
    """
    try:
        if not is_address(place):
            return zarr.open(zarr.storage.LocalStore(Path(place), read_only=True), mode="r")
        return open_remote_node(place)
    except (FileNotFoundError, zarr.errors.BaseZarrError, KeyError) as error:
        if is_n5(place):
            raise refused(place) from error
        raise TomoscribeError(f"There is no zarr image at {place}.") from error
    except (OSError, ValueError, ImportError) as error:
        raise TomoscribeError(f"{place} cannot be read: {error}.") from error


def _volume(place: str, array: Any, lead: int) -> IndexedArray:
    """Return the last three axes of an array, at the first index of the others."""
    if lead < 0 or array.dtype.kind not in "iufb":
        raise TomoscribeError(f"{place} is no 3D image: its shape is {tuple(array.shape)}.")
    return IndexedArray(array, (0,) * lead)


def _open_plain(place: str, group: zarr.Group, inner: str | None) -> Opened:
    path, mark, scale = (inner or "").partition("@")
    if path:
        within = path.strip("/")
        array = group.get(within)
        if isinstance(array, zarr.Array) and not mark:
            return Opened(data=_volume(place, array, array.ndim - 3))
        if array is not None:
            return open_zarr(f"{place}/{within}", mark + scale or None)
        raise TomoscribeError(f"{place} has no {within}.")
    if mark:
        raise TomoscribeError(
            f"{place} has no multiscale metadata, so that no level can be chosen for {scale} nm: "
            "name an array in it instead."
        )
    arrays = [a for _, a in group.arrays() if a.ndim >= 3]
    if len(arrays) == 1:
        return Opened(data=_volume(place, arrays[0], arrays[0].ndim - 3))
    names = ", ".join(sorted(group.keys())[:6]) or "nothing"
    raise TomoscribeError(
        f"{place} is not an OME-Zarr image and it is not clear which array is meant "
        f"(it has {names}): name one, as in {place}::NAME."
    )
