"""Flies to where a stroke tells most: where the model is unsure and nothing is labelled yet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.unsure_sections import unsure_sections
from tomoscribe.segmentation.painted_values import UNLABELLED, inside
from tomoscribe.training.previews import decode_scores
from tomoscribe.ui import style
from tomoscribe.ui.background import Background
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.line_layer import LineLayer
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.session_bound import SessionBound
from tomoscribe.ui.view import keep_in_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.ui.session import Session

FIELD = 48
"""Voxels a side of the field that is to be unsure: about what one stroke covers."""

MOST_SECTIONS = 60
"""Sections looked at, spread over the volume: a second or two."""

FRAME = "next stroke"
"""Name of the layer that frames the place."""

FRAME_WIDTH = 1.5
"""Voxels."""

NO_MAP = "There is no prediction of labels in view yet: paint some strokes and train."
ALL_SURE = "The model is sure wherever nothing is painted, as far as it was predicted."


class NextStroke(SessionBound):
    """Knows the places that were found and visited. Get it with `NextStroke.of(session)`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._painter = LabelPainter.of(session)
        self._thread = Background(reads_only=True)
        self._places = np.zeros((0, 3), np.intp)
        self._visited = 0
        self._of: object = None
        self._frame = LineLayer(session, FRAME, "line", on_top=True)
        session.current_changed.connect(self._frame.hide)
        session.closed.connect(self._thread.close)

    def go(self) -> None:
        """Fly to the next place; those of a map that has changed are sought anew."""
        monitor, copy = RunMonitor.of(self._session), self._painter.copy
        heat = monitor.feed.layer
        values, grid = heat.map, heat.grid
        segments = monitor.feed.segmented is not None and monitor.feed.kind == "volume"
        if values is None or grid is None or copy is None or not segments or not values.any():
            self._session.status_message.emit(NO_MAP)
            return
        of = (copy.name, heat.class_name, heat.shown, sum(monitor.record.block_counts.values()))
        if of == self._of and self._visited < len(self._places):
            self._fly()
        elif not self._thread.busy:
            self._thread.run(self._search(values, grid.bin), lambda found: self._take(of, found))

    def _search(self, values: NDArray[np.uint8], bin_: int) -> Callable[[], NDArray[np.intp]]:
        copy, entry = self._painter.copy, self._session.entry
        assert copy is not None
        assert entry is not None
        painted, depth = copy.values, len(values)
        boxes = [(_whole(r.lo_zyx), _whole(r.hi_zyx)) for r in entry.regions]
        sections = np.unique(np.linspace(0, depth - 1, min(depth, MOST_SECTIONS)).astype(int))

        def labelled(z: int) -> NDArray[np.bool_]:
            first, (_, height, width) = z * bin_, painted.shape
            complete = inside(boxes, (first, 0, 0), (first + 1, height, width))[0]
            whole: NDArray[np.bool_] = (painted[first] != UNLABELLED) | complete
            return whole[::bin_, ::bin_][: values.shape[1], : values.shape[2]]

        def search() -> NDArray[np.intp]:
            def scores(z: int) -> NDArray[np.float32]:
                return decode_scores(values[z], missing=np.nan)

            found = unsure_sections(map(int, sections), scores, labelled, FIELD // bin_)
            return found * bin_

        return search

    def _take(self, of: object, found: NDArray[np.intp]) -> None:
        self._of, self._places, self._visited = of, found, 0
        if len(found):
            self._fly()
        else:
            self._session.status_message.emit(ALL_SURE)

    def _fly(self) -> None:
        place, count = self._places[self._visited], len(self._places)
        self._visited += 1
        image, painted = self._session.layer, self._painter.layer
        if image is None or painted is None:
            return
        self._session.fly_to([float(v) for v in place])
        keep_in_view(self._session.viewer, image)
        painted.edited.connect(self._frame.hide, unique=True)  # the stroke is there
        self._frame.draw(*_frame_of(place, image.data.shape[-3:]), FRAME_WIDTH)
        self._session.status_message.emit(
            f"A stroke tells most here (section {place[0]}, place {self._visited} of {count})."
        )


def _frame_of(
    place: NDArray[np.intp], shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sides (4, 2, 3) of a field around a voxel, and their colours (4, 4)."""
    z, *middle = (float(v) for v in place)
    (top, left), (bottom, right) = (
        [
            min(max(m + way * FIELD / 2, 0.0), n - 1.0)
            for m, n in zip(middle, shape[1:], strict=True)
        ]
        for way in (-1, 1)
    )
    corners = np.array([(z, top, left), (z, top, right), (z, bottom, right), (z, bottom, left)])
    ways = np.roll(corners, -1, axis=0) - corners
    color = np.array([*(int(style.ACCENT[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0])
    return np.stack([corners, ways], axis=1), np.tile(color, (4, 1))


def _whole(edges: tuple[float, float, float]) -> Triple:
    """Return the first voxels at or after three edges of a region."""
    z, y, x = (math.ceil(edge) for edge in edges)
    return z, y, x
