"""Boxes of an image for a network: a core to keep in a halo to see, cut by axis."""

from __future__ import annotations

import itertools
import math

from tomoscribe.nets.tiled import Tile

Triple = tuple[int, int, int]


def make_tile(core_lo: Triple, core_hi: Triple, shape: Triple, halo: Triple, step: Triple) -> Tile:
    """Return the tile of a core: as much halo as the image has, the size a multiple of `step`.

    So the box may end beyond the image, where its edge repeats.
    """
    lo, hi = [], []
    for a, b, n, h, s in zip(core_lo, core_hi, shape, halo, step, strict=True):
        first, last = max(0, a - h), min(n, b + h)
        size = -(-(last - first) // s) * s
        # Rather more of the image than its repeated edge.
        first = max(0, min(first, n - size))
        lo.append(first)
        hi.append(first + size)
    return Tile(core_lo, core_hi, (lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2]))


def cut(lo: Triple, hi: Triple, core: Triple) -> list[tuple[Triple, Triple]]:
    """Return cores of about `core` that cover a box, all about alike."""
    spans = []
    for a, b, c in zip(lo, hi, core, strict=True):
        count = max(1, math.ceil((b - a) / c))
        size = math.ceil((b - a) / count)
        spans.append([(i, min(i + size, b)) for i in range(a, b, size)])
    return [((z[0], y[0], x[0]), (z[1], y[1], x[1])) for z, y, x in itertools.product(*spans)]
