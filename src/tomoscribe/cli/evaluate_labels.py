"""`tomoscribe evaluate` of label volumes: voxels right by class, objects, CellMap's challenge."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.label_figures import LabelOptions, challenge_figures, label_figures
from tomoscribe.io.label_files import open_labels
from tomoscribe.io.volumes import is_image

if TYPE_CHECKING:
    from tomoscribe.evaluation.label_figures import Figures

Edges = tuple[float, float, float] | None


def evaluate_labels(
    found: str, truth: str, options: LabelOptions, voxel_size_zyx_nm: Edges, as_json: bool
) -> None:
    """Compare two label volumes and print the figures.

    Raises
    ------
    TomoscribeError
        If their shapes differ, or the truth has nothing to compare with, or so many values that
        they are hardly classes.
    """
    mine, true = (open_labels(path, voxel_size_zyx_nm) for path in (found, truth))
    figures = label_figures(mine, true, options)
    _show(figures.of_class, as_json)
    for note in figures.notes:
        typer.echo(note, err=True)


def evaluate_challenge(
    found: str,
    truth: str,
    names: list[str],
    unlabelled: int | None,
    voxel_size_zyx_nm: Edges,
    as_json: bool,
) -> None:
    """Compare one crop, a file a class, as the CellMap Segmentation Challenge ranks it.

    Parameters
    ----------
    found, truth : str
        Folders; a class is `NAME`, an OME-Zarr group, or a file `NAME.*` in them. Of classes that
        the challenge judges by objects the values number them; of others all but 0 is the class.
    names : list of str
        The classes.
    unlabelled : int or None
        Value of the truth that counts nowhere.
    voxel_size_zyx_nm : tuple of float or None
        Overrides the files'.
    as_json : bool

    Raises
    ------
    TomoscribeError
        If a class is missing or not named, shapes or voxel sizes differ, or there is nothing to
        compare with.
    """
    if not names:
        raise TomoscribeError("Name each class that counts: --challenge --class mito --class er.")
    pairs = {
        name: (
            open_labels(_file_of_class(found, name), voxel_size_zyx_nm),
            open_labels(_file_of_class(truth, name), voxel_size_zyx_nm),
        )
        for name in names
    }
    _show(challenge_figures(pairs, unlabelled), as_json)


def _file_of_class(folder: str, name: str) -> str:
    place = Path(folder)
    if not place.is_dir():
        raise TomoscribeError(f"{folder} is no folder; --challenge needs one with a file a class.")
    files = [p for p in sorted(place.iterdir()) if p.name == name or p.name.startswith(f"{name}.")]
    files = [p for p in files if is_image(p)]
    if len(files) != 1:
        many = f"{len(files)} files" if files else "no file"
        raise TomoscribeError(f"{folder} has {many} of labels of '{name}'; it needs one, {name}.*.")
    return str(files[0])


def _show(figures: Figures, as_json: bool) -> None:
    if as_json:
        # JSON knows no NaN.
        told = {
            name: {figure: None if _unknown(value) else value for figure, value in of.items()}
            for name, of in figures.items()
        }
        typer.echo(json.dumps(told, indent=2, allow_nan=False))
    else:
        Console().print(_table(figures))


def _table(figures: Figures) -> Table:
    """Return the figures as rows and the classes as columns, as for picks."""
    table = Table()
    table.add_column("class")
    for name in figures:
        table.add_column(name, justify="right")
    for row in dict.fromkeys(row for each in figures.values() for row in each):
        values = [each.get(row) for each in figures.values()]
        table.add_row(row, *("" if v is None else _text(v) for v in values))
    return table


def _text(value: float | str) -> str:
    if _unknown(value):
        return "–"
    return str(value) if isinstance(value, int | str) else f"{value:.3f}"


def _unknown(value: float | str) -> bool:
    return isinstance(value, float) and math.isnan(value)
