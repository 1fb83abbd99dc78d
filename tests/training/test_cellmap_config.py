"""Configurations of the CellMap toolbox: read without being run, trained, and gone on with."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.project.cells import write_cell
from tests.training.cellmap_example import EXAMPLE

from tomoscribe.cli.main import main
from tomoscribe.errors import TomoscribeError
from tomoscribe.training import launch
from tomoscribe.training.cellmap_config import find_checkpoint, prepare
from tomoscribe.training.cellmap_file import read_config
from tomoscribe.training.cellmap_keys import UNUSED, CellMapConfig
from tomoscribe.training.launch import list_runs
from tomoscribe.training.worker import run_worker


def written(tmp_path, text, name="config.py"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.fixture
def cells(tmp_path):
    write_cell(tmp_path / "data", "one", {"crop1": ("mito", "er"), "crop2": ("mito", "er")})
    return tmp_path


def test_every_key_of_the_documented_example_is_read_and_does_what_it_says(cells):
    read = read_config(written(cells, EXAMPLE))
    assigned = {
        node.targets[0].id for node in ast.parse(EXAMPLE).body if isinstance(node, ast.Assign)
    }
    assert assigned <= set(CellMapConfig.model_fields)
    assert assigned == read.config.model_fields_set
    prepared = prepare(read, "runs", {})
    config, settings = prepared.config, prepared.config.settings
    assert (settings.learning_rate, settings.batch, settings.seed) == (1e-4, 4, 42)
    assert (settings.max_steps, settings.device, settings.bin) == (6, "cpu", 1)
    voxels = settings.voxels
    assert (voxels.net, voxels.dimension, voxels.window_zyx) == ("unet", "2d", (1, 32, 32))
    assert (voxels.turns, voxels.flips_zyx, voxels.scale) == (True, (0, 0.1, 0.5), 1.0)
    assert (voxels.rotate_z, voxels.rotate_y, voxels.rotate_x) == ((-180, 180), (0, 0), (0, 0))
    assert (voxels.transpose, voxels.quarter_turns) == (["y", "x"], False)
    assert settings.validate_every_steps == 2
    # Both limits hold: whichever comes first.
    assert (voxels.validation_s, voxels.validation_boxes) == (5, 2 * 4)
    assert config.data.voxels.classes == ("mito", "er")
    assert config.data.voxels.scale_zyx_nm == (8, 8, 8)
    assert config.data.voxels.csv == cells / "datasplit.csv"
    assert sorted(r.partition(",")[0] for r in config.data.voxels.csv.read_text().split()) == [
        '"train"', '"validate"',
    ]  # fmt: skip
    assert config.toolbox.best_copy == str(cells / "checkpoints" / "{model_name}_{epoch}.pth")
    assert config.toolbox.tensorboard == str(cells / "tensorboard" / "2d_unet")


def test_the_page_for_cellmap_users_has_every_documented_key_in_an_example_that_is_read(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "coming-from-cellmap.md").read_text()
    example = page.partition("```python\n")[2].partition("```")[0]
    read = read_config(written(tmp_path, example))
    assert (
        read.config.model_fields_set
        >= read_config(written(tmp_path, EXAMPLE)).config.model_fields_set
    )
    table = page.partition("## Key by key")[2].partition("## ")[0]
    keys = [*CellMapConfig.model_fields, *UNUSED]
    assert [key for key in keys if f"`{key}`" not in table] == []


OPTIMIZED = """
import torch
classes = ["mito", "er"]
learning_rate = 1e-3
model = UNet_2D(1, len(classes))
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate / 2, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR
scheduler_kwargs = {"step_size": 10, "gamma": 0.5}
criterion = torch.nn.BCEWithLogitsLoss
criterion_kwargs = {"pos_weight": torch.tensor([1.0, 2.0])}
gradient_accumulation_steps = 4
use_mutual_exclusion = True
train_raw_value_transforms = T.Compose([T.ToDtype(torch.float, scale=True), RandomErasing()])
target_value_transforms = T.Compose([T.ToDtype(torch.float), Binarize()])
"""


def test_optimizer_scheduler_criterion_and_transforms_of_torch_are_read_without_it(cells):
    prepared = prepare(read_config(written(cells, OPTIMIZED)), "runs", {})
    settings, voxels = prepared.config.settings, prepared.config.settings.voxels
    assert (settings.learning_rate, settings.accumulate) == (5e-4, 4)
    assert voxels.optimizer == "SGD(momentum=0.9)"
    assert voxels.scheduler == "StepLR(step_size=10, gamma=0.5)"
    assert (voxels.loss, voxels.positive_weights) == ("bce", [1.0, 2.0])
    assert (voxels.overlap, voxels.intensity) == (False, False)
    (told,) = [note for note in prepared.notes if "transforms" in note]
    assert told == "RandomErasing of train_raw_value_transforms has no effect: it is not made here."


def test_running_a_trusted_file_says_the_same_of_torch_as_reading_it(tmp_path):
    text = OPTIMIZED.replace("UNet_2D(1, len(classes))", "torch.nn.Conv2d(1, 2, 3, padding=1)")
    text = "\n".join(line for line in text.splitlines() if "transforms" not in line)
    ran = read_config(written(tmp_path, text), trust=True).config
    assert ran.optimizer.startswith("SGD(lr=0.0005, momentum=0.9")
    assert (ran.scheduler, ran.scheduler_kwargs) == ("StepLR", {"step_size": 10, "gamma": 0.5})
    assert ran.criterion == "BCEWithLogitsLoss"
    assert ran.criterion_kwargs == {"pos_weight": [1, 2]}


def test_target_of_another_scale_is_what_is_learned_and_windows_show_as_much(cells):
    text = """classes = ["mito"]
