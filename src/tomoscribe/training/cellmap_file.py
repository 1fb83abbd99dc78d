"""Reading a training configuration of the CellMap toolbox: Python, read or run, or YAML.

A Python file is read as text (`cellmap_literals`), unless the user trusts it; then it runs in a
process of its own, which tells its values.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.cellmap_keys import (
    FROM_FILE,
    KEYS,
    MODELS,
    UNUSED,
    CellMapConfig,
    checked,
)
from tomoscribe.training.cellmap_literals import Network, read_literals

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_SUFFIXES = (".py", ".yaml", ".yml")


@dataclass(frozen=True)
class ReadConfig:
    """What a file says, and sentences about keys without effect."""

    path: Path
    config: CellMapConfig
    notes: tuple[str, ...]


def read_config(path: Path, *, trust: bool = False) -> ReadConfig:
    """Read a configuration.

    Parameters
    ----------
    path : Path
        .py, .yaml or .yml
    trust : bool
        Execute a Python file, with all that it does, to get its values.

    Raises
    ------
    TomoscribeError
        If it cannot be read, a key is unknown or does not fit, or code would have to be run.
    """
    if not path.is_file():
        raise TomoscribeError(f"There is no configuration '{path}'; check the path.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TomoscribeError(f"Cannot read {path} ({error}).") from error
    python = path.suffix.lower() == ".py"
    if not python:
        values = _read_yaml(path, text)
    elif trust:
        values = _run(path)
    else:
        values = read_literals(path, text)
    notes = _take_network(values, path)
    notes += [f"{key} has no effect: {UNUSED[key]}." for key in values if key in UNUSED]
    kept = {key: value for key, value in values.items() if key not in UNUSED}
    config = checked(kept, str(path), strict=not python)
    return ReadConfig(path, config, tuple(notes))


def _take_network(values: dict[str, Any], path: Path) -> list[str]:
    """Turn a network of the toolbox into its name and options, and a file's own into the file.

    One may also be named, so that model_name is free where no file can build a network. Returns
    sentences about what has no effect.

    Raises
    ------
    TomoscribeError
        If there is no such network.
    """
    model = values.pop("model", None)
    if model is None:
        return []
    if isinstance(model, str) and model in MODELS:
        model = Network(model, values.pop("model_kwargs", None) or {})
    if not isinstance(model, Network):
        raise TomoscribeError(
            f"{path} has model = {model!r}: give the name of one here ({', '.join(MODELS)}); "
            "another network only a Python file can build."
        )
    unused = values.get("model_kwargs")
    values.setdefault("model_name", model.name)
    values["model"], values["model_kwargs"] = model.name, model.options
    return (
        ["model_kwargs has no effect: the model was made with its own options."] if unused else []
    )


def _read_yaml(path: Path, text: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise TomoscribeError(f"{path} is no YAML ({reason}).") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise TomoscribeError(f"{path} holds no keys: write them as in `learning_rate: 0.0001`.")
    return values


_RUNNER = """
import json, os, runpy, sys
path, keys = sys.argv[1], json.loads(sys.argv[2])
os.chdir(os.path.dirname(path))
sys.path.insert(0, os.path.dirname(path))
out, sys.stdout = sys.stdout, sys.stderr
names = runpy.run_path(path, run_name="config")
def plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
def called(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, type):
        return value.__name__
    given = getattr(value, "defaults", {})
    weight = getattr(value, "pos_weight", None)
    given = {**given, **({} if weight is None else {"pos_weight": weight.tolist()})}
    simple = {k: v for k, v in given.items() if isinstance(v, (bool, int, float, tuple, list))}
    inner = ", ".join(f"{k}={v!r}" for k, v in simple.items())
    return f"{type(value).__name__}({inner})" if inner else type(value).__name__
def transforms(value):
    if value is None:
        return None
    found = getattr(value, "transforms", value if isinstance(value, (list, tuple)) else [value])
    return [called(one) for one in found]
kinds = {"model": lambda value: value if isinstance(value, str) else value is not None or None}
kinds.update({k: called for k in ("optimizer", "scheduler", "criterion")})
kinds.update({k: transforms for k in keys if k.endswith("_value_transforms")})
found = {k: kinds[k](v) if k in kinds else v for k, v in names.items() if k in keys}
json.dump(found, out, default=plain)
"""


def _run(path: Path) -> dict[str, Any]:
    """Execute a file in a process of its own and return its keys."""
    keys = json.dumps(sorted(KEYS))
    ended = subprocess.run(
        [sys.executable, "-c", _RUNNER, str(path.absolute()), keys],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        reason = (ended.stderr.strip().splitlines() or ["it ended early"])[-1]
        raise TomoscribeError(f"{path} could not be run: {reason}.")
    values: dict[str, Any] = json.loads(ended.stdout)
    if values.get("model") is True:
        values["model"] = Network(FROM_FILE, {"file": str(path.absolute())})
    return values
