"""Reads the sections that show a particle, in threads: the one under review, then the next ones."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.sections import UPRIGHT, planes_along, sections
from tomoscribe.ui.background import Background

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qtpy.QtCore import QObject

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.picks.sections import Plane
    from tomoscribe.ui.view import Triple

WIDTH = 2.4
"""Edge of a section in diameters: a particle and what is beside it."""

KEPT = 64
"""Sections kept; three of 75 × 75 pixels take 70 kB."""


@dataclass(frozen=True)
class Subject:
    """What is to be seen: a place of a tomogram, on a membrane with its normal.

    Parameters
    ----------
    tomogram : str
        Its name.
    zyx : tuple of float
        Voxels.
    diameter : float
        Of the particle, in voxels.
    thickness : float
        Voxels that each section is averaged over.
    normal_zyx : tuple of float or None
        Outward unit normal on a membrane.
    lift : float
        How far outside of the membrane the section across the normal lies, in voxels.
    """

    tomogram: str
    zyx: Triple
    diameter: float
    thickness: float
    normal_zyx: Triple | None = None
    lift: float = 0.0

    @property
    def width(self) -> float:
        """Edge of the sections in voxels."""
        return WIDTH * self.diameter

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        """The sections' directions."""
        return UPRIGHT if self.normal_zyx is None else planes_along(self.normal_zyx)

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middles (3, 3) of the sections."""
        centers = np.tile(np.asarray(self.zyx, dtype=float), (3, 1))
        if self.normal_zyx is not None:
            centers[2] += self.lift * np.asarray(self.normal_zyx)
        return centers


class SectionReader:
    """Sections by subject. Emits `ready(subject)` when one that was asked for is there."""

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        self._data: LazyArray | None = None
        self._kept: OrderedDict[Subject, NDArray[np.float32]] = OrderedDict()
        self._failed: dict[Subject, str] = {}
        # A stalled look ahead must not keep what is under review waiting.
        self._now = Background(parent, reads_only=True)
        self._ahead = Background(parent, reads_only=True)
        self._reading: Subject | None = None
        self._wishes: list[Subject] = []

    def get(self, subject: Subject) -> NDArray[np.float32] | None:
        """Return the sections (3, n, n) of a subject, None until they are read."""
        return self._kept.get(subject)

    def why_not(self, subject: Subject) -> str | None:
        """Return the sentence that says why a subject cannot be read, None if it can."""
        return self._failed.get(subject)

    def want(self, data: LazyArray, subjects: Sequence[Subject]) -> None:
        """Read subjects of a volume, the first at once, the others after one another."""
        if data is not self._data:
            self.forget()
            self._data = data
        self._wishes = list(subjects)
        first = self._wishes[0] if self._wishes else None
        if first is not None and self._missing(first) and first != self._reading:
            self._reading = first
            self._read(self._now, first)
        if not self._ahead.busy:
            self._look_ahead()

    def forget(self) -> None:
        """Forget all, as of another volume."""
        self._now.drop()
        self._ahead.drop()
        self._data = self._reading = None
        self._kept.clear()
        self._failed.clear()
        self._wishes = []

    def close(self) -> None:
        """End the threads."""
        self._now.close()
        self._ahead.close()

    def _missing(self, subject: Subject) -> bool:
        return subject not in self._kept and subject not in self._failed

    def _look_ahead(self) -> None:
        wished = next((s for s in self._wishes[1:] if self._missing(s)), None)
        if wished is not None:
            self._read(self._ahead, wished)

    def _read(self, thread: Background, subject: Subject) -> None:
        data = self._data
        assert data is not None

        def read() -> NDArray[np.float32]:
            return sections(data, subject.centers, subject.planes, subject.width, subject.thickness)

        def done(images: NDArray[np.float32]) -> None:
            self._kept[subject] = images
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            self._told(thread, subject)

        def failed(error: BaseException) -> None:
            if not isinstance(error, (TomoscribeError, OSError)):
                raise error
            self._failed[subject] = f"{subject.tomogram} cannot be read here: {error}"
            self._told(thread, subject)

        thread.run(read, done, failed)

    def _told(self, thread: Background, subject: Subject) -> None:
        if thread is self._now:
            self._reading = None
        self.ready.emit(subject)
        if thread is self._ahead:
            self._look_ahead()
