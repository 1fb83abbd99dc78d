"""What the microscope does to a clean volume: contrast transfer, envelope, missing wedge, noise.

Tilt axis y, beam along z. All in Fourier space, slab by slab, so that no
second volume of filter values is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft as sfft

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAVELENGTH_A = 0.0197
"""Electron wavelength at 300 kV, in Å."""
SPHERICAL_ABERRATION_A = 2.7e7
"""Spherical aberration of 2.7 mm, in Å."""
AMPLITUDE_CONTRAST = 0.08
WEDGE_SOFTNESS_DEG = 1.0
"""Width of the wedge's edge in degrees; a hard edge rings."""


@dataclass(frozen=True)
class Optics:
    """Imaging conditions.

    Parameters
    ----------
    max_tilt_deg : float
        Tilts reach from minus to plus this; 90 means no missing wedge.
    defocus_um : float
        Underfocus in µm; 0 means no contrast transfer function.
    bfactor_A2 : float
        Envelope exp(-B k²/4) of the signal, B in Å².
    """

    max_tilt_deg: float = 60.0
    defocus_um: float = 3.0
    bfactor_A2: float = 800.0


def contrast_transfer(k2: NDArray[np.float32], optics: Optics) -> NDArray[np.float32]:
    """Return |CTF| × envelope at squared spatial frequencies `k2` in Å⁻².

    The magnitude, as after phase flipping (the weak-phase formula of any textbook).
    """
    envelope = np.exp(-optics.bfactor_A2 / 4 * k2)
    if optics.defocus_um <= 0:
        return np.asarray(envelope, dtype=np.float32)
    chi = (
        np.pi
        * WAVELENGTH_A
        * k2
        * (optics.defocus_um * 1e4 - 0.5 * SPHERICAL_ABERRATION_A * WAVELENGTH_A**2 * k2)
    )
    phase = np.sqrt(1 - AMPLITUDE_CONTRAST**2)
    ctf = np.abs(phase * np.sin(chi) + AMPLITUDE_CONTRAST * np.cos(chi))
    return np.asarray(ctf * envelope, dtype=np.float32)


def wedge_mask(shape_zyx: tuple[int, int, int], max_tilt_deg: float) -> NDArray[np.float32]:
    """Return the measured part of Fourier space as (kz, kx) of a real transform, 1 measured."""
    kz = np.abs(sfft.fftfreq(shape_zyx[0]))[:, None]
    kx = sfft.rfftfreq(shape_zyx[2])[None, :]
    if max_tilt_deg >= 90:
        return np.ones((kz.shape[0], kx.shape[1]), np.float32)
    angle = np.degrees(np.arctan2(kz, kx + 1e-9))
    edge = np.clip((angle - max_tilt_deg) / WEDGE_SOFTNESS_DEG, -30, 30)
    mask = 1 / (1 + np.exp(edge))
    mask[0, 0] = 1
    return np.asarray(mask, dtype=np.float32)


def image_signal(
    clean: NDArray[np.float32], voxel_size_A: float, optics: Optics
) -> NDArray[np.float32]:
    """Return the clean volume (z, y, x) after contrast transfer, envelope and wedge."""
    shape = (clean.shape[0], clean.shape[1], clean.shape[2])
    spectrum = sfft.rfftn(clean)
    wedge = wedge_mask(shape, optics.max_tilt_deg)
    kz = sfft.fftfreq(shape[0], voxel_size_A).astype(np.float32)
    ky = sfft.fftfreq(shape[1], voxel_size_A).astype(np.float32)
    kx = sfft.rfftfreq(shape[2], voxel_size_A).astype(np.float32)
    in_plane = ky[:, None] ** 2 + kx[None, :] ** 2
    for z in range(shape[0]):
        spectrum[z] *= contrast_transfer(in_plane + kz[z] ** 2, optics) * wedge[z]
    return np.asarray(sfft.irfftn(spectrum, s=shape, overwrite_x=True), dtype=np.float32)


def wedge_noise(
    rng: np.random.Generator, shape_zyx: tuple[int, int, int], max_tilt_deg: float
) -> NDArray[np.float32]:
    """Return Gaussian noise (z, y, x) of variance 1 that lacks the missing wedge."""
    noise = rng.standard_normal(shape_zyx, dtype=np.float32)
    if max_tilt_deg < 90:
        spectrum = sfft.rfftn(noise, overwrite_x=True)
        spectrum *= wedge_mask(shape_zyx, max_tilt_deg)[:, None, :]
        noise = sfft.irfftn(spectrum, s=shape_zyx, overwrite_x=True)
    noise /= noise.std()
    return np.asarray(noise, dtype=np.float32)
