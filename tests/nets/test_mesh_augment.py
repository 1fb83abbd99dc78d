"""Augmentation of vertex densities: each does what it promises, and padding stays padding."""

import numpy as np
import pytest
import torch
from tests.membranes.shapes import plane

from tomoscribe.membranes.geodesics import edge_graph
from tomoscribe.nets import mesh_augment
from tomoscribe.nets.mesh_augment import Draw, MeshAugmentation, Places, augment, resample
from tomoscribe.nets.mesh_sparse import Rows, on_diagonal

CPU = torch.device("cpu")
N = 440


@pytest.fixture(scope="module")
def places() -> Places:
    """Return a sheet of 440 and one of 100 vertices, 20 Å apart."""
    sheets = [plane(20, 22, spacing=20.0), plane(10, 10, spacing=20.0)]
    positions, valid = torch.zeros(2, N, 3), torch.zeros(2, N, dtype=torch.bool)
    for number, sheet in enumerate(sheets):
        own = torch.from_numpy(sheet.vertices_zyx).float()
        positions[number, : len(own)], valid[number, : len(own)] = own, True
    rows = [Rows.of(edge_graph(sheet), CPU) for sheet in sheets]
    return Places(positions, valid, on_diagonal(rows, N, N))


@pytest.fixture
def values(places: Places) -> torch.Tensor:
    noise = torch.randn(2, N, 16, generator=torch.Generator().manual_seed(5))
    return mesh_augment.standardise(2 * noise + 3, places.valid)


def _draw(like: torch.Tensor, seed: int = 0) -> Draw:
    return Draw(like, 1.0, torch.Generator().manual_seed(seed))


def test_standardised_samples_have_mean_0_and_deviation_1(
    values: torch.Tensor, places: Places
) -> None:
    for own in (values[0], values[1, :100]):
        assert float(own.mean()) == pytest.approx(0, abs=1e-5)
        assert float(own.std()) == pytest.approx(1, abs=1e-3)
    assert (values[1, 100:] == 0).all()


def test_all_together_keep_shape_and_padding_and_are_finite(
    values: torch.Tensor, places: Places
) -> None:
    for seed in range(5):
        done = augment(values, places, MeshAugmentation(), torch.Generator().manual_seed(seed))
        assert done.shape == values.shape
        assert torch.isfinite(done).all()
        assert (done[1, 100:] == 0).all()
        assert not torch.equal(done[0], values[0])


