from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.project.spheres import on_sphere, write_container, write_star, write_tomogram

from tomoscribe.cli import set_options
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_write import write_labels
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project
from tomoscribe.simulate.project import make_sample_project
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training import launch
from tomoscribe.training.config import RunConfig
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.run import RunFolder
from tomoscribe.training.setting_keys import with_values
from tomoscribe.training.status import State, Status

Run = Callable[..., int | str | None]
START_S = 120.0


@pytest.fixture(autouse=True)
def _own_state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a project with one click."""
    write_mrc(tmp_path / "TS_1.mrc", np.zeros((12, 20, 30), np.float32), 10.0)
    made = Project.create(tmp_path / "project")
    made.add_class(ParticleClass("ribosome", 250.0))
    table = made.add_tomogram(tmp_path / "TS_1.mrc").picks
    made.edit("TS_1", table.make_add([[5, 5, 5]], "ribosome"))
    made.close()
    return made.path


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """Stand in for the worker: a run ends at once, with two checkpoints; tells what was asked."""
    asked: list[RunConfig] = []

    def start(run: RunFolder) -> int:
        asked.append(run.config())
        (run.path / "checkpoints").mkdir()
        for step, score in ((3, 0.75), (6, 0.5)):
            metrics = {"threshold": 0.25, "f1": score}
            run.append_event(ev.Validation(time=0, step=step, score=score, metrics=metrics))
            path = run.checkpoint_path(f"step_{step:06d}")
            path.touch()
            run.append_event(
                ev.Checkpoint(
                    time=0, step=step, name=path.stem, path=run.relative(path), score=score
                )
            )
        run.append_event(ev.Finished(time=0, reason="steps"))
        run.write_status(Status(state=State.FINISHED, step=6))
        return 1

    monkeypatch.setattr(launch, "start", start)
    monkeypatch.setattr("tomoscribe.training.training_request.load_training_data", lambda *_: None)
    return asked


def test_every_option_reaches_the_configuration(
    exit_code: Run, ended: list[RunConfig], project: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "old.pt"
    checkpoint.touch()
    code = exit_code(
        *("train", project, "--run", tmp_path / "mine", "--task", "tomogram"),
        *("--set", "batch=2", "--set", "loss=nnpu", "--device", "cpu", "--max-minutes", "0.5"),
        *("--continue-from", checkpoint, "--diameter-A", "120", "--voxel-size-A", "10"),
    )
    assert code == 0
    config = ended[0]
    settings = config.settings
    assert (settings.batch, settings.loss, settings.device) == (2, "nnpu", "cpu")
    assert settings.max_minutes == 0.5
    assert config.start_from == str(checkpoint)
    assert (config.data.kind, config.data.path) == ("project", project)
    assert (config.data.diameter_A, config.data.voxel_size_A) == (120, 10)
    assert RunFolder(tmp_path / "mine").exists


def test_the_end_tells_score_threshold_and_checkpoint(
    exit_code: Run, ended: list[RunConfig], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("train", project) == 0
    told = capsys.readouterr().out
    assert "finished after 6 steps" in told
    assert "step_000003.pt (F1 0.750)" in told
    assert "Chosen threshold: 0.250" in told
    assert len(launch.list_runs(project / "runs")) == 1


def test_a_folder_and_two_lists_are_data_too(
    exit_code: Run, ended: list[RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert exit_code("train", "data") == 0
    assert exit_code("train", "--images", "i.txt", "--coordinates", "c.txt") == 0
    assert (ended[0].data.kind, ended[0].data.path) == ("folder", tmp_path / "data")
    assert (ended[1].data.kind, ended[1].data.images) == ("lists", tmp_path / "i.txt")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no project, training folder or datasplit 'nothing'"),
        ([], "Give DATA, or both"),
        (["--images", "a"], "Give DATA, or both"),
        ([".", "--images", "a", "--coordinates", "b"], "Give DATA, or both"),
        ([".", "--continue-from", "none.pt"], "no checkpoint 'none.pt'"),
        ([".", "--set", "colour=red"], "There is no setting 'colour'"),
        ([".", "--set", "batch"], "give it a value, batch=VALUE"),
        ([".", "--set", "batch=two"], "batch=two cannot be"),
        ([".", "--set", "voxels.window_zyx=1,256"], "give 3 numbers with commas between"),
        ([".", "--max-minutes", "-1"], "max_minutes=-1"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(
    exit_code: Run,
    ended: list[RunConfig],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    assert exit_code("train", *arguments) == 1
    assert words in capsys.readouterr().err
    assert ended == []


def test_bad_data_are_told_before_a_run_is_made(
    exit_code: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "train").mkdir(parents=True)
    write_mrc(tmp_path / "data" / "train" / "TS_1.mrc", np.zeros((8, 9, 10), np.float32), 10.0)
    assert exit_code("train", tmp_path / "data", "--run", tmp_path / "run") == 1
    assert "tomograms but no picks" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten(
    exit_code: Run,
    ended: list[RunConfig],
    project: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_code("train", project, "--run", tmp_path / "mine")
    assert exit_code("train", project, "--run", tmp_path / "mine") == 1
    assert "exists already" in capsys.readouterr().err


def test_a_failed_training_is_told_with_its_hint(
    exit_code: Run,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(run: RunFolder) -> int:
        run.append_event(ev.Failed(time=0, kind="oom", message="Too big.", hint="take half"))
        run.write_status(Status(state=State.FAILED, message="Too big."))
        return 1

    monkeypatch.setattr(launch, "start", fail)
    assert exit_code("train", project) == 1
    assert "Too big. (take half)" in capsys.readouterr().err


def test_help_tells_defaults_and_units(
    exit_code: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert exit_code("train", "--help") == 0
    told = capsys.readouterr().out
    assert "validate_every_s = 10.0: seconds of training between validations" in told
    for key in (*TrainingSettings.model_fields, "membrane.band_low_A", "membrane.k_eig = 128"):
        assert key in told


@pytest.mark.parametrize("text", ["batch=", "batch=none"])
def test_a_setting_can_be_left_to_the_plan(text: str) -> None:
    assert set_options.parse_settings([text]).batch is None


@pytest.mark.parametrize("text", ["1,256,128", "[1, 256, 128]", "(1,256,128)"])
def test_a_window_is_three_numbers_with_commas(text: str) -> None:
    made = set_options.parse_settings([f"voxels.window_zyx={text}"])
    assert made.voxels.window_zyx == (1, 256, 128)
    assert set_options.parse_settings(["voxels.window_zyx=auto"]).voxels.window_zyx is None


def test_a_window_larger_than_the_image_is_refused_before_a_run_is_made(
    exit_code: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = np.random.default_rng(0).integers(1, 255, (2, 20, 30), dtype=np.uint8)
    write_labels(tmp_path / "image.tif", image, (4.0, 4.0, 4.0))
    write_labels(tmp_path / "labels.tif", image // 128, (4.0, 4.0, 4.0))
    pair = ("--image", tmp_path / "image.tif", "--labels", tmp_path / "labels.tif")
    wide = ("--set", "voxels.window_zyx=1,256,256", "--run", tmp_path / "run")
    assert exit_code("train", *pair, *wide) == 1
    told = capsys.readouterr().err
    assert "window of 1 x 256 x 256 voxels (z, y, x) is larger than the smallest image" in told
    assert not (tmp_path / "run").exists()


def test_settings_are_checked_by_their_model() -> None:
    with pytest.raises(TomoscribeError, match="preview_share=2"):
        set_options.parse_settings(["preview_share=2"])


def test_settings_of_membranes_have_keys_of_their_own() -> None:
    made = set_options.parse_settings(
        ["membrane.radius_A=40", "membrane.position_tokens=a, b", "batch=4"]
    )
    assert (made.membrane.radius_A, made.membrane.position_tokens) == (40.0, ["a", "b"])
    assert (made.batch, made.membrane.k_eig) == (4, TrainingSettings().membrane.k_eig)
    for pair, said in (
        ("membrane.radius_A=-1", r"membrane\.radius_A=-1 cannot be"),
        ("membrane.nothing=1", r"no setting 'membrane.nothing'\. `tomoscribe train --help` lists"),
        ("membrane=1", "no setting 'membrane'"),
        ("batch", "give it a value, batch=VALUE"),
    ):
        with pytest.raises(TomoscribeError, match=said):
            set_options.parse_settings([pair])


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("voxels.widnow", "voxels.window_zyx"),
        ("window", "voxels.window_zyx"),
        ("learnig_rate", "learning_rate"),
        ("optimiser", "voxels.optimizer"),
    ],
)
def test_of_a_misspelt_setting_the_one_that_is_meant_is_told(key: str, meant: str) -> None:
    with pytest.raises(TomoscribeError, match=f"'{key}': '{meant}' is meant") as told:
        set_options.parse_settings([f"{key}=3"])
    assert len(str(told.value)) < 150
    with pytest.raises(TomoscribeError, match=f"'{key}': '{meant}' is meant"):
        with_values(TrainingSettings(), {key: 3})


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["voxels.window_zyx=0,0,0"], r"window_zyx=0,0,0 cannot be: .* greater than 0"),
        (["voxels.dimension=2d", "voxels.window_zyx=2,9,8"], "window_zyx=2,9,8 has 2: make it 1,9"),
        (["voxels.dimension=2.5d", "voxels.window_zyx=2,9,8"], "section by section"),
        (["voxels.optimizer=Foo"], "^There is no optimizer 'Foo' here: there are: Adadelta"),
        (["voxels.scheduler=StepLr"], "^There is no scheduler 'StepLr' here: 'StepLR' is meant"),
        (
            ["voxels.scheduler=StepLR(step_size=2)"],
            "makes a step an epoch: say with validate_every",
        ),
        (["max_minutes=-1"], "max_minutes=-1 cannot be"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_their_model(pairs: list[str], said: str) -> None:
    with pytest.raises(TomoscribeError, match=said):
        set_options.parse_settings(pairs)
    set_options.parse_settings(["voxels.dimension=3d", "voxels.window_zyx=2,9,8"])


def test_a_folder_of_membranes_is_known_by_its_files(
    exit_code: Run, ended: list[RunConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tomogram = write_tomogram(tmp_path / "TS_1.mrc")
    write_container(tmp_path / "data" / "train" / "M1.h5", tomogram)
    write_star(tmp_path / "data" / "train" / "M1.star", on_sphere("M1", 5))
    data, run = tmp_path / "data", tmp_path / "runs"
    assert exit_code("train", data, "--complete", "--run", run / "1") == 0
    assert (ended[0].task, ended[0].data.complete) == ("membrane", True)
    assert "The folder holds membranes" in capsys.readouterr().err
    assert exit_code("train", data, "--task", "tomogram", "--run", run / "2") == 0
    assert ended[1].task == "tomogram"
    assert exit_code("train", data, "--task", "tomogram", "--complete", "--run", run / "3") == 1
    assert exit_code("train", data, "--task", "membrain", "--run", run / "3") == 1
    assert (
        "There is no task 'membrain'; tasks are: tomogram, membrane, semantic"
        in capsys.readouterr().err
    )


def test_a_project_with_membranes_trains_on_them_as_in_the_viewer(
    exit_code: Run, ended: list[RunConfig], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Project.open(project)
    tomogram = opened.tomograms["TS_1"].path
    opened.add_membrane(write_container(project / "M1.h5", tomogram), "TS_1")
    opened.close()
    assert exit_code("train", project) == 0
    assert ended[0].task == "membrane"
    assert "The project holds membranes" in capsys.readouterr().err


def test_interrupt_stops_with_a_checkpoint_and_resume_and_runs_go_on(
    tmp_path: Path,
    exit_code: Run,
    wait_until: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = make_sample_project(tmp_path / "sample", shape_zyx=(32, 64, 64), clicks=6)
    project.close()
    run = RunFolder(tmp_path / "mine")
    tiny = ("patch=16", "width=4", "batch=1", "bin=2", "precision=float32", "threads=1")
    options = [word for pair in tiny for word in ("--set", pair)]
    command = [sys.executable, "-c", "from tomoscribe.cli.main import main; main()", "train"]
    process = subprocess.Popen(
        [*command, str(project.path), "--run", str(run.path), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(
            lambda: any(isinstance(e, ev.Step) for e in run.events()), START_S, "the first step"
        )
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=START_S)
    finally:
        process.kill()
        launch.kill(run)
    assert process.returncode == 0, err
    assert "stopped after" in out
    assert "Stopping with a checkpoint" in err
    assert run.last_checkpoint().is_file()

    assert exit_code("resume", run.path, "--detach", "--max-minutes", "9") == 0
    child = RunFolder(Path(capsys.readouterr().out.split()[-1]))
    try:
        assert child.config().settings.max_minutes == 9
        assert exit_code("stop", child.path) == 0
        assert RunFollower(child).poll().state is State.STOPPED
        assert exit_code("runs", tmp_path) == 0
        listed = capsys.readouterr().out
        assert "mine" in listed
        assert "stopped" in listed
    finally:
        launch.kill(child)


def test_minutes_of_a_resumed_run_count_those_that_it_had(
    exit_code: Run, ended: list[RunConfig], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(project / "runs" / "mine")
    assert exit_code("train", project, "--run", run.path) == 0
    run.append_event(ev.Step(time=0, step=6, loss=1, learning_rate=0.1, elapsed_s=48, budget_s=300))
    capsys.readouterr()
    assert exit_code("resume", run.path, "--max-minutes", "0.5") == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "mine has trained for 0.80 minutes, and max_minutes 0.5 counts these too" in told
    assert len(ended) == 1
    assert exit_code("resume", run.path, "--max-minutes", "2") == 0
    assert "Trains 1.20 of 2 minutes, as mine had 0.80." in capsys.readouterr().err
    assert exit_code("resume", run.path) == 0
    assert [config.settings.max_minutes for config in ended] == [5, 2, 5]


def test_runs_of_a_project_and_of_nothing(
    exit_code: Run,
    ended: list[RunConfig],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    exit_code("train", project, "--run", project / "runs" / ("a_long_name_" + 40 * "n"))
    capsys.readouterr()
    assert exit_code("runs", project) == 0
    told = capsys.readouterr().out
    assert "0.750" in told
    assert launch.list_runs(project / "runs")[0].run.name in told
    (tmp_path / "empty").mkdir()
    assert exit_code("runs", tmp_path / "empty") == 0
    assert "There are no runs" in capsys.readouterr().out
    assert exit_code("runs", tmp_path / "missing") == 1


def test_a_sweep_trains_each_value_and_the_list_tells_them_apart(
    exit_code: Run,
    ended: list[RunConfig],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert exit_code("train", project, "--sweep", "bin=2,3", "--set", "seed=5") == 0
    told = capsys.readouterr().out
    assert "bin=2: " in told
    assert "bin=3: " in told
    assert [c.settings.bin for c in ended] == [2, 3]
    assert {c.settings.seed for c in ended} == {5}
    assert len({c.sweep for c in ended}) == 1
    assert exit_code("runs", project) == 0
    listed = capsys.readouterr().out
    assert "bin=2" in listed
    assert "bin=3" in listed
    assert "seed" not in listed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sweep", "bin=2"], "needs 2 to 8 values"),
        (["--sweep", "bins=2,3"], "cannot be varied"),
        (["--sweep", "bin=2,x"], "bin=x cannot be"),
        (["--sweep", "bin=2,3", "--run", "mine"], "leave --run away"),
    ],
)
def test_a_sweep_that_cannot_be_leaves_no_run_behind(
    exit_code: Run,
    ended: list[RunConfig],
    project: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    assert exit_code("train", project, *options) == 1
    assert said in capsys.readouterr().err
    assert launch.list_runs(project / "runs") == []


def test_an_interrupted_sweep_stops_those_that_wait(
    exit_code: Run, ended: list[RunConfig], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomoscribe.cli.train.watch", lambda run: True)
    assert exit_code("train", project, "--sweep", "bin=2,3") == 130
    runs = [info.run for info in launch.list_runs(project / "runs")]
    assert [run.control().desired for run in runs] == ["stop", "stop"]


@pytest.mark.parametrize("verb", ["stop", "resume"])
def test_a_folder_that_is_no_run_is_one_sentence(
    exit_code: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert exit_code(verb, tmp_path) == 1
    assert "is not a run folder" in capsys.readouterr().err


def test_a_running_training_is_not_resumed(
    exit_code: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tomoscribe.project.source import DataSource
    from tomoscribe.training import process

    run = RunFolder.create(tmp_path, RunConfig(data=DataSource(path=tmp_path)), "a")
    pid, started, host = process.this_process()
    values: dict[str, Any] = {"pid": pid, "process_started": started, "host": host}
    run.write_status(Status(state=State.RUNNING, heartbeat=started + 1e9, **values))
    assert exit_code("resume", run.path) == 1
    assert "stop it before resuming" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        ("--class", "mito"), ("--unlabelled", "255"), ("--background", "7"), ("--objects",),
        ("--scale-nm", "8"), ("--voxel-size-nm", "8"), ("--voxel-size-A", "80"), ("--complete",),
    ],
)  # fmt: skip
def test_options_about_data_are_not_lost_beside_a_configuration_that_says_them(
    exit_code: Run, given: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("classes: [mito]\n")
    assert exit_code("train", config, *given) == 1
    assert "leave the options about data away" in capsys.readouterr().err
