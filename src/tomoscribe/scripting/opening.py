"""Opening, making and simulating projects for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.store import Project as Store
from tomoscribe.scripting.project import Project

if TYPE_CHECKING:
    from typing import Literal


def open_project(folder: str | Path, *, read_only: bool = False) -> Project:
    """Open a project; `read_only` also while it is open in the viewer.

    Raises
    ------
    TomoscribeError
        If it is no project, is damaged, or is open for editing elsewhere.
    """
    return Project(Store.open(folder, read_only=read_only))


def create_project(folder: str | Path, name: str | None = None) -> Project:
    """Make an empty project in a new or existing folder.

    Raises
    ------
    TomoscribeError
        If the folder is a project already, or cannot be written.
    """
    return Project(Store.create(folder, name))


def sample_project(
    folder: str | Path,
    kind: Literal["particles", "membranes", "labels", "tiny"] = "particles",
    *,
    clicks: int = 0,
    seed: int = 0,
) -> Project:
    """Make a project of simulated tomograms, with their truth beside, to try things on.

    Parameters
    ----------
    folder : str or Path
        New or empty folder.
    kind : {"particles", "membranes", "labels", "tiny"}
        Two tomograms with ribosomes; four vesicles with two classes; an EM volume to segment; two
        very small tomograms.
    clicks : int
        Picks in the tomogram that trains, and half as many in the one that validates; of labels
        strokes of each class on each of two sections; membranes come without.
    seed : int
        Fixes everything.

    Raises
    ------
    TomoscribeError
        If there is no such kind, or the folder is not empty or cannot be written.
    """
    if kind == "membranes":
        if clicks:
            raise TomoscribeError("The sample of membranes comes without clicks: leave them out.")
        from tomoscribe.simulate.membrane_project import make_membrane_project

        return Project(make_membrane_project(Path(folder), seed))
    if kind == "labels":
        from tomoscribe.simulate.labels_files import make_labels_project

        return Project(make_labels_project(Path(folder), seed, strokes=clicks))
    if kind not in ("particles", "tiny"):
        raise TomoscribeError(f"There is no sample '{kind}': particles, membranes, labels or tiny.")
    from tomoscribe.simulate.project import make_sample_project

    return Project(make_sample_project(Path(folder), seed, preset=kind, clicks=clicks))
