"""The window that shows the membrane around a point flat, and takes clicks for picks on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from napari.utils.colormaps import ensure_colormap
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import PickState
from tomoscribe.ui import style
from tomoscribe.ui.annotate.pick_style import UNKNOWN_CLASS_COLOR, diameter_voxels
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.flat_raster import Raster, colored, from_colors, make_raster
from tomoscribe.ui.membranes.flat_view import FlatPick, FlatView
from tomoscribe.ui.membranes.mesh_pick_tool import Spot
from tomoscribe.ui.view import triple
from tomoscribe.ui.widgets import button, hint, row

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QCloseEvent

    from tomoscribe.membranes.flatten import FlatPatch
    from tomoscribe.membranes.locate import SurfacePoint
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.session import Session

FIRST_RADIUS_A, LEAST_RADIUS_A, MOST_RADIUS_A = 400, 150, 1500
STEP_A = 50
PICTURE = 420
"""Pixels of the picture; the membrane's own grain is coarser."""

MOST_VERTICES = 6000
"""Laid flat in some 0.2 s; 20 Å between vertices make this 140 nm across."""

NOTICED = 0.15
"""Change of area that is worth a warning: a disc of the particle's size looks off beyond it."""


class Unrolled(QWidget):
    """A window over the viewer: picture, radius, and how true the map is."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setWindowTitle("Unrolled membrane")
        self.resize(460, 540)
        self._session = session
        self._shelved: ShelvedMembrane | None = None
        self._centre: SurfacePoint | None = None
        self._background = Background(self)
        self._mapped: ShelvedMembrane | None = None
        self._reach = 1.0
        self.patch: FlatPatch | None = None
        self._raster: Raster | None = None
        self.view = FlatView()
        self.note = hint()
        self.radius = QSlider(Qt.Orientation.Horizontal)
        self.radius.setRange(LEAST_RADIUS_A // STEP_A, MOST_RADIUS_A // STEP_A)
        self.radius.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.radius.setToolTip("How far the map goes along the membrane")
        self.value = QLabel()
        self.centre_button = button(
            "Centre", "Brings the selected pick, or what the viewer looks at, here", self.centre
        )
        with QSignalBlocker(self.radius):
            self.radius.setValue(FIRST_RADIUS_A // STEP_A)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(style.SPACING,) * 4)
        column.addWidget(self.view, 1)
        column.addLayout(
            row(QLabel("Radius"), self.radius, self.value, self.centre_button, stretch=1)
        )
        column.addWidget(self.note)
        self.radius.valueChanged.connect(lambda _: self._lay_flat())
        self.view.clicked.connect(self._on_click)
        self.view.travelled.connect(self._travel)
        connect(self, session.membrane_changed, self.centre)
        connect(self, session.membranes.painted, self.repaint_values)
        connect(self, session.picks_changed, self.refresh_picks)
        connect(self, session.class_changed, self.refresh_picks)

    # ---------------------------------------------------------------- where
    def centre(self, *_: object) -> None:
        """Show the selected pick, else what the viewer looks at."""
        self._shelved = self._session.surfaces.shelved
        self._centre = None
        if self._shelved is not None and self.isVisible():
            self._centre = self._shelved.locator.closest(self._looked_at(self._shelved))
        self._lay_flat()

    def _looked_at(self, shelved: ShelvedMembrane) -> NDArray[np.float64]:
        session = self._session
        entry, selected = session.entry, session.picks.selected_ids()
        if entry is not None and selected and selected[-1] in entry.picks:
            pick = entry.picks[selected[-1]]
            if pick.membrane == shelved.name:
                return np.array(pick.zyx)
        camera = session.viewer.scene.camera
        ray = session.picks.pointer.ray(camera.center, camera.view_direction)
        if session.membranes.shown and ray is not None:
            hit = shelved.locator.intersect(*ray)
            if hit is not None:
                return hit.zyx
        focus = session.focus()
        return (
            shelved.membrane.mesh.vertices_zyx[0] if focus is None else np.array(focus.center_zyx)
        )

    def _travel(self, u: float, v: float) -> None:
        """Bring another place of the map to the middle."""
        found = None if self.patch is None else self.patch.to_mesh((u, v))
        if found is not None and self._shelved is not None:
            self._centre = self._shelved.locator.closest(found[0])
            self._lay_flat()

    # ---------------------------------------------------------------- drawing
    def _lay_flat(self) -> None:
        """Lay flat in a thread; the old map stays until the new one is there."""
        self.value.setText(f"{self.radius.value() * STEP_A / 10:.0f} nm")
        shelved, centre = self._shelved, self._centre
        self._background.drop()
        if shelved is not self._mapped:
            self._clear("")
        if shelved is None or centre is None:
            return
        asked = self.radius.value() * STEP_A / shelved.membrane.voxel_size_A
        self._background.run(lambda: lay_flat(shelved, centre, asked), self._show_map, self._failed)

    @property
    def busy(self) -> bool:
        """Whether another map is on its way."""
        return self._background.busy

    def _show_map(self, made: FlatMap) -> None:
        self._mapped, self.patch, self._raster = made.shelved, made.patch, made.raster
        self._reach = made.reach
        self.note.setText(made.words)
        self.repaint_values()
        self.refresh_picks()

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, TomoscribeError):
            raise error
        self._clear(str(error))

    def _clear(self, said: str) -> None:
        self._mapped = self.patch = self._raster = None
        self.view.clear()
        self.note.setText(said)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Stop what is under way; the window may be shown again."""
        self._background.drop()
        super().closeEvent(event)

    def repaint_values(self) -> None:
        """Show what is painted on the mesh."""
        shelved, membranes = self._mapped, self._session.membranes
        if self._raster is None or shelved is None or not self.isVisible():
            return
        if len(membranes.values) != len(shelved.membrane.mesh.vertices_zyx):
            return
        if membranes.colors is not None:
            channels = [self._raster.values(membranes.colors[:, k]) for k in range(3)]
            self._show(from_colors(np.stack(channels, axis=-1)))
            return
        colors = ensure_colormap(membranes.colormap).map(np.linspace(0, 1, 256))
        table = np.round(255 * colors).astype(np.uint8)
        picture = colored(self._raster.values(membranes.values), membranes.contrast_limits, table)
        self._show(picture)

    def _show(self, picture: NDArray[np.uint8]) -> None:
        assert self._mapped is not None
        self.view.show_picture(picture, self._reach, self._mapped.membrane.voxel_size_A)

    def refresh_picks(self, *_: object) -> None:
        """Show the picks of this membrane that lie in the map."""
        entry, shelved = self._session.entry, self._mapped
        if self.patch is None or entry is None or shelved is None or not self.isVisible():
            return
        mine = [p for p in entry.picks if p.membrane == shelved.name]
        self.view.show_picks([made for p in mine if (made := self._flat(p)) is not None])

    def _flat(self, pick: Pick) -> FlatPick | None:
        assert self.patch is not None
        assert self._mapped is not None
        found = self._mapped.locator.closest(np.array(pick.zyx))
        place = self.patch.to_map(found.zyx, found.triangle)
        if place is None:
            return None
        classes = self._session.classes
        colors = {c.name: c.color for c in classes}
        return FlatPick(
            pick.id, float(place[0]), float(place[1]),
            diameter_voxels(classes, pick.class_name, self._mapped.membrane.voxel_size_A),
            colors.get(pick.class_name, UNKNOWN_CLASS_COLOR),
            pick.state == PickState.ACCEPTED,
            pick.id in self._session.picks.selected_ids(),
        )  # fmt: skip

    # ---------------------------------------------------------------- clicking
    def _on_click(self, u: float, v: float) -> None:
        """Add a pick where the map was clicked, or select the one there."""
        shelved, entry = self._mapped, self._session.entry
        found = None if self.patch is None else self.patch.to_mesh((u, v))
        if found is None or shelved is None or entry is None:
            self._session.status_message.emit("There is no membrane under the cursor.")
            return
        zyx, triangle = found
        (normal,) = shelved.locator.normals_at(np.array([triangle]), zyx[None])
        pick = self._session.picks.tool.hit(zyx, normal)
        if pick is not None:
            self._session.picks.select([pick.id])
            self.refresh_picks()
        else:
            spot = Spot(triple(zyx), triple(normal), shelved.name, triangle)
            self._session.picks.put([spot])


