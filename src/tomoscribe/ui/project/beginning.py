"""A project to begin with: where it goes when only a tomogram is opened, and its first class."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_documents_path

from tomoscribe.io.registry import kind_of
from tomoscribe.project.classes import DEFAULT_CLASS
from tomoscribe.project.file import RUNS_FOLDER, is_project, runs_folder
from tomoscribe.project.model import ParticleClass
from tomoscribe.ui.annotate.pick_style import next_color

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.ui.session import Session

DEFAULT_DIAMETER_A = 150.0
"""Diameter of a class that nobody described yet: a mid-sized complex, to be corrected."""

SUFFIX = "_tomoscribe"


def project_folder_for(volume: str, autosave: Path | None = None) -> Path:
    """Return where the project of a lone tomogram goes.

    Parameters
    ----------
    volume : str
        Path or address of the tomogram.
    autosave : Path or None
        Folder that the user wants such projects in. None: beside the tomogram; where nothing can
        be written there, and for an address, in the user's documents.
    """
    local = "://" not in volume
    place = volume.split("::")[0]
    stem = Path(place).name.split(".")[0] or "tomogram"
    folder = autosave or (Path(place).expanduser().resolve().parent if local else None)
    if folder is None or not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        folder = user_documents_path() / "tomoscribe"
    return folder / f"{stem}{SUFFIX}"


def project_folder_of_runs(runs_dir: Path, autosave: Path | None = None) -> Path:
    """Return where the project lies, or goes, that shows runs from outside of a project.

    Parameters
    ----------
    runs_dir : Path
        The folder that the runs lie in.
    autosave : Path or None
        As in `project_folder_for`; None: beside `runs`, or in a folder of runs of another name.

    Raises
    ------
    TomoscribeError
        If a project that may be it cannot be read.
    """
    base = runs_dir.parent if runs_dir.name == RUNS_FOLDER else runs_dir
    first = project_folder_for(str(base / (base.name or RUNS_FOLDER)), autosave)
    folder, count = first, 1
    # Another one of that name may be of a tomogram, or of other runs.
    while folder.exists() and not (is_project(folder) and runs_folder(folder) == runs_dir):
        count += 1
        folder = first.with_name(f"{first.name}_{count}")
    return folder


def ensure_class(session: Session) -> None:
    """Make sure that there is a class to click."""
    project = session.project
    if project is not None and not project.classes:
        first = ParticleClass(DEFAULT_CLASS, DEFAULT_DIAMETER_A, next_color(()))
        session.change(lambda: project.add_class(first))


def ensure_classes(session: Session, names: Iterable[str]) -> None:
    """Add the classes that the project lacks."""
    project = session.project
    assert project is not None
    for name in dict.fromkeys(names):
        classes = project.classes
        if name not in {c.name for c in classes}:
            diameter = classes[0].diameter_A if classes else DEFAULT_DIAMETER_A
            new = ParticleClass(name, diameter, next_color(classes))
            session.change(partial(project.add_class, new))


def ensure_project(session: Session, volume: str) -> None:
    """Make sure that a project is open; the first tomogram decides where it is."""
    if session.project is not None:
        return
    folder = project_folder_for(volume, session.autosave)
    if kind_of(folder) == "project":
        session.open_project(folder)
    else:
        session.new_project(folder)
    beside = "://" not in volume and Path(volume.split("::")[0]).resolve().parent == folder.parent
    why = "" if beside or session.autosave else " Nothing can be written beside the tomogram."
    session.status_message.emit(f"Everything is saved in {folder}.{why}")
