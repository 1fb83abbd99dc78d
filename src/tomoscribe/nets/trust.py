"""Which files of the user's own may be executed to build a network; no torch, commands ask too."""

from __future__ import annotations

import os

VARIABLE = "TOMOSCRIBE_TRUST"
"""Environment: absolute paths, with the system's path separator between them."""


def is_trusted(file: str) -> bool:
    """Return whether the user said that this file may be executed."""
    return file in os.environ.get(VARIABLE, "").split(os.pathsep)


def trust(file: str) -> None:
    """Let this process and those that it starts execute a file."""
    if not is_trusted(file):
        known = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = f"{known}{os.pathsep}{file}" if known else file
