"""`tomoscribe compare` of segmentations: labels in files, in projects, none; what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from tests.prediction.small_nets import write_checkpoint, write_image
from tests.training.tiny_checkpoints import tomogram_checkpoint

from tomoscribe.io.label_write import write_labels
from tomoscribe.io.mrc_write import write_mrc
from tomoscribe.project.model import Role
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training import side_scores
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder

Run = Callable[..., int | str | None]
SHAPE = (4, 64, 64)
VOXEL_NM = (4.0, 4.0, 4.0)


@pytest.fixture
def files(tmp_path: Path) -> SimpleNamespace:
    """Two checkpoints of one class, which find it everywhere; an image, and four objects in it."""
    image = write_image(tmp_path / "balls.mrc", SHAPE)
    numbers = np.zeros(SHAPE, np.uint16)
    for number, (y, x) in enumerate(((4, 4), (4, 40), (40, 4), (40, 40)), start=1):
        numbers[:, y : y + 16, x : x + 16] = number
    labels = tmp_path / "truth.tif"
    write_labels(labels, numbers, VOXEL_NM)
    a, b = (write_checkpoint(tmp_path / f"{name}.pt") for name in ("one", "other"))
    return SimpleNamespace(a=a, b=b, image=image, labels=labels, numbers=numbers)


def rows_of(told: str) -> dict[str, list[str]]:
    return {
        cells[0]: cells[1:]
        for line in told.splitlines()
        if len(cells := [c.strip() for c in line.strip("│┃ ").split("│")]) == 3
    }


def named(files: SimpleNamespace) -> tuple[object, ...]:
    return "--image", files.image, "--labels", files.labels, "--class", "ball"


def test_labels_in_a_file_judge_two_checkpoint_files(
    exit_code: Run, files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The checkpoints call every voxel a ball: the figures are those of the labelled share."""
    page = tmp_path / "page.html"
    more = ("--report", page, "--device", "cpu")
    assert exit_code("compare", files.a, files.b, *named(files), *more) == 0
    told = capsys.readouterr().out
    share = (files.numbers > 0).mean()
    rows = rows_of(told)
    assert rows["recall"] == ["1.000", "1.000"]
    assert rows["precision"] == [f"{share:.3f}", f"{share:.3f}"]
    assert rows["Dice"] == [f"{2 * share / (1 + share):.3f}"] * 2
    assert (rows["objects found"], rows["objects missed"]) == (["0", "0"], ["16", "16"])
    assert "ball on balls" in told
    assert "not known which labels the trainings saw" in told
    assert "Places to look at" in told
    html = page.read_text(encoding="utf-8")
    assert "4 × 64 × 64" in html
    assert "4 × 4 × 4 nm" in html
    assert html.count("data:image/png") >= 4
    assert "A and B differ" in html