@dataclass(frozen=True)
class FlatMap:
    """A patch of a membrane laid flat, its pixels, and what is to be said of it."""

    shelved: ShelvedMembrane
    patch: FlatPatch
    raster: Raster
    reach: float
    words: str


def lay_flat(shelved: ShelvedMembrane, centre: SurfacePoint, asked: float) -> FlatMap:
    """Return the map around a point of a membrane, `asked` voxels each way if it can be.

    Raises
    ------
    TomoscribeError
        If nothing around the point can be laid flat.
    """
    from tomoscribe.membranes.flatten import flatten

    mesh = shelved.membrane.mesh
    radius = affordable(mesh.vertices_zyx, centre.zyx, asked)
    patch = flatten(mesh, shelved.graph, centre, radius)
    reach = 1.02 * float(np.abs(patch.uv).max())
    said = words(patch, radius, asked, shelved.membrane.voxel_size_A)
    return FlatMap(shelved, patch, make_raster(patch, reach, PICTURE), reach, said)


def affordable(
    vertices_zyx: NDArray[np.float64], centre_zyx: NDArray[np.float64], radius: float
) -> float:
    """Return a radius in voxels, at most the one asked for, that is laid flat while one waits."""
    squared = ((vertices_zyx - centre_zyx) ** 2).sum(axis=1)
    count = int(np.count_nonzero(squared <= radius**2))
    return radius if count <= MOST_VERTICES else radius * (MOST_VERTICES / count) ** 0.5


def words(patch: FlatPatch, radius: float, asked: float, voxel_size_A: float) -> str:
    """Return how far the map goes and how true it is; radii in voxels."""
    distortion = patch.distortion
    text = (
        f"Click adds a pick, drag travels. Areas are true within {distortion.area_95:.0%}, "
        f"angles within {distortion.angle_95_deg:.0f}°."
    )
    if distortion.area_95 > NOTICED:
        text += " It curves strongly here: a smaller radius is truer."
    if patch.radius < radius:
        text += f" The membrane closes beyond {patch.radius * voxel_size_A / 10:.0f} nm."
    elif radius < asked:
        text += f" The mesh is so fine that only {radius * voxel_size_A / 10:.0f} nm are shown."
    return text
