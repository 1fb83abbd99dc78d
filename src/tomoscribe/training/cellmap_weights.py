"""Checkpoints that the CellMap toolbox itself wrote, a state dict an epoch, beside its scores."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.training.cellmap_config import base_folder

if TYPE_CHECKING:
    from tomoscribe.training.cellmap_config import Prepared
    from tomoscribe.training.cellmap_file import ReadConfig
    from tomoscribe.training.cellmap_keys import CellMapConfig

_EPOCH, _MODEL = "{epoch}", "{model_name}"
_SCORE = "validation"
"""TensorBoard's name of the toolbox's score, one an epoch."""


def begun_with_weights(prepared: Prepared, read: ReadConfig) -> Prepared:
    """Return a run that begins with the file which `load_model` means, if there is one.

    A run of ours counts first: then nothing changes.
    """
    run = prepared.config
    if run.parent is not None or run.start_from is not None:
        return prepared
    notes: list[str] = []
    found = _found(read.config, base_folder(read), notes)
    if found is None:
        return prepared
    begun = run.model_copy(update={"start_from": str(found.absolute())})
    return replace(prepared, config=begun, notes=(*prepared.notes, *notes))


def _found(config: CellMapConfig, base: Path, notes: list[str]) -> Path | None:
    """Return the file; sentences tell which it is."""
    wanted = config.model_to_load or config.model_name
    files = _by_epoch(base, config.model_save_path.replace(_MODEL, wanted))
    if not files:
        return None
    epoch = max(files)
    if config.load_model == "best":
        logs = base / Path(config.logs_save_path.replace(_MODEL, wanted)).expanduser()
        best = _best_epoch(logs, low_is_best=config.low_is_best)
        if best in files:
            epoch = best
        else:
            told = "no validation" if best is None else f"epoch {best}, which is gone,"
            notes.append(f"{logs} says {told} is best: the last epoch is taken.")
    notes.append(f"Begins with the weights of {files[epoch]}.")
    return files[epoch]


def _by_epoch(base: Path, template: str) -> dict[int, Path]:
    """Return the files of a template with {epoch}, which a folder may hold too."""
    place = base / Path(template).expanduser()
    parts = place.parts
    if not any(_EPOCH in part for part in parts):
        return {0: place} if place.is_file() else {}
    first = next(i for i, part in enumerate(parts) if _EPOCH in part)
    pattern = re.compile(
        re.escape(str(place))
        .replace(re.escape(_EPOCH), r"(\d+)", 1)
        .replace(re.escape(_EPOCH), r"\1")
    )
    within = "/".join(part.replace(_EPOCH, "*") for part in parts[first:])
    found = {path: pattern.fullmatch(str(path)) for path in Path(*parts[:first]).glob(within)}
    return {int(match[1]): path for path, match in found.items() if match and path.is_file()}


def _best_epoch(logs: Path, *, low_is_best: bool) -> int | None:
    """Return the epoch, counted from 1, with the best score in a folder of TensorBoard's files."""
    if not logs.is_dir():
        return None
    from tensorboard.backend.event_processing import (  # type: ignore[import-untyped]
        event_accumulator,
    )

    board = event_accumulator.EventAccumulator(str(logs), size_guidance={"scalars": 0}).Reload()
    if _SCORE not in board.Tags()["scalars"]:
        return None
    scores = [event.value for event in board.Scalars(_SCORE)]
    return 1 + scores.index(min(scores) if low_is_best else max(scores))
