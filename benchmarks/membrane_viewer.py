"""What working on a membrane costs the viewer's own thread, at small and at huge meshes.

`xvfb-run -a python benchmarks/membrane_viewer.py` prints CPU-ms of the GUI thread, median and
worst. Events come through Qt as a user's do. What OpenGL's drawing calls take is left out: without
a graphics card they run on the processor. Data that is sent to the card counts.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from scipy.spatial import ConvexHull
from vispy.gloo import gl

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.volumes import write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import napari

VOXEL_A = 10.0
SIZES = ((20_000, 128), (41_000, 128), (500_000, 256))
"""Vertices, and voxels of the tomogram's sides; the last has a million triangles."""

TICKS = 12
DIAMETER_A = 60.0


def sphere(count: int, side: int) -> TriangleMesh:
    """Return a sphere of evenly spread vertices (a Fibonacci lattice) that fills most of a cube."""
    index = np.arange(count) + 0.5
    z, turn = 1 - 2 * index / count, np.pi * (1 + 5**0.5) * index
    flat = np.sqrt(1 - z**2)
    unit = np.stack([z, flat * np.sin(turn), flat * np.cos(turn)], axis=1)
    faces = ConvexHull(unit).simplices.astype(np.int64)
    corners = unit[faces]
    outward = np.einsum(
        "ni,ni->n",
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]),
        corners[:, 0],
    )
    faces[outward < 0] = faces[outward < 0][:, ::-1]
    return TriangleMesh(0.4 * side * unit + (side - 1) / 2, faces)


