"""The table of losses: what a network is told of each kind of map.

All are means over the voxels that are labelled, and over nothing else: one stroke in a large
window teaches as much as a window that is labelled whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tomoscribe.segmentation.maps import offset_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from tomoscribe.segmentation.maps import MapKind
    from tomoscribe.tasks.voxels.maps import MapSpec


@dataclass(frozen=True)
class LossOptions:
    """Which part of the losses counts how much."""

    cross_entropy: float = 1.0
    dice: float = 0.5
    focal: bool = False
    softmax: bool = False
    """The classes' foregrounds and a background, which is logit 0, exclude each other."""
    class_weights: tuple[float, ...] = ()
    """Of the classes, in the cross-entropy; none: all count 1."""


def masked_mean(values: Tensor, known: Tensor) -> Tensor:
    """Return the mean of `values` where `known`, 0 where nothing is."""
    weight = known.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp_min(1.0)


def dice_loss(scores: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Return 1 - Dice of scores in 0..1 over the labelled voxels of a batch."""
    weight = known.to(scores.dtype)
    common = (scores * target * weight).sum()
    both = ((scores + target) * weight).sum()
    return 1 - (2 * common + 1) / (both + 1)


def total_loss(
    logits: Tensor, target: Tensor, known: Tensor, specs: Sequence[MapSpec], options: LossOptions
) -> Tensor:
    """Return the loss of a batch, the mean over its maps; the affinities of a class count as one.

    Parameters
    ----------
    logits : (B, output, z, y, x) tensor
        With `softmax` the background first, then the maps.
    target, known : (B, map, z, y, x) tensors
        In 0..1, and bool.
    """
    first = 1 if options.softmax else 0
    parts: list[Tensor] = []
    affinities: dict[int, list[Tensor]] = {}
    for index, spec in enumerate(specs):
        if options.softmax and spec.kind == "foreground":
            continue
        one = logits[:, index + first], target[:, index], known[:, index]
        weight = options.class_weights[spec.class_index] if options.class_weights else 1.0
        if offset_of(spec.kind) is not None:
            told = _affinity(*one, options, weight)
            affinities.setdefault(spec.class_index, []).append(told)
        else:
            parts.append(LOSSES[spec.kind](*one, options, weight))
    parts += [torch.stack(each).mean() for each in affinities.values()]
    if options.softmax:
        count = sum(spec.kind == "foreground" for spec in specs)
        parts.append(
            _exclusive(logits[:, : count + 1], target[:, :count], known[:, :count], options)
        )
    return torch.stack(parts).mean()


def _binary(
    logits: Tensor, target: Tensor, known: Tensor, options: LossOptions, weight: float
) -> Tensor:
    """Return cross-entropy plus Dice; positive voxels count `weight` in the former."""
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if options.focal:
        each = each * (target - torch.sigmoid(logits)).abs().square()
    each = each * (1 + (weight - 1) * target)
    loss = options.cross_entropy * masked_mean(each, known)
    if options.dice:
        loss = loss + options.dice * dice_loss(torch.sigmoid(logits), target, known)
    return loss


def _smooth(
    logits: Tensor, target: Tensor, known: Tensor, options: LossOptions, weight: float
) -> Tensor:
    each = functional.smooth_l1_loss(torch.sigmoid(logits), target, reduction="none", beta=0.1)
    return masked_mean(each, known)


def _affinity(
    logits: Tensor, target: Tensor, known: Tensor, options: LossOptions, weight: float
) -> Tensor:
    """Return the loss of an affinity; the rare part, where objects end, is what Dice is of."""
    return _binary(-logits, 1 - target, known, options, 1.0)


LOSSES: dict[MapKind, Callable[[Tensor, Tensor, Tensor, LossOptions, float], Tensor]] = {
    "foreground": _binary,
    "contour": _binary,
    "distance": _smooth,
}
"""Each kind of map but affinities: logits, target and mask (B, z, y, x) to its loss."""


def _exclusive(logits: Tensor, target: Tensor, known: Tensor, options: LossOptions) -> Tensor:
    """Return softmax cross-entropy plus the classes' mean Dice.

    A voxel counts where it is of a class, or known to be of none.
    """
    is_class = (target > 0.5) & known
    counts = is_class.any(1) | known.all(1)
    index = torch.where(is_class.any(1), is_class.float().argmax(1) + 1, 0)
    weights = None
    if options.class_weights:
        weights = logits.new_tensor((1.0, *options.class_weights))
    each = functional.cross_entropy(logits, index, weight=weights, reduction="none")
    scores = torch.softmax(logits, 1)
    if options.focal:
        sure = scores.gather(1, index[:, None])[:, 0]
        each = each * (1 - sure).square()
    loss = options.cross_entropy * masked_mean(each, counts)
    if options.dice:
        told = [
            dice_loss(scores[:, k + 1], (index == k + 1).to(scores.dtype), counts)
            for k in range(target.shape[1])
        ]
        loss = loss + options.dice * torch.stack(told).mean()
    return loss
