"""The examples of the documentation run as they stand, from top to bottom, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

import tomoscribe

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[int, str]]:
    """Return the examples of a page, each with the line that it begins at."""
    text = page.read_text(encoding="utf-8")
    return [(text[: m.start(1)].count("\n"), m.group(1)) for m in BLOCK.finditer(text)]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the page on scripting; return what its examples named."""
    page, names = DOCS / "scripting.md", {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("scripting"))
        patch.setenv("MPLBACKEND", "Agg")
        matplotlib.use("Agg")  # the variable is read once, and an earlier test may have asked
        patch.setenv("OMP_NUM_THREADS", "1")
        # A relative path to the package would lead nowhere from there.
        patch.setenv("PYTHONPATH", str(Path(tomoscribe.__file__).parents[1]))
        for line, code in blocks(page):
            exec(compile("\n" * line + code, str(page), "exec"), names)
        yield names


def test_the_page_on_scripting_trains_and_predicts(names: dict[str, Any]) -> None:
    assert names["run"].state == "finished"
    assert names["run"].best_checkpoint.is_file()
    assert len(names["curve"].losses) > 0
    assert names["heatmap"].shape[0] == 1
    found = names["predicted"]
    assert found.files.star.is_file()
    assert set(found.picks["state"]) <= {"proposed"}
    assert (found.picks["score"] >= found.thresholds["globule"]).all()
    assert found.scores.shape[1:] == names["heatmap"].shape[1:]


def test_the_page_on_scripting_segments(names: dict[str, Any]) -> None:
    assert names["learned"].state == "finished"
    labels = names["labels"]
    assert labels.class_names == ("mitochondrion",)
    read = labels.read()
    assert read.shape == names["mine"].read().shape
    assert len(labels.objects()) == len(np.unique(read[read > 0]))
    assert len([*Path("surfaces").glob("*.ply")]) == len(names["sizes"])
    assert 0 <= names["figures"].loc["objects", "AP at IoU 0.5"] <= 1


def test_the_page_on_scripting_compares_segmentations(names: dict[str, Any]) -> None:
    both = names["both"]
    assert [*both.figures.index] == [("mitochondrion", "A"), ("mitochondrion", "B")]
    assert both.figures["IoU"].between(0, 1).all()
    assert "neither training" in both.how_judged
    assert Path("segmentations.html").stat().st_size > 10_000


def test_the_page_on_scripting_compares(names: dict[str, Any]) -> None:
    found = names["found"]
    assert [*found.figures.index] == [("globule", "A"), ("globule", "B")]
    figures = found.figures.loc["globule", "B"]
    picks = found.picks("B")
    assert (picks["standing"] == "matched").sum() == figures["found"]
    assert (picks["standing"] == "missed").sum() == figures["clicks"] - figures["found"]
    assert picks["score"].notna().sum() == figures["proposed"]
    assert len(found.curve("A").precision) == len(found.curve("A").recall)
    assert "globule" in Path("comparison.html").read_text(encoding="utf-8")


def test_the_page_on_scripting_keeps_what_it_says_of_picks(names: dict[str, Any]) -> None:
    assert len(names["frame"]) == 3
    assert len(names["deep"]) == 1
    with tomoscribe.open_project("mine", read_only=True) as mine:
        assert len(mine.picks()) == 1
    sample = tomoscribe.open_project("sample", read_only=True)
    assert sample.model == names["run"].best_checkpoint
    assert len(sample.picks(state="proposed")) == len(names["predicted"].picks)


def test_the_page_on_scripting_names_every_public_name() -> None:
    text = (DOCS / "scripting.md").read_text(encoding="utf-8")
    told_by_others = {"Curve", "Progress", "Prediction", "Comparison", "__version__"}
    assert [n for n in tomoscribe.__all__ if n not in told_by_others and f"`{n}`" not in text] == []
