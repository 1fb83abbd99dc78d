"""Networks by their names in the CellMap toolbox: any window, any dimension, all weights learn."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.trust import VARIABLE, trust
from tomoscribe.nets.voxel_nets import make_net
from tomoscribe.tasks.voxels.settings import VoxelSettings


@pytest.mark.parametrize("name", ["resnet", "vit"])
@pytest.mark.parametrize("dimension", ["2d", "2.5d", "3d"])
def test_logits_of_each_voxel_whatever_the_window_and_every_weight_learns(name, dimension):
    torch.manual_seed(0)
    net = make_net(
        name, dimension, 3, width=4, levels=3, steps=((1, 2, 2), (2, 2, 2)),
        options={"blocks": 1} if name == "resnet" else {"layers": 1, "heads": 2},
    ).place(torch.device("cpu"))  # fmt: skip
    around = 2 if dimension == "2.5d" else 0
    for size in ((4, 16, 16), (2, 24, 8)):
        assert all(n % m == 0 for n, m in zip(size, net.multiple_zyx, strict=True))
        boxes = torch.randn(2, 1, size[0] + around, *size[1:])
        logits = net(boxes)
        assert logits.shape == (2, 3, *size)
    (logits * torch.randn_like(logits)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_option_that_a_network_does_not_know_is_one_sentence():
    with pytest.raises(TomoscribeError, match=r"does not take these options.*model_kwargs"):
        make_net("resnet", "2d", 1, width=4, levels=3, steps=(), options={"depth": 3})
    with pytest.raises(TomoscribeError, match=r"does not take these options.*model_kwargs"):
        make_net("vit", "2d", 1, width=4, levels=3, steps=(), options={"heads": 0})
    with pytest.raises(ValidationError, match=r"set voxels\.levels"):
        VoxelSettings(net_options={"levels": 3})
    with pytest.raises(TomoscribeError, match="heads that divide"):
        make_net("vit", "3d", 1, width=3, levels=2, steps=(), options={"heads": 4})


def test_network_of_ones_own_file_is_built_only_where_the_file_is_trusted(tmp_path, monkeypatch):
    file = tmp_path / "mine.py"
    file.write_text("import torch\nmodel = torch.nn.Conv2d(1, 2, 3, padding=1)\n")
    given = {"width": 4, "levels": 3, "steps": (), "options": {"file": str(file)}}
    with pytest.raises(TomoscribeError, match="only if you trust it"):
        make_net("file", "2d", 2, **given)
    monkeypatch.setenv(VARIABLE, "")
    trust(str(file))
    assert make_net("file", "2d", 2, **given)(torch.zeros(1, 1, 3, 16, 16)).shape[1:3] == (2, 3)
    with pytest.raises(TomoscribeError, match="the 3 classes need"):
        make_net("file", "2d", 3, **given)
    with pytest.raises(TomoscribeError, match="does not take windows"):
        make_net("file", "3d", 2, **given)
    file.write_text("model = 7")
    with pytest.raises(TomoscribeError, match="builds no network"):
        make_net("file", "2d", 2, **given)


def test_ones_own_file_reads_and_imports_from_its_folder_and_has_modules_of_its_own(
    tmp_path, monkeypatch
):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    here, files = Path.cwd(), []
    for name, value in (("one", 1.0), ("two", 2.0)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "bias.txt").write_text(str(value))
        (folder / "own_layers.py").write_text(
            "import torch\nclass Net(torch.nn.Conv2d):\n    def forward(self, images):\n"
            "        import own_ending\n        return own_ending.ended(super().forward(images))\n"
        )
        (folder / "own_ending.py").write_text(f"def ended(x):\n    return x * 0 + {value}\n")
        (folder / "config.py").write_text(
            "from own_layers import Net\nmodel = Net(1, 1, 1)\n"
            "model.told = float(open('bias.txt').read())\n"
        )
        files.append(str(folder / "config.py"))
        trust(files[-1])
    nets = [
        make_net("file", "2d", 1, width=4, levels=3, steps=(), options={"file": file})
        for file in files
    ]
    assert [net.net.model.told for net in nets] == [1, 2]
    assert nets[1](torch.zeros(1, 1, 1, 16, 16)).detach().max() == 2
    assert Path.cwd() == here
