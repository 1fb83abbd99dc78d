"""The export dialog shows the rows beforehand, and afterwards what came back from disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.volumes import write_mrc
from tomoscribe.picks.table import PickState
from tomoscribe.project.export import prepare_export
from tomoscribe.project.export_file import ExportReport
from tomoscribe.ui import export_dialog
from tomoscribe.ui.export_dialog import FORMATS, ExportDialog, aligned, first_rows


@pytest.fixture
def dialog(hands: Any) -> Iterator[ExportDialog]:
    table = hands.session.entry.picks
    hands.session.edit(table.make_add([[8, 20, 20], [8, 30, 20]], "ribosome"))
    hands.session.edit(
        table.make_add([[8, 40, 20], [8, 50, 20]], "proteasome", scores=[0.3, 0.9], source="run/a")
    )
    hands.session.edit(
        table.make_add([[8, 50, 40]], "ribosome", scores=[0.1], state=PickState.REJECTED)
    )
    shown = hands.dock.show_export()
    hands.until(lambda: not shown.busy, "the first rows")
    yield shown
    shown.close()


@pytest.fixture
def write(dialog: ExportDialog, process_until: Callable[..., None]) -> Callable[[], None]:
    """Return a function that presses Export and waits for the files."""

    def press() -> None:
        dialog.write.click()
        process_until(lambda: not dialog.busy, "the files")

    return press


@pytest.mark.parametrize("flavour", list(FORMATS))
def test_every_format_is_written_and_read_back(
    dialog: ExportDialog,
    tmp_path: Path,
    flavour: str,
    write: Callable[[], None],
    process_until: Callable[..., None],
) -> None:
    dialog.format.setCurrentIndex(dialog.format.findData(flavour))
    dialog.folder.setText(str(tmp_path / "out"))
    assert dialog.outcome.text() == "4 picks from 1 tomogram."
    process_until(lambda: not dialog.busy, "the first rows")
    row = FORMATS[flavour]
    heading = 0 if row.rows_in_text else 1
    shown = 2 if row.one_class else 3  # Of the first class there are two.
    assert len(dialog.preview.toPlainText().splitlines()) == heading + shown
    write()
    assert dialog.outcome.text().startswith("4 written, 4 read back")
    files = [p for p in (tmp_path / "out").iterdir() if p.suffix == row.suffix]
    assert len(files) == (2 if row.one_class else 1)


def test_states_classes_and_score_choose_the_picks(
    dialog: ExportDialog, tmp_path: Path, write: Callable[[], None]
) -> None:
    dialog.format.setCurrentIndex(dialog.format.findData("csv"))
    dialog.folder.setText(str(tmp_path))
    dialog.min_score.setValue(0.5)
    assert dialog.outcome.text().startswith("3 picks")
    dialog.classes["ribosome"].setChecked(False)
    assert dialog.outcome.text().startswith("1 picks")
    write()
    (file,) = tmp_path.glob("*.csv")
    assert read_picks(file).zyx.tolist() == [[8, 50, 20]]


def test_nothing_to_export_is_said_in_the_dialog_and_on_the_button(dialog: ExportDialog) -> None:
    dialog.states[PickState.ACCEPTED].setChecked(False)
    assert "nothing to export" in dialog.outcome.text()
    assert not dialog.write.isEnabled()
    assert "nothing to export" in dialog.write.toolTip()


def test_a_folder_that_cannot_be_written_is_said_in_the_dialog(
    dialog: ExportDialog, tmp_path: Path, write: Callable[[], None]
) -> None:
    (tmp_path / "file").write_text("")
    dialog.folder.setText(str(tmp_path / "file"))
    write()
    assert str(tmp_path / "file") in dialog.outcome.text()
    assert dialog.write.isEnabled()


def test_files_are_written_off_the_gui_thread_with_the_choice_locked(
    dialog: ExportDialog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    process_until: Callable[..., None],
) -> None:
    go_on, threads = threading.Event(), []

    def slow(*_: object) -> Callable[[], ExportReport]:
        write = prepare_export(*_)  # type: ignore[arg-type]

        def job() -> ExportReport:
            go_on.wait(20)
            threads.append(threading.current_thread())
            return write()

        return job

    monkeypatch.setattr(export_dialog, "prepare_export", slow)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.write.click()
    assert dialog.outcome.text() == "Writing …"
    assert not dialog.write.isEnabled()
    assert not dialog.format.isEnabled()
    go_on.set()
    process_until(lambda: dialog.report is not None, "the files")
    assert threads[0] is not threading.main_thread()
    assert dialog.write.isEnabled()
    assert dialog.format.isEnabled()


def test_the_first_rows_follow_from_the_geometry_of_their_own_tomogram(
    hands: Any, tmp_path: Path
) -> None:
    session = hands.session
    session.edit(session.entry.picks.make_add([[8, 20, 20]], "ribosome"))
    before = first_rows(session.project, {"one": list(session.entry.picks)}, "relion5")()
    write_mrc(tmp_path / "larger.mrc", np.zeros((40, 80, 90), np.float32), 20.0)
    session.open_paths([tmp_path / "larger.mrc"])
    picks = list(session.project.tomograms["one"].picks)
    assert first_rows(session.project, {"one": picks}, "relion5")() == before


def test_rows_are_shown_in_columns() -> None:
    assert aligned(["a\t1.0", "long\t-22.0"]) == "   a    1.0\nlong  -22.0"
    assert aligned(["a b", "c"]) == "a b\nc"
