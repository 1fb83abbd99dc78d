"""Pictures of places: labels, how two segmentations stand to them, and where those differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.pictures import A_RGB, B_RGB, Picture, PictureRow, ground_of, png
from tomoscribe.evaluation.segments.judgement import truth_of
from tomoscribe.evaluation.segments.maps import clipped
from tomoscribe.evaluation.segments.marks import Mark, touching
from tomoscribe.segmentation.labels import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.evaluation.segments.judgement import ImageOnSides, SegmentJudgement
    from tomoscribe.evaluation.segments.maps import Box
    from tomoscribe.evaluation.segments.words import Place
    from tomoscribe.io.arrays import LazyArray

VIEW = 240
"""Voxels a side of what is pictured: four pictures stand side by side on a page."""
OPACITY, FAINT = 150, 3
"""Of 255; labels that do not judge are drawn by that part of it."""
LABELLED_RGB = (240, 228, 66)
MARK_RGB = {
    Mark.MATCHED: (0, 158, 115),
    Mark.MISSED: (213, 94, 0),
    Mark.EXTRA: (204, 121, 167),
    Mark.OPEN: (86, 180, 233),
}
"""Okabe-Ito colours, as the marks of picks in reports."""


def place_row(
    each: ImageOnSides,
    volume: LazyArray,
    judgement: SegmentJudgement,
    place: Place,
) -> PictureRow:
    """Return the pictures of a place: labels, each side, and where A and B differ.

    Parameters
    ----------
    each : ImageOnSides
        The image that the place is in.
    volume : LazyArray
        Its voxels (z, y, x).
    judgement : SegmentJudgement
    place : Place
        And the class that is drawn.
    """
    name = place.class_name
    z = int(place.zyx[0])
    lo, hi = window(each.image.shape_zyx, place.zyx)
    part = np.asarray(volume[z : z + 1, lo[1] : hi[1], lo[2] : hi[2]])
    ground = png(ground_of(part, 0, 0, 1))
    height, width = part.shape[1:]
    drawn: list[tuple[str, NDArray[np.uint8]]] = []
    if name in each.image.class_names:
        truth = each.image.read(lo, hi)[each.image.class_names.index(name)][0]
        if (truth != UNKNOWN).any():
            picture = _tint((truth > 0) & ~touching(truth), LABELLED_RGB)
            judges = truth_of(each, name, lo, hi, judgement.basis)[0] != UNKNOWN
            picture[~judges, 3] //= FAINT
            drawn.append(("labels", picture))
    found = {k: m.masks(lo, hi)[name][0] for k, m in each.maps.items() if name in m.classes}
    for letter, mask in found.items():
        marks = np.where(mask, np.uint8(Mark.OPEN), np.uint8(Mark.NONE))
        _lay_over(marks, judgement, (letter, name), each.image.name, (lo, hi))
        drawn.append((letter, _marked(marks)))
    if {"A", "B"} <= found.keys():
        drawn.append(("A and B differ", _apart(found)))
    pictures = tuple(Picture(title, width, height, ground, png(over)) for title, over in drawn)
    return PictureRow(f"{place.sample}, section {z}. {place.text}", pictures)


def window(shape_zyx: tuple[int, int, int], zyx: Sequence[float]) -> Box:
    """Return what is pictured around a voxel: a part of its section, inside of the image."""
    lo, hi = [int(zyx[0])], [int(zyx[0]) + 1]
    for size, at in zip(shape_zyx[1:], zyx[1:], strict=True):
        first = int(np.clip(int(at) - VIEW // 2, 0, max(size - VIEW, 0)))
        lo.append(first)
        hi.append(min(first + VIEW, size))
    return (lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2])


def _lay_over(
    marks: NDArray[np.uint8],
    judgement: SegmentJudgement,
    key: tuple[str, str],
    sample: str,
    box: Box,
) -> None:
    """Write what was judged in a section's box over its marks (y, x)."""
    judged = judgement.judged.get(key)
    for one in () if judged is None else judged.marks:
        common = None if one.sample != sample else clipped(box, (one.lo, one.hi))
        if common is None:
            continue
        (_, y0, x0), (_, y1, x1) = common
        (z, top, left), first = box[0], one.lo
        mine = one.values[
            z - first[0], y0 - first[1] : y1 - first[1], x0 - first[2] : x1 - first[2]
        ]
        marks[y0 - top : y1 - top, x0 - left : x1 - left] = mine


def _tint(mask: NDArray[np.bool_], rgb: tuple[int, int, int]) -> NDArray[np.uint8]:
    picture = np.zeros((*mask.shape, 4), np.uint8)
    picture[mask] = (*rgb, OPACITY)
    return picture


def _marked(marks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    picture = np.zeros((*marks.shape, 4), np.uint8)
    for mark, rgb in MARK_RGB.items():
        picture[marks == mark] = (*rgb, OPACITY)
    return picture


def _apart(found: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    picture = _tint(found["A"] & ~found["B"], A_RGB)
    picture[found["B"] & ~found["A"]] = (*B_RGB, OPACITY)
    return picture
