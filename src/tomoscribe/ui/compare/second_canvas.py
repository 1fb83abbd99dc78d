"""A second canvas right of the main one: the same spot with B's scores and B's proposals.

A viewer model of its own in napari's `QtViewer`, moving along with the main one. It is for looking:
clicks do nothing there, and the user's list of layers knows nothing of it.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QLabel

from tomoscribe.ui.canvas_context import CanvasContext
from tomoscribe.ui.compare.linked_views import LinkedViews
from tomoscribe.ui.compare.side_words import canvas_text
from tomoscribe.ui.compare.sides import LETTERS, Letter, Sides
from tomoscribe.ui.compare.twin_layers import TwinImage, TwinPoints
from tomoscribe.ui.compare.twin_mesh import TwinMesh
from tomoscribe.ui.compare.twin_proposals import TwinProposals
from tomoscribe.ui.connections import at_end, connect
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.difference import SIDE_COLORS
from tomoscribe.ui.scores.heatmap_layer import HeatmapLayer
from tomoscribe.ui.segments.twin_objects import TwinObjects
from tomoscribe.ui.viewer_bound import ViewerBound

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.compare.showing import Showing
    from tomoscribe.ui.membranes.membrane_layer import MembraneLayer
    from tomoscribe.ui.session import Session

SOON_MS = 30
"""What comes in a row, as while a pick is dragged, is followed once."""

GROWING_MS = 1000
"""What grows is drawn again this often."""

LABEL_EDGE, LABEL_PADDING = 6, 20
"""Pixels around the line over a canvas, and in it."""

LABEL = "background: rgba(0, 0, 0, 150); color: white; padding: 2px 6px; border-left: 4px solid {};"


class Stage(ViewerBound):
    """The second viewer, as layers of ours see a session."""

    membranes: MembraneLayer


class SecondCanvas(QObject):
    """Shows side B beside the main canvas while the sides are looked at side by side.

    Emits `appeared` when it is in sight, which takes a moment the first time.
    """

    appeared = Signal()

    def __init__(self, session: Session, showing: Showing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._showing = showing
        self._sides = Sides.of(session)
        # A list, which outlives this object: Qt may delete it before Python does.
        self._twins: list[_Twin] = []
        self._growing = QTimer(self)
        self._growing.setInterval(GROWING_MS)
        self._growing.timeout.connect(self._grow)
        self._soon = QTimer(self)
        self._soon.setInterval(SOON_MS)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        paint = MeshPaint.of(session)
        for signal in (
            self._sides.changed, showing.changed, session.current_changed, session.picks_changed,
            session.membrane_changed, session.class_changed, session.membranes.shown_changed,
            session.averaging.changed, RunMonitor.of(session).feed.changed, paint.changed,
        ):  # fmt: skip
            connect(self, signal, self._later)
        connect(self, session.closed, self.close)
        twins = self._twins
        at_end(self, lambda: _close_all(twins))

    @property
    def view(self) -> QtViewer | None:
        """The second canvas with its slice slider, None before it was needed."""
        return self._twins[0].view if self._twins else None

    @property
    def is_coming(self) -> bool:
        """Whether it is wanted and not in sight yet."""
        wanted = self._sides.mode == "side_by_side" and self._session.layer is not None
        has_room = hasattr(getattr(self._session.viewer, "window", None), "_qt_viewer")
        return wanted and has_room and (self.view is None or self.view.isHidden())

    def refresh(self) -> None:
        """Show or hide the canvas, and bring what it shows up to date."""
        wanted = self._sides.mode == "side_by_side" and self._session.layer is not None
        if not wanted:
            self._growing.stop()
            for twin in self._twins:
                twin.hide()
            return
        if not self._twins:
            window = getattr(self._session.viewer, "window", None)
            main = getattr(window, "_qt_viewer", None)
            if main is None:
                return  # a viewer without a window has no room for another canvas
            self._twins.append(_Twin(self._session, self._showing, main, self.appeared.emit))
        self._twins[0].show()
        self._growing.start()

    def close(self) -> None:
        """Take the canvas away for good."""
        self._growing.stop()
        self._soon.stop()
        _close_all(self._twins)

    def _later(self, *_: object) -> None:
        if self._sides.mode == "side_by_side" or self._twins:
            self._soon.start()

    def _grow(self) -> None:
        if self._twins and self._sides.side("b").live:
            self._twins[0].grow()


def _close_all(twins: list[_Twin]) -> None:
    while twins:
        twins.pop().close()


class _Canvas(QtViewer):  # type: ignore[misc]  # napari gives it no type
    """napari's canvas with its sliders; the keys are those of the window already."""

    def _bind_shortcuts(self) -> None:
        """Bind no keys anew: napari has them for all its canvases, and it takes 50 ms."""


