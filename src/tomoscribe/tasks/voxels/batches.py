"""Training batches: windows of images with the targets of their labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from tomoscribe.nets.voxel_augment import turn, vary
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.tasks.voxels.targets import TargetOptions, make_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from tomoscribe.tasks.voxels.maps import MapSpec
    from tomoscribe.tasks.voxels.plan import VoxelPlan
    from tomoscribe.tasks.voxels.sampler import Window
    from tomoscribe.tasks.voxels.settings import VoxelSettings
    from tomoscribe.tasks.voxels.sources import Source

    Triple = tuple[int, int, int]


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
    """Cuts windows out of sources.

    Parameters
    ----------
    sources : sequence of Source
        Those that train.
    specs : tuple of MapSpec
        The maps.
    plan : VoxelPlan
        Size of the windows, and how targets are made.
    settings : VoxelSettings
        Which augmentation is wanted.
    context : int
        Sections that the network sees beyond a window on each side.
    threads : int
        That cut windows; a GPU would wait for one.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        specs: tuple[MapSpec, ...],
        plan: VoxelPlan,
        settings: VoxelSettings,
        context: int,
        threads: int = 1,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._sources, self._specs, self._settings = list(sources), specs, settings
        self._size, self._context = plan.window_zyx, context
        self._options = target_options(plan, settings)
        self._margin = self._options.margin(plan.kinds)

    def make(self, windows: Sequence[Window], rng: np.random.Generator) -> Batch:
        """Return the batch of some windows, augmented."""
        # Each window has chance of its own, so that threads change nothing.
        own = [np.random.default_rng(seed) for seed in rng.integers(0, 2**63 - 1, len(windows))]
        run = map if self._pool is None else self._pool.map
        images, targets, known = zip(*run(self._window, windows, own), strict=True)
        return Batch(
            torch.from_numpy(np.stack(images))[:, None],
            torch.from_numpy(np.stack(targets)),
            torch.from_numpy(np.stack(known)),
        )

    def _window(
        self, window: Window, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        source = self._sources[window.source]
        size = self._seen(rng)
        lo = _around(window.lo, self._size, size)
        hi = _plus(lo, size, 1)
        image = source.image.read(
            (lo[0] - self._context, *lo[1:]), (hi[0] + self._context, *hi[1:])
        )
        labels = labels_around(source, lo, hi, self._margin, held=False)
        if size != self._size:
            image, labels = self._resized(image, labels, size)
        if self._settings.turns:
            square = self._size[1] == self._size[2]
            quarters = int(rng.integers(4)) if square and self._settings.quarter_turns else 0
            flips = tuple(bool(n) for n in rng.random(3) < self._settings.flips_zyx)
            image = turn(image, quarters, flips)  # type: ignore[arg-type]
            labels = turn(labels, quarters, flips)  # type: ignore[arg-type]
        maps, known = make_targets(labels, self._specs, self._options)
        inner = (
            slice(None),
            *(slice(m, m + n) for m, n in zip(self._margin, self._size, strict=True)),
        )
        if self._settings.intensity:
            image = vary(image, rng)
        return np.ascontiguousarray(image), maps[inner], known[inner]

    def _seen(self, rng: np.random.Generator) -> Triple:
        """Return how much of the image becomes a window: more or less of a section than it has."""
        most = np.log(self._settings.scale)
        if most == 0:
            return self._size
        factor = float(np.exp(rng.uniform(-most, most)))
        return self._size[0], round(self._size[1] * factor), round(self._size[2] * factor)

    def _resized(
        self, image: NDArray[np.float32], labels: NDArray[np.int32], size: Triple
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Return image and labels with margin at the size of the window."""
        wanted, margin = self._size[1:], self._margin[1:]
        small = functional.interpolate(
            torch.from_numpy(image)[:, None], size=wanted, mode="bilinear", antialias=True
        )
        # A label's voxel is the one that its middle lies in.
        rows, columns = (
            np.clip(
                np.floor((np.arange(-m, n + m) + 0.5) * s / n).astype(int) + m, 0, s + 2 * m - 1
            )
            for n, m, s in zip(wanted, margin, size[1:], strict=True)
        )
        return small[:, 0].numpy(), labels[:, :, rows[:, None], columns]


def _around(lo: Triple, size: Triple, wanted: Triple) -> Triple:
    """Return the first voxel of a box of the `wanted` size with the same middle."""
    z, y, x = (a + (n - w) // 2 for a, n, w in zip(lo, size, wanted, strict=True))
    return z, y, x


def labels_around(
    source: Source, lo: Triple, hi: Triple, margin: Triple, *, held: bool
) -> NDArray[np.int32]:
    """Return the labels of a box with a margin; what judges is unknown unless `held`."""
    first, last = _plus(lo, margin, -1), _plus(hi, margin, 1)
    labels = source.read_labels(first, last)
    if not held and (source.held.blocks or source.held.share > 0):
        labels[:, source.held.mask(first, last)] = UNKNOWN
    return labels


def _plus(a: Triple, b: Triple, sign: int) -> Triple:
    z, y, x = (p + sign * q for p, q in zip(a, b, strict=True))
    return z, y, x
