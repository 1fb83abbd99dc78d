"""The table of checkpoints as a model: sorting by meaning, filter, marks, many rows."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from qtpy.QtCore import QModelIndex, QPersistentModelIndex, Qt

from tomoscribe.training.checkpoint_list import CheckpointRow, rows_of_files
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.ui.compare.checkpoint_model import MARKS, CheckpointModel
from tomoscribe.ui.compare.checkpoint_rows import COLUMNS, CURRENT

RUNS = Path("/project/runs")
ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


def made(run: str, step: int, score: float | None, **fields: object) -> CheckpointRow:
    name = f"step_{step:06d}"
    file = RUNS / run / "checkpoints" / f"{name}.pt"
    ref = CheckpointRef(name, RUNS / run, None if score is None else file)
    return CheckpointRow(ref, run, step, score=score, f1=score, **fields)


ROWS = (
    made("one", 10, 0.5, elapsed_s=30.0),
    made("one", 90, None),
    made("one", 200, 0.9, elapsed_s=125.0, parent="two"),
    made("two", 10, 0.7, elapsed_s=9.0),
)


@pytest.fixture
def model(qapp) -> CheckpointModel:
    table = CheckpointModel()
    table.set_rows(ROWS)
    return table


def column(title: str) -> int:
    return 1 + [c.title for c in COLUMNS].index(title)


def texts(model: CheckpointModel, title: str) -> list[str]:
    return [model.index(i, column(title)).data() for i in range(model.rowCount())]


def test_columns_are_sorted_by_what_they_mean_and_unknown_values_come_last(model) -> None:
    model.sort(column("Score"), DESCENDING)
    assert texts(model, "Score") == ["0.90", "0.70", "0.50", ""]
    model.sort(column("Score"), ASCENDING)
    assert texts(model, "Score") == ["0.50", "0.70", "0.90", ""]
    model.sort(column("Time"), ASCENDING)
    assert texts(model, "Time") == ["0:09", "0:30", "2:05", ""]
    model.sort(column("Step"), DESCENDING)
    assert texts(model, "Step") == ["200", "90", "10", "10"]
    model.sort(column("From"), ASCENDING)
    assert texts(model, "From")[0] == "two"
    model.sort(-1, ASCENDING)
    assert texts(model, "Step") == ["10", "90", "200", "10"]


def test_what_is_selected_stays_selected_while_rows_are_sorted(model) -> None:
    kept = QPersistentModelIndex(model.index(2, column("Run")))
    model.sort(column("Score"), DESCENDING)
    assert kept.row() == 0
    assert model.row(QModelIndex(kept)).step == 200


def test_one_run_alone_can_be_shown(model) -> None:
    model.set_run("two")
    assert texts(model, "Run") == ["two"]
    model.sort(column("Step"), ASCENDING)
    assert texts(model, "Run") == ["two"]
    model.set_run(None)
    assert model.rowCount() == 4
    assert model.plain.runs == ["one", "two"]


def test_sides_and_the_current_model_are_marked(model) -> None:
    ref = ROWS[2].ref
    model.set_marks({"a": ref, "b": ROWS[1].ref}, ref.where)
    marks = [model.index(i, MARKS).data() for i in range(4)]
    assert marks == ["", "B", f"{CURRENT} A", ""]


def test_files_from_anywhere_are_rows_too(model) -> None:
    ref = CheckpointRef.of_file("/elsewhere/best.pt")
    model.set_rows((*ROWS, *rows_of_files([ref])))
    model.sort(-1, ASCENDING)
    assert texts(model, "Run")[-1] == "(file)"
    assert texts(model, "Step")[-1] == "best"
    assert texts(model, "Age")[-1] == ""
    assert math.isnan(model.plain.shown[-1].elapsed_s)


def test_headings_say_what_they_mean_and_cells_what_they_do(model) -> None:
    for section in range(model.columnCount()):
        tip = model.headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        assert len(tip) > 10
    assert "Shift+Return" in model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert model.index(0, column("Kept")).data() == "yes"
    assert model.index(1, column("Kept")).data() == "previews"


def test_a_thousand_rows_are_sorted_and_filtered_without_losing_any(model) -> None:
    many = tuple(
        made(f"run{r:02d}", 10 * s, (s * 37 % 101) / 101) for r in range(50) for s in range(20)
    )
    model.set_rows(many)
    model.sort(column("Score"), DESCENDING)
    figures = [row.f1 for row in model.plain.shown]
    assert figures == sorted(figures, reverse=True)
    assert model.rowCount() == 1000
    model.set_run("run07")
    assert {row.run for row in model.plain.shown} == {"run07"}
