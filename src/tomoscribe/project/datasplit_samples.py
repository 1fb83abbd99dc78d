"""What a training learns from by a datasplit: crops in their images, at one scale."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io import remote
from tomoscribe.io.multiscale import A_PER_NM, address_at
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.classes import class_color
from tomoscribe.project.datasplit import read_rows
from tomoscribe.project.model import Role, TrainingSample
from tomoscribe.project.names import free_name, safe_name
from tomoscribe.segmentation.labels import LabelClass, SampleLabels
from tomoscribe.segmentation.multiscale_labels import (
    Frame,
    MultiscaleLabels,
    finest_sizes_A,
    has_class,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomoscribe.project.datasplit import DatasplitRow

    Sizes = tuple[float, float, float]
    Box = tuple[tuple[int, int, int], tuple[int, int, int]]

CONTEXT = 64
"""Voxels of the image around a crop that a training sees too."""

LEAST_EDGE = 256
"""Where a crop is smaller, more is seen around it, so that a window fits."""

_AT_ONCE = 8
"""Crops that are opened at the same time: a bucket answers each question late."""


@dataclass(frozen=True)
class Datasplit:
    """A datasplit as a training sees it: a sample a crop, its classes, and sentences."""

    samples: tuple[TrainingSample, ...]
    label_classes: tuple[LabelClass, ...]
    warnings: tuple[str, ...]


def read_datasplit(
    path: Path, classes: Sequence[str] = (), scale_zyx_nm: Sizes | None = None
) -> Datasplit:
    """Read what a training learns from.

    A sample is the part of the raw image around a crop; its labels lie in it where the
    translations of both say. A class that a crop lacks is unknown there, never background.

    Parameters
    ----------
    path : Path
        The CSV.
    classes : sequence of str
        In the order of the maps; default all that the lines name.
    scale_zyx_nm : tuple of float or None
        Voxel edges to train at; default those of the coarsest crop's finest labels.

    Raises
    ------
    TomoscribeError
        If something cannot be read, a class is labelled nowhere, a crop is not in its image, or one
        both trains and validates.
    """
    rows = [row for row in read_rows(path) if row.role != Role.UNUSED]
    if not any(row.role == Role.TRAIN for row in rows):
        raise TomoscribeError(
            f"{path} names no crop to train on: a line begins with train or validate, then come "
            "the raw image and the labels, in two columns or four."
        )
    _require_apart(path, rows)
    named = dict.fromkeys(c for row in rows for c in row.classes)
    wanted = tuple(classes or named)
    if not wanted:
        raise TomoscribeError(f"{path} tells no classes: name them, as in classes=mito,nuc.")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        held = dict(zip(rows, pool.map(lambda row: _held(row, wanted), rows), strict=True))
        _require_places(path, [row for row in rows if not held[row]])
        _require_all(path, rows, wanted, held)
        rows = [row for row in rows if held[row]]
        scale = scale_zyx_nm or _common_scale(rows, held, pool.map)
        opened = list(pool.map(lambda row: _opened(row, wanted, held[row], scale), rows))
    samples: list[TrainingSample] = []
    for row, (address, sizes, labels) in zip(rows, opened, strict=True):
        taken = {s.name for s in samples}
        samples.append(
            TrainingSample(
                free_name(safe_name(row.name), taken),
                address,
                sizes[2],
                row.role,
                labels=SampleLabels(labels, (labels.box,), row.crop),
                voxel_sizes_zyx_A=sizes,
            )
        )
    label_classes = tuple(LabelClass(c, class_color(i)) for i, c in enumerate(wanted))
    return Datasplit(tuple(samples), label_classes, tuple(_warnings(path, rows, wanted, held)))


def _require_apart(path: Path, rows: Sequence[DatasplitRow]) -> None:
    """Check that no crop both trains and validates.

    Raises
    ------
    TomoscribeError
        If one does: what judges would have been learned.
    """
    trains = {row.crop: row.line for row in rows if row.role == Role.TRAIN}
    for row in rows:
        if row.role == Role.VALIDATE and row.crop in trains:
            raise TomoscribeError(
                f"Lines {trains[row.crop]} and {row.line} of {path} let the same crop train and "
                f"validate, {row.crop}: leave one away, so that what judges is not learned."
            )


def _held(row: DatasplitRow, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the wanted classes that a crop labels."""
    allowed = [c for c in wanted if not row.classes or c in row.classes]
    return tuple(c for c in allowed if has_class(f"{row.crop}/{c}"))


