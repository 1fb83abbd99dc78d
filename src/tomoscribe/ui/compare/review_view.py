"""What the triptych shows: the place under review, read ahead of the user, with its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy
from qtpy.QtCore import QObject

from tomoscribe.picks.sections import spacing
from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.annotate.pick_style import diameter_voxels
from tomoscribe.ui.compare.section_reader import SectionReader, Subject
from tomoscribe.ui.compare.triptych import Picture, Triptych
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.view import triple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.ui.compare.review import Review
    from tomoscribe.ui.scores.score_map import ScoreGrid

AHEAD = 4
"""Proposals read before they are asked for: N pressed quickly finds them there."""

EMPTY = "Press N: the proposal under review is shown here in three planes."

READING = "Reading …"


class ReviewView(QObject):
    """Keeps a triptych on the place under review."""

    def __init__(self, review: Review, triptych: Triptych) -> None:
        super().__init__(triptych)
        self._review = review
        self._session = review.session
        self._triptych = triptych
        self._feed = RunMonitor.of(self._session).feed
        self._paint = MeshPaint.of(self._session)
        self._reader = SectionReader(self)
        self._shown: Subject | None = None
        self.outlines = True
        connect(self, self._reader.ready, self._on_ready)
        connect(self, triptych.clicked, self.toggle_outlines)
        connect(self, self._session.averaging.changed, self.refresh)
        connect(self, self._session.current_changed, self.refresh)
        connect(self, self._session.closed, self._reader.close)
        self.refresh()

    def toggle_outlines(self) -> None:
        """Show or hide the outline of the scores."""
        self.outlines = not self.outlines
        self._draw()

    def refresh(self, *_: object) -> None:
        """Show the place that is under review now, and read the next ones."""
        subject, volume = self._subject(), self._session.volume
        if subject is None or volume is None or self._session.layer is None:
            self._shown = None
            self._triptych.say(EMPTY)
            return
        changed, self._shown = subject != self._shown, subject
        ahead = [self._subject_at(i) for i in self._review.ahead(AHEAD)]
        self._reader.want(volume.data, [subject, *(s for s in ahead if s is not None)])
        if changed:
            self._draw()

    def _subject(self) -> Subject | None:
        """Return what is under review: a proposal, else a stored pick that awaits an answer."""
        if self._review.current is not None:
            return self._subject_at(self._review.current)
        pick, entry = self._review.stored_pick, self._session.entry
        if pick is None or entry is None:
            return None
        size = diameter_voxels(self._session.classes, pick.class_name, entry.voxel_size_A)
        return self._subject_of(pick.zyx, pick.normal_zyx, size)

    def _subject_at(self, index: int) -> Subject | None:
        found = self._review.proposals
        if found is None:
            return None
        normals = found.normals_zyx
        normal = None if normals is None else triple(normals[index])
        return self._subject_of(triple(found.zyx[index]), normal, found.diameter_voxels)

    def _subject_of(
        self,
        zyx: tuple[float, float, float],
        normal: tuple[float, float, float] | None,
        diameter: float,
    ) -> Subject | None:
        current, entry = self._session.current, self._session.entry
        if current is None or entry is None:
            return None
        lift = 0.0 if normal is None else self._paint.depth_A / entry.voxel_size_A
        thickness = float(self._session.averaging.count)
        return Subject(current, zyx, diameter, thickness, normal, lift)

    def _on_ready(self, subject: Subject) -> None:
        if subject == self._shown:
            self._draw()

    def _draw(self) -> None:
        subject, layer, entry = self._shown, self._session.layer, self._session.entry
        if subject is None or layer is None or entry is None:
            return
        images, why_not = self._reader.get(subject), self._reader.why_not(subject)
        if images is None:
            self._triptych.say(why_not or READING)
            return
        low, high = layer.contrast_limits
        self._triptych.show_picture(
            Picture(
                images,
                [plane.name for plane in subject.planes],
                (float(low), float(high)),
                float(images.shape[-1] * spacing(subject.width)),
                subject.diameter,
                entry.voxel_size_A,
                self._outlines(subject, images.shape[-1]) if self.outlines else ((), (), ()),
            )
        )

    def _outlines(self, subject: Subject, size: int) -> Sequence[Sequence[NDArray[np.float64]]]:
        """Return where the scores in view cross the threshold on each section, in pixels."""
        scores = self._feed.layer.in_view  # of B under a difference, as the proposals are
        values = None if scores is None else scores.map_of(self._feed.layer.class_name)
        if scores is None or values is None or self._feed.kind == "mesh":
            return (), (), ()
        level = float(encode_scores(np.array([self._review.threshold]))[0]) - 0.5
        return tuple(outline(values, scores.grid, subject, i, size, level) for i in range(3))


def outline(
    values: NDArray[np.uint8], grid: ScoreGrid, subject: Subject, index: int, size: int,
    level: float,
) -> list[NDArray[np.float64]]:  # fmt: skip
    """Return the lines (M, 2) where stored scores (z, y, x) cross a level on one section.

    Row and column in pixels of a section of `size` pixels; empty where none does.
    """
    from skimage.measure import find_contours

    plane, center = subject.planes[index], subject.centers[index]
    axis = (np.arange(size) - (size - 1) / 2) * spacing(subject.width)
    places = (
        center + axis[:, None, None] * np.array(plane.down) + axis[:, None] * np.array(plane.across)
    )
    at = np.moveaxis((places - (grid.bin - 1) / 2) / grid.bin, -1, 0)
    scores = scipy.ndimage.map_coordinates(values, at, output=np.float32, order=1, mode="constant")
    if scores.max() < level:
        return []
    lines = find_contours(scores, level)  # type: ignore[no-untyped-call]
    return [np.asarray(line) for line in lines]
