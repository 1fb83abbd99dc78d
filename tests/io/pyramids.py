"""Small multiscale images, as the CellMap toolbox and others write them."""

from __future__ import annotations

import numpy as np
import zarr


def write_pyramid(
    where, data, size_nm, levels, first_nm=(0, 0, 0), *, zarr_format=2, attributes=None
):
    """Write levels that halve each other by averaging; `first_nm` is the first voxel's centre."""
    where.parent.mkdir(parents=True, exist_ok=True)
    group = zarr.open_group(where, mode="w", zarr_format=zarr_format)
    datasets = []
    for level in range(levels):
        step = 2**level
        shape = [n // step for n in data.shape]
        cut = data[tuple(slice(0, n * step) for n in shape)]
        z, y, x = shape
        coarse = cut.reshape(z, step, y, step, x, step)
        # Half values are rounded up, as it does not matter for what is tested.
        coarse = cut if step == 1 else np.rint(coarse.mean(axis=(1, 3, 5))).astype(data.dtype)
        array = group.create_array(
            f"s{level}", shape=tuple(shape), dtype=data.dtype, chunks=(8, 8, 8)
        )
        array[...] = coarse
        size = float(size_nm * step)
        shift = [float(f + (size - size_nm) / 2) for f in first_nm]
        steps = [{"type": "scale", "scale": [size] * 3}]
        steps.append({"type": "translation", "translation": shift})
        datasets.append({"path": f"s{level}", "coordinateTransformations": steps})
    axes = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    multiscales = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    found = {"multiscales": multiscales}
    group.attrs.update((found if zarr_format == 2 else {"ome": found}) | (attributes or {}))
    return where
