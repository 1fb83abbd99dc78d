"""Augmentation of the densities on meshes, batched on the device.

What MemBrain-pick does to one sample after the other in loops is done here to a batch of parts (or
of whole membranes) at once: smoothing along the surface is one sparse product, all others are a
few operations on (B, N, D) tensors. Densities are standardised, lengths in Å. No augmentation
turns or mirrors anything in the plane: the networks do not know directions there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tomoscribe.nets.mesh_sparse import Rows

Range = tuple[float, float]


@dataclass(frozen=True)
class MeshAugmentation:
    """What is varied and how much; the defaults are MemBrain-pick's, lengths in Å.

    Parameters
    ----------
    probability : float
        Of each augmentation on each sample; 1 is the peer's command line, 0.3 its alternative.
    surface_sigma_A : (low, high)
        Smoothing along the surface.
    normal_sigma, normal_reach : (low, high)
        Smoothing along the normal: sigma and reach in samples.
    dropout, noise : (low, high)
        Share of values set to 0; standard deviation of the noise.
    shift, scale : (low, high)
        Added to and multiplied about the mean.
    gamma : (low, high)
        Exponent, applied twice, so that dark and bright stay what they are.
    patches, patch_radius_A : (low, high)
        Number and radius of patches set to 0.
    slope, slope_reach_A : (low, high)
        Strength and reach of a bright or dark spot that is added.
    local_gamma, local_gamma_reach_A : (low, high)
        Exponent that changes from place to place, and its reach.
    """

    probability: float = 1.0
    surface_sigma_A: Range = (0.0, 7.5)
    normal_sigma: Range = (1.5, 5.0)
    normal_reach: tuple[int, int] = (1, 6)
    dropout: Range = (0.0, 0.15)
    noise: Range = (0.0, 0.25)
    shift: Range = (-0.5, 0.5)
    scale: Range = (0.5, 1.5)
    gamma: Range = (0.65, 1.7)
    patches: tuple[int, int] = (1, 6)
    patch_radius_A: Range = (22.5, 82.5)
    slope: Range = (-1.0, 1.0)
    slope_reach_A: Range = (0.0, 12500.0)
    local_gamma: Range = (0.5, 2.0)
    local_gamma_reach_A: Range = (0.0, 500.0)


@dataclass(frozen=True)
class Places:
    """Where the values of a batch are.

    Parameters
    ----------
    positions_A : (B, N, 3) tensor
        Vertices.
    valid : (B, N) tensor of bool
        Which are no padding.
    edges : Rows
        Edge lengths in Å of all parts on one diagonal, (B N, B N).
    """

    positions_A: Tensor
    valid: Tensor
    edges: Rows


class Draw:
    """Random numbers of one batch, one a sample, reproducible from a generator on the CPU."""

    def __init__(self, like: Tensor, probability: float, generator: torch.Generator) -> None:
        self.count, self.device, self.generator = len(like), like.device, generator
        self._probability = probability

    def uniform(self, between: Range, *shape: int) -> Tensor:
        """Return numbers (B, *shape) between two limits."""
        low, high = between
        draw = torch.rand((self.count, *shape), generator=self.generator)
        return (low + (high - low) * draw).to(self.device)

    def chosen(self) -> Tensor:
        """Return (B, 1, 1): which samples get the next augmentation."""
        draw = torch.rand((self.count, 1, 1), generator=self.generator)
        return (draw < self._probability).to(self.device)

    def grain(self, like: Tensor) -> Tensor:
        """Return white noise in the shape of a tensor, made where it is needed."""
        noise = torch.empty_like(like)
        if like.device.type == "cpu":
            return noise.normal_(generator=self.generator)
        return noise.normal_()

    def flags(self, like: Tensor, share: Tensor) -> Tensor:
        """Return flags in the shape of a tensor, `share` (B,) of each sample True."""
        draw = torch.empty_like(like)
        draw.uniform_(generator=self.generator if like.device.type == "cpu" else None)
        return draw < share.view(-1, 1, 1)


@torch.no_grad()
def standardise(values: Tensor, valid: Tensor) -> Tensor:
    """Return values (B, N, D) of mean 0 and deviation 1 over each sample's vertices and depths."""
    mean, deviation = _statistics(values, valid)
    return ((values - mean) / deviation) * valid.unsqueeze(-1)


