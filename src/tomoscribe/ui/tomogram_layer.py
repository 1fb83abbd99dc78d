"""The layer `tomogram`: a lazy volume in Å, with a contrast that shows particles at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tomoscribe.io.arrays import UnpackedArray
from tomoscribe.ui.slab import SlabMean, contrast_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from tomoscribe.io.volumes import Volume

NAME = "tomogram"

PATH = "tomoscribe_path"
"""Where the layer's metadata say which file it shows; the user may give it another name."""


def tomogram_of(viewer: ViewerModel) -> Image | None:
    """Return the layer of the tomogram, whatever its name; a copy of it lies above."""
    layers = viewer.layers
    found = next((layer for layer in layers if PATH in layer.metadata), None)
    return found or (layers[NAME] if NAME in layers else None)


def layer_arguments(volume: Volume, limits: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return napari's keywords for a volume: Å where the voxel size is known, voxels otherwise.

    `limits` are its contrast limits where they are known already.
    """
    arguments: dict[str, Any] = {
        "name": NAME,
        "axis_labels": ("z", "y", "x"),
        "contrast_limits": limits or contrast_limits(volume.data),
        "colormap": "gray",
        "rgb": False,
        # The picks' thickness is for the picks alone: a mean would blur and read many slices.
        "projection_mode": "none",
        "metadata": {PATH: volume.path},
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


def is_slow(volume: Volume) -> bool:
    """Tell whether the first look at a volume takes long: packed or far away."""
    packed = isinstance(volume.data, UnpackedArray) and not volume.data.unpacked
    return packed or "://" in volume.path


def show_volume(
    viewer: ViewerModel, volume: Volume, limits: tuple[float, float] | None = None
) -> Image:
    """Show a volume in the layer `tomogram`, the lowest one, and look at its middle slice.

    The layer's data is a `SlabMean` of the volume; `limits` are contrast limits if known.
    """
    arguments = layer_arguments(volume, limits)
    data = SlabMean(volume.data)
    found = tomogram_of(viewer)
    if found is not None:
        # Another volume in the same layer: napari needs a second to replace a layer's controls.
        layer = found
        layer.data = data
        layer.metadata = arguments["metadata"]
        for name in ("scale", "translate", "units"):
            if not _same(getattr(layer, name), arguments[name]):
                setattr(layer, name, arguments[name])  # each slices the volume
        if layer.depiction != "volume":
            layer.depiction = "volume"
    else:
        layer = cast("Image", viewer.add_image(data, **arguments))
        viewer.layers.move(viewer.layers.index(layer), 0)
    layer.plane.thickness = 1
    low, high = arguments["contrast_limits"]
    # Room on both sides of the slider; napari would read the volume to find its extremes.
    layer.contrast_limits_range = (2 * low - high, 2 * high - low)
    layer.contrast_limits = (low, high)
    middle = [n // 2 for n in volume.data.shape]
    viewer.dims.point = tuple(float(v) for v in layer.data_to_world(middle))
    viewer.reset_view()
    return layer


def _same(now: Sequence[object], wanted: Sequence[object]) -> bool:
    """Tell whether a layer has what it is to have along z, y and x."""
    return [str(value) for value in now] == [str(value) for value in wanted]


def hide_volume(viewer: ViewerModel) -> None:
    """Take the layer `tomogram` away, if it is there."""
    layer = tomogram_of(viewer)
    if layer is not None:
        viewer.layers.remove(layer)
