"""The layer `uncertainty`: where the model is near its threshold, over slices or on the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from tomoscribe.ui.annotate.pick_style import rgba
from tomoscribe.ui.background import Background
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.unsure import scores_in_view
from tomoscribe.ui.membranes.mesh_paint import MOST_OPAQUE, MeshPaint
from tomoscribe.ui.quiet_layer import add_quietly, still_in
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_map import NO_SCORES
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from tomoscribe.ui.compare.unsure import ScoresInView
    from tomoscribe.ui.session import Session

NAME = "uncertainty"

COLORS = ("#009e73", "#7fe0c0")
"""From unsure to even odds: green, apart from the orange of heatmaps and the violet of meshes."""

SEEN_FROM = 0.3
"""Uncertainty that begins to be seen: beliefs from 5 % to 95 %."""

OPACITY = 0.6
"""Of the layer: the particles below are what the user has to judge."""

LOOK_MS = 1000
"""How old the layer may be while a training's blocks come."""


def colors() -> NDArray[np.float32]:
    """Return the colours and opacities (256, 4) of stored uncertainty 0..255."""
    strength = np.clip((np.linspace(0, 1, 256) - SEEN_FROM) / (1 - SEEN_FROM), 0, 1)
    low, high = (np.array(rgba(color)[:3]) for color in COLORS)
    table = np.empty((256, 4), np.float32)
    table[:, :3] = low + strength[:, None] * (high - low)
    table[:, 3] = np.sqrt(strength)
    return table


class UncertaintyLayer(SessionBound):
    """Shows how unsure the model is while it is `on`. Get it with `UncertaintyLayer.of(session)`.

    Emits `changed` when it was switched.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._review = Review.of(session)
        self._thread = Background(reads_only=True)
        self._shown: ScoresInView | None = None
        self._layer: Image | None = None
        self._timer = QTimer()
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.refresh)
        self.on = False
        self._parked = False
        self._monitor.feed.changed.connect(self.refresh)
        self._review.changed.connect(self.refresh)
        session.membranes.shown_changed.connect(self.refresh)
        session.current_changed.connect(self._follow_tomogram)
        session.closed.connect(self._end)

    @property
    def layer(self) -> Image | None:
        """The napari layer, if it is there."""
        return still_in(self._session.viewer, self._layer)

    @property
    def busy(self) -> bool:
        """Whether it is being computed."""
        return self._thread.busy

    def switch(self, on: bool) -> None:
        """Show it or take it away."""
        if on == self.on:
            return
        self.on = on
        if on:
            scores = scores_in_view(self._session)
            if scores is None:
                self._session.status_message.emit(NO_SCORES)
            elif scores.surface is None and self.layer is None and self._session.layer is not None:
                self._add()  # empty: with its values a new layer would hold the window up
            self._timer.start()
            self.refresh()
        else:
            self._timer.stop()
            self._thread.drop()
            self._hide()
        self.changed.emit()

    def refresh(self, *_: object) -> None:
        """Compute it anew, in a thread, if what it is of has changed."""
        if not self.on:
            return
        scores = scores_in_view(self._session)
        if scores is None:
            self._thread.drop()
            self._hide()
        elif not scores.same_as(self._shown) and not self._thread.busy:
            self._shown = scores
            self._thread.run(lambda: stored(scores), lambda values: self._show(scores, values))

    def _show(self, scores: ScoresInView, values: NDArray[np.uint8]) -> None:
        now = scores_in_view(self._session) if self.on else None
        if now is None:
            return
        if not now.of_same(scores):
            self.refresh()  # something else came into view meanwhile
            return
        if scores.surface is not None:
            self._remove()
            table = colors()
            table[:, 3] *= MOST_OPAQUE
            MeshPaint.of(self._session).set_overlay(values[0, 0], table)
        else:
            MeshPaint.of(self._session).set_overlay(None)
            self._show_volume(scores, values)

    def _show_volume(self, scores: ScoresInView, values: NDArray[np.uint8]) -> None:
        tomogram, layer, bin_ = self._session.layer, self.layer, scores.grid.bin
        if tomogram is None:
            return
        scale = np.asarray(tomogram.scale[-3:])
        translate = np.asarray(tomogram.translate[-3:]) + scale * (bin_ - 1) / 2
        if layer is None:
            layer = self._add()
        with layer._block_refresh():  # one refresh, not one for each of these
            layer.data, layer.scale, layer.translate = values, scale * bin_, translate
        if self._parked:
            self._parked = False
            layer.visible = True
        layer.refresh(thumbnail=False)

    def _add(self) -> Image:
        """Add the layer, empty, above the heatmap."""
        from napari.layers import Image
        from napari.utils.colormaps import Colormap

        tomogram = self._session.layer
        assert tomogram is not None
        layer = Image(
            np.zeros((1, 1, 1), np.uint8),
            name=NAME,
            colormap=Colormap(colors(), name=NAME),
            blending="translucent",
            opacity=OPACITY,
            contrast_limits=(0, 255),
            interpolation2d="linear",
            scale=tomogram.scale[-3:],
            translate=tomogram.translate[-3:],
            units=tomogram.units[-3:],
            axis_labels=tomogram.axis_labels[-3:],
        )
        layers = self._session.viewer.layers
        self._parked = False
        below = layers["heatmap"] if "heatmap" in layers else tomogram
        self._layer = add_quietly(self._session.viewer, layer, layers.index(below) + 1)
        return self._layer

    def _hide(self) -> None:
        self._shown = None
        self._remove()
        MeshPaint.of(self._session).set_overlay(None)

    def _remove(self) -> None:
        """Hide the layer, empty, for napari takes long to bring another."""
        if self.layer is not None and not self._parked:
            self._parked = True
            self.layer.visible = False
        self._follow_tomogram()

    def _follow_tomogram(self, *_: object) -> None:
        """Keep the layer, while it is hidden, within its tomogram; it goes with that."""
        layer, tomogram = self.layer, self._session.layer
        if layer is not None and tomogram is None:
            self._session.viewer.layers.remove(layer)
        elif layer is not None and tomogram is not None and self._parked:
            with layer._block_refresh():
                layer.data = np.zeros((1, 1, 1), np.uint8)
                layer.scale, layer.translate = tomogram.scale[-3:], tomogram.translate[-3:]

    def _end(self) -> None:
        self._timer.stop()
        self._thread.close()


def stored(scores: ScoresInView) -> NDArray[np.uint8]:
    """Return uncertainty (z, y, x) as 0..255."""
    return np.rint(255 * scores.unsure()).astype(np.uint8)
