"""The cache: same geometry, same operators, whatever happens to its files."""

import os
from pathlib import Path

import numpy as np
import pytest
from tests.membranes.shapes import normals, plane, sphere

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes import operator_cache
from tomoscribe.membranes.operator_cache import MeshOperators, cache_folder, mesh_operators


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the membranes whose operators were computed."""
    names: list[str] = []
    make = operator_cache.make_operators

    def counting(*args: object, name: str) -> object:
        names.append(name)
        return make(*args, name=name)  # type: ignore[arg-type]

    monkeypatch.setattr(operator_cache, "make_operators", counting)
    return names


def _get(folder: Path, mesh: TriangleMesh, name: str = "m1", k: int = 10) -> MeshOperators:
    return mesh_operators(
        mesh, normals(mesh), 10.0, name=name, k=k, core=100, total=150, folder=folder
    )


def test_what_is_read_is_what_was_made(tmp_path: Path) -> None:
    mesh = sphere(30.0, 3)
    first, second = _get(tmp_path, mesh), _get(tmp_path, mesh)
    assert len(second.parts) == len(first.parts) > 3
    for one, other in zip(first.parts, second.parts, strict=True):
        assert np.array_equal(one.vertices, other.vertices)
        assert np.array_equal(one.core, other.core)
        assert np.array_equal(one.faces, other.faces)
    for one, other in zip(first.operators, second.operators, strict=True):
        assert np.allclose(one.eigenvectors, other.eigenvectors, rtol=1e-6, atol=1e-5)
        assert np.allclose(one.mass, other.mass)
        for matrix in ("laplacian", "gradient_x", "gradient_y"):
            left, right = getattr(one, matrix), getattr(other, matrix)
            assert abs(left - right).max() < 1e-6 * abs(left).max()


def test_a_known_membrane_is_not_computed_again(tmp_path: Path, made: list[str]) -> None:
    mesh = plane(10, 10)
    _get(tmp_path, mesh, "first")
    _get(tmp_path, mesh, "renamed")
    assert made == ["first"]


def test_another_geometry_or_k_is_another_entry(tmp_path: Path, made: list[str]) -> None:
    mesh = plane(10, 10)
    moved = TriangleMesh(mesh.vertices_zyx + [[1e-6, 0, 0]] * len(mesh.vertices_zyx), mesh.faces)
    _get(tmp_path, mesh)
    _get(tmp_path, moved)
    _get(tmp_path, mesh, k=11)
    assert len(made) == 3


@pytest.mark.parametrize("left", [0, 10, 2000])
def test_a_broken_entry_is_made_again(tmp_path: Path, made: list[str], left: int) -> None:
    mesh = plane(10, 10)
    whole = _get(tmp_path, mesh)
    (entry,) = tmp_path.glob("*.npz")
    entry.write_bytes(entry.read_bytes()[:left])
    again = _get(tmp_path, mesh)
    assert np.allclose(again.operators[0].eigenvalues, whole.operators[0].eigenvalues)
    _get(tmp_path, mesh)
    assert len(made) == 2


def test_an_entry_with_a_flipped_bit_is_made_again(tmp_path: Path, made: list[str]) -> None:
    mesh = plane(10, 10)
    _get(tmp_path, mesh)
    (entry,) = tmp_path.glob("*.npz")
    data = bytearray(entry.read_bytes())
    data[len(data) // 3] ^= 0x40
    entry.write_bytes(bytes(data))
    _get(tmp_path, mesh)
    assert len(made) == 2


def test_the_longest_unused_entry_goes_when_the_folder_is_full(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    meshes = [plane(10, 10), plane(10, 11), plane(11, 10)]
    for age, mesh in zip((300, 200), meshes, strict=False):
        before = set(tmp_path.glob("*.npz"))
        _get(tmp_path, mesh)
        (entry,) = set(tmp_path.glob("*.npz")) - before
        os.utime(entry, (1e9 - age, 1e9 - age))
    _get(tmp_path, meshes[0])  # used again, so that the second is now the oldest
    size = max(path.stat().st_size for path in tmp_path.glob("*.npz"))
    monkeypatch.setattr(operator_cache, "LIMIT_BYTES", int(2.5 * size))
    _get(tmp_path, meshes[2])
    made.clear()
    _get(tmp_path, meshes[0])
    assert made == []
    _get(tmp_path, meshes[1])
    assert made == ["m1"]


def test_without_a_place_to_keep_them_operators_are_made_and_a_note_says_so(
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    found = _get(blocked, plane(10, 10))
    assert len(found.operators) == 1
    assert "not kept" in found.notes[0]


def test_a_membrane_without_a_basis_is_named_and_leaves_no_entry(tmp_path: Path) -> None:
    mesh = plane(5, 5)
    mesh.vertices_zyx[3] = np.nan
    with pytest.raises(TomoscribeError, match="vesicle 7"):
        mesh_operators(mesh, np.ones((25, 3)), 10.0, name="vesicle 7", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_progress_ends_at_one(tmp_path: Path) -> None:
    told: list[float] = []
    mesh = sphere(30.0, 3)
    mesh_operators(
        mesh,
        normals(mesh),
        10.0,
        name="m",
        k=4,
        core=100,
        total=150,
        folder=tmp_path,
        on_progress=told.append,
    )
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here" / "operators"
