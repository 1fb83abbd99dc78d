"""A run outside of a project is opened on what it trained on, as the user gives it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import napari
import numpy as np
import pytest
from PIL import Image
from qtpy.QtWidgets import QApplication
from tests.project.cells import write_cell
from tests.ui.annotate.test_contributions import drop_on
from tests.ui.conftest import SHAPE_ZYX
from tests.ui.segments.conftest import CLASSES, SegmentingWorker, made_up_maps

from tomoscribe.io.label_write import write_labels
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.project.store import Project
from tomoscribe.training.catalog import Catalog
from tomoscribe.training.config import RunConfig
from tomoscribe.training.current_model import model_of_project
from tomoscribe.training.find_checkpoint import find_checkpoint
from tomoscribe.training.status import State
from tomoscribe.ui import contributions
from tomoscribe.ui.annotate.save_line import SaveLine
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.compare.checkpoint_table import CheckpointTable
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.session import Session


class Desk:
    """A user's folders: data in one, a configuration with its `runs` in another."""

    def __init__(self, folder: Path) -> None:
        self.data, self.work = folder / "data", folder / "work"
        self.image, self.labels = self.data / "stack.mrc", self.data / "stack_labels.tif"
        self.work.mkdir()
        self.data.mkdir()
        (self.work / "train_2D.py").write_text("epochs = 1\n")
        noise = np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32)
        write_mrc(self.image, noise, 10.0)
        values = np.zeros(SHAPE_ZYX, np.uint8)
        values[:, 8:20, 6:16], values[:, 50:58, 30:38] = 1, 2
        write_labels(self.labels, values, (1.0, 1.0, 1.0))

    def trained(self, name: str = "seg", source: DataSource | None = None) -> SegmentingWorker:
        """Return an ended run on the image and its labels, or on something else."""
        place = SimpleNamespace(path=self.work, runs_dir=self.work / "runs")
        worker = SegmentingWorker(place, name, instances=False)
        files = LabelFiles(image=str(self.image), labels=str(self.labels), classes=tuple(CLASSES))
        source = source or DataSource(kind="pair", voxels=files)
        worker.run.write_config(RunConfig(data=source, task="semantic"))
        worker.begin()
        for share in (0.6, 1.0):
            worker.train(10)
            worker.validate(0.8 * share)
            worker.keep(0.8 * share)
            worker.preview(share * made_up_maps(CLASSES), "stack")
        worker.beat(State.FINISHED)
        return worker


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def shown(qapp: QApplication, process_until: Callable[..., None]) -> Iterator[SimpleNamespace]:
    """The viewer as `tomoscribe open` makes it, without anything in it."""
    viewer = open_viewer()
    session = Session.of(viewer)
    said: list[str] = []
    session.status_message.connect(said.append)
    yield SimpleNamespace(viewer=viewer, session=session, said=said, until=process_until)
    end(viewer)
    qapp.processEvents()


def end(viewer: napari.Viewer) -> None:
    session = Session.of(viewer)
    Starter.of(session).close()
    RunMonitor.of(session).close()
    session.close()
    viewer.close()


def seen(shown: SimpleNamespace, run: SegmentingWorker) -> None:
    """Wait until a run is followed, with its newest preview over its image."""
    session, monitor = shown.session, RunMonitor.of(shown.session)
    shown.until(lambda: session.current == "stack", "the image")
    assert session.run.path == run.run.path
    shown.until(lambda: not monitor.replaying and monitor.feed.layer.live is not None, "scores")
    live = monitor.feed.layer.live
    shown.until(lambda: live.values.max() > 200, "the preview")
    assert live.grid.class_names == tuple(CLASSES)


def listed(shown: SimpleNamespace) -> list[tuple[str, int]]:
    """Return the checkpoints that Compare lists."""
    table = CheckpointTable(shown.session)
    table.show()
    shown.until(lambda: table.model.rowCount() > 0, "the checkpoints")
    rows = [table.model.row(table.model.index(i, 0)) for i in range(table.model.rowCount())]
    table.close()
    table.deleteLater()
    return [(row.run, row.step) for row in rows]


