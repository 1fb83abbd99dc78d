"""The ways to the tour: Help ▸ Guided tour, the command palette, and an action of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QObject
from qtpy.QtGui import QAction

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.app import add_docks
from tomoscribe.ui.connections import lend
from tomoscribe.ui.session import Session
from tomoscribe.ui.tour.tour import start_tour

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.tour.tour import Tour

TITLE = "Guided tour of tomoscribe"


class HelpEntry(QObject):
    """Keeps our entry in a window's Help menu; napari lets no manifest put one there."""

    def __init__(self, viewer: napari.Viewer, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._viewer = viewer
        self._session = session
        self._window = window
        self._menu = viewer.window.help_menu
        self.action = QAction(TITLE, window)
        self.action.triggered.connect(self.start)
        # napari makes its menus anew when a plugin is switched on or off.
        self._menu.aboutToShow.connect(self._add)
        self._add()
        lend(self, session, {"take_tour": self.start})

    @classmethod
    def bring(cls, viewer: napari.Viewer, session: Session, window: QWidget) -> None:
        """Add the entry to a window, once."""
        if window.findChild(cls) is None:
            cls(viewer, session, window)

    def start(self) -> None:
        """Begin the tour."""
        start_tour(self._viewer, self._session, self._window)

    def _add(self) -> None:
        if self.action not in self._menu.actions():
            self._menu.addAction(self.action)


def take_tour() -> Tour:
    """Open the docks in the current viewer and begin the tour there: the manifest's command.

    Raises
    ------
    TomoscribeError
        If there is no viewer.
    """
    viewer = napari.current_viewer()
    if viewer is None:
        raise TomoscribeError("The tour leads through a viewer: start napari first.")
    add_docks(viewer)
    return start_tour(viewer, Session.of(viewer), viewer.window._qt_window)
