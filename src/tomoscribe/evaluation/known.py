"""What people know of one class in one sample, made ready to set a checkpoint's proposals against.

Sparse clicks say what is a particle, not what is none. What is none is known where the user
rejected something, where a click is of another class, and all over declared regions and patches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.proposals import APART
from tomoscribe.picks.table import HUMAN, JUNK, PickState, positions_zyx

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import Region

    Inside = Callable[[NDArray[np.float64]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Known:
    """What is known of one class in one sample.

    Parameters
    ----------
    accepted : tuple of Pick
        The particles, clicked or accepted, where scores were computed.
    places : (M, 3) array
        Where they are when they are set against proposals (`Proposals.place_of`).
    negatives : (R, 3) array
        Places that are certainly no particle of the class: rejected picks, junk, other classes.
    declared : callable or None
        Tells which places (N, 3) lie where all is picked; None where nothing is declared.
    held_out : (M,) array of bool or None
        Which particles the training never saw; None where nobody knows.
    not_computed : int
        Particles left out, because the checkpoint has no scores there yet.
    """

    accepted: tuple[Pick, ...]
    places: NDArray[np.float64]
    negatives: NDArray[np.float64]
    declared: Inside | None = None
    held_out: NDArray[np.bool_] | None = None
    not_computed: int = 0

    @property
    def from_models(self) -> int:
        """How many of the particles a checkpoint had proposed: they favour its like."""
        return sum(p.source != HUMAN for p in self.accepted)


def known_in_volume(
    picks: Iterable[Pick],
    proposals: Proposals,
    regions: Sequence[Region] = (),
    *,
    held_out: Collection[int] | None = None,
    computed: Inside | None = None,
) -> Known:
    """Return what is known in a tomogram of the proposals' class.

    Parameters
    ----------
    picks : iterable of Pick
        All picks of the tomogram.
    proposals : Proposals
        What is judged.
    regions : sequence of Region
        Those that the user declared complete.
    held_out : collection of int or None
        Ids of the picks that the training never saw.
    computed : callable or None
        Tells of tomogram voxels (N, 3) where scores are known; None: everywhere.
    """
    rows = list(picks)
    name = proposals.class_name
    boxes = [r for r in regions if not r.class_names or name in r.class_names]

    def declared(places: NDArray[np.float64]) -> NDArray[np.bool_]:
        inside = np.zeros(len(places), bool)
        for box in boxes:
            inside |= box.contains(places)
        return inside

    return _known(rows, proposals, declared if boxes else None, held_out, computed)


def known_on_membrane(
    picks: Iterable[Pick],
    proposals: Proposals,
    membrane: Membrane,
    complete: NDArray[np.bool_] | None = None,
    *,
    held_out: Collection[int] | None = None,
    computed: Inside | None = None,
) -> Known:
    """Return what is known on a membrane of the proposals' class.

    Parameters
    ----------
    picks : iterable of Pick
        All picks of the tomogram; those that name the membrane count.
    proposals : Proposals
        What is judged.
    membrane : Membrane
        The mesh.
    complete : (V,) array of bool or None
        Vertices where all is picked.
    held_out, computed
        As for `known_in_volume`.
    """
    rows = _with_normals([p for p in picks if p.membrane == proposals.membrane], membrane)
    declared = None
    if complete is not None and complete.any():
        shift = APART * proposals.diameter_voxels * membrane.normals_zyx
        tree = scipy.spatial.KDTree(membrane.mesh.vertices_zyx + shift)

        def declared(places: NDArray[np.float64]) -> NDArray[np.bool_]:
            if not len(places):
                return np.zeros(0, bool)
            return np.asarray(complete[tree.query(places)[1]])

    return _known(rows, proposals, declared, held_out, computed)


def _known(
    rows: list[Pick],
    proposals: Proposals,
    declared: Inside | None,
    held_out: Collection[int] | None,
    computed: Inside | None,
) -> Known:
    name = proposals.class_name
    mine = [p for p in rows if p.class_name == name and p.state == PickState.ACCEPTED]
    there = mine
    if computed is not None and mine:
        seen = computed(positions_zyx(mine))
        there = [p for p, known in zip(mine, seen, strict=True) if known]
    negatives = [
        p
        for p in rows
        if (p.state == PickState.REJECTED and p.class_name in (name, JUNK))
        or (p.state == PickState.ACCEPTED and p.class_name != name)
    ]
    held = None if held_out is None else np.array([p.id in held_out for p in there], dtype=bool)
    return Known(
        tuple(there),
        proposals.place_of(there),
        proposals.place_of(negatives),
        declared,
        held,
        len(mine) - len(there),
    )


def _with_normals(picks: list[Pick], membrane: Membrane) -> list[Pick]:
    """Return picks of which each has a normal: that of the nearest vertex where it has none."""
    bare = [i for i, p in enumerate(picks) if p.normal_zyx is None]
    if bare:
        tree = scipy.spatial.KDTree(membrane.mesh.vertices_zyx)
        _, nearest = tree.query(positions_zyx(picks[i] for i in bare))
        for i, vertex in zip(bare, np.asarray(nearest).tolist(), strict=True):
            z, y, x = membrane.normals_zyx[vertex].tolist()
            picks[i] = replace(picks[i], normal_zyx=(z, y, x))
    return picks