@torch.no_grad()
def augment(
    values: Tensor, places: Places, options: MeshAugmentation, generator: torch.Generator
) -> Tensor:
    """Return standardised values (B, N, D) after all augmentations; padding stays 0."""
    draw = Draw(values, options.probability, generator)
    valid = places.valid
    for change in (
        lambda x: smooth_surface(x, places, draw.uniform(options.surface_sigma_A)),
        lambda x: smooth_normal(
            x, draw.uniform(options.normal_sigma), _whole(draw, options.normal_reach)
        ),
        lambda x: x.masked_fill(draw.flags(x, draw.uniform(options.dropout)), 0.0),
        lambda x: x + draw.grain(x) * draw.uniform(options.noise, 1, 1),
        lambda x: x + draw.uniform(options.shift, 1, 1),
        lambda x: scale_contrast(x, valid, draw.uniform(options.scale), draw.uniform((0, 1)) < 0.5),
        lambda x: twofold_gamma(x, valid, draw.uniform(options.gamma, 2)),
        lambda x: erase(x, places, options, draw),
        lambda x: x + brightness_slope(places, options, draw).unsqueeze(-1),
        lambda x: local_gamma(x, places, options, draw),
    ):
        changed = change(values)
        values = torch.where(draw.chosen(), changed, values)
    return values * valid.unsqueeze(-1)


def smooth_surface(values: Tensor, places: Places, sigma_A: Tensor) -> Tensor:
    """Return values smoothed by a Gaussian over each vertex and its neighbours along edges.

    The peer's deviations lie far below the length of an edge, so that what is beyond weighs less
    than a millionth. A constant stays as it is.
    """
    count, n, depths = values.shape
    edges = places.edges
    rows = torch.repeat_interleave(
        torch.arange(count * n, device=values.device), edges.starts.diff().long()
    )
    sigma = sigma_A.repeat_interleave(n).clamp_min(1e-3)[rows]
    weights = torch.exp(-0.5 * (edges.values / sigma).square())
    total = weights.new_ones(count * n).index_add_(0, rows, weights)
    matrix = Rows(edges.starts, edges.columns, weights, edges.width).matrix()
    flat = values.reshape(count * n, depths)
    return ((flat + matrix @ flat) / total.unsqueeze(-1)).view_as(values)


def smooth_normal(values: Tensor, sigma: Tensor, reach: Tensor) -> Tensor:
    """Return values smoothed along the normal, `sigma` and `reach` (B,) in samples."""
    depth = torch.arange(values.shape[-1], device=values.device)
    apart = (depth[:, None] - depth).abs()
    weights = torch.exp(-0.5 * (apart / sigma.view(-1, 1, 1)).square())
    weights = weights * (apart <= reach.view(-1, 1, 1))
    return values @ (weights / weights.sum(dim=1, keepdim=True))


def scale_contrast(values: Tensor, valid: Tensor, factor: Tensor, keep_range: Tensor) -> Tensor:
    """Return values scaled about each sample's mean by `factor` (B,), some kept in their range."""
    mean, _ = _statistics(values, valid)
    scaled = mean + factor.view(-1, 1, 1) * (values - mean)
    low, high = _range(values, valid)
    inside = torch.minimum(torch.maximum(scaled, low), high)
    return torch.where(keep_range.view(-1, 1, 1), inside, scaled)


def twofold_gamma(values: Tensor, valid: Tensor, gamma: Tensor) -> Tensor:
    """Return values bent by two exponents (B, 2), inverted between and after.

    The first bends the dark end, the second the bright one; mean and deviation stay as they are.
    """
    for exponent in gamma.unbind(dim=1):
        mean, deviation = _statistics(values, valid)
        low, high = _range(values, valid)
        unit = ((values - low) / (high - low).clamp_min(1e-8)).clamp(0, 1)
        bent = unit.pow(exponent.view(-1, 1, 1))
        bent_mean, bent_deviation = _statistics(bent, valid)
        values = -((bent - bent_mean) / bent_deviation * deviation + mean)
    return values


def erase(values: Tensor, places: Places, options: MeshAugmentation, draw: Draw) -> Tensor:
    """Return values with a few balls about random vertices set to 0."""
    most = options.patches[1]
    count = _whole(draw, options.patches)
    radius = draw.uniform(options.patch_radius_A, most)
    lengths = places.valid.sum(dim=1, keepdim=True)
    middle = (draw.uniform((0.0, 1.0), most) * lengths).long().clamp_max(places.valid.shape[1] - 1)
    middle = middle.unsqueeze(-1).expand(-1, -1, 3)
    centres = places.positions_A.gather(1, middle)
    apart = torch.cdist(places.positions_A, centres)
    wanted = torch.arange(most, device=values.device) < count.unsqueeze(1)
    erased = ((apart <= radius.unsqueeze(1)) & wanted.unsqueeze(1)).any(dim=2)
    return values.masked_fill(erased.unsqueeze(-1), 0.0)


def brightness_slope(places: Places, options: MeshAugmentation, draw: Draw) -> Tensor:
    """Return (B, N): a broad spot somewhere about each sample, of mean 0 and random strength."""
    apart = _distance_to_somewhere(places, draw, (-1.0, 2.0))
    reach = draw.uniform(options.slope_reach_A, 1).clamp_min(1.0)
    # One less than the Gaussian, exact where that is all but flat; the mean goes anyway.
    spot = torch.expm1(-0.5 * (apart / reach).square())
    counted = places.valid.sum(dim=1, keepdim=True).clamp_min(1)
    spot = (spot - (spot * places.valid).sum(dim=1, keepdim=True) / counted) * places.valid
    largest = spot.abs().amax(dim=1, keepdim=True).clamp_min(1e-8)
    return spot / largest * draw.uniform(options.slope, 1)


