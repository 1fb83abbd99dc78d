"""The package as a whole: what is shipped, what imports what, and the rules of the house."""

from __future__ import annotations

import ast
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from npe2 import PluginManifest

import tomoscribe
from tomoscribe.io.pick_formats import PICK_SUFFIXES
from tomoscribe.io.volumes import VOLUME_SUFFIXES

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "tomoscribe"
MODULES = sorted(SOURCE.rglob("*.py"))
PROGRAMS = sorted([*MODULES, *(ROOT / "benchmarks").rglob("*.py")])
VIEWER_LIBRARIES = ("napari", "qtpy", "PyQt6", "superqt", "pyqtgraph", "magicgui", "vispy")
TRAINING_LIBRARIES = ("torch", "lightning", "torchmetrics")
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PACKAGE_BYTES = 2_000_000

IMPORT_ALL_BUT = """
import importlib, sys

blocked = set({blocked!r})

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{{name}} must not be imported here", name=name)

sys.meta_path.insert(0, Blocker())
for name in {names!r}:
    importlib.import_module(name)
"""


def _names(*, under: str = "", without: str = "nothing") -> list[str]:
    names = []
    for path in MODULES:
        parts = ("tomoscribe", *path.relative_to(SOURCE).with_suffix("").parts)
        name = ".".join(part for part in parts if part != "__init__")
        if name.startswith(f"tomoscribe{under}") and not name.startswith(f"tomoscribe.{without}"):
            names.append(name)
    return names


def _import_in_a_new_process(names: list[str], blocked: tuple[str, ...]) -> None:
    assert names
    code = IMPORT_ALL_BUT.format(blocked=blocked, names=names)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_core_imports_without_qt_and_napari() -> None:
    _import_in_a_new_process(_names(without="ui"), VIEWER_LIBRARIES)


def test_viewer_never_imports_torch() -> None:
    _import_in_a_new_process(_names(under=".ui"), TRAINING_LIBRARIES)


def test_command_line_loads_neither_torch_nor_viewer_before_a_verb_runs() -> None:
    _import_in_a_new_process(_names(under=".cli"), TRAINING_LIBRARIES + VIEWER_LIBRARIES)


def test_layers_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_manifest_is_valid_and_all_that_it_names_exists() -> None:
    manifest = PluginManifest.from_file(Path(tomoscribe.__file__).parent / "napari.yaml")
    manifest.validate_imports()
    assert manifest.name == "tomoscribe"


def test_viewer_is_told_of_every_suffix_that_is_read() -> None:
    manifest = PluginManifest.from_file(Path(tomoscribe.__file__).parent / "napari.yaml")
    (reader,) = manifest.contributions.readers or []
    patterns = set(reader.filename_patterns)
    # Where a suffix may be anybody's, the content decides whether the reader takes the file.
    assert {f"*{suffix}" for suffix in (*VOLUME_SUFFIXES, *PICK_SUFFIXES)} <= patterns


def test_manifest_at_the_top_is_the_one_of_the_package() -> None:
    assert (ROOT / "napari.yaml").resolve() == SOURCE / "napari.yaml"


def test_napari_finds_the_plugin() -> None:
    manifests = {
        found.manifest.name for found in PluginManifest.discover() if found.manifest is not None
    }
    assert "tomoscribe" in manifests


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def test_wheel_holds_every_module_and_the_manifest_and_nothing_else(
    built: tuple[Path, Path],
) -> None:
    wheel, _ = built
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"tomoscribe/{path.relative_to(SOURCE).as_posix()}" for path in MODULES}
    assert modules | {"tomoscribe/napari.yaml", "tomoscribe/py.typed"} <= names
    assert all(name.startswith(("tomoscribe/", "tomoscribe-")) for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size < MAX_PACKAGE_BYTES


def test_source_archive_holds_the_tests_and_no_data(built: tuple[Path, Path]) -> None:
    _, archive = built
    with tarfile.open(archive) as tar:
        names = {member.name.partition("/")[2] for member in tar.getmembers()}
    assert {"README.md", "LICENSE", "tests/test_package.py", "src/tomoscribe/napari.yaml"} <= names
    assert archive.stat().st_size < MAX_PACKAGE_BYTES


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count lines without the docstring, which may be as long as it needs to be."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    documentation = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - documentation


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = {
        node.name: _lines(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in lines.items() if n > MAX_FUNCTION_LINES} == {}
    assert text.count("\n") <= MAX_MODULE_LINES
