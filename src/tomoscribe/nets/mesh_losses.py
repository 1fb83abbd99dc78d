"""Losses on mesh vertices: distances to particles, and where mean shift ends."""

from __future__ import annotations

import torch
from torch import Tensor

PEER_DISTANCE_UNIT_A = 15.0
"""Å in one unit of the distances that MemBrain-pick predicts."""
PEER_LARGEST_DISTANCE = 10.0
"""Where it clamps them, in its unit: 150 Å."""
PEER_OTHER_FACE = 10.05
"""What vertices get whose normal points away from the nearest particle."""
_LEAST_MASS = 0.01
_REGULAR_MASS = 0.05


def peer_targets(distances_A: Tensor, other_face: Tensor | None = None) -> Tensor:
    """Return distances to the nearest particle as MemBrain-pick learns them, in its unit.

    Parameters
    ----------
    distances_A : (...) tensor
        Along the mesh; inf beyond the limit.
    other_face : (...) tensor of bool, optional
        Vertices on the face of the membrane that holds no particle.
    """
    units = (distances_A / PEER_DISTANCE_UNIT_A).clamp(max=PEER_LARGEST_DISTANCE)
    if other_face is None:
        return units
    return units.masked_fill(other_face, PEER_OTHER_FACE)


def scores_from_distances(distances: Tensor, largest: float = PEER_LARGEST_DISTANCE) -> Tensor:
    """Return scores 0..1, 1 at a particle, of predicted distances."""
    return (1 - distances / largest).clamp(0, 1)


def weighted_mse(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the squared error by squared weight over the sum of the weights, as the peer has it.

    Vertices of weight 0, padding among them, count nothing; if all are 0 the loss is 0.
    """
    error = (weight * (predicted - target)).square()
    # Where the weight is 0 a value that is no number must not spread.
    error = torch.where(weight > 0, error, torch.zeros_like(error))
    return error.sum() / weight.sum().clamp_min(1e-6)


def mean_shift_seeds(
    positions: Tensor, distances: Tensor, bandwidth: float, iterations: int
) -> Tensor:
    """Return where mean shift moves every vertex (N, 3), differentiable in the distances.

    The kernel falls linearly to 0 at the bandwidth. A vertex weighs as much as its predicted
    distance, in the peer's unit, lies below the largest one. Ends early where nothing moves by more
    than a thousandth of the bandwidth.

    Parameters
    ----------
    positions : (N, 3) tensor
        Vertices, Å.
    distances : (N,) tensor
        Predicted distances to the nearest particle.
    bandwidth : float
        Å.
    iterations : int
        At most.
    """
    largest = PEER_LARGEST_DISTANCE
    mass = (largest - distances).clamp(_LEAST_MASS, largest) + _REGULAR_MASS
    seeds = positions
    for _ in range(iterations):
        # Exact differences: with the product form close points get distances that are 0 or noise.
        apart = torch.cdist(seeds, positions, compute_mode="donot_use_mm_for_euclid_dist")
        weight = (bandwidth - apart).clamp_min(0) * mass
        # A seed that sees no one stays where it is.
        total = weight.sum(dim=1, keepdim=True)
        moved = torch.where(total > 0, weight @ positions / total.clamp_min(1e-6), seeds)
        shift = (moved.detach() - seeds.detach()).norm(dim=1).mean()
        seeds = moved
        if shift < 1e-3 * bandwidth:
            break
    return seeds


def mean_shift_loss(
    positions: Tensor,
    distances: Tensor,
    particles: Tensor,
    *,
    bandwidth: float = 7.0,
    iterations: int = 10,
    margin: float = 0.0,
    precision: float = 1.0,
) -> Tensor:
    """Return how far mean shift ends from the particles, and the particles from where it ends, Å.

    The mean over particles of the way to the nearest end, plus `precision` times the mean over
    vertices of the way from their end to the nearest particle. Options as in MemBrain-pick; its
    `margin` changes nothing there, here ways shorter than it cost nothing.

    Parameters
    ----------
    positions : (N, 3) tensor
        Vertices of one part, Å.
    distances : (N,) tensor
        Predicted distances in the peer's unit.
    particles : (P, 3) tensor
        Å; with none the loss is 0.
    bandwidth, iterations :
        See `mean_shift_seeds`. The peer's default bandwidth is below the spacing of its vertices,
        where nothing moves; 40 to 60 Å do.
    margin : float
        Å.
    precision : float
        0 where particles may be unclicked.
    """
    if len(particles) == 0:
        return 0.0 * distances.sum()
    seeds = mean_shift_seeds(positions, distances, bandwidth, iterations)
    ways = torch.cdist(particles, seeds, compute_mode="donot_use_mm_for_euclid_dist")
    found = (ways.min(dim=1).values - margin).clamp_min(0).mean()
    ended = (ways.min(dim=0).values - margin).clamp_min(0).mean()
    return found + precision * ended
