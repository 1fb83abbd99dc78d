"""`--set key=value`: settings of a training from the command line, checked by their one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_settings(pairs: Sequence[str], **given: object) -> TrainingSettings:
    """Return settings from `key=value` texts, and from options of their own that are not None.

    Raises
    ------
    TomoscribeError
        If a key is unknown, or a value does not fit.
    """
    values: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in TrainingSettings.model_fields:
            raise TomoscribeError(f"--set {pair}: give key=value with a key of {keys()}.")
        values[key] = None if value in ("", "none") else value
    values |= {key: value for key, value in given.items() if value is not None}
    try:
        return TrainingSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise TomoscribeError(
            f"{key}={values[key]} cannot be: {first['msg']} ({_describe(key)})."
        ) from error


def keys() -> str:
    """Return all keys with what they mean, on one line."""
    return "; ".join(f"{key} ({_describe(key)})" for key in TrainingSettings.model_fields)


def help_text() -> str:
    """Return a table of the settings with their defaults, for `--help`."""
    lines = [
        f"{name}{'' if field.default is None else f' = {field.default}'}: {field.description}"
        for name, field in TrainingSettings.model_fields.items()
    ]
    return "Settings for --set, with defaults:\n\n" + "\n\n".join(lines)


def _describe(key: str) -> str:
    return TrainingSettings.model_fields[key].description or key
