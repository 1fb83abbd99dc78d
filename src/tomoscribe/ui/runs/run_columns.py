"""The columns of the run table: what stands in them, and by what they are sorted. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.project.default_task import counted_labels
from tomoscribe.training.run_summary import DIAMETER_SCALE
from tomoscribe.ui.runs.run_words import ago, minutes, state_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomoscribe.training.run_summary import RunRow

BAND_LOW, BAND_HIGH = "membrane.band_low_A", "membrane.band_high_A"


@dataclass(frozen=True)
class Line:
    """A row with what the table adds to it: `differs` by key, `size` in bytes (None: not counted).

    `now` is in seconds since the epoch.
    """

    row: RunRow
    differs: Mapping[str, object]
    size: int | None
    now: float


@dataclass(frozen=True)
class Column:
    """A column: title, what it means, its text, and the value that it is sorted by."""

    title: str
    tip: str
    text: Callable[[Line], str]
    key: Callable[[Line], float | str]
    right: bool = False


def bytes_words(size: int | None) -> str:
    """Return a size on disk: `12 MB`; a dot where it is not counted yet."""
    if size is None:
        return "…"
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            value = size / factor
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{size} B"


def setting_words(values: Mapping[str, object]) -> str:
    """Return settings as one reads them: `bin 2, learning rate 0.001`."""
    left = dict(values)
    parts = []
    if BAND_LOW in left and BAND_HIGH in left:
        low, high = left.pop(BAND_LOW), left.pop(BAND_HIGH)
        band = f"{low:g} to {high:g} Å" if low is not None else "from the clicks"
        parts.append(f"band {band}")
    if DIAMETER_SCALE in left:
        parts.append(f"diameter ×{left.pop(DIAMETER_SCALE):g}")
    return ", ".join([*parts, *(f"{_name(key)} {_value(value)}" for key, value in left.items())])


def data_words(row: RunRow) -> str:
    """Return what trains, what validates, and the clicks in use."""
    parts = [_names(row.train)]
    if row.validate:
        parts.append(f"→ {_names(row.validate)}")
    if row.clicks_total:
        told = counted_labels(row.task)
        parts.append(f"· {row.clicks_used:,} of {row.clicks_total:,} {told}")
    return " ".join(filter(None, parts))


def tip_of(line: Line) -> str:
    """Return what a row tells when the mouse rests on it."""
    row = line.row
    parts = [row.name, row.message]
    if row.train:
        parts.append("Trains: " + ", ".join(row.train))
    if row.validate:
        parts.append("Validates: " + ", ".join(row.validate))
    if line.differs:
        parts.append("Differs in: " + setting_words(line.differs))
    if row.sweep:
        parts.append(f"Sweep: {row.sweep}")
    return "\n".join(filter(None, [*parts, str(row.run.path)]))


COLUMNS: tuple[Column, ...] = (
    Column(
        "state",
        "What the training is doing",
        lambda line: state_word(line.row.state)[0],
        lambda line: state_word(line.row.state)[0],
    ),
    Column("run", "Name of its folder", lambda line: line.row.name, lambda line: line.row.name),
    Column(
        "task",
        "What it learns: tomogram or membrane",
        lambda line: line.row.task,
        lambda line: line.row.task,
    ),
    Column(
        "data",
        "What trains → what validates, and how many of the clicks it learns from",
        lambda line: data_words(line.row),
        lambda line: data_words(line.row),
    ),
    Column(
        "settings that differ",
        "Settings that are neither the default nor the same in all runs",
        lambda line: setting_words(line.differs),
        lambda line: setting_words(line.differs),
    ),
    Column(
        "best",
        "Best validation, 0 to 1; compare only runs that validate on the same clicks",
        lambda line: _best(line.row),
        lambda line: -math.inf if line.row.best_score is None else line.row.best_score,
        right=True,
    ),
    Column(
        "steps",
        "Steps of the optimizer",
        lambda line: str(line.row.steps),
        lambda line: line.row.steps,
        right=True,
    ),
    Column(
        "time",
        "Training time without pauses, m:ss",
        lambda line: minutes(line.row.elapsed_s),
        lambda line: line.row.elapsed_s,
        right=True,
    ),
    Column(
        "age",
        "Since it was started",
        lambda line: ago(line.now - line.row.created),
        lambda line: -line.row.created,
        right=True,
    ),
    Column(
        "size",
        "Bytes on disk: checkpoints, previews, logs",
        lambda line: bytes_words(line.size),
        lambda line: line.size or 0,
        right=True,
    ),
    Column(
        "goes on from",
        "Run, or run and checkpoint, that it began with",
        lambda line: line.row.parent,
        lambda line: line.row.parent,
    ),
)


def _best(row: RunRow) -> str:
    return "" if row.best_score is None else f"{row.best_name} {row.best_score:.3f}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 2 else f"{names[0]} and {len(names) - 1} more"


def _name(key: str) -> str:
    short = key.rpartition(".")[2]
    return short.removesuffix("_A").removesuffix("_s").removeprefix("max_").replace("_", " ")


def _value(value: object) -> str:
    if value is None:
        return "auto"
    if isinstance(value, list):
        return "+".join(map(str, value)) or "all"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
