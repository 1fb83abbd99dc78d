"""Deleting a run folder: refused while anybody needs it, and gone for all readers at once."""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_error
from tomoscribe.training.follow import effective_state
from tomoscribe.training.launch import list_runs
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.training.run import RunFolder

DELETED = ".deleted-"
"""How folders begin that are on their way out; lists of runs pass hidden folders over."""


def delete(run: RunFolder) -> None:
    """Delete a run with its checkpoints, for ever.

    The folder is first renamed, so that nobody sees half of it, and then removed; what an
    interrupted deletion left behind is removed with the next one.

    Raises
    ------
    TomoscribeError
        If it is no run folder, its worker lives, a run that has not begun yet goes on from it, or
        the system refuses.
    """
    why = why_kept(run)
    if why is not None:
        raise TomoscribeError(why)
    runs_dir = run.path.parent
    hidden = runs_dir / f"{DELETED}{uuid.uuid4().hex[:8]}-{run.name}"
    try:
        run.path.rename(hidden)
        for left in runs_dir.glob(f"{DELETED}*"):
            # Another viewer may be at it too.
            with suppress(FileNotFoundError):
                shutil.rmtree(left)
    except OSError as error:
        raise write_error(run.path, error) from error


def why_kept(run: RunFolder) -> str | None:
    """Return why a run cannot be deleted now, as one sentence; None if it can."""
    if not run.exists:
        return f"{run.path} is not a run folder: it has no config.yaml."
    if effective_state(run.status()).alive and run.status() is not None:
        return f"{run.name} still trains or waits: stop it first, then delete it."
    waiting = _waiting_child(run)
    if waiting is not None:
        return f"{waiting.name} is about to go on from {run.name}: let it begin first."
    return None


def holds(run: RunFolder, file: Path | None) -> bool:
    """Tell whether a file, such as the project's current model, lies in a run."""
    return file is not None and file.resolve().is_relative_to(run.path.resolve())


def _waiting_child(run: RunFolder) -> RunFolder | None:
    """Return a run that needs this one's checkpoint and has not read it yet."""
    for info in list_runs(run.path.parent):
        if info.state not in (State.STARTING, State.QUEUED):
            continue
        try:
            config = info.run.config()
        except TomoscribeError:
            continue
        first = None if config.start_from is None else run.path.parent / config.start_from
        if config.parent == run.name or holds(run, first):
            return info.run
    return None
