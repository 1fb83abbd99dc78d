"""The checkpoints of a run that can be looked at on a sample: where the slider stops."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui.runs.run_record import PreviewedCheckpoint, Quality, worth_a_look
from tomoscribe.ui.runs.run_words import minutes

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.training.catalog import Catalog, KnownCheckpoint, StoredScores
    from tomoscribe.ui.runs.run_record import RunRecord


NOT_VALIDATED = "not validated"
"""Of weights that nobody has measured, as those of the first steps: what they show is no result."""


def stops_of(
    catalog: Catalog | None,
    record: RunRecord | None,
    run: Path,
    sample: str,
    in_view: str | None,
    *,
    predicted: bool = False,
) -> list[PreviewedCheckpoint]:
    """Return the previews of a run on a sample, oldest first.

    Parameters
    ----------
    catalog : Catalog or None
        Knows all runs, and what was computed in the background.
    record : RunRecord or None
        Of the run that is followed, if it is this one: it knows the newest blocks.
    run : Path
        The run's folder.
    sample : str
        A tomogram or membrane.
    in_view : str or None
        A checkpoint that is a stop whatever there is of it.
    predicted : bool
        Weights that were kept are stops without a preview, too: what is missing is predicted.
    """
    found = {} if record is None else {c.name: c for c in record.previewed(sample, in_view)}
    for known in () if catalog is None else catalog.checkpoints(run):
        stored = catalog.find(known.ref, sample) if catalog is not None else None
        here = found.get(known.ref.name)
        if here is not None:
            found[here.name] = _known_better(here, known, stored)
        elif predicted and known.ref.file is not None:
            coverage = 0.0 if stored is None else stored.coverage
            found[known.ref.name] = as_previewed(known, coverage)
        elif stored is not None and stored.coverage > 0:
            kept = record is None and known.ref.file is not None
            if stored.coverage >= WHOLE or kept or known.ref.name == in_view:
                found[known.ref.name] = as_previewed(known, stored.coverage)
    return worth_a_look(sorted(found.values(), key=lambda stop: stop.step), in_view)


def _known_better(
    here: PreviewedCheckpoint, known: KnownCheckpoint, stored: StoredScores | None
) -> PreviewedCheckpoint:
    """Return a stop of the run that is followed as the catalogue knows it, which asks the disk."""
    coverage = here.coverage if stored is None else max(stored.coverage, here.coverage)
    # Events tell which weights were written, not which of them were removed since.
    return replace(here, coverage=coverage, path=None if known.ref.file is None else here.path)


def as_previewed(known: KnownCheckpoint, coverage: float) -> PreviewedCheckpoint:
    """Return a checkpoint of the catalog as a stop."""
    quality = None if known.score is None else Quality(known.step, known.score_name, known.score)
    path = None if known.ref.file is None else f"checkpoints/{known.ref.file.name}"
    return PreviewedCheckpoint(
        known.ref.name, known.step, math.nan, quality, known.best, path, coverage
    )


def ref_of(run: Path, stop: PreviewedCheckpoint) -> CheckpointRef:
    """Return a stop as everybody names it."""
    return CheckpointRef(stop.name, run, None if stop.path is None else run / stop.path)


def default_sides(checkpoints: list[PreviewedCheckpoint]) -> tuple[int, int]:
    """Return which checkpoints to compare at first: the best older kept one, the newest whole one.

    Training goes on only from weights that were kept. One that scores as the newest does, to two
    decimals, shows nothing beside it: where all that are measured do, the oldest of them shows
    best what has changed. So does the oldest whole preview where no other weights were kept.
    """
    whole = [i for i, c in enumerate(checkpoints) if c.coverage >= WHOLE]
    newest = max(whole, default=len(checkpoints) - 1)

    def score(i: int) -> float:
        quality = checkpoints[i].quality
        return -1.0 if quality is None else round(quality.value, 2)

    def rank(i: int) -> tuple[bool, bool, bool, float, int]:
        apart = score(i) >= 0 and score(i) != score(newest)
        return i in whole, apart, checkpoints[i].best and apart, score(i), i if apart else -i

    kept = [i for i, c in enumerate(checkpoints) if c.path is not None and i != newest]
    return max(kept, key=rank, default=min(whole, default=0)), newest


def stop_text(checkpoint: PreviewedCheckpoint) -> str:
    """Return step, quality and training time of a checkpoint in one line."""
    parts = [f"step {checkpoint.step}"]
    if checkpoint.quality is not None:
        parts.append(f"{checkpoint.quality.name} {checkpoint.quality.value:.2f}")
    else:
        parts.append(NOT_VALIDATED)
    if math.isfinite(checkpoint.elapsed_s):
        parts.append(minutes(checkpoint.elapsed_s))
    return " · ".join(parts) + (" · best" if checkpoint.best else "")
