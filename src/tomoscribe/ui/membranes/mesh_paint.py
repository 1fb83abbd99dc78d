"""What the mesh is painted with: the density at a depth, and scores over it.

The one place that decides it; the layer `membrane` only shows what it is told. Contrast is that of
a whole stack of depths, so that nothing flickers while the depth changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.annotate.pick_style import rgba
from tomoscribe.ui.scores.difference import EQUAL, difference_colors
from tomoscribe.ui.scores.score_map import contrast_of
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.membranes.slab import Slab
    from tomoscribe.ui.session import Session

FIRST_DEPTH_A, FIRST_THICKNESS_A = 40.0, 40.0
"""Where most ectodomains lie, and about the height of one."""

NEAR_A = 120.0
"""Contrast is that of depths up to here on both sides."""

CONTRAST_DEPTHS = 9
CONTRAST_VERTICES = 4000
CONTRAST_PERCENTILES = (0.5, 99.5)

DENSITY_COLORMAP = "gray"
SCORE_COLORS = ("#6000e0", "#8a10ff", "#b84dff")
"""From low to high scores: violet lies apart from grey and from the first four classes' colours.

CIEDE2000 to these is at least 37 for normal sight, 13 for deuteranopia, 18 for protanopia and 21
for tritanopia; to the fifth class (#0072b2) only 8, so there shape and ring tell them apart."""

PLAIN_GREY = 0.55
"""Brightness of the mesh where no density is painted."""

BRIGHT_SHARE = 0.015
"""Share of the vertices that may be brightest: particles cover more of a mesh than of a volume."""

MOST_OPAQUE = 0.92
"""Share of the score's colour at its brightest: the density shines through."""


def density_limits(slab: Slab, thickness_A: float) -> tuple[float, float]:
    """Return contrast limits that suit all depths near the membrane, at this thickness.

    Percentiles over some thousand vertices at nine depths, so that it takes a few ms.
    """
    stride = max(len(slab.values) // CONTRAST_VERTICES, 1)
    some = type(slab)(slab.values[::stride], slab.depths_A)
    low, high = max(slab.depths_A.min(), -NEAR_A), min(slab.depths_A.max(), NEAR_A)
    depths = np.linspace(low, high, CONTRAST_DEPTHS)
    means = np.concatenate([some.mean(depth, thickness_A) for depth in depths])
    means = means[np.isfinite(means)]
    if not len(means):
        return 0.0, 1.0
    dark, bright = np.percentile(means, CONTRAST_PERCENTILES)
    return float(dark), float(bright) if bright > dark else float(dark) + 1.0


def blend(
    density: NDArray[np.float32] | None,
    limits: tuple[float, float],
    stored: NDArray[np.uint8],
    table: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return colours (V, 4) of stored values over grey density.

    Parameters
    ----------
    density : (V,) array or None
        None paints plain grey below the values.
    limits : tuple of float
        Density that is black, and that is white.
    stored : (V,) array of uint8
        Scores or a difference of scores.
    table : (256, 4) array
        Colour of each stored value, and the share that it has of the mix.
    """
    if density is None:
        grey = np.full(len(stored), PLAIN_GREY, np.float32)
    else:
        grey = np.clip((density - limits[0]) / (limits[1] - limits[0]), 0, 1).astype(np.float32)
    # The table is over stored values, so a vertex costs one look-up and one mix.
    share = table[:, 3]
    blended = np.ones((len(stored), 4), np.float32)
    blended[:, :3] = (table[:, :3] * share[:, None])[stored] + (grey * (1 - share)[stored])[:, None]
    return blended


def score_table(score_limits: tuple[float, float]) -> NDArray[np.float32]:
    """Return the colours and shares (256, 4) of stored scores, seen from one limit to the other."""
    low, high = score_limits
    strength = (np.arange(256, dtype=np.float32) - low) / max(high - low, 1e-6)
    strength = np.clip(strength, 0, 1)
    table = np.empty((256, 4), np.float32)
    table[:, :3] = score_colors()[np.rint(255 * strength).astype(int)]
    table[:, 3] = MOST_OPAQUE * np.sqrt(strength)
    return table


def difference_table(reach: float) -> NDArray[np.float32]:
    """Return the colours and shares (256, 4) of a stored difference, strongest from `reach` on."""
    place = (np.arange(256, dtype=np.float32) - EQUAL) / max(reach, 1e-6)
    steps = np.rint(127.5 * (np.clip(place, -1, 1) + 1)).astype(int)
    table: NDArray[np.float32] = difference_colors()[steps]
    table[:, 3] *= MOST_OPAQUE
    return table


class MeshPaint(SessionBound):
    """Depth, thickness and contrast of the density, and the scores over it.

    Get it with `MeshPaint.of(session)`. Emits `changed` when any of what it says changed, but not
    when only scores came.

    Attributes
    ----------
    depth_A, thickness_A : float
        The layer of density that is painted, in Å along the normal, outward positive.
    shows_density, shows_scores : bool
        What is painted.
    limits : tuple of float
        Density that is black, and that is white.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.depth_A, self.thickness_A = FIRST_DEPTH_A, FIRST_THICKNESS_A
        self.shows_density = self.shows_scores = True
        self.limits = (0.0, 1.0)
        self._scores: NDArray[np.uint8] | None = None
        self._table = score_table((0.0, 255.0))
        self._from_file = False
        self._overlay: tuple[NDArray[np.uint8], NDArray[np.float32]] | None = None
        self._of: str | None = None
        self._membrane: Membrane | None = None
        session.membrane_changed.connect(self._on_membrane)
        session.class_changed.connect(self._on_class)
        self._on_membrane()

    @property
    def reach_A(self) -> tuple[float, float]:
        """Lowest and highest depth of the slab."""
        membrane = self._session.membrane
        if membrane is None:
            return -150.0, 150.0
        depths = membrane.slab.depths_A
        return float(depths.min()), float(depths.max())

    @property
    def step_A(self) -> float:
        """What a key press changes the depth by: half a voxel."""
        membrane = self._session.membrane
        return 5.0 if membrane is None else max(membrane.voxel_size_A / 2, 1.0)

    @property
    def has_scores(self) -> bool:
        """Whether there is any score to show."""
        return self._scores is not None

    def set_depth(self, depth_A: float) -> None:
        """Paint the density at this depth."""
        low, high = self.reach_A
        depth = float(np.clip(depth_A, low, high))
        if depth != self.depth_A or not self.shows_density:
            self.depth_A, self.shows_density = depth, True
            self._paint()
            self.changed.emit()

    def move(self, steps: float) -> None:
        """Go outward by steps of half a voxel."""
        self.set_depth(self.depth_A + steps * self.step_A)

    def set_thickness(self, thickness_A: float) -> None:
        """Average the density over this thickness; the contrast follows, as noise falls."""
        thickness = max(float(thickness_A), 0.0)
        if thickness != self.thickness_A:
            self.thickness_A = thickness
            self.reset_contrast()

    def reset_contrast(self) -> None:
        """Choose the contrast anew, from all depths near the membrane."""
        membrane = self._session.membrane
        if membrane is not None:
            self.limits = density_limits(membrane.slab, self.thickness_A)
            self._paint()
        self.changed.emit()

    def show(self, *, density: bool | None = None, scores: bool | None = None) -> None:
        """Paint density, scores, both, or none."""
        if density is not None:
            self.shows_density = density
        if scores is not None:
            self.shows_scores = scores
        self._paint()
        self.changed.emit()

    def set_scores(
        self, scores: NDArray[np.uint8] | None, score_limits: tuple[float, float]
    ) -> None:
        """Take stored scores (V,) over; for None those that the container holds, if any."""
        self._from_file = scores is None
        if scores is None:
            scores, score_limits = self._held(score_limits)
        self._take(scores, score_table(score_limits))

    def set_difference(self, values: NDArray[np.uint8], reach: float) -> None:
        """Take a stored difference of scores (V,) over, strongest from `reach` steps on."""
        self._from_file = False
        self._take(values, difference_table(reach))

    def set_overlay(
        self, stored: NDArray[np.uint8] | None, table: NDArray[np.float32] | None = None
    ) -> None:
        """Paint stored values (V,) by a table (256, 4) instead of scores, or these again."""
        before = self._overlay
        self._overlay = None if stored is None or table is None else (stored, table)
        if before is not None or self._overlay is not None:
            self._paint()

    def _take(self, scores: NDArray[np.uint8] | None, table: NDArray[np.float32]) -> None:
        self._of = self._session.membrane_name
        came_or_went = (scores is None) != (self._scores is None)
        self._scores, self._table = scores, table
        if self.shows_scores or came_or_went:
            self._paint()
        if came_or_went:
            self.changed.emit()

    def density(self) -> NDArray[np.float32] | None:
        """Return the density (V,) at the depth in view."""
        membrane = self._session.membrane
        if membrane is None:
            return None
        return membrane.slab.mean(self.depth_A, self.thickness_A)

    def colors_of(
        self, stored: NDArray[np.uint8], table: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the colours (V, 4) of stored values over the density as it is painted now."""
        return blend(self.density() if self.shows_density else None, self.limits, stored, table)

    def _on_membrane(self, *_: object) -> None:
        membrane = self._session.membrane
        if membrane is self._membrane:
            return
        self._membrane = membrane
        scores = self._scores
        if membrane is not None and scores is not None:
            fits = not self._from_file and self._of == self._session.membrane_name
            fits = fits and len(scores) == len(membrane.mesh.vertices_zyx)
            self._scores = scores if fits else None
        if self._scores is None:
            self._from_file = True
            self._scores, limits = self._held((0.0, 255.0))
            self._table = score_table(limits)
        low, high = self.reach_A
        self.depth_A = float(np.clip(self.depth_A, low, high))
        self.reset_contrast()

    def _on_class(self, *_: object) -> None:
        if self._from_file and self._scores is not None:
            self.set_scores(None, (0.0, 255.0))

    def _held(
        self, limits: tuple[float, float]
    ) -> tuple[NDArray[np.uint8] | None, tuple[float, float]]:
        """Return what a predicted container holds of the class in view, stored, with its contrast.

        The first class where it has none of that name; None and `limits` without any scores.
        """
        membrane, name = self._session.membrane, self._session.active_class
        if membrane is None or membrane.scores is None or not len(membrane.scores):
            return None, limits
        names = membrane.class_names
        stored = encode_scores(membrane.scores[names.index(name) if name in names else 0])
        return stored, contrast_of(stored[None, None], BRIGHT_SHARE)

    def _paint(self) -> None:
        membrane, layer = self._session.membrane, self._session.membranes
        if membrane is None:
            return
        count, overlay = len(membrane.mesh.vertices_zyx), self._overlay
        scores = self._scores if self.shows_scores else None
        if overlay is not None and len(overlay[0]) == count:
            layer.set_colors(self.colors_of(*overlay))
        elif scores is not None and len(scores) == count:
            layer.set_colors(self.colors_of(scores, self._table))
        elif self.shows_density and (density := self.density()) is not None:
            layer.set_values(density, self.limits, DENSITY_COLORMAP)
        else:
            plain = np.full(len(membrane.mesh.vertices_zyx), PLAIN_GREY, np.float32)
            layer.set_values(plain, (0.0, 1.0), DENSITY_COLORMAP)


def score_colors() -> NDArray[np.float32]:
    """Return the colours (256, 3) of scores, from `SCORE_COLORS`."""
    stops = np.array([rgba(color)[:3] for color in SCORE_COLORS])
    places, knots = np.linspace(0, 1, 256), np.linspace(0, 1, len(stops))
    channels = [np.interp(places, knots, stops[:, k]) for k in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)