model_name = "3d_unet"
array_info = {"em": {"shape": (32, 64, 64), "scale": (8, 8, 8)}}
input_array_info = array_info
target_array_info = {"shape": (16, 32, 32), "scale": (16, 16, 16)}
"""
    prepared = prepare(read_config(written(cells, text)), "runs", {})
    assert prepared.config.data.voxels.scale_zyx_nm == (16, 16, 16)
    assert prepared.config.settings.voxels.window_zyx == (16, 32, 32)
    assert any("a window of 16 x 32 x 32 such voxels" in note for note in prepared.notes)


def test_rotations_are_by_the_angles_and_about_the_axes_that_are_given(cells):
    text = """classes = ["mito"]
model_name = "3d_unet"
input_array_info = {"shape": (32, 32, 32), "scale": (8, 8, 8)}
spatial_transforms = {"rotate": {"axes": {"z": [-30, 10], "x": 5}}}
"""
    voxels = prepare(read_config(written(cells, text)), "runs", {}).config.settings.voxels
    assert (voxels.rotate_z, voxels.rotate_y, voxels.rotate_x) == ((-30, 10), (0, 0), (-5, 5))
    assert (voxels.flips_zyx, voxels.transpose) == ((0, 0, 0), [])
    # By default only cubes are tilted.
    flat = text.partition("spatial_transforms")[0].replace("(8, 8, 8)", "(32, 8, 8)")
    prepared = prepare(read_config(written(cells, flat)), "runs", {})
    assert prepared.config.settings.voxels.rotate_x == (0, 0)
    assert any("voxels are no cubes" in note for note in prepared.notes)


def test_options_of_a_network_have_the_names_of_the_toolbox(cells):
    text = """classes = ["mito"]
