"""Pictures of scores for a page: a grey ground, a coloured map over it, marks over both.

Ground and map are PNG bytes; marks stay numbers, so that a page draws them as lines of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np

from tomoscribe.coords import voxels_to_binned
from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.score_bytes import decode_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.evaluation.compared import ComparedSample, ScoredClass
    from tomoscribe.evaluation.evidence import ClassScores
    from tomoscribe.io.arrays import LazyArray

A_RGB, B_RGB = (0, 114, 178), (213, 94, 0)
"""Okabe-Ito blue for A, vermillion for B: told apart by all colour vision."""

LARGEST = 480
"""Pixels along the longer edge: a page of three rows stays below a few megabytes."""

SLICES = 2
STRONGEST = 0.75
"""Opacity of the highest score: the density stays visible below."""

BRIGHT_SHARE = 0.998
FAINTEST = 0.06
"""Least score that is drawn strongest: a young model's map is stretched up to here."""


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """A proposal or a particle: where its circle is, pixels from the upper left corner."""

    x: float
    y: float
    radius: float
    standing: Standing


@dataclass(frozen=True)
class Picture:
    """One picture.

    Parameters
    ----------
    title : str
        Whose scores they are.
    width, height : int
        Pixels.
    ground : bytes
        PNG of the density.
    overlay : bytes or None
        PNG with transparency of the scores, stretched to the ground's size.
    marks : tuple of Mark
        What is drawn over both.
    boxes : tuple of (x, y, width, height)
        What is declared complete, pixels.
    """

    title: str
    width: int
    height: int
    ground: bytes
    overlay: bytes | None = None
    marks: tuple[Mark, ...] = ()
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class PictureRow:
    """Pictures of one place side by side."""

    caption: str
    pictures: tuple[Picture, ...]


def slice_rows(sample: ComparedSample, class_name: str) -> list[PictureRow]:
    """Return a row of pictures for each of the slices of a tomogram that hold most.

    Parameters
    ----------
    sample : ComparedSample
        A tomogram with the scores of one or both sides.
    class_name : str
        The class.
    """
    volume = sample.volume
    scored = {k: s[class_name] for k, s in sample.sides.items() if class_name in s}
    if volume is None or not scored:
        return []
    one = next(iter(scored.values()))
    diameter = one.judged.proposals.diameter_voxels
    places = [one.judged.proposals.zyx[one.judged.at(one.threshold).shown]]
    clicked = np.array([p.zyx for p in one.judged.known.accepted]).reshape(-1, 3)
    depths = busiest(np.concatenate([clicked, *places])[:, 0], volume.shape[0], diameter)
    return [_slice_row(sample, volume, scored, z, diameter) for z in depths]


