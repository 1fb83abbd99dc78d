"""Validation of a segmentation: which boxes are looked at, and what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from tomoscribe.segmentation.decoder_settings import THICK
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.matching import (
    MatchCounts,
    beside,
    pair_by_section,
    pair_objects,
    summed,
)
from tomoscribe.segmentation.tuning import TuningSample, tune
from tomoscribe.segmentation.whole import plain_numbers
from tomoscribe.tasks.voxels.judge import MapCounts
from tomoscribe.tasks.voxels.sources import labels_around
from tomoscribe.tasks.voxels.targets import make_targets
from tomoscribe.tasks.voxels.tiles import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import DecoderSettings
    from tomoscribe.tasks.voxels.judge import MapVerdict
    from tomoscribe.tasks.voxels.plan import VoxelPlan
    from tomoscribe.tasks.voxels.predictor import VoxelPredictor
    from tomoscribe.tasks.voxels.sources import Source
    from tomoscribe.tasks.voxels.targets import TargetOptions

    Triple = tuple[int, int, int]

_MOST_VOXELS = 1_500_000
"""Working voxels that a validation looks at: some seconds of a processor."""
_EDGE_3D = 64
"""Of the pieces of a volume that is larger than that, so that several places are looked at."""
_MOST_TUNED = 150_000
"""Working voxels on which a decoder is tuned: a second or two."""


@dataclass(frozen=True)
class ValidationBox:
    """A box of working voxels of a source."""

    source: Source
    lo: Triple
    hi: Triple


@dataclass(frozen=True)
class Judged:
    """What a validation says; see `tasks.base.Evaluation`."""

    score: float
    metrics: dict[str, float]
    offsets: dict[str, float]
    decoder: dict[str, Any] = field(default_factory=dict)


def validation_boxes(
    sources: Sequence[Source], plan: VoxelPlan, most: int | None, *, stacks: bool
) -> list[ValidationBox]:
    """Return boxes that hold what judges, spread evenly where they are too many.

    The same ones each time, so that scores can be compared. With `stacks` they are some sections
    deep where labels are, for objects that go through sections.
    """
    found = [box for source in sources for box in _boxes_of(source, plan, stacks=stacks)]
    if not found:
        return []
    if plan.dimension == "3d" and sum(map(_size, found)) > _MOST_VOXELS:
        edges = (_EDGE_3D,) * 3
        found = [
            ValidationBox(box.source, *piece)
            for box in found
            for piece in cut(box.lo, box.hi, edges)
        ]
    size = max(1, int(np.mean([_size(box) for box in found])))
    count = min(len(found), max(1, _MOST_VOXELS // size), most or len(found))
    chosen = np.unique(np.linspace(0, len(found) - 1, count).round().astype(int))
    return [found[i] for i in chosen.tolist()]


def _size(box: ValidationBox) -> int:
    return math.prod(b - a for a, b in zip(box.lo, box.hi, strict=True))


def _boxes_of(source: Source, plan: VoxelPlan, *, stacks: bool) -> list[ValidationBox]:
    """Return held-out blocks, or the parts of the labelled boxes that hold held-out cells."""
    if source.dense:
        whole = source.held.blocks or source.boxes
        if plan.dimension == "3d":
            return [ValidationBox(source, lo, hi) for lo, hi in whole]
        deep = THICK if stacks else 1
        return [ValidationBox(source, *box) for lo, hi in whole for box in _cut(lo, hi, deep)]
    boxes = []
    deep, edge = (
        (_EDGE_3D, _EDGE_3D) if plan.dimension == "3d" else (1, max(256, plan.window_zyx[1]))
    )
    for z, y, x in sorted(_tiles_with_labels(source, deep, edge)):
        shape = source.image.shape_zyx
        lo = (z * deep, y * edge, x * edge)
        hi = tuple(min(a + n, s) for a, n, s in zip(lo, (deep, edge, edge), shape, strict=True))
        boxes.append(ValidationBox(source, lo, hi))  # type: ignore[arg-type]
    return boxes


def _tiles_with_labels(source: Source, deep: int, edge: int) -> set[tuple[int, int, int]]:
    tiles = set()
    for lo, hi in source.boxes:
        for z in range(lo[0] // deep, -(-hi[0] // deep)):
            for y in range(lo[1] // edge, -(-hi[1] // edge)):
                for x in range(lo[2] // edge, -(-hi[2] // edge)):
                    tiles.add((z, y, x))
    return tiles


def _cut(lo: Triple, hi: Triple, deep: int) -> list[tuple[Triple, Triple]]:
    """Return a dense box in pieces of at least `deep` sections where it has them.

    Stacks are also cut within their sections, until a validation can look at one.
    """
    edge = math.isqrt(_MOST_VOXELS // deep) if deep > 1 else max(hi[1] - lo[1], hi[2] - lo[2])
    counts = (
        (hi[0] - lo[0]) // deep,
        *(-(-(b - a) // edge) for a, b in zip(lo[1:], hi[1:], strict=True)),
    )
    spans = [
        pairwise(np.linspace(a, b, max(1, count) + 1).round().astype(int).tolist())
        for a, b, count in zip(lo, hi, counts, strict=True)
    ]
    return [tuple(zip(*piece, strict=True)) for piece in product(*spans)]  # type: ignore[misc]


def judge_sources(
    predictor: VoxelPredictor,
    boxes: Sequence[ValidationBox],
    options: TargetOptions,
    decoder: Mapping[str, DecoderSettings],
    *,
    should_stop: Callable[[], bool],
    enough: Callable[[], bool],
    tune_from: float | None,
) -> Judged | None:
    """Return what held-out labels say of a predictor; None where `should_stop` ended it.

    Objects are found by `decoder`, by class: what objects of these images begin with. It is tuned
    where the score is at least `tune_from` (None: never), and where objects that it finds through
    sections are judged so. `enough` ends all early, with what was seen until then.
    """
    specs = predictor.specs
    dense = bool(boxes) and all(box.source.dense for box in boxes)
    counts = {
        spec.name: MapCounts(
            dense=dense, fixed=dense and predictor.plan.softmax and spec.kind == "foreground"
        )
        for spec in specs
        if spec.kind in ("foreground", "contour")
    }
    kept, labelled, looked_at = [], 0, 0
    for box in boxes:
        if should_stop():
            return None
        logits = predictor.map_logits(box.source.image, box.lo, box.hi).cpu().numpy()
        margin = options.margin(predictor.plan.kinds)
        labels = labels_around(box.source, box.lo, box.hi, margin)
        maps, known = make_targets(labels, specs, options)
        size = logits.shape[1:]
        inner = tuple(slice(m, m + n) for m, n in zip(margin, size, strict=True))
        held = box.source.held.mask(box.lo, box.hi)
        labelled += int((labels[(slice(None), *inner)] != UNKNOWN).any(0)[held].sum())
        looked_at += int(held.sum())
        for index, spec in enumerate(specs):
            if spec.name in counts:
                counts[spec.name].add(
                    logits[index], maps[index][inner] > 0.5, known[index][inner], held
                )
        if predictor.task == "instance":
            objects = plain_numbers(labels[(slice(None), *inner)])
            kept.append((logits, objects if dense else of_held(objects, held)))
        if enough():
            break
    if not any((objects > 0).any() for _, objects in kept):
        kept = []
    verdicts = {name: count.verdict() for name, count in counts.items()}
    told = {name: verdict for name, verdict in verdicts.items() if verdict is not None}
    judged = _judged(predictor, told, decoder, kept)
    judged.metrics["labelled"] = labelled / max(1, looked_at)
    if tune_from is not None and judged.score >= tune_from:
        return replace(judged, decoder=_tuned(predictor, judged.offsets, decoder, kept))
    return judged


def of_held(labels: NDArray[np.int32], held: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return labels (class, z, y, x) where they only judge, and unknown elsewhere.

    An object of which most trains does not judge; where it lies is told, as `matching.beside`: what
    it grows together with is no good object. The brush of a class (1) tells no objects apart.
    """
    result = np.where(held, labels, np.int32(UNKNOWN))
    for mine, judging in zip(labels, result, strict=True):
        numbers, whole = np.unique(mine[mine > 0], return_counts=True)
        parts, some = np.unique(judging[judging > 0], return_counts=True)
        own = parts[some * 2 >= whole[np.searchsorted(numbers, parts)]]
        others = (mine > 0) & ~np.isin(mine, own)
        judging[others] = np.where(mine[others] > 1, beside(mine[others]), UNKNOWN)
    return result


