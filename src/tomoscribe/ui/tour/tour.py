"""Leads through the steps: shows each beside its widget, and goes on when it has been done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QPoint, QRect, QTimer

from tomoscribe.ui.connections import connect
from tomoscribe.ui.tour.card import TourCard
from tomoscribe.ui.tour.facts import FactFinder
from tomoscribe.ui.tour.steps import END, STEPS, Facts, Step
from tomoscribe.ui.tour.targets import PLACES, bring, in_sight

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session

LOOK_MS = 200
"""Between two looks at what was done and where the widget is; each takes about a millisecond."""

USES = (QEvent.Type.MouseButtonRelease, QEvent.Type.KeyRelease)
"""Events of a widget that somebody uses."""


class Tour(QObject):
    """A tour in one window; it ends with it, and keeps nothing.

    Parameters
    ----------
    viewer : napari.Viewer
        A viewer with our docks; those that are closed are done without.
    session : Session
        Its session.
    window : QWidget
        Its main window.
    """

    def __init__(self, viewer: napari.Viewer, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._viewer = viewer
        self._session = session
        self._window = window
        self._finder = FactFinder(session, window)
        self._touched = 0
        self._watched: QWidget | None = None
        self.card = TourCard(window)
        self.card.back_pressed.connect(self.back)
        self.card.next_pressed.connect(self.next)
        self.card.end_pressed.connect(self.end)
        self.card.sample_pressed.connect(self._open_sample)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        connect(self, session.picks_changed, self.look)
        connect(self, session.closed, self.end)
        self.index = 0
        self._before = Facts()
        first = 1 if self._finder.look(0).tomogram is not None else 0
        self._show(first)
        self._timer.start()

    @property
    def step(self) -> Step | None:
        """The step that is shown, None after the last one."""
        return STEPS[self.index] if self.index < len(STEPS) else None

    def next(self) -> None:
        """Go on, whether or not the step was done; after the end, end."""
        if self.step is None:
            self.end()
        else:
            self._show(self.index + 1)

    def back(self) -> None:
        """Show the step before again."""
        self._show(max(self.index - 1, 0))

    def end(self) -> None:
        """Take the tour away."""
        self._timer.stop()
        self._watch(None)
        self._finder.deleteLater()
        self.card.take_away()
        self.setParent(None)
        self.deleteLater()

    def look(self, *_: object) -> None:
        """Go on if the step was done, else stay beside its widget."""
        step = self.step
        if step is not None and step.done(self._before, self._finder.look(self._touched)):
            self._show(self.index + 1)
        else:
            self._put()

    def _show(self, index: int) -> None:
        self.index = index
        self._touched = 0
        self._before = self._finder.look(0)
        step, count = self.step, len(STEPS)
        if step is None:
            self.card.say(*END, "", first=False, samples=False)
        else:
            number = f"{index + 1} of {count}"
            opens = step.name == "open"
            self.card.say(step.title, step.text, number, first=index == 0, samples=opens)
        self.card.next.setText("&Done" if step is None else "&Next")
        self.card.end.setVisible(step is not None)
        self._watch(None)
        target = self._target()
        if target is not None:
            bring(target)
        self._put()

    def _target(self) -> QWidget | None:
        """Return the widget that the step is about; None where its dock is closed."""
        if self._watched is None and self.step is not None:
            if self.step.target == "canvas":
                self._watch(self._viewer.window._qt_viewer.canvas.native)
            else:
                self._watch(PLACES[self.step.target].find(self._window))
        return self._watched

    def _put(self) -> None:
        """Put the card beside the widget, or say where that is."""
        target = self._target()
        if target is not None and in_sight(target) and target.window() is self._window:
            corner = target.mapTo(self._window, QPoint(0, 0))
            # What a scroll area leaves of it.
            seen = target.visibleRegion().boundingRect()
            self.card.put(QRect(corner + seen.topLeft(), seen.size()), "")
            return
        self.card.put(None, self._where(target))

    def _where(self, target: QWidget | None) -> str:
        if self.step is None or self.step.target == "canvas":
            return ""
        dock = PLACES[self.step.target].dock
        if target is None and dock:
            return f"Plugins ▸ tomoscribe ▸ {dock} opens the dock that this is about."
        return f"This is in the tab {dock}." if dock else ""

    def _watch(self, widget: QWidget | None) -> None:
        """Count the uses of a widget, and of no other."""
        if self._watched is not None:
            self._watched.removeEventFilter(self)
            self._watched.destroyed.disconnect(self._forget)
        self._watched = widget
        if widget is not None:
            widget.installEventFilter(self)
            widget.destroyed.connect(self._forget)

    def _forget(self, *_: object) -> None:
        self._watched = None

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Count; nothing is kept from the widget."""
        if event is not None and event.type() in USES:
            self._touched += 1
        return False

    def _open_sample(self, kind: str) -> None:
        self._viewer.open_sample("tomoscribe", kind)


def start_tour(viewer: napari.Viewer, session: Session, window: QWidget) -> Tour:
    """Begin the tour in a window, or go on with the one that is there."""
    tour = window.findChild(Tour)
    return Tour(viewer, session, window) if tour is None else tour
