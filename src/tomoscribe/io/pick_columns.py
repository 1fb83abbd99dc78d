"""Picks as files hold them: columns of equal length, and checks before they are believed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Literal

import numpy as np

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

Flavour = Literal[
    "relion5",
    "relion4",
    "relion3.1",
    "relion3.0",
    "warp",
    "stopgap",
    "dynamo",
    "motl",
    "imod",
    "cbox",
    "copick",
    "portal",
    "deepfinder",
    "csv",
    "txt",
]
"""Pick files that can be written; `pick_formats.FORMATS` says what each is."""


class NeedsTomogramError(TomoscribeError):
    """A file counts in Å, which only its tomogram's geometry turns into voxels.

    Parameters
    ----------
    path : Path
        The pick file.
    unit : str
        What it counts in.
    """

    def __init__(self, path: Path, unit: str) -> None:
        super().__init__(f"{path} counts in {unit}: open it together with its tomogram.")
        self.unit = unit


_TAIL = re.compile(
    r"(\.(mrc|mrcs|rec|map|tomostar|tiff?|gz|bz2|zarr|ome|h5|hdf5?|star)|_\d+(\.\d+)?apx)$"
)


@dataclass(frozen=True)
class PickColumns:
    """The picks of a file.

    Parameters
    ----------
    zyx : ndarray
        (N, 3) float64 positions in voxels of the tomogram's file, 0 at the first voxel's centre.
    class_names : list of str or None
        One a pick.
    scores : ndarray or None
        (N,) as in the file.
    normals_zyx : ndarray or None
        (N, 3) unit vectors along the particles' axes; NaN for picks without one.
    angles_deg : ndarray or None
        (N,) rotations about the normals (rot of RELION); NaN where unknown.
    tomogram : list of str or None
        Name of each pick's tomogram, as in the file.
    notes : tuple of str
        Sentences about how the file was read.
    pixel_size_A : float or None
        Size in Å of the voxels that `zyx` counts in, where the file tells one for all picks.
    diameters_A : ndarray or None
        (N,) diameters of the particles, for formats that hold boxes.
    class_order : tuple of str or None
        All classes of the project, for formats that number them: so that a class has the same
        number in every file.
    """

    zyx: NDArray[np.float64]
    class_names: list[str] | None = None
    scores: NDArray[np.float64] | None = None
    normals_zyx: NDArray[np.float64] | None = None
    angles_deg: NDArray[np.float64] | None = None
    tomogram: list[str] | None = None
    notes: tuple[str, ...] = ()
    pixel_size_A: float | None = None
    diameters_A: NDArray[np.float64] | None = None
    class_order: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.zyx)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> PickColumns:
        """Return the picks of some rows, by index or mask."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self,
            zyx=self.zyx[index],
            class_names=None if self.class_names is None else [self.class_names[i] for i in index],
            scores=None if self.scores is None else self.scores[index],
            normals_zyx=None if self.normals_zyx is None else self.normals_zyx[index],
            angles_deg=None if self.angles_deg is None else self.angles_deg[index],
            tomogram=None if self.tomogram is None else [self.tomogram[i] for i in index],
            diameters_A=None if self.diameters_A is None else self.diameters_A[index],
        )

    def for_tomogram(self, name: str, path: str) -> PickColumns:
        """Return the picks of one tomogram.

        A file that names no tomogram is taken to be about this one. Names agree when they are
        equal without folders, file suffixes and endings such as `_10.00Apx`. Files that number
        tomograms are about this one if its name holds the number, or if they know one only.

        Parameters
        ----------
        name : str
            The tomogram's name or path.
        path : str
            The pick file, for the error.

        Raises
        ------
        TomoscribeError
            If the file is about other tomograms only.
        """
        if self.tomogram is None or not self.tomogram:
            return self
        wanted = tomogram_key(name)
        mine = np.array([tomogram_key(t) == wanted for t in self.tomogram])
        if not mine.any() and all(name.isdigit() for name in self.tomogram):
            numbers = [int(name) for name in self.tomogram]
            own = {int(n) for n in re.findall(r"\d+", wanted)} & set(numbers)
            if len(own) == 1 or len(set(numbers)) == 1:
                number = own.pop() if own else numbers[0]
                return replace(
                    self.take(np.array(numbers) == number),
                    notes=(*self.notes, f"Tomogram {number} of {path} is taken to be {name}."),
                )
        if not mine.any():
            others = sorted(set(self.tomogram))
            shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
            raise TomoscribeError(
                f"{path} holds picks of {shown}, none of {name}: "
                "give the file of this tomogram, or rename one of them."
            )
        return self.take(mine)


def tomogram_key(name: str) -> str:
    """Return a tomogram's name without folder, suffixes and the pixel size that Warp appends."""
    path = PureWindowsPath(name) if "\\" in name else PurePosixPath(name)
    key = path.name.lower()
    while shorter := _TAIL.sub("", key):
        if shorter == key:
            return key
        key = shorter
    return key


def check_inside(columns: PickColumns, geometry: Geometry) -> str | None:
    """Return a warning with the likely unit mistake if picks lie outside of the tomogram.

    Parameters
    ----------
    columns : PickColumns
        Picks in voxels.
    geometry : Geometry
        Of their tomogram.
    """
    outside = ~_inside(columns.zyx, geometry.shape_zyx)
    count = int(outside.sum())
    if count == 0:
        return None
    size = " x ".join(str(n) for n in reversed(geometry.shape_zyx))
    return (
        f"{count} of {len(columns)} picks lie outside of the tomogram ({size} voxels, x y z)"
        f"{_likely_mistake(columns.zyx, geometry)}."
    )


def _inside(zyx: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.all((zyx >= -0.5) & (zyx <= np.array(shape) - 0.5), axis=1)
    return inside


def _likely_mistake(zyx: NDArray[np.float64], geometry: Geometry) -> str:
    shape = geometry.shape_zyx

    def fits(points: NDArray[np.float64]) -> bool:
        return bool(_inside(points, shape).mean() > 0.95)

    if _inside(zyx, shape).mean() > 0.9:
        return ""
    if (zyx < -0.5).any(axis=1).mean() > 0.2 and fits(zyx + np.array(shape) / 2):
        return ": they look like coordinates from the centre instead of the corner"
    for order, axes in (("z y x", (2, 1, 0)), ("x z y", (1, 0, 2)), ("y x z", (0, 2, 1))):
        if fits(zyx[:, axes]):
            return f": their axes look like {order} instead of x y z"
    guesses = []
    if geometry.voxel_size_A is not None:
        if fits((zyx - np.array(geometry.origin_zyx_A)) / geometry.voxel_size_A):
            guesses.append("Å instead of voxels")
        elif fits(zyx / geometry.voxel_size_A):
            guesses.append("Å, without the header's origin, instead of voxels")
    factor = next((n for n in (2, 3, 4, 6, 8) if fits(zyx / n)), None)
    if factor is not None:
        guesses.append(f"voxels of a tomogram binned {factor} times less")
    if guesses:
        return f": they look like {', or '.join(guesses)}"
    return ": they may belong to another tomogram"