def test_a_run_opens_on_the_image_that_it_trained_on(shown, desk) -> None:
    worker = desk.trained()
    shown.session.open_paths([worker.run.path])
    seen(shown, worker)
    project = shown.session.project
    assert project.runs_dir == desk.work / "runs"
    assert [c.name for c in project.label_classes] == CLASSES
    assert LabelMode.of(shown.session).on
    assert shown.session.volume.path == str(desk.image)
    assert listed(shown) == [("seg", 10), ("seg", 20)]
    catalog = Catalog(project.path)
    catalog.poll()
    found = [catalog.find(known.ref, "stack") for known in catalog.checkpoints(worker.run.path)]
    assert [stored.coverage for stored in found] == [1.0, 1.0]
    # Nothing is written beside the data, and the run is as it was.
    assert sorted(p.name for p in desk.data.iterdir()) == ["stack.mrc", "stack_labels.tif"]
    assert sorted(p.name for p in desk.work.iterdir()) == ["runs", "train_2D.py", "work_tomoscribe"]
    assert f"Everything that you do here is saved in {project.path}" in shown.said[-1]


def test_a_run_that_was_opened_before_opens_in_the_same_project(shown, desk) -> None:
    first, second = desk.trained("first"), desk.trained("second")
    shown.session.open_paths([first.run.path])
    seen(shown, first)
    folder = shown.session.project.path
    shown.session.close_project()
    shown.session.open_paths([second.run.path])
    seen(shown, second)
    assert shown.session.project.path == folder
    assert list(shown.session.project.tomograms) == ["stack"]
    # The project alone brings them too.
    shown.session.open_project(folder)
    shown.until(lambda: shown.session.run is not None, "a run of the project")
    assert {run for run, _ in listed(shown)} == {"first", "second"}


def test_the_folder_of_a_configuration_dropped_on_the_canvas_opens_its_newest_run(
    shown, desk, monkeypatch
) -> None:
    desk.trained("a_older")
    newest = desk.trained("a_newer")
    canvas = shown.viewer.window._qt_viewer
    left_to_napari: list[object] = []
    monkeypatch.setattr(canvas, "_qt_open", lambda *paths, **_: left_to_napari.append(paths))
    # A plot makes it a folder of pictures, too.
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(desk.work / "plot.png")
    drop_on(canvas, desk.work)
    seen(shown, newest)
    assert not left_to_napari
    lines = shown.viewer.window._qt_window.findChildren(SaveLine)
    assert lines
    for line in lines:
        assert "a_newer is followed, the newest of 2 in" in line.message.text()


def test_napari_without_our_docks_opens_the_folder_too(viewer, desk, process_until) -> None:
    worker = desk.trained()
    assert contributions.get_reader(str(desk.work)) is contributions.read
    viewer.open(str(desk.work), plugin="tomoscribe")
    session = Session.of(viewer)
    process_until(lambda: session.current == "stack", "the image")
    assert session.run.path == worker.run.path
    Starter.of(session).close()


def test_an_image_named_by_a_way_round_is_the_one_that_the_user_opens(shown, desk) -> None:
    way_round = desk.work / ".." / "data"
    files = LabelFiles(image=str(way_round / "stack.mrc"), labels=str(way_round / desk.labels.name))
    worker = desk.trained(source=DataSource(kind="pair", voxels=files))
    shown.session.open_paths([worker.run.path, desk.image])
    shown.until(lambda: shown.session.project.label_classes, "what the run learns from")
    seen(shown, worker)
    assert list(shown.session.project.tomograms) == ["stack"]


@pytest.mark.parametrize("image_first", [True, False])
def test_an_image_given_with_a_run_is_what_is_in_view(shown, desk, image_first) -> None:
    worker = desk.trained()
    other = desk.data / "other.mrc"
    shutil.copy(desk.image, other)
    paths = [other, worker.run.path]
    shown.session.open_paths(paths if image_first else paths[::-1])
    shown.until(lambda: "stack" in shown.session.project.tomograms, "the run's image")
    assert shown.session.current == "other"
    assert shown.session.run.path == worker.run.path


