"""Segmentations become uniform, closed, outward meshes; nothing is skipped in silence."""

from __future__ import annotations

import numpy as np
import pytest
from tests.membranes.masks import (
    CENTRE,
    SHAPE,
    TILTED_NORMAL,
    ball,
    edge_lengths,
    mesh_area,
    tilted_height,
    tilted_sheet,
    torus_distance,
    vesicle,
)

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx
from tomoscribe.membranes.meshing import mesh_segmentation
from tomoscribe.membranes.topology import open_edges


def only_mesh(mask, **options):
    result = mesh_segmentation(mask, 10.0, **options)
    assert len(result.meshes) == 1, result.skipped
    return result.meshes[0].mesh


def test_sphere_has_its_radius_its_area_and_outward_normals():
    mesh = only_mesh(ball())
    away = mesh.vertices_zyx - CENTRE
    distance = np.linalg.norm(away, axis=1)
    assert np.abs(distance - 20).mean() < 0.15
    assert mesh_area(mesh) == pytest.approx(4 * np.pi * 20**2, rel=0.02)
    cosine = np.einsum("ij,ij->i", vertex_normals_zyx(mesh), away) / distance
    assert cosine.min() > 0.98
    assert open_edges(mesh) == 0


def test_vertices_have_the_area_that_was_asked_for_and_edges_of_nearly_one_length():
    usual, coarse = only_mesh(ball()), only_mesh(ball(), area_A2=800.0)
    assert mesh_area(usual) * 100 / len(usual.vertices_zyx) == pytest.approx(400, rel=0.05)
    assert mesh_area(coarse) * 100 / len(coarse.vertices_zyx) == pytest.approx(800, rel=0.05)
    edges = edge_lengths(usual)
    assert edges.std() / edges.mean() < 0.14


def test_both_faces_of_a_vesicle_point_out_of_the_membrane():
    mesh = only_mesh(vesicle())
    away = mesh.vertices_zyx - CENTRE
    distance = np.linalg.norm(away, axis=1)
    radial = np.einsum("ij,ij->i", vertex_normals_zyx(mesh), away) / distance
    outer = distance > 20
    assert radial[outer].min() > 0.97
    assert radial[~outer].max() < -0.97
    assert np.abs(distance[outer] - 22.5).mean() < 0.15
    assert np.abs(distance[~outer] - 17.5).mean() < 0.15


@pytest.mark.parametrize("half", [2.5, 1.0, 0.6])
def test_torus_of_any_thickness_lies_within_a_quarter_voxel_of_the_true_surface(half):
    points = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in (15, 36, 36)), indexing="ij"), -1)
    mesh = only_mesh(np.abs(torus_distance(points + 0.3, 22.0, 9.0)) <= half)
    off = np.abs(torus_distance(mesh.vertices_zyx - [14.7, 35.7, 35.7], 22.0, 9.0)) - half
    assert np.abs(off).mean() < 0.1
    assert np.percentile(np.abs(off), 95) < 0.25
    assert open_edges(mesh) == 0


def test_every_component_of_a_mask_becomes_a_mesh_and_small_ones_are_told():
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[5:20, 5:20, 5:20] = 1
    mask[30:50, 30:50, 30:50] = 1
    mask[55, 55:58, 55] = 1
    result = mesh_segmentation(mask, 10.0)
    assert [m.label for m in result.meshes] == [1, 2]
    assert [m.name_suffix for m in result.meshes] == ["_1", "_2"]
    # The largest is the first.
    assert result.meshes[0].mesh.vertices_zyx.min() > 29
    assert len(result.skipped) == 1
    assert "3 voxels" in result.skipped[0]


def test_voxels_that_touch_at_corners_only_are_one_component():
    mask = np.zeros((30, 30, 30), dtype=bool)
    mask[5:12, 5:12, 5:12] = mask[12:20, 12:20, 12:20] = True
    assert len(mesh_segmentation(mask, 10.0).meshes) == 1


def test_component_of_thirty_voxels_is_meshed():
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[8:13, 8:11, 8:10] = True
    mesh = only_mesh(mask)
    assert open_edges(mesh) == 0
    low, high = mesh.vertices_zyx.min(axis=0), mesh.vertices_zyx.max(axis=0)
    assert (low > [7, 7, 7]).all()
    assert (high < [13, 11, 10]).all()


@pytest.mark.parametrize("values", [(3, 9), (3, 2**30)])
@pytest.mark.parametrize("dtype", [np.int32, np.float64])
def test_label_volume_gives_one_mesh_a_value(values, dtype):
    labels = np.zeros(SHAPE, dtype=dtype)
    labels[5:25, 5:25, 5:25] = values[0]
    labels[30:50, 30:50, 30:50] = values[1]
    labels[30:40, 5:15, 5:15] = values[1]
    result = mesh_segmentation(labels, 10.0)
    assert sorted(m.label for m in result.meshes) == sorted(values)
    assert {m.name_suffix for m in result.meshes} == {f"_{v}" for v in values}