def make_project(folder: Path, count: int, side: int, picks: int) -> Project:
    """Return a project with noise, a large membrane with picks on it, and a small one."""
    shape = (side,) * 3
    volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    write_mrc(folder / "t.mrc", volume, VOXEL_A)
    project = Project.create(folder / "project")
    project.add_class(ParticleClass("particle", DIAMETER_A))
    project.add_tomogram(folder / "t.mrc")
    for name, mesh in (("large", sphere(count, side)), ("small", sphere(2_000, side))):
        made = make_membrane(name, mesh, volume, VOXEL_A, tomogram=str(folder / "t.mrc"))
        save_membrane(folder / f"{name}.h5", made)
        project.add_membrane(folder / f"{name}.h5", "t")
        if name == "large":
            # On the half that faces away from the viewer: clicks find free places.
            behind = np.flatnonzero(mesh.vertices_zyx[:, 0] > 0.6 * side)
            some = behind[:: max(len(behind) // picks, 1)][:picks]
            table = project.tomograms["t"].picks
            normals = made.normals_zyx[some]
            edit = table.make_add(
                mesh.vertices_zyx[some], "particle", normals_zyx=normals, membrane=name
            )
            project.edit("t", edit)
    return project


class Card:
    """Adds up what OpenGL's drawing takes, in seconds of this thread."""

    spent = 0.0

    @classmethod
    def watch(cls) -> None:
        """Stand between vispy and OpenGL, and between Qt and the screen."""
        for name in ("glDrawArrays", "glDrawElements", "glClear", "glReadPixels", "glFinish"):
            setattr(gl, name, cls._timed(getattr(gl, name)))

    @classmethod
    def _timed(cls, call: Callable[..., object]) -> Callable[..., object]:
        def timed(*args: object) -> object:
            start = time.thread_time()
            try:
                return call(*args)
            finally:
                cls.spent += time.thread_time() - start

        return timed

    @classmethod
    def now(cls) -> float:
        """Return the CPU time of this thread without that of drawing, in seconds."""
        return time.thread_time() - cls.spent


@dataclass
class Clock:
    """CPU times of the GUI thread by name of what was done, in ms."""

    spent: dict[str, list[float]] = field(default_factory=dict)

    def time(self, name: str, work: Callable[[], object]) -> None:
        """Do something, then let Qt do what follows from it."""
        start = Card.now()
        work()
        settle()
        self.spent.setdefault(name, []).append(1e3 * (Card.now() - start))

    def watch(self, name: str, work: Callable[[], object], until: Callable[[], bool]) -> None:
        """Do something, then let Qt run until it is done: each turn of the event loop counts."""
        turns = self.spent.setdefault(name, [])
        end = time.monotonic() + 120
        first = True
        while first or not until():
            start = Card.now()
            if first:
                work()
            first = False
            QApplication.processEvents()
            turns.append(1e3 * (Card.now() - start))
            if time.monotonic() > end:
                raise RuntimeError(f"{name} did not end within two minutes")
        settle()


def settle() -> None:
    """Let Qt do what is waiting."""
    for _ in range(5):
        QApplication.processEvents()


class Case:
    """One mesh in one viewer."""

    def __init__(self, viewer: napari.Viewer, project: Project) -> None:
        self.viewer = viewer
        self.session = Session.of(viewer)
        self.clock = Clock()
        self._canvas = viewer.window._qt_viewer.canvas
        self.native = self._canvas.native
        self.clock.watch(
            "opening the project", lambda: self.session.set_project(project), self._both_there
        )

    def _both_there(self) -> bool:
        return self.session.membrane is not None and len(self.session.surfaces.loaded()) == 2

    def run(self) -> dict[str, list[float]]:
        """Return what everything took."""
        session, clock = self.session, self.clock
        for z in range(TICKS):
            point = VOXEL_A * (60 + z)
            clock.time("slice with outline", lambda p=point: self.viewer.dims.set_point(0, p))
        toggle = session.actions["toggle_plane"]
        clock.watch("first W", toggle, self._mesh_drawn)
        for _ in range(3):
            clock.watch("W again", toggle, lambda: True)
        if not session.membranes.shown:
            toggle()
        settle()
        paint = MeshPaint.of(session)
        count = len(session.membrane.mesh.vertices_zyx)
        noise = np.random.default_rng(1).normal(size=(TICKS, count)).astype(np.float32)
        for i in range(TICKS):
            clock.time("depth tick", lambda i=i: paint.set_depth(-60.0 + 5 * i))
        for i in range(TICKS):
            clock.time("set_values", lambda i=i: session.membranes.set_values(noise[i]))
        places = self._places()
        self._rays(places)
        before = len(session.entry.picks)
        for place in places[:TICKS]:
            at = self.pixel(place)
            clock.time(
                "click to pick",
                lambda at=at: QTest.mouseClick(self.native, Qt.MouseButton.LeftButton, pos=at),
            )
        added = len(session.entry.picks) - before
        if added != TICKS:
            raise RuntimeError(f"{TICKS} clicks added {added} picks")
        self._drag("drag of a pick, a move", places[0], places[TICKS + 1])
        self._brush(places)
        self._unroll(places)
        clock.watch("switching membrane", lambda: session.set_membrane("small"), lambda: True)
        clock.watch("and back", lambda: session.set_membrane("large"), self._mesh_drawn)
        return clock.spent

    def _mesh_drawn(self) -> bool:
        """Tell whether the whole mesh is in the picture."""
        layer, membrane = self.session.membranes.layer, self.session.membrane
        node = None if layer is None else self._canvas.layer_to_visual[layer].node
        return (
            node is not None
            and layer.visible
            and not node._data_changed
            and membrane is not None
            and len(layer.vertices) == len(membrane.mesh.vertices_zyx)
        )

    def _places(self) -> list[np.ndarray]:
        """Return free places of the mesh that face the viewer, well apart."""
        mesh = self.session.membrane.mesh
        middle = (mesh.vertices_zyx.max(axis=0) + mesh.vertices_zyx.min(axis=0)) / 2
        radius = float(np.ptp(mesh.vertices_zyx[:, 0])) / 2
        toward = -np.asarray(self.viewer.scene.camera.view_direction)
        up = np.asarray(self.viewer.scene.camera.up_direction)
        side = np.cross(toward, up)
        places = []
        for a in np.linspace(-0.55, 0.55, 5):
            for b in np.linspace(-0.55, 0.55, 5):
                ways = np.sqrt(1 - a**2 - b**2) * toward + a * up + b * side
                places.append(middle + radius * ways / np.linalg.norm(ways))
        return places

    def _rays(self, places: list[np.ndarray]) -> None:
        pointer = self.session.picks.pointer
        direction = self.viewer.scene.camera.view_direction
        layer = self.session.layer
        for place in places:
            world = layer.data_to_world(place)
            self.clock.time(
                "ray cast", lambda w=world: pointer.first_hit(pointer.ray(w, direction))
            )

    def _moves(self, start: np.ndarray, end: np.ndarray) -> Iterator[tuple[QEvent.Type, QPoint]]:
        first, last = self.pixel(start), self.pixel(end)
        yield QEvent.Type.MouseButtonPress, first
        for share in np.linspace(0.05, 1.0, TICKS):
            yield QEvent.Type.MouseMove, first + (last - first) * float(share)
        yield QEvent.Type.MouseButtonRelease, last

    def _drag(self, name: str, start: np.ndarray, end: np.ndarray) -> None:
        for kind, at in self._moves(start, end):
            last = kind == QEvent.Type.MouseButtonRelease
            self.clock.time(
                name.replace("a move", "letting go") if last else name,
                lambda kind=kind, at=at: self._send(kind, at),
            )

    def _brush(self, places: list[np.ndarray]) -> None:
        self.session.surfaces.brush.set_mode("paint")
        settle()
        self._drag("brush stroke, a move", places[6], places[18])
        self._drag("second brush stroke, a move", places[8], places[16])
        self.session.surfaces.brush.set_mode("off")

    def _unroll(self, places: list[np.ndarray]) -> None:
        from tomoscribe.ui.membranes.unrolled import Unrolled

        window = Unrolled(self.session, self.viewer.window._qt_window)
        window.show()
        settle()
        self.clock.watch("laying flat", window.centre, lambda: window.patch is not None)
        window.close()

    def pixel(self, zyx: np.ndarray) -> QPoint:
        """Return where on the canvas a voxel is."""
        z, y, x = self.session.layer.data_to_world(zyx)
        mapped = self._canvas.view.scene.transform.map((x, y, z, 1))
        return QPoint(round(mapped[0] / mapped[3]), round(mapped[1] / mapped[3]))

    def _send(self, kind: QEvent.Type, at: QPoint) -> None:
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        button = none if kind == QEvent.Type.MouseMove else left
        held = none if kind == QEvent.Type.MouseButtonRelease else left
        on_screen = QPointF(self.native.mapToGlobal(at))
        event = QMouseEvent(
            kind, QPointF(at), on_screen, button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(self.native, event)


def main(
    picks: Annotated[int, typer.Option(help="Picks that are there already.")] = 500,
    only: Annotated[int, typer.Option(help="Measure this size alone, counted from 0.")] = -1,
) -> None:
    """Measure."""
    Card.watch()
    for count, side in SIZES if only < 0 else SIZES[only : only + 1]:
        folder = Path(tempfile.mkdtemp(prefix="membrane_viewer"))
        try:
            project = make_project(folder, count, side, picks)
            viewer = open_viewer()
            settle()
            spent = Case(viewer, project).run()
            Session.of(viewer).close_project()
            viewer.close()
            settle()
        finally:
            shutil.rmtree(folder)
        print(f"\n{count} vertices, {picks} picks; CPU-ms of the GUI thread")
        print(f"{'':34}{'median':>8}{'max':>8}")
        for name, times in spent.items():
            print(f"{name:34}{np.median(times):8.1f}{max(times):8.1f}")


if __name__ == "__main__":
    typer.run(main)
