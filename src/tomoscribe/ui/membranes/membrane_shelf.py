"""Loads membranes of the project in a thread, and keeps them with what is prepared of them.

Geometry is imported where it is needed first, so that a viewer without membranes starts as fast.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtWidgets import QApplication

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.outline import Outline
from tomoscribe.ui.background import Background
from tomoscribe.ui.membranes.mesh_buffers import MeshBuffers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from scipy import sparse
    from scipy.spatial import cKDTree

    from tomoscribe.membranes.locate import SurfaceLocator
    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.project.model import MembraneEntry
    from tomoscribe.ui.session import Session

SMALL_BYTES = 2_000_000
"""A container up to this size is read at once, in some 30 ms; a larger one in a thread."""

LARGE_FACES = 60_000
"""Triangles from which what the graphics card gets is made with the rest, before anyone asks."""

KEPT_BYTES = 2_000_000_000
"""Slabs kept in memory; the membranes of the current tomogram stay whatever they take."""


class ShelvedMembrane:
    """A membrane with what pointing at it needs, each made at its first use."""

    def __init__(self, name: str, membrane: Membrane) -> None:
        self.name = name
        self.membrane = membrane

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest position (3,) of the vertices, voxels z y x."""
        vertices = self.membrane.mesh.vertices_zyx
        return vertices.min(axis=0), vertices.max(axis=0)

    @cached_property
    def locator(self) -> SurfaceLocator:
        """Finds nearest points and ray hits."""
        from tomoscribe.membranes.locate import SurfaceLocator

        return SurfaceLocator(self.membrane.mesh, self.membrane.normals_zyx)

    @cached_property
    def outline(self) -> Outline:
        """Cuts the mesh with slices."""
        return Outline(self.membrane.mesh)

    @cached_property
    def graph(self) -> sparse.csr_array:
        """Ways along the surface, in voxels."""
        from tomoscribe.membranes.geodesics import distance_graph

        return distance_graph(self.membrane.mesh)

    @cached_property
    def tree(self) -> cKDTree:
        """Finds nearest vertices."""
        from scipy.spatial import cKDTree

        return cKDTree(self.membrane.mesh.vertices_zyx, balanced_tree=False)

    @cached_property
    def buffers(self) -> MeshBuffers:
        """What the graphics card gets of it."""
        return MeshBuffers.of(self.membrane.mesh, self.membrane.normals_zyx)

    def prepared(self) -> ShelvedMembrane:
        """Make what the first look at it needs, which is better done in a thread."""
        _ = self.locator, self.outline, self.bounds, self.tree
        if len(self.membrane.mesh.faces) >= LARGE_FACES:
            _ = self.buffers
        return self


class MembraneShelf:
    """Membranes by name. Emits `arrived(name)`, or `failed(name, sentence)`.

    A failed membrane is not asked for again until its entry changes.
    """

    arrived = Signal(str)
    failed = Signal(str, str)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[str, ShelvedMembrane] = {}
        self._broken: dict[str, MembraneEntry] = {}
        self._queue: deque[str] = deque()
        self._background: Background | None = None

    def get(self, name: str | None) -> ShelvedMembrane | None:
        """Return a membrane if it is loaded."""
        return None if name is None else self._kept.get(name)

    @property
    def busy(self) -> bool:
        """Whether membranes are still being read."""
        return self._background is not None and self._background.busy

    def need(self, name: str) -> ShelvedMembrane | None:
        """Return a membrane that is loaded or small; a large one is read next, then arrives."""
        found = self.get(name)
        if found is None:
            entry = self._entry(name)
            if entry is None:
                return None
            self._broken.pop(name, None)
            if QApplication.instance() is None or is_small(entry.path):
                found = self._take(name, self._load(name, entry))
            else:
                self._queue.appendleft(name)
                self._next()
        return found

    def want(self, names: Iterable[str]) -> None:
        """Load these one after another, in a thread; what was wanted before is forgotten."""
        missing = [n for n in names if n not in self._kept and n not in self._broken]
        self._queue = deque(missing)
        if QApplication.instance() is None:
            while self._queue:
                self._load_now(self._queue.popleft())
        else:
            self._next()

    def put(self, name: str, membrane: Membrane) -> None:
        """Keep a membrane that is in memory already, as one that was just made."""
        self._take(name, ShelvedMembrane(name, membrane))

    def forget(self, names: Iterable[str] | None = None) -> None:
        """Forget these or all, as their files or tomograms changed."""
        for name in list(self._kept) if names is None else names:
            self._kept.pop(name, None)
            self._broken.pop(name, None)
        if names is None:
            self._broken.clear()
            self._queue.clear()
            if self._background is not None:
                self._background.drop()

    def close(self) -> None:
        """End the thread."""
        self._queue.clear()
        if self._background is not None:
            self._background.close()

    # ---------------------------------------------------------------- loading
    def _entry(self, name: str) -> MembraneEntry | None:
        project = self._session.project
        return None if project is None else project.membranes.get(name)

    def _load(self, name: str, entry: MembraneEntry) -> ShelvedMembrane:
        """Read a membrane with the tomogram that the project names for it."""
        from tomoscribe.membranes.membrane import load_membrane

        project = self._session.project
        tomogram = None if project is None else project.tomograms.get(entry.tomogram)
        membrane = load_membrane(
            entry.path,
            tomogram=None if tomogram is None else tomogram.address,
            voxel_size_A=None if tomogram is None else tomogram.voxel_size_A,
        )
        return ShelvedMembrane(name, membrane).prepared()

    def _load_now(self, name: str) -> None:
        entry = self._entry(name)
        if entry is None:
            return
        try:
            self._take(name, self._load(name, entry))
        except TomoscribeError as error:
            self._fail(name, entry, error)

    def _next(self) -> None:
        if self.busy or not self._queue:
            return
        name = self._queue.popleft()
        entry = self._entry(name)
        if entry is None or name in self._kept:
            self._next()
            return
        if self._background is None:
            self._background = Background()

        def done(shelved: ShelvedMembrane) -> None:
            if self._entry(name) is entry:
                self._take(name, shelved)
            self._next()

        def failed(error: BaseException) -> None:
            if not isinstance(error, TomoscribeError):
                raise error
            self._fail(name, entry, error)
            self._next()

        self._background.run(lambda: self._load(name, entry), done, failed)

    def _take(self, name: str, shelved: ShelvedMembrane) -> ShelvedMembrane:
        self._kept.pop(name, None)
        self._kept[name] = shelved
        self._make_room()
        self.arrived.emit(name)
        return shelved

    def _fail(self, name: str, entry: MembraneEntry, error: TomoscribeError) -> None:
        self._broken[name] = entry
        self.failed.emit(name, str(error))

    def _make_room(self) -> None:
        project, current = self._session.project, self._session.current
        sizes = {n: s.membrane.slab.values.nbytes for n, s in self._kept.items()}
        total = sum(sizes.values())
        for name in list(self._kept)[:-1]:
            entry = None if project is None else project.membranes.get(name)
            if total <= KEPT_BYTES:
                return
            if entry is None or entry.tomogram != current:
                total -= sizes[name]
                del self._kept[name]


def is_small(path: Path) -> bool:
    """Tell whether a container is read so quickly that it need not be done in a thread."""
    try:
        return path.stat().st_size <= SMALL_BYTES
    except OSError:
        return True  # reading it at once tells what is wrong at once
