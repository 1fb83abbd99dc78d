"""New colours for a mesh without sending the whole mesh again: behind napari, to vispy.

napari's setter uploads vertices, faces and normals anew for every change of values: 30 ms at
200,000 vertices, and the lighting flickers. The colours alone are one small buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from napari._vispy.canvas import VispyCanvas
    from napari.components import ViewerModel
    from napari.layers import Surface
    from numpy.typing import NDArray


def node_of(viewer: ViewerModel | VispyCanvas, layer: Surface) -> Any:
    """Return the vispy mesh that draws a layer; None without a canvas, or if napari moved it.

    A canvas that is no viewer's own, such as a second one, is given itself.
    """
    window = getattr(viewer, "window", None)
    canvas = getattr(getattr(window, "_qt_viewer", None), "canvas", viewer)
    visual = getattr(canvas, "layer_to_visual", {}).get(layer)
    return getattr(visual, "node", None)


def write_values(
    viewer: ViewerModel | VispyCanvas, layer: Surface, values: NDArray[np.float32]
) -> None:
    """Set the vertex values (V,) of a surface, by the short way where there is one.

    Whatever napari does next with the layer finds the new values too.
    """
    node = node_of(viewer, layer)
    try:
        data = node.mesh_data
        current = data.get_vertex_values()
        program = node.shared_program.vert
        ready = not node._data_changed and current is not None and len(current) == len(values)
        ready = ready and layer.vertex_colors is None
        buffer = program["base_color"] if ready else None
        corners = data.get_faces()
    except (AttributeError, KeyError):
        buffer = None
    if buffer is None or not hasattr(buffer, "set_data") or not layer.visible:
        layer.vertex_values = values
        return
    layer._vertex_values = values
    layer._slicing_state._view_vertex_values = values
    data.set_vertex_values(values)
    buffer.set_data(values[corners].reshape(-1, 1))
    node.update()


def write_colors(
    viewer: ViewerModel | VispyCanvas, layer: Surface, colors: NDArray[np.float32] | None
) -> None:
    """Set the colours (V, 4) of a surface, which hide its values; None shows the values again.

    Colours over colours go the short way too.
    """
    before = layer.vertex_colors
    if colors is None or before is None or len(before) != len(colors) or not layer.visible:
        if colors is not before:
            layer.vertex_colors = colors
        return
    node = node_of(viewer, layer)
    try:
        data = node.mesh_data
        buffer = None if node._data_changed else node.shared_program.vert["base_color"]
        corners = data.get_faces()
    except (AttributeError, KeyError):
        buffer = None
    if not hasattr(buffer, "set_data"):
        layer.vertex_colors = colors
        return
    layer._vertex_colors = colors
    layer._slicing_state._view_vertex_colors = colors
    data.set_vertex_colors(colors)
    buffer.set_data(colors[corners].reshape(-1, 4))
    node.update()


AMBIENT, DIFFUSE, SPECULAR = 0.75, 0.4, 0.05
"""Shares of light: enough slope to see the shape, little enough for grey values to stay true."""


def soften_light(viewer: ViewerModel | VispyCanvas, layer: Surface) -> None:
    """Light a surface so that its values can be read; napari's own light leaves it half dark."""
    light = getattr(node_of(viewer, layer), "shading_filter", None)
    if light is not None:
        light.ambient_light = (1.0, 1.0, 1.0, AMBIENT)
        light.diffuse_light = (1.0, 1.0, 1.0, DIFFUSE)
        light.specular_light = (1.0, 1.0, 1.0, SPECULAR)
