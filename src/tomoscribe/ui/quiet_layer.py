"""Adds layers of ours to the viewer without making them the active one, and finds them again.

napari selects what is added: the user's keys and clicks would go there, and laying out its
controls paints the whole canvas in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

L = TypeVar("L", bound="Layer")

OURS = "tomoscribe"
"""Key in the metadata of our Labels layers: those without it are the user's own."""


def still_in(viewer: ViewerModel, layer: L | None) -> L | None:
    """Return a layer of ours unless the user has deleted it; it may have another name."""
    return layer if layer is not None and layer in viewer.layers else None


def add_quietly(viewer: ViewerModel, layer: L, index: int | None = None) -> L:
    """Put a layer at a place in the list, on top by default, and leave the selection as it is."""
    layers = viewer.layers
    active, activates = layers.selection.active, layers._activate_on_insert
    layers._activate_on_insert = False
    try:
        layers.insert(len(layers) if index is None else index, layer)
    finally:
        layers._activate_on_insert = activates
    if layers.selection.active is not active:  # a napari that knows no such switch
        layers.selection.active = active
    return layer
