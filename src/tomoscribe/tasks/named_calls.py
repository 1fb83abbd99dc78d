"""Optimizers and schedulers that a user names with their arguments: read as text, no torch.

`SGD(momentum=0.9)` is a name of the lists below and values, so that a setting which came with
somebody's configuration cannot run anything.
"""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIMIZERS = (
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "ASGD", "NAdam", "RAdam",
    "RMSprop", "Rprop", "SGD",
)  # fmt: skip
"""Of torch.optim: all that need no function of the loss."""

SCHEDULERS = (
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LinearLR", "MultiStepLR", "OneCycleLR", "PolynomialLR", "StepLR",
)  # fmt: skip
"""Of torch.optim.lr_scheduler: all whose arguments are values and that follow no score."""


@dataclass(frozen=True)
class NamedCall:
    """A name, and the arguments that it is called with."""

    name: str
    options: dict[str, Any]

    def __str__(self) -> str:
        inner = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return f"{self.name}({inner})" if inner else self.name


def read_call(text: str, known: Sequence[str], what: str) -> NamedCall:
    """Read a name with arguments, such as `StepLR(step_size=10)`.

    Parameters
    ----------
    text : str
        Arguments are values, each with its name.
    known : sequence of str
        What may be named.
    what : str
        What they are, for sentences.

    Raises
    ------
    TomoscribeError
        If there is none of that name, or an argument is no value.
    """
    found = _parsed(text)
    if found is None:
        raise TomoscribeError(
            f"{what}={text} cannot be read: give a name with values, as in {known[-1]}(name=0.9)."
        )
    if found.name not in known:
        near = difflib.get_close_matches(found.name, known, 1)
        meant = f"'{near[0]}' is meant?" if near else f"there are: {', '.join(known)}."
        raise TomoscribeError(f"There is no {what} '{found.name}' here: {meant}")
    return found


def _parsed(text: str) -> NamedCall | None:
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return NamedCall(node.id, {})
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            options = {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg}
            return NamedCall(node.func.id, options) if len(options) == len(node.keywords) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None