model_name = "2d_resnet"
model_kwargs = {"ngf": 8, "n_blocks": 2, "n_downsampling": 1, "use_dropout": True, "ndims": 2}
"""
    settings = prepare(read_config(written(cells, text)), "runs", {}).config.settings
    assert settings.width == 8
    assert settings.voxels.net_options == {"blocks": 2, "downsamplings": 1, "dropout": True}


def test_yaml_says_the_same_as_python(tmp_path):
    python = read_config(written(tmp_path, EXAMPLE)).config
    values = python.model_dump(exclude={"model"}, exclude_unset=True, mode="json")
    again = read_config(written(tmp_path, yaml.safe_dump(values), "config.yaml")).config
    assert again == python.model_copy(update={"model": None})


def test_code_is_never_executed_without_trust(tmp_path):
    trace = tmp_path / "trace"
    path = written(
        tmp_path,
        f"open({str(trace)!r}, 'w').close()\nepochs = int('7')\n",
    )
    with pytest.raises(TomoscribeError, match=r"Line 2 of .*sets epochs by code.*--trust-config"):
        read_config(path)
    assert not trace.exists()
    assert read_config(path, trust=True).config.epochs == 7
    assert trace.exists()


@pytest.mark.parametrize(
    "value",
    ["'%999999999d' % 1", "[0] * 999999999", "x = 'a'\n" + "x = x + x\n" * 40 + "epochs = x"],
)
def test_values_that_would_fill_the_memory_are_not_worked_out(tmp_path, value):
    text = value if "epochs" in value else f"epochs = {value}"
    with pytest.raises(TomoscribeError, match="sets epochs by code"):
        read_config(written(tmp_path, text + "\n"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("size = 8\nsize *= 4\nbatch_size = size", "batch_size"),
        ("names = ['a']\nnames.append('b')\nclasses = names", "classes"),
        ("names = ['a']\nclasses = names\nlast = names.pop()", "classes"),
        ("info = {'shape': (1, 8, 8)}\ninfo['shape'] = 0\ninput_array_info = info", "input_array"),
        ("n = 1000\nif n > 10:\n    n = 10\nepochs = n", "epochs"),
        ("a = 1\na, b = 3, 4\nepochs = a", "epochs"),
        ("from common import classes", "classes"),
        ("import common as model_kwargs", "model_kwargs"),
        ("def criterion(a, b): pass", "criterion"),
        ("from shared import *", "all that shared holds"),
    ],
)
def test_what_other_code_may_have_changed_is_not_taken_for_known(tmp_path, text, key):
    written(tmp_path, "classes = ['mito']", "shared.py")
    with pytest.raises(TomoscribeError, match=f"sets {key}.* by code"):
        read_config(written(tmp_path, text + "\n"))


def test_code_that_concerns_no_key_is_passed_over(tmp_path):
    text = (
        "from torch.nn import *\nnames = ['mito', 'er']\nprint(names)\nfor name in names:\n"
        "    print(name.upper())\nother = sorted(names)\nclasses = names\nepochs = len(names)\n"
    )
    config = read_config(written(tmp_path, text)).config
    assert (config.classes, config.epochs) == (("mito", "er"), 2)


@pytest.mark.parametrize(
    "place",
    [
        'UPath(base / "checkpoints" / "{model_name}_{epoch}.pth").path',
        '(base / "checkpoints" / "{model_name}_{epoch}.pth").path',
        'str(base / "checkpoints" / "{model_name}_{epoch}.pth")',
    ],
)
def test_paths_may_be_joined_with_slashes(tmp_path, place):
    text = f'base = UPath("out")\nmodel_save_path = {place}\n'
    config = read_config(written(tmp_path, text)).config
    assert config.model_save_path == "out/checkpoints/{model_name}_{epoch}.pth"


def test_network_that_a_trusted_file_builds_is_taken_and_its_name_may_be_any(cells):
    text = EXAMPLE.replace("from cellmap_segmentation_challenge.models import UNet_2D", "")
    text = text.replace(
        "from upath import UPath", "import torch\nfrom pathlib import Path as UPath"
    )
    text = text.replace(").path", ")").replace("2d_unet", "mine")
    text = text.replace("UNet_2D(1, len(classes))", "torch.nn.Conv2d(1, 2, 3, padding=1)")
    path = written(cells, text)
    config = prepare(read_config(path, trust=True), "runs", {}).config
    voxels = config.settings.voxels
    assert (voxels.net, voxels.dimension) == ("file", "2d")
    assert voxels.net_options == {"file": str(path)}
    assert config.toolbox.model_name == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_rat = 1", "'learning_rat', which there is not: 'learning_rate' is meant"),
        ("epochs = -1", "epochs = -1 cannot be"),
        ("classes = ['a']\nclasses.append('b')", "Line 2 of .* sets classes by code"),
        ("for batch_size in range(9): pass", "sets batch_size by code"),
        ("epochs = (", "is no Python in line 1"),
        ("model_name = '3d_unett'", "'3d_unet' is meant"),
        ("model_name = '3d_unet'", r"does not fit the input of 1 x 128 x 128 voxels"),
        (
            "input_array_info = {'em': {'scale': (8, 8, 8)}, 'low': {'scale': (16, 16, 16)}}",
            "names the arrays em, low of different shape or scale",
        ),
        (
            "model_name = '2d_resnet'\nmodel_kwargs = {'n_blok': 3}",
            "has 'n_blok', which the model '2d_resnet' does not know: there are ngf, n_blocks",
        ),
        ("input_array_info = {'shape': (128, 128)}", "give three numbers of voxels, z, y, x"),
        ("model = '2d_unt'", "give the name of one here"),
        ("optimizer = 'SDG'", "no optimizer 'SDG' here: 'SGD' is meant"),
        ("optimizer = 'SGD(lr=-1)'", "learning_rate=-1 cannot be: Input should be greater than 0"),
        ("optimizer = 'SGD(lr=\"high\")'", "learning_rate=high cannot be: .* a valid number"),
        ("model_kwargs = {'ngf': 'wide'}", "width=wide cannot be: .* a valid integer"),
        ("scheduler = 'ReduceLROnPlateau'", "no scheduler 'ReduceLROnPlateau' here"),
        ("criterion = 'HingeLoss'", "no criterion 'HingeLoss' here"),
        ("criterion = my_loss(1, 2)", "no criterion 'my_loss' here: there are: BCE"),
        ("spatial_transforms = {'rotate': {'axes': {'z': 'far'}}}", "degrees from and to"),
        ("spatial_transforms = {'mirror': {'axes': {'t': 1}}}", "has the axes x, y, z"),
        ("spatial_transforms = {'mirror': {'axes': {'x': 50}}}", "needs chances, 0 to 1, not 50"),
        (
            "classes = 'mito'",
            r"classes = 'mito' is one name: give a list of names, as in \['mito'\]",
        ),
        (
            "input_array_info = {'scale': 8}",
            "scale = 8 cannot be: give three numbers of nm, z, y, x",
        ),
        ("import torch\nmodel = torch.nn.Linear(1, 2)", "sets model by code"),
        ("spatial_transforms = {'miror': {}}", "mirror, transpose and rotate, not miror"),
        ("classes = ['mito']", "No crop labels any of mito"),
        ("input_array_info = {'scale': (0, 8, 8)}", "numbers of nm are above 0"),
        ("target_array_info = {'shape': (1, -8, 8)}", "numbers of voxels are above 0"),
        ("model_save_path = 's3://bucket/{epoch}.pth'", "copied to a folder of this system"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path, text, says):
    with pytest.raises(TomoscribeError, match=says):
        prepare(read_config(written(tmp_path, text)), "runs", {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("optimizer = 'SGD(mu=1)'", "unexpected keyword argument 'mu'"),
        ("optimizer = 'SGD(nesterov=True)'", "Nesterov momentum requires a momentum"),
        ("optimizer = 'Adam(betas=(0.9,))'", r"The optimizer Adam(betas=(0.9,)) cannot be"),
        ("scheduler = 'StepLR'", "missing 1 required positional argument: 'step_size'"),
        ("scheduler = 'StepLR(step_size=\"a\")'", "cannot go on in epoch 2"),
        ("scheduler = 'OneCycleLR(max_lr=1, total_steps=1)'", "cannot go on in epoch 3"),
        ("criterion_kwargs = {'pos_weight': [1, 2, 3]}", "3 numbers for 2 classes"),
    ],
)
def test_what_torch_does_not_take_is_told_by_the_command_before_a_run_begins(
    cells, capsys, text, says
):
    path = written(cells, f"{EXAMPLE}criterion = 'BCEWithLogitsLoss'\n{text}\n")
    with pytest.raises(SystemExit) as ended:
        main(["train", str(path)])
    assert ended.value.code == 1
    assert says in " ".join(capsys.readouterr().err.split())
    assert list_runs(cells / "runs") == []


@pytest.mark.parametrize(("suffix", "trust"), [(".py", False), (".py", True), (".yaml", False)])
def test_a_network_may_be_named_beside_any_model_name(tmp_path, suffix, trust):
    file = tmp_path / f"config{suffix}"
    text = 'model_name = "anew"\nmodel = "2d_resnet"\nmodel_kwargs = {"ngf": 8}\n'
    file.write_text(text if suffix == ".py" else text.replace(" =", ":"))
    read = read_config(file, trust=trust)
    assert (read.config.model_name, read.config.model) == ("anew", "2d_resnet")
    assert read.config.model_kwargs == {"ngf": 8}
    assert read.notes == ()


def test_options_beside_a_model_that_is_made_are_told_to_have_no_effect(tmp_path):
    path = written(tmp_path, "model = UNet_2D(1, 1)\nmodel_kwargs = {'foo': 1}")
    assert any("model_kwargs has no effect" in note for note in read_config(path).notes)


def test_arguments_of_what_is_not_named_are_told_to_have_no_effect(cells):
    text = 'classes = ["mito"]\nscheduler_kwargs = {"gamma": 1}\ncriterion_kwargs = {"a": 1}\n'
    notes = prepare(read_config(written(cells, text)), "runs", {}).notes
    assert "scheduler_kwargs has no effect: no scheduler is named." in notes
    assert "criterion_kwargs has no effect: no criterion is named." in notes


def assert_board_tells_all(folder):
    """Check TensorBoard's files of a training of 3 epochs of 2 steps: scalars and pictures."""
    board = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()
    epochs = [2, 4, 6]
    assert [event.step for event in board.Scalars("val_score")] == epochs
    for name in ("mito", "er"):
        for kind in ("iou", "dice"):
            events = board.Scalars(f"val_{name}/{kind}")
            assert [event.step for event in events] == epochs
            assert all(0 <= event.value <= 1 for event in events)
        pictures = board.Images(f"{name}: image, label, prediction")
        assert [picture.step for picture in pictures] == epochs
        shown = np.asarray(Image.open(io.BytesIO(pictures[-1].encoded_image_string)).convert("L"))
        _, label, predicted = np.split(shown, 3, axis=1)
        assert set(np.unique(label)) == {0, 255}
        assert predicted.min() < predicted.max()
    assert all(event.value > 0 for event in board.Scalars("loss"))
    assert all(0 < event.value <= 1e-4 for event in board.Scalars("learning_rate"))
    assert board.Scalars("loss")[-1].step == 6


