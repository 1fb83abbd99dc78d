"""Opens whatever the user gives the viewer: a project, tomograms, or picks for what is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_documents_path

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.table import Edit
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project
from tomoscribe.ui.pick_style import next_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.io.pick_files import PickColumns
    from tomoscribe.ui.session import Session

DEFAULT_DIAMETER_A = 150.0
"""Diameter of a class that nobody described yet: a mid-sized complex, to be corrected in the dock."""

SUFFIX = "_tomoscribe"


def open_paths(session: Session, paths: Sequence[Path]) -> None:
    """Open paths in a session: projects first, then tomograms, then picks.

    Raises
    ------
    TomoscribeError
        If a path is none of these, or picks come without a tomogram.
    """
    kinds = {path: kind_of(path) for path in paths}
    unknown = [path for path, kind in kinds.items() if kind not in {"project", "volume", "picks"}]
    if unknown:
        raise TomoscribeError(
            f"{unknown[0]} is not a project, a tomogram or a pick file that tomoscribe can open."
        )
    for kind, open_one in (
        ("project", session.open_project),
        ("volume", lambda path: _open_tomogram(session, path)),
        ("picks", lambda path: import_picks(session, path)),
    ):
        for path in paths:
            if kinds[path] == kind:
                open_one(path)


def project_folder_for(volume: Path) -> Path:
    """Return where the project of a lone tomogram goes: beside it, or to the user's documents."""
    folder = volume.resolve().parent
    stem = volume.name.split(".")[0]
    if not os.access(folder, os.W_OK):
        folder = user_documents_path() / "tomoscribe"
    return folder / f"{stem}{SUFFIX}"


def ensure_project(session: Session, volume: Path) -> None:
    """Make sure that a project is open; the first tomogram decides where it is."""
    if session.project is not None:
        return
    folder = project_folder_for(volume)
    if kind_of(folder) == "project":
        session.open_project(folder)
    else:
        session.new_project(folder)
    session.status_message.emit(f"Everything is saved in {folder}.")


def ensure_class(session: Session) -> None:
    """Make sure that there is a class to click."""
    if session.project is not None and not session.project.classes:
        session.project.add_class(
            ParticleClass("particle", DEFAULT_DIAMETER_A, next_color(()))
        )


def _open_tomogram(session: Session, path: Path) -> None:
    volume = open_volume(path)
    ensure_project(session, path)
    ensure_class(session)
    project = session.project
    assert project is not None
    known = [name for name, e in project.tomograms.items() if Path(e.path).resolve() == path.resolve()]
    if known:
        session.set_current(known[0])
    elif volume.voxel_size_A is None:
        session.ask_voxel_size(path, volume)
    else:
        session.set_current(project.add_tomogram(path).name)


def import_picks(session: Session, path: Path) -> int:
    """Add the picks of a file to the tomogram that is shown; return how many.

    Raises
    ------
    TomoscribeError
        If no tomogram is shown, or the file cannot be read.
    """
    if session.volume is None or session.entry is None:
        raise TomoscribeError(f"Open the tomogram of {path.name} first, then drop the picks on it.")
    columns = read_picks(path, geometry=session.volume.geometry)
    edit = _as_edit(session, columns)
    session.edit(edit)
    notes = " ".join(columns.notes)
    session.status_message.emit(f"{len(edit.after)} picks from {path.name}. {notes}".strip())
    return len(edit.after)


def _as_edit(session: Session, columns: PickColumns) -> Edit:
    """Return one edit that adds all picks, with classes that the project lacks added to it."""
    project, entry = session.project, session.entry
    assert project is not None
    assert entry is not None
    ensure_class(session)
    default = session.active_class or project.classes[0].name
    names = columns.class_names or [default] * len(columns.zyx)
    for name in dict.fromkeys(names):
        if name not in {c.name for c in project.classes}:
            diameter = project.classes[0].diameter_A
            project.add_class(ParticleClass(name, diameter, next_color(project.classes)))
    added: list[Edit] = []
    for name in dict.fromkeys(names):
        rows = [i for i, n in enumerate(names) if n == name]
        scores = None if columns.scores is None else columns.scores[rows]
        added.append(entry.picks.make_add(columns.zyx[rows], name, scores=scores))
    return Edit(after=tuple(pick for edit in added for pick in edit.after))
