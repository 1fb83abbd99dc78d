"""The layer `regions`: boxes that the user declares complete, drawn as rectangles on a slice.

A rectangle gets a depth range at once; on every slice in that range the box is shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from tomoscribe.project.model import Region
from tomoscribe.ui.quiet_layer import add_quietly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.ui.session import Session

NAME = "regions"
COLOR = "#ffffff"
EDGE = 0.5
"""From a voxel's centre to its faces: slices 2 to 5 reach from 1.5 to 5.5."""

DEFAULT_DEPTH_DIAMETERS = 2.0
"""Depth of a new box in diameters of the widest class: whole particles on both sides."""


def section(
    region: Region, displayed: Sequence[int], point_zyx: Sequence[float]
) -> NDArray[np.float64]:
    """Return the rectangle (4, 3) of a box on the slice through a point, in voxel positions.

    Region bounds are compared with pick positions, so a corner of the box is a position too.
    """
    first, second = displayed[-2:]
    corners = np.tile(np.asarray(point_zyx, dtype=float), (4, 1))
    lo, hi = region.lo_zyx, region.hi_zyx
    corners[:, first] = (lo[first], lo[first], hi[first], hi[first])
    corners[:, second] = (lo[second], hi[second], hi[second], lo[second])
    return corners


def is_cut(region: Region, not_displayed: Sequence[int], point_zyx: Sequence[float]) -> bool:
    """Tell whether the slice through a point cuts the box."""
    return all(region.lo_zyx[a] <= round(point_zyx[a]) < region.hi_zyx[a] for a in not_displayed)


def box_of(
    rectangle: NDArray[np.floating],
    displayed: Sequence[int],
    depth: float,
    shape_zyx: Sequence[int],
    old: Region | None = None,
) -> Region:
    """Return the box of a rectangle (4, 3) drawn on a slice, cut at the volume's faces.

    Parameters
    ----------
    rectangle : ndarray
        Corners in voxels.
    displayed : sequence of int
        The two axes of the slice.
    depth : float
        Extent in voxels across the slice, centred on it, of a new box.
    shape_zyx : sequence of int
        The volume's shape.
    old : Region or None
        The box before, which keeps its extent across the slice.
    """
    lo, hi = np.min(rectangle, axis=0).astype(float), np.max(rectangle, axis=0).astype(float)
    for axis in set(range(3)) - set(displayed[-2:]):
        if old is None:
            middle = lo[axis]
            lo[axis] = np.floor(middle - depth / 2) - EDGE
            hi[axis] = np.ceil(middle + depth / 2) + EDGE
        else:
            lo[axis], hi[axis] = old.lo_zyx[axis], old.hi_zyx[axis]
    faces = -EDGE, np.asarray(shape_zyx) - EDGE
    lo, hi = np.clip(lo, *faces), np.clip(hi, *faces)
    return Region(
        (float(lo[0]), float(lo[1]), float(lo[2])),
        (float(hi[0]), float(hi[1]), float(hi[2])),
        () if old is None else old.class_names,
    )


class RegionLayer:
    """Keeps the Shapes layer and the regions of the current tomogram the same."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: list[int] = []
        self._writing = False
        self._layer: Shapes | None = None

    @property
    def layer(self) -> Shapes | None:
        """The Shapes layer, if it is in the viewer."""
        if self._layer is not None and self._layer not in self._session.viewer.layers:
            self._layer = None
        return self._layer

    @property
    def regions(self) -> list[Region]:
        """The regions of the current tomogram."""
        entry = self._session.entry
        return [] if entry is None else list(entry.regions)

    def rebuild(self) -> None:
        """Show the regions that the slice in view cuts; the layer is made with the first region."""
        image = self._session.layer
        if image is None:
            if self.layer is not None:
                self._session.viewer.layers.remove(self.layer)
            return
        if not (self.regions or self.layer):
            return
        layer = self.layer or self._make()
        layer.scale, layer.translate, layer.units = image.scale, image.translate, image.units
        self._write()

    def start_drawing(self) -> None:
        """Let the next drag on the canvas draw a box."""
        if self._session.entry is None:
            self._session.status_message.emit("Open a tomogram first, then draw a region.")
            return
        self._session.viewer.dims.ndisplay = 2
        layer = self.layer or self._make()
        self._session.viewer.layers.selection.active = layer
        layer.mode = "add_rectangle"

    def set_depth(self, index: int, first: float, last: float) -> None:
        """Set the z range of a region, in slices, both ends included."""
        regions = self.regions
        old = regions[index]
        lo, hi = sorted((first, last))
        regions[index] = replace(
            old, lo_zyx=(lo - EDGE, *old.lo_zyx[1:]), hi_zyx=(hi + EDGE, *old.hi_zyx[1:])
        )
        self._session.set_regions(regions)

    def remove(self, index: int) -> None:
        """Take a region away."""
        regions = self.regions
        del regions[index]
        self._session.set_regions(regions)

    def _make(self) -> Shapes:
        image, viewer = self._session.layer, self._session.viewer
        assert image is not None
        layer = Shapes(
            None,
            ndim=3,
            name=NAME,
            scale=image.scale,
            translate=image.translate,
            units=image.units,
            axis_labels=("z", "y", "x"),
            face_color="transparent",
            edge_color=COLOR,
            edge_width=1,
        )
        add_quietly(viewer, layer)
        layer.events.data.connect(self._on_data)
        viewer.dims.events.point.connect(self._on_view)
        viewer.dims.events.ndisplay.connect(self._on_view)
        viewer.dims.events.order.connect(self._on_view)
        self._layer = layer
        return layer

    def _on_view(self) -> None:
        if self.layer is not None:
            self._write()

    def _write(self) -> None:
        layer, image, viewer = self.layer, self._session.layer, self._session.viewer
        if layer is None or image is None:
            return
        point = image.world_to_data(viewer.dims.point)
        displayed, hidden = viewer.dims.displayed, viewer.dims.not_displayed
        self._rows = [i for i, r in enumerate(self.regions) if is_cut(r, hidden, point)]
        shown = [section(self.regions[i], displayed, point) for i in self._rows]
        self._writing = True
        try:
            layer.data = []
            if shown:
                layer.add_rectangles(
                    shown, face_color="transparent", edge_color=COLOR, edge_width=1
                )
        finally:
            self._writing = False

    def _on_data(self, event: Any) -> None:
        layer, image = self.layer, self._session.layer
        if self._writing or layer is None or image is None:
            return
        action, regions = str(event.action), self.regions
        displayed = self._session.viewer.dims.displayed
        shape = image.data.shape
        if action == "added":
            regions.append(box_of(layer.data[-1], displayed, self._new_depth(), shape))
            self._session.set_regions(regions)
            layer.mode = "pan_zoom"
            self._session.picks.activate()
        elif action == "removed":
            gone = {self._rows[i] for i in event.data_indices}
            self._session.set_regions([r for i, r in enumerate(regions) if i not in gone])
        elif action == "changed" and len(layer.data) == len(self._rows):
            for row, index in enumerate(self._rows):
                regions[index] = box_of(layer.data[row], displayed, 0, shape, regions[index])
            self._session.set_regions(regions)

    def _new_depth(self) -> float:
        entry = self._session.entry
        widest = max((c.diameter_A for c in self._session.classes), default=0.0)
        return (
            20.0
            if entry is None or not widest
            else DEFAULT_DEPTH_DIAMETERS * widest / entry.voxel_size_A
        )
