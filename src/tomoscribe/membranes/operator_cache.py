"""Operators of whole membranes, part by part, kept on disk by geometry only.

The key of an entry is a hash of vertices, triangles, normals and sizes: labels and densities have
no part in it, so that new clicks never meet an old entry and cost nothing. The folder is bounded,
the longest unused entries go first; an entry is written whole or not at all, and one that cannot
be read is made again.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.own_folder import own_folder
from tomoscribe.membranes.operators import PEER_UNIT_A, Operators, make_operators
from tomoscribe.membranes.partition import Part, partition_mesh

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

LIMIT_BYTES = 2 * 1024**3
_VERSION = 1
"""Raised when operators or the layout of an entry change, so that older entries are not read."""
_CORE_ARRAYS = ("vertices", "core", "faces", "mass", "values", "vectors")


@dataclass(frozen=True)
class MeshOperators:
    """Parts of a membrane and the operators of each, and what the user should know of them."""

    parts: tuple[Part, ...]
    operators: tuple[Operators, ...]
    notes: tuple[str, ...] = ()


def cache_folder() -> Path:
    """Return the folder of this user's operators; it is made when something is written."""
    return own_folder() / "operators"


def mesh_operators(
    mesh: TriangleMesh,
    normals_zyx: NDArray[np.float64],
    voxel_size_A: float,
    *,
    name: str,
    k: int = 128,
    core: int = 1300,
    total: int = 2000,
    folder: Path | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> MeshOperators:
    """Return the parts of a membrane with operators in units of 500 Å, from disk if known.

    Parameters
    ----------
    mesh : TriangleMesh
        In voxels.
    normals_zyx : (V, 3) array
        Outward unit normals.
    voxel_size_A : float
        Of the tomogram.
    name : str
        How messages call the membrane.
    k, core, total : int
        Eigenvectors and sizes of the parts; see `make_operators` and `partition_mesh`.
    folder : Path, optional
        Of the cache; by default that of the user.
    on_progress : callable, optional
        Told the share that is done, 0..1.

    Raises
    ------
    TomoscribeError
        If the membrane has no eigenbasis. That the cache cannot be written is a note only.
    """
    folder = cache_folder() if folder is None else folder
    path = folder / f"{_key(mesh, normals_zyx, voxel_size_A, k, core, total)}.npz"
    known = _read(path)
    if known is not None:
        return known
    parts = partition_mesh(mesh, core, total)
    vertices = mesh.vertices_zyx * (voxel_size_A / PEER_UNIT_A)
    operators = []
    for number, part in enumerate(parts):
        own = part.vertices
        operators.append(make_operators(vertices[own], part.faces, normals_zyx[own], k, name=name))
        if on_progress is not None:
            on_progress((number + 1) / len(parts))
    notes = tuple(dict.fromkeys(note for one in operators for note in one.notes))
    made = MeshOperators(tuple(parts), tuple(operators), notes)
    try:
        _write(path, made)
        _make_room(folder)
    except (TomoscribeError, OSError) as error:
        made = MeshOperators(made.parts, made.operators, (*notes, f"Operators not kept: {error}"))
    return made


def _key(
    mesh: TriangleMesh,
    normals_zyx: NDArray[np.float64],
    voxel_size_A: float,
    k: int,
    core: int,
    total: int,
) -> str:
    digest = hashlib.sha256(repr((_VERSION, float(voxel_size_A), k, core, total)).encode())
    for array, kind in ((mesh.vertices_zyx, "<f8"), (mesh.faces, "<i8"), (normals_zyx, "<f8")):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()[:40]


def _write(path: Path, made: MeshOperators) -> None:
    arrays: dict[str, Any] = {"notes": np.array(made.notes, dtype=np.str_)}
    for number, (part, own) in enumerate(zip(made.parts, made.operators, strict=True)):
        values = (part.vertices, part.core, part.faces, own.mass, own.eigenvalues)
        vectors = own.eigenvectors.astype(np.float32)
        arrays |= {
            f"{number}/{name}": array
            for name, array in zip(_CORE_ARRAYS, (*values, vectors), strict=True)
        }
        # All three share their pattern.
        arrays[f"{number}/indptr"] = own.laplacian.indptr
        arrays[f"{number}/indices"] = own.laplacian.indices
        data = [m.data for m in (own.laplacian, own.gradient_x, own.gradient_y)]
        arrays[f"{number}/data"] = np.stack(data).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)


def _read(path: Path) -> MeshOperators | None:
    """Return an entry, None where there is none that can be read."""
    try:
        # NumPy leaves a file open that it opened and cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as entry:
            count = sum(name.endswith("/mass") for name in entry.files)
            pairs = [_read_part(entry, number) for number in range(count)]
            notes = tuple(str(note) for note in entry["notes"])
        os.utime(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if not pairs:
        return None
    return MeshOperators(tuple(p for p, _ in pairs), tuple(o for _, o in pairs), notes)


def _read_part(entry: np.lib.npyio.NpzFile, number: int) -> tuple[Part, Operators]:
    vertices, core, faces, mass, values, vectors = (
        entry[f"{number}/{name}"] for name in _CORE_ARRAYS
    )
    indptr, indices = entry[f"{number}/indptr"], entry[f"{number}/indices"]
    shape = (len(mass), len(mass))
    laplacian, x, y = (
        sparse.csr_array((data.astype(np.float64), indices, indptr), shape=shape)
        for data in entry[f"{number}/data"]
    )
    operators = Operators(mass, laplacian, values, vectors.astype(np.float64), x, y)
    return Part(vertices, core, faces), operators


def _make_room(folder: Path, limit: int | None = None) -> None:
    """Remove the entries that were not used for longest, until the rest fits."""
    limit = LIMIT_BYTES if limit is None else limit
    found = []
    for path in folder.glob("*.npz"):
        try:
            state = path.stat()
        except FileNotFoundError:  # another process made room as well
            continue
        found.append((state.st_mtime, state.st_size, path))
    room = limit
    for _, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0:
            path.unlink(missing_ok=True)
