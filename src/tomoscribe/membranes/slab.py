"""The density along the normals of a membrane: sampling, averaging over depths, profiles."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.arrays import LazyArray

WIDE_A = 150.0
"""How far the slab reaches to both sides: beyond most particles that sit on membranes."""
FINEST_STEP_A = 2.5
"""No finer than the peer's step: cryo-ET has nothing to show below it."""
_CHUNK = 1 << 20
"""Points sampled at a time: all of a fine mesh at once would take gigabytes."""


@dataclass(frozen=True)
class Slab:
    """Density along the normals.

    Parameters
    ----------
    values : (V, D) array of float32
        Density at each vertex and depth.
    depths_A : (D,) array of float64
        Ascending; positive is outward, 0 on the mesh.
    """

    values: NDArray[np.float32]
    depths_A: NDArray[np.float64]

    def mean(self, depth_A: float, thickness_A: float) -> NDArray[np.float32]:
        """Return the mean density (V,) over a layer: `depth_A` ± half of `thickness_A`.

        The density is linear between samples; a layer without thickness is one depth.
        Beyond the slab the outermost sample goes on.
        """
        half = max(thickness_A, 0.0) / 2
        count = 1
        if half > 0 and len(self.depths_A) > 1:
            count = int(np.ceil(4 * half / np.diff(self.depths_A).min())) + 1
        depths = np.linspace(depth_A - half, depth_A + half, count)
        weights = self._weights(depths).mean(axis=1)
        mean: NDArray[np.float32] = self.values @ weights
        return mean

    def resample(self, depths_A: ArrayLike) -> NDArray[np.float32]:
        """Return the density (V, K) at other depths in Å, linear between samples."""
        wanted = np.asarray(depths_A, dtype=np.float64).reshape(-1)
        resampled: NDArray[np.float32] = self.values @ self._weights(wanted)
        return resampled

    def _weights(self, depths_A: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what each sample (D,) gives to each depth (K,)."""
        count = len(self.depths_A)
        place = np.interp(depths_A, self.depths_A, np.arange(count))
        low = np.minimum(place.astype(int), max(count - 2, 0))
        share = place - low
        weights = np.zeros((count, len(depths_A)), dtype=np.float32)
        columns = np.arange(len(depths_A))
        weights[low, columns] = 1 - share
        weights[np.minimum(low + 1, count - 1), columns] += share
        return weights


def wide_depths_A(voxel_size_A: float) -> NDArray[np.float64]:
    """Return depths (D,) of a slab that any band can be chosen from: ±150 Å at half a voxel."""
    step = max(voxel_size_A / 2, FINEST_STEP_A)
    count = int(np.ceil(WIDE_A / step))
    depths: NDArray[np.float64] = np.arange(-count, count + 1, dtype=np.float64) * step
    return depths


def sample_slab(
    volume_zyx: LazyArray | NDArray[Any],
    vertices_zyx: NDArray[np.float64],
    normals_zyx: NDArray[np.float64],
    depths_A: ArrayLike,
    voxel_size_A: float,
    order: Literal[1, 3] = 1,
    notes: list[str] | None = None,
) -> Slab:
    """Sample a tomogram along normals.

    Parameters
    ----------
    volume_zyx : array
        Tomogram. Linear sampling reads no more than the box around the membrane.
    vertices_zyx, normals_zyx : (V, 3) arrays
        Voxels; unit vectors, outward.
    depths_A : (D,) array_like
        Å, ascending, positive outward.
    voxel_size_A : float
        Å per voxel.
    order : 1 or 3
        Linear, or cubic B-spline; the latter's prefilter is computed once a tomogram and kept
        while the tomogram's array lives.
    notes : list of str, optional
        Gets a sentence about voxels that are no numbers.

    Raises
    ------
    TomoscribeError
        If no voxel is a number.

    Notes
    -----
    Beyond the tomogram the voxel at its border goes on. NaN and infinite voxels count as the
    mean of the others.
    """
    depths = np.asarray(depths_A, dtype=np.float64).reshape(-1)
    ways = depths / voxel_size_A
    last = np.asarray(volume_zyx.shape) - 1
    values = np.empty((len(vertices_zyx), len(depths)), dtype=np.float32)
    if not values.size:
        return Slab(values, depths)
    told = [] if notes is None else notes
    if order == 3:
        source, corner = _coefficients(volume_zyx, told), np.zeros(3, dtype=np.int64)
    else:
        ends = [np.clip(vertices_zyx + normals_zyx * w, 0, last) for w in (ways.min(), ways.max())]
        source, corner = _cut_out(volume_zyx, np.concatenate(ends), told)
    rows = max(_CHUNK // len(depths), 1)
    for first in range(0, len(values), rows):
        chunk = slice(first, first + rows)
        points = vertices_zyx[chunk, None, :] + normals_zyx[chunk, None, :] * ways[None, :, None]
        np.clip(points, 0, last, out=points)
        points -= corner
        values[chunk] = scipy.ndimage.map_coordinates(
            source,
            points.reshape(-1, 3).T,
            output=np.float32,
            order=order,
            mode="nearest",
            prefilter=False,
        ).reshape(-1, len(depths))
    return Slab(values, depths)


def _cut_out(
    volume: LazyArray | NDArray[Any], points: NDArray[np.float64], notes: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the part of the volume around points within it, and its first voxel."""
    low = np.floor(points.min(axis=0)).astype(np.int64)
    high = np.ceil(points.max(axis=0)).astype(np.int64) + 1
    part = volume[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    return finite(part, "voxels of the tomogram around the membrane", notes), low


def finite(values: NDArray[Any], what: str, notes: list[str]) -> NDArray[np.float32]:
    """Return densities as float32; those that are no numbers become the mean of the others.

    Parameters
    ----------
    values : array
    what : str
        What they are, for the sentence.
    notes : list of str
        Gets a sentence if some are no numbers.

    Raises
    ------
    TomoscribeError
        If none is a number.
    """
    numbers = np.asarray(values, dtype=np.float32)
    # A finite sum needs one pass and no mask; only a bad or overflowing one is looked at closely.
    if np.isfinite(numbers.sum(dtype=np.float64)):
        return numbers
    good = np.isfinite(numbers)
    bad = int(good.size - np.count_nonzero(good))
    if bad == good.size:
        raise TomoscribeError(f"All {what} are NaN or infinite: there is no density.")
    if not bad:
        return numbers
    notes.append(f"{bad} of {good.size} {what} are NaN or infinite; the others' mean is taken.")
    return np.where(good, numbers, np.float32(numbers[good].mean(dtype=np.float64)))


_kept: dict[int, NDArray[np.float32]] = {}


def _coefficients(volume: LazyArray | NDArray[Any], notes: list[str]) -> NDArray[np.float32]:
    """Return the cubic B-spline coefficients of a tomogram, computed once while it lives."""
    key = id(volume)
    if key not in _kept:
        values = finite(volume[...], "voxels of the tomogram", notes)
        _kept[key] = scipy.ndimage.spline_filter(values, order=3, output=np.float32, mode="nearest")
        weakref.finalize(volume, _kept.pop, key, None)
    return _kept[key]


@dataclass(frozen=True)
class Profile:
    """Density along the normals at the clicks and elsewhere.

    All arrays are (D,); `spread` is the standard deviation over vertices.
    """

    depths_A: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    background_mean: NDArray[np.float64]
    background_spread: NDArray[np.float64]


def profile(slab: Slab, vertices: ArrayLike) -> Profile:
    """Return the profile at vertices (indices) against all others."""
    chosen = np.zeros(len(slab.values), dtype=bool)
    chosen[np.asarray(vertices, dtype=np.int64).reshape(-1)] = True
    at, rest = slab.values[chosen], slab.values[~chosen]
    nothing = np.full(len(slab.depths_A), np.nan)
    return Profile(
        slab.depths_A,
        at.mean(axis=0, dtype=np.float64) if len(at) else nothing,
        at.std(axis=0, dtype=np.float64) if len(at) else nothing,
        rest.mean(axis=0, dtype=np.float64) if len(rest) else nothing,
        rest.std(axis=0, dtype=np.float64) if len(rest) else nothing,
    )


DEFAULT_BAND_A = (-25.0, 120.0)
"""Before there are clicks: the membrane's outer leaflet and the reach of most ectodomains."""
_NARROWEST_BAND_A = 60.0
_BAND_SHARE = 0.25
"""Where the clicks differ from the background by this share of the greatest difference."""
_BAND_NOISE = 2.0
"""And by so many standard errors of the clicks' mean."""
_BAND_GAP_A = 15.0
"""Parts of a particle that are closer than this belong to one band."""
_BAND_MARGIN_A = 7.5
_FEWEST_CLICKS = 3
"""Two still follow the noise: one band in fifteen was wrong; with five none was."""


def suggest_band(slab: Slab, clicked: ArrayLike) -> tuple[float, float]:
    """Return the band of depths in Å (low, high) where clicked vertices differ from the others.

    The difference of the mean profiles in standard deviations of the background, from where it
    is greatest as far as it keeps its sign and stays above a quarter of that and above its own
    noise. The surface itself always belongs to it. With fewer than 3 clicks, or where nothing
    differs, a usual band is returned.

    Parameters
    ----------
    slab : Slab
        Wide slab of the membrane.
    clicked : (N,) array_like of int
        Vertices nearest to the clicks.
    """
    vertices = np.unique(np.asarray(clicked, dtype=np.int64))
    depths = slab.depths_A
    usual = _within(DEFAULT_BAND_A, depths)
    if len(vertices) < _FEWEST_CLICKS or len(depths) < 3 or len(vertices) == len(slab.values):
        return usual
    found = profile(slab, vertices)
    spread = np.where(found.background_spread > 0, found.background_spread, np.inf)
    effect = (found.mean - found.background_mean) / spread
    effect = np.convolve(np.pad(effect, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    best = int(np.argmax(np.abs(effect)))
    effect *= np.sign(effect[best])
    limit = max(_BAND_SHARE * effect[best], _BAND_NOISE / np.sqrt(len(vertices)))
    above = np.flatnonzero(effect >= limit)
    if not len(above):
        return usual
    low = high = float(depths[best])
    for depth in depths[above[above > best]]:
        high = float(depth) if depth - high <= _BAND_GAP_A else high
    for depth in depths[above[above < best]][::-1]:
        low = float(depth) if low - depth <= _BAND_GAP_A else low
    low, high = min(low, 0.0) - _BAND_MARGIN_A, max(high, 0.0) + _BAND_MARGIN_A
    lacking = max(_NARROWEST_BAND_A - (high - low), 0.0) / 2
    return _within((low - lacking, high + lacking), depths)


def _within(band: tuple[float, float], depths_A: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(depths_A.min()), float(depths_A.max())
    return max(float(band[0]), low), min(float(band[1]), high)
