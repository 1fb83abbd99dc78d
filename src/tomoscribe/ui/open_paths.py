"""Opens what the user gives the viewer: a project, a run, tomograms, membranes, or picks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_volume import looks_like_labels
from tomoscribe.io.pick_files import check_inside, read_picks
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.table import Edit
from tomoscribe.project.file import is_project, runs_folder
from tomoscribe.project.model import Role
from tomoscribe.training.launch import runs_below
from tomoscribe.training.run import RunFolder
from tomoscribe.ui.labels.label_import import LabelImport
from tomoscribe.ui.project.adding import LABELS, TomogramAdder, holds_runs, holds_volumes
from tomoscribe.ui.project.beginning import ensure_class, ensure_classes, ensure_project
from tomoscribe.ui.runs.run_opener import RunOpener
from tomoscribe.ui.tomogram_layer import is_slow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.io.pick_files import PickColumns
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.session import Session


def open_paths(session: Session, paths: Sequence[str | Path]) -> None:
    """Open paths in a session: projects first, then runs, tomograms, membranes and picks.

    Several tomograms, or folders of them, are looked at in a thread and then added together; but
    for projects and runs, what else is given with them is opened after them. Of a folder that
    holds runs the newest is opened.

    Raises
    ------
    TomoscribeError
        If a path is none of these, or picks come without a tomogram.
    """
    which: dict[str, str] = {}
    places = [_newest_run(session, str(path), which) for path in paths]
    kinds = {place: kind_of(place) for place in places}
    folders = [p for p in places if kinds[p] is None and "://" not in p and Path(p).is_dir()]
    first: dict[str, Callable[[str], object]] = {
        "project": session.open_project,
        "run": lambda place: _open_run(session, place, which.get(place, "")),
    }
    if folders or list(kinds.values()).count("volume") > 1:
        for place in places:
            if open_one := first.get(kinds[place] or ""):
                open_one(place)
        TomogramAdder.of(session).add([p for p in places if kinds[p] not in first])
        return
    openers = first | {
        "volume": partial(_open_tomogram, session),
        "membrane": session.surfaces.opener.open,
        "mesh": session.surfaces.opener.open,
        "picks": lambda place: import_picks(session, Path(place)),
    }
    unknown = [place for place, kind in kinds.items() if kind not in openers]
    if unknown:
        raise TomoscribeError(
            f"{unknown[0]} is not a project, a run, a tomogram, a membrane or a pick file that "
            "tomoscribe can open."
        )
    for kind, open_one in openers.items():
        for place in places:
            if kinds[place] == kind:
                open_one(place)


def _open_run(session: Session, place: str, which: str = "") -> None:
    """Open the project that a run belongs to, or is shown in, and follow the run."""
    run = RunFolder(Path(place).resolve())
    project = run.path.parent.parent
    if not is_project(project) or runs_folder(project) != run.path.parent:
        RunOpener.of(session).open(run, which)
        return
    if session.project is None or session.project.path != project:
        session.open_project(project)
    session.run = run


def _newest_run(session: Session, place: str, which: dict[str, str]) -> str:
    """Return the newest run of a folder that holds runs, noting which it is; else the place.

    While a project is open, a folder with tomograms in it is meant for that.
    """
    if not holds_runs(place):
        return place
    if session.project is not None and (holds_volumes(place) or kind_of(place) == "volume"):
        return place
    runs = runs_below(Path(place).absolute())
    newest = runs[-1].path
    if len(runs) > 1:
        which[str(newest)] = f", the newest of {len(runs)} in {newest.parent}"
    return str(newest)


def _open_tomogram(session: Session, place: str) -> None:
    volume = open_volume(place)
    labels = LabelImport.of(session)
    if labels.fits(place, volume):
        labels.offer_or_open(place, volume)
        return
    if labels.refuses(place, volume):
        return
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
        name = project.add_tomogram(place).name
        # One that is packed or far away is not waited for here; labels rarely are.
        if not is_slow(volume) and looks_like_labels(volume):
            project.set_role(name, Role.UNUSED)
            session.status_message.emit(LABELS.format(name))
        session.set_current(name)


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
