"""The docks as napari makes them: with a viewer, where ours take a session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari import Viewer

from tomoscribe.ui.annotate.annotate_actions import move_plane_with_wheel
from tomoscribe.ui.annotate.annotate_dock import AnnotateDock
from tomoscribe.ui.canvas_context import CanvasContext
from tomoscribe.ui.canvas_drop import CanvasDrop
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.keys import KeyMap
from tomoscribe.ui.lifetime import DockEnd, WindowEnd
from tomoscribe.ui.membranes.depth_control import take_wheel
from tomoscribe.ui.preferences import preferences
from tomoscribe.ui.project.project_dock import ProjectDock
from tomoscribe.ui.runs.runs_dock import RunsDock
from tomoscribe.ui.runs.strip_dock import bring_strip, put_runs_below
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.session import Session
from tomoscribe.ui.tour.help_menu import HelpEntry
from tomoscribe.ui.warm_up import warm_up
from tomoscribe.ui.widgets import main_window

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QWidget


class AnnotateWidget(AnnotateDock):
    """The dock Annotate; the first one in a window brings the keys."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)

    def showEvent(self, event: QShowEvent) -> None:
        """Connect the keys once the dock has found its window."""
        super().showEvent(event)
        _settle(self.session, self)
        window = main_window(self)
        if window.findChild(KeyMap) is None:
            KeyMap(self.session, window)
            callbacks = self.session.viewer.mouse_wheel_callbacks
            callbacks.append(partial(move_plane_with_wheel, self.session))
            take_wheel(self.session)


class ProjectWidget(ProjectDock):
    """The dock Project."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring the run strip, if this is the first dock."""
        super().showEvent(event)
        _settle(self._session, self)


class TrainWidget(TrainDock):
    """The dock Train."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring the run strip, if this is the first dock."""
        super().showEvent(event)
        _settle(self._session, self)


class CompareWidget(CompareDock):
    """The dock Compare."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring the run strip, if this is the first dock."""
        super().showEvent(event)
        _settle(self._session, self)


class RunsWidget(RunsDock):
    """The dock Runs; it is wide and low, so it moves below the canvas."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring the run strip, if this is the first dock, and go where there is room."""
        super().showEvent(event)
        _settle(self._session, self)
        put_runs_below(self)


def _settle(session: Session, dock: QWidget) -> None:
    """Mind the end of the window that a dock is shown in, bring it the run strip and the tour."""
    WindowEnd.watch(session, dock)
    warm_up()
    session.autosave = preferences().autosave
    viewer = session.viewer
    if isinstance(viewer, Viewer):
        window = main_window(dock)
        CanvasContext.mind(viewer, viewer.window._qt_viewer.canvas.native)
        CanvasDrop.bring(session, viewer.window._qt_viewer)
        bring_strip(viewer, window)
        HelpEntry.bring(viewer, session, window)
