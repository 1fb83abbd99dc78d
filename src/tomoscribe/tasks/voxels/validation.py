"""Validation of a segmentation: which boxes are looked at, and what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from tomoscribe.segmentation.decoder_settings import THICK, default_settings
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.maps import go_through, offset_of
from tomoscribe.segmentation.matching import MatchCounts, pair_objects
from tomoscribe.segmentation.tuning import TuningSample, tune
from tomoscribe.tasks.voxels.judge import MapCounts
from tomoscribe.tasks.voxels.sources import labels_around
from tomoscribe.tasks.voxels.targets import make_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    sources: Sequence[Source], plan: VoxelPlan, most: int | None
) -> list[ValidationBox]:
    """Return boxes that hold what judges, spread evenly where they are too many.

    The same ones each time, so that scores can be compared.
    """
    found = [box for source in sources for box in _boxes_of(source, plan)]
    if not found:
        return []
    size = max(1, int(np.mean([_size(box) for box in found])))
    count = min(len(found), max(1, _MOST_VOXELS // size), most or len(found))
    chosen = np.unique(np.linspace(0, len(found) - 1, count).round().astype(int))
    return [found[i] for i in chosen.tolist()]


def _size(box: ValidationBox) -> int:
    return math.prod(b - a for a, b in zip(box.lo, box.hi, strict=True))


def _boxes_of(source: Source, plan: VoxelPlan) -> list[ValidationBox]:
    """Return held-out blocks, or the parts of the labelled boxes that hold held-out cells."""
    if source.dense:
        whole = source.held.blocks or source.boxes
        return [ValidationBox(source, *box) for lo, hi in whole for box in _sections(lo, hi, plan)]
    boxes = []
    deep = plan.window_zyx[0] if plan.dimension == "3d" else 1
    edge = max(256, plan.window_zyx[1])
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


def _sections(lo: Triple, hi: Triple, plan: VoxelPlan) -> list[tuple[Triple, Triple]]:
    """Return a dense box in pieces of a section each, or whole for a network of volumes.

    Objects that affinities tell through sections need stacks of them.
    """
    if plan.dimension == "3d":
        return [(lo, hi)]
    deep = THICK if go_through(_offsets(plan)) else 1
    ends = np.linspace(lo[0], hi[0], max(1, (hi[0] - lo[0]) // deep) + 1).round().astype(int)
    return [((a, lo[1], lo[2]), (b, hi[1], hi[2])) for a, b in pairwise(ends.tolist())]


def _offsets(plan: VoxelPlan) -> list[tuple[float, float, float]]:
    return [offset for offset in map(offset_of, plan.kinds) if offset is not None]


def judge_sources(
    predictor: VoxelPredictor,
    boxes: Sequence[ValidationBox],
    options: TargetOptions,
    *,
    should_stop: Callable[[], bool],
    enough: Callable[[], bool],
    tune_from: float | None,
) -> Judged | None:
    """Return what held-out labels say of a predictor; None where `should_stop` ended it.

    `enough` ends it early, with what was seen until then. The decoder is tuned where the score is
    above `tune_from`; None: never.
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
            objects = labels[(slice(None), *inner)]
            kept.append((logits, objects if dense else of_held(objects, held)))
        if enough():
            break
    if not any((objects > 0).any() for _, objects in kept):
        kept = []
    verdicts = {name: count.verdict() for name, count in counts.items()}
    told = {name: verdict for name, verdict in verdicts.items() if verdict is not None}
    judged = _judged(predictor, told, kept)
    judged.metrics["labelled"] = labelled / max(1, looked_at)
    if kept and tune_from is not None and judged.score > tune_from:
        return replace(judged, decoder=_tuned(predictor, judged.offsets, kept))
    return judged


def of_held(labels: NDArray[np.int32], held: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return labels (class, z, y, x) where they only judge, and unknown elsewhere.

    An object of which most trains is unknown as a whole.
    """
    result = np.where(held, labels, np.int32(UNKNOWN))
    for mine, judging in zip(labels, result, strict=True):
        numbers, whole = np.unique(mine[mine > 0], return_counts=True)
        parts, some = np.unique(judging[judging > 0], return_counts=True)
        few = parts[some * 2 < whole[np.searchsorted(numbers, parts)]]
        judging[np.isin(judging, few)] = UNKNOWN
    return result


def _judged(
    predictor: VoxelPredictor,
    verdicts: dict[str, MapVerdict],
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
    precision = _average_precision(predictor, offsets, kept)
    metrics["ap50"] = precision
    return Judged((rank + precision) / 2, metrics, offsets)


def _maps_of(
    predictor: VoxelPredictor, offsets: dict[str, float], logits: NDArray[np.float32]
) -> NDArray[np.float32]:
    shift = np.array([offsets[name] for name in predictor.maps], np.float32)
    maps: NDArray[np.float32] = expit(logits + shift[:, None, None, None])
    return maps


def _default_decoder(predictor: VoxelPredictor) -> DecoderSettings:
    plan, offsets = predictor.plan, _offsets(predictor.plan)
    deep = plan.dimension == "3d" or go_through(offsets)
    return default_settings(
        "instance",
        "3d" if deep else "2d",
        plan.working_voxel_zyx_nm,
        affinities=bool(offsets),
    )


def _tuned(
    predictor: VoxelPredictor,
    offsets: dict[str, float],
    kept: list[tuple[NDArray[np.float32], NDArray[np.int32]]],
) -> dict[str, Any]:
    """Return the settings of each class's decoder that suit what was held out."""
    samples, voxels = [], 0
    for logits, labels in kept:
        samples.append(TuningSample(_maps_of(predictor, offsets, logits), labels))
        voxels += labels[0].size
        if voxels > _MOST_TUNED:
            break
    names = [c.name for c in predictor.label_classes]
    found = tune(
        samples, predictor.maps, names, _default_decoder(predictor),
        predictor.plan.working_voxel_zyx_nm,
    )  # fmt: skip
    return {name: settings.model_dump() for name, settings in found.items()}


def _average_precision(
    predictor: VoxelPredictor,
    offsets: dict[str, float],
    kept: list[tuple[NDArray[np.float32], NDArray[np.int32]]],
) -> float:
    """Return matched / (matched + extra + missed) of objects found by the default decoder."""
    plan = predictor.plan
    voxel, names = plan.working_voxel_zyx_nm, [c.name for c in predictor.label_classes]
    settings = _default_decoder(predictor)
    counts = MatchCounts()
    for logits, labels in kept:
        maps = _maps_of(predictor, offsets, logits)
        found = decode(maps, predictor.maps, names, settings, voxel, exclusive=predictor.exclusive)
        for index, name in enumerate(names):
            one = found[0] if len(found) == 1 else found[index]
            counts += pair_objects(labels[index], one.of_class(name)).counts(0.5)
    return counts.average_precision
