"""The instant answer on a membrane whose sites are known."""

import numpy as np
import pytest
from tests.membranes.shapes import normals, plane

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.membranes.membrane import Membrane
from tomoscribe.membranes.slab import Slab, wide_depths_A
from tomoscribe.picks.match import precision_recall_f1
from tomoscribe.prediction.instant_mesh import InstantMesh, pool

VOXEL_A = 10.0


def membrane(seed: int, noise: float = 1.0) -> tuple[Membrane, np.ndarray]:
    """Return a flat membrane with sites that stand 60 Å out, in noise, and the sites."""
    mesh = plane(60, 60, spacing=2.0)
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid([20, 45, 70, 95], [20, 45, 70, 95], indexing="ij"), axis=-1)
    sites = np.insert(grid.reshape(-1, 2) + rng.uniform(-4, 4, (16, 2)), 0, 0.0, axis=1)
    away = np.linalg.norm(mesh.vertices_zyx[:, None] - sites[None], axis=2).min(axis=1)
    depths_A = wide_depths_A(VOXEL_A)
    body = np.exp(-0.5 * ((depths_A - 60) / 25) ** 2)
    leaflet = np.exp(-0.5 * (depths_A / 15) ** 2)
    values = leaflet + 2 * np.exp(-0.5 * (away / 3) ** 2)[:, None] * body
    values += rng.normal(0, noise, values.shape)
    slab = Slab(values.astype(np.float32), depths_A)
    return Membrane("m", None, mesh, normals(mesh), VOXEL_A, slab), sites


def nearest(made: Membrane, sites: np.ndarray) -> np.ndarray:
    away = np.linalg.norm(made.mesh.vertices_zyx[:, None] - sites[None], axis=2)
    return away.argmin(axis=0)


def test_sites_rank_above_the_background_after_three_clicks():
    made, sites = membrane(0)
    answer = InstantMesh(made).answer(nearest(made, sites[:3]))
    others = answer.scores[nearest(made, sites[3:])]
    assert 0 <= answer.scores.min() <= answer.scores.max() <= 1
    assert others.min() > np.quantile(answer.scores, 0.9)
    assert np.median(others) == pytest.approx(0.8, abs=0.15)


def test_its_own_threshold_proposes_the_sites():
    made, sites = membrane(1)
    answer = InstantMesh(made).answer(nearest(made, sites[:5]))
    proposed = answer.peaks.above(answer.threshold)
    assert precision_recall_f1(proposed.zyx, sites, 4.0)[2] > 0.9


def test_what_clicks_of_one_membrane_taught_serves_another():
    made, sites = membrane(2)
    other, there = membrane(3)
    model = InstantMesh(made).fit(nearest(made, sites[:6]))
    answer = InstantMesh(other).apply(model)
    proposed = answer.peaks.above(answer.threshold)
    assert precision_recall_f1(proposed.zyx, there, 4.0)[2] > 0.9


def test_rejected_places_are_blank():
    made, sites = membrane(4)
    at = nearest(made, sites)
    answer = InstantMesh(made).answer(at[:4], rejected=at[5:7])
    assert (answer.scores[at[5:7]] == 0).all()
    assert (answer.scores[at[:4]] > 0.5).all()


def test_two_clicks_are_too_few():
    made, sites = membrane(5)
    with pytest.raises(TomoscribeError, match="needs 3 clicks on membrane 'm', there are 2"):
        InstantMesh(made).answer(nearest(made, sites[:2]))


def test_a_band_without_the_particle_says_nothing():
    made, sites = membrane(6, noise=0.5)
    clicked = nearest(made, sites[:5])
    truth = np.zeros(len(made.mesh.vertices_zyx), bool)
    truth[nearest(made, sites)] = True

    def rank(band):
        scores = InstantMesh(made).answer(clicked, band_A=band).scores
        return np.median(np.searchsorted(np.sort(scores), scores[truth])) / len(scores)

    assert rank((-30.0, 130.0)) > 0.97 > rank((-150.0, -90.0))


def test_pooling_widens_a_point_to_the_wanted_size():
    mesh = plane(61, 61)
    point = np.zeros((len(mesh.vertices_zyx), 1), np.float32)
    point[30 * 61 + 30] = 1
    for sigma, pooled in zip(
        (3.0, 6.0), pool(distance_graph(mesh), point, [3.0, 6.0]), strict=True
    ):
        away = ((mesh.vertices_zyx - [0, 30, 30]) ** 2).sum(axis=1)
        width = np.sqrt((pooled[:, 0] * away).sum() / pooled.sum() / 2)
        assert width == pytest.approx(sigma, rel=0.15)
