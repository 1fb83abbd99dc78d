"""Making a datasplit: which crops there are, what they label, and which of them validate."""

from __future__ import annotations

import glob
import random
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Literal

from tomoscribe.errors import TomoscribeError
from tomoscribe.io import remote
from tomoscribe.io.multiscale import A_PER_NM
from tomoscribe.io.n5 import is_n5, refused
from tomoscribe.project.datasplit import DatasplitRow, split_container, write_rows
from tomoscribe.segmentation.multiscale_labels import finest_sizes_A, has_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    Sizes = tuple[float, float, float]

Force = Literal[False, True, "train", "validate"]

SEARCH_PATH = "data/{dataset}/{dataset}.zarr/recon-1/{name}"
"""Where data sets lie, as the toolbox downloads them."""
S3_SEARCH_PATH = "s3://janelia-cosem-datasets/{dataset}/{dataset}.zarr/recon-1/{name}"
"""Where they lie in the public bucket."""
RAW_NAME = "em/fibsem-uint8"
CROP_NAME = "labels/groundtruth/{crop}/{label}"

TRAIN, VALIDATE = "train", "validate"


@dataclass(frozen=True)
class MadeDatasplit:
    """The lines, and sentences about what was left out or moved."""

    rows: tuple[DatasplitRow, ...]
    notes: tuple[str, ...]


def make_datasplit(
    classes: Sequence[str] = ("nuc", "mito"),
    *,
    scale_zyx_nm: Sizes | None = None,
    force_all_classes: Force = False,
    validation_prob: float = 0.1,
    datasets: Sequence[str] = ("*",),
    crops: Sequence[str] = ("*",),
    search_path: str | None = None,
    raw_name: str = RAW_NAME,
    crop_name: str = CROP_NAME,
    csv_path: Path | None = None,
    dry_run: bool = False,
    s3: bool = False,
    seed: int = 42,
) -> MadeDatasplit:
    """Find crops, choose which validate, and write the datasplit.

    Parameters
    ----------
    classes : sequence of str
        Crops that label none of them are left out.
    scale_zyx_nm : tuple of float or None
        Only crops whose finest labels have at most these voxel edges, in nm.
    force_all_classes : bool or {"train", "validate"}
        True: crops that lack a class are left out; else they go to the other side.
    validation_prob : float
        Chance of a crop to validate.
    datasets, crops : sequence of str
        Names, with * for any.
    search_path : str or None
        With {dataset} and {name}; default that of the toolbox, in the current folder or on S3.
    raw_name, crop_name : str
        What {name} is for the raw image, and for labels ({crop}, {label}).
    csv_path : Path or None
        Where it is written.
    dry_run : bool
        Write nothing.
    s3 : bool
        Look into the public bucket by default.
    seed : int
        Same seed and same data, same datasplit.

    Raises
    ------
    TomoscribeError
        If no crop is found, or none has its image; a name has other parts in braces than it may; or
        a bucket cannot be read.
    """
    if not 0 <= validation_prob < 1:
        raise TomoscribeError(f"A validation share of {validation_prob:g} must be 0 to below 1.")
    classes = tuple(dict.fromkeys(classes))
    pattern = search_path or (S3_SEARCH_PATH if s3 else SEARCH_PATH)
    _require_fields("search path", pattern, {"dataset", "name"})
    _require_fields("name of crops", crop_name, {"crop", "label"})
    if "{name}" not in pattern:
        raise TomoscribeError(f"The search path {pattern} lacks {{name}}, which stands for images.")
    found = _find(pattern, raw_name, crop_name, datasets, crops, classes)
    if not found:
        looked = pattern.format(dataset=datasets[0], name=_crop_folder(crop_name, crops[0]))
        if is_n5(looked):
            raise refused(looked)
        raise TomoscribeError(
            f"No crop labels any of {', '.join(classes)}; looked for {looked}: check the search "
            "path and the names."
        )
    notes: list[str] = []
    found = _fine_enough(_with_image(found, notes), scale_zyx_nm, notes)
    rows = _with_usage(found, classes, force_all_classes, validation_prob, seed, notes)
    if csv_path is not None and not dry_run:
        write_rows(csv_path, rows)
    return MadeDatasplit(tuple(rows), tuple(notes))


def _require_fields(what: str, pattern: str, known: set[str]) -> None:
    """Check that a pattern has no other parts in braces than those that are known.

    Raises
    ------
    TomoscribeError
        If it has, or a brace lacks its other one.
    """
    try:
        fields = [field for _, field, _, _ in Formatter().parse(pattern) if field is not None]
    except ValueError as error:
        raise TomoscribeError(f"The {what} {pattern} lacks one of a pair of braces.") from error
    strange = [field for field in fields if field not in known]
    if strange:
        raise TomoscribeError(
            f"The {what} {pattern} has {{{strange[0]}}}, which stands for nothing: it may hold "
            f"{' and '.join(f'{{{name}}}' for name in sorted(known))}."
        )


def _find(
    pattern: str,
    raw_name: str,
    crop_name: str,
    datasets: Sequence[str],
    crops: Sequence[str],
    classes: Sequence[str],
) -> list[DatasplitRow]:
    """Return a row without usage for each crop that labels one of the classes, sorted by name."""
    places = {
        place
        for dataset in datasets
        for crop in crops
        for place in _matches(
            pattern.format(dataset=dataset, name=_crop_folder(crop_name, crop)).rstrip("/")
        )
    }
    rows = []
    for place in sorted(places):
        labelled = tuple(c for c in classes if has_class(f"{place}/{c}"))
        container, name = split_container(place)
        raw = _raw_of(pattern, raw_name, container)
        if labelled:
            rows.append(DatasplitRow("", container, raw, container, name, labelled))
    return rows


