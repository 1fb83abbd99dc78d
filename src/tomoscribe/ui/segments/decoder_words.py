"""What the panel of the decoder says: names of settings and kinds, counts. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS
from tomoscribe.segmentation.maps import affinities_of, map_name
from tomoscribe.training.predictions import NOT_KEPT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import DecoderKind, Dimension
    from tomoscribe.ui.segments.maps_in_view import MapsInView
    from tomoscribe.ui.segments.segments import Segments

KINDS: dict[DecoderKind, tuple[str, str]] = {
    "argmax": ("Likeliest class", "Each voxel is of the class with the highest score"),
    "threshold": ("Class above a threshold", "Voxels with at least the threshold are of the class"),
    "components": ("Objects: what hangs together", "Voxels that touch each other are one object"),
    "watershed": (
        "Objects: from seeds inside outlines",
        "Objects grow from seeds, places of high score away from outlines; touching ones are told "
        "apart (watershed)",
    ),
    "watershed_distance": (
        "Objects: from seeds deep inside",
        "Seeds lie deep inside by the map of distances, too (watershed)",
    ),
    "affinities": (
        "Objects: by affinities",
        "Neighbours that attract each other are one object, unless voxels a little farther apart "
        "repel each other (mutex watershed)",
    ),
}
"""Text and tooltip of each way to make objects."""

DIMENSIONS: dict[Dimension, tuple[str, str]] = {
    "3d": ("through the volume", "Objects go through the volume"),
    "linked": ("sections, linked", "Found in sections; those that lie over each other are one"),
    "2d": ("each section", "Each section has objects of its own"),
}

TITLES = {
    "threshold": "Score of the class",
    "seed_threshold": "Score of a seed",
    "contour_threshold": "Outline below, in a seed",
    "distance_threshold": "Depth of a seed",
    "joined_from": "Affinity that joins",
    "parted_below": "Affinity that parts, below",
    "min_area_nm2": "Smallest object",
    "min_volume_nm3": "Smallest object",
    "min_seed_nm2": "Smallest seed or part",
    "min_seed_nm3": "Smallest seed or part",
    "link_overlap": "Overlap that links",
}
"""Of the settings with a slider, in their order."""


WHILE_IT_TRAINS = (
    "The volume is predicted whole and decoded once the training has ended; to have it now, choose "
    "a checkpoint with the slider above."
)


def kinds_for(maps: MapsInView) -> list[DecoderKind]:
    """Return the ways to make objects that the maps allow."""
    names = set(maps.grid.class_names)
    deep = all(map_name(name, "distance") in names for name in maps.classes)
    attract = all(affinities_of(name, names) for name in maps.classes)
    lacking = {"watershed_distance": not deep, "affinities": not attract}
    return [kind for kind in KINDS if not lacking.get(kind, False)]


def counts(segments: Segments) -> str:
    """Return how many objects of each class there are, or how much of it."""
    maps, objects, section = segments.maps, segments.objects, segments.section
    if maps is None:
        return ""
    if segments.problem:
        return segments.problem
    class_of = objects.class_of if objects else None if section is None else section.class_of
    if class_of is None:
        return "Decoding the section in view …"
    where = "in the volume" if objects else "in this section"
    apart = [n for n, s in segments.settings.items() if s.kind not in SEMANTIC_KINDS]
    if not apart:
        present = _present(segments)
        return f"{present} {where}" if present else f"No class is found {where}."
    told = [f"<b>{_number(class_of, i)}</b> {n}" for i, n in enumerate(maps.classes) if n in apart]
    return f"{', '.join(told)} {where}"


def why_no_volume(segments: Segments) -> str | None:
    """Return why the volume cannot be decoded now, None if it can."""
    maps = segments.maps
    if maps is None:
        return "No segmentation is in view."
    if maps.live:
        return WHILE_IT_TRAINS
    if not maps.is_final:
        if maps.stays_partial:
            return NOT_KEPT.format(source=maps.source)
        return f"This waits until the volume is predicted whole. {segments.held_up}".rstrip()
    return "The volume is being decoded." if segments.busy else None


def why_no_objects(segments: Segments) -> str | None:
    """Return why there are no objects of the volume, and what to do; None if there are."""
    if segments.objects is not None:
        return None
    return why_no_volume(segments) or "The volume is not decoded yet: press Apply to volume."


def _number(class_of: NDArray[np.int64], index: int) -> int:
    return int(np.count_nonzero(class_of == index))


def _present(segments: Segments) -> str:
    """Return the share of the section that each class covers, in words."""
    section, objects, maps = segments.section, segments.objects, segments.maps
    assert maps is not None
    if objects is not None:
        labels, class_of = objects.labels, objects.class_of
        voxels = objects.voxels
    else:
        assert section is not None
        labels, class_of = section.labels, section.class_of
        voxels = np.bincount(labels.ravel(), minlength=len(class_of))
    told = []
    for index, name in enumerate(maps.classes):
        share = voxels[class_of == index].sum() / max(labels.size, 1)
        if share > 0:
            told.append(f"<b>{name}</b> {share:.1%}" if share >= 0.001 else f"<b>{name}</b> < 0.1%")
    return ", ".join(told)


def state(segments: Segments) -> str:
    """Return what the user should know of the settings and of the volume."""
    maps = segments.maps
    if maps is None:
        return ""
    objects, number = segments.objects, segments.selected
    if objects is not None and 0 < number <= objects.count:
        size = objects.voxels[number] * math.prod(maps.voxel_size_zyx_nm)
        return f"No. {number}, {objects.name_of(number)}: {size:,.0f} nm³. Shift+Q locks it."
    if segments.busy:
        return "Decoding the volume …"
    if maps.stays_partial:
        return "Only what the training previewed is there: these weights were not kept."
    if not maps.is_final:
        when = " when the training has ended" if maps.live else ""
        return f"The section in view is decoded as the prediction grows; the volume follows{when}."
    if segments.cancelled:
        return "Decoding the volume was cancelled; Apply to volume begins it again."
    if segments.objects is None and segments.is_own:
        return "Only sections in view have your settings: press Apply to volume."
    if segments.is_own:
        return "By your settings."
    return "By settings tuned on held-out labels." if maps.is_tuned else "By default settings."
