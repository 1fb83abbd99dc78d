"""A trained segmentation that needs to be told nothing: it averages, predicts, interpolates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch.nn import functional

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.tasks.base import Block, FoundPicks, Grid
from tomoscribe.tasks.voxels.depths import check_depth
from tomoscribe.tasks.voxels.images import scale_image
from tomoscribe.tasks.voxels.tiles import cut, make_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from tomoscribe.io.volumes import Volume
    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.nets.voxel_nets import VoxelNet
    from tomoscribe.project.model import ParticleClass
    from tomoscribe.segmentation.labels import LabelClass
    from tomoscribe.tasks.base import Focus
    from tomoscribe.tasks.tomogram.scaled import ScaledVolume
    from tomoscribe.tasks.voxels.maps import MapSpec
    from tomoscribe.tasks.voxels.plan import VoxelPlan

    Triple = tuple[int, int, int]
    Box = tuple[Triple, Triple]

TOLERANCE = 0.05
_HALO, _HALO_3D = 32, 16
"""Working pixels that a tile sees beyond its core; the full reach changes few scores."""
_CORE, _CORE_FOCUS = (2, 512, 512), (1, 256, 256)
_CORE_3D, _CORE_3D_FOCUS = (64, 96, 96), (32, 64, 64)
_THIN = 1.5
"""Thickness in voxels up to which what is in view is a slice."""


@dataclass
class VoxelPredictor:
    """Frozen weights with all that is needed to use them; see `tasks.base.Predictor`.

    Parameters
    ----------
    net : VoxelNet
        The network, in evaluation mode.
    specs : tuple of MapSpec
        What it predicts.
    label_classes : tuple of LabelClass
        What is segmented.
    plan : VoxelPlan
        How images are averaged, and what the network is.
    offsets : dict
        What is added to the logits of a map, by name, so that 0.5 is the right threshold.
    decoder : dict
        Settings that suit these maps (`segmentation.decoder_settings.DecoderSettings`); empty:
        the default ones.
    task : str
        semantic or instance.
    device : torch.device
        Where the network is.
    bfloat16 : bool
        Whether to compute in bfloat16.
    resident : mapping of str to ScaledVolume
        Images in memory by path; of others the last one's statistics are kept.
    """

    kind: ClassVar[Literal["volume", "mesh"]] = "volume"
    classes: ClassVar[tuple[ParticleClass, ...]] = ()

    net: VoxelNet
    specs: tuple[MapSpec, ...]
    label_classes: tuple[LabelClass, ...]
    plan: VoxelPlan
    offsets: dict[str, float]
    decoder: dict[str, Any]
    task: str
    device: torch.device
    bfloat16: bool
    resident: Mapping[str, ScaledVolume] = field(default_factory=dict)
    _last: ScaledVolume | None = None

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the maps, as `segmentation.maps.map_name` makes them."""
        return tuple(spec.name for spec in self.specs)

    @property
    def thresholds(self) -> dict[str, float]:
        """The chosen score by name of the map: maps are shifted so that it is 0.5."""
        return dict.fromkeys(self.maps, 0.5)

    @property
    def voxel_size_zyx_nm(self) -> tuple[float, float, float]:
        """Voxel edges of the images that it was trained on."""
        return self.plan.voxel_size_zyx_nm

    @property
    def exclusive(self) -> bool:
        """Whether a voxel is of one class at most."""
        return self.plan.softmax or len(self.label_classes) == 1

    def open(
        self, path: str, voxel_size_A: VoxelSize | None = None, tomogram: str | None = None
    ) -> Volume:
        """Open an image; it is its own, so that `tomogram` tells nothing."""
        return open_volume(path, voxel_size_A)

    def grid(self, volume: Volume) -> Grid:
        """Return the grid of a prediction: the image's own.

        Raises
        ------
        TomoscribeError
            If the pixel size is unknown or differs by more than 5 % from what was trained on; so
            the distance of sections, where it is known and the network looks across them.
        """
        size, known = volume.require_voxel_size() / 10, self.plan.voxel_size_zyx_nm[2]
        if abs(size / known - 1) > TOLERANCE:
            raise TomoscribeError(
                f"{volume.path} has pixels of {size:g} nm, but the checkpoint was trained on "
                f"{known:g} nm; resample the image to {known:g} nm, give its true pixel size "
                "(--voxel-size-nm) if the header is wrong, or train on images like it."
            )
        check_depth(volume, self.plan)
        return Grid(volume.shape_zyx, 1)

    def decode(
        self, heatmap: NDArray[np.float32], grid: Grid, min_score: float = 0.0
    ) -> list[FoundPicks]:
        """Return no picks: what maps become are objects (`segmentation.decoders`)."""
        return []

    # ---- boxes of an image --------------------------------------------------------------------

    def blocks(self, volume: Volume, focus: Focus | None = None) -> Iterator[Block]:
        """Yield finished blocks that cover the whole image, those nearest to `focus` first."""
        return self.blocks_left(volume, focus, ())

    def blocks_left(
        self, volume: Volume, focus: Focus | None, done: Collection[Triple]
    ) -> Iterator[Block]:
        """Yield the blocks that are not `done` (`lo_zyx`), those nearest to `focus` first.

        Networks of sections fill the section in view before its neighbours.
        """
        image = self.image(volume)
        deep = self.plan.dimension == "3d"
        core = (_CORE_3D if deep else _CORE) if focus is None else (
            _CORE_3D_FOCUS if deep else _CORE_FOCUS
        )  # fmt: skip
        boxes = cut((0, 0, 0), image.shape_zyx, core)
        if focus is not None:
            at = self._to_working(focus.center_zyx)
            boxes.sort(key=lambda box: _distance(box, at, sections=not deep))
        for lo, hi in boxes:
            if self._to_image(lo) not in done:
                yield self.block(image, lo, hi)

    def slice_first(self, volume: Volume, focus: Focus) -> Block:
        """Return the visible part of the slice in view, computed with half of the halo."""
        image = self.image(volume)
        lo, hi = [], []
        views = zip(
            self._to_working(focus.center_zyx), self._to_working(focus.lo_zyx),
            self._to_working(focus.hi_zyx), focus.lo_zyx, focus.hi_zyx, image.shape_zyx,
            strict=True,
        )  # fmt: skip
        for middle, low, high, first, last, size in views:
            if last - first <= _THIN:
                a = int(np.clip(round(middle), 0, size - 1))
                b = a + 1
            else:
                a = int(np.clip(np.floor(low), 0, size - 1))
                b = int(np.clip(np.ceil(high), a + 1, size))
            lo.append(a)
            hi.append(b)
        return self.block(image, (lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2]), halo_share=0.5)

    def block(
        self, image: ScaledVolume, lo: Triple, hi: Triple, *, halo_share: float = 1.0
    ) -> Block:
        """Return the maps of a box of working voxels, as a block of the image."""

        def scores_of(first: Triple, last: Triple) -> Tensor:
            return self.scores(self.map_logits(image, first, last, halo_share=halo_share))

        return self.enlarged(image, lo, hi, scores_of)

    def enlarged(
        self,
        image: ScaledVolume,
        lo: Triple,
        hi: Triple,
        scores_of: Callable[[Triple, Triple], Tensor],
    ) -> Block:
        """Return maps of a box of working voxels, as a block of the image.

        `scores_of(lo, hi)` gives them, (map, z, y, x) in 0..1; the box that it is asked for is a
        little larger where they are interpolated.
        """
        shape = image.shape_zyx
        # A working voxel more on each side, for the interpolation.
        steps = self.plan.reduction_zyx
        more = [1 if n > 1 else 0 for n in steps]
        first = tuple(max(0, a - m) for a, m in zip(lo, more, strict=True))
        last = tuple(min(n, b + m) for b, m, n in zip(hi, more, shape, strict=True))
        scores = scores_of(first, last)  # type: ignore[arg-type]
        start = self._to_image(lo)
        whole = image.volume.shape_zyx
        stop = tuple(
            n if b == s else b * r for b, s, n, r in zip(hi, shape, whole, steps, strict=True)
        )
        enlarged = _enlarge(scores, steps)
        keep = [
            slice(a - f * r, b - f * r)
            for a, b, f, r in zip(start, stop, first, steps, strict=True)
        ]
        result = enlarged[(slice(None), *keep)]
        lacking = [b - a - n for a, b, n in zip(start, stop, result.shape[1:], strict=True)]
        values = result.cpu().numpy()
        if any(lacking):
            values = np.pad(values, [(0, 0), *[(0, n) for n in lacking]], mode="edge")
        return Block(start, np.ascontiguousarray(values))

    @torch.inference_mode()
    def map_logits(
        self, image: ScaledVolume, lo: Triple, hi: Triple, *, halo_share: float = 1.0
    ) -> Tensor:
        """Return what the network says of a box of working voxels: logits (map, z, y, x)."""
        deep = self.plan.dimension == "3d"
        step, context = self.net.multiple_zyx, self.net.context
        edge = round((_HALO_3D if deep else _HALO) * halo_share)
        halo = (edge if deep else 0, edge, edge)
        result = torch.empty(
            (len(self.specs), *(b - a for a, b in zip(lo, hi, strict=True))), device=self.device
        )
        for core_lo, core_hi in cut(lo, hi, _CORE_3D if deep else _CORE):
            tile = make_tile(core_lo, core_hi, image.shape_zyx, halo, step)
            first = (tile.lo[0] - context, *tile.lo[1:])
            last = (tile.hi[0] + context, *tile.hi[1:])
            values = torch.from_numpy(image.read(first, last))[None, None].to(self.device)
            logits = self.logits_of(values)[0]
            place = tuple(slice(a - o, b - o) for a, b, o in zip(core_lo, core_hi, lo, strict=True))
            result[(slice(None), *place)] = logits[(slice(None), *tile.keep)]
        return result

    @torch.inference_mode()
    def logits_of(self, boxes: Tensor) -> Tensor:
        """Return logits (B, map, z, y, x) of normalised boxes (B, 1, z + 2 context, y, x)."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            outputs = self.net(boxes)
        softmax = self.plan.softmax
        return torch.stack([one_against_rest(o.float(), self.specs, softmax) for o in outputs])

    def scores(self, logits: Tensor) -> Tensor:
        """Return maps (map, z, y, x) in 0..1 of logits; 0.5 is the right threshold."""
        offsets = torch.tensor([self.offsets.get(name, 0.0) for name in self.maps])
        maps = torch.sigmoid(logits + offsets.to(logits.device).view(-1, 1, 1, 1))
        if self.plan.softmax:
            count = len(self.label_classes)
            maps[:count] /= maps[:count].sum(0).clamp_min(1.0)
        return maps

    def image(self, volume: Volume) -> ScaledVolume:
        """Return an image as the network sees it."""
        known = self.resident.get(volume.path, self._last)
        if known is None or known.volume.path != volume.path:
            known = self._last = scale_image(volume, self.plan.reduction_zyx)
        return known

    def _to_working(self, zyx: tuple[float, float, float]) -> tuple[float, ...]:
        return tuple((a + 0.5) / n - 0.5 for a, n in zip(zyx, self.plan.reduction_zyx, strict=True))

    def _to_image(self, zyx: Triple) -> Triple:
        z, y, x = (a * n for a, n in zip(zyx, self.plan.reduction_zyx, strict=True))
        return z, y, x


def one_against_rest(outputs: Tensor, specs: tuple[MapSpec, ...], softmax: bool) -> Tensor:
    """Return the logit of each map from what a network puts out, (..., z, y, x) both.

    Of classes that exclude each other that is the logit of the softmax.
    """
    if not softmax:
        return outputs
    count = sum(spec.kind == "foreground" for spec in specs)
    exclusive = outputs[: count + 1]
    of_class = [
        exclusive[k] - torch.logsumexp(exclusive[[i for i in range(count + 1) if i != k]], 0)
        for k in range(1, count + 1)
    ]
    return torch.cat([torch.stack(of_class), outputs[count + 1 :]])


def _enlarge(scores: Tensor, steps: Triple) -> Tensor:
    """Return maps at the image's resolution, interpolated along the axes that were averaged."""
    if max(steps) == 1:
        return scores
    if steps[0] == 1:
        factors = (float(steps[1]), float(steps[2]))
        flat = functional.interpolate(scores, scale_factor=factors, mode="bilinear")
        return flat
    return functional.interpolate(
        scores[None], scale_factor=tuple(float(n) for n in steps), mode="trilinear"
    )[0]


def _distance(box: Box, at: tuple[float, ...], *, sections: bool) -> tuple[float, float]:
    away = [max(a - p, 0.0, p - (b - 1)) for a, b, p in zip(*box, at, strict=True)]
    if sections:
        return away[0], away[1] ** 2 + away[2] ** 2
    return 0.0, sum(d**2 for d in away)