def test_of_a_training_on_files_the_held_out_labels_judge(
    exit_code: Run, files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its run says what trained; without options the comparison is on the data of A's run."""
    labels = LabelFiles(image=str(files.image), labels=str(files.labels), classes=("ball",))
    settings = TrainingSettings.model_validate({"voxels": {"hold_out_labels": 0.25}})
    run = RunFolder.create(
        tmp_path / "runs",
        RunConfig(
            data=DataSource(kind="pair", voxels=labels), task="instance", settings=settings,
            plan={"reduction_zyx": [1, 1, 1]},
        ),
        "run",
    )  # fmt: skip
    run.append_event(
        ev.Started(time=1.0, device="cpu", memory_bytes=1, precision="float32",
                   plan={"reduction_zyx": [1, 2, 2]}, train=["balls"], validate=[])
    )  # fmt: skip
    run.append_event(
        ev.Labels(time=1.0, used=3072, total=4096, held_out=1024, revision=1, unit="voxels")
    )
    kept = run.checkpoint_path("step_000010")
    kept.parent.mkdir(exist_ok=True)
    files.a.rename(kept)
    run.append_event(
        ev.Checkpoint(time=1.0, step=10, name=kept.stem, path=run.relative(kept), score=0.5,
                      best=True)
    )  # fmt: skip
    page = tmp_path / "page.html"
    assert exit_code("compare", kept, kept, "--device", "cpu", "--report", page) == 0
    labels_told = "3,072 of 4,096 labelled voxels, 1,024 held out; each averages 1 × 2 × 2 voxels"
    assert labels_told in page.read_text(encoding="utf-8")
    told = " ".join(capsys.readouterr().out.split())
    assert "of the labelled voxels from which neither training learned" in told
    share = int(told.partition("Judged by the ")[2].partition("%")[0])
    assert 10 <= share <= 40
    assert exit_code("compare", kept, files.b, "--device", "cpu") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "not known which labels the training of B saw" in told
    assert "from which the training of A never learned" in told


def test_a_project_without_labels_says_so_and_tells_the_agreement(
    exit_code: Run, files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "project")
    project.set_label_classes([LabelClass("ball")])
    project.add_tomogram(files.image, name="balls", role=Role.TRAIN)
    project.close()
    args = ("compare", files.a, files.b, "--project", project.path, "--device", "cpu")
    assert exit_code(*args) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Nothing is labelled here" in told
    assert "A and B differ in 0.0% of the voxels; IoU of A with B: ball 1.00." in told
    assert "Places to look at" not in told


def test_what_does_not_fit_is_told_in_a_sentence(
    exit_code: Run, files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picker = tomogram_checkpoint(tmp_path / "picker.pt")
    wide = tmp_path / "wide.mrc"
    write_mrc(wide, np.zeros(SHAPE, np.float32), 90.0)
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, np.zeros((4, 64, 60), np.uint8), photometric="minisblack")
    other_class = (*named(files)[:4], "--class", "nucleus")
    cases = (
        ((files.a, files.b), "Nobody knows what one was trained on"),
        ((files.a, picker, *named(files)), "picker on tomograms: give the --project"),
        ((files.a, files.b, *other_class), "The labels are of nucleus, but one knows ball"),
        ((files.a, files.b, "--image", wide, "--labels", files.labels, "--class", "ball"),
         "pixels of 9 nm"),
        ((files.a, files.b, "--image", files.image, "--labels", plain), "4 × 64 × 60"),
        ((files.a, files.b, *named(files), "--sample", "two"), "no image 'two'"),
        ((files.a, files.b, "--project", tmp_path), "There is no project in"),
        ((files.a, files.b, "--image", files.image), "both --image and --labels"),
    )  # fmt: skip
    for args, sentence in cases:
        assert exit_code("compare", *args, "--device", "cpu") == 1, sentence
        said = " ".join(capsys.readouterr().err.split())
        assert sentence in said, said
        assert "Traceback" not in said


def test_sides_that_suit_no_image_are_refused_before_anything_is_predicted(
    exit_code: Run,
    files: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coarse = write_checkpoint(tmp_path / "coarse.pt", voxel_size_zyx_nm=(16.0, 16.0, 16.0))
    wide = tmp_path / "wide.mrc"
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    write_mrc(wide, values, 90.0)
    on_wide = ("--image", wide, *named(files)[2:], "--device", "cpu")
    with monkeypatch.context() as patched:
        patched.setattr(side_scores, "predict_heatmap", lambda *_, **__: pytest.fail("predicted"))
        assert exit_code("compare", files.a, coarse, *named(files), "--device", "cpu") == 1
        said = " ".join(capsys.readouterr().err.split())
        assert (
            "A (one) learned from pixels of 4 nm and B (coarse) learned from pixels of 16" in said
        )
        assert "no image suits both" in said
        assert exit_code("compare", files.a, files.b, *on_wide) == 1
        assert "true pixel size (--voxel-size-nm) if the header is wrong" in capsys.readouterr().err
    assert exit_code("compare", files.a, files.b, *on_wide, "--voxel-size-nm", "4") == 0
