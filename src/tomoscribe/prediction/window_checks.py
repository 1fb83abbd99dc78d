"""Whether windows that the user wants suit an image; no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.io.volumes import Volume
    from tomoscribe.prediction.settings import PredictionSettings
    from tomoscribe.tasks.voxels.plan import VoxelPlan


def check_windows(plan: VoxelPlan, settings: PredictionSettings, volume: Volume) -> tuple[str, ...]:
    """Return a sentence for each thing that is asked of windows and cannot be had.

    Parameters
    ----------
    plan : VoxelPlan
        Of the checkpoint.
    settings : PredictionSettings
    volume : Volume
        The image.

    Raises
    ------
    TomoscribeError
        If windows would leave gaps.
    """
    deep = plan.dimension == "3d"
    axes = (0, 1, 2) if deep else (1, 2)
    window, stride = settings.window_zyx, settings.stride_zyx
    learned = [n * r for n, r in zip(plan.window_zyx, plan.reduction_zyx, strict=True)]
    if stride is not None and any(stride[a] > (window or learned)[a] for a in axes):
        whose = "" if window else " of the training"
        raise TomoscribeError(
            f"The stride of {_size(stride)} voxels is larger than the window{whose}, "
            f"{_size(window or learned)} (z, y, x), so that parts of the image would not be seen: "
            "make the stride smaller, or the window larger."
        )
    if window is None:
        return ()
    notes = []
    if not deep and window[0] > 1:
        notes.append(
            f"The network sees section by section: of the window's {window[0]} sections one at a "
            "time."
        )
    sides = [n + 2 * p for n, p in zip(volume.shape_zyx, settings.pad_zyx, strict=True)]
    if any(window[a] > sides[a] for a in axes):
        instead = "it is as large as the image there" if stride is None else "its edge repeats"
        notes.append(
            f"The window of {_size(window)} voxels (z, y, x) is larger than {volume.path}, "
            f"{_size(volume.shape_zyx)}: {instead}."
        )
    return tuple(notes)


def _size(zyx: Sequence[int]) -> str:
    return " x ".join(map(str, zyx))