def test_the_same_generator_gives_the_same(values: torch.Tensor, places: Places) -> None:
    one, again, other = (
        augment(values, places, MeshAugmentation(), torch.Generator().manual_seed(seed))
        for seed in (3, 3, 4)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_with_probability_0_nothing_changes(values: torch.Tensor, places: Places) -> None:
    off = MeshAugmentation(probability=0.0)
    assert torch.equal(augment(values, places, off, torch.Generator()), values)


def test_a_part_changes_as_it_would_alone(values: torch.Tensor, places: Places) -> None:
    alone = Places(
        places.positions_A[1:, :100],
        places.valid[1:, :100],
        Rows.of(edge_graph(plane(10, 10, spacing=20.0)), CPU),
    )
    sigma = torch.tensor([5.0, 12.0])
    together = mesh_augment.smooth_surface(values, places, sigma)
    assert torch.allclose(
        together[1, :100], mesh_augment.smooth_surface(values[1:, :100], alone, sigma[1:])[0]
    )
    gamma = torch.tensor([[0.7, 1.5], [1.4, 0.9]])
    together = mesh_augment.twofold_gamma(values, places.valid, gamma)
    own = mesh_augment.twofold_gamma(values[1:, :100], alone.valid, gamma[1:])
    assert torch.allclose(together[1, :100], own[0], atol=1e-5)


def test_smoothing_along_the_surface_is_the_gaussian_mean_of_neighbours(places: Places) -> None:
    spike = torch.zeros(2, N, 1)
    middle = 10 * 22 + 11
    spike[0, middle] = 1.0
    done = mesh_augment.smooth_surface(spike, places, torch.tensor([15.0, 15.0]))[0, :, 0]
    beside, across = np.exp(-0.5 * (20 / 15) ** 2), np.exp(-0.5 * (800 / 225))
    assert float(done[middle]) == pytest.approx(1 / (1 + 4 * beside + 2 * across), rel=1e-4)
    assert float(done[middle + 1] / done[middle]) == pytest.approx(beside, rel=1e-4)


def test_smoothing_keeps_constants(places: Places) -> None:
    ones = torch.ones(2, N, 16)
    surface = mesh_augment.smooth_surface(ones, places, torch.tensor([3.0, 30.0]))
    normal = mesh_augment.smooth_normal(ones, torch.tensor([2.0, 5.0]), torch.tensor([1, 6]))
    assert torch.allclose(surface, ones)
    assert torch.allclose(normal, ones)


def test_smoothing_along_the_normal_reaches_as_far_as_told() -> None:
    spike = torch.zeros(1, 1, 16)
    spike[..., 8] = 1.0
    done = mesh_augment.smooth_normal(spike, torch.tensor([2.0]), torch.tensor([2.0]))[0, 0]
    assert (done[6:11] > 0).all()
    assert (done[:6] == 0).all()
    assert (done[11:] == 0).all()


def test_twofold_gamma_keeps_mean_deviation_and_order(values: torch.Tensor, places: Places) -> None:
    done = mesh_augment.twofold_gamma(values, places.valid, torch.tensor([[0.7, 1.6], [1.5, 1.2]]))
    assert float(done[0].mean()) == pytest.approx(float(values[0].mean()), abs=1e-4)
    assert float(done[0].std()) == pytest.approx(float(values[0].std()), rel=1e-3)
    order = values[0].flatten().argsort()
    assert (done[0].flatten()[order].diff() >= -1e-5).all()


def test_scaling_keeps_the_mean_and_where_asked_the_range(
    values: torch.Tensor, places: Places
) -> None:
    keep = torch.tensor([True, False])
    done = mesh_augment.scale_contrast(values, places.valid, torch.tensor([1.5, 1.5]), keep)
    assert done[0].max() <= values[0].max() + 1e-6
    assert float(done[1, :100].std()) == pytest.approx(1.5, rel=1e-3)
    assert float(done[1, :100].mean()) == pytest.approx(0, abs=1e-4)


def test_patches_are_erased_as_balls(values: torch.Tensor, places: Places) -> None:
    options = MeshAugmentation(patches=(1, 1), patch_radius_A=(60.0, 60.0))
    done = mesh_augment.erase(values, places, options, _draw(values))
    gone = places.positions_A[0][(done[0] == 0).all(dim=1)]
    assert 8 <= len(gone) <= 29
    assert torch.cdist(gone, gone).max() <= 120.0
    kept = ~(done[0] == 0).all(dim=1)
    assert torch.equal(done[0][kept], values[0][kept])


def test_a_slope_adds_nothing_on_average_and_stays_within_its_strength(places: Places) -> None:
    for seed in range(5):
        slope = mesh_augment.brightness_slope(
            places, MeshAugmentation(), _draw(places.positions_A, seed)
        )
        assert slope.abs().max() <= 1.0
        assert float(slope[1, :100].mean()) == pytest.approx(0, abs=1e-3)
        assert (slope[1, 100:] == 0).all()


def test_local_gamma_keeps_the_range(values: torch.Tensor, places: Places) -> None:
    done = mesh_augment.local_gamma(values, places, MeshAugmentation(), _draw(values))
    assert done[0].min() >= values[0].min() - 1e-5
    assert done[0].max() <= values[0].max() + 1e-5


DEPTHS = -100 + 5.0 * torch.arange(41)


def _ramp(n: int = 3) -> torch.Tensor:
    """Return a slab whose density is its depth."""
    return DEPTHS.expand(2, n, -1).clone()


def test_resampling_reads_the_density_between_samples() -> None:
    wanted = torch.tensor([-12.5, 0.0, 7.0])
    done = resample(_ramp(), 5.0, -100.0, wanted)
    assert torch.allclose(done, wanted.expand(2, 3, -1), atol=1e-4)


def test_shift_step_and_jitter_move_the_depths_in_angstroms() -> None:
    wanted = torch.tensor([-20.0, 0.0, 20.0])
    jitter = torch.tensor([[0.0, 1.0, -2.0], [0.0, 0.0, 3.0]])
    done = resample(
        _ramp(),
        5.0,
        -100.0,
        wanted,
        shift_A=torch.tensor([4.0, -6.0]),
        step=torch.tensor([1.0, 1.5]),
        jitter_A=jitter,
    )
    assert torch.allclose(done[0, 2], wanted + 4 - 2, atol=1e-4)
    assert torch.allclose(done[1, 2], 1.5 * wanted - 6 + 3, atol=1e-4)


def test_beyond_the_slab_its_last_value_holds() -> None:
    done = resample(_ramp(), 5.0, -100.0, torch.tensor([-500.0, 500.0]))
    assert torch.allclose(done[0, 0], torch.tensor([-100.0, 100.0]))
