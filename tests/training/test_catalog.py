"""Where scores lie on disk, read from what trainings and predictions have written."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.project.source import DataSource
from tomoscribe.training import events as ev
from tomoscribe.training.catalog import CHECK_S, Catalog
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.config import RunConfig
from tomoscribe.training.file_stamp import FileStamp
from tomoscribe.training.prediction_folder import PredictionControl, PredictionFolder
from tomoscribe.training.previews import BlockLog
from tomoscribe.training.run import RunFolder

SHAPE = (8, 8, 8)
HALF = (4, 8, 8)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def catalog(project: Path, clock: Clock) -> Catalog:
    return Catalog(project, clock)


def make_run(project: Path, name: str = "one") -> RunFolder:
    return RunFolder.create(project / "runs", RunConfig(data=DataSource(path=project)), name)


def write_weights(run: RunFolder, name: str, step: int, score: float | None = None) -> Path:
    path = run.checkpoint_path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"weights of " + name.encode())
    run.append_event(
        ev.Checkpoint(time=time.time(), step=step, name=name, path=run.relative(path), score=score)
    )
    return path


def begin(
    folder: RunFolder, name: str, sample: str = "a", step: int = 10, file: FileStamp | None = None
) -> BlockLog:
    log = BlockLog(folder.preview_path(name, sample))
    log.create()
    folder.append_event(
        ev.Preview(
            time=step, step=step, checkpoint=name, sample=sample, path=folder.relative(log.path),
            shape_zyx=list(SHAPE), bin=2, class_names=["ribosome"], file=file,
        )
    )  # fmt: skip
    return log


def write_block(folder: RunFolder, log: BlockLog, name: str, z: int = 0, sample: str = "a") -> None:
    offset = log.append((z, 0, 0), np.full((1, *HALF), 0.5, np.float32))
    folder.append_event(
        ev.Block(
            time=0, checkpoint=name, sample=sample, offset=offset, lo_zyx=[z, 0, 0],
            shape_zyx=list(HALF),
        )
    )  # fmt: skip


def preview(folder: RunFolder, name: str, blocks: int = 2, sample: str = "a") -> BlockLog:
    log = begin(folder, name, sample)
    for z in (0, 4)[:blocks]:
        write_block(folder, log, name, z, sample)
    return log


def predict(
    project: Path, weights: Path, blocks: int = 2, volume: Path | None = None
) -> PredictionFolder:
    """Write what a background prediction of a checkpoint leaves behind."""
    folder = PredictionFolder.make(project, PredictionControl())
    stamp = FileStamp.of(weights, project)
    folder.append_event(
        ev.Loaded(
            time=0, step=10, checkpoint="x", wish="w", file=stamp, task="any", kind="volume",
            voxel_size_A=10.0, class_names=["ribosome"], diameters_A=[100.0],
            thresholds={"ribosome": 0.25}, name=weights.stem, score=0.5,
        )
    )  # fmt: skip
    of = None if volume is None else FileStamp.of(volume, project)
    log = begin(folder, "x", file=of)
    for z in (0, 4)[:blocks]:
        write_block(folder, log, "x", z)
    return folder


def test_previews_of_trainings_are_found_with_what_is_computed_of_them(
    catalog: Catalog, project: Path
) -> None:
    run = make_run(project)
    log = preview(run, "step_000010", blocks=1)
    catalog.poll()
    found = catalog.find(CheckpointRef("step_000010", run.path), "a")
    assert found is not None
    assert (found.path, found.shape_zyx, found.bin, found.kind) == (log.path, SHAPE, 2, "volume")
    assert (found.coverage, found.blocks, found.class_names) == (0.5, 1, ("ribosome",))


def test_nothing_is_found_of_other_samples_checkpoints_and_runs(
    catalog: Catalog, project: Path
) -> None:
    run, other = make_run(project), make_run(project, "two")
    preview(run, "step_000010")
    catalog.poll()
    assert catalog.find(CheckpointRef("step_000010", run.path), "b") is None
    assert catalog.find(CheckpointRef("step_000020", run.path), "a") is None
    assert catalog.find(CheckpointRef("step_000010", other.path), "a") is None


def test_a_poll_tells_of_which_checkpoint_and_sample_more_is_known(
    catalog: Catalog, project: Path
) -> None:
    run = make_run(project)
    log = preview(run, "step_000010", blocks=1)
    ref = CheckpointRef("step_000010", run.path)
    assert catalog.poll() == {(ref, "a")}
    assert catalog.poll() == frozenset()
    write_block(run, log, "step_000010", 4)
    assert catalog.poll() == {(ref, "a")}
    assert catalog.find(ref, "a").coverage == 1.0


def test_thresholds_are_those_of_the_last_validation_up_to_the_checkpoint(
    catalog: Catalog, project: Path
) -> None:
    run = make_run(project)
    for step, threshold in ((5, 0.3), (20, 0.7)):
        run.append_event(
            ev.Validation(time=0, step=step, score=0.5, metrics={"ribosome/threshold": threshold})
        )
    preview(run, "step_000010")
    catalog.poll()
    found = catalog.find(CheckpointRef("step_000010", run.path), "a")
    assert found.thresholds == {"ribosome": 0.3}


def test_a_pick_list_brings_its_own_thresholds(catalog: Catalog, project: Path) -> None:
    run = make_run(project)
    preview(run, "step_000010")
    path = run.scores_path("step_000010", "a")
    run.append_event(
        ev.Scores(
            time=0, step=10, checkpoint="step_000010", sample="a", path=run.relative(path),
            threshold=0.6, thresholds={"ribosome": 0.6},
        )
    )  # fmt: skip
    catalog.poll()
    found = catalog.find(CheckpointRef("step_000010", run.path), "a")
    assert (found.picks, found.thresholds) == (path, {"ribosome": 0.6})


def test_a_pick_list_outside_of_the_run_is_not_read(catalog: Catalog, project: Path) -> None:
    run = make_run(project)
    preview(run, "step_000010")
    run.append_event(
        ev.Scores(
            time=0, step=10, checkpoint="step_000010", sample="a", path="../../secret.csv",
            threshold=0.6,
        )
    )  # fmt: skip
    catalog.poll()
    assert catalog.find(CheckpointRef("step_000010", run.path), "a").picks is None


def test_checkpoints_of_a_run_with_weights_and_with_previews_only(
    catalog: Catalog, project: Path
) -> None:
    run = make_run(project)
    preview(run, "step_000005")
    run.append_event(ev.Validation(time=0, step=10, score=0.8, metrics={}))
    kept = write_weights(run, "step_000010", 10, 0.8)
    write_weights(run, "step_000020", 20, 0.4).unlink()
    catalog.poll()
    previewed, best = catalog.checkpoints(run.path)
    assert (previewed.ref.name, previewed.ref.file, previewed.samples) == (
        "step_000005", None, ("a",),
    )  # fmt: skip
    assert (best.ref.file, best.score, best.best, best.samples) == (kept, 0.8, True, ())
    assert len(catalog.checkpoints()) == 2


def test_weights_that_are_removed_are_told(catalog: Catalog, project: Path) -> None:
    run = make_run(project)
    kept = write_weights(run, "step_000010", 10)
    preview(run, "step_000010")
    ((ref, _),) = catalog.poll()
    assert ref.file == kept
    kept.unlink()
    os.utime(kept.parent, (1, 1))  # a clock of file systems may be too coarse for a test
    ((ref, _),) = catalog.poll()
    assert ref.file is None


def test_predictions_are_found_by_the_checkpoint_file(
    catalog: Catalog, project: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "from_elsewhere.pt"
    weights.write_bytes(b"weights")
    predict(project, weights)
    ref = CheckpointRef.of_file(weights)
    assert catalog.poll() == {(ref, "a")}
    found = catalog.find(ref, "a")
    assert (found.coverage, found.thresholds) == (1.0, {"ribosome": 0.25})
    assert catalog.description(ref).voxel_size_A == 10.0


@pytest.mark.parametrize(("of_run", "of_prediction"), [(1, 2), (2, 1)])
def test_the_more_complete_scores_go_first(
    catalog: Catalog, project: Path, of_run: int, of_prediction: int
) -> None:
    run = make_run(project)
    weights = write_weights(run, "step_000010", 10)
    log = preview(run, "step_000010", of_run)
    folder = predict(project, weights, of_prediction)
    catalog.poll()
    found = catalog.find(CheckpointRef.of_run(run, "step_000010"), "a")
    assert found.coverage == 1.0
    assert found.path == (log.path if of_run == 2 else folder.preview_path("x", "a"))


def test_predictions_are_found_again_when_the_project_was_moved(
    project: Path, tmp_path: Path
) -> None:
    predict(project, write_weights(make_run(project), "step_000010", 10))
    moved = tmp_path / "moved"
    project.rename(moved)
    catalog = Catalog(moved)
    catalog.poll()
    ref = CheckpointRef.of_run(RunFolder(moved / "runs" / "one"), "step_000010")
    assert catalog.find(ref, "a").path.is_relative_to(moved)


@pytest.mark.parametrize("which", ["checkpoint", "sample"])
def test_predictions_of_a_file_that_changed_are_passed_over(
    catalog: Catalog, clock: Clock, project: Path, tmp_path: Path, which: str
) -> None:
    weights, volume = tmp_path / "a.pt", tmp_path / "a.mrc"
    for path in (weights, volume):
        path.write_bytes(b"as it was")
    predict(project, weights, volume=volume)
    ref = CheckpointRef.of_file(weights)
    catalog.poll()
    assert catalog.find(ref, "a") is not None
    (weights if which == "checkpoint" else volume).write_bytes(b"as it is by now")
    clock.now += CHECK_S
    assert catalog.poll() == {(ref, "a")}
    assert catalog.find(ref, "a") is None


def test_predictions_outlive_the_weights(catalog: Catalog, clock: Clock, project: Path) -> None:
    run = make_run(project)
    weights = write_weights(run, "step_000010", 10)
    predict(project, weights)
    catalog.poll()
    weights.unlink()
    os.utime(weights.parent, (1, 1))
    clock.now += CHECK_S
    catalog.poll()
    assert catalog.find(CheckpointRef("step_000010", run.path), "a") is not None


def test_a_run_that_got_the_name_of_a_deleted_one_has_not_its_predictions(
    project: Path,
) -> None:
    weights = write_weights(make_run(project), "step_000010", 10)
    long_ago = time.time() - 86400
    os.utime(weights, (long_ago, long_ago))
    predict(project, weights)
    shutil.rmtree(project / "runs" / "one")
    run = make_run(project)
    write_weights(run, "step_000010", 10).unlink()
    catalog = Catalog(project)
    catalog.poll()
    assert catalog.find(CheckpointRef("step_000010", run.path), "a") is None


def test_a_run_that_was_made_anew_while_it_was_watched_is_read_anew(
    catalog: Catalog, project: Path
) -> None:
    run = make_run(project)
    preview(run, "step_000010")
    catalog.poll()
    run.path.rename(project / "aside")  # so that the new one cannot be given its place on disk
    run = make_run(project)
    preview(run, "step_000030")
    catalog.poll()
    assert catalog.find(CheckpointRef("step_000010", run.path), "a") is None
    assert catalog.find(CheckpointRef("step_000030", run.path), "a") is not None


def test_deleted_folders_are_forgotten(catalog: Catalog, project: Path) -> None:
    run = make_run(project)
    preview(run, "step_000010")
    weights = write_weights(run, "step_000020", 20)
    folder = predict(project, weights)
    catalog.poll()
    shutil.rmtree(folder.path)
    assert catalog.poll() == {(CheckpointRef.of_run(run, "step_000020"), "a")}
    assert catalog.find(CheckpointRef.of_run(run, "step_000020"), "a") is None
    shutil.rmtree(run.path)
    assert catalog.poll() == {(CheckpointRef("step_000010", run.path), "a")}
    assert catalog.checkpoints() == []


def test_a_prediction_whose_log_was_removed_is_passed_over(
    catalog: Catalog, clock: Clock, project: Path
) -> None:
    run = make_run(project)
    folder = predict(project, write_weights(run, "step_000010", 10))
    catalog.poll()
    folder.preview_path("x", "a").unlink()
    clock.now += CHECK_S
    catalog.poll()
    assert catalog.find(CheckpointRef.of_run(run, "step_000010"), "a") is None


def test_a_log_that_begins_anew_is_not_as_complete_as_the_old_one(
    catalog: Catalog, project: Path
) -> None:
    run = make_run(project)
    log = preview(run, "step_000010")
    catalog.poll()
    log.path.unlink()
    write_block(run, log, "step_000010")
    catalog.poll()
    assert catalog.find(CheckpointRef("step_000010", run.path), "a").coverage == 0.5


def test_damaged_events_and_foreign_folders_are_passed_over(
    catalog: Catalog, project: Path
) -> None:
    run = make_run(project)
    with run.events_path.open("ab") as file:
        file.write(b'{"type":"block","checkp\n\x00\xff\n{"type":"of_a_newer_version","time":1}\n')
    preview(run, "step_000010")
    (project / "predictions" / "notes").mkdir(parents=True)
    (project / "predictions" / "file.txt").write_text("no folder")
    catalog.poll()
    assert catalog.find(CheckpointRef("step_000010", run.path), "a").coverage == 1.0


def test_events_that_lead_out_of_their_folder_show_nothing(catalog: Catalog, project: Path) -> None:
    run = make_run(project)
    run.append_event(
        ev.Preview(
            time=0, step=1, checkpoint="evil", sample="a", path="../../../etc/passwd",
            shape_zyx=[1, 1, 1], bin=1, class_names=["ribosome"],
        )
    )  # fmt: skip
    catalog.poll()
    assert catalog.find(CheckpointRef("evil", run.path), "a") is None


def test_a_project_without_trainings_has_an_empty_catalogue(catalog: Catalog) -> None:
    assert catalog.poll() == frozenset()
    assert catalog.checkpoints() == []
    assert catalog.find(CheckpointRef("step_000010"), "a") is None
