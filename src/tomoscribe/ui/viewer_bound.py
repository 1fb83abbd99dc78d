"""What is made once for a viewer and looks at it: the viewer's tomogram layer and camera."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Self

from tomoscribe.ui.tomogram_layer import tomogram_of
from tomoscribe.ui.view import fly_to, focus_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from tomoscribe.ui.view import Focus


class ViewerBound:
    """One object a viewer. Get it with `of`; a subclass says what it is for."""

    _made: weakref.WeakKeyDictionary[ViewerModel, Self]

    def __init_subclass__(cls) -> None:
        cls._made = weakref.WeakKeyDictionary()

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)

    @classmethod
    def of(cls, viewer: ViewerModel) -> Self:
        """Return the one of a viewer; napari's proxy of one will do."""
        viewer = getattr(viewer, "__wrapped__", viewer)
        if viewer not in cls._made:
            cls._made[viewer] = cls(viewer)
        return cls._made[viewer]

    @classmethod
    def exists(cls, viewer: ViewerModel) -> bool:
        """Tell whether a viewer has one already."""
        return getattr(viewer, "__wrapped__", viewer) in cls._made

    @classmethod
    def all(cls) -> list[Self]:
        """Return those of all viewers."""
        return list(cls._made.values())

    @property
    def viewer(self) -> ViewerModel:
        """The viewer; held weakly, so that a closed window is never kept alive."""
        viewer = self._viewer()
        if viewer is None:
            raise RuntimeError("the viewer of this session is gone")
        return viewer

    @property
    def layer(self) -> Image | None:
        """The layer `tomogram`, whatever the user calls it."""
        return tomogram_of(self.viewer)

    def focus(self) -> Focus | None:
        """Return what is in view, in voxels of the tomogram; None when nothing is shown."""
        layer = self.layer
        return None if layer is None else focus_of(self.viewer, layer)

    def fly_to(self, zyx: Sequence[float]) -> None:
        """Bring a voxel position to the middle of the canvas."""
        layer = self.layer
        if layer is not None:
            fly_to(self.viewer, layer, zyx)
