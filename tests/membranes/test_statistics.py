"""Statistics on shapes whose answers are known."""

import csv
from itertools import product

import numpy as np
import pytest
from tests.membranes.shapes import plane, sphere

from tomoscribe.cli.main import main
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.membranes.sites import make_domain, place_sites
from tomoscribe.membranes.statistics import density_per_area, nearest_neighbours, ripley
from tomoscribe.membranes.statistics_tables import statistics_tables

RADIUS, VOXEL_A = 30.0, 10.0
RADII_A = np.array([40.0, 80.0, 120.0, 160.0])


@pytest.fixture(scope="module")
def ball():
    return make_domain(sphere(RADIUS, 4), VOXEL_A)


def on_sphere(rng, n):
    points = rng.normal(size=(n, 3))
    return RADIUS * points / np.linalg.norm(points, axis=1, keepdims=True)


def clustered(rng, parents=6, children=10):
    points = np.repeat(on_sphere(rng, parents), children, axis=0)
    points += rng.normal(0, 2, points.shape)
    return RADIUS * points / np.linalg.norm(points, axis=1, keepdims=True)


def sites_of(domain, zyx, name="a"):
    return place_sites(domain, zyx, [name] * len(zyx))[0]


def test_density_counts_particles_per_area_of_the_sphere(ball):
    sites = sites_of(ball, on_sphere(np.random.default_rng(0), 50))
    (density,) = density_per_area(ball, sites)
    area = 4 * np.pi * (RADIUS * VOXEL_A) ** 2 / 1e8
    assert density.area_um2 == pytest.approx(area, rel=0.01)
    assert density.per_um2 == pytest.approx(50 / area, rel=0.01)


def test_a_patch_counts_its_own_particles_and_area(ball):
    mask = ball.mesh.vertices_zyx[:, 0] > 0
    half = make_domain(ball.mesh, VOXEL_A, mask, ball.graph)
    assert half.area_A2 == pytest.approx(ball.area_A2 / 2, rel=0.05)
    points = on_sphere(np.random.default_rng(1), 80)
    sites, notes = place_sites(half, points, ["a"] * 80)
    assert abs(len(sites) - (points[:, 0] > 0).sum()) <= 3
    assert "outside of the patch" in notes[0]


def test_picks_far_from_the_membrane_do_not_count_and_that_is_said(ball):
    points = np.concatenate([on_sphere(np.random.default_rng(2), 5), [[0.0, 0.0, 60.0]]])
    sites, notes = place_sites(ball, points, ["a"] * 6)
    assert len(sites) == 5
    assert notes == ("1 of 6 picks are more than 100 Å from the membrane and do not count.",)


def test_neighbours_of_the_corners_of_a_cube_are_an_arc_away(ball):
    corners = RADIUS / np.sqrt(3) * np.array(list(product([-1, 1], repeat=3)), float)
    (found,) = nearest_neighbours(ball, sites_of(ball, corners))
    arc = RADIUS * VOXEL_A * np.arccos(1 / 3)
    np.testing.assert_allclose(found.distances_A, arc, rtol=0.03)


def test_neighbours_between_classes_and_none_for_a_lonely_one(ball):
    points = RADIUS * np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    sites, _ = place_sites(ball, points, ["a", "a", "b"])
    by_pair = {(f.from_class, f.to_class): f.distances_A for f in nearest_neighbours(ball, sites)}
    quarter = RADIUS * VOXEL_A * np.pi / 2
    np.testing.assert_allclose(by_pair["a", "a"], quarter, rtol=0.03)
    np.testing.assert_allclose(by_pair["a", "b"], quarter, rtol=0.03)
    assert by_pair["b", "b"].tolist() == [np.inf]


def test_a_distance_within_one_triangle_is_straight():
    mesh = plane(4, 4, spacing=10.0)
    domain = make_domain(mesh, 1.0)
    (found,) = nearest_neighbours(domain, sites_of(domain, [[0, 11.0, 12.0], [0, 11.0, 15.0]]))
    np.testing.assert_allclose(found.distances_A, 3.0)


def test_complete_randomness_lies_within_its_envelope(ball):
    inside = []
    for seed in range(100, 110):
        sites = sites_of(ball, on_sphere(np.random.default_rng(seed), 60))
        found = ripley(ball, sites, RADII_A, "a", "a", simulations=40, seed=seed)
        inside.append((found.low <= found.ratio) & (found.ratio <= found.high))
    assert np.mean(inside) > 0.8


