"""A window and hands as for annotation, on a tomogram with two round membranes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import napari
import numpy as np
import pytest
from tests.ui.annotate.conftest import Hands as SliceHands
from tests.ui.annotate.conftest import window

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.volumes import write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project
from tomoscribe.ui.docks import AnnotateWidget

__all__ = ["window"]

SHAPE_ZYX = (40, 64, 72)
VOXEL_A = 10.0
CENTRE_ZYX = (20.0, 32.0, 24.0)
RADIUS = 14.0
SECOND_ZYX = (20.0, 32.0, 58.0)
SECOND_RADIUS = 8.0


def sphere(centre_zyx: tuple[float, float, float], radius: float) -> TriangleMesh:
    """Return a sphere of 2,562 vertices with outward winding, z y x in voxels."""
    import pyvista

    made = pyvista.Icosphere(radius=radius, nsub=4)
    # x y z read as z y x is a mirror image, so the winding is turned too.
    faces = made.regular_faces.astype(np.int64)[:, ::-1]
    return TriangleMesh(np.asarray(made.points, dtype=float) + centre_zyx, faces.copy())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tomogram `tomo.mrc` and containers of its membranes `ball` and `bead`."""
    folder = tmp_path_factory.mktemp("files")
    volume = np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32)
    write_mrc(folder / "tomo.mrc", volume, VOXEL_A)
    for name, centre, radius in (
        ("ball", CENTRE_ZYX, RADIUS), ("bead", SECOND_ZYX, SECOND_RADIUS)
    ):  # fmt: skip
        made = make_membrane(
            name, sphere(centre, radius), volume, VOXEL_A, tomogram=str(folder / "tomo.mrc")
        )
        save_membrane(folder / f"{name}.h5", made)
    return folder


@pytest.fixture
def membrane_project(files: Path, tmp_path: Path) -> Iterator[Project]:
    """A project with the tomogram, its membranes and two classes, without picks."""
    made = Project.create(tmp_path / "membranes")
    made.add_class(ParticleClass("ribosome", 60.0))
    made.add_class(ParticleClass("proteasome", 40.0, "#56b4e9"))
    made.add_tomogram(files / "tomo.mrc", name="tomo")
    for name in ("ball", "bead"):
        made.add_membrane(files / f"{name}.h5", "tomo", name=name)
    yield made
    made.close()


class Hands(SliceHands):
    """Hands that also reach into 3D."""

    def outward(self, direction_zyx: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return the point of the membrane `ball` in a direction from its centre."""
        unit = np.asarray(direction_zyx) / np.linalg.norm(direction_zyx)
        z, y, x = np.asarray(CENTRE_ZYX) + RADIUS * unit
        return float(z), float(y), float(x)

    def facing(self) -> tuple[float, float, float]:
        """Return the direction from the membrane to the viewer, z y x."""
        z, y, x = -np.asarray(self.viewer.scene.camera.view_direction)
        return float(z), float(y), float(x)


@pytest.fixture
def reopened_at() -> Callable[[Path], Project]:
    """Return a function that reads a project from disk again, as after a crash."""
    return lambda path: Project.open(path, read_only=True)


@pytest.fixture
def hands(
    window: tuple[napari.Viewer, AnnotateWidget],
    membrane_project: Project,
    process_until: Callable[..., None],
) -> Iterator[Hands]:
    """Hands on the project with membranes, in slices, `ball` being the current membrane."""
    viewer, dock = window
    viewer.dims.ndisplay = 2
    user = Hands(viewer, dock, process_until)
    user.session.set_project(membrane_project)
    user.session.picks.activate()
    user.until(lambda: len(user.session.surfaces.loaded()) == 2, "both membranes")
    user.settle()
    yield user
    viewer.dims.ndisplay = 2
    user.session.status_message.disconnect(user.messages.append)


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep answers about lost tomograms apart from the user's."""
    monkeypatch.setattr("tomoscribe.membranes.tomograms._memory", lambda: tmp_path / "answers.json")
