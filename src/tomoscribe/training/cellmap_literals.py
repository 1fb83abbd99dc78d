"""Values of a Python configuration, read as text: nothing in it is executed.

Understood are values, arithmetic of values, names given before, and the few calls that examples of
the CellMap toolbox make (`UPath("...")`, `len(classes)`, `UNet_2D(1, 2)`). What other code may have
changed is not known any more; where it is a key, that is an error.
"""

from __future__ import annotations

import ast
import operator
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.cellmap_calls import call_text
from tomoscribe.training.cellmap_keys import CALLS, KEYS, TRANSFORMS, UNUSED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


class _NeedsRunningError(Exception):
    """A value cannot be had without executing code."""


def read_literals(path: Path, text: str) -> dict[str, Any]:
    """Return the values that a Python file sets, by name.

    Parameters
    ----------
    path : Path
        The file; what it imports everything from must not lie beside it.
    text : str
        What stands in it.

    Raises
    ------
    TomoscribeError
        If it is no Python, or code would have to be run to know a key.
    """
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        at = f" in line {line}" if line else ""
        raise TomoscribeError(f"{path} is no Python{at}: {error.args[0]}.") from error
    values: dict[str, Any] = {}
    for statement in tree.body:
        try:
            _require_known_names(path, statement)
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
        _forget(_made_by(statement), values)
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
    _forget((named & KEYS) | _changed_by(statement, values), values)


def _assign(name: str, value: ast.expr | None, values: dict[str, Any]) -> None:
    if value is None:
        return
    try:
        known = _called if name in CALLS else _transforms if name in TRANSFORMS else _value
        values[name] = known(value, values)
    except (_NeedsRunningError, ArithmeticError, TypeError, ValueError, LookupError):
        values.pop(name, None)
        if name in KEYS and name not in UNUSED:
            raise _NeedsRunningError(name) from None
        _forget(_changed_by(value, values), values)


def _require_known_names(path: Path, statement: ast.stmt) -> None:
    """Check that a statement does not import all names of a file that lies beside.

    Raises
    ------
    _NeedsRunningError
        If it does: any key may be among them.
    """
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
        module = path.parent.joinpath(*(statement.module or "").split("."))
        if module.with_suffix(".py").is_file() or (module / "__init__.py").is_file():
            raise _NeedsRunningError(f"all that {statement.module} holds")


def _made_by(statement: ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef) -> set[str]:
    """Return the names that an import or a definition sets; what * stands for, nobody knows."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}


def _changed_by(code: ast.AST, values: dict[str, Any]) -> set[str]:
    """Return the names whose value may be another after code that is not executed."""
    changed: set[str] = set()
    for node in ast.walk(code):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                changed.add(name)
            case (
                ast.Attribute(value=ast.Name(id=name))
                | ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del())
            ) if isinstance(values.get(name), (list, dict)):
                changed.add(name)
    lists = [values[n] for n in changed if isinstance(values.get(n), (list, dict))]
    return changed | {n for n, value in values.items() if any(value is one for one in lists)}


def _forget(names: set[str], values: dict[str, Any]) -> None:
    """Forget values that are not known any more, so that nothing is worked out from them.

    Raises
    ------
    _NeedsRunningError
        If one is that of a key.
    """
    for name in sorted(names):
        values.pop(name, None)
        if name in KEYS:
            raise _NeedsRunningError(name)


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
        case ast.Attribute(value=place, attr="path") if isinstance(_value(place, known), str):
            return _value(place, known)
        case ast.Call():
            return _call(node, known)
    raise _NeedsRunningError(ast.unparse(node))


def _bounded(op: ast.operator, left: Any, right: Any) -> Any:
    """Return the value of two; text is not formatted, and nothing gets long or huge."""
    if isinstance(op, ast.Mod) and isinstance(left, str):
        raise _NeedsRunningError("a formatted text")
    if isinstance(op, ast.Div) and isinstance(left, str) and isinstance(right, str):
        return posixpath.join(left, right)  # a folder and what lies in it: paths are text here
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
    if name in (*_PATHS, "str") and len(node.args) == 1 and not node.keywords:
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