def test_the_sphere_needs_no_correction_on_average(ball):
    rng = np.random.default_rng(5)
    ratios = [
        ripley(ball, sites_of(ball, on_sphere(rng, 80)), RADII_A, "a", "a", simulations=0).ratio
        for _ in range(6)
    ]
    np.testing.assert_allclose(np.mean(ratios, axis=0)[1:], 1.0, atol=0.12)


def test_edges_of_a_patch_do_not_look_like_repulsion():
    mesh = plane(40, 40, spacing=2.0)
    domain = make_domain(mesh, VOXEL_A)
    rng = np.random.default_rng(6)
    ratios = []
    for _ in range(8):
        points = np.insert(rng.uniform(0, 78, (80, 2)), 0, 0.0, axis=1)
        found = ripley(domain, sites_of(domain, points), [100.0, 250.0], "a", "a", simulations=0)
        ratios.append(found.ratio)
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1.0, atol=0.1)


def test_clusters_are_above_the_envelope_and_a_lattice_below(ball):
    sites = sites_of(ball, clustered(np.random.default_rng(7)))
    found = ripley(ball, sites, RADII_A, "a", "a", simulations=40)
    assert (found.ratio[:3] > 1.5 * found.high[:3]).all()
    assert (found.l_A[:3] > found.radii_A[:3]).all()
    i = np.arange(60) + 0.5
    polar, turn = np.arccos(1 - 2 * i / 60), np.pi * (1 + 5**0.5) * i
    lattice = RADIUS * np.stack(
        [np.cos(polar), np.sin(polar) * np.sin(turn), np.sin(polar) * np.cos(turn)], axis=1
    )
    even = ripley(ball, sites_of(ball, lattice), RADII_A, "a", "a", simulations=40)
    assert even.ratio[1] < even.low[1]


def test_a_class_that_follows_another_is_clustered_about_it(ball):
    rng = np.random.default_rng(8)
    first = on_sphere(rng, 30)
    follower = first + rng.normal(0, 1.5, first.shape)
    loner = on_sphere(rng, 30)
    points = np.concatenate([first, follower, loner])
    sites, _ = place_sites(ball, points, ["a"] * 30 + ["b"] * 30 + ["c"] * 30)
    follows = ripley(ball, sites, RADII_A, "a", "b", simulations=40)
    alone = ripley(ball, sites, RADII_A, "a", "c", simulations=40)
    assert follows.ratio[0] > 2 * follows.high[0]
    assert (alone.ratio <= 1.2 * alone.high).all()


def test_each_pick_counts_for_its_nearest_membrane(ball):
    away = np.array([0, 0, 100.0])
    other = make_domain(type(ball.mesh)(ball.mesh.vertices_zyx + away, ball.mesh.faces), VOXEL_A)
    points = np.concatenate(
        [
            on_sphere(np.random.default_rng(9), 7),
            on_sphere(np.random.default_rng(10), 4) + away,
        ]
    )
    tables = statistics_tables({"one": ball, "two": other}, points, ["a"] * 11, simulations=0)
    assert [(row["membrane"], row["count"]) for row in tables.densities] == [("one", 7), ("two", 4)]


def test_command_writes_three_tables(tmp_path):
    volume = np.zeros((80, 80, 80), np.float32)
    mesh = sphere(RADIUS, 3)
    moved = type(mesh)(mesh.vertices_zyx + 40, mesh.faces)
    save_membrane(tmp_path / "ball.h5", make_membrane("ball", moved, volume, VOXEL_A))
    points = on_sphere(np.random.default_rng(11), 12) + 40
    with (tmp_path / "picks.csv").open("w") as file:
        file.write("x,y,z,class\n")
        file.writelines(f"{x},{y},{z},{'ab'[i % 2]}\n" for i, (z, y, x) in enumerate(points))
    arguments = [str(tmp_path / "picks.csv"), "--mesh", str(tmp_path / "ball.h5")]
    with pytest.raises(SystemExit) as end:
        main(["statistics", *arguments, "--out", str(tmp_path / "t.csv"), "--simulations", "9"])
    assert end.value.code == 0
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [(row["class"], row["count"]) for row in rows] == [("a", "6"), ("b", "6")]
    neighbours = list(csv.DictReader((tmp_path / "t_neighbours.csv").open()))
    assert len(neighbours) == 24
    curve = list(csv.DictReader((tmp_path / "t_ripley.csv").open()))
    assert {(row["class"], row["other_class"]) for row in curve} == set(product("ab", repeat=2))
