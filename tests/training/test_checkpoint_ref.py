from __future__ import annotations

from pathlib import Path

from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_ref import CheckpointRef, refs_of_run
from tomoscribe.training.run import RunFolder


def preview(name: str, step: int) -> ev.Preview:
    return ev.Preview(
        time=step, step=step, checkpoint=name, sample="one", path=f"previews/{name}/one.blocks",
        shape_zyx=[4, 8, 8], bin=1, class_names=["ribosome"],
    )  # fmt: skip


def write_weights(run: RunFolder, name: str) -> Path:
    path = run.checkpoint_path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"weights")
    return path


def test_a_checkpoint_of_a_run_is_called_as_picks_call_it(run: RunFolder) -> None:
    ref = CheckpointRef.of_run(run, "step_000120")
    assert ref.source == f"{run.name}/step_000120"
    assert ref.file is None


def test_a_file_from_anywhere_is_called_by_its_stem(tmp_path: Path) -> None:
    ref = CheckpointRef.of_file(tmp_path / "best model.pt")
    assert (ref.source, ref.run, ref.file) == ("best model", None, tmp_path / "best model.pt")
    assert set(ref.key) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


def test_files_of_one_name_have_different_keys(tmp_path: Path) -> None:
    one, two = (CheckpointRef.of_file(tmp_path / name / "a.pt") for name in ("x", "y"))
    assert one.key != two.key
    assert one != two


def test_a_file_chosen_from_a_run_is_that_runs_checkpoint(run: RunFolder) -> None:
    path = write_weights(run, "step_000010")
    assert CheckpointRef.of_file(path) == CheckpointRef.of_run(run, "step_000010")
    assert CheckpointRef.of_file(path).run == run.path


def test_it_stays_the_same_checkpoint_when_its_weights_go(run: RunFolder) -> None:
    path = write_weights(run, "step_000010")
    before = CheckpointRef.of_run(run, "step_000010")
    path.unlink()
    after = CheckpointRef.of_run(run, "step_000010")
    assert (before.file, after.file) == (path, None)
    assert before == after
    assert (before.key, hash(before)) == (after.key, hash(after))


def test_a_run_lists_checkpoints_with_weights_and_those_with_previews_only(run: RunFolder) -> None:
    kept = write_weights(run, "step_000020")
    run.append_event(preview("step_000010", 10))
    run.append_event(
        ev.Checkpoint(time=20, step=20, name="step_000020", path=run.relative(kept), score=0.5)
    )
    run.append_event(
        ev.Checkpoint(time=30, step=30, name="step_000030", path="checkpoints/step_000030.pt")
    )
    refs = refs_of_run(run)
    assert [(ref.name, ref.file) for ref in refs] == [("step_000010", None), ("step_000020", kept)]