def test_one_label_that_is_asked_for_gives_each_of_its_components():
    labels = np.zeros(SHAPE, dtype=np.int8)
    labels[5:15, 5:15, 5:15] = labels[30:40, 30:40, 30:40] = 2
    labels[45:55, 45:55, 45:55] = 1
    assert len(mesh_segmentation(labels, 10.0, only=[2]).meshes) == 2
    with pytest.raises(TomoscribeError, match="no label 7; it has 1, 2"):
        mesh_segmentation(labels, 10.0, only=[7])


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros((9, 9, 9), dtype=np.uint8), "empty"),
        (np.ones((9, 9, 9), dtype=np.uint8), "full"),
        (np.full((9, 9, 9), np.nan, dtype=np.float32), "NaN"),
        (np.linspace(0, 1, 729).reshape(9, 9, 9), "threshold"),
        (np.zeros((9, 9), dtype=np.uint8), "three axes"),
        (np.zeros((9, 9, 9), dtype=np.complex64), "whole numbers"),
    ],
)
def test_what_is_no_segmentation_is_told_in_a_sentence(labels, sentence):
    with pytest.raises(TomoscribeError, match=sentence):
        mesh_segmentation(labels, 10.0)


def test_values_below_zero_are_background_and_told():
    labels = -np.ones((30, 30, 30), dtype=np.int16)
    labels[8:20, 8:20, 8:20] = 1
    result = mesh_segmentation(labels, 10.0)
    assert len(result.meshes) == 1
    assert any("below 0" in s for s in result.skipped)


def test_mask_that_reaches_the_border_of_the_tomogram_is_closed_there():
    mask = np.zeros((30, 40, 40), dtype=bool)
    mask[12:18] = True
    mesh = only_mesh(mask)
    assert open_edges(mesh) == 0
    assert mesh.vertices_zyx.min() > -1
    assert (mesh.vertices_zyx.max(axis=0) < [30, 40, 40]).all()


def test_progress_is_told_and_stopping_keeps_the_meshes_so_far():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[5:20, 5:20, 5:20] = mask[30:50, 30:50, 30:50] = True
    shares = []
    mesh_segmentation(mask, 10.0, on_progress=lambda share, what: shares.append(share))
    assert shares[0] == 0
    assert shares[-1] == 1
    assert shares == sorted(shares)
    told = []
    result = mesh_segmentation(
        mask, 10.0, on_progress=lambda share, what: told.append(share),
        should_stop=lambda: len(told) > 1,
    )  # fmt: skip
    assert len(result.meshes) == 1
    assert result.skipped == ("Stopped: 1 of 2 parts not meshed.",)


def test_middle_of_a_tilted_sheet_is_its_middle_plane_with_a_rim():
    mesh = only_mesh(tilted_sheet(), surface="middle")
    assert np.abs(tilted_height(mesh.vertices_zyx)).max() < 0.3
    cosine = vertex_normals_zyx(mesh) @ TILTED_NORMAL
    assert np.abs(cosine).min() > 0.98
    assert np.all(cosine > 0) or np.all(cosine < 0)
    assert open_edges(mesh) > 0
    edges = edge_lengths(mesh)
    assert edges.std() / edges.mean() < 0.2


def test_middle_of_a_vesicle_is_one_outward_sphere():
    mesh = only_mesh(vesicle(), surface="middle")
    away = mesh.vertices_zyx - CENTRE
    distance = np.linalg.norm(away, axis=1)
    assert np.abs(distance - 20).max() < 0.3
    assert open_edges(mesh) == 0
    assert (np.einsum("ij,ij->i", vertex_normals_zyx(mesh), away) > 0).all()


def test_solid_body_has_no_middle_sheet_and_says_so():
    result = mesh_segmentation(ball(), 10.0, surface="middle")
    assert not result.meshes
    assert "body and no membrane" in result.skipped[0]


@pytest.mark.parametrize(
    ("name", "only", "meshes"),
    [
        ("thylakoid_membranes/T1S2M15_seg.mrc.gz", None, 1),
        ("vesicle_segs/tomo22_ves4_seg.mrc.gz", [1], 1),
        ("vesicle_segs/presynaptic_labels.mrc.gz", None, 15),
        ("mito_membranes/TE1_crop.mrc.gz", [2], 7),
    ],
)
def test_real_segmentations_become_closed_meshes_that_point_outward(shared, name, only, meshes):
    labels = np.asarray(open_volume(shared / "data" / name).data[...])
    result = mesh_segmentation(labels, 10.0, only=only)
    assert len(result.meshes) == meshes
    for each in result.meshes:
        assert open_edges(each.mesh) == 0
        wanted = only[0] if only else each.label if meshes > 1 else labels.max()
        mask = np.pad(labels == wanted, 3)
        normals = vertex_normals_zyx(each.mesh)
        inward = np.rint(each.mesh.vertices_zyx - 1.5 * normals).astype(int) + 3
        outward = np.rint(each.mesh.vertices_zyx + 1.5 * normals).astype(int) + 3
        wrong = mask[tuple(outward.T)] & ~mask[tuple(inward.T)]
        assert wrong.mean() < 0.01
