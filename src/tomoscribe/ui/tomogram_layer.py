"""The layer `tomogram`: a lazy volume in Å, with a contrast that shows particles at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from tomoscribe.io.volumes import Volume

NAME = "tomogram"

SAMPLED_SLICES = 5
"""Slices read for the contrast; more change it by less than a grey level and cost time."""

SAMPLED_STEP = 4
"""Every fourth pixel along y and x of a sampled slice."""


def contrast_limits(data: Any) -> tuple[float, float]:
    """Return robust grey limits of a lazy volume (z, y, x) from a few thinned slices.

    The 0.5th and 99.5th percentile leave gold beads and dead pixels out. Slices at the very
    top and bottom of a tomogram are mostly empty, so only the middle 80 % is sampled.
    """
    depth = data.shape[0]
    indices = np.unique(
        np.linspace(0.1 * (depth - 1), 0.9 * (depth - 1), SAMPLED_SLICES).round().astype(int)
    )
    values = np.concatenate(
        [
            np.asarray(data[int(i)], dtype=np.float32)[::SAMPLED_STEP, ::SAMPLED_STEP].ravel()
            for i in indices
        ]
    )
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, [0.5, 99.5]))
    return (low, high) if high > low else (low, low + 1.0)


def layer_arguments(volume: Volume) -> dict[str, Any]:
    """Return napari's keywords for a volume: Å where the voxel size is known, voxels otherwise."""
    arguments: dict[str, Any] = {
        "name": NAME,
        "axis_labels": ("z", "y", "x"),
        "contrast_limits": contrast_limits(volume.data),
        "colormap": "gray",
        "rgb": False,
        # The picks' thickness is for the picks alone: a mean would blur and read many slices.
        "projection_mode": "none",
        "metadata": {"tomoscribe_path": volume.path},
    }
    if volume.voxel_size_A is None:
        unknown = {"scale": (1.0,) * 3, "translate": (0.0,) * 3, "units": ("pixel",) * 3}
        return arguments | unknown
    sizes = volume.voxel_sizes_zyx_A or (volume.voxel_size_A,) * 3
    return arguments | {
        "scale": sizes,
        "translate": volume.origin_zyx_A,
        "units": ("angstrom",) * 3,
    }


def show_volume(viewer: ViewerModel, volume: Volume) -> Image:
    """Show a volume in the layer `tomogram`, the lowest one, and look at its middle slice."""
    arguments = layer_arguments(volume)
    layer: Image
    if NAME in viewer.layers:
        # Another volume in the same layer: napari needs a second to replace a layer's controls.
        layer = viewer.layers[NAME]
        layer.data = volume.data
        for name in ("scale", "translate", "units", "metadata"):
            setattr(layer, name, arguments[name])
        layer.depiction = "volume"
    else:
        layer = viewer.add_image(volume.data, **arguments)
        viewer.layers.move(viewer.layers.index(layer), 0)
    low, high = arguments["contrast_limits"]
    # Room on both sides of the slider; napari would read the volume to find its extremes.
    layer.contrast_limits_range = (2 * low - high, 2 * high - low)
    layer.contrast_limits = (low, high)
    middle = [n // 2 for n in volume.data.shape]
    viewer.dims.point = tuple(float(v) for v in layer.data_to_world(middle))
    viewer.reset_view()
    return layer


def hide_volume(viewer: ViewerModel) -> None:
    """Take the layer `tomogram` away, if it is there."""
    if NAME in viewer.layers:
        viewer.layers.remove(NAME)
