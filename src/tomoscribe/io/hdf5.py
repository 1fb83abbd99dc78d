"""Volumes in HDF5 files."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import IndexedArray
from tomoscribe.io.opened import MAY_BE_NM, Opened, unit_in_A

_LIKELY = ("raw", "data", "volume", "tomogram", "image", "reconstruction")
"""Dataset names of which one among several is taken as the image."""
_SIZE_NAMES = {
    "voxel_size_A": "angstrom",
    "element_size_um": "um",
    "voxel_size": None,
    "pixel_size": None,
}
"""Attributes that hold voxel sizes, one number or z y x, and their unit where the name has it."""


def open_hdf5(place: str, inner: str | None) -> Opened:
    """Open a dataset of an HDF5 file; `inner` names it where there are several.

    Raises
    ------
    TomoscribeError
        If it is no HDF5 file, or it is not clear which dataset is meant.
    """
    try:
        # Without a lock, a program that is still writing goes on undisturbed.
        file = h5py.File(place, "r", locking=False)
    except OSError as error:
        raise TomoscribeError(f"{place} is not an HDF5 file, or is cut off.") from error
    notes: tuple[str, ...] = ()
    if inner is not None:
        dataset = file.get(inner)
        if not isinstance(dataset, h5py.Dataset) or not _is_volume(dataset):
            raise TomoscribeError(f"{place} has no volume {inner}; it has: {_names(file)}.")
    else:
        dataset, notes = _choose(place, file)
    sizes, size_notes = voxel_sizes_of(file, dataset)
    lead = (0,) * (dataset.ndim - 3)
    return Opened(data=IndexedArray(dataset, lead), sizes_zyx_A=sizes, notes=(*notes, *size_notes))


def _is_volume(dataset: Any) -> bool:
    """Return whether a dataset is a 3D image, leading axes of length 1 allowed."""
    return (
        dataset.ndim >= 3
        and all(n == 1 for n in dataset.shape[:-3])
        and dataset.dtype.kind in "iufb"
        and min(dataset.shape[-3:]) > 0
    )


def _volumes(file: h5py.File) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and _is_volume(item):
            found.append(item)

    file.visititems(visit)
    return found


def _names(file: h5py.File) -> str:
    names = [str(d.name) for d in _volumes(file)]
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "none"


def _choose(place: str, file: h5py.File) -> tuple[h5py.Dataset, tuple[str, ...]]:
    volumes = _volumes(file)
    if not volumes:
        raise TomoscribeError(f"{place} holds no three-dimensional image.")
    if len(volumes) == 1:
        return volumes[0], ()
    for name in _LIKELY:
        named = [d for d in volumes if str(d.name).rsplit("/", 1)[-1].lower() == name]
        if len(named) == 1:
            return named[0], (f"Of {len(volumes)} volumes in the file, {named[0].name} is read.",)
    raise TomoscribeError(
        f"{place} holds several volumes ({_names(file)}): "
        f"name one, as in {place}::{volumes[0].name}."
    )


def voxel_sizes_of(
    file: h5py.File, dataset: h5py.Dataset
) -> tuple[tuple[float, float, float], tuple[str, ...]]:
    """Return voxel sizes z y x in Å from attributes of the dataset, its group or the file.

    NaN where they do not tell; with notes on what was taken for granted.
    """
    for holder in (dataset, dataset.parent, file):
        attributes = holder.attrs
        if "EMAN.apix_x" in attributes:
            z, y, x = (float(attributes[f"EMAN.apix_{a}"]) for a in "zyx")
            return (z, y, x), ()
        for name, unit in _SIZE_NAMES.items():
            if name not in attributes:
                continue
            values = np.asarray(attributes[name], dtype=np.float64).reshape(-1)
            said = unit or attributes.get("units", attributes.get("unit", ""))
            per_unit = unit_in_A(said)
            unit_unknown = f"The unit of {name} is not told; it is taken as Å. {MAY_BE_NM}"
            note = () if per_unit else (unit_unknown,)
            if len(values) in (1, 3):
                z, y, x = np.broadcast_to(values * (per_unit or 1.0), 3).tolist()
                return (z, y, x), note
    return (math.nan, math.nan, math.nan), ()
