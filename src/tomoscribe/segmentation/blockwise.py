"""Decoding of maps that memory does not hold: block by block, with objects joined across blocks.

Sections that are decoded alone come in slabs, which changes nothing. Volumes are cut into boxes
that see a halo around them; what two boxes call differently in the voxels that both have seen is
one object where it covers half of the smaller part there. Of objects that grow, each must also be
what the other covers most: a box that takes two for one would join all that go on in either.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS
from tomoscribe.segmentation.decoders import decode, least_voxels
from tomoscribe.segmentation.overlaps import overlaps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import DecoderSettings
    from tomoscribe.segmentation.decoders import Segmentation

    Box = tuple[slice, ...]
    Voxels = tuple[int, int, int]
    Triple = tuple[float, float, float]
    DecodeBox = Callable[[NDArray[Any]], Segmentation]

BLOCK: Voxels = (128, 192, 192)
HALO: Voxels = (16, 32, 32)
_SLAB_VOXELS = 8_000_000
_COVERED = 0.5
"""Share of the smaller part, of what both boxes have seen, from which two objects are one."""
_MOST = np.iinfo(np.uint32).max


@dataclass(frozen=True)
class BlockPlan:
    """How a volume is cut for decoding.

    Parameters
    ----------
    block, halo_lo, halo_hi : (int, int, int)
        Voxels of a block, and those that it sees beyond it on either side.
    """

    block: Voxels
    halo_lo: Voxels
    halo_hi: Voxels

    @classmethod
    def boxes(cls, halo: Voxels = HALO, block: Voxels = BLOCK) -> BlockPlan:
        """Return boxes with a halo."""
        return cls(block, halo, halo)

    @classmethod
    def of(cls, settings: Sequence[DecoderSettings], shape_zyx: Voxels) -> BlockPlan:
        """Return what suits settings: slabs of whole sections where none goes through them."""
        if any(s.dimension == "3d" for s in settings):
            return cls.boxes()
        depth = max(1, _SLAB_VOXELS // (shape_zyx[1] * shape_zyx[2]))
        linked = any(s.dimension == "linked" for s in settings)
        # The section before tells which objects go on.
        return cls((depth, *shape_zyx[1:]), (int(linked), 0, 0), (0, 0, 0))


@dataclass(frozen=True)
class Joining:
    """When objects of a class in neighbouring blocks are one, by what both blocks have seen.

    Parameters
    ----------
    covered : float
        Share of the smaller part that both cover; 0: sharing a voxel is enough.
    mutual : bool
        Each of the two must be what the other covers most.
    """

    covered: float = _COVERED
    mutual: bool = False


@dataclass
class _Numbers:
    """Objects found so far: of which class, how large, and which are one."""

    classes: list[NDArray[np.int64]] = field(default_factory=list)
    voxels: list[NDArray[np.int64]] = field(default_factory=list)
    pairs: list[NDArray[np.int64]] = field(default_factory=list)
    count: int = 0

    @property
    def firsts(self) -> NDArray[np.int64]:
        """The first number of each addition, from 1: classes that are one object, then blocks."""
        return np.cumsum([1, *(len(each) for each in self.classes[:-1])])

    def add(self, classes: NDArray[np.int64], voxels: NDArray[np.int64]) -> None:
        """Take over further objects, numbered on."""
        self.classes.append(classes)
        self.voxels.append(voxels)
        self.count += len(classes)
        if self.count > _MOST:
            raise TomoscribeError(
                "There are too many objects: raise the thresholds or least sizes."
            )

    def final(
        self, whole: Sequence[int], least: Sequence[float]
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Return the final number of each, 0 for what is too small, and the class of each number.

        `whole` are classes that are one object each, `least` the fewest voxels of one by class.
        """
        classes, voxels = np.concatenate(self.classes), np.concatenate(self.voxels)
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *self.pairs])
        graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (self.count,) * 2)
        joined, root = connected_components(graph, directed=False)
        total = np.bincount(root, weights=voxels, minlength=joined)
        of_root = np.zeros(joined, np.int64)
        of_root[root] = classes
        first = np.full(joined, self.count, np.int64)
        np.minimum.at(first, root, np.arange(self.count))
        kept = total >= np.maximum(np.asarray(least)[of_root], 1)
        # A class that is not told apart has its number also where nothing of it is found.
        kept |= np.isin(of_root, whole)
        order = np.lexsort((first, of_root))
        order = order[kept[order]]
        number = np.zeros(joined, np.uint32)
        number[order] = np.arange(1, len(order) + 1)
        table = np.concatenate([np.zeros(1, np.uint32), number[root]])
        return table, np.concatenate([[-1], of_root[order]])


def decode_blocks(
    maps: Any,
    out: Any,
    decode_box: DecodeBox,
    plan: BlockPlan,
    *,
    joining: Sequence[Joining] = (Joining(),),
    whole: Sequence[int] = (),
    least: Sequence[float] | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.int64]:
    """Decode maps block by block into an array of labels.

    Parameters
    ----------
    maps : (map, Z, Y, X) array
        Read box by box.
    out : (Z, Y, X) array of uint32
        All 0; filled, as an array in a file.
    decode_box : callable
        Labels of a box of the maps.
    plan : BlockPlan
    joining : sequence of Joining
        One for each class that `decode_box` tells.
    whole : sequence of int
        Classes whose objects are not told apart.
    least : sequence of float, optional
        Fewest voxels of an object, by class.
    on_progress : callable
        Is told the share that is done.

    Returns
    -------
    (N + 1,) array of int64
        Class of each object, as in `Segmentation.class_of`.
    """
    numbers = _Numbers()
    numbers.add(np.asarray(whole, np.int64), np.zeros(len(whole), np.int64))
    shape = out.shape
    cores = list(_cores(shape, plan.block))
    for index, core in enumerate(cores):
        seen = _grown(core, plan, shape)
        found = decode_box(np.asarray(maps[(slice(None), *seen)]))
        inner = tuple(
            slice(c.start - s.start, c.stop - s.start) for c, s in zip(core, seen, strict=True)
        )
        labels = _number_on(found, inner, numbers, whole)
        before = np.asarray(out[seen])
        if before.any():
            numbers.pairs.append(_same(before, labels, numbers, joining))
        out[core] = labels[inner]
        on_progress(0.9 * (index + 1) / len(cores))
    table, class_of = numbers.final(whole, [0.0] * len(joining) if least is None else least)
    for core in cores:
        out[core] = table[np.asarray(out[core])]
    on_progress(1.0)
    return class_of


