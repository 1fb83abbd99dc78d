"""Opens what the user gives the viewer: a project, a run, tomograms, membranes, or picks."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_documents_path

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import check_inside, read_picks
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.table import Edit
from tomoscribe.project.model import ParticleClass
from tomoscribe.training.run import RunFolder
from tomoscribe.ui.annotate.pick_style import next_color

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tomoscribe.io.pick_files import PickColumns
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.session import Session

DEFAULT_DIAMETER_A = 150.0
"""Diameter of a class that nobody described yet: a mid-sized complex, to be corrected."""

SUFFIX = "_tomoscribe"


def open_paths(session: Session, paths: Sequence[str | Path]) -> None:
    """Open paths in a session: projects first, then runs, tomograms, membranes and picks.

    Raises
    ------
    TomoscribeError
        If a path is none of these, or picks come without a tomogram.
    """
    places = [str(path) for path in paths]
    kinds = {place: kind_of(place) for place in places}
    openers: dict[str, Callable[[str], object]] = {
        "project": session.open_project,
        "run": partial(_open_run, session),
        "volume": partial(_open_tomogram, session),
        "membrane": session.surfaces.opener.open,
        "mesh": session.surfaces.opener.open,
        "picks": lambda place: import_picks(session, Path(place)),
    }
    unknown = [place for place, kind in kinds.items() if kind not in openers]
    if unknown:
        raise TomoscribeError(
            f"{unknown[0]} is not a project, a tomogram, a membrane or a pick file that "
            "tomoscribe can open."
        )
    for kind, open_one in openers.items():
        for place in places:
            if kinds[place] == kind:
                open_one(place)


def project_folder_for(volume: str) -> Path:
    """Return where the project of a lone tomogram goes: beside it, or to the user's documents."""
    local = "://" not in volume
    stem = Path(volume.split("::")[0]).name.split(".")[0] or "tomogram"
    folder = Path(volume).resolve().parent if local else None
    if folder is None or not os.access(folder, os.W_OK):
        folder = user_documents_path() / "tomoscribe"
    return folder / f"{stem}{SUFFIX}"


def ensure_class(session: Session) -> None:
    """Make sure that there is a class to click."""
    project = session.project
    if project is not None and not project.classes:
        first = ParticleClass("particle", DEFAULT_DIAMETER_A, next_color(()))
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
    folder = project_folder_for(volume)
    if kind_of(folder) == "project":
        session.open_project(folder)
    else:
        session.new_project(folder)
    session.status_message.emit(f"Everything is saved in {folder}.")


def _open_run(session: Session, place: str) -> None:
    """Open the project that a run belongs to, and follow the run."""
    run = Path(place).resolve()
    project = run.parent.parent
    if kind_of(project) != "project":
        raise TomoscribeError(f"{place} is a run outside of a project: open its tomogram first.")
    if session.project is None or session.project.path != project:
        session.open_project(project)
    session.run = RunFolder(run)


def _open_tomogram(session: Session, place: str) -> None:
    volume = open_volume(place)
    ensure_project(session, place)
    ensure_class(session)
    project = session.project
    assert project is not None
    same = str(Path(place).expanduser().absolute()) if "://" not in place else place
    known = [name for name, entry in project.tomograms.items() if entry.address == same]
    if known:
        session.set_current(known[0])
    elif volume.voxel_size_A is None:
        session.ask_voxel_size(place, volume)
    else:
        session.set_current(project.add_tomogram(place).name)


def import_picks(session: Session, path: Path) -> int:
    """Add the picks of a file to the tomogram that is shown; return how many.

    Raises
    ------
    TomoscribeError
        If no tomogram is shown, or the file cannot be read.
    """
    if session.volume is None or session.entry is None:
        raise TomoscribeError(f"Open the tomogram of {path.name} first, then drop the picks on it.")
    geometry = session.volume.geometry
    columns = read_picks(path, geometry=geometry).for_tomogram(session.entry.name, str(path))
    outside = check_inside(columns, geometry)
    edit = _as_edit(session, columns)
    session.edit(edit)
    notes = " ".join([*columns.notes, *([outside] if outside else [])])
    session.status_message.emit(f"{len(edit.after)} picks from {path.name}. {notes}".strip())
    return len(edit.after)


def _as_edit(session: Session, columns: PickColumns) -> Edit:
    """Return one edit that adds all picks, with classes that the project lacks added to it."""
    project, entry = session.project, session.entry
    assert project is not None
    assert entry is not None
    ensure_class(session)
    default = session.active_class or "particle"
    names = columns.class_names or [default] * len(columns.zyx)
    ensure_classes(session, names)
    added: list[Pick] = []
    for name in dict.fromkeys(names):
        rows = np.array([i for i, n in enumerate(names) if n == name], dtype=np.intp)
        own = columns.take(rows)
        edit = entry.picks.make_add(
            own.zyx,
            name,
            scores=own.scores,
            normals_zyx=own.normals_zyx,
            angles_deg=own.angles_deg,
        )
        added += edit.after
    # Files orient some picks and others not.
    return Edit(
        after=tuple(
            replace(p, normal_zyx=None) if np.isnan(p.normal_zyx or 0.0).any() else p for p in added
        )
    )
