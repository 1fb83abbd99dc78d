"""Whole trainings on a bucket, by the command, while the server is there and while it is not."""

from __future__ import annotations

import threading

import pytest
from tests.io.s3_server import served
from tests.project.cells import write_cell

from tomoscribe.cli.main import main
from tomoscribe.io import remote
from tomoscribe.tasks.voxels import images
from tomoscribe.tasks.voxels.module import VoxelModule
from tomoscribe.training import launch
from tomoscribe.training.launch import list_runs
from tomoscribe.training.status import State
from tomoscribe.training.worker import run_worker

PLACE = "s3://cells/data/{dataset}/{dataset}.zarr/recon-1/{name}"
CONFIG = """
classes = ["mito", "er"]
model_name = "2d_unet"
input_array_info = {"shape": (1, 32, 32), "scale": (8, 8, 8)}
batch_size = 2
epochs = 3
iterations_per_epoch = 2
validation_batch_limit = 1
device = "cpu"
use_s3 = True
"""
CACHE_BYTES = 400_000
SMALL = ("width=2", "voxels.levels=2", "voxels.memory_gb=0")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("moto.server")
    local = tmp_path_factory.mktemp("s3")
    write_cell(local / "data", "one", {"crop1": ("mito", "er"), "crop2": ("mito", "er")})
    with served(local, "") as server:
        yield server


@pytest.fixture
def command(server, tmp_path, monkeypatch, capsys):
    """Run a command in this process; images are read window by window, through the cache."""
    monkeypatch.setattr(launch, "start", run_worker)
    monkeypatch.setattr(remote, "_CACHE", remote._BlockCache(CACHE_BYTES))
    monkeypatch.setattr(remote, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(images, "MOST_RESIDENT", 0)
    monkeypatch.setattr("tomoscribe.project.datasplit_make.S3_SEARCH_PATH", PLACE)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        told = capsys.readouterr()
        return ended.value.code, " ".join((told.out + told.err).split())

    return run


@pytest.fixture
def train(command, tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    settings = [part for value in SMALL for part in ("--set", value)]
    return lambda: command("train", str(tmp_path / "config.py"), *settings)


def goes_away(server, monkeypatch, at_step):
    """Take the server away when a training begins a step; return an event that tells it."""
    step, gone = VoxelModule.training_step, threading.Event()

    def training_step(module, batch, index):
        if module.steps_done == at_step and not gone.is_set():
            server.stop()
            gone.set()
            # What was read before would hide that the server is away.
            monkeypatch.setattr(remote, "_CACHE", remote._BlockCache(CACHE_BYTES))
        return step(module, batch, index)

    monkeypatch.setattr(VoxelModule, "training_step", training_step)
    return gone


def test_a_training_reads_all_from_the_bucket_and_its_datasplit_is_made_from_it(
    command, train, tmp_path
):
    code, told = command("datasplit", "-c", "mito,er", "-s3", "-cp", str(tmp_path / "split.csv"))
    assert code == 0, told
    assert "1 crops train, 1 validate" in told
    code, told = train()
    assert code == 0, told
    rows = (tmp_path / "datasplit.csv").read_text()
    assert rows.count('"s3://cells/data/one/one.zarr"') == 4
    (info,) = list_runs(tmp_path / "runs")
    assert [c.step for c in info.run.checkpoints()][-1] == 6
    assert 0 < remote._CACHE.bytes <= CACHE_BYTES


def test_a_training_survives_a_server_that_is_away_for_a_while(
    server, train, tmp_path, monkeypatch
):
    gone, refused = goes_away(server, monkeypatch, 3), []
    again = remote._Pauses.after

    def after(pauses, error):
        pause = again(pauses, error)
        refused.append(error)
        if len(refused) == 3:
            server.start()
        return pause

    monkeypatch.setattr(remote._Pauses, "after", after)
    code, told = train()
    assert code == 0, told
    assert gone.is_set()
    assert len(refused) >= 3
    (info,) = list_runs(tmp_path / "runs")
    assert info.state == State.FINISHED


def test_a_training_whose_server_stays_away_ends_in_one_sentence_and_is_resumed(
    server, train, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(remote, "PATIENCE_S", 0.2)
        goes_away(server, patch, 3)
        try:
            code, told = train()
        finally:
            server.start()
    assert code == 1
    assert "cannot be reached: the server has not answered" in told
    assert "check the network, then resume" in told
    (info,) = list_runs(tmp_path / "runs")
    assert info.state == State.FAILED
    assert info.run.checkpoints()[-1].step == 2
    code, told = train()
    assert code == 0, told
    assert "epoch 1 of 3" in told
    assert list_runs(tmp_path / "runs")[-1].run.checkpoints()[-1].step == 6


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("s3://cels/data/one/one.zarr", "There is no bucket 'cels'"),
        (
            "s3://cells/data/none/none.zarr",
            "none.zarr/recon-1/labels/groundtruth/crop1, named in line 1 of",
        ),
    ],
)
def test_a_wrong_bucket_or_place_is_told_before_a_run_begins(train, tmp_path, wrong, says):
    row = '"{}","{}","recon-1/em/fibsem-uint8","{}","recon-1/labels/groundtruth/crop1/[mito,er]"\n'
    (tmp_path / "datasplit.csv").write_text(row.format("train", wrong, wrong))
    code, told = train()
    assert code == 1
    assert says in told
    assert list_runs(tmp_path / "runs") == []
