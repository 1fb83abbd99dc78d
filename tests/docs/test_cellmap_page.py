"""The commands and the configuration of the page for CellMap users, run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.project.cells import write_cell

from tomoscribe.cli.main import main
from tomoscribe.io.volumes import open_volume
from tomoscribe.training import launch
from tomoscribe.training.launch import list_runs
from tomoscribe.training.worker import run_worker

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-from-cellmap.md"
SHORTER = {
    "epochs = 1000": "epochs = 1",
    "iterations_per_epoch = 1000": "iterations_per_epoch = 2",
    "batch_size = 8": "batch_size = 2",
}
"""What would take days of the configuration."""


def blocks(language):
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands():
    """Return the commands of the page, but for those that need the toolbox's own package."""
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    split = [shlex.split(line, comments=True) for line in lines]
    return [words for words in split if "--trust-config" not in words]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder as the page takes it for granted: data, the configuration, figures."""
    folder = tmp_path_factory.mktemp("page")
    classes = ("nuc", "er", "mito")
    write_cell(folder / "data", "jrc_x", {"crop1": classes, "crop2": classes}, shape=(40, 136, 136))
    (folder / "jrc_x.zarr").symlink_to(folder / "data" / "jrc_x" / "jrc_x.zarr")
    (text,) = blocks("python")
    for long, short in SHORTER.items():
        assert text.count(f"\n{long}\n") == 1
        text = text.replace(f"\n{long}\n", f"\n{short}\n")
    (folder / "train_2D.py").write_text(text)
    labels = np.zeros((4, 32, 32), np.uint8)
    labels[:, 4:12, 4:12], labels[:, 20:28, 20:28] = 1, 2
    for place in ("found/crop234", "truth/crop234"):
        (folder / place).mkdir(parents=True)
        for name in ("mito", "er"):
            tifffile.imwrite(folder / place / f"{name}.tif", labels, photometric="minisblack")
    return folder


def test_every_command_of_the_page_works(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(launch, "start", run_worker)
    ran = set()
    for program, *arguments in commands():
        assert program == "tomoscribe"
        ran.add(arguments[0])
        settings = ["--set", "width=2"] if arguments[0] == "train" else []
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *settings])
        told = capsys.readouterr()
        assert ended.value.code == 0, (arguments, told.err)
    assert ran == {"datasplit", "train", "evaluate"}
    (info,) = list_runs(folder / "runs")
    assert info.run.checkpoints()[-1].step == 2
    assert (folder / "checkpoints" / "2d_unet_1.pth").is_file()
    assert (folder / "tensorboard" / "2d_unet" / info.run.name).is_dir()


def test_the_address_of_the_page_opens_at_its_scale(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (text,) = re.findall(r"`tomoscribe open \"(.*?)\"`", PAGE.read_text(encoding="utf-8"))
    volume = open_volume(text)
    assert volume.voxel_size_A == 80
    assert volume.shape_zyx == (40, 136, 136)


def test_every_flag_that_the_page_names_there_is(capsys):
    table = (
        PAGE.read_text(encoding="utf-8").partition("| flag | parameter |")[2].partition("\n\n")[0]
    )
    flags = {flag for cell in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
             for flag in re.findall(r"`(-[\w-]+)`", cell)}  # fmt: skip
    assert len(flags) > 20
    with pytest.raises(SystemExit):
        main(["datasplit", "--help"])
    shown = capsys.readouterr().out
    assert [flag for flag in sorted(flags) if flag not in shown] == []
