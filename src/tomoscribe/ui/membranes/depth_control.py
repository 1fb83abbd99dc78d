"""Sliders for the layer of density that is painted on the mesh, and buttons for what is painted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.components._viewer_mouse_bindings import layers_scroll
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.scores.score_map import NO_SCORES
from tomoscribe.ui.widgets import button, enable, row

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from tomoscribe.ui.session import Session

THICKEST_A = 150
VALUE_CHARACTERS = "+999 Å"


class DepthControl(QWidget):
    """Depth and thickness in Å, contrast, and what is painted."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paint = MeshPaint.of(session)
        self.depth_slider = _slider(
            "How far from the mesh the density is taken, along the outward normal "
            "(D, Shift+D, or Alt+wheel)"
        )
        self.thickness_slider = _slider("How thick a layer of density is averaged")
        self.thickness_slider.setRange(0, THICKEST_A)
        self.depth_text, self.thickness_text = QLabel(), QLabel()
        self.density = self._toggle("Density", "Paints the density at this depth")
        self.scores = self._toggle("Scores", "Paints the scores over it")
        self.reset = button(
            "Contrast",
            "Chooses the contrast anew, for all depths alike",
            self._paint.reset_contrast,
        )
        self._lay_out()
        self.depth_slider.valueChanged.connect(lambda v: self._paint.set_depth(float(v)))
        self.thickness_slider.valueChanged.connect(lambda v: self._paint.set_thickness(float(v)))
        connect(self, self._paint.changed, self.refresh)
        lend(self, session, {
            "depth_out": lambda: self._paint.move(+1),
            "depth_in": lambda: self._paint.move(-1),
        })  # fmt: skip
        self.refresh()

    def refresh(self) -> None:
        """Show what is painted."""
        paint = self._paint
        low, high = paint.reach_A
        with QSignalBlocker(self.depth_slider), QSignalBlocker(self.thickness_slider):
            self.depth_slider.setRange(round(low), round(high))
            self.depth_slider.setValue(round(paint.depth_A))
            self.thickness_slider.setValue(round(paint.thickness_A))
        self.depth_text.setText(f"{paint.depth_A:+.0f} Å")
        self.thickness_text.setText(f"{paint.thickness_A:.0f} Å")
        self.density.setChecked(paint.shows_density)
        self.scores.setChecked(paint.shows_scores and paint.has_scores)
        enable(self.scores, None if paint.has_scores else NO_SCORES)

    def _toggle(self, text: str, tip: str) -> QPushButton:
        made = button(text, tip, self._on_toggle)
        made.setCheckable(True)
        return made

    def _on_toggle(self) -> None:
        scores = self.scores.isChecked() if self._paint.has_scores else None
        self._paint.show(density=self.density.isChecked(), scores=scores)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.SPACING)
        column.addLayout(row(self.density, self.scores, self.reset))
        grid = QGridLayout()
        grid.setHorizontalSpacing(style.SPACING)
        grid.setVerticalSpacing(style.SPACING)
        lines = (("Depth", self.depth_slider, self.depth_text),
                 ("Thickness", self.thickness_slider, self.thickness_text))  # fmt: skip
        for line, (name, slider, text) in enumerate(lines):
            text.setMinimumWidth(text.fontMetrics().horizontalAdvance(VALUE_CHARACTERS))
            text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for place, widget in enumerate((QLabel(name), slider, text)):
                grid.addWidget(widget, line, place)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)


def take_wheel(session: Session) -> None:
    """Let Alt+wheel move the depth while the mesh is shown, and scroll napari's layers else.

    Napari runs all callbacks of the wheel whatever one has handled, so this one takes the place
    of its own: with another layer selected the next click would make no pick.
    """
    callbacks = session.viewer.mouse_wheel_callbacks
    place = callbacks.index(layers_scroll) if layers_scroll in callbacks else len(callbacks)
    callbacks[place : place + 1] = [partial(_move_depth, session)]


def _move_depth(session: Session, viewer: ViewerModel, event: Any) -> None:
    if not session.membranes.shown:
        layers_scroll(viewer, event)
    elif "Alt" in event.modifiers:
        # Qt turns a wheel with Alt into one to the side.
        MeshPaint.of(session).move(float(event.delta[1] or event.delta[0]))
        event.handled = True


def _slider(tip: str) -> QSlider:
    made = QSlider(Qt.Orientation.Horizontal)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setToolTip(tip)
    made.setPageStep(5)
    return made
