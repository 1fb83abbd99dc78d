"""OME-NGFF multiscale images (0.4 and 0.5): which level serves a wanted voxel size, and where.

A level is named by its number, by its path, or by the voxel edges in nm that are wanted of it
(`@8,8,8`, axes z y x): the level nearest to them is taken, and resampled where it is more than
one per cent off. Behind that, `[0:64,100:300,100:300]` cuts a box of such voxels out, which stays
where it is in the world.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import CroppedArray, IndexedArray
from tomoscribe.io.opened import MAY_BE_NM, Opened, unit_in_A, usable
from tomoscribe.io.resampled import Kind, ResampledArray

if TYPE_CHECKING:
    from tomoscribe.io.arrays import LazyArray

Sizes = tuple[float, float, float]
Box = tuple[tuple[int, int, int], tuple[int, int, int]]

SAME_SIZE = 0.01
"""A level whose voxel edges differ by at most this share is taken as it is."""

A_PER_NM = 10.0

MARK = "@"
"""Begins a wanted voxel size in an address."""

_WANTED = re.compile(r"@(?P<sizes>[^:\[]*)(?P<nearest>:nearest)?(\[(?P<box>[\d:,]*)\])?")


@dataclass(frozen=True)
class Level:
    """One resolution: voxel edges in Å (NaN: unknown) and the centre of its first voxel in Å."""

    path: str
    sizes_zyx_A: Sizes
    origin_zyx_A: Sizes


@dataclass(frozen=True)
class Multiscale:
    """What the metadata of a multiscale image tell, finest level first as they are written."""

    place: str
    group: zarr.Group
    levels: tuple[Level, ...]
    axes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def array(self, level: Level) -> zarr.Array[Any]:
        """Return the data of a level, with all of its axes.

        Raises
        ------
        TomoscribeError
            If they are not there.
        """
        found = self.group.get(level.path)
        if not isinstance(found, zarr.Array):
            raise TomoscribeError(
                f"{self.place} lacks the data of its resolution level {level.path}."
            )
        return found

    def volume(self, level: Level) -> tuple[LazyArray, tuple[str, ...]]:
        """Return a level as an array z y x, and notes about axes of which the first is read.

        Raises
        ------
        TomoscribeError
            If its data are not there.
        """
        array = self.array(level)
        lead = len(self.axes) - 3
        notes = [
            f"The image has {n} along its axis {name}; the first is read."
            for name, n in zip(self.axes[:lead], array.shape[:lead], strict=True)
            if n > 1
        ]
        return IndexedArray(array, (0,) * lead), tuple(notes)


def multiscale_of(place: str, group: zarr.Group) -> Multiscale | None:
    """Return what a group's metadata tell of a multiscale image; None where it is none.

    Raises
    ------
    TomoscribeError
        If the axes are not z, y, x, or metadata are broken.
    """
    attributes: dict[str, Any] = dict(group.attrs)
    # 0.5 keeps its metadata under a key of its own, 0.4 among the attributes.
    found = attributes.get("ome", attributes).get("multiscales")
    if not found:
        return None
    try:
        return _parsed(place, group, found[0])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TomoscribeError(
            f"The multiscale metadata of {place} are broken ({type(error).__name__}: {error})."
        ) from error


def open_level(multiscale: Multiscale, inner: str | None) -> Opened:
    """Open one level, or the image at a wanted voxel size.

    Parameters
    ----------
    multiscale : Multiscale
    inner : str or None
        Number or path of a level, 0 by default; or `@z,y,x` or `@size`, voxel edges in nm,
        with `:nearest` behind them where the voxels are labels, and a box of such voxels.

    Raises
    ------
    TomoscribeError
        If there is no such level.
    """
    if inner is not None and inner.startswith(MARK):
        sizes_A, kind, box = _wanted(multiscale.place, inner)
        opened = open_at(multiscale, sizes_A, kind)
        return opened if box is None else _cut(f"{multiscale.place}::{inner}", opened, box)
    chosen = (inner or "0").strip("/")
    by_path = {level.path: level for level in multiscale.levels}
    if chosen.isdigit() and int(chosen) < len(multiscale.levels):
        level = multiscale.levels[int(chosen)]
    elif chosen in by_path:
        level = by_path[chosen]
    else:
        raise TomoscribeError(
            f"{multiscale.place} has no resolution level {chosen}; "
            f"it has 0 to {len(multiscale.levels) - 1}."
        )
    data, notes = multiscale.volume(level)
    return Opened(data, level.sizes_zyx_A, level.origin_zyx_A, notes=(*notes, *multiscale.notes))


def open_at(multiscale: Multiscale, sizes_zyx_A: Sizes, kind: Kind = "linear") -> Opened:
    """Open an image at a voxel size in Å; where no level has it, the nearest is resampled.

    Raises
    ------
    TomoscribeError
        If the image does not tell its voxel sizes.
    """
    level = level_for(multiscale, sizes_zyx_A)
    data, notes = multiscale.volume(level)
    notes = (*notes, *multiscale.notes)
    if _distance(level.sizes_zyx_A, sizes_zyx_A) <= math.log1p(SAME_SIZE):
        return Opened(data, level.sizes_zyx_A, level.origin_zyx_A, notes=notes)
    has, wants = np.array(level.sizes_zyx_A), np.array(sizes_zyx_A)
    z, y, x = wants / has
    # The outer edge stays; the first centre is half a voxel inside of it.
    oz, oy, ox = np.array(level.origin_zyx_A) + (wants - has) / 2
    return Opened(
        ResampledArray(data, (float(z), float(y), float(x)), kind),
        sizes_zyx_A,
        (float(oz), float(oy), float(ox)),
        notes=notes,
    )


def level_for(multiscale: Multiscale, sizes_zyx_A: Sizes) -> Level:
    """Return the level whose voxel edges have the smallest relative difference; finer on a tie.

    Raises
    ------
    TomoscribeError
        If the image does not tell its voxel sizes.
    """
    known = [level for level in multiscale.levels if all(usable(s) for s in level.sizes_zyx_A)]
    if not known:
        raise TomoscribeError(
            f"{multiscale.place} does not tell its voxel sizes, so that none can be chosen: "
            "name a resolution level, as in ::0."
        )
    return min(
        known,
        key=lambda level: (
            round(_distance(level.sizes_zyx_A, sizes_zyx_A), 6),
            math.prod(level.sizes_zyx_A),
        ),
    )


def address_at(place: str, scale_zyx_nm: Sizes, box: Box | None = None) -> str:
    """Return the address of an image at a scale in nm, or of a box lo, hi of its voxels."""
    cut = "" if box is None else f"[{','.join(f'{a}:{b}' for a, b in zip(*box, strict=True))}]"
    return f"{place}::{MARK}{','.join(f'{s:g}' for s in scale_zyx_nm)}{cut}"


def _cut(address: str, opened: Opened, box: Box) -> Opened:
    shape, (lo, hi) = opened.data.shape, box
    if not all(0 <= a < b <= n for a, b, n in zip(lo, hi, shape, strict=True)):
        raise TomoscribeError(
            f"{address}: the box is empty or reaches beyond the image, which has "
            f"{' x '.join(map(str, shape))} voxels (z, y, x)."
        )
    origin = np.array(opened.origin_zyx_A or (0.0,) * 3) + np.array(opened.sizes_zyx_A) * lo
    oz, oy, ox = (float(v) for v in origin)
    return replace(opened, data=CroppedArray(opened.data, lo, hi), origin_zyx_A=(oz, oy, ox))


def _distance(one: Sizes, other: Sizes) -> float:
    return max(abs(math.log(a / b)) for a, b in zip(one, other, strict=True))


def _wanted(place: str, inner: str) -> tuple[Sizes, Kind, Box | None]:
    found = _WANTED.fullmatch(inner)
    try:
        if found is None:
            raise ValueError(inner)
        sizes = [float(part) * A_PER_NM for part in found["sizes"].split(",")]
        z, y, x = sizes * 3 if len(sizes) == 1 else sizes
        if not all(map(usable, sizes)):
            raise ValueError(inner)
        box = None
        if found["box"] is not None:
            (z0, z1), (y0, y1), (x0, x1) = (
                map(int, part.split(":")) for part in found["box"].split(",")
            )
            box = ((z0, y0, x0), (z1, y1, x1))
    except ValueError:
        raise TomoscribeError(
            f"{place}::{inner} names no voxel size: give its edges in nm as in ::@8,8,8 (z, y, "
            "x), and a box as in ::@8,8,8[0:64,100:300,100:300]."
        ) from None
    return (z, y, x), "nearest" if found["nearest"] else "linear", box


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


def _parsed(place: str, group: zarr.Group, multiscale: dict[str, Any]) -> Multiscale:
    datasets = multiscale["datasets"]
    axes = [a if isinstance(a, dict) else {"name": a} for a in multiscale.get("axes", [])]
    if not axes:
        scales = [t["scale"] for t in datasets[0].get("coordinateTransformations", [])[:1]]
        first = group.get(str(datasets[0]["path"]))
        length = len(scales[0]) if scales else getattr(first, "ndim", 3)
        axes = [{"name": n} for n in "tczyx"[-length:]]
    names = [str(a["name"]).lower() for a in axes]
    if names[-3:] != ["z", "y", "x"]:
        raise TomoscribeError(f"{place} is no volume with the axes z, y, x: it has {names}.")
    units = [unit_in_A(a.get("unit", "")) for a in axes[-3:]]
    grids = [
        _Grid([1.0] * len(axes), [0.0] * len(axes))
        .after(d.get("coordinateTransformations", []))
        .after(multiscale.get("coordinateTransformations", []))
        for d in datasets
    ]
    notes: tuple[str, ...] = ()
    scaled = any(s != 1.0 for grid in grids for s in grid.scale[-3:])
    if any(u is None for u in units) and scaled:
        notes = (f"The image does not tell its unit of length; it is taken as Å. {MAY_BE_NM}",)
    factors = [u or 1.0 for u in units]
    levels = []
    for dataset, grid in zip(datasets, grids, strict=True):
        z, y, x = (round(s * u, 6) for s, u in zip(grid.scale[-3:], factors, strict=True))
        oz, oy, ox = (t * u for t, u in zip(grid.translation[-3:], factors, strict=True))
        known = bool(dataset.get("coordinateTransformations"))
        sizes = (z, y, x) if known else (math.nan,) * 3
        levels.append(Level(str(dataset["path"]), sizes, (oz, oy, ox)))
    return Multiscale(place, group, tuple(levels), tuple(names), notes)
