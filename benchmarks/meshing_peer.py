"""MemBrain-pick's side of `meshing.py`: run once a round by the Python that it is installed for.

    python meshing_peer.py MASK.npy TOMOGRAM.npy OUT.npz AREA_A2 VOXEL_SIZE_A

Its own functions in the order of its `convert_to_mesh`; files and imports are not timed.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time

import numpy as np
from membrain_pick.mesh_projections.compute_mesh_projection import (
    compute_values_along_normals,
    convert_seg_to_evenly_spaced_mesh,
)
from membrain_pick.mesh_projections.mesh_projection_utils import (
    get_connected_components,
    get_normals_from_face_order,
    remove_unused_vertices,
)

SMOOTHING = 1000
STEPS = (-10, 10)
STEP_A = 2.5


def main(mask_path: str, tomogram_path: str, out: str, area_A2: float, size_A: float) -> None:
    """Mesh a mask and sample a tomogram, both z y x, as the peer does, in x y z."""
    mask = np.ascontiguousarray(np.load(mask_path).T)
    tomogram = np.ascontiguousarray(np.load(tomogram_path).T)
    start = time.process_time()
    segment = get_connected_components(mask, only_largest=True)
    mesh = convert_seg_to_evenly_spaced_mesh(
        seg=segment == 1,
        smoothing=SMOOTHING,
        barycentric_area=area_A2,
        input_pixel_size=size_A,
    )
    points, faces, normals = get_normals_from_face_order(mesh)
    points, faces, normals = remove_unused_vertices(points, faces, normals)
    meshed = time.process_time()
    values = compute_values_along_normals(
        mesh=mesh,
        tomo=tomogram,
        steps=STEPS,
        step_size=STEP_A,
        input_pixel_size=size_A,
        verts=points,
        normals=normals,
    )
    sampled = time.process_time()
    np.savez(out, points=points, faces=faces, normals=normals, values=values)
    print(json.dumps({"mesh": meshed - start, "slab": sampled - meshed}))


if __name__ == "__main__":
    # Its progress goes to the same place as our answer.
    with contextlib.redirect_stdout(sys.stderr):
        arguments = sys.argv[1:4], [float(a) for a in sys.argv[4:]]
    main(*arguments[0], *arguments[1])
