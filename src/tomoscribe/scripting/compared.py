"""What comparisons of pickers and of segmentations have in common for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tomoscribe.training import compare as core
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.compare_segments import SegmentComparison

Side = Literal["A", "B"]


def described(kind: str, sides: Mapping[str, CheckpointRef], names: Iterable[str]) -> str:
    """Return a comparison as it shows itself: which checkpoints, on which samples."""
    a, b = (ref.source for ref in sides.values())
    return f"<{kind} of {a} and {b} on {', '.join(names)}>"


def known_side(sides: Mapping[str, CheckpointRef], side: str) -> str:
    """Return the letter of a side.

    Raises
    ------
    TomoscribeError
        If there is no such side.
    """
    if side not in sides:
        raise TomoscribeError(f"There is no side '{side}': give 'A' or 'B'.")
    return side


def write_page(path: str | Path, project: str, result: core.Comparison | SegmentComparison) -> Path:
    """Write the page of a comparison (HTML), whole or not at all; return its path.

    Raises
    ------
    TomoscribeError
        If it cannot be written, or an image not be read any more.
    """
    from tomoscribe.io.atomic import write_text_atomic
    from tomoscribe.training.comparison_page import comparison_page

    page = Path(path).expanduser()
    write_text_atomic(page, comparison_page(project, result))
    return page
