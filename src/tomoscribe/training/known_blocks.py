"""What is known already of a prediction that begins: of an ended process, or of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.project.file import runs_folder
from tomoscribe.tasks.base import Block
from tomoscribe.training.prediction_folder import list_folders
from tomoscribe.training.previews import decode_scores, iterate_blocks
from tomoscribe.training.run import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.training.prediction_folder import PredictionFolder
    from tomoscribe.training.preview_job import PreviewJob


def take_over(preview: PreviewJob, folder: PredictionFolder, checkpoint: Path) -> None:
    """Begin a prediction with the blocks that others have computed of it.

    A reader prefers the most complete scores: without these it would not show the new ones, which
    begin where the user looks, before they are more than the old.

    Parameters
    ----------
    preview : PreviewJob
        A preview; nothing is done where it has blocks already.
    folder : PredictionFolder
        Where it is written.
    checkpoint : Path
        The checkpoint's file.
    """
    if folder.preview_path(preview.name, preview.sample).stat().st_size:
        return
    logs = [
        other.preview_path(preview.name, preview.sample)
        for other in list_folders(folder.project)
        if other.path != folder.path
    ]
    run = RunFolder(checkpoint.parent.parent)
    if run.path.parent == runs_folder(folder.project):
        logs.append(run.preview_path(checkpoint.stem, preview.sample))
    there = [(log.stat().st_size, log) for log in logs if log.is_file()]
    if not there:
        return
    for _, lo, values in iterate_blocks(max(there)[1]):
        if preview.fits(lo, values.shape):
            preview.write(Block(lo, decode_scores(values)))