def _require_places(path: Path, rows: Sequence[DatasplitRow]) -> None:
    """Check that crops in a bucket which label nothing are there; local ones are checked before.

    Raises
    ------
    TomoscribeError
        If there is no such bucket, or nothing at the address.
    """
    for row in rows:
        if remote.is_address(row.crop) and not remote.exists(row.crop):
            remote.require_bucket(row.crop)
            raise TomoscribeError(
                f"There is nothing at {row.crop}, named in line {row.line} of {path}: correct the "
                "address, or make the datasplit anew with `tomoscribe datasplit`."
            )


def _require_all(
    path: Path,
    rows: Sequence[DatasplitRow],
    wanted: Sequence[str],
    held: dict[DatasplitRow, tuple[str, ...]],
) -> None:
    """Check that each class is labelled in a crop that trains.

    Raises
    ------
    TomoscribeError
        If one is not: it would never be learned.
    """
    taught = {c for row in rows if row.role == Role.TRAIN for c in held[row]}
    lacking = [c for c in wanted if c not in taught]
    if lacking:
        raise TomoscribeError(
            f"No crop that trains by {path} labels {', '.join(lacking)}: leave the class away, or "
            "make the datasplit anew with it."
        )


def _common_scale(
    rows: Sequence[DatasplitRow],
    held: dict[DatasplitRow, tuple[str, ...]],
    each: Callable[..., object],
) -> Sizes:
    """Return voxel edges in nm that every crop's labels have or surpass."""
    places = [f"{row.crop}/{held[row][0]}" for row in rows]
    sizes = list(each(finest_sizes_A, places))  # type: ignore[call-overload]
    z, y, x = (max(s[axis] for s in sizes) / A_PER_NM for axis in range(3))
    return z, y, x


def _opened(
    row: DatasplitRow, wanted: Sequence[str], held: Sequence[str], scale: Sizes
) -> tuple[str, Sizes, MultiscaleLabels]:
    """Return the address of the image around a crop, its voxel edges in Å, and the labels."""
    whole = Frame.of(open_volume(address_at(row.raw, scale)))
    box = MultiscaleLabels.of_crop(row.crop, held, whole).box
    address = address_at(row.raw, scale, _around(box, whole.shape_zyx))
    frame = Frame.of(open_volume(address))
    return address, frame.sizes_zyx_A, MultiscaleLabels.of_crop(row.crop, wanted, frame, held)


def _around(box: Box, shape: tuple[int, int, int]) -> Box:
    lo, hi = [], []
    for a, b, n in zip(*box, shape, strict=True):
        margin = max(CONTEXT, -(-(LEAST_EDGE - (b - a)) // 2))
        lo.append(max(0, a - margin))
        hi.append(min(n, b + margin))
    return (lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2])


def _warnings(
    path: Path,
    rows: Sequence[DatasplitRow],
    wanted: Sequence[str],
    held: dict[DatasplitRow, tuple[str, ...]],
) -> list[str]:
    found = []
    left = [row for row in held if row not in rows]
    if left:
        found.append(
            f"{len(left)} of {len(held)} crops of {path} label none of {', '.join(wanted)} and "
            "are left out."
        )
    partly = {c: sum(c not in held[row] for row in rows) for c in wanted}
    told = ", ".join(f"{c} in {n}" for c, n in partly.items() if n)
    if told:
        found.append(f"Not labelled, so unknown, of {len(rows)} crops: {told}.")
    if not any(row.role == Role.VALIDATE for row in rows):
        found.append(f"{path} names no crop to validate on: a part of the labels only judges.")
    return found
