"""From slices to the membrane in 3D and back: what is shown, and where the camera stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from napari.layers import Image

from tomoscribe.ui.drawn_later import drawn_later
from tomoscribe.ui.view import Triple, voxels_to_world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh
    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.ui.session import Session

FILL = 0.9
"""Share of the canvas that a framed membrane takes."""

FACING = 0.5
"""Cosine between a pick's normal and the way to the viewer below which the camera turns to it."""


class Stand(NamedTuple):
    """Where the camera stands."""

    center: Triple
    zoom: float
    angles: Triple

    @classmethod
    def of(cls, viewer: ViewerModel) -> Stand:
        """Return where it stands now."""
        camera = viewer.scene.camera
        return cls(tuple(camera.center), float(camera.zoom), tuple(camera.angles))

    def take(self, viewer: ViewerModel) -> None:
        """Stand there again."""
        camera = viewer.scene.camera
        camera.center, camera.zoom, camera.angles = self.center, self.zoom, self.angles


class MembraneView:
    """The 3D view of the current membrane; each membrane's camera is remembered."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stands: dict[str, Stand] = {}
        self._slice: tuple[Stand, tuple[float, ...]] | None = None
        self._hidden: list[Image] = []
        self._listening = False

    def toggle(self) -> None:
        """Switch between slices and the membrane."""
        with drawn_later(self._session.viewer):
            if self._session.membranes.shown:
                self.leave()
            else:
                self.enter()

    def enter(self) -> None:
        """Show the current membrane in 3D; volumes are hidden, so that none is sent to the GPU."""
        session, viewer = self._session, self._session.viewer
        if session.membrane is None or session.layer is None:
            return
        self._listen()
        if viewer.dims.ndisplay == 2:
            self._slice = (Stand.of(viewer), tuple(viewer.dims.point))
        self._hidden = [x for x in viewer.layers if isinstance(x, Image) and x.visible]
        for image in self._hidden:
            image.visible = False
        viewer.dims.ndisplay = 3
        session.membranes.show(True)
        self._stand()
        session.picks.activate()

    def leave(self) -> None:
        """Go back to the slice that was left, or to that of the selected pick."""
        viewer = self._session.viewer
        self.remember()
        self._session.membranes.show(False)  # first, or napari cuts the whole mesh for a slice
        viewer.dims.ndisplay = 2
        entry, selected = self._session.entry, self._session.picks.selected_ids()
        if self._slice is not None:
            self._slice[0].take(viewer)
        else:
            viewer.reset_view()
        if entry is not None and selected and selected[-1] in entry.picks:
            self._session.fly_to(entry.picks[selected[-1]].zyx)
        elif self._slice is not None:
            viewer.dims.point = self._slice[1]
        self._show_volumes()  # last, or napari cuts them on each slice on the way
        self._session.picks.activate()

    def frame(self) -> None:
        """Bring the whole current membrane into view."""
        membrane, layer = self._session.membrane, self._session.layer
        if membrane is None or layer is None:
            return
        viewer = self._session.viewer
        low, high = membrane.mesh.vertices_zyx.min(axis=0), membrane.mesh.vertices_zyx.max(axis=0)
        if viewer.dims.ndisplay == 2:
            vertices = membrane.mesh.vertices_zyx
            middle = vertices[np.argmin(np.linalg.norm(vertices - (low + high) / 2, axis=1))]
            self._session.fly_to(middle)
            return
        turn_to(viewer, self._best_side(membrane))
        low_A, high_A = voxels_to_world(layer, low), voxels_to_world(layer, high)
        viewer.scene.camera.center = tuple((low_A + high_A) / 2)
        span = float(np.linalg.norm(high_A - low_A))
        viewer.scene.camera.zoom = FILL * min(viewer.canvas.size) / max(span, 1e-6)

    def _best_side(self, membrane: Membrane) -> NDArray[np.float64]:
        """Return from where most is seen: the broad side, and of its two the one with the picks."""
        side = broad_side(membrane.mesh, membrane.normals_zyx)
        entry, name = self._session.entry, self._session.membrane_name
        picks = entry.picks if entry is not None else ()
        normals = [p.normal_zyx for p in picks if p.membrane == name and p.normal_zyx is not None]
        return -side if sum(float(side @ normal) for normal in normals) < 0 else side

    def face(self, zyx: Sequence[float], normal_zyx: Sequence[float] | None) -> None:
        """Bring a point of the membrane to the middle; turn to it if it looks away."""
        viewer = self._session.viewer
        self._session.fly_to(zyx)
        if normal_zyx is None or viewer.dims.ndisplay == 2:
            return
        view = np.asarray(viewer.scene.camera.view_direction, dtype=float)
        normal = np.asarray(normal_zyx, dtype=float)
        if -float(view @ normal) < FACING:
            turn_to(viewer, normal)

    # ---------------------------------------------------------------- following
    def follow(self) -> None:
        """Stand where the new current membrane is seen."""
        if self._session.membranes.shown:
            self._stand()

    def _stand(self) -> None:
        name = self._session.membrane_name
        if name is not None and name in self._stands:
            self._stands[name].take(self._session.viewer)
        else:
            self.frame()

    def forget_slice(self) -> None:
        """Forget which slice was left: it was one of another tomogram."""
        self._slice = None

    def remember(self) -> None:
        """Note where the camera stands before another membrane comes."""
        name = self._session.membrane_name
        if name is not None and self._session.membranes.shown:
            self._stands[name] = Stand.of(self._session.viewer)

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            self._session.viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    def _on_ndisplay(self) -> None:
        """Hide the mesh whichever way the viewer came back to slices."""
        session = self._session
        if session.viewer.dims.ndisplay == 2 and session.membranes.shown:
            session.membranes.show(False)
            self._show_volumes()

    def _show_volumes(self) -> None:
        for image in self._hidden:
            if image in self._session.viewer.layers:
                image.visible = True
        self._hidden = []


def turn_to(viewer: ViewerModel, normal_zyx: NDArray[np.floating]) -> None:
    """Look straight at a surface whose outward normal is given."""
    camera = viewer.scene.camera
    up = np.asarray(camera.up_direction, dtype=float)
    normal = np.asarray(normal_zyx, dtype=float)
    if abs(float(up @ normal)) > 0.95 * np.linalg.norm(normal):
        up = np.roll(up, 1)
    camera.set_view_direction(tuple(-normal), tuple(up))


def broad_side(mesh: TriangleMesh, normals_zyx: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction (3,) from which most of a membrane is seen, z y x.

    It is the axis along which the vertices spread least, from the side to which more normals
    point; a sheet is seen from outside, a closed membrane from one of its flat sides.
    """
    vertices = mesh.vertices_zyx - mesh.vertices_zyx.mean(axis=0)
    _, axes = np.linalg.eigh(vertices.T @ vertices)
    axis: NDArray[np.float64] = axes[:, 0]
    outward = float((normals_zyx @ axis).sum())
    return axis if outward >= 0 else -axis