def _crop_folder(crop_name: str, crop: str) -> str:
    return crop_name.format(crop=crop, label="").rstrip("/")


def _raw_of(pattern: str, raw_name: str, container: str) -> str:
    """Return the raw image's name within a container."""
    dataset = container.rsplit("/", 1)[-1].partition(".")[0]
    return split_container(pattern.format(dataset=dataset, name=raw_name))[1]


def _matches(pattern: str) -> list[str]:
    return remote.find(pattern) if remote.is_address(pattern) else sorted(glob.glob(pattern))


def _with_image(rows: list[DatasplitRow], notes: list[str]) -> list[DatasplitRow]:
    """Return the rows whose raw image is there.

    Raises
    ------
    TomoscribeError
        If that of none is.
    """
    images = dict.fromkeys(row.raw for row in rows)
    gone = [place for place in images if not _is_there(place)]
    kept = [row for row in rows if row.raw not in gone]
    if not kept:
        raise TomoscribeError(
            f"{len(rows)} crops were found, but there is no image at {gone[0]}: check the name of "
            "the raw image."
        )
    if gone:
        left = len(rows) - len(kept)
        notes.append(f"Crops that have no image and are left out: {left}, such as of {gone[0]}.")
    return kept


def _is_there(place: str) -> bool:
    return remote.exists(place) if remote.is_address(place) else Path(place).exists()


def _fine_enough(
    rows: list[DatasplitRow], scale_zyx_nm: Sizes | None, notes: list[str]
) -> list[DatasplitRow]:
    if scale_zyx_nm is None:
        return rows

    def fits(row: DatasplitRow) -> bool:
        sizes = finest_sizes_A(f"{row.crop}/{row.classes[0]}")
        return all(s <= w * A_PER_NM * 1.001 for s, w in zip(sizes, scale_zyx_nm, strict=True))

    kept = [row for row in rows if fits(row)]
    if len(kept) < len(rows):
        left = len(rows) - len(kept)
        notes.append(f"Crops that are coarser than asked and are left out: {left}.")
    if not kept:
        raise TomoscribeError(
            "No crop is as fine as "
            f"{' x '.join(f'{s:g}' for s in scale_zyx_nm)} nm: ask for a coarser scale."
        )
    return kept


def _with_usage(
    rows: list[DatasplitRow],
    classes: Sequence[str],
    force: Force,
    validation_prob: float,
    seed: int,
    notes: list[str],
) -> list[DatasplitRow]:
    """Return the rows with their use: drawn, forced, then such that both sides have what they need.

    All classes are to be taught, and of two crops or more one is to validate.
    """

    def whole(row: DatasplitRow) -> bool:
        return set(row.classes) == set(classes)

    if force is True:
        kept = [row for row in rows if whole(row)]
        if len(kept) < len(rows):
            left = len(rows) - len(kept)
            notes.append(f"Crops that lack a class and are left out: {left}.")
        if not kept:
            raise TomoscribeError(
                f"No crop labels all of {', '.join(classes)}: do not force all classes."
            )
        rows = kept
    chance = random.Random(seed)
    drawn = [VALIDATE if chance.random() < validation_prob else TRAIN for _ in rows]
    other = {TRAIN: VALIDATE, VALIDATE: TRAIN}
    used = [
        other[usage] if usage == force and not whole(row) else usage
        for row, usage in zip(rows, drawn, strict=True)
    ]
    _teach_all(rows, used, notes)
    if VALIDATE not in used and len(rows) > 1:
        index = _to_validate(rows, chance)
        used[index] = VALIDATE
        notes.append(f"By chance no crop would validate: {rows[index].crop} does.")
        lost = [c for c in rows[index].classes if c not in _labelled(_training(rows, used))]
        if lost:
            notes.append(
                f"No other crop labels {', '.join(lost)}, so that none teaches it: add a crop, or "
                "ask for other classes."
            )
    return [replace(row, usage=usage) for row, usage in zip(rows, used, strict=True)]


def _teach_all(rows: Sequence[DatasplitRow], used: list[str], notes: list[str]) -> None:
    """Let crops train without which a class would not be learned."""
    for name in _labelled(rows):
        if name not in _labelled(_training(rows, used)):
            holders = [i for i, row in enumerate(rows) if name in row.classes]
            index = max(holders, key=lambda i: len(rows[i].classes))
            used[index] = TRAIN
            notes.append(f"{rows[index].crop} trains: else no crop would teach {name}.")


def _to_validate(rows: Sequence[DatasplitRow], chance: random.Random) -> int:
    """Return which of the crops, which all train, validates best.

    Rather one that others can stand in for; of those one that labels most. Where there is none, a
    side without crops would be worse.
    """
    every = range(len(rows))
    spare = [i for i in every if {*rows[i].classes} <= {*_labelled([*rows[:i], *rows[i + 1 :]])}]
    most = max(len(rows[i].classes) for i in spare or every)
    return chance.choice([i for i in spare or every if len(rows[i].classes) == most])


def _training(rows: Sequence[DatasplitRow], used: Sequence[str]) -> list[DatasplitRow]:
    return [row for row, usage in zip(rows, used, strict=True) if usage == TRAIN]


def _labelled(rows: Sequence[DatasplitRow]) -> list[str]:
    """Return the classes that rows label, each once, in their order."""
    return list(dict.fromkeys(name for row in rows for name in row.classes))
