"""What windows are cut from: images and labels in the memory of a device, or read box by box."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.tasks.tomogram.scaled import inside
from tomoscribe.tasks.voxels.places import pieces_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tomoscribe.tasks.voxels.sources import Source

    Triple = tuple[int, int, int]
    Box = tuple[Triple, Triple]

_BYTES = 4
"""Of a voxel of an image, and of a label of a class."""
_GIGA = 1e9
_ON_PROCESSOR = 1.0
"""GB of labels that are held beside a processor; images are in its memory anyway."""
_SHARE_OF_GPU = 1 / 3
"""Of what a GPU has free; the network's activations take the rest."""


def memory_for(device: torch.device, wanted_gb: float | None) -> float:
    """Return the bytes that images and labels may take on a device; `wanted_gb` counts if set."""
    if wanted_gb is not None:
        return wanted_gb * _GIGA
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] * _SHARE_OF_GPU
    return _ON_PROCESSOR * _GIGA


class WindowData:
    """Image and labels of a source, where they train, on a device.

    Parameters
    ----------
    source : Source
        Where they are from.
    device : torch.device
        Where they are wanted.
    image, labels : bool
        Whether to hold them there; else boxes are read where they are asked for.
    before : WindowData, optional
        Of the same image: what did not change is taken from it.
    """

    def __init__(
        self,
        source: Source,
        device: torch.device,
        *,
        image: bool,
        labels: bool,
        before: WindowData | None = None,
    ) -> None:
        self.source, self._device = source, device
        same = before is not None and before.source.image is source.image
        former = before if same else None
        self._image = self._held_image(former) if image else None
        self._lo: Triple = (0, 0, 0)
        self._labels = self._held_labels(former) if labels else None

    @property
    def whole(self) -> bool:
        """Whether nothing has to be read."""
        return self._image is not None and self._labels is not None

    def image(self, lo: Triple, hi: Triple) -> Tensor:
        """Return a box (z, y, x) of the image on the device; its edge repeats."""
        if self._image is None:
            return torch.from_numpy(self.source.image.read(lo, hi)).to(self._device)
        shape = self._image.shape
        inner, pads = zip(
            *(inside(a, b, n) for a, b, n in zip(lo, hi, shape, strict=True)), strict=True
        )
        box = self._image[tuple(slice(a, b) for a, b in inner)]
        return _padded(box[None, None], pads, None)[0, 0]

    def labels(self, lo: Triple, hi: Triple) -> Tensor:
        """Return labels (class, z, y, x) of a box on the device; what judges is unknown."""
        if self._labels is None:
            return torch.from_numpy(self.source.read_training(lo, hi)).to(self._device)
        inner, pads = [], []
        for a, b, o, n in zip(lo, hi, self._lo, self._labels.shape[1:], strict=True):
            first = min(max(a - o, 0), n)
            last = max(min(b - o, n), first)
            inner.append(slice(first, last))
            # A box beside all labels is unknown as a whole.
            before = min(max(o - a, 0), b - a)
            pads.append((before, b - a - before - (last - first)))
        return _padded(self._labels[(slice(None), *inner)], pads, UNKNOWN)

    def to(self, device: torch.device) -> None:
        """Move what is held to a device."""
        self._device = device
        if self._image is not None:
            self._image = None if device.type == "cpu" else self._image
            self._image = self._held_image(None)
        if self._labels is not None:
            self._labels = self._labels.to(device)

    def _held_image(self, before: WindowData | None) -> Tensor:
        if before is not None and before._image is not None:
            return before._image
        image = self.source.image
        values = image.read_all() if image.values is None else image.values
        return torch.from_numpy(values).to(self._device)

    def _held_labels(self, before: WindowData | None) -> Tensor:
        """Return the labels of the region that holds all boxes; only changed ones are read."""
        boxes, former = self.source.boxes, None if before is None else before._labels
        lo, hi = _bounds(boxes)
        changed: Sequence[Box] = boxes
        gone: Sequence[Box] = ()
        if before is not None and former is not None:
            changed, gone = self.source.changed_since(before.source)
        # All is read before anything is written: what cannot be read leaves the former labels.
        read = [(box, self.source.read_training(*box)) for box in pieces_of(tuple(changed))]
        self._lo = lo
        shape = (self.source.classes, *(b - a for a, b in zip(lo, hi, strict=True)))
        if before is not None and former is not None and (before._lo, former.shape) == (lo, shape):
            held = former
        else:
            held = torch.full(shape, UNKNOWN, dtype=torch.int32, device=self._device)
            if before is not None and former is not None:
                _copy_common(former, before._lo, held, lo)
        for box in gone:
            held[(slice(None), *_place(box, lo, held.shape[1:]))] = UNKNOWN
        for box, values in read:
            held[(slice(None), *_place(box, lo, held.shape[1:]))] = torch.from_numpy(values).to(
                held.device
            )
        return held


def hold(
    sources: Sequence[Source],
    device: torch.device,
    most_bytes: float,
    before: Sequence[WindowData],
) -> list[WindowData]:
    """Return what windows of sources are cut from, as many of them held as memory is allowed."""
    left, held = most_bytes, []
    former = {one.source.sample.name: one for one in before}
    for source in sources:
        shared = device.type == "cpu" and source.image.values is not None
        image = 0 if shared else _BYTES * math.prod(source.image.shape_zyx)
        lo, hi = _bounds(source.boxes)
        labels = _BYTES * source.classes * math.prod(b - a for a, b in zip(lo, hi, strict=True))
        # On a processor an image that is not in memory already was too large for it.
        with_image = shared or (device.type != "cpu" and image <= left)
        left -= image if with_image else 0
        with_labels = labels <= left
        left -= labels if with_labels else 0
        name = source.sample.name
        one = WindowData(
            source, device, image=with_image, labels=with_labels, before=former.get(name)
        )
        held.append(one)
    return held


def _bounds(boxes: Sequence[Box]) -> Box:
    if not boxes:
        return (0, 0, 0), (0, 0, 0)
    los, his = zip(*boxes, strict=True)
    (z, y, x), (c, b, a) = map(min, zip(*los, strict=True)), map(max, zip(*his, strict=True))
    return (z, y, x), (c, b, a)


def _place(box: Box, origin: Triple, shape: Sequence[int]) -> tuple[slice, ...]:
    return tuple(
        slice(min(max(a - o, 0), n), min(max(b - o, 0), n))
        for a, b, o, n in zip(*box, origin, shape, strict=True)
    )


def _copy_common(source: Tensor, source_lo: Triple, target: Tensor, target_lo: Triple) -> None:
    """Copy what lies in the regions of both."""
    ends = [
        (max(a, b), min(a + n, b + m))
        for a, n, b, m in zip(source_lo, source.shape[1:], target_lo, target.shape[1:], strict=True)
    ]
    if all(a < b for a, b in ends):
        here = tuple(slice(a - o, b - o) for (a, b), o in zip(ends, target_lo, strict=True))
        there = tuple(slice(a - o, b - o) for (a, b), o in zip(ends, source_lo, strict=True))
        target[(slice(None), *here)] = source[(slice(None), *there)]


def _padded(box: Tensor, pads: Sequence[tuple[int, int]], value: int | None) -> Tensor:
    """Return a box with more voxels before and after it along z, y, x; None: its edge repeats."""
    if not any(map(any, pads)):
        return box
    flat = [n for pair in reversed(pads) for n in pair]
    if value is None:
        return functional.pad(box, flat, mode="replicate")
    return functional.pad(box, flat, value=value)
