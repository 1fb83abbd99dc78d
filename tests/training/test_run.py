from __future__ import annotations

from pathlib import Path

import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import launch
from tomoscribe.training.config import RunConfig
from tomoscribe.training.control import FocusBox
from tomoscribe.training.events import Block, Checkpoint, Labels, Preview
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status

FOCUS = FocusBox(sample="a", center_zyx=(1, 2, 3), lo_zyx=(1, 0, 0), hi_zyx=(1, 9, 9))


def announce(run: RunFolder, step: int, score: float | None) -> None:
    path = run.checkpoint_path(f"step_{step:06d}")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"weights")
    run.append_event(
        Checkpoint(time=0, step=step, name=path.stem, path=run.relative(path), score=score)
    )


def test_runs_of_one_day_are_numbered(tmp_path: Path, config: RunConfig) -> None:
    names = [RunFolder.create(tmp_path, config).name for _ in range(3)]
    assert [n[-12:] for n in names] == ["tomogram_001", "tomogram_002", "tomogram_003"]


def test_an_existing_run_is_never_overwritten(tmp_path: Path, config: RunConfig) -> None:
    RunFolder.create(tmp_path, config, "mine")
    with pytest.raises(TomoscribeError, match="exists already"):
        RunFolder.create(tmp_path, config, "mine")


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, config: RunConfig) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(TomoscribeError, match="No run can be made in"):
        RunFolder.create(tmp_path / "runs", config)


def test_nothing_stays_of_a_run_whose_configuration_cannot_be_written(
    tmp_path: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise TomoscribeError("no space is left on the disk")

    monkeypatch.setattr("tomoscribe.training.run.write_text_atomic", refuse)
    with pytest.raises(TomoscribeError, match="no space"):
        RunFolder.create(tmp_path / "runs", config, "one")
    assert not list((tmp_path / "runs").iterdir())


def test_configuration_comes_back(run: RunFolder, config: RunConfig) -> None:
    assert run.config() == config


def test_a_folder_without_configuration_is_no_run(tmp_path: Path) -> None:
    assert not RunFolder(tmp_path).exists
    with pytest.raises(TomoscribeError, match="is not a run folder"):
        RunFolder(tmp_path).config()


def test_a_configuration_that_makes_no_sense_is_one_sentence(run: RunFolder) -> None:
    run.config_path.write_text("task: [1, 2\n")
    with pytest.raises(TomoscribeError, match="cannot be understood"):
        run.config()


@pytest.mark.parametrize("text", [b"task: [", b"newer: 1", b"\xff\xfe\x00", b""])
def test_a_run_that_cannot_be_read_spoils_no_list(
    run: RunFolder, config: RunConfig, text: bytes
) -> None:
    damaged = RunFolder.create(run.path.parent, config)
    damaged.config_path.write_bytes(text)
    infos = {info.run: info for info in launch.list_runs(run.path.parent)}
    assert infos[run].task == config.task
    assert infos[damaged].state is State.FAILED
    assert "config.yaml cannot be understood" in infos[damaged].message


def test_yaml_of_a_stranger_runs_no_code(run: RunFolder, tmp_path: Path) -> None:
    run.config_path.write_text(f"!!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(TomoscribeError, match="cannot be understood"):
        run.config()
    assert not (tmp_path / "made").exists()


def test_status_comes_back_and_is_none_before_the_first(run: RunFolder) -> None:
    assert run.status() is None
    status = Status(state=State.PAUSED, pid=3, step=12, message="µ")
    run.write_status(status)
    assert run.status() == status


def test_each_control_gets_a_new_revision_and_keeps_what_it_does_not_change(run: RunFolder) -> None:
    assert run.control().revision == 0
    run.write_control(samples=["a"])
    second = run.write_control(desired="pause")
    assert (second.revision, second.samples, second.desired) == (2, ["a"], "pause")
    assert run.control() == second


def test_only_a_new_focus_gets_a_new_focus_revision(run: RunFolder) -> None:
    assert run.write_control(focus=FOCUS).focus_revision == 1
    assert run.write_control(previews=False).focus_revision == 1
    assert run.write_control(focus=FOCUS).focus_revision == 2
    assert run.control().focus == FOCUS


def test_best_checkpoint_has_the_highest_score_and_last_is_the_newest(run: RunFolder) -> None:
    for step, score in ((10, 0.5), (20, 0.8), (30, 0.7), (40, None)):
        announce(run, step, score)
    assert run.best_checkpoint().stem == "step_000020"
    assert run.last_checkpoint().stem == "step_000040"
    assert [c.best for c in run.checkpoints()] == [False, True, False, False]


def test_removed_checkpoints_are_not_listed(run: RunFolder) -> None:
    announce(run, 10, 0.9)
    announce(run, 20, 0.5)
    run.checkpoint_path("step_000010").unlink()
    assert [c.step for c in run.checkpoints()] == [20]
    assert run.best_checkpoint().stem == "step_000020"


def test_scores_count_only_since_the_held_out_clicks_changed(run: RunFolder) -> None:
    def labels(held_out: int) -> None:
        run.append_event(Labels(time=0, used=5, total=9, held_out=held_out, revision=held_out))

    labels(2)
    announce(run, 10, 0.9)
    labels(2)
    announce(run, 20, 0.6)
    assert run.best_checkpoint().stem == "step_000010"
    labels(4)
    announce(run, 30, 0.5)
    assert run.best_checkpoint().stem == "step_000030"


def test_no_checkpoint_yet_is_one_sentence(run: RunFolder) -> None:
    with pytest.raises(TomoscribeError, match="has no checkpoint yet"):
        run.best_checkpoint()


def test_previews_are_listed_once_in_the_order_of_their_beginning(run: RunFolder) -> None:
    for name, sample in (("step_1", "a"), ("step_1", "b"), ("step_1", "a"), ("step_2", "a")):
        run.append_event(
            Preview(
                time=0,
                checkpoint=name,
                sample=sample,
                path="p",
                shape_zyx=[1, 1, 1],
                bin=1,
                class_names=["x"],
            )
        )
        run.append_event(
            Block(
                time=0, checkpoint=name, sample=sample, offset=0, lo_zyx=[0] * 3, shape_zyx=[1] * 3
            )
        )
    assert run.previews() == [("step_1", "a"), ("step_1", "b"), ("step_2", "a")]


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd"])
def test_an_event_cannot_name_a_file_outside_of_the_run(run: RunFolder, path: str) -> None:
    with pytest.raises(TomoscribeError, match="outside of the run"):
        run.resolve(path)


def test_sample_names_make_safe_file_names(run: RunFolder) -> None:
    path = run.preview_path("step_1", "../a b/ä.mrc")
    assert path.parent == run.path / "previews" / "step_1"


def test_a_parent_is_found_beside_its_child(tmp_path: Path, config: RunConfig) -> None:
    first = RunFolder.create(tmp_path, config)
    child = RunFolder.create(tmp_path, config.model_copy(update={"parent": first.name}))
    assert child.parent() == first
    assert first.parent() is None