def test_an_image_in_view_stays_in_view_when_a_run_is_opened(shown, desk) -> None:
    worker = desk.trained()
    other = desk.data / "other.mrc"
    shutil.copy(desk.image, other)
    shown.session.open_paths([other])
    shown.session.open_paths([worker.run.path])
    project = shown.session.project
    assert project.runs_dir == desk.work / "runs"
    shown.until(lambda: shown.session.current == "other", "the image that was in view")
    shown.until(lambda: "stack" in project.tomograms, "the run's image")
    assert shown.session.current == "other"
    assert listed(shown) == [("seg", 10), ("seg", 20)]


def test_a_run_of_a_datasplit_shows_the_crop_that_validates(shown, desk, monkeypatch) -> None:
    write_cell(desk.data, "jrc_x", {"crop1": ["mito"], "crop2": ["mito"]}, shape=(40, 200, 200))
    zarr, labels = str(desk.data / "jrc_x" / "jrc_x.zarr"), "recon-1/labels/groundtruth"
    with (desk.work / "datasplit.csv").open("w", newline="") as file:
        for usage, crop in (("train", "crop1"), ("validate", "crop2")):
            names = zarr, "recon-1/em/fibsem-uint8", zarr, f"{labels}/{crop}/[mito]"
            csv.writer(file).writerow([usage, *names])
    files = LabelFiles(csv=desk.work / "datasplit.csv")
    worker = desk.trained(source=DataSource(kind="datasplit", voxels=files))
    monkeypatch.chdir(desk.work)
    shown.session.open_paths(["."])  # as in `tomoscribe open .`
    shown.until(lambda: shown.session.current == "jrc_x_crop2", "the crop that validates")
    assert shown.session.run.path == worker.run.path
    project = shown.session.project
    assert {n: str(e.role) for n, e in project.tomograms.items()} == {
        "jrc_x_crop1": "train", "jrc_x_crop2": "validate"
    }  # fmt: skip
    assert shown.session.volume.voxel_size_A == 80.0


def test_a_folder_with_images_is_meant_for_the_project_that_is_open(shown, desk) -> None:
    worker = desk.trained()
    shutil.copy(desk.image, desk.work / "a.mrc")
    shutil.copy(desk.image, desk.data / "mine.mrc")
    shown.session.open_paths([desk.data / "mine.mrc"])
    folder = shown.session.project.path
    shown.session.open_paths([desk.work])
    shown.until(lambda: "a" in shown.session.project.tomograms, "the image of the folder")
    assert shown.session.project.path == folder
    assert shown.session.run != worker.run


def test_what_is_gone_is_said_and_the_run_is_followed_all_the_same(shown, desk) -> None:
    worker = desk.trained()
    desk.image.unlink()
    shown.session.open_paths([worker.run.path])
    shown.until(lambda: "cannot be shown" in "".join(shown.said), "the sentence")
    assert "stack.mrc" in shown.said[-1]
    assert "Open the image that you want to see it on" in shown.said[-1]
    assert shown.session.run.path == worker.run.path
    assert shown.session.current is None


def test_a_project_of_runs_elsewhere_moves_with_them(desk, tmp_path) -> None:
    desk.trained()
    made = Project.create(desk.work / "shown", runs=desk.work / "runs")
    made.close()
    assert not (desk.work / "shown" / "runs").exists()
    desk.work.rename(tmp_path / "moved")
    moved = Project.open(tmp_path / "moved" / "shown", read_only=True)
    assert moved.runs_dir == tmp_path / "moved" / "runs"
    # What names a run or a model of the project finds it there, too.
    found = find_checkpoint("seg", moved.path)
    assert found == model_of_project(moved.path).ref
    assert found.run == moved.runs_dir / "seg"
