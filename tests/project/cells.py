"""Small data sets laid out as the CellMap toolbox downloads them."""

from __future__ import annotations

import numpy as np
from tests.io.pyramids import write_pyramid


def write_cell(root, name, crops, *, size_nm=8, shape=(48, 64, 64), seed=0):
    """Write a raw image and crops: a dict of class names by crop; mito is where raw is bright."""
    rng = np.random.default_rng(seed)
    zyx = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    bright = np.zeros(shape, bool)
    for center in rng.uniform(4, np.array(shape) - 4, (24, 3)):
        bright |= ((zyx - center) ** 2).sum(-1) < 30
    raw = np.clip(rng.normal(80, 8, shape) + 90 * bright, 0, 255).astype(np.uint8)
    container = root / name / f"{name}.zarr" / "recon-1"
    write_pyramid(container / "em" / "fibsem-uint8", raw, size_nm, 2)
    for index, (crop, classes) in enumerate(crops.items()):
        lo = np.array([8, 12, 16]) + 2 * index
        part = tuple(slice(a, a + 24) for a in lo)
        for label in classes:
            values = bright[part] if label != "er" else ~bright[part]
            write_pyramid(
                container / "labels" / "groundtruth" / crop / label,
                values.astype(np.uint8),
                size_nm,
                2,
                tuple(float(v) for v in lo * size_nm),
            )
    return root
