"""Tomograms given by the dozen: looked at in a thread, added together, asked about once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_volume import looks_like_labels
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import Role
from tomoscribe.training.launch import runs_below
from tomoscribe.ui.background import Background
from tomoscribe.ui.project.activity import Activity
from tomoscribe.ui.project.beginning import ensure_class, ensure_project
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.ui.session import Session

MOST_IN_A_FOLDER = 2_000
"""Entries of a dropped folder that are looked at."""

OPENED = {"project", "run", "volume", "picks", "membrane", "mesh"}
"""Kinds of what a session opens."""

OTHER_PROJECT = (
    "What was dropped was meant for {}, which is not open any more: nothing was added. Drop it "
    "again where you want it."
)

LABELS = (
    "{} looks like labels, not like a tomogram: it is not used for training. To make membranes of "
    "it, choose it in Annotate ▸ Membranes ▸ Make…; to learn from labels, paint them in Annotate ▸ "
    "Labels, or give files to `tomoscribe train --image … --labels …`. If it is a tomogram, click "
    "its role in Project."
)


@dataclass(frozen=True)
class Given:
    """What was given, sorted out.

    Attributes
    ----------
    known : tuple of (str, float)
        Address and voxel size in Å of each tomogram that tells its own.
    asked : tuple of (str, float or None)
        Those that do not, with a hint in Å where there is one.
    labels : tuple of str
        Those of both that hold labels, not densities.
    others : tuple of str
        What is no tomogram: projects, runs, picks, membranes, meshes.
    notes : tuple of str
        What cannot be used, and why.
    """

    known: tuple[tuple[str, float], ...] = ()
    asked: tuple[tuple[str, float | None], ...] = ()
    labels: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def volumes_in(folder: str | Path, most: int | None = None) -> list[str]:
    """Return the tomograms that lie in a folder, by name; not those in folders below it."""
    with os.scandir(folder) as entries:
        names = sorted(entry.path for entry in islice(entries, MOST_IN_A_FOLDER))
    return list(islice((name for name in names if kind_of(name) == "volume"), most))


def can_open(path: str | Path) -> bool:
    """Return whether a path is something that a session opens, by kind."""
    return kind_of(path) in OPENED or holds_volumes(path) or holds_runs(path)


def holds_runs(folder: str | Path) -> bool:
    """Return whether a path is a folder with runs in it, or in its `runs`, and no project."""
    if "://" in str(folder) or kind_of(folder) in ("project", "run"):
        return False
    return bool(runs_below(folder))


def holds_volumes(folder: str | Path) -> bool:
    """Return whether a path is a plain folder with a tomogram in it."""
    if "://" in str(folder) or not Path(folder).is_dir() or kind_of(folder) is not None:
        return False
    return bool(volumes_in(folder, 1))


def sort_out(paths: Iterable[str]) -> Given:
    """Look at what was given; in a thread, since it opens each file."""
    known: list[tuple[str, float]] = []
    asked: list[tuple[str, float | None]] = []
    labels: list[str] = []
    others: list[str] = []
    notes: list[str] = []
    for path in paths:
        try:
            kind = kind_of(path)
            plain_folder = kind is None and "://" not in path and Path(path).is_dir()
            inside = volumes_in(path) if plain_folder else [path]
            if kind is not None and kind != "volume":
                others.append(path)
                continue
            if (kind is None and not plain_folder) or not inside:
                notes.append(f"{path} holds nothing that tomoscribe opens.")
            else:
                for one in inside:
                    volume = open_volume(one)
                    if looks_like_labels(volume):
                        labels.append(one)
                    if volume.voxel_size_A is None:
                        asked.append((one, volume.hint_A))
                    else:
                        known.append((one, volume.voxel_size_A))
        except TomoscribeError as error:
            notes.append(str(error))
        except OSError as error:
            notes.append(f"{path} cannot be read ({error.strerror or error}).")
    return Given(tuple(known), tuple(asked), tuple(labels), tuple(others), tuple(notes))


class TomogramAdder(SessionBound):
    """Adds what is dropped. Get it with `TomogramAdder.of(session)`.

    `asked_changed` tells that voxel sizes are to be asked for, or that they were told.
    """

    asked_changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._background = Background(reads_only=True)
        self._paths: list[str] = []
        self._meant_for: Path | None = None
        self._labels: tuple[str, ...] = ()
        self.asked: tuple[tuple[str, float | None], ...] = ()
        session.closed.connect(self._background.close)
        session.project_changed.connect(self._on_project)

    @property
    def busy(self) -> bool:
        """Whether something is still being looked at."""
        return self._background.busy

    def add(self, paths: Sequence[str]) -> None:
        """Look at paths in a thread, then add the tomograms and open the rest."""
        project = self._session.project
        if not self._paths:
            self._meant_for = None if project is None else project.path
        self._paths += [path for path in paths if path not in self._paths]
        count = len(self._paths)
        Activity.of(self._session).tell(
            "adding", f"looking at {count} dropped file{'s' * (count != 1)}"
        )
        self._background.run(partial(sort_out, tuple(self._paths)), self._take, self._failed)

    def answer(self, voxel_size_A: VoxelSize) -> None:
        """Add the tomograms that do not tell their voxel size, with this one in Å."""
        asked, self.asked = self.asked, ()
        if not self._session.change(lambda: self._add([(path, voxel_size_A) for path, _ in asked])):
            self.asked = asked  # to be asked again: nothing was added
        self.asked_changed.emit()

    def leave_out(self) -> None:
        """Leave the tomograms out that do not tell their voxel size."""
        self.asked = ()
        self.asked_changed.emit()

    def _take(self, given: Given) -> None:
        self._end()
        session = self._session
        project = session.project
        if self._meant_for is not None and (project is None or project.path != self._meant_for):
            session.status_message.emit(OTHER_PROJECT.format(self._meant_for))
            return
        notes = list(given.notes)
        self._labels = given.labels

        def add() -> None:
            if given.known or given.asked:
                # What else was dropped may belong to the tomogram that is shown.
                notes.extend(self._add(given.known, given.asked, wait=bool(given.others)))
            if given.others:
                session.open_paths(given.others)

        if session.change(add) and notes:
            session.status_message.emit(_in_short(notes))
        self.asked_changed.emit()

    def _add(
        self,
        known: Sequence[tuple[str, VoxelSize]],
        asked: Sequence[tuple[str, float | None]] = (),
        *,
        wait: bool = False,
    ) -> list[str]:
        """Add tomograms, and show the first; return notes of those that are there already."""
        session = self._session
        ensure_project(session, (*(p for p, _ in known), *(p for p, _ in asked))[0])
        ensure_class(session)
        project = session.project
        assert project is not None
        there = {entry.address: name for name, entry in project.tomograms.items()}
        new = [(path, size) for path, size in known if _address(path) not in there]
        self.asked = tuple(one for one in asked if _address(one[0]) not in there)
        again = [there[a] for path, _ in (*known, *asked) if (a := _address(path)) in there]
        added = project.add_opened(new) if new else []
        labels = [e.name for e in added if e.address in map(_address, self._labels)]
        for name in labels:
            project.set_role(name, Role.UNUSED)
        if added and (session.current is None or len(added) == 1):
            (session.set_current if wait else session.show)(added[0].name)
        elif not added and not self.asked and len(again) == 1:
            session.show(again[0])
        notes = [f"{len(added)} tomograms added."] if len(added) > 1 else []
        if labels:
            notes.append(LABELS.format(_in_short(labels, ", ")))
        if again:
            verb = "is" if len(again) == 1 else "are"
            notes.append(f"{_in_short(again, ', ')} {verb} in the project already.")
        return notes

    def _on_project(self) -> None:
        # What was asked for another project is forgotten with it.
        self.asked = ()
        self.asked_changed.emit()

    def _failed(self, error: BaseException) -> None:
        self._end()
        if not isinstance(error, TomoscribeError):
            raise error
        self._session.status_message.emit(str(error))

    def _end(self) -> None:
        self._paths = []
        Activity.of(self._session).tell("adding", "")


def _address(path: str) -> str:
    return path if "://" in path else str(Path(path).expanduser().absolute())


def _in_short(sentences: Sequence[str], between: str = " ", most: int = 3) -> str:
    more = len(sentences) - most
    return between.join(sentences[:most]) + (f" And {more} more." if more > 0 else "")
