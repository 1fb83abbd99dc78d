"""The winding of triangles: the same among neighbours, outward where a part is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.membranes.topology import edge_keys, many, neighbours, rim_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray


_FEW_BREAKS = 0.05
"""Share of the edges at which neighbours disagree in a mesh whose winding can be trusted."""


def wound_alike(faces: NDArray[np.int64], notes: list[str]) -> NDArray[np.int64]:
    """Return triangles turned so that neighbours agree, the fewest of each part; cut if need be."""
    _, upward = edge_keys(faces)
    one, other, one_at, other_at = neighbours(faces)
    # Neighbours that agree run along their edge in opposite directions.
    differs = upward[one, one_at] == upward[other, other_at]
    if not differs.any():
        return faces
    count = len(faces)
    flip, part = _parity(one, other, differs, count)
    mixed = np.flatnonzero(flip[one] ^ flip[other] ^ differs)
    if len(mixed):
        bad = np.unique(part[one[mixed]])
        cut = _where_winding_breaks(one, other, differs, part, bad)
        if cut is None:
            cut = _one_sided(one, other, differs, part, bad, count)
        notes.append(
            f"{many(len(cut), 'triangle')} left out where a part had one side only, as a Möbius "
            "strip has."
        )
        return wound_alike(np.delete(faces, cut, axis=0), notes)
    flip ^= (np.bincount(part, flip) > np.bincount(part) / 2)[part]
    notes.append(f"{many(int(flip.sum()), 'triangle')} wound against the others turned.")
    return np.where(flip[:, None], faces[:, ::-1], faces)


def outward(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    """Return triangles with closed parts turned outward; open ones keep their winding.

    A closed part within another one is the wall of a cavity: its outside is the cavity.
    """
    count = len(vertices)
    edges = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = scipy.sparse.coo_array(
        (np.ones(len(edges), dtype=np.int8), edges.T), shape=(count, count)
    )
    _, of_vertex = scipy.sparse.csgraph.connected_components(graph, directed=False)
    _, part = np.unique(of_vertex[faces[:, 0]], return_inverse=True)
    closed = np.ones(int(part.max()) + 1, dtype=bool)
    rim, owner = rim_edges(faces)
    closed[part[owner]] = False
    middle = vertices.mean(axis=0)
    a, b, c = (vertices[faces[:, k]] - middle for k in range(3))
    # Mirrored axes (z y x) turn the sign of the volume.
    volume = -np.bincount(part, np.einsum("ij,ij->i", a, np.cross(b, c)))
    turned = closed & ((volume < 0) ^ _is_cavity(vertices, faces, part, closed))
    if turned.any():
        notes.append(f"{many(int(turned.sum()), 'closed part')} inside out turned.")
    if len(rim):
        notes.append(
            f"The surface is not closed ({many(len(rim), 'open edge')}): which side is outside is "
            "taken from its winding."
        )
    return np.where(turned[part][:, None], faces[:, ::-1], faces)


def _parity(
    one: NDArray[np.int64], other: NDArray[np.int64], differs: NDArray[np.bool_], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return which triangles must be turned for neighbours to agree, and each one's part.

    Each triangle is there twice, as it is and turned; neighbours are linked where they agree.
    A part with two sides then falls into two halves, one of which is to be taken.
    """
    shift = np.where(differs, count, 0)
    rows = np.concatenate([one, one + count])
    columns = np.concatenate([other + shift, other + count - shift])
    graph = scipy.sparse.coo_array(
        (np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(2 * count, 2 * count)
    )
    _, half = scipy.sparse.csgraph.connected_components(graph, directed=False)
    flip = half[:count] > half[count:]
    pairs = np.minimum(half[:count], half[count:])
    return flip, np.unique(pairs, return_inverse=True)[1].astype(np.int32).reshape(-1)


def _where_winding_breaks(
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    differs: NDArray[np.bool_],
    part: NDArray[np.int32],
    bad: NDArray[np.int32],
) -> NDArray[np.int64] | None:
    """Return the triangles at which neighbours disagree in parts `bad`, if they are few.

    A few bad triangles in a good surface make it one-sided; a cut anywhere else would leave
    one side of the cut inside out.
    """
    inside = np.isin(part[one], bad)
    breaks = differs & inside
    if breaks.sum() > _FEW_BREAKS * inside.sum():
        return None
    return np.unique(np.concatenate([one[breaks], other[breaks]]))


def _one_sided(
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    differs: NDArray[np.bool_],
    part: NDArray[np.int32],
    bad: NDArray[np.int32],
    count: int,
) -> NDArray[np.int64]:
    """Return triangles along which parts `bad` are to be cut to have two sides.

    Neighbours are followed outward from one triangle, so that the cut is where the ways meet.
    """
    graph = scipy.sparse.coo_array((np.ones(len(one)), (one, other)), shape=(count, count)).tocsr()
    before = np.full(count, -1)
    for each in bad:
        root = int(np.flatnonzero(part == each)[0])
        order, parent = scipy.sparse.csgraph.breadth_first_order(graph, root, directed=False)
        before[order[1:]] = parent[order[1:]]
    in_tree = (before[other] == one) | (before[one] == other)
    flip, _ = _parity(one[in_tree], other[in_tree], differs[in_tree], count)
    wrong = (flip[one] ^ flip[other] ^ differs) & np.isin(part[one], bad)
    return np.unique(one[wrong])


def _is_cavity(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    part: NDArray[np.intp],
    closed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return which closed parts lie within an odd number of other closed parts."""
    cavity = np.zeros(len(closed), dtype=bool)
    order = np.argsort(part, kind="stable")
    first = np.searchsorted(part[order], np.arange(len(closed) + 1))
    members = [order[first[i] : first[i + 1]] for i in range(len(closed))]
    lows = np.array([vertices[faces[m]].min(axis=(0, 1)) for m in members])
    highs = np.array([vertices[faces[m]].max(axis=(0, 1)) for m in members])
    for inner in np.flatnonzero(closed):
        around = (lows < lows[inner]).all(axis=1) & (highs > highs[inner]).all(axis=1) & closed
        point = vertices[faces[members[inner][0], 0]]
        for outer in np.flatnonzero(around):
            turns = abs(_winding_number(vertices[faces[members[outer]]], point))
            cavity[inner] ^= turns > 0.5
    return cavity


def _winding_number(triangles: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """Return how often triangles (F, 3, 3) go round a point (van Oosterom and Strackee 1983)."""
    a, b, c = (triangles[:, k] - point for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    above = np.einsum("ij,ij->i", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("ij,ij->i", u, v) for u, v in ((a, b), (b, c), (c, a)))
    below = la * lb * lc + ab * lc + bc * la + ca * lb
    return float(np.arctan2(above, below).sum() / (2 * np.pi))
