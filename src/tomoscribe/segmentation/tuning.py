"""Decoder settings that suit a model, found on labels that it has not learned from.

Every class by itself: first the threshold that gets most voxels right, then, for objects, where
they begin, and last which are too small to be true. Always the same result for the same input:
what is tried is bounded by numbers of voxels and candidates, not by the clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS, THICK, DecoderSettings
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.maps import affinities_of, map_name
from tomoscribe.segmentation.matching import pair_by_section, pair_objects, summed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import Triple
    from tomoscribe.segmentation.matching import ObjectPairs

_LEVELS = 256
_MARGIN = 16
"""Voxels of context around what is labelled."""
_VOXELS = 500_000
"""Voxels of a class that are tried, with some forty candidates."""
_PLATEAU = 0.005
"""Thresholds whose IoU is this near to the best are as good; their middle is safest."""
_GAIN = 0.005
"""Other settings must be better by this: few objects say little."""
_IOUS = (0.5, 0.6, 0.7)
_ABOVE = (0.0, 0.1, 0.2, 0.3, 0.4)
_CONTOURS = (0.2, 0.3, 0.4, 0.5, 0.65, 0.8)
_DEPTHS = (0.2, 0.3, 0.4, 0.5, 0.6)
_JOINED = (0.3, 0.5, 0.6, 0.7, 0.8)
_PARTED = (0.35, 0.5, 0.65)
_LARGER = (3.0, 8.0)
_BESIDE = (-0.2, -0.1, 0.1, 0.2)
_SMALL = (0.02, 0.05, 0.1, 0.2, 0.3)
"""Least sizes that are tried, as shares of the true objects' median size."""


@dataclass(frozen=True)
class TuningSample:
    """Predicted maps (map, Z, Y, X), 0..1 or uint8, and the labels there (class, Z, Y, X).

    Labels are -1 unlabelled, 0 not of the class, else the number of an object; below -1 one that
    does not count itself (`matching.beside`).
    """

    maps: NDArray[Any]
    labels: NDArray[np.int32]


def tune(
    samples: Sequence[TuningSample],
    map_names: Sequence[str],
    classes: Sequence[str],
    start: DecoderSettings | Mapping[str, DecoderSettings],
    voxel_size_zyx_nm: Triple,
) -> dict[str, DecoderSettings]:
    """Return decoder settings by class that suit predictions on held-out labels.

    Takes some seconds a class at most. A class without labels of both kinds keeps its settings.

    Parameters
    ----------
    samples : sequence of TuningSample
        Held-out labels and what was predicted there.
    map_names, classes : sequence of str
        In the order of the maps and labels.
    start : DecoderSettings or mapping of str to DecoderSettings
        Kind and dimension stay; other settings must be clearly better to be taken.
    voxel_size_zyx_nm : tuple of float
    """
    tuned = {}
    for index, name in enumerate(classes):
        settings = start if isinstance(start, DecoderSettings) else start[name]
        deep = 1 if settings.dimension == "2d" else THICK
        tuner = _Tuner(samples, map_names, name, index, voxel_size_zyx_nm, deep)
        tuned[name] = tuner.best(settings)
    return tuned


def best_threshold(parts: Iterable[tuple[NDArray[Any], NDArray[np.int32]]]) -> float | None:
    """Return the threshold of scores with the best IoU on labelled voxels; None: not known.

    Parameters
    ----------
    parts : iterable of (scores, labels)
        Arrays of the same shape: 0..1 or uint8, and labels of one class, -1 unlabelled.
    """
    inside, outside = np.zeros(_LEVELS), np.zeros(_LEVELS)
    for scores, labels in parts:
        level = scores if scores.dtype == np.uint8 else (scores * 255).astype(np.uint8)
        inside += np.bincount(level[labels > 0], minlength=_LEVELS)
        outside += np.bincount(level[labels == 0], minlength=_LEVELS)
    if not inside.any() or not outside.any():
        return None
    hits, extra = inside[::-1].cumsum()[::-1], outside[::-1].cumsum()[::-1]
    iou = hits / (inside.sum() + extra)
    # 0 would call everything the class, and 1 nearly nothing.
    iou[0] = iou[-1] = 0
    best = int(iou.argmax())
    low = high = best
    while low > 1 and iou[low - 1] >= iou[best] - _PLATEAU:
        low -= 1
    while high < _LEVELS - 2 and iou[high + 1] >= iou[best] - _PLATEAU:
        high += 1
    return round((low + high) / 2 / 255, 3)


