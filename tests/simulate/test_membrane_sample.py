"""The sample of membranes: what stands where, and the project made of it."""

import csv

import numpy as np
import pytest
from scipy.spatial import KDTree

from tomoscribe.membranes.membrane import load_membrane
from tomoscribe.project.model import Role
from tomoscribe.project.store import Project
from tomoscribe.simulate.membrane_project import make_membrane_project
from tomoscribe.simulate.membrane_sample import simulate_membranes


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the sample project."""
    return make_membrane_project(tmp_path_factory.mktemp("sample") / "project")


def test_the_same_seed_gives_the_same_tomogram() -> None:
    one, other = simulate_membranes(3), simulate_membranes(3)
    np.testing.assert_array_equal(one.volume, other.volume)
    np.testing.assert_array_equal(one.zyx, other.zyx)


def test_the_project_trains_on_two_and_validates_on_one(project: Project) -> None:
    roles = sorted(entry.role for entry in project.membranes.values())
    assert roles == sorted([Role.TRAIN, Role.TRAIN, Role.VALIDATE, Role.UNUSED])
    assert len(project.classes) == 2
    assert not any(len(entry.picks) for entry in project.tomograms.values())


def test_particles_stand_on_the_outer_face_of_their_membrane(project: Project) -> None:
    with (project.membranes_dir.parent / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["class"] for row in rows} == {"barrel", "ring", "globule"}
    for name, entry in project.membranes.items():
        membrane = load_membrane(entry.path)
        mine = [row for row in rows if name.endswith(row["membrane"])]
        places = np.array([[float(row[a]) for a in "zyx"] for row in mine])
        normals = np.array([[float(row[a]) for a in ("nz", "ny", "nx")] for row in mine])
        away, nearest = KDTree(membrane.mesh.vertices_zyx).query(places)
        assert away.max() < 2
        assert (membrane.normals_zyx[nearest] * normals).sum(axis=1).min() > 0.9


def test_particles_are_dark_above_their_membrane() -> None:
    made = simulate_membranes()
    solid = np.array(made.class_names) == "globule"
    above = np.rint(made.zyx + 4 * made.normals_zyx)[solid].astype(int)
    assert made.volume[tuple(above.T)].mean() < made.volume.mean() - 1
