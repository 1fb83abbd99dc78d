"""What a tick of the depth slider, a repaint with scores, and a click's profile cost the viewer.

`xvfb-run -a python benchmarks/mesh_paint.py` prints CPU-ms of one thread, with what Qt then does
but without the graphics card's share, on a sphere of 20,000 vertices.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from qtpy.QtWidgets import QApplication

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.volumes import write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.membranes.click_profile import ClickProfile
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable


SHAPE = (128, 128, 128)
RADIUS = 50.0
TICKS = 60


def sphere(vertices: int) -> TriangleMesh:
    """Return a sphere of about so many vertices."""
    import pyvista

    rings = round(np.sqrt(vertices))
    made = pyvista.Sphere(radius=RADIUS, theta_resolution=rings, phi_resolution=rings)
    faces = made.regular_faces.astype(np.int64)[:, ::-1]
    return TriangleMesh(np.asarray(made.points, float) + 63.5, faces.copy())


def make_project(folder: Path, vertices: int) -> Project:
    """Return a project with noise and one sphere in it."""
    volume = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    write_mrc(folder / "t.mrc", volume, 10.0)
    membrane = make_membrane("ball", sphere(vertices), volume, 10.0, tomogram=str(folder / "t.mrc"))
    save_membrane(folder / "ball.h5", membrane)
    project = Project.create(folder / "project")
    project.add_class(ParticleClass("particle", 100.0))
    project.add_tomogram(folder / "t.mrc")
    project.add_membrane(folder / "ball.h5", "t")
    return project


def median_ms(tick: Callable[[int], object]) -> float:
    """Return the median CPU time of a tick in ms, without drawing."""
    spent = []
    for i in range(TICKS):
        start = time.process_time()
        tick(i)
        spent.append(time.process_time() - start)
        QApplication.processEvents()
    return 1e3 * float(np.median(spent))


def main(
    folder: Annotated[Path, typer.Argument(help="New folder for the case.")] = Path("mesh_paint"),
    vertices: Annotated[int, typer.Option(help="Vertices of the mesh.")] = 20_000,
) -> None:
    """Measure."""
    folder.mkdir(parents=True, exist_ok=True)
    viewer = open_viewer()
    session = Session.of(viewer)
    session.set_project(make_project(folder, vertices))
    while session.membrane is None:
        QApplication.processEvents()
    session.actions["toggle_plane"]()
    paint, count = MeshPaint.of(session), len(session.membrane.mesh.vertices_zyx)
    density = median_ms(lambda i: paint.set_depth(-60.0 + 2 * i))
    stored = np.random.default_rng(1).integers(1, 255, (TICKS, count)).astype(np.uint8)
    scores = median_ms(lambda i: paint.set_scores(stored[i], (20.0, 200.0)))
    both = median_ms(lambda i: paint.set_depth(-60.0 + 2 * i))
    places = session.membrane.mesh.vertices_zyx[:: count // 20]
    session.edit(session.entry.picks.make_add(places, "particle", membrane="ball"))
    profile = median_ms(lambda _: ClickProfile.of(session).refresh())
    print(f"{count} vertices, {session.membrane.slab.values.shape[1]} depths; CPU-ms, median:")
    print(f"depth slider, density alone         {density:6.1f}")
    print(f"new scores over the density         {scores:6.1f}")
    print(f"depth slider under scores           {both:6.1f}")
    print(f"profile, band and plot after a click {profile:5.1f}")
    session.close_project()
    viewer.close()


if __name__ == "__main__":
    typer.run(main)
