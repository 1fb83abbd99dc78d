"""Rotations of particles about the membrane normal, from the density around them.

What it can and cannot do: the surroundings of each pick, a few rings at a few depths, are turned
until they agree with the average. Particles that look round from above, or are lost in noise,
agree with it in some direction too. So the picks are aligned twice, by every other depth, which
share the particle but not the noise; only where both give the same rotations (up to a symmetry
of the particle) are angles returned. They are relative to each other: the average's own
direction is arbitrary, and where all normals are alike the missing wedge can pass for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import normals_to_relion, relion_rotation
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.nearest_triangle import closest_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane

DIRECTIONS = 36
"""Samples round a ring: angles are found in steps of 10 degrees, then between them."""
DEPTHS_A = np.arange(0.0, 121.0, 20.0)
RINGS = (0.35, 0.65, 1.0)
"""In suppression radii, where the outline of a particle is."""
FEWEST = 20
"""Fewer picks cannot make an average."""
_ROUNDS = 12
_AGREEMENT = 0.5
_SYMMETRIES = (1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class InPlane:
    """Rotations about the normals.

    Parameters
    ----------
    angles_deg : (N,) array of float64
        `rot` of RELION; NaN for all where two halves of the density do not agree.
    agreement : float
        0..1, how well two halves of the density agree: the length of the mean of exp(i n (a - b)).
    symmetry : int
        The n of that; angles are known up to multiples of 360 / n degrees.
    notes : tuple of str
    """

    angles_deg: NDArray[np.float64]
    agreement: float
    symmetry: int
    notes: tuple[str, ...]


def in_plane_angles(
    membrane: Membrane,
    zyx: NDArray[np.float64],
    normals_zyx: NDArray[np.float64],
    radius_A: float,
) -> InPlane:
    """Return rotations of picks (N, 3) with outward normals (N, 3) that make them alike.

    Parameters
    ----------
    membrane : Membrane
        With a slab.
    zyx, normals_zyx : (N, 3) arrays
        Voxels on the surface; unit vectors.
    radius_A : float
        Where the outer ring lies.
    """
    unknown = np.full(len(zyx), np.nan)
    if len(zyx) < FEWEST:
        note = f"{len(zyx)} picks are too few for rotations about the normal; {FEWEST} are needed."
        return InPlane(unknown, 0.0, 1, (note,))
    images = ring_images(membrane, zyx, normals_zyx, radius_A)
    spectra = np.fft.rfft(images, axis=1)
    # What is the same all round tells no direction.
    spectra[:, 0] = 0
    every_other = np.tile(np.arange(len(DEPTHS_A)) % 2 == 0, len(RINGS))
    turns = [
        _turns(part, _average(part))
        for part in (spectra[:, :, every_other], spectra[:, :, ~every_other])
    ]
    agreement, symmetry = _agree(turns[0], turns[1])
    if agreement < max(_AGREEMENT, 3 / np.sqrt(len(zyx))):
        note = (
            "Two halves of the density do not agree on rotations about the normal "
            f"(agreement {agreement:.2f}): they stay unknown."
        )
        return InPlane(unknown, agreement, symmetry, (note,))
    # RELION's rot turns the other way round: it takes the tomogram to the particle.
    angles = -np.degrees(_turns(spectra, _average(spectra)))
    note = f"Rotations about the normal: two halves of the density agree to {agreement:.2f}"
    note += "." if symmetry == 1 else f", up to {symmetry}-fold symmetry."
    return InPlane((angles + 180) % 360 - 180, agreement, symmetry, (note,))


def ring_images(
    membrane: Membrane,
    zyx: NDArray[np.float64],
    normals_zyx: NDArray[np.float64],
    radius_A: float,
) -> NDArray[np.float64]:
    """Return the density (N, DIRECTIONS, rings × depths) on rings about the picks.

    Direction k is k steps from the x axis that RELION's angles with rot 0 give the particle,
    towards its y axis.
    """
    frames = relion_rotation(normals_to_relion(normals_zyx)).as_matrix()
    along_x, along_y = frames[:, ::-1, 0], frames[:, ::-1, 1]
    turn = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    directions = (
        np.cos(turn)[None, :, None] * along_x[:, None]
        + np.sin(turn)[None, :, None] * along_y[:, None]
    )
    radii = np.array(RINGS) * radius_A / membrane.voxel_size_A
    points = zyx[:, None, None] + directions[:, :, None] * radii[None, None, :, None]
    flat = points.reshape(-1, 3)
    locator = SurfaceLocator(membrane.mesh, membrane.normals_zyx)
    _, triangles, _, _ = locator.closest_many(flat)
    corners = membrane.mesh.faces[triangles]
    weights = closest_weights(membrane.mesh.vertices_zyx[corners], flat)
    layers = membrane.slab.resample(DEPTHS_A)
    values = np.einsum("nk,nkd->nd", weights, layers[corners])
    images = values.reshape(len(zyx), DIRECTIONS, -1)
    images = images - images.mean(axis=(0, 1))
    scaled: NDArray[np.float64] = images / np.maximum(images.std(axis=(0, 1)), 1e-12)
    return scaled


def _average(spectra: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return the average (F, C) of turned spectra (N, F, C), found by turning and averaging.

    It starts from the picks with the strongest directions, the first of them as it is.
    """
    order = np.argsort(-(np.abs(spectra[:, 1:]) ** 2).sum(axis=(1, 2)))
    average: NDArray[np.complex128] = spectra[order[0]].copy()
    for count, i in enumerate(order[1:], 1):
        turned = _turned(spectra[i : i + 1], _turns(spectra[i : i + 1], average))[0]
        average = (average * count + turned) / (count + 1)
    for _ in range(_ROUNDS):
        average = _turned(spectra, _turns(spectra, average)).mean(axis=0)
    return average


def _turns(spectra: NDArray[np.complex128], average: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return by how much each pick is turned (N,) from the average, in radians."""
    cross = (spectra.conj() * average).sum(axis=2).conj()
    correlation = np.fft.irfft(cross, n=DIRECTIONS, axis=1)
    best = correlation.argmax(axis=1)
    rows = np.arange(len(best))
    low, mid, high = (correlation[rows, (best + k) % DIRECTIONS] for k in (-1, 0, 1))
    bend = low - 2 * mid + high
    between = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    turns: NDArray[np.float64] = (best + between) * 2 * np.pi / DIRECTIONS
    return turns


def _turned(spectra: NDArray[np.complex128], turns: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return spectra turned back by `turns` (N,)."""
    order = np.arange(spectra.shape[1])
    back: NDArray[np.complex128] = spectra * np.exp(1j * turns[:, None] * order)[:, :, None]
    return back


def _agree(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, int]:
    """Return how well two sets of turns agree but for one turn of all, and up to what symmetry."""
    lengths = {n: float(abs(np.exp(1j * n * (one - other)).mean())) for n in _SYMMETRIES}
    best = max(lengths.values())
    # The lowest that is nearly as good: an agreement in full is one in every symmetry as well.
    symmetry = next(n for n in _SYMMETRIES if lengths[n] > 0.8 * best)
    return lengths[symmetry], symmetry
