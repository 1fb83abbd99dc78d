"""What a tomogram looks like around each voxel, whatever way a particle is turned.

The local energy in a few frequency bands, pooled over a few radii of the particle's size:
rotation leaves it unchanged, and unlike the mean density it sees a particle whose
low frequencies the microscope has suppressed. No torch, one FFT per map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.coords import voxels_to_binned

if TYPE_CHECKING:
    from numpy.typing import NDArray

BAND_EDGES = (0.7, 1.0, 1.5, 2.2, 3.2)
"""Sigmas in binned voxels of the Gaussians whose differences are the frequency bands."""
POOLING = (0.15, 0.30, 0.45)
"""Sigmas in diameters over which a band's energy is averaged: core, body, surroundings."""
CLIP = 4.0
"""Values beyond this many sigma (gold) are cut, or they would own every band."""
BACKGROUND_SAMPLES = 20_000
"""Random voxels that stand for the background; particles are too few among them to matter."""
RIDGE = 1e-2
"""Variance added to each direction, so that two nearly equal maps are not told apart by noise."""


@dataclass(frozen=True)
class Whitening:
    """Turns raw features into ones of mean 0 and covariance about 1 over the background.

    Parameters
    ----------
    mean : ndarray
        (K,) background means.
    matrix : ndarray
        (K, K); white = (raw − mean) @ matrix.
    """

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]

    def apply(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the white features (N, K) of raw ones (N, K)."""
        return np.asarray((raw - self.mean) @ self.matrix, dtype=np.float32)


@dataclass(frozen=True)
class FeatureMaps:
    """Features of a whole tomogram.

    Parameters
    ----------
    raw : ndarray, float16
        (K, z, y, x) logarithms of pooled band energies, on the binned grid.
    bin : int
        Tomogram voxels per voxel of the maps and axis.
    background : ndarray, float32
        (N, K) raw features of random voxels.
    """

    raw: NDArray[np.float16]
    bin: int
    background: NDArray[np.float32]

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Shape of one map."""
        return self.raw.shape[1], self.raw.shape[2], self.raw.shape[3]

    def whitening(self) -> Whitening:
        """Return what makes the background's features white."""
        return fit_whitening(self.background)

    def to_grid(self, zyx: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return grid positions of tomogram voxels (N, 3)."""
        return voxels_to_binned(zyx, self.bin)

    def at(self, zyx: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the raw features (N, K) at tomogram voxels (N, 3), linearly interpolated."""
        last = np.array(self.shape_zyx) - 1
        points = np.clip(self.to_grid(zyx), 0, last)
        lo = np.floor(points).astype(int)
        found = np.zeros((len(points), len(self.raw)), np.float32)
        for corner in np.ndindex(2, 2, 2):
            z, y, x = np.minimum(lo + corner, last).T
            weight = np.prod(np.where(corner, points - lo, 1 - (points - lo)), axis=1)
            found += self.raw[:, z, y, x].T * weight[:, None].astype(np.float32)
        return found


def fit_whitening(background: NDArray[np.float32], ridge: float = RIDGE) -> Whitening:
    """Return what makes features like those of the background (N, K) white.

    `ridge` is added to the variance of each direction, in shares of a feature's own.
    """
    mean = background.mean(axis=0)
    spread = background.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    centred = (background - mean) / spread
    variances, directions = np.linalg.eigh(np.cov(centred.T))
    matrix = directions / np.sqrt(variances + ridge) / spread[:, None]
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32))


def compute_features(binned: NDArray[np.float32], diameter: float, factor: int) -> FeatureMaps:
    """Return the feature maps of a binned tomogram.

    Parameters
    ----------
    binned : ndarray, float32
        (z, y, x), about mean 0 and standard deviation 1; is changed.
    diameter : float
        Particle diameter in binned voxels.
    factor : int
        Binning factor, kept with the maps.
    """
    np.clip(binned, -CLIP, CLIP, out=binned)
    shape = (binned.shape[0], binned.shape[1], binned.shape[2])
    padded = tuple(scipy.fft.next_fast_len(n, real=True) for n in shape)
    inside = tuple(slice(0, n) for n in shape)
    # scipy's stubs do not know that float32 gives complex64.
    spectrum: Any = scipy.fft.rfftn(binned, padded, workers=1)
    radii = [max(share * diameter, 1.0) for share in POOLING]
    raw = np.empty(((len(BAND_EDGES) - 1) * len(radii), *shape), np.float16)
    pools = [_gaussian(padded, sigma) for sigma in radii]
    finer = _gaussian(padded, BAND_EDGES[0])
    for band in range(len(BAND_EDGES) - 1):
        coarser = _gaussian(padded, BAND_EDGES[band + 1])
        banded: Any = _times(spectrum, finer) - _times(spectrum, coarser)
        passed = scipy.fft.irfftn(banded, padded, workers=1)
        finer = coarser
        passed = passed[inside]
        np.square(passed, out=passed)
        energy: Any = scipy.fft.rfftn(passed, padded, workers=1)
        floor = 1e-6 * float(passed.mean()) + 1e-12
        for j, pool in enumerate(pools):
            pooled = scipy.fft.irfftn(_times(energy, pool), padded, workers=1)[inside]
            np.maximum(pooled, floor, out=pooled)
            raw[band * len(pools) + j] = np.log(pooled, out=pooled)
    rng = np.random.default_rng(0)
    count = int(np.prod(shape))
    chosen = rng.integers(0, count, min(BACKGROUND_SAMPLES, count))
    background = raw.reshape(len(raw), -1)[:, chosen].T.astype(np.float32)
    return FeatureMaps(raw, factor, background)


_Factors = tuple["NDArray[np.float32]", "NDArray[np.float32]", "NDArray[np.float32]"]


def _gaussian(shape: tuple[int, ...], sigma: float) -> _Factors:
    """Return the transfer of a Gaussian blur as three factors along kz, ky, kx."""
    z, y, x = (
        np.exp(-2 * np.pi**2 * sigma**2 * k**2).astype(np.float32)
        for k in (
            scipy.fft.fftfreq(shape[0]),
            scipy.fft.fftfreq(shape[1]),
            scipy.fft.rfftfreq(shape[2]),
        )
    )
    return z, y, x


def _times(spectrum: NDArray[np.complex64], factors: _Factors) -> NDArray[np.complex64]:
    z, y, x = factors
    product: NDArray[np.complex64] = spectrum * (y[:, None] * x)[None]
    product *= z[:, None, None]
    return product
