"""`tomoscribe open`: the viewer with a project, a run or files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tomoscribe.errors import TomoscribeError


def open(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Project, run, folder with runs, tomograms, membranes, pick files; none opens an "
            "empty viewer. "
            "s3:// addresses are read from there.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Open napari with tomoscribe's docks, and files in them."""
    wanted = paths or []
    for path in wanted:
        if "://" not in path and not Path(path.partition("::")[0]).exists():
            raise TomoscribeError(f"There is no file or folder '{path}'; check the path.")
    # Qt and napari take seconds to load, which a mistyped path need not wait for.
    from tomoscribe.ui.app import run

    run(wanted)
