"""A project with two round membranes in the real window, and a worker's side of a mesh run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import napari
import numpy as np
import pytest
from tests.ui.annotate.conftest import window
from tests.ui.conftest import FakeWorker
from tests.ui.membranes.conftest import CENTRE_ZYX, RADIUS, files, membrane_project

from tomoscribe.project.store import Project
from tomoscribe.training import events as ev
from tomoscribe.ui.session import Session

__all__ = ["files", "membrane_project", "window"]

DIRECTIONS = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]])
PLACES_ZYX = np.asarray(CENTRE_ZYX) + RADIUS * DIRECTIONS
"""Where the particles of the membrane `ball` lie, with the outward normals `DIRECTIONS`."""


class MeshWorker(FakeWorker):
    """Writes previews of a membrane as a worker does."""

    def announce_mesh(self, vertices: int, sample: str = "ball") -> None:
        """Begin a preview of this step's weights on a membrane."""
        path = self.run.preview_path(self.name, sample)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.emit(
            ev.Preview, checkpoint=self.name, sample=sample, path=self.run.relative(path),
            shape_zyx=[1, 1, vertices], bin=1, class_names=["ribosome"], kind="mesh",
        )  # fmt: skip

    def preview_mesh(self, scores: np.ndarray, sample: str = "ball") -> None:
        """Write a whole preview of scores (V,)."""
        self.announce_mesh(len(scores), sample)
        self.block(scores[None, None, None].astype(np.float32), sample=sample)


@pytest.fixture
def mesh_worker(membrane_project: Project) -> MeshWorker:
    """A run of the project with membranes whose worker is played by the test."""
    return MeshWorker(membrane_project)


@pytest.fixture
def session(
    window: tuple[napari.Viewer, object],
    membrane_project: Project,
    process_until: Callable[..., None],
) -> Iterator[Session]:
    """The project in the window, with the membrane `ball` shown in 3D."""
    viewer, _ = window
    viewer.dims.ndisplay = 2
    made = Session.of(viewer)
    made.set_project(membrane_project)
    process_until(lambda: len(made.surfaces.loaded()) == 2, "both membranes")
    made.set_membrane("ball")
    made.actions["toggle_plane"]()
    assert made.membranes.shown
    yield made
    made.close_project()
    viewer.dims.ndisplay = 2


@pytest.fixture
def bumps(session: Session) -> Callable[..., np.ndarray]:
    """Return a function that makes scores (V,) with a peak of given height at each place."""

    def make(heights: list[float]) -> np.ndarray:
        assert session.membrane is not None
        vertices = session.membrane.mesh.vertices_zyx
        scores = np.full(len(vertices), 0.02, np.float32)
        for place, height in zip(PLACES_ZYX, heights, strict=True):
            away = ((vertices - place) ** 2).sum(axis=1)
            scores = np.maximum(scores, height * np.exp(-away / 8))
        return scores

    return make
