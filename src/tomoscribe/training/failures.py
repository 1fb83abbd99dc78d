"""How a training's error is told: its kind, one sentence, and what to do about it."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.events import Failed

if TYPE_CHECKING:
    from tomoscribe.training.run import RunFolder

HALF_BATCH = "retry with half the batch"
"""The hint on which a viewer offers `launch.retry_with_half_batch`."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_LOCKED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, the device's or the machine's."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and any(t in str(error).lower() for t in _OUT_OF_MEMORY)


def explain(error: BaseException, run: RunFolder, step: int, device: str) -> Failed:
    """Return the event that tells of `error`; its kind is data, oom, disk or internal."""
    kind, message, hint = _explain(error, run, device)
    return Failed(time=time.time(), step=step, kind=kind, message=message, hint=hint)


def _explain(error: BaseException, run: RunFolder, device: str) -> tuple[str, str, str]:
    if isinstance(error, TomoscribeError):  # its sentence is the user's, its cause only sorts it
        kind, _, hint = _explain_cause(error.__cause__, run, device)
        return ("data", str(error), "") if kind == "internal" else (kind, str(error), hint)
    return _explain_cause(error, run, device)


def _explain_cause(
    error: BaseException | None, run: RunFolder, device: str
) -> tuple[str, str, str]:
    if error is not None and is_out_of_memory(error):
        return "oom", f"The memory of {device or 'this machine'} was not enough.", HALF_BATCH
    if isinstance(error, OSError) and error.errno in _FULL:
        return (
            "disk",
            f"There is no space left on the disk of {run.path}; what was written before is whole.",
            "make space, then resume the run",
        )
    if isinstance(error, OSError) and error.errno in _LOCKED:
        where = error.filename or run.path
        return (
            "disk",
            f"{where} cannot be read or written ({error.strerror}).",
            "change its permissions or choose another folder, then resume the run",
        )
    first = " ".join(str(error).split())[:300]
    return (
        "internal",
        f"The training stopped by an error of its own ({type(error).__name__}: {first}).",
        f"please report it with {run.log_path}",
    )