def busiest(z: NDArray[np.floating], depth: int, diameter: float) -> list[int]:
    """Return the slices near which most of the positions lie, none within a diameter of another.

    The middle one where there are no positions.

    Parameters
    ----------
    z : (N,) array
        Positions along the depth, voxels.
    depth : int
        Number of slices.
    diameter : float
        Of a particle, voxels.
    """
    if not len(z):
        return [depth // 2]
    slices = np.arange(depth)
    near = np.exp(-2 * ((slices[:, None] - z[None]) / max(diameter, 1.0)) ** 2).sum(axis=1)
    chosen: list[int] = []
    for _ in range(SLICES):
        best = int(np.argmax(near))
        if near[best] <= 0:
            break
        chosen.append(best)
        near[np.abs(slices - best) < diameter] = 0
    return sorted(chosen)


def _slice_row(
    sample: ComparedSample,
    volume: LazyArray,
    scored: dict[str, ScoredClass],
    z: int,
    diameter: float,
) -> PictureRow:
    factor = max(1, -(-max(volume.shape[1:]) // LARGEST))
    grey = ground_of(volume, z, max(1, round(diameter / 4)), factor)
    height, width = grey.shape
    ground = png(grey)
    maps = {k: _on_slice(s.scores, z, (height, width), factor) for k, s in scored.items()}
    class_name = next(iter(scored.values())).judged.proposals.class_name
    boxes = _boxes(sample, class_name, z, factor)
    pictures = []
    for letter, one in scored.items():
        strongest = max(float(np.quantile(one.scores.scores, BRIGHT_SHARE)), FAINTEST)
        overlay = tinted(maps[letter] / strongest, A_RGB if letter == "A" else B_RGB)
        marks = _marks(one, z, diameter, factor)
        pictures.append(Picture(letter, width, height, ground, png(overlay), marks, boxes))
    if {"A", "B"} <= maps.keys():
        change = difference(maps["A"], maps["B"])
        pictures.append(Picture("B − A", width, height, ground, png(change)))
    caption = f"{sample.evidence.name}, slice {z + 1} of {volume.shape[0]}"
    return PictureRow(caption, tuple(pictures))


def ground_of(volume: LazyArray, z: int, half: int, factor: int) -> NDArray[np.uint8]:
    """Return the mean of slices around `z` as grey levels (height, width), averaged by `factor`."""
    slab = np.asarray(volume[max(z - half, 0) : z + half + 1], dtype=np.float32).mean(axis=0)
    height, width = (edge // factor for edge in slab.shape)
    cut = slab[: height * factor, : width * factor]
    small = cut.reshape(height, factor, width, factor).mean(axis=(1, 3))
    small = np.nan_to_num(small, nan=float(np.nanmedian(small)) if small.size else 0.0)
    low, high = np.percentile(small, (1, 99)) if small.size else (0, 1)
    grey = np.clip((small - low) / max(high - low, 1e-12), 0, 1) * 255
    return np.asarray(grey, dtype=np.uint8)


def tinted(strength: NDArray[np.floating], rgb: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return a picture (height, width, 4) of one colour, as opaque as `strength` 0..1 says."""
    picture = np.empty((*strength.shape, 4), np.uint8)
    picture[..., :3] = rgb
    picture[..., 3] = np.clip(strength, 0, 1) * STRONGEST * 255
    return picture


def difference(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return a picture (height, width, 4): blue where A scores higher, red where B does."""
    change = np.asarray(b, dtype=np.float32) - a
    strongest = max(float(np.abs(change).max(initial=0.0)), FAINTEST)
    picture = tinted(np.abs(change) / strongest, B_RGB)
    picture[change < 0, :3] = A_RGB
    return picture


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture (height, width) or (height, width, 4) as a PNG file."""
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(picture)))


def _on_slice(
    found: ClassScores, z: int, shape: tuple[int, int], factor: int
) -> NDArray[np.float32]:
    """Return the scores (height, width) of a tomogram's slice, on the picture's pixels."""
    depth, height, width = found.stored.shape
    middle = (factor - 1) / 2
    rows = voxels_to_binned(np.arange(shape[0]) * factor + middle, found.bin)
    columns = voxels_to_binned(np.arange(shape[1]) * factor + middle, found.bin)
    level = int(
        np.clip(np.rint(voxels_to_binned(np.array([float(z)]), found.bin)[0]), 0, depth - 1)
    )
    y = np.clip(np.rint(rows), 0, height - 1).astype(int)
    x = np.clip(np.rint(columns), 0, width - 1).astype(int)
    return decode_scores(found.stored[level][np.ix_(y, x)])


def _marks(one: ScoredClass, z: int, diameter: float, factor: int) -> tuple[Mark, ...]:
    """Return the circles in which a slice cuts the proposals, and the particles that it missed."""
    verdicts = one.judged.at(one.threshold)
    missed = np.array([one.judged.known.accepted[i].zyx for i in verdicts.missed]).reshape(-1, 3)
    zyx = np.concatenate([one.judged.proposals.zyx[verdicts.shown], missed])
    standings = [*map(Standing, verdicts.standing.tolist()), *[Standing.MISSED] * len(missed)]
    marks = []
    for (depth, y, x), standing in zip(zyx.tolist(), standings, strict=True):
        squared = (diameter / 2) ** 2 - (depth - z) ** 2
        if squared > 0:
            place = ((x + 0.5) / factor, (y + 0.5) / factor)
            marks.append(Mark(*place, squared**0.5 / factor, standing))
    return tuple(marks)


def _boxes(sample: ComparedSample, class_name: str, z: int, factor: int) -> tuple[Box, ...]:
    """Return where a slice cuts the regions that are declared complete for a class."""
    return tuple(
        (
            (region.lo_zyx[2] + 0.5) / factor,
            (region.lo_zyx[1] + 0.5) / factor,
            (region.hi_zyx[2] - region.lo_zyx[2]) / factor,
            (region.hi_zyx[1] - region.lo_zyx[1]) / factor,
        )
        for region in sample.evidence.regions
        if region.lo_zyx[0] <= z < region.hi_zyx[0]
        and (not region.class_names or class_name in region.class_names)
    )
