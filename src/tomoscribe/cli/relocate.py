"""`tomoscribe relocate`: tell a project where its files are now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.relocate import find_lost, used_files
from tomoscribe.project.relocate import relocate as relocate_files
from tomoscribe.project.store import Project


def relocate(
    project: Annotated[Path, typer.Argument(help="Project folder.", metavar="PROJECT")],
    moves: Annotated[
        list[str],
        typer.Argument(
            help="Old and new folder. Files are looked for at the same places below the new one, "
            "then by their names. The other way round takes it back.",
            metavar="OLD=NEW...",
        ),
    ],
) -> None:
    """Find tomograms, membranes and the current model again that were moved to another folder."""
    pairs = [_folders(move) for move in moves]
    opened = Project.open(project)
    try:
        for old, new in pairs:
            moved = relocate_files(opened, old, new)
            typer.echo(f"{len(moved)} file{'s' * (len(moved) != 1)} of {old} found below {new}.")
        for lost in find_lost(used_files(opened)):
            typer.echo(f"Still missing: {lost.words}")
    finally:
        opened.close()


def _folders(move: str) -> tuple[Path, Path]:
    old, equals, new = move.partition("=")
    if not (equals and old and new):
        raise TomoscribeError(f"'{move}' is no pair of folders: write OLD=NEW.")
    if not Path(new).expanduser().is_dir():
        raise TomoscribeError(f"There is no folder {new}.")
    return Path(old), Path(new)
