"""Options of commands that take label volumes: voxel size, classes by value."""

from __future__ import annotations

from typing import Annotated

import typer

from tomoscribe.cli.voxel_source import parse_edges_nm
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import doubt_of_order

ClassOfValue = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="VALUE=NAME",
        help="Class of a label value, as 1=mito; once for each. Where values number objects: "
        "the one NAME of their class. With --challenge: the NAME of its files.",
        show_default=False,
    ),
]
VoxelSizeNm = Annotated[
    str | None,
    typer.Option(
        "--voxel-size-nm",
        metavar="Z,Y,X",
        help="Voxel edges in nm, or one for all, where the file does not tell them.",
        show_default="from the file",
    ),
]


def classes_by_value(given: list[str]) -> dict[int, str]:
    """Return class names by label value from `VALUE=NAME`, or names alone for 1, 2, ...

    Raises
    ------
    TomoscribeError
        If a value is no number above 0, or told twice.
    """
    classes: dict[int, str] = {}
    for place, text in enumerate(given, start=1):
        value, equals, name = text.partition("=")
        if not equals:
            value, name = str(place), text
        if not value.strip().isdigit() or not int(value) or not name.strip():
            raise TomoscribeError(f"'{text}' is no class of a label value: write it as 1=mito.")
        if int(value) in classes:
            raise TomoscribeError(f"The class of label value {int(value)} is told twice.")
        classes[int(value)] = name.strip()
    return classes


def edges_given(text: str | None) -> tuple[float, float, float] | None:
    """Return the voxel edges z y x in nm of the option, None where it is not given.

    Where they seem to be in another order, that is said on stderr.

    Raises
    ------
    TomoscribeError
        If it is no voxel size.
    """
    if text is None:
        return None
    edges = parse_edges_nm(text)
    if doubt := doubt_of_order(edges):
        typer.echo(doubt, err=True)
    return edges