def decode_maps(
    maps: Any,
    map_names: Sequence[str],
    classes: Sequence[str],
    settings: Mapping[str, DecoderSettings],
    voxel_size_zyx_nm: Triple,
    out: Any,
    *,
    exclusive: bool = True,
    plan: BlockPlan | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.int64]:
    """Decode like `decoders.decode`, block by block; classes that may overlap come one by one.

    Least volumes count whole objects, except of classes that are not told apart: there they count
    what a block and its halo show. Seeds are cut by the halo too.

    Returns
    -------
    (N + 1,) array of int64
        Class of each object.
    """
    mine = [settings[name] for name in classes]
    plan = plan or BlockPlan.of(mine, out.shape)
    # What hangs together is the same in every block, so sharing a voxel is enough.
    joining = [Joining(mutual=True) if s.grows else Joining(covered=0.0) for s in mine]
    whole = [i for i, s in enumerate(mine) if s.kind in SEMANTIC_KINDS]
    voxel, least, inside = math.prod(voxel_size_zyx_nm), [], {}
    for index, (name, each) in enumerate(zip(classes, mine, strict=True)):
        deep = each.dimension == "3d" and index not in whole
        least.append(least_voxels(each.min_volume_nm3, voxel) if deep else 0)
        inside[name] = each.model_copy(update={"min_volume_nm3": 0.0}) if deep else each

    def decode_box(box: NDArray[Any]) -> Segmentation:
        (found,) = decode(box, map_names, classes, inside, voxel_size_zyx_nm, exclusive=exclusive)
        return found

    return decode_blocks(
        maps, out, decode_box, plan, joining=joining, whole=whole, least=least,
        on_progress=on_progress,
    )  # fmt: skip


def _cores(shape: Sequence[int], block: Voxels) -> itertools.product[tuple[slice, ...]]:
    return itertools.product(
        *[
            [slice(a, min(a + step, n)) for a in range(0, n, step)]
            for n, step in zip(shape, block, strict=True)
        ]
    )


def _grown(core: Box, plan: BlockPlan, shape: Sequence[int]) -> Box:
    ends = zip(core, plan.halo_lo, plan.halo_hi, shape, strict=True)
    return tuple(slice(max(0, c.start - a), min(n, c.stop + b)) for c, a, b, n in ends)


def _number_on(
    found: Segmentation, inner: Box, numbers: _Numbers, whole: Sequence[int]
) -> NDArray[np.uint32]:
    """Return labels numbered on from all before; only what reaches into the core is kept."""
    local = np.bincount(found.labels[inner].ravel(), minlength=found.count + 1)
    table = np.zeros(found.count + 1, np.uint32)
    own = np.ones(found.count + 1, bool)
    own[0] = False
    for number, index in enumerate(whole, start=1):
        table[found.class_of == index] = number
        own &= found.class_of != index
    own &= local > 0
    table[own] = numbers.count + np.arange(1, np.count_nonzero(own) + 1)
    numbers.add(found.class_of[own], local[own])
    return table[found.labels]


def _same(
    before: NDArray[np.uint32],
    labels: NDArray[np.uint32],
    numbers: _Numbers,
    joining: Sequence[Joining],
) -> NDArray[np.int64]:
    """Return pairs (P, 2) of objects, counted from 0, that are one in what two blocks have seen.

    `labels` are those that were added to the `numbers` last.
    """
    firsts = numbers.firsts
    both = (before >= firsts[1]) & (labels >= firsts[1])
    pairs = overlaps(np.where(both, before, 0), np.where(both, labels, 0))
    seen = before > 0
    theirs, mine = _sizes(before[seen]), _sizes(labels[seen])
    smaller = np.minimum([theirs[i] for i in pairs.first], [mine[i] for i in pairs.second])
    of_class = numbers.classes[-1][pairs.second - firsts[-1]]
    good = pairs.voxels >= np.array([j.covered for j in joining])[of_class] * smaller
    block = np.searchsorted(firsts, pairs.first, side="right")
    # An object may go on in several blocks before, in one object of each.
    most = _most(pairs.first, pairs.voxels)
    most &= _most(pairs.second * (len(firsts) + 1) + block, pairs.voxels)
    good &= most | ~np.array([j.mutual for j in joining])[of_class]
    return np.stack([pairs.first[good], pairs.second[good]], 1) - 1


def _most(owners: NDArray[np.integer], voxels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where the most voxels of the same owner are told; of equal ones the first only."""
    order = np.lexsort((-voxels, owners))
    most = np.zeros(len(owners), bool)
    most[order[np.unique(owners[order], return_index=True)[1]]] = True
    return most


def _sizes(labels: NDArray[np.uint32]) -> dict[int, int]:
    found, counts = np.unique(labels, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