class _Twin:
    """The parts of the second canvas, which live and end together.

    They are made one in a turn of the event loop: napari takes long for a canvas and its layers.
    """

    def __init__(
        self, session: Session, showing: Showing, main: QtViewer, appeared: Callable[[], object]
    ) -> None:
        self._session = session
        self._showing = showing
        self._appeared = appeared
        self._sides = Sides.of(session)
        self._monitor = RunMonitor.of(session)
        self._main = main
        self.model = ViewerModel(title="B")
        self.view = _Canvas(self.model)
        self.view.setAcceptDrops(False)  # files go to the viewer around it
        self.view.hide()
        CanvasContext.mind(self.model, self.view.canvas.native)
        self.stage = Stage.of(self.model)
        self.stage.membranes = session.membranes
        self.links = LinkedViews(session.viewer, self.model)
        self.tomogram = TwinImage(self.model)
        self.picks = TwinPoints(self.model)
        self.heatmap = HeatmapLayer(self.stage)
        self.mesh = TwinMesh(session, self.view)
        self.proposals = TwinProposals(session, self.stage)
        self.objects = TwinObjects(session, self.stage)
        self.labels: dict[Letter, QLabel] = {
            "a": _label("a", main.canvas.native), "b": _label("b", self.view.canvas.native)
        }  # fmt: skip
        self._made = self._again = False
        self._todo: deque[Callable[[], None]] = deque()
        self._turn = QTimer(self.view)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._take_turn)
        main.setOrientation(Qt.Orientation.Horizontal)
        main.addWidget(self.view)
        main.setChildrenCollapsible(False)
        for part in range(main.count()):
            main.setStretchFactor(part, 1)

    def show(self) -> None:
        """Bring everything up to date and into sight; the first time one after another."""
        if self._turn.isActive():
            self._again = True  # something changed while it is being made
            return
        self._todo = deque(
            [
                self._follow_tomogram, self._show_heatmap, self._show_mesh, self._show_picks,
                self._show_proposals, self._show_objects, self._appear, self._halve,
                self._write_labels,
            ]
        )  # fmt: skip
        if self._made and not self.view.isHidden():
            self._todo.remove(self._halve)  # the user may have moved the edge
            while self._todo:
                self._todo.popleft()()
        else:
            self._turn.start()

    def hide(self) -> None:
        """Leave the room to the main canvas."""
        self._turn.stop()
        self.links.unlink()
        for label in self.labels.values():
            label.hide()
        self.view.hide()

    def grow(self) -> None:
        """Draw what grew."""
        self.heatmap.touch()
        self.heatmap.flush()
        self._show_mesh()

    def close(self) -> None:
        """Let go of the main viewer and end the canvas."""
        self.links.unlink()
        self.tomogram.close()
        self.proposals.close()
        self.objects.close()
        with suppress(RuntimeError):  # with its window, Qt has deleted some of these already
            self._turn.stop()
            for label in self.labels.values():
                label.deleteLater()
            self.view.close()
            self.view.setParent(None)
            self.view.deleteLater()

    # ---------------------------------------------------------------- one turn each
    def _take_turn(self) -> None:
        if self._todo:
            self._todo.popleft()()
        else:
            self._turn.stop()
            self._made, again, self._again = True, self._again, False
            if again:
                self.show()

    def _follow_tomogram(self) -> None:
        self.tomogram.follow(self._session.layer)
        self.tomogram.refresh()

    def _show_heatmap(self) -> None:
        scores, heat = self._showing.scores("b"), self.heatmap
        class_name = self._monitor.feed.layer.class_name
        if scores is None or scores.kind == "mesh":
            heat.clear()
        elif heat.drawn is None or heat.drawn.values is not scores.values or heat.layer is None:
            heat.class_name = class_name
            heat.show("b", scores.grid, scores.values)
        else:
            heat.show_class(class_name or "")
            heat.touch()
        main, layer = self._monitor.feed.volume.layer, heat.layer
        if main is not None and layer is not None:
            for name in ("visible", "opacity", "colormap", "blending"):
                if getattr(layer, name) != getattr(main, name):
                    setattr(layer, name, getattr(main, name))
        heat.flush()

    def _show_mesh(self) -> None:
        self.mesh.show(self._showing.scores("b"), self._monitor.feed.layer.class_name)

    def _show_picks(self) -> None:
        self.picks.show(self._session.picks.layer)

    def _show_proposals(self) -> None:
        self.proposals.follow(self._showing.scores("b"), self._monitor.feed.layer.class_name)

    def _show_objects(self) -> None:
        self.objects.follow(self._showing.scores("b"), "b")

    def _appear(self) -> None:
        self.view.show()
        self.links.link()
        self.mesh.light()
        self._appeared()

    def _halve(self) -> None:
        self._main.setSizes([1000, 1000])

    def _write_labels(self) -> None:
        for letter, canvas in zip(LETTERS, (self._main.canvas, self.view.canvas), strict=True):
            label, text = self.labels[letter], canvas_text(self._sides, letter)
            room = canvas.native.width() - 2 * LABEL_EDGE - LABEL_PADDING
            metrics = label.fontMetrics()
            label.setText(metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room))
            label.adjustSize()
            label.show()


def _label(letter: Letter, over: QWidget) -> QLabel:
    """Return a line over a canvas that says whose scores it shows."""
    label = QLabel(over)
    label.setStyleSheet(LABEL.format(SIDE_COLORS[letter]))
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    label.move(LABEL_EDGE, LABEL_EDGE)
    return label
