"""`--set key=value`: settings of a training from the command line, checked by their one model."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.fields import FieldInfo


def parse_settings(pairs: Sequence[str], **given: object) -> TrainingSettings:
    """Return settings from `key=value` texts, and from options of their own that are not None.

    Raises
    ------
    TomoscribeError
        If a key is unknown, or a value does not fit.
    """
    values: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in FIELDS:
            raise TomoscribeError(f"--set {pair}: give key=value with a key of {keys()}.")
        group, _, key = name.rpartition(".")
        holder = values.setdefault(group, {}) if group else values
        assert isinstance(holder, dict)
        holder[key] = _value(value, FIELDS[name])
    values |= {key: value for key, value in given.items() if value is not None}
    try:
        return TrainingSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        about = f" ({_describe(name)})" if name in FIELDS else ""
        raise TomoscribeError(
            f"{name}={first['input']} cannot be: {first['msg']}{about}."
        ) from error


def keys() -> str:
    """Return all keys with what they mean, on one line."""
    return "; ".join(f"{name} ({_describe(name)})" for name in FIELDS)


def help_text() -> str:
    """Return a table of the settings with their defaults, for `--help`."""
    lines = [f"{name}{_default(field)}: {field.description}" for name, field in FIELDS.items()]
    return "Settings for --set, with defaults:\n\n" + "\n\n".join(lines)


def _flat(model: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    """Return the fields of a model by name, those of a model within as `outer.inner`."""
    found: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= _flat(inner, f"{prefix}{name}.")
        else:
            found[prefix + name] = field
    return found


FIELDS = _flat(TrainingSettings)
"""Every setting by its key: `batch`, `membrane.radius_A`."""


def _value(text: str, field: FieldInfo) -> object:
    """Return what a text stands for, before the model checks it: lists are split at commas."""
    if typing.get_origin(field.annotation) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    return None if text in ("", "none") else text


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    return "" if value is None or value == [] else f" = {value}"


def _describe(name: str) -> str:
    return FIELDS[name].description or name
