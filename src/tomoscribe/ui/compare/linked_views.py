"""Keeps two viewer models on the same spot: camera, slice, and 2D or 3D, whichever is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel

CAMERA = ("center", "zoom", "angles", "perspective", "orientation")
"""What of the camera is shared; zoom is pixels a world unit, so both show the same scale."""


class LinkedViews:
    """Two views that move together between `link` and `unlink`."""

    def __init__(self, one: ViewerModel, other: ViewerModel) -> None:
        self._both = (one, other)
        self._linked = False
        self._echo = False

    def link(self) -> None:
        """Bring the other to where the one is, and keep them together."""
        self._follow(*self._both)
        if self._linked:
            return
        self._linked = True
        for emitter, slot in self._events():
            emitter.connect(slot)

    def unlink(self) -> None:
        """Let them move apart."""
        if self._linked:
            self._linked = False
            for emitter, slot in self._events():
                emitter.disconnect(slot)

    def _events(self) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        for viewer, slot in zip(self._both, (self._from_one, self._from_other), strict=True):
            camera, dims = viewer.scene.camera.events, viewer.dims.events
            found += [(getattr(camera, name), slot) for name in CAMERA]
            emitters = (dims.point, dims.ndisplay, dims.order, dims.margin_left)
            found += [(emitter, slot) for emitter in emitters]
        return found

    def _from_one(self, *_: object) -> None:
        self._follow(*self._both)

    def _from_other(self, *_: object) -> None:
        self._follow(*reversed(self._both))

    def _follow(self, leader: ViewerModel, follower: ViewerModel) -> None:
        if self._echo:
            return
        self._echo = True
        try:
            _match_dims(leader, follower)
            for name in CAMERA:
                wanted = getattr(leader.scene.camera, name)
                if getattr(follower.scene.camera, name) != wanted:
                    setattr(follower.scene.camera, name, wanted)
        finally:
            self._echo = False


def _match_dims(leader: ViewerModel, follower: ViewerModel) -> None:
    """Show the same slice; of further axes, which only the user's layers have, nothing is told."""
    ours, theirs = leader.dims, follower.dims
    if theirs.ndisplay != ours.ndisplay:
        theirs.ndisplay = ours.ndisplay
    common = min(ours.ndim, theirs.ndim)
    order = _last(ours.order, common)
    if theirs.ndim == common and tuple(theirs.order) != order:
        theirs.order = order
    thickness = (*tuple(theirs.thickness)[: theirs.ndim - common], *tuple(ours.thickness)[-common:])
    if tuple(theirs.thickness) != thickness:
        theirs.thickness = thickness  # how far from its slice a pick is seen
    point = (*tuple(theirs.point)[: theirs.ndim - common], *tuple(ours.point)[-common:])
    if tuple(theirs.point) != point:
        theirs.point = point


def _last(order: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return the order of the last `count` axes among themselves."""
    first = len(order) - count
    return tuple(axis - first for axis in order if axis >= first)
