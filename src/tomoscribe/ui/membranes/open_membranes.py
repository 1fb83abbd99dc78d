"""Opens membrane containers and meshes that the user gives the viewer; asks for a lost tomogram."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from psygnal import Signal
from qtpy.QtWidgets import QApplication

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.names import free_name, safe_name
from tomoscribe.ui.annotate.pick_style import diameter_voxels
from tomoscribe.ui.background import Background
from tomoscribe.ui.membranes.membrane_shelf import is_small
from tomoscribe.ui.project.beginning import ensure_class, ensure_classes, ensure_project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.project.store import Project
    from tomoscribe.ui.scores.predicted import Predicted
    from tomoscribe.ui.session import Session


T = TypeVar("T")


class MembraneOpener:
    """Adds membranes to the project, with the tomogram that each lies in.

    A membrane whose tomogram is not found waits: `asking` is its file, `why` a sentence, and
    `answer` gives the tomogram. Emits `asked` when that changes.
    """

    asked = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: deque[tuple[Path, str]] = deque()
        self._jobs: deque[tuple[Callable[[], Any], Callable[[Any], object]]] = deque()
        self._background: Background | None = None
        self._fresh: set[str] = set()
        session.membrane_changed.connect(self._propose)
        session.project_changed.connect(self.forget)

    @property
    def asking(self) -> Path | None:
        """File of the membrane whose tomogram is asked for."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def why(self) -> str:
        """What is not known about it, in a sentence."""
        return self._waiting[0][1] if self._waiting else ""

    def open(self, place: str | Path) -> None:
        """Open a container or a mesh: with its tomogram where that is known, else ask for it.

        Raises
        ------
        TomoscribeError
            If the file or its tomogram cannot be read.
        """
        path = Path(place).expanduser().absolute()
        known = self._known(path)
        if known is not None:
            self._session.set_membrane(known)
            return
        project, places = self._session.project, self._places()

        def follow(answer: tuple[str | None, str]) -> None:
            found, why = answer
            if self._session.project is not project and project is not None:
                return
            if found is not None:
                self._take(path, found)
            else:
                self._waiting.append((path, why))
                self.asked.emit()

        if kind_of(path) == "mesh" or is_small(path):
            follow(tomogram_of(path, places))
        else:
            self._session.status_message.emit(f"Reading {path.name} …")
            self._work(
                lambda: tomogram_of(path, places),
                lambda answer: self._session.change(lambda: follow(answer)),
            )

    @property
    def busy(self) -> bool:
        """Whether files are still being read."""
        return self._background is not None and (self._background.busy or bool(self._jobs))

    def answer(self, tomogram: str | Path) -> None:
        """Give the tomogram, by its name in the project or by its path, of what waits for it.

        Raises
        ------
        TomoscribeError
            If it cannot be read, or the membrane does not lie in it.
        """
        if not self._waiting:
            return
        path, _ = self._waiting.popleft()
        self.asked.emit()
        self._take(path, str(tomogram))

    def forget(self) -> None:
        """Ask for nothing any more."""
        self._fresh.clear()
        if self._waiting:
            self._waiting.clear()
            self.asked.emit()

    def close(self) -> None:
        """End the thread."""
        self._jobs.clear()
        if self._background is not None:
            self._background.close()

    # ---------------------------------------------------------------- which tomogram
    def _known(self, path: Path) -> str | None:
        project = self._session.project
        entries = project.membranes.values() if project is not None else ()
        return next((entry.name for entry in entries if entry.path == path), None)

    def _places(self) -> list[Path]:
        project = self._session.project
        return [e.path.parent for e in project.tomograms.values()] if project else []

    # ---------------------------------------------------------------- taking it in
    def _take(self, path: Path, tomogram: str) -> None:
        """Add a membrane that lies in a tomogram, given by name or address; show it."""
        name = self._ensure_tomogram(tomogram)
        project = self._session.project
        assert project is not None
        if kind_of(path) != "mesh":
            self._add(project, path, name)
            return
        entry = project.tomograms[name]

        def load() -> Membrane:
            from tomoscribe.membranes.membrane import load_membrane

            return load_membrane(path, tomogram=entry.address, voxel_size_A=entry.voxel_size_A)

        def keep(membrane: Membrane) -> None:
            from tomoscribe.membranes.membrane import save_membrane

            if self._session.project is not project:
                return
            project.membranes_dir.mkdir(exist_ok=True)
            taken = {p.stem for p in project.membranes_dir.glob("*.h5")}
            made = project.membranes_dir / f"{free_name(safe_name(path.stem), taken)}.h5"
            save_membrane(made, membrane)
            self._add(project, made, name)

        self._session.status_message.emit(f"Reading {path.name} and the density along it …")
        self._work(load, lambda membrane: self._session.change(lambda: keep(membrane)))

    # ---------------------------------------------------------------- one after another
    def _work(self, job: Callable[[], T], then: Callable[[T], object]) -> None:
        """Do a job in a thread, after those before it; at once where Qt does not run."""
        if QApplication.instance() is None:
            then(job())
            return
        self._jobs.append((job, then))
        self._next()

    def _next(self) -> None:
        if self._background is None:
            self._background = Background()
        if self._background.busy or not self._jobs:
            return
        job, then = self._jobs.popleft()

        def done(made: Any) -> None:
            then(made)
            self._next()

        self._background.run(job, done, self._failed)

    def _failed(self, error: BaseException) -> None:
        self._next()
        if not isinstance(error, TomoscribeError):
            raise error
        self._session.status_message.emit(str(error))

    def _ensure_tomogram(self, tomogram: str) -> str:
        """Return the name of a tomogram in the project, which is added if it is not there."""
        project = self._session.project
        if project is not None and tomogram in project.tomograms:
            return tomogram
        if project is not None:
            address = tomogram if "://" in tomogram else str(Path(tomogram).expanduser().absolute())
            for name, entry in project.tomograms.items():
                if entry.address == address:
                    return name
        open_volume(tomogram)  # before a project is made for it
        ensure_project(self._session, tomogram)
        ensure_class(self._session)
        project = self._session.project
        assert project is not None
        return project.add_tomogram(tomogram).name

    def _add(self, project: Project, path: Path, tomogram: str) -> None:
        session = self._session
        entry = project.add_membrane(path, tomogram)
        self._fresh.add(entry.name)
        try:
            session.set_membrane(entry.name)
        except TomoscribeError:
            self._fresh.discard(entry.name)
            project.remove_membrane(entry.name)
            raise
        notes = session.membrane.notes if session.membrane is not None else ()
        said = " ".join([f"{entry.name}:", *notes]) if notes else ""
        if said or session.membrane is None or session.membrane.scores is None:
            session.status_message.emit(said)

    def _propose(self, name: str | None) -> None:
        """Propose the particles of a predicted container, once, when it is there."""
        from tomoscribe.ui.scores.predicted import edit_of, find_predicted

        session = self._session
        shelved, entry, project = session.surfaces.shelved, session.entry, session.project
        if name is None or shelved is None or entry is None or project is None:
            return
        if name not in self._fresh:
            return
        self._fresh.discard(name)
        membrane, size_A = shelved.membrane, entry.voxel_size_A
        if membrane.scores is None:
            return
        names = {each: each for each in membrane.class_names}
        if membrane.centers_zyx is not None:  # MemBrain-pick knows one class, without a name
            names = {each: session.active_class or each for each in names}
        ensure_classes(session, names.values())
        classes = tuple(session.classes)

        def find() -> list[Predicted]:
            found = find_predicted(shelved, lambda c: diameter_voxels(classes, names[c], size_A))
            return [replace(each, class_name=names[each.class_name]) for each in found]

        def propose(found: list[Predicted]) -> None:
            count = sum(len(each.zyx) for each in found)
            if session.project is not project or session.entry is not entry or not count:
                return
            source = project.membranes[name].path.name
            session.edit(edit_of(session, found, name, source))
            session.status_message.emit(
                f"{count} particles proposed by {source}: N goes to the next, G accepts, H rejects."
            )

        self._work(find, propose)


def tomogram_of(path: Path, folders: Sequence[Path]) -> tuple[str | None, str]:
    """Return the tomogram of a container or mesh, or None and why it is not known.

    It is looked for beside the file and in `folders` too.
    """
    from tomoscribe.io.membrane_h5 import read_membrane_file
    from tomoscribe.membranes.tomograms import find_tomogram

    if kind_of(path) == "mesh":
        return None, f"{path.name} is a mesh: which tomogram does it lie in?"
    held = read_membrane_file(path)
    found, notes = find_tomogram(path, held.tomogram, held.tomogram_relative, None, folders)
    return found, f"{path.name}: {' '.join(notes)} Which one is it?"
