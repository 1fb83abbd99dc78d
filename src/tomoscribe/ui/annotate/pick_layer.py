"""The layer `picks`: shows the pick table, and turns what is done to it into edits of the table.

The table is the truth. The layer is written from it after every edit and never holds
anything that the table does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.picks.table import Edit, PickState, PickTable
from tomoscribe.ui.annotate.pick_style import FACE_ALPHA, MESH_SIZE, SYMBOLS, look_of, on_mesh, rgba
from tomoscribe.ui.annotate.pick_tool import PickTool
from tomoscribe.ui.lost_tomogram import LostTomogram
from tomoscribe.ui.membranes.mesh_pick_tool import MeshPointer, Spot, placed
from tomoscribe.ui.view import triple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Points

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.annotate.pick_style import PickLook
    from tomoscribe.ui.session import Session
    from tomoscribe.ui.view import Triple

NAME = "picks"


class PickLayer:
    """Keeps the Points layer and the current pick table the same."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: tuple[int, ...] = ()
        self.look: PickLook | None = None
        self._writing = self._on_mesh_now = False
        self._layer: Points | None = None
        self._expected: tuple[Points | None, float, str] = (None, 0.0, "")
        self.pointer = MeshPointer(session)
        self.tool = PickTool(session, self)
        session.membranes.shown_changed.connect(self._on_mesh)
        session.membrane_changed.connect(self._on_mesh)

    @property
    def layer(self) -> Points | None:
        """The Points layer, if it is in the viewer."""
        if self._layer is not None and self._layer not in self._session.viewer.layers:
            self._layer = None
        return self._layer

    @property
    def _table(self) -> PickTable | None:
        entry = self._session.entry
        return None if entry is None else entry.picks

    # ---------------------------------------------------------------- table to layer
    def rebuild(self) -> None:
        """Write the whole table into the layer; without a tomogram there is no layer."""
        image, entry = self._session.layer, self._session.entry
        if image is None or entry is None:
            if self.layer is not None:
                self._session.viewer.layers.remove(self.layer)
            self._ids = ()
            self.look = None
            return
        layer = self.layer or self._make()
        for own in ("scale", "translate", "units"):
            if not np.array_equal(getattr(layer, own), getattr(image, own)):
                setattr(layer, own, getattr(image, own))  # each draws all picks
        self._write()
        self._show_neighbours()

    def patch(self, edit: Edit) -> None:
        """Bring the layer up to date after an edit of the table."""
        del edit  # napari redraws all points for any change, so a partial write saves nothing
        if self.layer is None:
            self.rebuild()
        else:
            self._write()

    def _on_mesh(self, *_: object) -> None:
        """Draw the picks anew: on a mesh they are smaller, lifted, and dim where it is another."""
        if self._on_mesh_now or self._session.membranes.shown:
            self._expected = (None, 0.0, "")
            self._write()

    def activate(self) -> None:
        """Make this the active layer, ready for clicks."""
        layer = self.layer
        if layer is not None:
            self._session.viewer.layers.selection.active = layer
            layer.mode = "add"

    def _make(self) -> Points:
        image = self._session.layer
        assert image is not None
        layer: Points = self._session.viewer.add_points(
            np.empty((0, 3)),
            ndim=3,
            name=NAME,
            scale=image.scale,
            translate=image.translate,
            units=image.units,
            axis_labels=("z", "y", "x"),
            projection_mode="rescale_spherical",
            border_width=0.06,
        )
        layer.events.data.connect(self._on_data)
        self.tool.attach(layer)
        layer.selected_data.events.items_changed.connect(self._on_selection)
        self._layer = layer
        LostTomogram.of(self._session)
        self.activate()
        return layer

    def _write(self) -> None:
        layer, entry = self.layer, self._session.entry
        if layer is None or entry is None:
            return
        selected = self.selected_ids()
        look = look_of(entry.picks, self._session.classes, entry.voxel_size_A)
        self._on_mesh_now = self._session.membranes.shown
        if self._on_mesh_now:
            look = on_mesh(look, entry.picks, self._session.membrane_name)
        self.look = look
        rows = {pick_id: row for row, pick_id in enumerate(look.ids)}
        self._writing = True
        try:
            layer.selected_data = set()
            self._expect_clicks(layer)
            # Each setter would redraw all points; one refresh at the end draws them once.
            with layer.events.blocker_all():
                layer.data = look.zyx
                if look.ids:
                    _set_where_new(layer, look)
                    layer.features = look.features
            self._ids = look.ids
            layer.refresh(extent=False)
            layer.events.features()
            layer.selected_data = {rows[i] for i in selected if i in rows}
        finally:
            self._writing = False
        self.tool.handle.redraw()

    def _expect_clicks(self, layer: Points) -> None:
        """Give napari the look of the next click, which then need not be set."""
        session, entry = self._session, self._session.entry
        particle = next((c for c in session.classes if c.name == session.active_class), None)
        if entry is None or particle is None:
            return
        size = particle.diameter_A / entry.voxel_size_A
        if self._session.membranes.shown:
            size *= MESH_SIZE
        if self._expected == (layer, size, particle.color):
            return
        self._expected = (layer, size, particle.color)
        layer.current_size = size
        layer.current_symbol = SYMBOLS[PickState.ACCEPTED]
        layer.current_face_color = rgba(particle.color, FACE_ALPHA[PickState.ACCEPTED])
        layer.current_border_color = rgba(particle.color)

    def _show_neighbours(self) -> None:
        """Show each pick on all slices that its sphere cuts, not on the middle one only."""
        dims = self._session.viewer.dims
        widest = max((c.diameter_A for c in self._session.classes), default=0.0)
        if tuple(dims.thickness) != (widest,) * dims.ndim:  # napari slices all layers anew
            dims.thickness = (widest,) * dims.ndim

    # ---------------------------------------------------------------- layer to table
    def _on_data(self, event: Any) -> None:
        """Take over what napari's own tools did: delete, drag in select mode, paste."""
        layer, table = self.layer, self._table
        if self._writing or layer is None or table is None:
            return
        action = str(event.action)
        if action == "added":
            rows = layer.data[[int(i) for i in event.data_indices]]
            self.add(rows)
        elif action == "removed":
            self._session.edit(table.make_remove(self._ids[i] for i in event.data_indices))
        elif action == "changed" and len(layer.data) == len(self._ids):
            self.move({self._ids[i]: triple(layer.data[i]) for i in event.data_indices})
        else:
            return
        self._write()

    # ---------------------------------------------------------------- edits
    def add(self, zyx: np.ndarray) -> None:
        """Add human picks of the active class at (N, 3) voxels, on the membrane if it is near."""
        reach = self.pointer.reach(self._session.active_class)
        self.put([self.pointer.snap(place, reach) for place in np.atleast_2d(zyx)])

    def put(self, spots: Sequence[Spot]) -> None:
        """Add human picks of the active class at places that were found already."""
        table, class_name = self._table, self._session.active_class
        if table is None or class_name is None:
            self._session.status_message.emit("Open a tomogram and add a class first.")
            return
        edit = table.make_add([spot.zyx for spot in spots], class_name)
        pairs = zip(edit.after, spots, strict=True)
        self._session.edit(Edit(after=tuple(placed(pick, spot) for pick, spot in pairs)))

    def move(self, positions: dict[int, Triple]) -> None:
        """Move picks by id to voxel positions, onto the membrane if it is near."""
        table = self._table
        if table is None:
            return
        reach = {i: self.pointer.reach(table[i].class_name) for i in positions}
        self.place({i: self.pointer.snap(zyx, reach[i]) for i, zyx in positions.items()})

    def place(self, spots: dict[int, Spot]) -> None:
        """Move picks by id to places, with new normals; those that stay are left alone."""
        table = self._table
        if table is None:
            return
        before = tuple(table[i] for i, spot in spots.items() if table[i].zyx != spot.zyx)
        if before:
            self._session.edit(Edit(before, tuple(placed(p, spots[p.id]) for p in before)))

    def turn(self, angles_deg: dict[int, float]) -> None:
        """Set the in-plane angles of picks by id, in degrees."""
        table = self._table
        if table is None:
            return
        before = tuple(table[i] for i in angles_deg if i in table)
        after = tuple(replace(p, angle_deg=angles_deg[p.id] % 360.0) for p in before)
        if before != after:
            self._session.edit(Edit(before, after))

    def relabel(self, ids: Iterable[int], class_name: str) -> None:
        """Give picks another class."""
        table = self._table
        if table is None:
            return
        changed = [i for i in ids if i in table and table[i].class_name != class_name]
        if changed:
            self._session.edit(table.make_change(changed, class_name=class_name))

    # ---------------------------------------------------------------- selection
    def selected_ids(self) -> list[int]:
        """Return the ids of the selected picks."""
        layer = self.layer
        if layer is None:
            return []
        return [self._ids[i] for i in sorted(layer.selected_data) if i < len(self._ids)]

    def select(self, ids: Iterable[int]) -> None:
        """Select picks by id."""
        layer = self.layer
        if layer is not None:
            wanted = set(ids)
            layer.selected_data = {row for row, i in enumerate(self._ids) if i in wanted}

    def row_of(self, pick_id: int) -> int:
        """Return the layer's row of a pick."""
        return self._ids.index(pick_id)

    def _on_selection(self, *_: object) -> None:
        if not self._writing:
            self.tool.handle.redraw()

    def step(self, direction: int) -> Pick | None:
        """Select the next (+1) or previous (-1) pick by depth, fly there, and return it."""
        table = self._table
        if not table:
            return None
        ordered = sorted(table, key=lambda p: p.zyx)
        selected = self.selected_ids()
        if selected:
            at = next(i for i, p in enumerate(ordered) if p.id == selected[-1])
            pick = ordered[(at + direction) % len(ordered)]
        else:
            pick = ordered[0 if direction > 0 else -1]
        self._session.fly_to(pick.zyx)
        self.select([pick.id])
        return pick


def _set_where_new(layer: Points, look: PickLook) -> None:
    """Set what differs: a setter costs more than a look at a thousand rows."""
    if not np.array_equal(layer.size, look.size):
        layer.size = look.size
    if [str(symbol) for symbol in layer.symbol] != list(look.symbol):
        layer.symbol = look.symbol
    for name, colors in (("face_color", look.face), ("border_color", look.border)):
        if not np.allclose(getattr(layer, name), colors, atol=1e-3):
            setattr(layer, name, colors)
