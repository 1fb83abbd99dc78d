"""Opens a run that lies outside of a project: on what it trained on, in a project of its folder."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tomoscribe.project.default_task import INSTANCE, MEMBRANE
from tomoscribe.project.file import is_project
from tomoscribe.project.label_import import add_classes
from tomoscribe.project.model import Role
from tomoscribe.project.source import absolute_address
from tomoscribe.project.store import Project
from tomoscribe.training.run import RunFolder
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.project.activity import Activity
from tomoscribe.ui.project.beginning import ensure_class, project_folder_of_runs
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.training.config import RunConfig
    from tomoscribe.ui.session import Session

FOLLOWED = "The run {run} is followed{which}. Everything that you do here is saved in {project}."
NOT_SHOWN = (
    "The run {run} is followed, but what it learns from cannot be shown: {why} Open the image that "
    "you want to see it on."
)
READ_ONLY = (
    "The project {project} of this run is open elsewhere: what it learns from cannot be added here."
)


class RunOpener(SessionBound):
    """Opens runs from anywhere. Get it with `RunOpener.of(session)`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._thread = Background(reads_only=True)
        session.closed.connect(self._thread.close)

    def open(self, run: RunFolder, which: str = "") -> None:
        """Follow a run in the project of its folder, which is made where there is none yet.

        What is in view stays in view; else the first sample that the run previews is shown, as
        soon as a thread has found it. `which` says which run of several it is.

        Raises
        ------
        TomoscribeError
            If the run or the project cannot be read, or no project can be made.
        """
        session, config = self._session, run.config()
        entry = session.entry
        project = self._project_of(run.path.parent)
        self._thread.drop()
        session.run = RunFolder(project.runs_dir / run.name)
        if project.read_only:
            if not project.tomograms:
                session.status_message.emit(READ_ONLY.format(project=project.path))
            return
        if entry is not None and session.entry is not entry:
            self._show_again(project, entry.address, entry.size)
        said = FOLLOWED.format(run=run.name, which=which, project=project.path)
        Activity.of(session).tell("run", f"looking for what {run.name} learns from")
        self._thread.run(
            partial(_learned_from, config),
            lambda data: self._take(project, config.task, data, said),
            lambda error: self._failed(run, error),
        )

    def _project_of(self, runs_dir: Path) -> Project:
        """Return the project of a folder of runs, open in the session."""
        session = self._session
        if session.project is None or session.project.runs_dir != runs_dir:
            folder = project_folder_of_runs(runs_dir, session.autosave)
            if is_project(folder):
                session.open_project(folder)
            else:
                session.set_project(Project.create(folder, runs=runs_dir))
        assert session.project is not None
        return session.project

    def _show_again(self, project: Project, address: str, size: VoxelSize) -> None:
        """Show what was in view before the project was opened."""
        known = [name for name, e in project.tomograms.items() if e.address == address]
        name = known[0] if known else project.add_opened([(address, size)])[0].name
        if name != self._session.current:
            self._session.show(name)

    def _take(self, project: Project, task: str, data: TrainingData, said: str) -> None:
        session = self._session
        Activity.of(session).tell("run", "")
        if session.project is not project:
            return
        used = [
            replace(s, volume_path=_tidy(s.volume_path))
            for s in data.samples
            if s.role != Role.UNUSED
        ]
        # The order in which a training previews.
        used.sort(key=lambda sample: sample.role != Role.VALIDATE)
        addresses = {sample.volume_path for sample in used}
        # One that is asked about its voxel size is known with it now.
        asked = session.pending is not None and absolute_address(session.pending) not in addresses
        in_view = asked or session.current is not None or session.opening is not None

        def show() -> None:
            if data.label_classes:
                if not project.label_classes:
                    LabelMode.of(session).set(on=True, objects=(task == INSTANCE) or None)
                add_classes(project, data.label_classes)
            elif data.classes and not project.classes:
                project.set_classes(data.classes)
            ensure_class(session)
            if task == MEMBRANE:
                if not project.membranes:
                    session.open_paths([used[0].volume_path])
                return
            names = _add(project, used)
            if names and not in_view:
                session.show(names[0])

        if session.change(show):
            session.status_message.emit(said)

    def _failed(self, run: RunFolder, error: BaseException) -> None:
        Activity.of(self._session).tell("run", "")
        said = NOT_SHOWN.format(run=run.name, why=sentence_of(error))
        self._session.status_message.emit(said)


def _learned_from(config: RunConfig) -> TrainingData:
    # SciPy comes with it, for which the first dock does not wait.
    from tomoscribe.project.training_data import load_training_data

    return load_training_data(config.data, config.task)


def _tidy(address: str) -> str:
    """Return an address as the user opens it: that of a training may go up and down again."""
    place, colons, inner = address.partition("::")
    short = place if "://" in place else os.path.normpath(place)
    # Behind a link to a folder, `..` leads elsewhere.
    if short == place or not os.path.exists(short) or not os.path.samefile(short, place):
        return address
    return f"{short}{colons}{inner}"


def _add(project: Project, samples: list[TrainingSample]) -> list[str]:
    """Add the samples that a project lacks, under their names; return how it calls all of them."""
    there = {entry.address: name for name, entry in project.tomograms.items()}
    new = {s.volume_path: s for s in reversed(samples) if s.volume_path not in there}
    if new:
        opened = [(address, s.size) for address, s in reversed(new.items())]
        added = project.add_opened(opened, {address: s.name for address, s in new.items()})
        there |= {entry.address: entry.name for entry in added}
        for entry in added:
            if new[entry.address].role != entry.role:
                project.set_role(entry.name, new[entry.address].role)
    return [there[sample.volume_path] for sample in samples]
