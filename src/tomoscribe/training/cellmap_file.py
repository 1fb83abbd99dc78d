"""Reading a training configuration of the CellMap toolbox: Python, read or run, or YAML.

A Python file is read as text: values, arithmetic of values, names given before, and the few calls
that its examples make (`UPath("...")`, `len(classes)`, `UNet_2D(1, 2)`). Nothing is executed,
unless the user trusts the file; then it runs in a process of its own, which tells its values.
"""

from __future__ import annotations

import ast
import json
import operator
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.cellmap_calls import call_text
from tomoscribe.training.cellmap_keys import (
    CALLS,
    FROM_FILE,
    MODELS,
    TRANSFORMS,
    UNUSED,
    CellMapConfig,
    checked,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG_SUFFIXES = (".py", ".yaml", ".yml")

_KEYS = {*CellMapConfig.model_fields, *UNUSED}
_PATHS = {"UPath", "Path", "PurePath", "PosixPath"}
_NETWORKS = {"UNet_2D": "2d_unet", "UNet_3D": "3d_unet", "ViTVNet": "vitnet"}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_LONGEST = 100_000
"""Most items of a computed value: `[0] * 10**9` is no configuration."""
_LARGEST_BITS = 256
"""Of a computed whole number: a file that squares one line after line fills no memory."""


@dataclass(frozen=True)
class Network:
    """A network that a file builds: its name, and what it is called with."""

    name: str
    options: dict[str, Any]


@dataclass(frozen=True)
class ReadConfig:
    """What a file says, and sentences about keys without effect."""

    path: Path
    config: CellMapConfig
    notes: tuple[str, ...]


class _NeedsRunningError(Exception):
    """A value cannot be had without executing code."""


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
        values = _read_literals(path, text)
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


def _read_literals(path: Path, text: str) -> dict[str, Any]:
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        at = f" in line {line}" if line else ""
        raise TomoscribeError(f"{path} is no Python{at}: {error.args[0]}.") from error
    values: dict[str, Any] = {}
    for statement in tree.body:
        try:
            _take(statement, values)
        except _NeedsRunningError as error:
            raise TomoscribeError(
                f"Line {statement.lineno} of {path} sets {error} by code, which is not executed: "
                "write the value itself, or run the file with --trust-config if you trust it."
            ) from None
    return values


def _take(statement: ast.stmt, values: dict[str, Any]) -> None:
    """Take the values that a statement sets."""
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return
    target: ast.expr | None = None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    if isinstance(target, ast.Name):
        assert isinstance(statement, (ast.Assign, ast.AnnAssign))
        _assign(target.id, statement.value, values)
        return
    if _is_main_guard(statement):
        return
    # Loops, calls and conditions are passed over, as long as no key is concerned.
    named = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    if named & _KEYS:
        raise _NeedsRunningError(sorted(named & _KEYS)[0])


def _assign(name: str, value: ast.expr | None, values: dict[str, Any]) -> None:
    if value is None:
        return
    try:
        known = _called if name in CALLS else _transforms if name in TRANSFORMS else _value
        values[name] = known(value, values)
    except (_NeedsRunningError, ArithmeticError, TypeError, ValueError, LookupError):
        values.pop(name, None)
        if name in _KEYS and name not in UNUSED:
            raise _NeedsRunningError(name) from None


def _called(node: ast.expr, known: dict[str, Any]) -> Any:
    """Return a name of torch with its arguments as text, such as `SGD(lr=0.01)`; or a value.

    Raises
    ------
    _NeedsRunningError
        If it is neither.
    """
    if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in known):
        return _value(node, known)

    def value(argument: ast.expr) -> Any:
        try:
            return _value(argument, known)
        except (_NeedsRunningError, ArithmeticError, TypeError, LookupError) as error:
            raise ValueError(ast.unparse(argument)) from error

    found = call_text(node, value)
    if found is None:
        raise _NeedsRunningError(ast.unparse(node))
    return found


def _transforms(node: ast.expr, known: dict[str, Any]) -> Any:
    """Return transforms, which `Compose` may hold, as a list of texts; or a value."""
    match node:
        case ast.Call(
            func=ast.Name(id="Compose") | ast.Attribute(attr="Compose"),
            args=[ast.List(elts=items) | ast.Tuple(elts=items)],
        ):
            return [_called(item, known) for item in items]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_called(item, known) for item in items]
    found = _called(node, known)
    return [found] if isinstance(found, str) else found


def _is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__name__" in {
        node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)
    }


def _value(node: ast.expr, known: dict[str, Any]) -> Any:
    """Return the value of an expression that needs no code.

    Raises
    ------
    _NeedsRunningError
        If it does.
    """
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.List(elts=items):
            return [_value(item, known) for item in items]
        case ast.Tuple(elts=items) | ast.Set(elts=items):
            return tuple(_value(item, known) for item in items)
        case ast.Dict(keys=keys, values=items) if None not in keys:
            pairs = zip(keys, items, strict=True)
            return {_value(k, known): _value(v, known) for k, v in pairs if k is not None}
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(operand, known))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _bounded(op, _value(left, known), _value(right, known))
        case ast.Attribute(value=ast.Call() as call, attr="path"):
            return _call(call, known)
        case ast.Call():
            return _call(node, known)
    raise _NeedsRunningError(ast.unparse(node))


def _bounded(op: ast.operator, left: Any, right: Any) -> Any:
    """Return the value of two; text is not formatted, and nothing gets long or huge."""
    if isinstance(op, ast.Mod) and isinstance(left, str):
        raise _NeedsRunningError("a formatted text")
    if isinstance(op, ast.Mult):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, (str, list, tuple)) and len(one) * int(other) > _LONGEST:
                raise _NeedsRunningError("a long value")
    value = _OPERATORS[type(op)](left, right)
    if isinstance(value, (str, list, tuple)) and len(value) > _LONGEST:
        raise _NeedsRunningError("a long value")
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        raise _NeedsRunningError("a huge number")
    return value


def _call(node: ast.Call, known: dict[str, Any]) -> Any:
    """Return what one of the few known calls means; a network's arguments may be code."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else None
    name = node.func.id if isinstance(node.func, ast.Name) else name
    if name in _PATHS and len(node.args) == 1 and not node.keywords:
        return str(_value(node.args[0], known))
    if name == "tensor" and len(node.args) == 1:
        return _value(node.args[0], known)
    if name == "len" and len(node.args) == 1:
        return len(_value(node.args[0], known))
    if name in ("list", "tuple", "dict") and not node.args:
        return {k.arg: _value(k.value, known) for k in node.keywords} if name == "dict" else []
    if name in _NETWORKS or name == "ResNet":
        options = {k.arg: _value(k.value, known) for k in node.keywords if k.arg}
        given = [_value(argument, known) for argument in node.args]
        if name == "ResNet":
            dims = options.pop("ndims", given[0] if given else 2)
            return Network(f"{dims}d_resnet", options)
        return Network(_NETWORKS[str(name)], options)
    raise _NeedsRunningError(ast.unparse(node))


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
    keys = json.dumps(sorted(_KEYS))
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
