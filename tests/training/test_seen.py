"""Which picks a checkpoint's training never saw."""

from __future__ import annotations

from pathlib import Path

from tomoscribe.picks.table import Pick
from tomoscribe.project.source import DataSource
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder
from tomoscribe.training.seen import seen_by

PICKS = [Pick(i, (0.0, 0.0, float(i)), "ribosome") for i in range(1, 21)]
ALL = {p.id for p in PICKS}


def make_run(
    project: Path, name: str, train: list[str], held_out: int = 0, **config: object
) -> RunFolder:
    source = DataSource(kind="project", path=project)
    settings = TrainingSettings(hold_out=0.25)
    run = RunFolder.create(
        project / "runs", RunConfig(data=source, settings=settings, **config), name
    )
    run.append_event(
        ev.Started(
            time=1.0, device="cpu", memory_bytes=1, precision="float32", plan={}, train=train,
            validate=[],
        )
    )  # fmt: skip
    run.append_event(ev.Labels(time=1.0, used=20, total=20, held_out=held_out, revision=1))
    return run


def unseen(run: RunFolder, project: Path, sample: str) -> set[int] | None:
    seen = seen_by(CheckpointRef("step", run.path), project)
    return None if seen is None else set(seen.never_seen(sample, PICKS, "ribosome"))


def test_samples_that_only_validate_or_came_later_were_never_seen(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", ["a"])
    assert unseen(run, tmp_path, "b") == ALL
    assert unseen(run, tmp_path, "a") == set()


def test_of_a_sample_that_trains_the_held_out_share_was_never_seen(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", ["a"], held_out=5)
    assert len(unseen(run, tmp_path, "a") or ()) == 5


def test_what_an_earlier_training_saw_counts_too(tmp_path: Path) -> None:
    parent = make_run(tmp_path, "one", ["a"])
    child = make_run(tmp_path, "two", ["b"], parent="one")
    assert unseen(child, tmp_path, "a") == set()
    start = parent.checkpoint_path("step_000010")
    start.parent.mkdir()
    start.touch()
    other = make_run(tmp_path, "three", ["b"], start_from=str(start))
    assert unseen(other, tmp_path, "a") == set()
    assert unseen(other, tmp_path, "c") == ALL


def test_nobody_knows_of_a_file_a_foreign_project_or_unknown_first_weights(tmp_path: Path) -> None:
    run = make_run(tmp_path / "p", "one", ["a"])
    assert unseen(run, tmp_path / "other", "a") is None
    assert seen_by(CheckpointRef("file", None, tmp_path / "file.pt"), tmp_path) is None
    lost = make_run(tmp_path / "p", "two", ["a"], start_from=str(tmp_path / "file.pt"))
    assert unseen(lost, tmp_path / "p", "a") is None
    gone = CheckpointRef("step", tmp_path / "p" / "runs" / "gone")
    assert seen_by(gone, tmp_path / "p") is None
