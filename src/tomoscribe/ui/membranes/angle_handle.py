"""The arrow that turns a pick about its normal: shown on the mesh for the selected pick.

The arrow is the particle's x axis, so that it shows exactly what is exported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Vectors

from tomoscribe.coords import normals_to_relion, relion_rotation, xyz_to_zyx
from tomoscribe.ui.annotate.pick_style import diameter_voxels, lift_of
from tomoscribe.ui.quiet_layer import add_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.annotate.pick_layer import PickLayer
    from tomoscribe.ui.session import Session

NAME = "in-plane angle"
COLOR = "#f0e442"
STEP_DEG = 5.0
GRIP = 0.3
"""Share of the arrow around its tip that the mouse can grab."""


def x_axis_zyx(normal_zyx: Any, angle_deg: float) -> NDArray[np.float64]:
    """Return the particle's x axis in the tomogram, a unit vector (3,) z y x.

    As RELION turns it: the normal is the z axis, the angle is `rot`.
    """
    rotation = relion_rotation(normals_to_relion([normal_zyx], [angle_deg]))
    return np.asarray(xyz_to_zyx(rotation.apply([[1.0, 0.0, 0.0]]))[0])


def angle_towards(normal_zyx: Any, way_zyx: NDArray[np.floating]) -> float:
    """Return the in-plane angle in degrees, 0..360, at which the x axis points along `way_zyx`."""
    at_0, at_90 = x_axis_zyx(normal_zyx, 0.0), x_axis_zyx(normal_zyx, 90.0)
    return float(np.degrees(np.arctan2(way_zyx @ at_90, way_zyx @ at_0)) % 360.0)


class AngleHandle:
    """Draws the arrow of the selected pick, and turns the pick with the mouse or keys."""

    def __init__(self, session: Session, picks: PickLayer) -> None:
        self._session = session
        self._picks = picks
        self._layer: Vectors | None = None
        self._preview: float | None = None
        self._dragged: Pick | None = None

    @property
    def pick(self) -> Pick | None:
        """The one selected pick that has a normal, while the mesh is shown."""
        entry, selected = self._session.entry, self._picks.selected_ids()
        if entry is None or len(selected) != 1 or not self._session.membranes.shown:
            return None
        pick = entry.picks[selected[0]] if selected[0] in entry.picks else None
        if self._dragged is not None and pick is not None and pick.id == self._dragged.id:
            pick = self._dragged
        return None if pick is None or pick.normal_zyx is None else pick

    def turn(self, steps: int) -> None:
        """Turn the selected picks by steps of 5 degrees."""
        entry = self._session.entry
        chosen = [
            entry.picks[i]
            for i in self._picks.selected_ids()
            if entry is not None and i in entry.picks and entry.picks[i].normal_zyx is not None
        ]
        if not chosen:
            self._session.status_message.emit("Select a pick on a membrane first, then turn it.")
            return
        self._picks.turn(
            {p.id: float(np.nan_to_num(p.angle_deg)) + STEP_DEG * steps for p in chosen}
        )

    # ---------------------------------------------------------------- drawing
    def arrow(self) -> NDArray[np.float64] | None:
        """Return start and way (2, 3) of the arrow, voxels z y x."""
        pick, entry = self.pick, self._session.entry
        if pick is None or entry is None or pick.normal_zyx is None:
            return None
        diameter = diameter_voxels(self._session.classes, pick.class_name, entry.voxel_size_A)
        angle = float(np.nan_to_num(pick.angle_deg)) if self._preview is None else self._preview
        above = lift_of(diameter) * np.asarray(pick.normal_zyx)
        way = 0.75 * diameter * x_axis_zyx(pick.normal_zyx, angle)
        return np.stack([np.asarray(pick.zyx) + above, way])

    def show_dragged(self, pick: Pick | None) -> None:
        """Draw the arrow of a pick where it is dragged to; None ends it."""
        self._dragged = pick
        self.redraw()

    def redraw(self) -> None:
        """Bring the arrow up to date."""
        arrow, layer = self.arrow(), self._existing()
        if arrow is None:
            if layer is not None:
                layer.visible = False
            return
        if layer is None:
            layer = self._make()
        layer.data = arrow[None]
        layer.edge_width = max(0.12 * float(np.linalg.norm(arrow[1])), 0.3)
        layer.visible = True

    def _existing(self) -> Vectors | None:
        if self._layer is not None and self._layer not in self._session.viewer.layers:
            self._layer = None
        return self._layer

    def _make(self) -> Vectors:
        image, viewer = self._session.layer, self._session.viewer
        assert image is not None
        arrow = Vectors(
            np.zeros((1, 2, 3)), name=NAME, scale=image.scale, translate=image.translate,
            units=image.units, axis_labels=("z", "y", "x"), vector_style="arrow",
            edge_color=COLOR,
        )  # fmt: skip
        self._layer = add_quietly(viewer, arrow)
        return self._layer

    # ---------------------------------------------------------------- mouse
    def is_at(self, event: Any) -> bool:
        """Tell whether the mouse is at the arrow's tip."""
        arrow = self.arrow()
        ray = self._picks.pointer.ray(event.position, event.view_direction)
        if arrow is None or ray is None:
            return False
        length = float(np.linalg.norm(arrow[1]))
        return bool(ray.distance_to(arrow[0] + arrow[1]) <= GRIP * length)

    def drag(self, event: Any) -> Iterator[None]:
        """Turn the pick to where the mouse is; one edit when the button is let go."""
        event.handled = True
        pick = self.pick
        yield
        while pick is not None and event.type == "mouse_move":
            event.handled = True
            self._follow(event, pick)
            yield
        event.handled = True
        angle, self._preview = self._preview, None
        if pick is not None and angle is not None:
            self._picks.turn({pick.id: angle})

    def _follow(self, event: Any, pick: Pick) -> None:
        arrow = self.arrow()
        ray = self._picks.pointer.ray(event.position, event.view_direction)
        if ray is None or arrow is None:
            return
        normal = np.asarray(pick.normal_zyx)
        slope = float(ray.direction @ normal)
        if abs(slope) < 1e-3:  # seen from the side, the plane of the arrow is a line
            return
        there = ray.start + ((arrow[0] - ray.start) @ normal) / slope * ray.direction
        self._preview = angle_towards(normal, there - arrow[0])
        self.redraw()
