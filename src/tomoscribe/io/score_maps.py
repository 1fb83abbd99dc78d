"""Files of predicted maps: scores of 0..255 with the maps' names and all that decoding needs.

OME-Zarr or HDF5, axes map z y x. HDF5 files of other programs are read too, as AutoSeg's, whose
channels have no names.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import zarr
import zarr.errors

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.hdf5 import voxel_sizes_of
from tomoscribe.io.ome_zarr_write import create_ome_zarr
from tomoscribe.io.zarr_store import open_zarr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf")
DATASET = "maps"
_KEY = "tomoscribe"


@dataclass(frozen=True)
class MapsHeader:
    """What a file of maps tells of them.

    Parameters
    ----------
    maps : tuple of str
        Names; empty where the file does not tell.
    classes : tuple of str
    exclusive : bool
        A voxel has one class at most.
    decoder : dict
        Settings by class, as `DecoderSettings` has them.
    voxel_size_zyx_nm : tuple of float or None
    """

    maps: tuple[str, ...]
    classes: tuple[str, ...]
    exclusive: bool = True
    decoder: dict[str, Any] = field(default_factory=dict)
    voxel_size_zyx_nm: tuple[float, float, float] | None = None

    def _attributes(self) -> dict[str, Any]:
        return {
            "maps": list(self.maps),
            "classes": list(self.classes),
            "exclusive": self.exclusive,
            "decoder": self.decoder,
        }


@dataclass(frozen=True)
class ScoreMaps:
    """An opened file: `data[i]` reads map i, uint8 or float; (map, z, y, x)."""

    data: Any
    header: MapsHeader

    def close(self) -> None:
        """Close the file, where it is one that is held open."""
        if hasattr(self.data, "file"):
            self.data.file.close()


class _OneMap:
    """The dataset (z, y, x) of one map as (map, z, y, x), of which parts are read."""

    def __init__(self, array: h5py.Dataset) -> None:
        self.shape = (1, *array.shape)
        self.ndim = 4
        self.dtype = array.dtype
        self.file = array.file
        self._array = array

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        parts = key if isinstance(key, tuple) else (key,)
        if parts[0] is Ellipsis:
            return np.asarray(self._array[parts])[None]
        return np.asarray(np.asarray(self._array[parts[1:] or ...])[None][parts[0]])


def is_hdf5(path: str | Path) -> bool:
    """Return whether the file is to be HDF5, by its suffix."""
    return Path(path).suffix.lower() in HDF5_SUFFIXES


def create_score_maps(path: str | Path, shape_zyx: tuple[int, int, int], header: MapsHeader) -> Any:
    """Create a file of maps and return its array (map, z, y, x) uint8, all 0, to be filled.

    Chunks may be written in any order. A zarr array needs no closing; that of an HDF5 file is
    whole once `array.file.close()` was called.

    Parameters
    ----------
    path : str or Path
        .zarr, .h5 or .hdf5; what is there is replaced.
    shape_zyx : tuple of int
    header : MapsHeader
        With the voxel size.

    Raises
    ------
    TomoscribeError
        If it cannot be written there, or the suffix is another.
    """
    sizes = header.voxel_size_zyx_nm
    if sizes is None:
        raise TomoscribeError(f"{path} needs a voxel size in nm.")
    shape = (len(header.maps), *shape_zyx)
    if Path(path).suffix.lower() == ".zarr":
        return create_ome_zarr(path, shape, "uint8", sizes, {_KEY: header._attributes()})
    if not is_hdf5(path):
        raise TomoscribeError(f"{path}: predicted maps are written as .zarr or .h5.")
    try:
        file = h5py.File(path, "w")
    except OSError as error:
        raise TomoscribeError(f"Cannot write {path}: {error.strerror or error}.") from error
    chunks = (1, *(min(64, n) for n in shape_zyx))
    array = file.create_dataset(DATASET, shape, "uint8", chunks=chunks, compression="gzip")
    array.attrs["element_size_um"] = [s / 1000 for s in sizes]
    array.attrs[_KEY] = json.dumps(header._attributes())
    return array


def open_score_maps(path: str | Path) -> ScoreMaps:
    """Open a file of predicted maps without reading them.

    Raises
    ------
    TomoscribeError
        If it is missing, broken, or holds no maps.
    """
    if not Path(path).exists():
        raise TomoscribeError(f"There is no file {path}.")
    if Path(path).is_file() and not is_hdf5(path):
        raise TomoscribeError(
            f"{path} is no file of predicted maps: those are the .zarr or .h5 that `predict` "
            "writes, or AutoSeg's OUTPUT.h5."
        )
    return _open_hdf5(Path(path)) if is_hdf5(path) else _open_zarr(Path(path))


def _open_zarr(path: Path) -> ScoreMaps:
    opened = open_zarr(str(path), None)
    try:
        group = zarr.open_group(str(path), mode="r")
        told: Any = group.attrs.get(_KEY)
        array: Any = group["0"]
    except (OSError, KeyError, zarr.errors.BaseZarrError) as error:
        raise TomoscribeError(f"{path} holds no predicted maps.") from error
    if not isinstance(told, dict) or not isinstance(array, zarr.Array) or array.ndim != 4:
        raise TomoscribeError(f"{path} holds no predicted maps: it does not name any.")
    sizes = opened.sizes_zyx_A
    known = not any(math.isnan(s) for s in sizes)
    nm = (sizes[0] / 10, sizes[1] / 10, sizes[2] / 10) if known else None
    return ScoreMaps(array, _header(path, told, nm, array.shape[0]))


def _open_hdf5(path: Path) -> ScoreMaps:
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise TomoscribeError(f"{path} is not an HDF5 file, or is cut off.") from error
    arrays = [a for a in file.values() if isinstance(a, h5py.Dataset) and a.ndim in (3, 4)]
    if DATASET in file and file[DATASET] in arrays:
        arrays = [file[DATASET]]
    if len(arrays) != 1 or arrays[0].dtype.kind not in "uf":
        raise TomoscribeError(f"{path} holds no predicted maps: no dataset '{DATASET}' of scores.")
    (array,) = arrays
    sizes, _ = voxel_sizes_of(file, array)
    known = not any(math.isnan(s) for s in sizes)
    nm = (sizes[0] / 10, sizes[1] / 10, sizes[2] / 10) if known else None
    data = array if array.ndim == 4 else _OneMap(array)
    told = array.attrs.get(_KEY)
    if told is None:
        return ScoreMaps(data, MapsHeader((), (), voxel_size_zyx_nm=nm))
    return ScoreMaps(data, _header(path, json.loads(told), nm, data.shape[0]))


def _header(
    path: Path, told: dict[str, Any], nm: tuple[float, float, float] | None, count: int
) -> MapsHeader:
    names: Sequence[str] = told.get("maps", ())
    if len(names) != count:
        raise TomoscribeError(f"{path} names {len(names)} maps, but holds {count}.")
    return MapsHeader(
        tuple(names),
        tuple(told.get("classes", ())),
        bool(told.get("exclusive", True)),
        dict(told.get("decoder", {})),
        nm,
    )
