"""The report of two checkpoints that segment voxels, put together; it reads runs and sections."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

import tomoscribe
from tomoscribe.evaluation.segments.pictures import place_row
from tomoscribe.evaluation.segments.report import SegmentReport
from tomoscribe.evaluation.segments.words import agreement_text, places_to_look
from tomoscribe.io.volumes import open_volume
from tomoscribe.training.report_facts import side_of

if TYPE_CHECKING:
    from tomoscribe.training.compare_segments import ComparedImage, SegmentComparison

_PICTURED = 3
"""Places of each kind with pictures; more would make the page heavy."""


def make_segment_report(project: str, found: SegmentComparison) -> SegmentReport:
    """Return the report of a comparison.

    Parameters
    ----------
    project : str
        Its name; empty where the labels lie in files.
    found : SegmentComparison

    Raises
    ------
    TomoscribeError
        If an image cannot be read any more.
    """
    images = {one.name: one for one in found.images}
    rows = []
    for place in places_to_look(found.judgement, found.agreements, _PICTURED):
        one = images[place.sample]
        volume = open_volume(one.sample.volume_path, one.sample.size).data
        rows.append(place_row(one.on_sides, volume, found.judgement, place))
    return SegmentReport(
        project=project,
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        version=tomoscribe.__version__,
        sides=tuple(side_of(letter, ref) for letter, ref in found.sides.items()),
        judgement=found.judgement,
        agreement=agreement_text(found.agreements),
        images=tuple(map(_facts, found.images)),
        pictures=tuple(rows),
    )


def _facts(one: ComparedImage) -> tuple[str, ...]:
    image = one.on_sides.image
    boxes = [np.subtract(hi, lo).prod(dtype=float) for lo, hi in image.boxes]
    share = sum(boxes) / np.prod(image.shape_zyx, dtype=float)
    return (
        image.name,
        str(one.sample.role),
        " × ".join(map(str, image.shape_zyx)),
        " × ".join(f"{edge:g}" for edge in image.voxel_size_zyx_nm) + " nm",
        f"{share:.0%}" if boxes else "nothing",
        one.sample.volume_path,
    )
