"""The layer `membrane`: the current membrane as a lit mesh, painted with a value a vertex.

What is painted is decided elsewhere, through `set_values`. Beside it lie the tomogram's other
membranes, dim, and the tint of what is declared complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

import numpy as np
from napari.layers import Surface
from psygnal import Signal
from qtpy.QtCore import QTimer

from tomoscribe.ui.background import Background
from tomoscribe.ui.membranes.membrane_parts import complete_faces
from tomoscribe.ui.membranes.mesh_buffers import MeshBuffers, lend
from tomoscribe.ui.membranes.mesh_visual import node_of, soften_light, write_colors, write_values
from tomoscribe.ui.quiet_layer import add_quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.utils import Colormap
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.session import Session

NAME, CONTEXT_NAME, COMPLETE_NAME = "membrane", "other membranes", "complete patches"
ORDER = {CONTEXT_NAME: 0, NAME: 1, COMPLETE_NAME: 2}

FIRST_DEPTH_A, FIRST_THICKNESS_A = 40.0, 40.0
"""Density that is painted until something else is asked for: where most ectodomains lie."""

CONTEXT_COLOR = (0.45, 0.5, 0.58, 1.0)
CONTEXT_OPACITY = 0.3
CONTEXT_BLENDING = "translucent_no_depth"
"""Drawn first and without depth: the current membrane is never hidden, whatever lies before it."""

SMALL_FACES = 100_000
"""Others with so many triangles in all are joined at once, in some 10 ms; more in a thread."""

COMPLETE_COLOR = (0.0, 0.62, 0.45, 1.0)
COMPLETE_OPACITY = 0.45


class MembraneLayer:
    """Keeps the mesh layers as the session says. Emits `painted` when other values are shown."""

    painted = Signal()
    shown_changed = Signal(bool)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._surfaces: dict[str, Surface] = {}
        self._membrane: Membrane | None = None
        self._values: NDArray[np.float32] = np.zeros(0, np.float32)
        self._limits = (0.0, 1.0)
        self._colormap: str | Colormap = "gray"
        self._colors: NDArray[np.float32] | None = None
        self._shown = False
        self._context_on = True
        self._joined: tuple[ShelvedMembrane, ...] = ()
        self._background: Background | None = None

    # ---------------------------------------------------------------- what is there
    @property
    def layer(self) -> Surface | None:
        """The Surface layer `membrane`, if it is in the viewer."""
        return self._surface(NAME)

    @property
    def shown(self) -> bool:
        """Whether the viewer shows the mesh: in 3D, after `show`."""
        return self._shown

    @property
    def values(self) -> NDArray[np.float32]:
        """What is painted, one value (V,) a vertex."""
        return self._values

    @property
    def contrast_limits(self) -> tuple[float, float]:
        """Values at both ends of the colours."""
        return self._limits

    @property
    def colormap(self) -> str | Colormap:
        """Colours of the values."""
        return self._colormap

    @property
    def colors(self) -> NDArray[np.float32] | None:
        """Colours (V, 4) that are painted instead of values, if any."""
        return self._colors

    @property
    def context(self) -> bool:
        """Whether the tomogram's other membranes are shown too."""
        return self._context_on

    # ---------------------------------------------------------------- painting
    def set_values(
        self,
        values: NDArray[np.floating],
        contrast_limits: Sequence[float] | None = None,
        colormap: str | Colormap | None = None,
    ) -> None:
        """Paint the current membrane with one value (V,) a vertex; NaN is painted as the lowest.

        Limits and colours stay as they are where they are not given. Values of another mesh,
        which come late, are ignored.
        """
        membrane = self._membrane
        if membrane is None or len(values) != len(membrane.mesh.vertices_zyx):
            return
        if contrast_limits is not None:
            low, high = (float(v) for v in contrast_limits)
            self._limits = (low, high) if high > low else (low, low + 1.0)
        if colormap is not None:
            self._colormap = colormap
        self._values = np.nan_to_num(np.asarray(values, np.float32), nan=self._limits[0])
        self._colors = None
        layer = self.layer
        if layer is not None and self._shown:
            write_colors(self._session.viewer, layer, None)
            self._dress(layer)
            write_values(self._session.viewer, layer, self._values)
        self.painted.emit()

    def set_colors(self, colors: NDArray[np.float32]) -> None:
        """Paint the current membrane with colours (V, 4), until `set_values` is called again."""
        membrane = self._membrane
        if membrane is None or len(colors) != len(membrane.mesh.vertices_zyx):
            return
        self._colors = colors
        layer = self.layer
        if layer is not None and self._shown:
            write_colors(self._session.viewer, layer, colors)
        self.painted.emit()

    def _dress(self, layer: Surface) -> None:
        if layer.colormap.name != getattr(self._colormap, "name", self._colormap):
            layer.colormap = self._colormap
        if tuple(layer.contrast_limits) != self._limits:
            low, high = self._limits
            layer.contrast_limits_range = (2 * low - high, 2 * high - low)
            layer.contrast_limits = self._limits

    # ---------------------------------------------------------------- following
    def rebuild(self) -> None:
        """Follow the session to another membrane, or to none."""
        membrane = self._session.membrane
        if membrane is not self._membrane:
            self._membrane, self._colors = membrane, None
            self._paint_first()
        if membrane is None:
            self.show(False)
            self._soon(self._remove)
        elif self._shown:
            self._write()
        else:
            self._soon(self._prepare)

    def prepare_patches(self) -> None:
        """Make the layer of the brush before its first stroke, which must not wait for that."""
        self._prepare_one(COMPLETE_NAME)

    def _soon(self, act: Callable[[], None]) -> None:
        """Call a method of this in the next turn of the event loop."""
        held = WeakMethod(act)  # the window may go first, and this with it
        QTimer.singleShot(0, lambda: call() if (call := held()) is not None else None)

    def _prepare(self) -> None:
        """Make a layer ahead, hidden, one a turn of the event loop: each takes napari 50 ms."""
        if self._session.project is None:
            return
        several = len(self._session.surfaces.loaded()) > 1
        for name in (NAME, CONTEXT_NAME)[: 1 + several]:
            if self._prepare_one(name):
                self._soon(self._prepare)
                return

    def _prepare_one(self, name: str) -> bool:
        """Make a layer, hidden, unless it is there; return whether it was made."""
        if self._membrane is None or self._session.layer is None or self._surface(name) is not None:
            return False
        mesh = self._membrane.mesh
        self._make(name, mesh.vertices_zyx[mesh.faces[0]], visible=False)
        return True

    def show(self, shown: bool) -> None:
        """Show the mesh, for which the viewer must be in 3D, or hide it."""
        shown = shown and self._membrane is not None
        changed, self._shown = shown != self._shown, shown
        if shown:
            self._write()
        else:
            for surface in self._present():
                surface.visible = False
        if changed:
            self.shown_changed.emit(shown)

    def set_context(self, on: bool) -> None:
        """Show the tomogram's other membranes, or not."""
        self._context_on = on
        self.follow_neighbours()

    def follow_neighbours(self) -> None:
        """Bring the other membranes of the tomogram up to date, as they are loaded."""
        if not self._shown:
            return
        name = self._session.membrane_name
        others = tuple(s for s in self._session.surfaces.loaded() if s.name != name)
        if self._background is not None:
            self._background.drop()
        if not (others and self._context_on):
            self._hide(CONTEXT_NAME)
            return
        surface = self._surface(CONTEXT_NAME)
        if surface is not None and others == self._joined:
            surface.visible = True
            return
        if sum(len(s.membrane.mesh.faces) for s in others) <= SMALL_FACES:
            self._put_neighbours(others, MeshBuffers.joined([s.buffers for s in others]))
            return
        self._hide(CONTEXT_NAME)
        if self._background is None:
            self._background = Background()
        self._background.run(
            lambda: MeshBuffers.joined([s.buffers for s in others]),
            lambda made: self._put_neighbours(others, made),
        )

    def _put_neighbours(self, others: tuple[ShelvedMembrane, ...], made: MeshBuffers) -> None:
        if self._shown:
            self._joined = others
            self._put(CONTEXT_NAME, made.vertices[:, ::-1], made.faces[:, ::-1], buffers=made)

    def close(self) -> None:
        """End what works in the background."""
        if self._background is not None:
            self._background.close()

    def rebuild_patches(self) -> None:
        """Bring the tint of what is declared complete up to date."""
        shelved = self._session.surfaces.shelved
        if not self._shown or shelved is None:
            return
        mask = self._session.surfaces.complete_mask()
        if mask is None or not mask.any():
            self._hide(COMPLETE_NAME)
            return
        vertices, faces = complete_faces(shelved.membrane, mask)
        if not len(faces):
            self._hide(COMPLETE_NAME)
            return
        self._put(COMPLETE_NAME, vertices, faces)

    # ---------------------------------------------------------------- layers
    def _paint_first(self) -> None:
        membrane = self._membrane
        self._colormap = "gray"
        if membrane is None:
            self._values, self._limits = np.zeros(0, np.float32), (0.0, 1.0)
            return
        self._values = membrane.slab.mean(FIRST_DEPTH_A, FIRST_THICKNESS_A)
        finite = self._values[np.isfinite(self._values)]
        low, high = np.percentile(finite, [1, 99]) if len(finite) else (0.0, 1.0)
        self._limits = (float(low), float(high) if high > low else float(low) + 1.0)

    def _write(self) -> None:
        shelved, layer = self._session.surfaces.shelved, self.layer
        assert shelved is not None
        mesh = shelved.membrane.mesh
        if layer is None or layer.vertices is not mesh.vertices_zyx:
            if layer is not None:
                layer.visible = False  # so that each of napari's setters costs nothing
                layer.vertex_colors = None  # of another mesh
            self._put(
                NAME, mesh.vertices_zyx, mesh.faces, values=self._values, buffers=shelved.buffers
            )
        else:
            layer.visible = True
            write_values(self._session.viewer, layer, self._values)
        layer = self.layer
        assert layer is not None
        self._dress(layer)
        write_colors(self._session.viewer, layer, self._colors)
        soften_light(self._session.viewer, layer)
        self.follow_neighbours()
        self.rebuild_patches()

    def _put(
        self,
        name: str,
        vertices: NDArray[np.floating],
        faces: NDArray[np.int64],
        *,
        values: NDArray[np.float32] | None = None,
        buffers: MeshBuffers | None = None,
    ) -> None:
        """Write a mesh into the layer of that name, which is made where there is none."""
        image, viewer = self._session.layer, self._session.viewer
        if image is None:
            return
        surface = self._surface(name)
        if surface is None:
            surface = self._make(name, vertices[faces[0]])
        surface.visible = False
        if buffers is not None:
            lend(node_of(viewer, surface), surface, buffers)
        painted = np.ones(len(vertices), np.float32) if values is None else values
        surface.data = (vertices, faces, painted)
        for own in ("scale", "translate", "units"):
            if not np.array_equal(getattr(surface, own), getattr(image, own)):
                setattr(surface, own, getattr(image, own))
        surface.visible = True

    def _make(self, name: str, corners: NDArray[np.floating], *, visible: bool = True) -> Surface:
        """Add a layer of one triangle with these corners (3, 3)."""
        image, viewer = self._session.layer, self._session.viewer
        assert image is not None
        surface = Surface(
            (corners, np.arange(3)[None], np.ones(3, np.float32)), name=name, scale=image.scale,
            translate=image.translate, units=image.units, axis_labels=("z", "y", "x"),
            contrast_limits=self._limits if name == NAME else (0.0, 1.0), visible=visible,
            **_look(name),
        )  # fmt: skip
        # Below the picks, the context lowest.
        below = [self._surface(n) for n in (CONTEXT_NAME, NAME)[: ORDER[name]]]
        place = 1 + viewer.layers.index(image) + sum(other is not None for other in below)
        self._surfaces[name] = add_quietly(viewer, surface, place)
        return surface

    def _surface(self, name: str) -> Surface | None:
        surface = self._surfaces.get(name)
        if surface is not None and surface not in self._session.viewer.layers:
            del self._surfaces[name]
            return None
        return surface

    def _present(self) -> list[Surface]:
        found = [self._surface(name) for name in (NAME, CONTEXT_NAME, COMPLETE_NAME)]
        return [surface for surface in found if surface is not None]

    def _hide(self, name: str) -> None:
        surface = self._surface(name)
        if surface is not None:
            surface.visible = False

    def _remove(self) -> None:
        """Take the layers away, hidden by now, one a turn of the event loop: each takes 25 ms."""
        present = self._present()
        if self._membrane is not None or not present:
            return
        self._session.viewer.layers.remove(present[-1])
        self._soon(self._remove)


def _look(name: str) -> dict[str, Any]:
    """Return how the layer of that name looks."""
    if name == CONTEXT_NAME:
        dim = _plain("dim", CONTEXT_COLOR)
        return {"colormap": dim, "opacity": CONTEXT_OPACITY, "blending": CONTEXT_BLENDING}
    if name == COMPLETE_NAME:
        tint = _plain("complete", COMPLETE_COLOR)
        return {
            "colormap": tint, "shading": "none", "opacity": COMPLETE_OPACITY,
            "blending": "translucent",
        }  # fmt: skip
    return {"shading": "smooth"}


def _plain(name: str, color: tuple[float, float, float, float]) -> Colormap:
    """Return the map of one colour: values say nothing there."""
    from napari.utils import Colormap

    return Colormap([color, color], name=f"tomoscribe {name}")