def test_training_leaves_what_the_keys_name_and_goes_on_to_complete_its_epochs(
    cells, capsys, monkeypatch
):
    # In this process: two more that load PyTorch would be most of the time.
    monkeypatch.setattr(launch, "start", run_worker)
    path = written(cells, EXAMPLE)

    def train(text):
        path.write_text(text)
        with pytest.raises(SystemExit) as ended:
            main(["train", str(path), "--set", "width=2", "--set", "voxels.levels=2"])
        return ended.value.code, capsys.readouterr().err

    code, told = train(EXAMPLE)
    assert code == 0, told
    (first,) = [info.run for info in list_runs(cells / "runs")]
    best = next(c for c in first.checkpoints() if c.best)
    epoch = -(-best.step // 2)
    copy = cells / "checkpoints" / f"2d_unet_{epoch}.pth"
    assert copy.read_bytes() == best.path.read_bytes()
    assert_board_tells_all(cells / "tensorboard" / "2d_unet" / first.name)
    code, told = train(EXAMPLE)
    assert code == 1
    assert "has made all of its 3 epochs" in told
    assert "give another model_name, with '2d_unet' as its model" in told
    code, told = train(EXAMPLE.replace("1, 32, 32", "1, 999, 999"))
    assert "larger than the smallest image" in told  # before that nothing is left to do
    code, told = train(
        EXAMPLE.replace("epochs = 3", "epochs = 4").replace("1, 32, 32", "1, 48, 48")
    )
    assert code == 0, told
    assert "epoch 3 of 4" in told
    assert f"what {first.name} had otherwise: voxels.window_zyx = (1, 48, 48)." in told
    second = list_runs(cells / "runs")[-1].run
    assert second.config().parent == first.name
    assert second.checkpoints()[-1].step == 8  # not 6 + 8
    found = find_checkpoint(cells / "runs", "2d_unet", best=True)
    scores = [c.score for run in (first, second) for c in run.checkpoints() if c.score is not None]
    assert found is not None
    assert found[1].score == max(scores)
