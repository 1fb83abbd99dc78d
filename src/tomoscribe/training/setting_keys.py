"""The settings of a training as one flat list of keys: `batch`, `membrane.radius_A`.

The command line, the run table and sweeps name settings by these keys.
"""

from __future__ import annotations

import difflib
import types
import typing
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo


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
"""Every setting by its key."""

DEFAULTS: dict[str, object] = {
    key: field.get_default(call_default_factory=True) for key, field in FIELDS.items()
}


def describe(key: str) -> str:
    """Return what a setting means."""
    return FIELDS[key].description or key


def unknown_key(key: str) -> TomoscribeError:
    """Return the sentence about a setting that there is not: which is meant, and where all are."""
    near = difflib.get_close_matches(key, FIELDS, 1, cutoff=0.75)
    if not near:
        # `window` for `voxels.window_zyx`: the name without its group, spelt about so.
        names = {name.rpartition(".")[2]: name for name in reversed(FIELDS)}
        found = difflib.get_close_matches(key.rpartition(".")[2], names, 1, cutoff=0.6)
        near = [names[name] for name in found]
    meant = f": '{near[0]}' is meant?" if near else "."
    return TomoscribeError(
        f"There is no setting '{key}'{meant} `tomoscribe train --help` lists all of them."
    )


def flat_values(settings: TrainingSettings) -> dict[str, object]:
    """Return every setting's value by its key."""
    found: dict[str, object] = {}
    for key in FIELDS:
        value: object = settings
        for part in key.split("."):
            value = getattr(value, part)
        found[key] = value
    return found


def value_of(text: str, key: str) -> object:
    """Return what a text stands for, before the model checks it.

    Lists and triples are split at commas: `1,256,256`, also in brackets.

    Raises
    ------
    TomoscribeError
        If a triple has not its three parts.
    """
    if text in ("", "none", "auto") and DEFAULTS[key] is None:
        return None
    for kind in _kinds(FIELDS[key].annotation):
        if typing.get_origin(kind) not in (list, tuple):
            continue
        inner = text.strip().removeprefix("[").removeprefix("(")
        inner = inner.removesuffix("]").removesuffix(")")
        parts = [part.strip() for part in inner.split(",") if part.strip()]
        needed = len(typing.get_args(kind))
        if typing.get_origin(kind) is tuple and len(parts) != needed:
            raise TomoscribeError(
                f"{key}={text} cannot be: give {needed} numbers with commas between "
                f"({describe(key)})."
            )
        return parts
    return text


def _kinds(annotation: object) -> tuple[object, ...]:
    """Return the types of a union, or the one type."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def with_values(settings: TrainingSettings, values: Mapping[str, object]) -> TrainingSettings:
    """Return settings in which some are changed.

    Parameters
    ----------
    settings : TrainingSettings
        What the others are taken from.
    values : mapping of str to object
        Values by key; a text is read as the setting's type.

    Raises
    ------
    TomoscribeError
        If a value does not fit.
    """
    changed = settings.model_dump(exclude_unset=True)
    for key, value in values.items():
        group, _, name = key.rpartition(".")
        holder = changed.setdefault(group, {}) if group else changed
        holder[name] = value
    try:
        return TrainingSettings.model_validate(changed)
    except ValidationError as error:
        raise _told(error, values) from error


def _told(error: ValidationError, values: Mapping[str, object]) -> TomoscribeError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
    if first["type"] == "extra_forbidden":
        return unknown_key(name)
    if first["type"] == "value_error":
        return TomoscribeError(str(first["ctx"]["error"]))
    given = values.get(name, first["input"])
    if isinstance(given, (list, tuple)):
        given = ",".join(map(str, given))
    about = f" ({describe(name)})" if name in FIELDS else ""
    return TomoscribeError(f"{name}={given} cannot be: {first['msg']}{about}.")