def _judged(
    predictor: VoxelPredictor,
    verdicts: dict[str, MapVerdict],
    decoder: Mapping[str, DecoderSettings],
    kept: list[tuple[NDArray[np.float32], NDArray[np.int32]]],
) -> Judged:
    every = [c.name for c in predictor.label_classes]
    names = [name for name in every if name in verdicts]
    metrics: dict[str, float] = {}
    for name in names:
        verdict = verdicts[name]
        told = {
            "iou": verdict.iou,
            "dice": verdict.dice,
            "precision": verdict.precision,
            "recall": verdict.recall,
            "share": verdict.prior,
        }
        metrics |= {k if len(every) == 1 else f"{name}/{k}": v for k, v in told.items()}
    offsets = dict.fromkeys(predictor.maps, 0.0)
    offsets |= {name: verdict.offset for name, verdict in verdicts.items()}
    iou = float(np.mean([verdicts[name].iou for name in names])) if names else 0.0
    if len(every) > 1:
        metrics["iou"] = iou
    rank = float(np.mean([verdicts[name].rank for name in names])) if names else 0.0
    if predictor.task != "instance":
        return Judged(rank, metrics, offsets)
    borders = [v.rank for name, v in verdicts.items() if name not in names]
    if not kept:
        return Judged(float(np.mean([rank, *borders])), metrics, offsets)
    precision = _average_precision(predictor, offsets, decoder, kept)
    metrics["ap50"] = precision
    return Judged((rank + precision) / 2, metrics, offsets)


