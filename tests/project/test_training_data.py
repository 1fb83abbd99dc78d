from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import Flavour, PickColumns, write_picks
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.io.volumes import write_mrc
from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.project.model import ParticleClass, Region, Role, TrainingData
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data, read_revision

SHAPE = (12, 20, 30)
POINTS = [[1.5, 2.25, 3.0], [4, 5, 29]]


def write_star(
    path: Path,
    zyx: Sequence[Sequence[float]],
    tomogram: str | None = None,
    classes: list[str] | None = None,
    shape: tuple[int, int, int] = SHAPE,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picks(
        path,
        PickColumns(np.array(zyx, dtype=float).reshape(-1, 3), class_names=classes),
        geometry=Geometry(shape, 10.0),
        tomogram_name=tomogram or f"{path.stem}.mrc",
        flavour="relion3.1",
    )


def load_folder(folder: Path, **options: float) -> TrainingData:
    return load_training_data(
        DataSource(kind="folder", path=folder, **{"diameter_A": 200.0, **options})
    )


def click(project: Project, *zyx: Sequence[float], name: str = "TS_1", **fields: object) -> None:
    table = project.tomograms[name].picks
    project.edit(name, table.make_add(zyx, "ribo", **fields))  # type: ignore[arg-type]


def test_junk_is_given_to_the_training_but_is_no_class(project: Project) -> None:
    click(project, *POINTS)
    table = project.tomograms["TS_1"].picks
    project.edit("TS_1", table.make_add([[7, 7, 7]], JUNK, state=PickState.REJECTED))
    data = load_training_data(DataSource(path=project.path))
    assert [c.name for c in data.classes] == ["ribo"]
    assert [p.zyx for p in data.samples[0].of_class(JUNK, PickState.REJECTED)] == [(7, 7, 7)]
    with pytest.raises(TomoscribeError, match="No class can be called"):
        project.add_class(ParticleClass(JUNK, 100.0))


def test_a_project_gives_its_picks_regions_classes_and_revision(project: Project) -> None:
    click(project, *POINTS)
    project.set_regions("TS_1", [Region((0, 0, 0), (5, 5, 5))])
    source = DataSource(path=project.path)
    data = load_training_data(source)
    sample = data.samples[0]
    assert (sample.name, sample.voxel_size_A, sample.role) == ("TS_1", 10.0, Role.TRAIN)
    assert [p.zyx for p in sample.of_class("ribo")] == [(1.5, 2.25, 3.0), (4, 5, 29)]
    assert sample.regions == (Region((0, 0, 0), (5, 5, 5)),)
    assert data.classes == (ParticleClass("ribo", 250.0),)
    assert data.revision == project.revision == read_revision(source)


def test_a_tomogram_that_nobody_clicked_hinders_nobody(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    click(project, *POINTS)
    other = project.add_tomogram(make_volume("other.mrc"), name="other", voxel_size_A=13.0)
    assert other.role is Role.TRAIN
    roles = {s.name: s.role for s in load_training_data(DataSource(path=project.path)).samples}
    assert (roles["TS_1"], roles["other"]) == (Role.TRAIN, Role.UNUSED)
    click(project, POINTS[0], name="other")
    roles = {s.name: s.role for s in load_training_data(DataSource(path=project.path)).samples}
    assert roles["other"] is Role.TRAIN


def test_proposals_are_no_labels_and_rejected_picks_are(project: Project) -> None:
    click(project, *POINTS)
    click(project, (3, 3, 3), state=PickState.PROPOSED)
    click(project, (7, 7, 7), state=PickState.REJECTED)
    states = [p.state for p in load_training_data(DataSource(path=project.path)).samples[0].picks]
    assert states == [PickState.ACCEPTED, PickState.ACCEPTED, PickState.REJECTED]


def test_one_click_and_nothing_to_validate_on_are_allowed_with_warnings(project: Project) -> None:
    click(project, (3, 3, 3))
    warnings = " ".join(load_training_data(DataSource(path=project.path)).warnings)
    assert "one pick only" in warnings
    assert "No tomogram validates" in warnings


def test_no_clicks_get_a_sentence(project: Project) -> None:
    with pytest.raises(TomoscribeError, match="click at least one particle"):
        load_training_data(DataSource(path=project.path))


def test_a_project_without_tomograms_gets_a_sentence(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "empty")
    with pytest.raises(TomoscribeError, match="holds no tomogram"):
        load_training_data(DataSource(path=project.path))


def test_picks_that_only_validate_get_a_sentence(project: Project) -> None:
    click(project, *POINTS)
    project.set_role("TS_1", Role.VALIDATE)
    with pytest.raises(TomoscribeError, match="role"):
        load_training_data(DataSource(path=project.path))


def test_clicks_outside_the_volume_are_left_out_and_told(project: Project) -> None:
    click(project, *POINTS, (3, 3, 500))
    data = load_training_data(DataSource(path=project.path))
    assert len(data.samples[0].picks) == 2
    assert "1 of 3 picks" in " ".join(data.warnings)


def test_only_clicks_outside_the_volume_get_a_sentence(project: Project) -> None:
    click(project, (300, 3, 3))
    with pytest.raises(TomoscribeError, match="does not fit"):
        load_training_data(DataSource(path=project.path))


def test_a_class_without_a_diameter_must_be_told(project: Project) -> None:
    click(project, *POINTS)
    project.set_classes([ParticleClass("other", 100)])
    with pytest.raises(TomoscribeError, match=r"'ribo'.*--diameter-A"):
        load_training_data(DataSource(path=project.path))
    data = load_training_data(DataSource(path=project.path, diameter_A=180))
    assert [(c.name, c.diameter_A) for c in data.classes] == [("other", 100), ("ribo", 180)]


def test_a_volume_that_is_gone_gets_a_sentence(project: Project) -> None:
    click(project, *POINTS)
    project.tomograms["TS_1"].path.unlink()
    with pytest.raises(TomoscribeError, match="There is no file"):
        load_training_data(DataSource(path=project.path))


def test_an_unused_tomogram_may_be_missing(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    click(project, *POINTS)
    entry = project.add_tomogram(make_volume("gone.mrc"), role=Role.UNUSED)
    click(project, (1, 1, 1), name="gone")
    entry.path.unlink()
    assert len(load_training_data(DataSource(path=project.path)).with_role(Role.UNUSED)) == 1


def test_the_data_are_read_while_the_viewer_edits(project: Project) -> None:
    source = DataSource(path=project.path)
    click(project, *POINTS)
    first = load_training_data(source)
    click(project, (3, 3, 3))
    assert read_revision(source) > first.revision
    assert len(load_training_data(source).samples[0].picks) == 3


def test_a_source_without_a_path_gets_a_sentence() -> None:
    for source in (DataSource(), DataSource(kind="folder"), DataSource(kind="lists")):
        with pytest.raises(TomoscribeError, match="data source needs"):
            load_training_data(source)


def test_a_folder_with_train_and_val(tmp_path: Path, make_volume: Callable[..., Path]) -> None:
    for part, name in (("train", "A"), ("val", "B")):
        make_volume(f"data/{part}/{name}.mrc")
        write_star(tmp_path / "data" / part / f"{name}.star", POINTS)
    data = load_folder(tmp_path / "data")
    assert {s.name: s.role for s in data.samples} == {"A": Role.TRAIN, "B": Role.VALIDATE}
    assert [p.zyx for p in data.samples[0].picks] == [(1.5, 2.25, 3.0), (4, 5, 29)]
    assert data.classes == (ParticleClass("particle", 200.0),)
    assert data.warnings == ()


@pytest.mark.parametrize("flavour", ["dynamo", "motl", "imod", "cbox", "portal"])
def test_labels_of_other_programs_are_read_beside_the_volumes(
    tmp_path: Path, make_volume: Callable[..., Path], flavour: Flavour
) -> None:
    for part in ("train", "val"):
        volume = make_volume(f"{part}/TS_1.mrc")
        write_picks(
            volume.with_suffix(WRITABLE[flavour].suffix),
            PickColumns(np.array(POINTS, dtype=float)),
            geometry=Geometry(SHAPE, 10.0),
            tomogram_name="TS_1",
            flavour=flavour,
        )
    samples = load_folder(tmp_path).samples
    for sample in samples:
        assert np.allclose([p.zyx for p in sample.picks], POINTS, atol=1e-3)
    assert len(samples) == 2


def test_a_flat_folder_with_links_and_other_suffixes(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "A.rec").symlink_to(make_volume("elsewhere/x.mrc"))
    write_star(folder / "A.star", POINTS, classes=["ribo", "protea"])
    make_volume("flat/unlabelled.mrc")
    data = load_folder(folder)
    assert [s.name for s in data.samples] == ["A"]
    assert [c.name for c in data.classes] == ["ribo", "protea"]
    assert "unlabelled" in " ".join(data.warnings)


def test_the_same_name_in_train_and_val_stays_two_samples(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    for part in ("train", "val"):
        make_volume(f"data/{part}/A.mrc")
        write_star(tmp_path / "data" / part / "A.star", POINTS)
    data = load_folder(tmp_path / "data")
    assert [(s.name, s.role) for s in data.samples] == [("A", Role.TRAIN), ("A_2", Role.VALIDATE)]


def test_many_tomograms_in_a_flat_folder_are_split_and_told(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    for i in range(5):
        make_volume(f"flat/T{i}.mrc")
        write_star(tmp_path / "flat" / f"T{i}.star", POINTS)
    data = load_folder(tmp_path / "flat")
    assert [s.name for s in data.with_role(Role.VALIDATE)] == ["T0"]
    assert "T0 only validate" in " ".join(data.warnings)


@pytest.mark.parametrize("part", ["", "train"])
def test_a_folder_without_volumes_gets_a_sentence(tmp_path: Path, part: str) -> None:
    (tmp_path / "data" / part).mkdir(parents=True)
    with pytest.raises(TomoscribeError, match=r"no tomograms: put X\.mrc and X\.star"):
        load_folder(tmp_path / "data")


def test_a_folder_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match="There is no folder"):
        load_folder(tmp_path / "none")


def test_val_without_train_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    with pytest.raises(TomoscribeError, match="no train/"):
        load_folder(tmp_path)


def test_volumes_without_any_star_get_a_sentence(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    with pytest.raises(TomoscribeError, match="no picks"):
        load_folder(tmp_path / "data")


def test_a_star_without_its_volume_gets_a_sentence(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    write_star(tmp_path / "data" / "B.star", POINTS)
    with pytest.raises(
        TomoscribeError, match=r"no volume for .*B.star: .* put B.mrc, .* beside it\.$"
    ):
        load_folder(tmp_path / "data")


def test_a_table_beside_images_that_is_no_list_of_picks_is_told_what_it_may_be(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    (tmp_path / "data" / "split.csv").write_text("train,a.zarr/em,a.zarr/crop/[mito]\n")
    with pytest.raises(
        TomoscribeError, match=r"tomoscribe train .*split\.csv`; .* are X_labels\.tif beside X\.tif"
    ):
        load_folder(tmp_path / "data")


def test_two_volumes_of_one_name_get_a_sentence(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    make_volume("data/A.rec.mrc").rename(tmp_path / "data" / "A.rec")
    with pytest.raises(TomoscribeError, match="two volumes named A"):
        load_folder(tmp_path / "data")


def test_a_star_without_coordinates_gets_a_sentence(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    (tmp_path / "data" / "A.star").write_text("data_\n\nloop_\n_rlnFoo #1\n1\n2\n")
    with pytest.raises(TomoscribeError, match="rlnCoordinate"):
        load_folder(tmp_path / "data")


def test_a_star_of_another_tomogram_gets_a_sentence(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    write_star(tmp_path / "data" / "A.star", POINTS, tomogram="other.mrc")
    with pytest.raises(TomoscribeError, match=r"other\.mrc"):
        load_folder(tmp_path / "data")


def test_a_star_in_wrong_units_gets_a_sentence(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    write_star(tmp_path / "data" / "A.star", [[110, 150, 250], [50, 160, 280]])
    with pytest.raises(TomoscribeError, match="Å"):
        load_folder(tmp_path / "data")


def test_the_diameter_of_a_folder_must_be_told(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    write_star(tmp_path / "data" / "A.star", POINTS)
    with pytest.raises(TomoscribeError, match="--diameter-A"):
        load_training_data(DataSource(kind="folder", path=tmp_path / "data"))


def test_an_unknown_voxel_size_of_a_folder_must_be_told(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc", voxel_size_A=1.0)
    (tmp_path / "data" / "A.star").write_text(
        "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rlnCoordinateZ #3\n3 2 1\n"
    )
    with pytest.raises(TomoscribeError, match="--voxel-size-A"):
        load_folder(tmp_path / "data")
    data = load_folder(tmp_path / "data", voxel_size_A=13.5)
    assert data.samples[0].voxel_size_A == 13.5
    assert data.samples[0].picks[0].zyx == (1, 2, 3)


def test_a_folder_changes_its_revision_when_a_star_does(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("data/A.mrc")
    star = tmp_path / "data" / "A.star"
    write_star(star, POINTS)
    source = DataSource(kind="folder", path=tmp_path / "data")
    before = read_revision(source)
    later = max(star.stat().st_mtime_ns, star.parent.stat().st_mtime_ns) + 5_000_000
    os.utime(star, ns=(later, later))
    assert read_revision(source) > before
    assert read_revision(DataSource(kind="lists", images=tmp_path / "none")) == 0


def test_hidden_files_of_a_folder_are_neither_data_nor_news(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    volume = make_volume("data/A.mrc")
    write_star(tmp_path / "data" / "A.star", POINTS)
    (volume.parent / "._A.mrc").write_bytes(b"resource fork")
    hidden = volume.parent / "._A.star"
    hidden.write_text("resource fork")
    data = load_folder(tmp_path / "data")
    assert [sample.name for sample in data.samples] == ["A"]
    source = DataSource(kind="folder", path=tmp_path / "data")
    before = read_revision(source)
    later = volume.parent.stat().st_mtime_ns + 5_000_000
    os.utime(hidden, ns=(later, later))
    assert read_revision(source) == before


def test_labels_of_a_folder_may_be_a_csv(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    write_mrc(tmp_path / "train" / "TS_1.mrc", np.zeros((12, 20, 30), np.float32), 10.0)
    (tmp_path / "train" / "TS_1.csv").write_text("x,y,z\n3,2,1\n6,5,4\n")
    (sample,) = load_folder(tmp_path, diameter_A=100.0).samples
    assert [p.zyx for p in sample.picks] == [(1.0, 2.0, 3.0), (4.0, 5.0, 6.0)]
