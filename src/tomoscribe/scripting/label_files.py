"""Label volumes for scripts: read, measured object by object, judged by the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.label_figures import LabelOptions, label_figures
from tomoscribe.io.label_files import LabelVolume, open_label_array, open_labels
from tomoscribe.io.voxel_size import edges_nm
from tomoscribe.segmentation.object_meshes import write_object_meshes, write_object_points
from tomoscribe.segmentation.statistics import (
    TABLE_COLUMNS,
    object_table,
    table_cells,
    with_classes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    import pandas as pd
    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.segmentation.decoded_files import Decoded

    Labels = NDArray[Any] | str | Path
    Size = float | tuple[float, float, float]


@dataclass(frozen=True)
class LabelFile:
    """A file of labels that was written.

    Parameters
    ----------
    path : Path
        TIFF, MRC, HDF5 or OME-Zarr.
    class_names : tuple of str
        Its classes.
    class_of : (N + 1,) array of int
        Index of the class of each number; -1 of the background.
    in_sections : tuple of str, optional
        Classes whose objects are of one section each; None: as the numbers tell.
    """

    path: Path
    class_names: tuple[str, ...]
    class_of: NDArray[np.int64]
    in_sections: tuple[str, ...] | None = None

    @classmethod
    def of(cls, decoded: Decoded) -> LabelFile:
        """Return what decoding wrote."""
        return cls(decoded.path, decoded.class_names, decoded.class_of, decoded.anew)

    def read(self) -> NDArray[np.integer[Any]]:
        """Return the labels (z, y, x): 0 for background, else the number of an object."""
        return open_labels(str(self.path)).values

    def objects(self) -> pd.DataFrame:
        """Return a row for each object, as `object_stats` does."""
        labels, size = open_label_array(str(self.path))
        sections = self.in_sections
        return _frame(
            object_table(labels, size, self.class_names, self.class_of, in_sections=sections)
        )


def object_stats(
    labels: Labels,
    *,
    voxel_size_nm: Size | None = None,
    classes: str | Mapping[int, str] = "",
    out: str | Path | None = None,
    meshes: Literal["ply", "stl", "obj"] | None = None,
    points: Literal["ply", "csv"] | None = None,
) -> pd.DataFrame:
    """Measure the objects of a label volume: the table of `tomoscribe stats`.

    Files are read slab by slab, so they may be larger than memory.

    Parameters
    ----------
    labels : array, str or Path
        (Z, Y, X) whole numbers, or a file of them; 0 is background.
    voxel_size_nm : float or tuple of float, optional
        Edge of a voxel, or its edges z, y, x, where the file does not tell them.
    classes : str or mapping of int to str
        Class of all objects, or by number.
    out : str or Path, optional
        Folder for meshes and point clouds, a file for each object.
    meshes, points : str, optional
        Formats of them: surfaces, and centres of voxels, in nm, x y z.

    Returns
    -------
    DataFrame
        By number of the object: class, voxels, volume in nm³, surface in nm², centroid in nm and
        in voxels, first and last voxel of the box around it, and whether it touches the border.

    Raises
    ------
    TomoscribeError
        If they are no labels, nothing tells the voxel size, or files cannot be written.

    Examples
    --------
    >>> table = tomoscribe.object_stats("labels.tif")  # doctest: +SKIP
    >>> table["volume_nm3"].median()  # doctest: +SKIP
    """
    if (meshes or points) and out is None:
        raise TomoscribeError("Meshes and point clouds need a folder: give out.")
    size = None if voxel_size_nm is None else edges_nm(voxel_size_nm)
    values: LazyArray
    if isinstance(labels, str | Path):
        values, size = open_label_array(str(labels), size)
    elif size is None:
        raise TomoscribeError("An array does not tell its voxel size: give voxel_size_nm.")
    else:
        values = LabelVolume.of(np.asarray(labels), "The array", size).values
    rows = with_classes(object_table(values, size), classes)
    if meshes is not None:
        write_object_meshes(Path(out or ""), values, rows, size, meshes)
    if points is not None:
        write_object_points(Path(out or ""), values, rows, size, points)
    return _frame(rows)


def evaluate_labels(
    found: Labels,
    truth: Labels,
    *,
    classes: Mapping[int, str] | Sequence[str] = (),
    objects: bool = False,
    unlabelled: int | None = None,
    by_section: bool | None = None,
    hausdorff: bool = False,
    voxel_size_nm: Size | None = None,
) -> pd.DataFrame:
    """Judge a segmentation by the truth: the figures of `tomoscribe evaluate`.

    Parameters
    ----------
    found, truth : array, str or Path
        (Z, Y, X) whole numbers of the same shape, or files of them.
    classes : mapping of int to str, or sequence of str
        Names by value, or of the values 1, 2, …; default: all values of the truth.
    objects : bool
        Values number objects of one class, which are matched one to one.
    unlabelled : int, optional
        Value of the truth that counts nowhere; so do values below 0, and NaN.
    by_section : bool, optional
        Match objects in each section, or through the volume; default: in each section where one
        of both numbers its objects anew in each, as those decoded in `2d` do. The column
        "objects matched" tells which.
    hausdorff : bool
        Distances in nm and the CellMap challenge's score of objects, too.
    voxel_size_nm : float or tuple of float, optional
        Edge of a voxel, or its edges z, y, x, where files do not tell them.

    Returns
    -------
    DataFrame
        A row for each class that is in either, a column for each figure; NaN where nothing tells
        it, as precision where nothing was found.

    Raises
    ------
    TomoscribeError
        If shapes differ, or there is nothing to compare, or the truth has so many values that they
        are hardly classes.

    Examples
    --------
    >>> tomoscribe.evaluate_labels("found.tif", "truth.tif", objects=True)  # doctest: +SKIP
    """
    import pandas as pd

    size = None if voxel_size_nm is None else edges_nm(voxel_size_nm)
    named = [classes] if isinstance(classes, str) else classes
    by_value = dict(named) if isinstance(named, Mapping) else dict(enumerate(named, start=1))
    options = LabelOptions(by_value, objects, unlabelled, by_section, hausdorff)
    mine, true = _volume(found, "What was found", size), _volume(truth, "The truth", size)
    return pd.DataFrame.from_dict(label_figures(mine, true, options).of_class, orient="index")


def _volume(labels: Labels, name: str, size: tuple[float, float, float] | None) -> LabelVolume:
    if isinstance(labels, str | Path):
        return open_labels(str(labels), size)
    return LabelVolume.of(np.asarray(labels), name, size)


def _frame(rows: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([table_cells(r) for r in rows], columns=TABLE_COLUMNS).set_index("id")
