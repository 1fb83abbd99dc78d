"""Datasplits of the CellMap toolbox: made, written, read, and told when they are wrong."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from tests.project.cells import write_cell

from tomoscribe.cli.main import main
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.datasplit import read_rows, write_rows
from tomoscribe.project.datasplit_make import make_datasplit
from tomoscribe.project.model import Role
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.project.training_data import load_training_data
from tomoscribe.segmentation.labels import UNKNOWN


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    root = tmp_path_factory.mktemp("cells") / "data"
    write_cell(root, "one", {"crop1": ("mito", "er"), "crop2": ("mito",)})
    write_cell(root, "two", {"crop3": ("er",), "crop4": ("nuc",)}, size_nm=4, seed=1)
    return root


def search(cells):
    return f"{cells}/{{dataset}}/{{dataset}}.zarr/recon-1/{{name}}"


def uses(made):
    return {row.crop.rsplit("/", 1)[-1]: row.usage for row in made.rows}


def test_no_seed_leaves_a_side_empty_and_the_same_seed_says_the_same(cells):
    for seed in range(40):
        made = make_datasplit(["mito"], search_path=search(cells), validation_prob=0.15, seed=seed)
        assert sorted(uses(made).values()) == ["train", "validate"]
    again = make_datasplit(["mito"], search_path=search(cells), validation_prob=0.15, seed=seed)
    assert again.rows == made.rows


def test_crops_that_lack_a_class_are_moved_or_left_out_as_forced(cells):
    given = {"search_path": search(cells), "validation_prob": 0.5}
    for seed in range(8):
        made = make_datasplit(["mito", "er"], force_all_classes="validate", seed=seed, **given)
        assert uses(made) == {"crop1": "validate", "crop2": "train", "crop3": "train"}
        made = make_datasplit(["mito", "er"], force_all_classes="train", seed=seed, **given)
        assert uses(made) == {"crop1": "train", "crop2": "validate", "crop3": "validate"}
    assert list(uses(make_datasplit(["mito", "er"], force_all_classes=True, **given))) == ["crop1"]
    fine = make_datasplit(["mito", "er"], scale_zyx_nm=(4, 4, 4), **given)
    assert list(uses(fine)) == ["crop3"]
    named = make_datasplit(["mito", "er"], datasets=["one"], crops=["crop2"], **given)
    assert list(uses(named)) == ["crop2"]
    with pytest.raises(TomoscribeError, match="No crop labels any of vim"):
        make_datasplit(["vim"], **given)


def test_the_only_crop_that_labels_a_class_trains(cells, tmp_path):
    only = {"search_path": search(cells), "datasets": ["one"], "csv_path": tmp_path / "split.csv"}
    for seed in range(20):
        for force in (False, "validate"):
            made = make_datasplit(
                ["mito", "er"], seed=seed, validation_prob=0.5, force_all_classes=force, **only
            )
            assert uses(made) == {"crop1": "train", "crop2": "validate"}
    source = DataSource(kind="datasplit", voxels=LabelFiles(csv=only["csv_path"]))
    assert len(load_training_data(source, "semantic").label_classes) == 2
    apart = make_datasplit(["er", "nuc"], search_path=search(cells), datasets=["two"])
    assert sorted(uses(apart).values()) == ["train", "validate"]
    assert any("so that none teaches it" in note for note in apart.notes)


def test_crops_without_their_image_are_left_out_and_told(cells, tmp_path):
    shutil.copytree(cells, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "two" / "two.zarr" / "recon-1" / "em")
    made = make_datasplit(["mito", "er"], search_path=search(tmp_path / "data"))
    assert list(uses(made)) == ["crop1", "crop2"]
    assert any("left out: 1, such as of" in note for note in made.notes)
    with pytest.raises(TomoscribeError, match="3 crops were found, but there is no image at"):
        make_datasplit(["mito", "er"], search_path=search(cells), raw_name="em/raw")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"search_path": "{data}/{name}"}, r"{data}, which .* it may hold {dataset} and {name}"),
        ({"crop_name": "labels/{crops}/{label}"}, "{crops}, which .* it may hold {crop} and"),
        ({"search_path": "{name"}, "lacks one of a pair of braces"),
    ],
)
def test_misspelt_parts_in_braces_are_told(cells, given, says):
    with pytest.raises(TomoscribeError, match=says):
        make_datasplit(["mito"], **{"search_path": search(cells), **given})


def test_command_writes_the_columns_of_the_toolbox_and_a_dry_run_writes_nothing(
    cells, tmp_path, capsys
):
    csv = tmp_path / "datasplit.csv"
    arguments = ["datasplit", "-c", "mito,er", "-sp", search(cells), "-cp", str(csv), "-vr", "0.3"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--dry-run"])
    assert ended.value.code == 0
    assert not csv.exists()
    assert "one_crop2" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(arguments)
    first = csv.read_text().splitlines()[0]
    container = cells / "one" / "one.zarr"
    rest = f'"{container}","recon-1/em/fibsem-uint8","{container}","recon-1/labels/groundtruth/'
    assert first.partition(",")[0] in ('"train"', '"validate"')
    assert first.partition(",")[2] == f'{rest}crop1/[mito,er]"'
    rows = read_rows(csv)
    write_rows(tmp_path / "again.csv", rows)
    assert (tmp_path / "again.csv").read_text() == csv.read_text()


@pytest.mark.parametrize(
    ("flags", "crops"),
    [
        (["-s", "4", "4", "4"], {"crop3"}),
        (["-ds", "one", "-cr", "crop1,crop2"], {"crop1", "crop2"}),
        (["--datasets", "two", "--datasets", "one", "--crops", "*"], {"crop1", "crop2", "crop3"}),
        (["-fa"], {"crop1"}),
        (["-ft", "-fv"], {"crop1"}),
        (["--validate-ratio", "0.5", "--raw_name", "em/fibsem-uint8"], {"crop1", "crop2", "crop3"}),
    ],
)
def test_flags_of_the_toolbox_do_what_they_did(cells, tmp_path, flags, crops, capsys):
    csv = tmp_path / "split.csv"
    own = ["datasplit", "-c", "mito,er", "--search_path", search(cells), "--csv_path", str(csv)]
    with pytest.raises(SystemExit) as ended:
        main([*own, *flags])
    assert ended.value.code == 0, capsys.readouterr().err
    assert {row.crop.rsplit("/", 1)[-1] for row in read_rows(csv)} == crops


def test_samples_are_crops_in_their_image_at_the_scale_and_lacking_classes_are_unknown(
    cells, tmp_path
):
    csv = tmp_path / "data.csv"
    base = "data/one/one.zarr/recon-1"
    shutil.copytree(cells, tmp_path / "data")
    csv.write_text(
        "# by hand\n"
        f"train,{base}/em/fibsem-uint8,{base}/labels/groundtruth/crop1/[mito,er]\n"
        f'"validate","data/one/one.zarr","/recon-1/em/fibsem-uint8",'
        f'"data/one/one.zarr","/recon-1/labels/groundtruth/crop2/[mito,er]"\n'
        f"unused,gone,gone\n"
    )
    source = DataSource(
        kind="datasplit", voxels=LabelFiles(csv=csv, scale_zyx_nm=(16.0, 16.0, 16.0))
    )
    data = load_training_data(source, "semantic")
    assert [c.name for c in data.label_classes] == ["mito", "er"]
    assert not data.exclusive
    train, validate = data.samples
    assert (train.role, validate.role) == (Role.TRAIN, Role.VALIDATE)
    assert train.name == "one_crop1"
    volume = open_volume(train.volume_path)
    assert volume.voxel_size_A == train.voxel_size_A == 160
    (box,) = train.labels.boxes
    image = volume.data[tuple(slice(a, b) for a, b in zip(*box, strict=True))]
    mito, er = train.labels.reader.read(*box)
    assert image.shape == mito.shape == (12, 12, 12)
    # At half the resolution the middles of objects are bright still, and lie where labels say.
    assert image[mito == 1].mean() > image[mito == 0].mean() + 50
    assert set(np.unique(er)) == {0, 1}
    (box,) = validate.labels.boxes
    assert (validate.labels.reader.read(*box)[1] == UNKNOWN).all()
    assert "er in 1" in " ".join(data.warnings)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train,only-two", "Line 1 of .*has 2 columns: a datasplit has five"),
        ("train,a,b,c,d,e,f", "Line 1 of .*has 7 columns"),
        (
            "train,/gone/raw.zarr/em,/gone/raw.zarr/crop/[mito]",
            r"image /gone/raw.zarr/em is gone",
        ),
        ("", "names no crops"),
        ("validate,{raw},{crop}/[mito]", "names no crop to train on"),
        ("train,{raw},{crop}/[mito,vim]", "No crop that trains .*labels vim"),
        ("train,{raw},{crop}", "tells no classes"),
        (
            "train,{raw},{crop}/[mito]\nvalidate,{raw},{crop}/[mito]",
            "Lines 1 and 2 of .* let the same crop train and validate",
        ),
    ],
)
def test_wrong_datasplit_is_one_sentence(cells, tmp_path, line, says):
    base = cells / "one" / "one.zarr" / "recon-1"
    csv = tmp_path / "split.csv"
    raw, crop = base / "em" / "fibsem-uint8", base / "labels" / "groundtruth" / "crop1"
    csv.write_text(line.format(raw=raw, crop=crop))
    with pytest.raises(TomoscribeError, match=says):
        load_training_data(DataSource(kind="datasplit", voxels=LabelFiles(csv=csv)), "semantic")
