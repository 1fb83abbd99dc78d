"""Picks as plain CSV, TSV and TXT tables."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import A_to_voxels, xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.pick_columns import NeedsTomogramError, PickColumns

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_ROLES = {
    "class": "class classname label particletype particle type pickableobjectname objectname "
    "tsclassname",
    "score": "score scores confidence probability prob fom figureofmerit lcc "
    "rlnautopickfigureofmerit",
    "tomogram": "tomogram tomo tomoname imagename image experiment run runname micrograph "
    "micrographname rlntomoname rlnmicrographname",
    "angle": "angle angledeg inplanedeg",
    **{
        a: f"{a} {a}coord coord{a} {a}coordinate coordinate{a} pos{a} position{a} location{a} "
        f"center{a} {a}center centroid{a} rlncoordinate{a} axis{i}"
        for a, i in (("x", 2), ("y", 1), ("z", 0))
    },
    **{f"n{a}": f"n{a} normal{a}" for a in "xyz"},
}
"""Column names of other programs, in lower case without separators and units."""
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names.split()}
_HEAD = 4096
_ANGULAR = ("nx", "ny", "nz", "angle_deg")
"""Columns that must not lose a thousandth of a degree."""
_UNIT = re.compile(r"[\s_]*[\[(]?(å|a|ang|angst|angstroms?|nm)[\])]?$")


def read_table(path: Path, geometry: Geometry | None) -> PickColumns:
    """Read a table of picks.

    The delimiter is found by itself. With a header, columns are found by name, in any order,
    and a unit in it (`X [A]`, `x_nm`) is followed. Without one: x y z, x y z score, or a class
    name before x y z.

    Raises
    ------
    TomoscribeError
        If it is no such table, or in Å with an unknown voxel size.
    """
    rows = _rows(path)
    if not rows:
        return PickColumns(np.zeros((0, 3)), notes=(f"{path.name} holds no picks.",))
    if any(_is_number(cell) for cell in rows[0][1]):
        return _headerless(path, rows)
    return _with_header(path, rows[0][1], rows[1:], geometry)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return line numbers and cells of all lines that are neither empty nor comments."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TomoscribeError(f"{path} is not a text file.") from error
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        return []
    delimiter = next((d for d in "\t;," if d in lines[0][1]), None)
    rows = [
        (
            number,
            line.split()
            if delimiter is None
            else [c.strip() for c in next(csv.reader([line], delimiter=delimiter))],
        )
        for number, line in lines
    ]
    width = len(rows[0][1])
    for number, cells in rows:
        if len(cells) != width:
            raise TomoscribeError(
                f"Line {number} of {path} has {len(cells)} columns, the first line has {width}."
            )
    return rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(
    path: Path, rows: list[tuple[int, list[str]]], column: int, *, finite: bool = True
) -> NDArray[np.float64]:
    values = np.empty(len(rows))
    for i, (number, cells) in enumerate(rows):
        cell = cells[column]
        if not finite and not cell:
            cell = "nan"
        if not _is_number(cell) or (finite and not np.isfinite(float(cell))):
            raise TomoscribeError(f"Line {number} of {path} has '{cell}' where a number must be.")
        values[i] = float(cell)
    return values


def _headerless(path: Path, rows: list[tuple[int, list[str]]]) -> PickColumns:
    cells = rows[0][1]
    named = not _is_number(cells[0])
    first = 1 if named else 0
    count = len(cells) - first
    if count not in ((3, 6) if named else (3, 4)):
        raise TomoscribeError(
            f"{path} has {len(cells)} columns without a header: "
            "name them in a first line, with x, y and z among them."
        )
    xyz = np.stack([_numbers(path, rows, first + i) for i in range(3)], axis=1)
    order = {
        (True, 3): "class x y z",
        (True, 6): "class x y z and three angles, not used",
        (False, 3): "x y z",
        (False, 4): "x y z score",
    }[named, count]
    return PickColumns(
        zyx=xyz_to_zyx(xyz),
        class_names=[c[0] for _, c in rows] if named else None,
        scores=_numbers(path, rows, 3) if count == 4 else None,
        notes=(f"{path.name} has no header; its columns are taken as {order}, in voxels.",),
    )


def _with_header(
    path: Path, header: list[str], rows: list[tuple[int, list[str]]], geometry: Geometry | None
) -> PickColumns:
    found: dict[str, int] = {}
    units: dict[str, str] = {}
    for i, name in enumerate(header):
        role, unit = _role(name)
        if role is not None and role not in found:
            found[role] = i
            units[role] = unit
    missing = [a for a in "xyz" if a not in found]
    if missing:
        raise TomoscribeError(
            f"{path} lacks the column {' and '.join(missing)}; its columns are: "
            f"{', '.join(header)}."
        )
    if len({units[a] for a in "xyz"}) > 1:
        raise TomoscribeError(f"The columns x, y and z of {path} have different units.")
    zyx = np.stack([_numbers(path, rows, found[a]) for a in "zyx"], axis=1)
    notes: tuple[str, ...] = ()
    if units["x"]:
        if geometry is None:
            raise NeedsTomogramError(path, "Å")
        zyx = A_to_voxels(zyx * (10.0 if units["x"] == "nm" else 1.0), geometry)
        notes = (f"{path.name} is in {units['x']}; converted with the tomogram's voxel size.",)

    def column(role: str) -> NDArray[np.float64] | None:
        return _numbers(path, rows, found[role], finite=False) if role in found else None

    def texts(role: str) -> list[str] | None:
        return [cells[found[role]] for _, cells in rows] if role in found else None

    normals = [column(f"n{a}") for a in "zyx"]
    known = [n for n in normals if n is not None]
    return PickColumns(
        zyx=zyx,
        class_names=texts("class"),
        scores=column("score"),
        normals_zyx=np.stack(known, axis=1) if len(known) == 3 else None,
        angles_deg=column("angle"),
        tomogram=texts("tomogram"),
        notes=notes,
    )


def _role(name: str) -> tuple[str | None, str]:
    """Return what a column holds, and the unit in its name: "", "Å" or "nm"."""
    lower = name.strip().lower()
    plain = re.sub(r"[^a-z0-9]", "", lower)
    if plain in _ROLE_OF:
        return _ROLE_OF[plain], ""
    match = _UNIT.search(lower)
    if match is None:
        return None, ""
    stem = re.sub(r"[^a-z0-9]", "", lower[: match.start()])
    role = _ROLE_OF.get(stem)
    return role, "nm" if match.group(1) == "nm" else "Å"


def is_table(path: Path) -> bool:
    """Return whether a text file begins with a row of positions or with names of columns."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # Else the cut went through a letter.
            return False
        text = head[: error.start].decode("utf-8-sig")
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    cells = [
        c.strip() for c in re.split(r"[\t;,]" if re.search(r"[\t;,]", first) else r"\s+", first)
    ]
    if {"x", "y", "z"} <= {_role(cell)[0] for cell in cells}:
        return True
    return len(cells) > 2 and all(_is_number(cell) for cell in cells[-3:])


