"""Click a few particles, train, watch the model learn in napari, export the picks.

What scripts and notebooks need is here, under one name each, and loaded when it is asked for:

>>> import tomoscribe
>>> with tomoscribe.open_project("my_project") as project:  # doctest: +SKIP
...     run = tomoscribe.train(project)
...     [found] = tomoscribe.predict(run, "TS_02")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tomoscribe.errors import TomoscribeError
    from tomoscribe.scripting.compare import Comparison, compare
    from tomoscribe.scripting.compare_segments import SegmentComparison
    from tomoscribe.scripting.decode import decode
    from tomoscribe.scripting.label_files import LabelFile, evaluate_labels, object_stats
    from tomoscribe.scripting.labels import import_labels, painted_labels
    from tomoscribe.scripting.opening import create_project, open_project, sample_project
    from tomoscribe.scripting.predict import Prediction, predict
    from tomoscribe.scripting.progress import Curve, Progress
    from tomoscribe.scripting.project import Project
    from tomoscribe.scripting.run import Run, open_run
    from tomoscribe.scripting.segment import Segmented, segment
    from tomoscribe.scripting.train import train

_WHERE = {
    "TomoscribeError": "tomoscribe.errors",
    "Comparison": "tomoscribe.scripting.compare",
    "compare": "tomoscribe.scripting.compare",
    "SegmentComparison": "tomoscribe.scripting.compare_segments",
    "LabelFile": "tomoscribe.scripting.label_files",
    "decode": "tomoscribe.scripting.decode",
    "evaluate_labels": "tomoscribe.scripting.label_files",
    "object_stats": "tomoscribe.scripting.label_files",
    "Segmented": "tomoscribe.scripting.segment",
    "segment": "tomoscribe.scripting.segment",
    "Prediction": "tomoscribe.scripting.predict",
    "predict": "tomoscribe.scripting.predict",
    "Project": "tomoscribe.scripting.project",
    "create_project": "tomoscribe.scripting.opening",
    "open_project": "tomoscribe.scripting.opening",
    "sample_project": "tomoscribe.scripting.opening",
    "import_labels": "tomoscribe.scripting.labels",
    "painted_labels": "tomoscribe.scripting.labels",
    "Curve": "tomoscribe.scripting.progress",
    "Progress": "tomoscribe.scripting.progress",
    "Run": "tomoscribe.scripting.run",
    "open_run": "tomoscribe.scripting.run",
    "train": "tomoscribe.scripting.train",
}
"""Module of each public name: importing the package loads none of them."""

__all__ = [
    "Comparison",
    "Curve",
    "LabelFile",
    "Prediction",
    "Progress",
    "Project",
    "Run",
    "SegmentComparison",
    "Segmented",
    "TomoscribeError",
    "__version__",
    "compare",
    "create_project",
    "decode",
    "evaluate_labels",
    "import_labels",
    "object_stats",
    "open_project",
    "open_run",
    "painted_labels",
    "predict",
    "sample_project",
    "segment",
    "train",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is asked for the first time."""
    if name not in _WHERE:
        raise AttributeError(f"module 'tomoscribe' has no attribute '{name}'")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names too, loaded or not."""
    return sorted({*globals(), *__all__})
