"""What is measured and written of objects, in threads. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from tomoscribe.io.label_write import write_labels
from tomoscribe.segmentation.object_meshes import write_object_meshes, write_object_points
from tomoscribe.segmentation.statistics import ObjectRow, object_table, write_object_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tomoscribe.segmentation.decoder_settings import Triple
    from tomoscribe.segmentation.decoders import Segmentation
    from tomoscribe.segmentation.object_meshes import MeshFormat
    from tomoscribe.ui.segments.decoding import Objects

    Advance = Callable[[float], None]
    """Told the share 0..1 that is done."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Objects, and in what they are measured.

    Parameters
    ----------
    objects : Objects
    voxel_size_zyx_nm, origin_zyx_nm : tuple of float
        Edges of a voxel; position of the first one's centre.
    """

    objects: Objects
    voxel_size_zyx_nm: Triple
    origin_zyx_nm: Triple = (0.0, 0.0, 0.0)

    def rows(
        self, *, surfaces: bool, between: Callable[[], None] = lambda: None
    ) -> list[ObjectRow]:
        """Return one row an object, by the numbers that the viewer shows."""
        found = []
        for part, first in self._parts():
            found += [
                replace(row, number=row.number + first)
                for row in self._rows(part, surfaces=surfaces, between=between)
            ]
        return found

    def write_table(self, path: Path) -> str:
        """Write the table as CSV; return a sentence.

        Raises
        ------
        TomoscribeError
            If it cannot be written.
        """
        rows = self.rows(surfaces=True)
        write_object_table(path, rows)
        return f"{_count(len(rows))} written to {path}."

    def write_labels(self, path: Path) -> str:
        """Write label volumes, one where classes do not overlap, else one a class.

        Raises
        ------
        TomoscribeError
            If one cannot be written.
        """
        parts = self.objects.parts
        written = []
        for part in parts:
            name = f"{path.stem}_{part.class_names[0]}{path.suffix}"
            target = path if len(parts) == 1 else path.with_name(name)
            write_labels(target, part.labels, self.voxel_size_zyx_nm, self.origin_zyx_nm)
            written.append(target)
        numbers = "0 is background, else the number of the object"
        return f"Labels written to {', '.join(map(str, written))} ({numbers})."

    def write_meshes(self, folder: Path, kind: MeshFormat, advance: Advance) -> str:
        """Write a mesh an object into a folder; `advance` is told the share that is done.

        Raises
        ------
        TomoscribeError
            If one cannot be written.
        """
        write = partial(write_object_meshes, folder, kind=kind)
        told = self._each(write, advance, "mesh", "meshes")
        return f"{told} (.{kind}, in nm) written to {folder}."

    def write_points(self, folder: Path, kind: Literal["ply", "csv"], advance: Advance) -> str:
        """Write a point cloud an object into a folder; `advance` is told the share that is done.

        Raises
        ------
        TomoscribeError
            If one cannot be written.
        """
        write = partial(write_object_points, folder, kind=kind)
        told = self._each(write, advance, "point cloud", "point clouds")
        return f"{told} (.{kind}, in nm) written to {folder}."

    def _each(self, write: Callable[..., list[Path]], advance: Advance, one: str, many: str) -> str:
        """Have a file an object written, and return how many there are, in words."""
        parts = [(p, self._rows(p, surfaces=False)) for p in self.objects.parts]
        count, total = 0, sum(len(rows) for _, rows in parts)

        def told(share: float) -> None:
            advance((count + share * len(rows)) / total)

        for part, rows in parts:
            voxel = self.voxel_size_zyx_nm
            write(labels=part.labels, rows=rows, voxel_size_zyx_nm=voxel, advance=told)
            count += len(rows)
        return _count(count, one, many)

    def _parts(self) -> Iterator[tuple[Segmentation, int]]:
        """Yield segmentations, and how many numbers in the viewer come before theirs."""
        first = 0
        for part in self.objects.parts:
            yield part, first
            first += part.count

    def _rows(
        self, part: Segmentation, *, surfaces: bool, between: Callable[[], None] = lambda: None
    ) -> list[ObjectRow]:
        return object_table(
            part.labels,
            self.voxel_size_zyx_nm,
            part.class_names,
            part.class_of,
            in_sections=self.objects.in_sections,
            surfaces=surfaces,
            between=between,
        )


def _count(number: int, one: str = "object", many: str = "objects") -> str:
    return f"{number} {one if number == 1 else many}"
