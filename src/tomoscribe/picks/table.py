"""The pick table: the one truth about the particle positions of one tomogram.

Edits are small frozen values, so that the same edit can be applied, undone
(`history`), written to disk (`journal`) and patched into a viewer (`ui.layers`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

HUMAN = "human"
"""Source of a pick that a person placed; other picks carry a checkpoint's name."""

JUNK = "*"
"""Class of a rejected pick that is a counter-example for every class; no class may be called so."""


class PickState(StrEnum):
    """Review state of a pick."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Pick:
    """A particle position in one tomogram.

    Parameters
    ----------
    id : int
        Unique in its table and never used again after deletion.
    zyx : tuple of float
        Position in voxels of the tomogram's file, 0 at the first voxel's centre.
    class_name : str
        Particle class; `JUNK` where it is none of them, and rejected.
    score : float
        The model's score in 0..1; NaN for a human pick.
    normal_zyx : tuple of float or None
        Unit vector along the particle's axis, where known.
    angle_deg : float
        Rotation about the normal in degrees; NaN where unknown.
    state : PickState
        Human picks are accepted from the start.
    source : str
        `HUMAN` or the name of the checkpoint that proposed it.
    membrane : str
        Name of the membrane that it sits on; empty for a pick that sits on none.
    answered : float or None
        When a person accepted or rejected it on looking at it alone, in seconds since the epoch;
        None for a click, and for what was accepted together with others.
    """

    id: int
    zyx: tuple[float, float, float]
    class_name: str
    score: float = float("nan")
    normal_zyx: tuple[float, float, float] | None = None
    angle_deg: float = float("nan")
    state: PickState = PickState.ACCEPTED
    source: str = HUMAN
    membrane: str = ""
    answered: float | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of the table: picks before and after, matched by id.

    A pick only in `before` is removed, one only in `after` is added, one in
    both is changed. `Edit(e.after, e.before)` undoes `e`.
    """

    before: tuple[Pick, ...] = ()
    after: tuple[Pick, ...] = ()

    def inverse(self) -> Edit:
        """Return the edit that undoes this one."""
        return Edit(self.after, self.before)


@dataclass
class PickTable:
    """All picks of one tomogram, in the order in which they were added.

    Emits `changed(edit)` after every applied edit.
    """

    changed = Signal(Edit)

    _picks: dict[int, Pick] = field(default_factory=dict)
    _next_id: int = 1
    _tally: Counter[tuple[str, str]] | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self._picks)

    def __iter__(self) -> Iterator[Pick]:
        return iter(self._picks.values())

    def __contains__(self, pick_id: int) -> bool:
        return pick_id in self._picks

    def __getitem__(self, pick_id: int) -> Pick:
        return self._picks[pick_id]

    def new_ids(self, count: int) -> range:
        """Reserve `count` ids."""
        first = self._next_id
        self._next_id += count
        return range(first, first + count)

    def apply(self, edit: Edit) -> None:
        """Apply an edit and announce it.

        Raises
        ------
        KeyError
            If the edit changes or removes a pick that the table does not hold.
        """
        after_ids = {pick.id for pick in edit.after}
        for pick in edit.before:
            if pick.id not in self._picks:
                raise KeyError(pick.id)
        if self._tally is not None:
            self._tally.subtract(_accepted(edit.before))
            self._tally.update(_accepted(edit.after))
            self._tally = +self._tally
        for pick in edit.before:
            if pick.id not in after_ids:
                del self._picks[pick.id]
        for pick in edit.after:
            self._picks[pick.id] = pick
            self._next_id = max(self._next_id, pick.id + 1)
        self.changed.emit(edit)

    @property
    def tally(self) -> Counter[tuple[str, str]]:
        """Number of accepted picks by class and membrane ("" off membranes), kept up with edits.

        A project of hundreds of tomograms asks for it with each edit; it is not to be changed.
        """
        if self._tally is None:
            self._tally = Counter(_accepted(self._picks.values()))
        return self._tally

    def make_add(
        self,
        zyx: NDArray[np.floating] | Sequence[Sequence[float]],
        class_name: str,
        *,
        scores: Iterable[float] | None = None,
        state: PickState = PickState.ACCEPTED,
        source: str = HUMAN,
        normals_zyx: NDArray[np.floating] | Sequence[Sequence[float]] | None = None,
        angles_deg: Iterable[float] | None = None,
        membrane: str = "",
        answered: float | None = None,
    ) -> Edit:
        """Return the edit that adds picks of one class at `zyx` (N, 3), in voxels.

        On a membrane also its name, outward unit normals (N, 3), and rotations about them (N,)
        in degrees. `answered` is when a person judged them one by one, if so.
        """
        points = np.asarray(zyx, dtype=float).reshape(-1, 3)
        unknown = [float("nan")] * len(points)
        values = unknown if scores is None else list(scores)
        angles = unknown if angles_deg is None else list(angles_deg)
        normals = [None] * len(points) if normals_zyx is None else [*map(_triple, normals_zyx)]
        ids = self.new_ids(len(points))
        picks = tuple(
            Pick(
                i, _triple(p), class_name, float(s), n, float(a), state, source, membrane, answered
            )
            for i, p, s, n, a in zip(ids, points, values, normals, angles, strict=True)
        )
        return Edit(after=picks)

    def make_remove(self, ids: Iterable[int]) -> Edit:
        """Return the edit that removes picks."""
        return Edit(before=tuple(self._picks[i] for i in ids))

    def make_change(self, ids: Iterable[int], **fields: object) -> Edit:
        """Return the edit that sets fields (`zyx`, `class_name`, `state`, ...) of picks."""
        before = tuple(self._picks[i] for i in ids)
        return Edit(before, tuple(replace(p, **fields) for p in before))  # type: ignore[arg-type]

    def select(
        self,
        *,
        class_name: str | None = None,
        state: PickState | None = None,
        source: str | None = None,
    ) -> list[Pick]:
        """Return the picks that match every given field."""
        return [
            p
            for p in self._picks.values()
            if (class_name is None or p.class_name == class_name)
            and (state is None or p.state == state)
            and (source is None or p.source == source)
        ]


def _accepted(picks: Iterable[Pick]) -> Iterator[tuple[str, str]]:
    return ((p.class_name, p.membrane) for p in picks if p.state == PickState.ACCEPTED)


def _triple(values: Sequence[float] | NDArray[np.floating]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def positions_zyx(picks: Iterable[Pick]) -> NDArray[np.float64]:
    """Return the positions of picks as an (N, 3) array, z y x in voxels."""
    return np.array([p.zyx for p in picks], dtype=np.float64).reshape(-1, 3)
