"""State dicts that the CellMap toolbox wrote: loaded into the user's own network, or refused."""

from __future__ import annotations

import pytest
import torch
from tests.project.cells import write_cell
from torch.utils.tensorboard import SummaryWriter

from tomoscribe.cli.main import main
from tomoscribe.nets.trust import VARIABLE
from tomoscribe.training import launch
from tomoscribe.training.launch import list_runs
from tomoscribe.training.worker import run_worker

OWN_NETWORK = """
import torch
classes = ["mito", "er"]
model_name = "mine"
model = torch.nn.Conv2d(1, 2, 3, padding=1)
learning_rate = 1e-9
input_array_info = {"shape": (1, 32, 32), "scale": (8, 8, 8)}
batch_size = 2
epochs = 1
iterations_per_epoch = 1
device = "cpu"
"""


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """Train a configuration by the command, in this process; return exit status and words."""
    monkeypatch.setattr(launch, "start", run_worker)
    monkeypatch.delenv(VARIABLE, raising=False)
    write_cell(tmp_path / "data", "one", {"crop1": ("mito", "er"), "crop2": ("mito", "er")})

    def run(text, *options):
        path = tmp_path / "config.py"
        path.write_text(text)
        with pytest.raises(SystemExit) as ended:
            main(["train", str(path), *options])
        told = capsys.readouterr()
        return ended.value.code, told.out + told.err

    return run


def conv(value):
    net = torch.nn.Conv2d(1, 2, 3, padding=1)
    return {key: torch.full_like(each, value) for key, each in net.state_dict().items()}


def written(tmp_path, epochs, name="mine"):
    folder = tmp_path / "checkpoints"
    folder.mkdir(exist_ok=True)
    for epoch in epochs:
        torch.save(conv(float(epoch)), folder / f"{name}_{epoch}.pth")


def weights_of(tmp_path):
    (info,) = list_runs(tmp_path / "runs")
    (checkpoint, *_) = info.run.checkpoints()
    state = torch.load(checkpoint.path, weights_only=True)
    return state["ema"]["net.model.weight"]


def test_a_network_of_the_users_begins_with_the_last_epoch_that_the_toolbox_wrote(train, tmp_path):
    written(tmp_path, (2, 9, 10))
    code, told = train(OWN_NETWORK, "--trust-config")
    assert code == 0, told
    assert "Begins with the weights of" in told
    assert "mine_10.pth" in told
    assert torch.allclose(weights_of(tmp_path), torch.tensor(10.0), atol=1e-3)


def test_the_best_epoch_is_the_one_that_tensorboards_files_say(train, tmp_path):
    written(tmp_path, (1, 2, 3), "before")
    with SummaryWriter(str(tmp_path / "tensorboard" / "before")) as board:
        for epoch, loss in enumerate((0.7, 0.2, 0.5), 1):
            board.add_scalar("validation", loss, epoch * 10)
    text = OWN_NETWORK + 'load_model = "best"\nmodel_to_load = "before"\n'
    code, told = train(text, "--trust-config")
    assert code == 0, told
    assert torch.allclose(weights_of(tmp_path), torch.tensor(2.0), atol=1e-3)


def test_without_scores_the_last_epoch_stands_for_the_best_and_it_is_told(train, tmp_path):
    written(tmp_path, (1, 2))
    code, told = train(OWN_NETWORK + 'load_model = "best"\n', "--trust-config")
    assert code == 0, told
    assert "says no validation is best: the last epoch is taken" in " ".join(told.split())


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"weight": torch.zeros(2, 1, 3, 3)}, "it lacks bias"),
        ({**conv(1.0), "more": torch.zeros(1)}, "it has more than the network: more"),
        (
            {"weight": torch.zeros(3, 1, 3, 3), "bias": torch.zeros(3)},
            "has the shape (3, 1, 3, 3), not (2, 1, 3, 3); check the number of classes",
        ),
    ],
)
def test_weights_of_another_network_are_refused_in_one_sentence(train, tmp_path, state, says):
    written(tmp_path, (1,))
    torch.save(state, tmp_path / "checkpoints" / "mine_1.pth")
    code, told = train(OWN_NETWORK, "--trust-config")
    assert code == 1
    assert says in " ".join(told.split())


def test_networks_of_ours_refuse_them_and_say_what_to_do(train, tmp_path):
    written(tmp_path, (1,), "2d_unet")
    text = OWN_NETWORK.replace('"mine"', '"2d_unet"').replace("model = torch", "net = torch")
    code, told = train(text)
    assert code == 1
    told = " ".join(told.split())
    assert "2d_unet_1.pth holds weights alone, of a network of another program" in told
    assert "--trust-config" in told


def test_code_in_a_checkpoint_is_not_executed(train, tmp_path):
    written(tmp_path, (1,))
    trace = tmp_path / "trace"

    class Evil:
        def __reduce__(self):
            return (open, (str(trace), "w"))

    torch.save({"weight": Evil()}, tmp_path / "checkpoints" / "mine_1.pth")
    code, told = train(OWN_NETWORK, "--trust-config")
    assert code == 1
    assert not trace.exists()
    assert "is no checkpoint, or it is damaged" in " ".join(told.split())
