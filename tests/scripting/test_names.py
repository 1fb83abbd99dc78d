"""`import tomoscribe` costs nothing, and has what scripts need."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tomoscribe

HEAVY = ("numpy", "pandas", "torch", "lightning", "napari", "qtpy", "scipy", "pydantic", "vtk")


def _loaded_by(code: str, names: tuple[str, ...]) -> str:
    """Return which of the modules a new process has loaded after running code."""
    code = f"import sys, tomoscribe; {code}; print(*({{*sys.modules}} & {{*{names!r}}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_nothing_else() -> None:
    assert _loaded_by("pass", HEAVY) == ""


def test_training_and_projects_load_neither_torch_nor_the_viewer() -> None:
    used = "tomoscribe.train, tomoscribe.open_project, tomoscribe.predict"
    assert _loaded_by(used, ("torch", "lightning", "napari", "qtpy", "vispy")) == ""


@pytest.mark.parametrize("name", sorted({*tomoscribe.__all__} - {"__version__"}))
def test_every_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(tomoscribe, name)
    assert found.__doc__
    assert name in dir(tomoscribe)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = tomoscribe.trian
