"""Datasplits of the CellMap toolbox: a CSV that names raw images, crops with labels, their use.

Five quoted columns and no header: usage (train, validate; any other is not used), container and
name of the raw image, container and name of the crop, which ends in the classes that it labels,
`/[mito,nuc]`. Three columns are read too: usage, raw image, crop. Lines that begin with # are
comments.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.n5 import is_n5, refused
from tomoscribe.io.remote import is_address
from tomoscribe.project.model import Role

_ROLES = {
    "train": Role.TRAIN,
    "training": Role.TRAIN,
    "validate": Role.VALIDATE,
    "validation": Role.VALIDATE,
    "val": Role.VALIDATE,
}


@dataclass(frozen=True)
class DatasplitRow:
    """A line of a datasplit.

    Parameters
    ----------
    usage : str
        train, validate, or anything else: not used.
    raw_container, raw_name : str
        Zarr container of the raw image, and its name in it; the name may be empty.
    crop_container, crop_name : str
        The same of the crop, without the classes.
    classes : tuple of str
        What the crop labels; none: the line does not tell.
    line : int
        Number in the file, for sentences.
    """

    usage: str
    raw_container: str
    raw_name: str
    crop_container: str
    crop_name: str
    classes: tuple[str, ...] = ()
    line: int = 0

    @property
    def role(self) -> Role:
        """What the crop is used for."""
        return _ROLES.get(self.usage.strip().lower(), Role.UNUSED)

    @property
    def name(self) -> str:
        """The data set and the crop, as in jrc_cos7-1a_crop234."""
        data_set = self.raw_container.rsplit("/", 1)[-1].removesuffix(".zarr")
        return f"{data_set}_{self.crop.rsplit('/', 1)[-1]}"

    @property
    def raw(self) -> str:
        """Path or address of the raw image."""
        return _joined(self.raw_container, self.raw_name)

    @property
    def crop(self) -> str:
        """Path or address of the folder that holds a group a class."""
        return _joined(self.crop_container, self.crop_name)

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the five columns."""
        names = f"[{','.join(self.classes)}]" if self.classes else ""
        crop = "/".join(part for part in (self.crop_name, names) if part)
        return self.usage, self.raw_container, self.raw_name, self.crop_container, crop


def read_rows(path: Path) -> list[DatasplitRow]:
    """Read a datasplit.

    A relative path counts from the folder of the CSV, else from the current one.

    Raises
    ------
    TomoscribeError
        If it cannot be read, has other columns, or names a local image or crop that is not there,
        or is no OME-Zarr.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TomoscribeError(f"Cannot read {path} ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise TomoscribeError(f"{path} is no datasplit: it is no text.") from error
    rows = []
    for line, record in enumerate(text.splitlines(), 1):
        if record.strip() and not record.lstrip().startswith("#"):
            rows.append(_row(path, line, next(csv.reader([record], skipinitialspace=True))))
    if not rows:
        raise TomoscribeError(f"{path} names no crops.")
    for row in rows:
        if row.role != Role.UNUSED:
            _require(path, row, row.raw, "raw image")
            _require(path, row, row.crop, "crop")
    return rows


def write_rows(path: Path, rows: list[DatasplitRow]) -> None:
    """Write a datasplit of five columns, whole or not at all.

    Raises
    ------
    TomoscribeError
        If the system refuses.
    """
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        row.cells() for row in rows
    )
    write_text_atomic(path, text.getvalue())


def split_container(path: str) -> tuple[str, str]:
    """Return the container of a path, up to its first .zarr or .n5, and the name within."""
    parts = path.split("/")
    for index, part in enumerate(parts):
        if part.endswith((".zarr", ".n5")):
            return "/".join(parts[: index + 1]), "/".join(parts[index + 1 :])
    return path, ""


def _row(path: Path, line: int, cells: list[str]) -> DatasplitRow:
    # A list of classes may stand without quotes, so that its commas part the line.
    while len(cells) > 3 and cells[-1].endswith("]") and "[" not in cells[-1]:
        cells = [*cells[:-2], f"{cells[-2]},{cells[-1]}"]
    cells = [cell.strip() for cell in cells]
    if len(cells) == 3:
        raw, crop = split_container(cells[1]), split_container(cells[2])
        cells = [cells[0], *raw, *crop]
    if len(cells) != 5 or not all(cells[i] for i in (0, 1, 3)):
        raise TomoscribeError(
            f"Line {line} of {path} has {len(cells)} columns: a datasplit has five (usage, raw "
            "container, raw name, label container, label name with [classes]) or three (usage, "
            "raw path, label path)."
        )
    usage, raw_container, raw_name, crop_container, crop_name = cells
    raw_name = raw_name.strip("/")  # else it were a path of its own
    name, bracket, classes = crop_name.partition("[")
    name = name.strip("/")
    if not bracket:
        container, bracket, classes = crop_container.partition("[")
        crop_container = container.rstrip("/") if bracket else crop_container
    if bracket and not classes.endswith("]"):
        raise TomoscribeError(f"Line {line} of {path} has classes without an end: {crop_name}.")
    return DatasplitRow(
        usage,
        _resolved(path, raw_container, raw_name),
        raw_name,
        _resolved(path, crop_container, name),
        name,
        tuple(c.strip() for c in classes.removesuffix("]").split(",") if c.strip()),
        line,
    )


def _resolved(csv_path: Path, container: str, name: str) -> str:
    """Return a container with its path made absolute, from the CSV's folder where it is there."""
    if is_address(container):
        return container.rstrip("/")
    place = Path(container).expanduser()
    if place.is_absolute():
        return str(place)
    beside = csv_path.absolute().parent / place
    return str(beside if (beside / name).exists() else place.absolute())


def _require(csv_path: Path, row: DatasplitRow, place: str, what: str) -> None:
    named = f"named in line {row.line} of {csv_path}"
    if is_n5(place):
        raise refused(place, f", {named},")
    # What is remote tells of itself when it is opened.
    if is_address(place):
        return
    if not Path(place).exists():
        raise TomoscribeError(
            f"The {what} {place} is gone, {named}: correct the "
            "path, or make the datasplit anew with `tomoscribe datasplit`."
        )
    if Path(place).is_file():
        raise TomoscribeError(
            f"The {what} {place}, {named}, is a file, where a datasplit has OME-Zarr, for labels a "
            "folder with a group for each class: train on such files with --image and --labels, or "
            "on a folder of several, X.tif and X_labels.tif."
        )


def _joined(container: str, name: str) -> str:
    return f"{container.rstrip('/')}/{name}" if name else container
