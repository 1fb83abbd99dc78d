"""Strokes on a membrane."""

import numpy as np
from tests.membranes.shapes import plane, two_sheets

from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.membranes.patches import patch_mask, stroke_vertices
from tomoscribe.project.model import Patch


def stroke(y, x, radius, erase=False, z=0.0):
    return Patch("m", (z, y, x), radius, erase)


def test_a_stroke_covers_a_disc_around_its_centre_between_vertices():
    mesh = plane(40, 40)
    mask = patch_mask(distance_graph(mesh), mesh.vertices_zyx, [stroke(20.4, 19.7, 6.0)])
    away = np.linalg.norm(mesh.vertices_zyx - [0, 20.4, 19.7], axis=1)
    assert mask[away < 5.5].all()
    assert not mask[away > 6].any()


def test_later_strokes_count_over_earlier_ones():
    mesh = plane(40, 40)
    graph, vertices = distance_graph(mesh), mesh.vertices_zyx
    paint, erase = stroke(20, 20, 8.0), stroke(20, 26, 4.0, erase=True)
    away = np.linalg.norm(vertices - [0, 20, 26], axis=1)
    erased = patch_mask(graph, vertices, [paint, erase])
    assert not erased[away < 3.5].any()
    assert erased[(np.linalg.norm(vertices - [0, 20, 20], axis=1) < 7) & (away > 4)].all()
    again = patch_mask(graph, vertices, [erase, paint])
    assert again.sum() == patch_mask(graph, vertices, [paint]).sum() > erased.sum()


def test_strokes_of_several_sizes_are_the_union_of_each_alone():
    mesh = plane(40, 40)
    graph, vertices = distance_graph(mesh), mesh.vertices_zyx
    strokes = [stroke(10, 10, 3.0), stroke(12, 14.5, 7.0), stroke(30, 30, 1.5)]
    alone = [patch_mask(graph, vertices, [one]) for one in strokes]
    together = patch_mask(graph, vertices, strokes)
    assert together.tolist() == np.any(alone, axis=0).tolist()


def test_strokes_on_top_of_a_known_mask_need_no_replay():
    mesh = plane(30, 30)
    graph, vertices = distance_graph(mesh), mesh.vertices_zyx
    strokes = [stroke(10, 10, 5.0), stroke(12, 12, 3.0, erase=True), stroke(20, 20, 4.0)]
    base = patch_mask(graph, vertices, strokes[:2])
    kept = base.copy()
    assert (
        patch_mask(graph, vertices, strokes[2:], base=base).tolist()
        == patch_mask(graph, vertices, strokes).tolist()
    )
    assert base.tolist() == kept.tolist()


def test_a_stroke_on_a_cut_out_covers_what_it_covers_on_the_whole_mesh():
    for mesh, z in ((plane(40, 40), 0.0), (two_sheets(30, 30, gap=1.5), 1.5)):
        graph = distance_graph(mesh)
        for radius in (0.3, 2.5, 7.0):
            one = stroke(15.4, 17.7, radius, z=z)
            whole = patch_mask(graph, mesh.vertices_zyx, [one])
            assert sorted(stroke_vertices(mesh, one)) == np.flatnonzero(whole).tolist()
    assert not len(stroke_vertices(plane(10, 10), stroke(500, 500, 5.0)))


def test_the_other_leaflet_is_not_covered():
    mesh = two_sheets(30, 30, gap=1.5)
    mask = patch_mask(distance_graph(mesh), mesh.vertices_zyx, [stroke(15, 15, 6.0, z=1.5)])
    assert mask[900:].any()
    assert not mask[:900].any()


def test_no_strokes_cover_nothing():
    mesh = plane(4, 4)
    assert not patch_mask(distance_graph(mesh), mesh.vertices_zyx, []).any()
