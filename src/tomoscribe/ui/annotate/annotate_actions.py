"""The actions of annotation, by the names that the table of keys uses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tomoscribe.ui.annotate.junk import Junk
from tomoscribe.ui.view import shift_plane, toggle_plane

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from napari.components import ViewerModel

    from tomoscribe.ui.session import Session


MOST_PLANE_VOXELS = 400e6
"""A plane needs the whole volume in memory and on the graphics card: 1.6 GB as float32."""


def annotate_actions(session: Session) -> dict[str, Callable[[], None]]:
    """Return the actions that belong to picking and to the view."""
    return {
        "add_under_cursor": session.picks.tool.add_under_cursor,
        "junk": Junk.of(session).under_cursor,
        "previous_pick": partial(_step, session, -1),
        "next_pick": partial(_step, session, +1),
        "turn_left": partial(session.picks.tool.handle.turn, -1),
        "turn_right": partial(session.picks.tool.handle.turn, +1),
        "undo": session.undo,
        "redo": session.redo,
        "toggle_plane": partial(_toggle_plane, session),
        "toggle_averaging": session.averaging.toggle,
        **{f"class_{n}": partial(choose_class, session, n) for n in range(1, 10)},
    }


def choose_class(session: Session, number: int) -> None:
    """Make the n-th class (from 1) the active one and give it to the selected picks."""
    classes = session.classes
    if number > len(classes):
        session.status_message.emit(f"There is no class {number}; add it in the Annotate dock.")
        return
    name = classes[number - 1].name
    session.picks.relabel(session.picks.selected_ids(), name)
    session.set_active_class(name)


def move_plane_with_wheel(session: Session, viewer: ViewerModel, event: Any) -> None:
    """Move the plane along its normal on Ctrl+wheel in 3D, as napari changes slices in 2D."""
    layer = session.layer
    if viewer.dims.ndisplay == 3 and layer is not None and "Control" in event.modifiers:
        shift_plane(layer, 1.0 if event.delta[1] > 0 else -1.0)


def _step(session: Session, direction: int) -> None:
    pick = session.picks.step(direction)
    if pick is not None and session.membranes.shown:
        session.surfaces.view.face(pick.zyx, pick.normal_zyx)
    if pick is None:
        session.status_message.emit("There are no picks to go to yet.")


def _toggle_plane(session: Session) -> None:
    layer = session.layer
    if layer is None:
        session.status_message.emit("Open a tomogram first.")
        return
    if session.membranes.shown or (session.viewer.dims.ndisplay == 2 and session.membrane):
        session.surfaces.view.toggle()
        return
    if session.viewer.dims.ndisplay == 2 and layer.data.size > MOST_PLANE_VOXELS:
        session.status_message.emit(
            f"{session.current} is too large for a 3D plane ({layer.data.size / 1e6:.0f} million "
            f"voxels, {MOST_PLANE_VOXELS / 1e6:.0f} fit): bin it, or pick on its slices."
        )
        return
    toggle_plane(session.viewer, layer)
    session.picks.activate()
