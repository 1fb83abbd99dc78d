"""Meshing in a thread: what is in a segmentation, and its membranes into the project. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.io.volumes import Volume, open_volume
from tomoscribe.membranes.batch import Meshed, mesh_volume
from tomoscribe.membranes.components import find_parts
from tomoscribe.membranes.meshing import SMALLEST_VOXELS

if TYPE_CHECKING:
    from napari.layers import Labels

    from tomoscribe.membranes.meshing import Surface

STEM = "membrane"
"""Name of what comes from a layer without a telling one."""


@dataclass(frozen=True)
class Source:
    """A segmentation: `stem` names its membranes, `labels` is a file's or a layer's content."""

    stem: str
    labels: Volume

    @classmethod
    def of_file(cls, path: str | Path) -> Source:
        """Open a file.

        Raises
        ------
        TomoscribeError
            If it is no volume.
        """
        name = Path(path).name
        for suffix in (".gz", ".bz2"):
            name = name.removesuffix(suffix)
        return cls(Path(name).stem, open_volume(str(path)))

    @classmethod
    def of_layer(cls, layer: Labels) -> Source:
        """Take a Labels layer; a scale of 1 says nothing of the voxel size."""
        scale = float(layer.scale[-1])
        size_A = None if scale == 1 else scale
        data = np.asarray(layer.data)
        return cls(layer.name or STEM, Volume(f"Layer '{layer.name}'", data, size_A))


@dataclass(frozen=True)
class Part:
    """A component or label, with its voxels; `value` is the label's, None for a component."""

    name: str
    voxels: int
    value: int | None


@dataclass(frozen=True)
class Contents:
    """What is in a segmentation, largest first, and sentences about what is left out."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


def contents_of(source: Source) -> Contents:
    """Return what would be meshed.

    Raises
    ------
    TomoscribeError
        If it is empty, full, or no segmentation.
    """
    parts, skipped = find_parts(np.asarray(source.labels.data[...]), None, SMALLEST_VOXELS)
    labelled = bool(parts) and parts[0].name.startswith("Label")
    return Contents(
        tuple(Part(p.name, p.voxels, p.label if labelled else None) for p in parts),
        tuple(skipped),
    )


@dataclass
class MeshingJob:
    """One meshing; call it in a thread, look at `share` and `words`, set `stop` to end it early."""

    source: Source
    tomogram: Volume
    out: Path
    surface: Surface
    area_A2: float | None
    only: list[int] | None = None
    share: float = 0.0
    words: str = ""
    stop: Event = field(default_factory=Event)

    def __call__(self) -> Meshed:
        """Mesh, and write the membranes under names that are free."""
        return mesh_volume(
            self.source.labels,
            self._free_stem(),
            self.tomogram,
            self.out,
            area_A2=self.area_A2,
            surface=self.surface,
            only=self.only,
            on_progress=self._progress,
            should_stop=self.stop.is_set,
        )

    def _progress(self, share: float, words: str) -> None:
        self.share, self.words = share, words

    def _free_stem(self) -> str:
        stem, number = self.source.stem, 2
        while any(self.out.glob(f"{stem}.h5")) or any(self.out.glob(f"{stem}_*.h5")):
            stem = f"{self.source.stem}-{number}"
            number += 1
        return stem