def local_gamma(values: Tensor, places: Places, options: MeshAugmentation, draw: Draw) -> Tensor:
    """Return values bent by an exponent that falls off from a random place; the range is kept."""
    apart = _distance_to_somewhere(places, draw, (-0.3, 1.3))
    reach = draw.uniform(options.local_gamma_reach_A, 1).clamp_min(1.0)
    share = torch.exp(-0.5 * (apart / reach).square()).unsqueeze(-1)
    nearest = apart.masked_fill(~places.valid, torch.inf).amin(dim=1, keepdim=True)
    farthest = apart.masked_fill(~places.valid, -torch.inf).amax(dim=1, keepdim=True)
    relative = (apart - nearest) / (farthest - nearest).clamp_min(1e-6)
    # The peer measures this second fall-off in units of 500 Å, as it does its coordinates.
    fall = torch.exp(-0.5 * (relative / (reach / 500.0)).square())
    low_gamma, high_gamma = options.local_gamma
    gamma = (low_gamma + (high_gamma - low_gamma) * fall).unsqueeze(-1)
    low, high = _range(values, places.valid)
    unit = ((values - low) / (high - low).clamp_min(1e-8)).clamp(0, 1)
    bent = unit.pow(gamma) * (high - low) + low
    return share * bent + (1 - share) * values


@torch.no_grad()
def resample(
    slab: Tensor,
    spacing_A: float,
    first_A: float,
    depths_A: Tensor,
    *,
    shift_A: Tensor | None = None,
    step: Tensor | None = None,
    jitter_A: Tensor | None = None,
) -> Tensor:
    """Return the slab (B, N, S) at other depths (B, N, K), linear between its samples.

    Moving, stretching and roughening the surface by sampling anew costs less than to augment what
    was sampled once, and shows the network true densities. Beyond the slab its last value holds.

    Parameters
    ----------
    slab : (B, N, S) tensor
        Densities at depths `first_A`, `first_A + spacing_A`, …
    depths_A : (K,) tensor
        Wanted depths along the outward normal.
    shift_A, step : (B,) tensors, optional
        Added to all depths of a sample; factor about the middle of the wanted depths.
    jitter_A : (B, N) tensor, optional
        Added to the depths of each vertex.
    """
    count, n, samples = slab.shape
    middle = depths_A.mean()
    wanted = (depths_A - middle).expand(count, 1, -1)
    if step is not None:
        wanted = wanted * step.view(-1, 1, 1)
    wanted = wanted + middle
    if shift_A is not None:
        wanted = wanted + shift_A.view(-1, 1, 1)
    if jitter_A is not None:
        wanted = wanted + jitter_A.unsqueeze(-1)
    place = ((wanted - first_A) / spacing_A).clamp(0, samples - 1).expand(count, n, -1)
    below = place.floor().long().clamp_max(max(samples - 2, 0))
    share = place - below
    lower, upper = slab.gather(2, below), slab.gather(2, (below + 1).clamp_max(samples - 1))
    sampled: Tensor = torch.lerp(lower, upper, share.to(slab.dtype))
    return sampled


def _whole(draw: Draw, between: tuple[int, int]) -> Tensor:
    low, high = between
    return draw.uniform((low, high + 1)).floor().clamp_max(high)


def _distance_to_somewhere(places: Places, draw: Draw, about: Range) -> Tensor:
    """Return (B, N) distances to a point drawn about each sample's box, in shares of its edges."""
    outside = ~places.valid.unsqueeze(-1)
    low = places.positions_A.masked_fill(outside, math.inf).amin(dim=1)
    high = places.positions_A.masked_fill(outside, -math.inf).amax(dim=1)
    point = low + draw.uniform(about, 3) * (high - low)
    apart: Tensor = torch.linalg.vector_norm(places.positions_A - point.unsqueeze(1), dim=2)
    return apart


def _statistics(values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (B, 1, 1) over what is no padding."""
    mask = valid.unsqueeze(-1)
    count = (mask.sum(dim=1, keepdim=True) * values.shape[-1]).clamp_min(1)
    mean = (values * mask).sum(dim=(1, 2), keepdim=True) / count
    square = ((values - mean).square() * mask).sum(dim=(1, 2), keepdim=True) / count
    return mean, square.sqrt().clamp_min(1e-8)


def _range(values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    outside = ~valid.unsqueeze(-1)
    low = values.masked_fill(outside, math.inf).amin(dim=(1, 2), keepdim=True)
    high = values.masked_fill(outside, -math.inf).amax(dim=(1, 2), keepdim=True)
    return low, high
