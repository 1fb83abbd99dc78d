"""Training batches: windows of images with the targets of their labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from tomoscribe.nets.voxel_augment import vary
from tomoscribe.nets.voxel_rotate import rotated_image, rotated_labels
from tomoscribe.tasks.voxels.targets import TargetOptions, targets_of
from tomoscribe.tasks.voxels.window_turns import WindowTurns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tomoscribe.tasks.voxels.maps import MapSpec
    from tomoscribe.tasks.voxels.plan import VoxelPlan
    from tomoscribe.tasks.voxels.sampler import Window
    from tomoscribe.tasks.voxels.settings import VoxelSettings
    from tomoscribe.tasks.voxels.window_data import WindowData

    Triple = tuple[int, int, int]

_SEEDS = 2**63 - 1


@dataclass(frozen=True)
class Batch:
    """Windows (B, 1, z + context, y, x), their targets and what is known, (B, map, z, y, x)."""

    images: Tensor
    target: Tensor
    known: Tensor


def target_options(plan: VoxelPlan, settings: VoxelSettings) -> TargetOptions:
    """Return how targets are made in a training."""
    return TargetOptions(
        contour_width=plan.contour_width,
        contour_background=settings.contour_background,
        contour_3d=plan.contour_3d,
        distance_scale=plan.distance_scale if "distance" in plan.kinds else 0.0,
        volume=plan.dimension == "3d",
        voxel_size_zyx_nm=plan.working_voxel_zyx_nm,
    )


class BatchMaker:
    """Cuts windows out of images and labels, augments them, and makes their targets.

    All happens on the device that holds what windows are cut from.

    Parameters
    ----------
    parts : sequence of WindowData
        Of the sources that train.
    specs : tuple of MapSpec
        The maps.
    plan : VoxelPlan
        Size of the windows, and how targets are made.
    settings : VoxelSettings
        Which augmentation is wanted.
    context : int
        Sections that the network sees beyond a window on each side.
    threads : int
        That read windows of what is not held; a GPU would wait for one.
    """

    def __init__(
        self,
        parts: Sequence[WindowData],
        specs: tuple[MapSpec, ...],
        plan: VoxelPlan,
        settings: VoxelSettings,
        context: int,
        threads: int = 1,
    ) -> None:
        reads = not all(part.whole for part in parts)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 and reads else None
        self._parts, self._specs, self._settings = list(parts), specs, settings
        self._size, self._context = plan.window_zyx, context
        self._turns = WindowTurns(settings, plan)
        self._options = target_options(plan, settings)
        self._margin = self._options.margin(plan.kinds)

    def make(self, windows: Sequence[Window], rng: np.random.Generator) -> Batch:
        """Return the batch of some windows, augmented."""
        # Each window has chance of its own, so that threads change nothing.
        own = [np.random.default_rng(seed) for seed in rng.integers(0, _SEEDS, len(windows))]
        run = map if self._pool is None else self._pool.map
        cut = list(run(self._window, windows, own))
        images, labels = (torch.stack(each) for each in zip(*cut, strict=True))
        if self._settings.intensity:
            images = vary(images, rng)
        maps, known = targets_of(labels, self._specs, self._options)
        z, y, x = (slice(m, m + n) for m, n in zip(self._margin, self._size, strict=True))
        return Batch(images[:, None], maps[..., z, y, x], known[..., z, y, x])

    def _window(self, window: Window, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return image (z, y, x) and labels (class, z, y, x) of a window, with their margins."""
        part, size = self._parts[window.source], self._seen(rng)
        more = (self._context, 0, 0)
        rotation = self._turns.rotation(rng, size[2] / self._size[2])
        if rotation is not None:
            image, labels = (
                cut(read, _plus(window.lo, m, -1), _plus(self._size, _plus(m, m, 1), 1), rotation)
                for cut, read, m in (
                    (rotated_image, part.image, more),
                    (rotated_labels, part.labels, self._margin),
                )
            )
            return self._turns.apply(image, labels, rng)
        lo = _around(window.lo, self._size, size)
        hi = _plus(lo, size, 1)
        image = part.image(_plus(lo, more, -1), _plus(hi, more, 1))
        labels = part.labels(_plus(lo, self._margin, -1), _plus(hi, self._margin, 1))
        if size != self._size:
            image, labels = self._resized(image, labels, size)
        return self._turns.apply(image, labels, rng)

    def _seen(self, rng: np.random.Generator) -> Triple:
        """Return how much of the image becomes a window: more or less of a section than it has."""
        most = np.log(self._settings.scale)
        if most == 0:
            return self._size
        factor = float(np.exp(rng.uniform(-most, most)))
        return self._size[0], round(self._size[1] * factor), round(self._size[2] * factor)

    def _resized(self, image: Tensor, labels: Tensor, size: Triple) -> tuple[Tensor, Tensor]:
        """Return image and labels with margin at the size of the window."""
        wanted, margin = self._size[1:], self._margin[1:]
        small = functional.interpolate(image[:, None], size=wanted, mode="bilinear", antialias=True)
        # A label's voxel is the one that its middle lies in.
        rows, columns = (
            ((torch.arange(-m, n + m, device=labels.device) + 0.5) * (s / n) + m)
            .floor()
            .long()
            .clamp(0, s + 2 * m - 1)
            for n, m, s in zip(wanted, margin, size[1:], strict=True)
        )
        return small[:, 0], labels[:, :, rows[:, None], columns]


def _around(lo: Triple, size: Triple, wanted: Triple) -> Triple:
    """Return the first voxel of a box of the `wanted` size with the same middle."""
    z, y, x = (a + (n - w) // 2 for a, n, w in zip(lo, size, wanted, strict=True))
    return z, y, x


def _plus(a: Triple, b: Triple, sign: int) -> Triple:
    z, y, x = (p + sign * q for p, q in zip(a, b, strict=True))
    return z, y, x
