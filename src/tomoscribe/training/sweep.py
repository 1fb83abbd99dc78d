"""One training in a few variants, started together, trained one after the other, and compared.

What can be varied is any setting by its key, and three things that users think of by other names:
the depth band of membranes, the particles' diameter, and the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import launch
from tomoscribe.training.run_summary import DIAMETER_SCALE
from tomoscribe.training.setting_keys import FIELDS, describe, value_of, with_values

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from tomoscribe.training.config import RunConfig
    from tomoscribe.training.control import Control
    from tomoscribe.training.run import RunFolder

BAND = "band_A"
"""Varies the lower and the upper end of the depth band together: `-20:60`."""

DIAMETER = "diameter"
"""Varies the diameter of all classes by a factor: `0.8`."""

FEWEST, MOST = 2, 8
"""Variants of a sweep; more are a search, and nobody compares them by eye."""


@dataclass(frozen=True)
class Variant:
    """One training of a sweep: its text for people, and the values that it changes, by key."""

    text: str
    values: dict[str, object]


def keys() -> tuple[str, ...]:
    """Return what can be varied."""
    return (BAND, DIAMETER, *FIELDS)


def meaning(key: str) -> str:
    """Return what varying a key means, for people."""
    if key == BAND:
        return "depths along the outward normal that a training on membranes looks at, low:high, Å"
    if key == DIAMETER:
        return "factor on the diameter of all classes, for this training only"
    return describe(key)


def parse(key: str, text: str) -> list[Variant]:
    """Return the variants that a text names, such as `bin` with `2, 3`.

    Parameters
    ----------
    key : str
        One of `keys`.
    text : str
        Values, separated by commas; a band is written `low:high`.

    Raises
    ------
    TomoscribeError
        If the key is unknown, a value is none, there are too few or too many, or two are equal.
    """
    if key not in keys():
        raise TomoscribeError(
            f"'{key}' cannot be varied: give {BAND}, {DIAMETER} or a setting, such as bin."
        )
    texts = [part.strip() for part in text.split(",") if part.strip()]
    if not FEWEST <= len(texts) <= MOST:
        raise TomoscribeError(
            f"A sweep over {key} needs {FEWEST} to {MOST} values, separated by commas; "
            f"'{text}' has {len(texts)}."
        )
    if len(set(texts)) < len(texts):
        raise TomoscribeError(f"'{text}' names a value of {key} twice.")
    return [Variant(one, _values(key, one)) for one in texts]


def configurations(config: RunConfig, variants: Sequence[Variant], name: str) -> list[RunConfig]:
    """Return the configuration of each variant.

    Parameters
    ----------
    config : RunConfig
        What they have in common.
    variants : sequence of Variant
        What each changes.
    name : str
        What they share in `sweep`.

    Raises
    ------
    TomoscribeError
        If a value does not fit.
    """
    made = []
    for variant in variants:
        values = dict(variant.values)
        scale = values.pop(DIAMETER_SCALE, config.data.diameter_scale)
        made.append(
            config.model_copy(
                update={
                    "settings": with_values(config.settings, values),
                    "data": config.data.model_copy(update={"diameter_scale": scale}),
                    "sweep": name,
                }
            )
        )
    return made


def sweep_name(key: str, now: datetime | None = None) -> str:
    """Return a name for a sweep that begins now: `bin 11-27 12:04:31`."""
    return f"{key} {(now or datetime.now()):%m-%d %H:%M:%S}"


def launch_all(
    configs: Sequence[RunConfig],
    runs_dir: str | os.PathLike[str],
    control: Control | None = None,
) -> list[RunFolder]:
    """Make the runs and start a worker for each; those that want the same device queue in order.

    A worker that waits has not loaded PyTorch. If one cannot be started, or on an interrupt, those
    before it are asked to stop.

    Raises
    ------
    TomoscribeError
        If a run cannot be made or started.
    """
    started: list[RunFolder] = []
    try:
        for config in configs:
            started.append(launch.launch(config, runs_dir, control=control))
    except (TomoscribeError, KeyboardInterrupt):
        for run in started:
            launch.request_stop(run)
        raise
    return started


def _values(key: str, text: str) -> dict[str, object]:
    if key == BAND:
        low, _, high = text.partition(":")
        return {
            "membrane.band_low_A": _number(key, low, text),
            "membrane.band_high_A": _number(key, high, text),
        }
    if key == DIAMETER:
        factor = _number(key, text, text)
        if not factor > 0:
            raise TomoscribeError(f"A diameter cannot be {text} times what it is.")
        return {DIAMETER_SCALE: factor}
    return {key: value_of(text, key)}


def _number(key: str, part: str, text: str) -> float:
    try:
        number = float(part)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        form = "low:high, such as -20:60" if key == BAND else "a number, such as 0.8"
        raise TomoscribeError(f"{key}={text} cannot be: give {form}.")
    return number
