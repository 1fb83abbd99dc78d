"""The layer `matches`: what the side in view found, missed and proposed beside the user's picks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Points

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.picks.table import positions_zyx
from tomoscribe.ui import style
from tomoscribe.ui.annotate.pick_style import MESH_SIZE, lift_of, rgba
from tomoscribe.ui.quiet_layer import add_quietly, still_in

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from tomoscribe.evaluation.judgement import JudgedSample, Verdicts
    from tomoscribe.ui.session import Session

NAME = "matches"

LOOKS = {
    Standing.MATCHED: ("disc", style.GOOD, 0.45, 0.0),
    Standing.MISSED: ("x", style.BAD, 1.0, 0.0),
    Standing.WRONG: ("disc", style.WAIT, 0.0, 1.0),
    Standing.OPEN: ("disc", style.WAIT, 0.0, 1.0),
}
"""Symbol, colour, how opaque inside and at the border: a disc, a cross and a ring are told apart
without colours."""

SIZES = {Standing.MATCHED: 0.8, Standing.MISSED: 0.7, Standing.WRONG: 1.1, Standing.OPEN: 1.1}
"""In diameters of the class; rings lie around those of the proposals."""

ON_MESH = 1.5
"""How much larger than the pick on it a mark is on a mesh, where picks are opaque."""

ABOVE_VOXELS = 1.0
"""How far above the picks on a mesh marks are, so that crosses do not sink into them."""

BORDER = 0.1
"""Width of a ring, in its diameters."""

LEGEND = (
    f"<span style='color:{style.GOOD}'>●</span> matched &nbsp; "
    f"<span style='color:{style.BAD}'>✖</span> missed &nbsp; "
    f"<span style='color:{style.WAIT}'>○</span> extra"
)


class MatchedLayer:
    """Owns the Points layer; the panel says what it holds and whether it is seen.

    It has a row for every proposal and every particle, so that a threshold only shows and hides:
    a layer that is made or taken away holds the window up.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sample: JudgedSample | None = None
        self._image: object = None
        self._layer: Points | None = None
        self._on_mesh = False

    @property
    def layer(self) -> Points | None:
        """The napari layer, if it is there; the user may delete it."""
        return still_in(self._session.viewer, self._layer)

    def show(self, sample: JudgedSample | None, verdicts: Verdicts | None) -> None:
        """Show how a sample was judged; with None nothing is shown."""
        image = self._session.layer
        if sample is None or verdicts is None or image is None:
            self.hide()
            return
        layer = self.layer
        if layer is not None and image is not self._image:
            self._session.viewer.layers.remove(layer)
            layer = None
        standings, shown = _standings(sample, verdicts)
        on_mesh = self._session.membranes.shown
        new = layer is None or sample is not self._sample or on_mesh != self._on_mesh
        self._sample, self._image, self._on_mesh = sample, image, on_mesh
        if layer is None:
            layer = self._make(image)
        with layer.events.blocker_all(), layer._block_refresh():
            if new:
                layer.selected_data = set()
                layer.data = _places(sample, self._size(sample) if on_mesh else None)
            self._paint(layer, standings, shown, self._size(sample))
        if not layer.visible:  # setting it draws the canvas, changed or not
            layer.visible = True
        layer.refresh(thumbnail=False, highlight=False, extent=new)

    def hide(self) -> None:
        """Show nothing; the layer stays for the next time."""
        if self.layer is not None and self.layer.visible:
            self.layer.visible = False

    def _size(self, sample: JudgedSample) -> float:
        """Return the diameter of a mark in voxels: on a mesh smaller, as picks are there."""
        share = ON_MESH * MESH_SIZE if self._on_mesh else 1.0
        return share * sample.proposals.diameter_voxels

    def _paint(
        self, layer: Points, standings: list[Standing], shown: NDArray[np.bool_], size: float
    ) -> None:
        """Give each row its look; only what differs is set, for each setter looks at all rows."""
        if not standings:
            return
        faces = np.array([rgba(LOOKS[s][1], LOOKS[s][2]) for s in standings], dtype=float)
        borders = np.array([rgba(LOOKS[s][1], LOOKS[s][3]) for s in standings], dtype=float)
        if self._session.viewer.dims.ndisplay == 3:
            for colors in (faces, borders):
                colors[:, 3] *= shown  # napari ignores `shown` in 3D
        sizes = np.where(shown, size * np.array([SIZES[s] for s in standings]), 0.0)
        symbols = np.array([LOOKS[s][0] for s in standings], dtype=object)
        if [str(s) for s in layer.symbol] != symbols.tolist():
            layer.symbol = symbols
        for name, colors in (("face_color", faces), ("border_color", borders)):
            if not np.allclose(getattr(layer, name), colors, atol=1e-3):
                setattr(layer, name, colors)
        layer.size = sizes
        layer.shown = shown

    def _make(self, image: Image) -> Points:
        layer = Points(
            np.zeros((0, 3)),
            ndim=3,
            name=NAME,
            border_width=BORDER,
            scale=image.scale,
            translate=image.translate,
            units=image.units,
            axis_labels=image.axis_labels,
            projection_mode="rescale_spherical",
        )
        layer.editable = False
        layers = self._session.viewer.layers
        below = layers.index(layers["picks"]) if "picks" in layers else None
        self._layer = add_quietly(self._session.viewer, layer, below)
        return self._layer


def _standings(
    sample: JudgedSample, verdicts: Verdicts
) -> tuple[list[Standing], NDArray[np.bool_]]:
    """Return the standing of every proposal, then of every particle; and which rows are shown."""
    count = len(sample.proposals)
    standings = [Standing.OPEN] * count + [Standing.MISSED] * len(sample.known.accepted)
    shown = np.zeros(len(standings), bool)
    shown[verdicts.shown] = True
    shown[count + verdicts.missed] = True
    for index, standing in zip(verdicts.shown.tolist(), verdicts.standing.tolist(), strict=True):
        standings[index] = Standing(standing)
    return standings, shown


def _places(sample: JudgedSample, size: float | None) -> NDArray[np.float64]:
    """Return where all rows are drawn, voxels: on a mesh, of that `size`, lifted to be seen."""
    found, particles = sample.proposals, sample.known.accepted
    zyx = np.concatenate([found.zyx, positions_zyx(particles)])
    if size is None or found.normals_zyx is None:
        return zyx
    outward = [p.normal_zyx or (0.0, 0.0, 0.0) for p in particles]
    normals = np.concatenate([found.normals_zyx, np.array(outward).reshape(-1, 3)])
    return np.asarray(zyx + (lift_of(size) + ABOVE_VOXELS) * normals)
