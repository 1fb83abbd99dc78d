"""Segmentation from a script: maps and labels of images, written to files of any size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import edges_nm
from tomoscribe.prediction.settings import PredictionSettings
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.scripting.checkpoints import checkpoint_of, project_of
from tomoscribe.scripting.label_files import LabelFile
from tomoscribe.scripting.samples import chosen_samples, folder_of, stems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.scripting.checkpoints import Model
    from tomoscribe.scripting.project import Project
    from tomoscribe.tasks.voxels.predictor import VoxelPredictor


@dataclass(frozen=True)
class Segmented:
    """What was written for one image.

    Parameters
    ----------
    sample : str
        Name in the project, or the file as it was given.
    maps : Path
        Predicted maps (.zarr, .h5), which `decode` takes.
    labels : tuple of LabelFile
        What they became; one, or one a class where classes may overlap; none without `decode`.
    notes : tuple of str
        What was assumed.
    """

    sample: str
    maps: Path
    labels: tuple[LabelFile, ...]
    notes: tuple[str, ...] = ()

    def read_maps(self) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Return the maps (map, z, y, x), 0..1, and their names; they need 4 bytes a voxel."""
        import numpy as np

        from tomoscribe.io.score_maps import open_score_maps
        from tomoscribe.segmentation.levels import as_floats

        opened = open_score_maps(self.maps)
        return as_floats(np.asarray(opened.data[...])), opened.header.maps


def segment(
    model: Model,
    images: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    project: Project | str | Path | None = None,
    decode: bool = True,
    device: str = "auto",
    voxel_size_nm: float | tuple[float, float, float] | None = None,
    progress: Callable[[str, float], object] | None = None,
    **settings: object,
) -> list[Segmented]:
    """Segment images with a trained model, in this process, block by block.

    What is there already, made by the same checkpoint with the same settings, is not predicted
    again; what was begun and killed goes on.

    Parameters
    ----------
    model : str, Path, Run or Project
        A checkpoint file; of a run its best checkpoint; of a project its current model.
    images : str, Path or sequence of them
        Names in the project, or volumes, folders of pictures, lists (.txt), tiles (.json).
    out : str or Path
        A folder; of one image also the file of maps (.zarr, .h5) or of labels (.tif, .mrc).
    project : Project, str or Path, optional
        Where names are looked up; default: the model's own project.
    decode : bool
        Turn maps into labels, too.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    voxel_size_nm : float or tuple of float, optional
        Edge of a voxel, or its edges z, y, x, of files; default: as their headers tell, else as in
        the training.
    progress : callable, optional
        Is given the image and the share of it that is done.
    **settings : object
        As the command's: `window_zyx`, `stride_zyx` and `pad_zyx` in voxels, `views` (1, 4, 8 or
        16 turned images), `merge` ("mean", "min" or "max" of them), `batch`, `decode_voxels`.

    Returns
    -------
    list of Segmented
        One for each image, in their order.

    Raises
    ------
    TomoscribeError
        If there is no such model or image, they do not fit each other, or a setting cannot be;
        images that fit are written nevertheless.

    Examples
    --------
    >>> [found] = tomoscribe.segment(run, "em.tif", "out", views=8)  # doctest: +SKIP
    >>> found.labels[0].read(), found.labels[0].objects()  # doctest: +SKIP
    """
    folder = folder_of(project) or project_of(model)
    wanted = _checked(settings)
    size: VoxelSize | None = None
    if voxel_size_nm is not None:
        z, y, x = edges_nm(voxel_size_nm)
        size = (z * 10, y * 10, x * 10)
    ref, chosen = checkpoint_of(model, folder), chosen_samples(images, folder, size)
    # Loading torch takes seconds, which a mistyped name need not wait for.
    from tomoscribe.prediction.segmentation_files import predict_segmentations
    from tomoscribe.prediction.volume import choose_device
    from tomoscribe.tasks.table import task_of

    task = task_of(ref.where)
    if task.name not in VOXEL_TASKS:
        raise TomoscribeError(
            f"{ref.source} was trained on picks: predict with tomoscribe.predict."
        )
    names = {sample.path: sample.name for sample in chosen}

    def tell(path: str, share: float) -> None:
        if progress is not None:
            progress(names[path], share)

    found: dict[str, Segmented] = {}
    failed = []
    for result in predict_segmentations(
        cast("VoxelPredictor", task.load(ref.where, choose_device(device))),
        ref.where,
        dict(zip((s.path for s in chosen), stems_of(chosen), strict=True)),
        Path(out),
        wanted,
        decode=decode,
        sizes={s.path: s.size for s in chosen if s.size is not None},
        on_progress=tell,
    ):
        if isinstance(result, TomoscribeError):
            failed.append(str(result))
            continue
        labels = tuple(LabelFile.of(each) for each in result.decoded)
        name = names[result.source]
        found[result.source] = Segmented(name, result.maps, labels, result.notes)
    if failed:
        raise TomoscribeError("\n".join(failed))
    return [found[sample.path] for sample in chosen]


def _checked(settings: dict[str, Any]) -> PredictionSettings:
    try:
        return PredictionSettings(**settings)
    except ValidationError as error:
        told = error.errors()[0]
        name = ".".join(map(str, told["loc"])) or ", ".join(settings)
        said = told["msg"].removeprefix("Value error, ")
        raise TomoscribeError(f"{name} cannot be as given: {said}.") from error