def write_txt(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write x y z, and the score where all picks have one, in voxels with 4 decimals.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    scores = columns.scores if columns.scores is not None else np.full(len(columns), np.nan)
    # Clicks have no score, and a column with holes could not be read back.
    with_scores = not np.isnan(scores).any()
    lines = [
        " ".join([*(f"{v:.4f}" for v in p), *([f"{s:.6g}"] if with_scores else [])])
        for p, s in zip(zyx_to_xyz(columns.zyx), scores, strict=True)
    ]
    write_text_atomic(path, "".join(f"{line}\n" for line in lines))


def write_csv(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write all that is known, with a header; positions are voxels with 4 decimals.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    xyz = zyx_to_xyz(columns.zyx)
    names = columns.tomogram or [tomogram_name] * len(xyz)
    header = ["tomogram", "x", "y", "z"]
    parts: list[list[str]] = [names, *([f"{v:.4f}" for v in xyz[:, i]] for i in range(3))]
    if columns.class_names is not None:
        header.append("class")
        parts.append(columns.class_names)
    numbers: list[tuple[str, NDArray[np.float64] | None]] = [("score", columns.scores)]
    if columns.normals_zyx is not None:
        numbers += [(f"n{a}", n) for a, n in zip("xyz", columns.normals_zyx.T[::-1], strict=True)]
    numbers.append(("angle_deg", columns.angles_deg))
    for name, values in numbers:
        if values is not None:
            header.append(name)
            digits = ".9g" if name in _ANGULAR else ".6g"
            parts.append(["" if np.isnan(v) else f"{v:{digits}}" for v in values])
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*parts, strict=True))
    write_text_atomic(path, buffer.getvalue())
