"""Whether the user labels voxels or picks particles, and whether objects are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.project.default_task import INSTANCE, SEMANTIC
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session


class LabelMode(SessionBound):
    """What the docks of a session are about. Get it with `LabelMode.of(session)`.

    Attributes
    ----------
    on : bool
        Voxels are labelled; otherwise particles are picked.
    objects : bool
        Each stroke belongs to an object that is told apart from others of its class.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.on = self.objects = self._chosen = False
        session.project_changed.connect(self._on_project)
        self._on_project()

    @property
    def task(self) -> str:
        """The task that learns from what is painted."""
        return INSTANCE if self.objects else SEMANTIC

    def set(self, *, on: bool, objects: bool | None = None) -> None:
        """Label voxels or pick particles; with or without objects, None leaves that."""
        self._chosen = self._chosen or objects is not None
        wanted = (on, self.objects if objects is None else objects)
        if wanted != (self.on, self.objects):
            self.on, self.objects = wanted
            self.changed.emit()

    def expect_objects(self) -> None:
        """Tell objects apart, for some are painted, unless the user has chosen in this project."""
        if not self._chosen and not self.objects:
            self.objects = True
            self.changed.emit()

    def _on_project(self) -> None:
        """Go on with what was done in the project; where that is unclear, pick particles."""
        project = self._session.project
        labelled = project is not None and bool(project.label_classes)
        picked = project is not None and any(len(e.picks) for e in project.tomograms.values())
        self._chosen = False
        self.set(on=labelled and not picked)