def _maps_of(
    predictor: VoxelPredictor, offsets: dict[str, float], logits: NDArray[np.float32]
) -> NDArray[np.float32]:
    shift = np.array([offsets[name] for name in predictor.maps], np.float32)
    maps: NDArray[np.float32] = expit(logits + shift[:, None, None, None])
    return maps


def through_sections(decoder: Mapping[str, DecoderSettings]) -> bool:
    """Return whether objects go through sections."""
    return any(settings.dimension != "2d" for settings in decoder.values())


def _tuned(
    predictor: VoxelPredictor,
    offsets: dict[str, float],
    decoder: Mapping[str, DecoderSettings],
    kept: list[tuple[NDArray[np.float32], NDArray[np.int32]]],
) -> dict[str, Any]:
    """Return the settings of each class's decoder that suit what was held out; none: not known."""
    samples, voxels = [], 0
    least = THICK if through_sections(decoder) else 1
    for logits, labels in kept:
        if logits.shape[1] < least:
            continue
        samples.append(TuningSample(_maps_of(predictor, offsets, logits), labels))
        voxels += labels[0].size
        if voxels > _MOST_TUNED:
            break
    if not samples:
        return {}
    names = [c.name for c in predictor.label_classes]
    found = tune(samples, predictor.maps, names, decoder, predictor.plan.working_voxel_zyx_nm)
    return {name: settings.model_dump() for name, settings in found.items()}


def _average_precision(
    predictor: VoxelPredictor,
    offsets: dict[str, float],
    decoder: Mapping[str, DecoderSettings],
    kept: list[tuple[NDArray[np.float32], NDArray[np.int32]]],
) -> float:
    """Return matched / (matched + extra + missed) of objects that a decoder finds."""
    plan = predictor.plan
    voxel, names = plan.working_voxel_zyx_nm, [c.name for c in predictor.label_classes]
    counts = MatchCounts()
    for logits, labels in kept:
        maps = _maps_of(predictor, offsets, logits)
        found = decode(maps, predictor.maps, names, decoder, voxel, exclusive=predictor.exclusive)
        for index, name in enumerate(names):
            one = found[0] if len(found) == 1 else found[index]
            objects = one.of_class(name)
            if decoder[name].dimension == "2d":
                counts += summed(pair_by_section(labels[index], objects), 0.5)
            else:
                counts += pair_objects(labels[index], objects).counts(0.5)
    return counts.average_precision
