"""Losses on vertices: cases worked out by hand."""

import pytest
import torch
from tests.membranes.shapes import plane

from tomoscribe.nets.mesh_losses import (
    mean_shift_loss,
    mean_shift_seeds,
    peer_targets,
    scores_from_distances,
    weighted_mse,
)


def test_targets_are_clamped_distances_in_the_peers_unit() -> None:
    far = torch.tensor([0.0, 30.0, 149.0, 151.0, torch.inf])
    other = torch.tensor([False, False, False, False, True])
    expected = torch.tensor([0.0, 2.0, 149 / 15, 10.0, 10.05])
    assert torch.allclose(peer_targets(far, other), expected)


def test_scores_are_one_at_a_particle_and_nothing_far_away() -> None:
    scores = scores_from_distances(torch.tensor([-1.0, 0.0, 5.0, 10.0, 12.0]))
    assert torch.allclose(scores, torch.tensor([1.0, 1.0, 0.5, 0.0, 0.0]))


def test_squared_errors_count_by_squared_weight() -> None:
    predicted, target = torch.tensor([1.0, 2.0, torch.nan]), torch.tensor([0.0, 4.0, 0.0])
    weight = torch.tensor([1.0, 0.5, 0.0])
    assert float(weighted_mse(predicted, target, weight)) == pytest.approx((1 + 1) / 1.5)


def test_without_any_label_there_is_no_loss() -> None:
    nothing = torch.zeros(4)
    assert float(weighted_mse(torch.ones(4), nothing, nothing)) == 0


def _field() -> tuple[torch.Tensor, torch.Tensor]:
    positions = torch.from_numpy(plane(15, 15, spacing=20.0).vertices_zyx).float()
    sites = positions[[48, 176]] + torch.tensor([0.0, 5.0, -4.0])
    return positions, sites


def test_mean_shift_ends_at_the_sites_of_a_good_map() -> None:
    positions, sites = _field()
    distances = peer_targets(torch.cdist(positions, sites).min(dim=1).values)
    near = torch.cdist(positions, sites).min(dim=1).values < 60
    ends = mean_shift_seeds(positions, distances, 80.0, 60)[near]
    assert torch.cdist(ends, sites).min(dim=1).values.max() < 25


def test_with_a_bandwidth_below_the_spacing_nothing_moves() -> None:
    positions, sites = _field()
    distances = torch.cdist(positions, sites).min(dim=1).values / 15
    assert torch.allclose(mean_shift_seeds(positions, distances, 7.0, 10), positions, atol=1e-3)


def test_the_loss_falls_as_scores_move_to_the_sites() -> None:
    positions, sites = _field()
    losses = []
    for offset in (100.0, 60.0, 30.0, 0.0):
        moved = sites + torch.tensor([0.0, offset, 0.0])
        distances = peer_targets(torch.cdist(positions, moved).min(dim=1).values)
        losses.append(float(mean_shift_loss(positions, distances, sites, bandwidth=60.0)))
    assert losses == sorted(losses, reverse=True)


def test_descending_the_loss_brings_scores_to_the_sites() -> None:
    positions, sites = _field()
    distances = torch.full((225,), 7.0, requires_grad=True)
    optimizer = torch.optim.Adam([distances], lr=0.3)
    losses = []
    for _ in range(15):
        loss = mean_shift_loss(positions, distances, sites, bandwidth=60.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    near = torch.cdist(positions, sites).min(dim=1).values < 15
    assert distances[near].mean() < distances[~near].mean()


def test_within_the_margin_a_miss_costs_nothing() -> None:
    positions, sites = _field()
    distances = torch.full((225,), 7.0)
    assert float(mean_shift_loss(positions, distances, sites, margin=1e4)) == 0


def test_no_particles_no_loss_but_a_gradient_of_zero() -> None:
    positions, _ = _field()
    distances = torch.full((225,), 7.0, requires_grad=True)
    mean_shift_loss(positions, distances, torch.zeros(0, 3)).backward()
    assert (distances.grad == 0).all()
