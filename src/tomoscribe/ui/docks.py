"""The docks as napari makes them: with a viewer, where ours take a session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tomoscribe.ui.annotate_actions import move_plane_with_wheel
from tomoscribe.ui.annotate_dock import AnnotateDock
from tomoscribe.ui.compare_dock import CompareDock
from tomoscribe.ui.keys import KeyMap
from tomoscribe.ui.lifetime import DockEnd, WindowEnd
from tomoscribe.ui.session import Session
from tomoscribe.ui.train_dock import TrainDock
from tomoscribe.ui.widgets import main_window

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent


class AnnotateWidget(AnnotateDock):
    """The dock Annotate; the first one in a window brings the keys."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)

    def showEvent(self, event: QShowEvent) -> None:
        """Connect the keys once the dock has found its window."""
        super().showEvent(event)
        WindowEnd.watch(self.session, self)
        window = main_window(self)
        if window.findChild(KeyMap) is None:
            KeyMap(self.session, window)
            callbacks = self.session.viewer.mouse_wheel_callbacks
            callbacks.append(partial(move_plane_with_wheel, self.session))


class TrainWidget(TrainDock):
    """The dock Train."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)


class CompareWidget(CompareDock):
    """The dock Compare."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(Session.of(napari_viewer))
        DockEnd(self)
