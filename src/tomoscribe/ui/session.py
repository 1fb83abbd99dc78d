"""The one meeting point of a viewer and a project: what is open, what is current, who must know.

Docks and layers talk to the session and listen to its signals; they never talk to each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import Volume, open_volume
from tomoscribe.project.rename import rename_class
from tomoscribe.project.store import Project
from tomoscribe.ui.annotate.pick_layer import PickLayer
from tomoscribe.ui.annotate.region_layer import RegionLayer
from tomoscribe.ui.membranes.membrane_layer import MembraneLayer
from tomoscribe.ui.membranes.membrane_outline import OutlineLayer
from tomoscribe.ui.membranes.membrane_session import CurrentMembrane
from tomoscribe.ui.membranes.normal_ticks import NormalTicks
from tomoscribe.ui.open_paths import open_paths
from tomoscribe.ui.opening import open_again, show_first, take_project, tidied_once
from tomoscribe.ui.slab import Averaging
from tomoscribe.ui.timeline import Timeline
from tomoscribe.ui.tomogram_layer import hide_volume
from tomoscribe.ui.viewer_bound import ViewerBound
from tomoscribe.ui.volume_loader import VolumeLoader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from napari.components import ViewerModel

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.picks.table import Edit
    from tomoscribe.project.model import ParticleClass, Region, TomogramEntry
    from tomoscribe.training.run import RunFolder


class Session(ViewerBound):
    """A project in a viewer. Get it with `Session.of(viewer)`.

    Attributes
    ----------
    project : Project or None
        What is open.
    current : str or None
        Name of the tomogram that is shown.
    volume : Volume or None
        The data of the tomogram that is shown, also while its voxel size is asked for.
    pending : str or None
        A volume that is shown but not in the project yet, because its voxel size is unknown.
    active_class : str or None
        Class of the next pick.
    actions : dict of str to callable
        What keys do, by name; `keys.KEYS` has the names. Owners of a feature put theirs in.
    averaging : Averaging
        How many slices the layer `tomogram` shows the mean of.
    surfaces : CurrentMembrane
        The membranes that are loaded, and what pointing at them needs.
    membranes : MembraneLayer
        The current membrane as the viewer shows it.
    autosave : Path or None
        Folder for projects that begin with a tomogram; None: beside it.
    closing : bool
        The window was told to close, and its project may be taken over.
    """

    project_changed = Signal()
    current_changed = Signal(object)
    picks_changed = Signal()
    regions_changed = Signal()
    class_changed = Signal(object)
    run_changed = Signal(object)
    membrane_changed = Signal(object)
    patches_changed = Signal()
    pending_changed = Signal(object)
    opening_changed = Signal(object)
    status_message = Signal(str)
    saved = Signal(bool)
    closed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self.project: Project | None = None
        self.current: str | None = None
        self.volume: Volume | None = None
        self.pending: str | None = None
        self.active_class: str | None = None
        self.actions: dict[str, Callable[[], None]] = {}
        self.autosave: Path | None = None
        self.closing = False
        self._run: RunFolder | None = None
        self._loader = VolumeLoader(self)
        self.timeline = Timeline(self)
        self.averaging = Averaging(self)
        self.surfaces = CurrentMembrane(self)
        self.membranes = MembraneLayer(self)
        self.picks = PickLayer(self)
        self.regions = RegionLayer(self)
        self.outline = OutlineLayer(self)
        self.ticks = NormalTicks(self)

    @property
    def entry(self) -> TomogramEntry | None:
        """The tomogram that is shown."""
        if self.project is None or self.current is None:
            return None
        return self.project.tomograms.get(self.current)

    @property
    def membrane(self) -> Membrane | None:
        """The current membrane of the tomogram, None where it has none or while it is read."""
        return self.surfaces.membrane

    @property
    def membrane_name(self) -> str | None:
        """Name of the current membrane in the project."""
        return self.surfaces.name

    @property
    def classes(self) -> list[ParticleClass]:
        """The project's particle classes."""
        return list(self.project.classes) if self.project else []

    @property
    def run(self) -> RunFolder | None:
        """The training that the docks follow."""
        return self._run

    @run.setter
    def run(self, run: RunFolder | None) -> None:
        self._run = run
        self.run_changed.emit(run)

    # ---------------------------------------------------------------- opening
    def open_project(self, folder: str | Path) -> None:
        """Open a project and show its first tomogram; one that is edited elsewhere, for reading.

        Raises
        ------
        TomoscribeError
            If the folder holds no project.
        """
        path = Path(folder).expanduser().resolve()
        if self.project is not None and self.project.path == path:
            self.close_project()
        self.set_project(*take_project(path, Session.all()))

    def new_project(self, folder: str | Path) -> None:
        """Create an empty project and open it.

        Raises
        ------
        TomoscribeError
            If the folder cannot be written or holds a project already.
        """
        self.set_project(Project.create(Path(folder)))

    def set_project(self, project: Project, note: str = "") -> None:
        """Take an open project over and show its first tomogram that can be opened.

        `note` is said with what else there is to say of the project.
        """
        self._release()
        self.project = project
        project.picks_changed.connect(self._on_picks_changed)
        project.regions_changed.connect(self._on_regions_changed)
        project.classes_changed.connect(self._on_classes_changed)
        self.surfaces.follow_project(project)
        self._on_classes_changed()
        self.project_changed.emit()
        said = " ".join(filter(None, (*project.notes, note, self.show_first())))
        if said:
            self.status_message.emit(said)

    def show_first(self) -> str:
        """Show the first tomogram that can be opened; return what hinders those before it."""
        shown, said = show_first(self)
        if not shown:
            self.current = self.volume = None
            self._show_nothing()
        return said

    def reopen(self) -> None:
        """Open the project again as it is on disk, to edit it if nobody else does any more.

        Raises
        ------
        TomoscribeError
            If it is gone.
        """
        open_again(self)

    def close_project(self) -> None:
        """Save and close the project, so that others may edit it; the viewer shows nothing then."""
        with tidied_once(self.viewer):
            self._release()
            self.project_changed.emit()
            self._on_classes_changed()
            self._show_nothing()

    def close(self) -> None:
        """Save and close the project after the window is gone; layers and docks are left alone."""
        project, self.project = self.project, None
        self._loader.close()
        self.closed.emit()
        if project is not None:
            self._disconnect(project)
            self.change(project.close)
        self.surfaces.close()

    def _release(self) -> None:
        project = self.project
        if project is None:
            return
        self._disconnect(project)
        self.run = None
        self.project = self.current = self.volume = self.pending = self.active_class = None
        self.change(project.close)

    def _disconnect(self, project: Project) -> None:
        self.surfaces.follow_project(None)
        project.picks_changed.disconnect(self._on_picks_changed)
        project.regions_changed.disconnect(self._on_regions_changed)
        project.classes_changed.disconnect(self._on_classes_changed)

    def _show_nothing(self) -> None:
        self._loader.drop()
        hide_volume(self.viewer)
        self.picks.rebuild()
        self.regions.rebuild()
        self.surfaces.follow_tomogram()
        self.pending_changed.emit(None)
        self.current_changed.emit(None)

    def open_paths(self, paths: Iterable[str | Path]) -> None:
        """Open whatever the paths are: a project, tomograms, picks for the tomogram that is shown.

        Raises
        ------
        TomoscribeError
            If a path is none of these.
        """
        open_paths(self, list(paths))

    def show(self, name: str) -> None:
        """Show a tomogram once its file has answered; until then the viewer goes on.

        `opening_changed` tells that it is waited for. What goes wrong is said to the user.
        """
        if self.project is not None and name in self.project.tomograms:
            entry = self.project.tomograms[name]
            on_it = [m.path for m in self.project.membranes.values() if m.tomogram == name]
            self._loader.open(entry, lambda volume: self._take_opened(entry, volume), on_it)
            self.opening_changed.emit(name)

    @property
    def opening(self) -> str | None:
        """Name of the tomogram that is opened at the moment."""
        return self._loader.opening

    def _take_opened(self, entry: TomogramEntry, volume: Volume | None) -> None:
        project = self.project
        if volume is not None and project and project.tomograms.get(entry.name) is entry:
            self.set_current(entry.name, volume)
        self.opening_changed.emit(self.opening)

    def set_current(self, name: str, volume: Volume | None = None) -> None:
        """Show a tomogram of the project with its picks and regions; `show` does not wait for it.

        One that must be unpacked first becomes the current one at once, and is seen when it is
        there. `volume` is its file where somebody has opened it already.

        Raises
        ------
        TomoscribeError
            If its file is gone or cannot be read.
        """
        if self.project is None:
            raise TomoscribeError("There is no project open; open or drop a tomogram first.")
        entry = self.project.tomograms[name]
        volume = volume or open_volume(entry.address, entry.size)
        if self.pending is not None:
            hide_volume(self.viewer)  # it counts in voxels, and layers must not mix units
        self.volume, self.pending, self.current = volume, None, name
        self._loader.show(volume, self._show_current)

    def _show_current(self) -> None:
        """Follow the layer `tomogram`, which is there or was taken away until it can be."""
        self.averaging.apply()
        self.picks.rebuild()
        self.regions.rebuild()
        self.surfaces.follow_tomogram()
        self.pending_changed.emit(None)
        self.current_changed.emit(self.current)

    def set_membrane(self, name: str | None) -> None:
        """Make a membrane the current one, with its tomogram; `membrane_changed` tells when it is.

        Raises
        ------
        TomoscribeError
            If there is no such membrane, or it or its tomogram cannot be read.
        """
        self.surfaces.set(name)

    def ask_voxel_size(self, path: str, volume: Volume) -> None:
        """Show a volume in voxels and ask, in the dock, for the size of one."""
        self.pending = self.current = self.volume = None
        self._show_nothing()
        self.volume, self.pending = volume, path
        self._loader.show(volume, lambda: self.pending_changed.emit(path))

    def answer_voxel_size(self, voxel_size_A: VoxelSize) -> None:
        """Add the pending volume to the project with this voxel size, and show it."""
        if self.pending is None or self.project is None:
            return
        self.set_current(self.project.add_tomogram(self.pending, voxel_size_A=voxel_size_A).name)

    # ---------------------------------------------------------------- editing
    def edit(self, edit: Edit) -> None:
        """Apply an edit to the current picks: history, journal and layers follow.

        An edit that cannot be written to disk stays in memory; the sentence goes to the dock.
        """
        if self.project is None or self.current is None:
            self.status_message.emit("Open a tomogram first, then click particles.")
            return
        project, name = self.project, self.current
        self.change(lambda: project.edit(name, edit))
        self.timeline.note_picks()

    def undo(self) -> None:
        """Undo the last edit of the current picks or patches."""
        self.timeline.undo()

    def redo(self) -> None:
        """Redo the last undone edit of the current picks or patches."""
        self.timeline.redo()

    def set_regions(self, regions: Sequence[Region]) -> None:
        """Set the regions of the current tomogram that are declared complete."""
        if self.project is not None and self.current is not None:
            project, name = self.project, self.current
            self.change(lambda: project.set_regions(name, list(regions)))

    def set_active_class(self, name: str) -> None:
        """Choose the class of the next pick."""
        if name != self.active_class:
            self.active_class = name
            self.class_changed.emit(name)

    def rename_class(self, old: str, new: str) -> None:
        """Rename a class with its picks, in every tomogram; it becomes the active one."""
        project = self.project
        if project is not None:
            self.change(lambda: rename_class(project, old, new))
            if new in {c.name for c in project.classes}:
                self.set_active_class(new)

    def change(self, change: Callable[[], object]) -> bool:
        """Do something to the project; what goes wrong is said where the user looks."""
        try:
            change()
        except TomoscribeError as error:
            self.status_message.emit(str(error))
            self.saved.emit(False)
            return False
        self.saved.emit(True)
        return True

    # ---------------------------------------------------------------- project signals
    def _on_picks_changed(self, name: str, edit: Edit) -> None:
        if name == self.current:
            self.picks.patch(edit)
            self.picks_changed.emit()

    def _on_regions_changed(self, name: str) -> None:
        if name == self.current:
            self.regions.rebuild()
            self.regions_changed.emit()

    def _on_classes_changed(self) -> None:
        names = [c.name for c in self.classes]
        if self.active_class not in names:
            self.active_class = names[0] if names else None
        self.averaging.apply()
        self.picks.rebuild()
        self.class_changed.emit(self.active_class)