class _Tuner:
    """Tries settings of one class on the parts of samples where it is labelled."""

    def __init__(
        self,
        samples: Sequence[TuningSample],
        map_names: Sequence[str],
        name: str,
        index: int,
        voxel_nm: Triple,
        deep: int,
    ) -> None:
        self.name, self.voxel_nm = name, voxel_nm
        kinds = [map_name(name, kind) for kind in ("foreground", "contour", "distance")]
        self.maps = [k for k in kinds if k in map_names]
        self.contour = map_name(name, "contour") in map_names
        self.maps += affinities_of(name, map_names)
        chosen = [list(map_names).index(k) for k in self.maps]
        self.parts: list[tuple[NDArray[Any], NDArray[np.int32]]] = []
        left = _VOXELS
        for sample in samples:
            box = _labelled_box(sample.labels[index], left, deep)
            if box is not None:
                self.parts.append((sample.maps[(chosen, *box)], sample.labels[index][box]))
                left -= self.parts[-1][1].size

    def best(self, start: DecoderSettings) -> DecoderSettings:
        threshold = best_threshold((maps[0], labels) for maps, labels in self.parts)
        if threshold is None or start.kind == "argmax":
            return start
        if start.kind in SEMANTIC_KINDS:
            return start.model_copy(update={"threshold": threshold})
        if start.kind == "affinities":
            return self._sized(self._attracted(start, threshold))
        if not start.kind.startswith("watershed"):
            changes = [{"threshold": t} for t in (threshold, *_beside(threshold))]
            return self._sized(self._step(start, changes))
        return self._sized(self._grown(start, threshold))

    def _grown(self, start: DecoderSettings, threshold: float) -> DecoderSettings:
        """Return where objects begin and end: seeds and contours first, for they hang together."""
        seeds = [round(min(threshold + a, 0.98), 3) for a in _ABOVE]
        best = self._step(
            start,
            [
                {"threshold": threshold, "seed_threshold": s, "contour_threshold": c}
                for s in seeds
                for c in (_CONTOURS if self.contour else (start.contour_threshold,))
            ],
        )
        if start.kind == "watershed_distance":
            best = self._step(best, [{"distance_threshold": d} for d in _DEPTHS])
        return self._step(
            best,
            [
                {"threshold": t, "seed_threshold": max(best.seed_threshold, t)}
                for t in _beside(threshold)
            ],
        )

    def _attracted(self, start: DecoderSettings, threshold: float) -> DecoderSettings:
        """Return which affinities join and part; then which parts are too small, and what is in."""
        best = self._step(
            start,
            [
                {"threshold": threshold, "joined_from": j, "parted_below": p}
                for j in _JOINED
                for p in _PARTED
            ],
        )
        field = "min_seed_nm3" if start.dimension == "3d" else "min_seed_nm2"
        least = getattr(start, field)
        best = self._step(best, [{field: least * more} for more in _LARGER])
        return self._step(best, [{"threshold": t} for t in _beside(threshold)])

    def _step(self, best: DecoderSettings, changes: list[dict[str, float]]) -> DecoderSettings:
        """Return the best of some changes, or what there was if none is clearly better."""
        top = self.score(self.pairs(best))
        for change in changes:
            tried = best.model_copy(update=change)
            score = self.score(self.pairs(tried))
            if score > top + _GAIN:
                best, top = tried, score
        return best

    def _sized(self, settings: DecoderSettings) -> DecoderSettings:
        """Return settings with the least size that drops what is no object."""
        field = "min_volume_nm3" if settings.dimension == "3d" else "min_area_nm2"
        voxel = math.prod(self.voxel_nm if settings.dimension == "3d" else self.voxel_nm[1:])
        true_sizes = [
            count
            for _, labels in self.parts
            for part in ([labels] if settings.dimension == "3d" else labels)
            for count in np.unique(part[part > 0], return_counts=True)[1]
        ]
        median = float(np.median(true_sizes))
        best, top = settings, self.score(self.pairs(settings))
        for share in _SMALL:
            tried = settings.model_copy(update={field: round(share * median * voxel, 3)})
            score = self.score(self.pairs(tried))
            if score > top + _GAIN:
                best, top = tried, score
        return best

    def pairs(self, settings: DecoderSettings) -> list[ObjectPairs]:
        found = []
        for maps, labels in self.parts:
            (result,) = decode(maps, self.maps, [self.name], settings, self.voxel_nm)
            if settings.dimension == "2d":
                found += pair_by_section(labels, result.labels)
            else:
                found.append(pair_objects(labels, result.labels))
        return found

    @staticmethod
    def score(pairs: list[ObjectPairs]) -> float:
        return float(np.mean([summed(pairs, t).average_precision for t in _IOUS]))


def _beside(threshold: float) -> list[float]:
    return [round(threshold + d, 3) for d in _BESIDE if 0.05 <= threshold + d <= 0.95]


def _labelled_box(
    labels: NDArray[np.int32], most_voxels: int, deep: int
) -> tuple[slice, slice, slice] | None:
    """Return a box around what is labelled, where most of it is if it is too large.

    It is `deep` sections deep where there are so many: objects may go through them.
    """
    known = labels != UNKNOWN
    if most_voxels <= 0 or not known.any():
        return None
    side = max(1, math.isqrt(most_voxels // min(deep, len(labels))))
    y, x = (_span(known.any(axis=0).sum(axis=1 - axis), side, _MARGIN) for axis in (0, 1))
    area = (y.stop - y.start) * (x.stop - x.start)
    z = _span(known[:, y, x].sum(axis=(1, 2)), max(most_voxels // area, 1), 0)
    return z, y, x


def _span(counts: NDArray[np.integer], most: int, margin: int) -> slice:
    """Return where a line has counts, with a margin; the fullest `most` places if it is longer."""
    at = np.flatnonzero(counts)
    low, high = max(int(at[0]) - margin, 0), min(int(at[-1]) + margin + 1, len(counts))
    if high - low <= most:
        return slice(low, high)
    sums = np.concatenate([[0], counts.cumsum()])
    start = int((sums[most:] - sums[:-most]).argmax())
    return slice(start, start + most)
