from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import starfile
from tests.project.spheres import (
    CENTERS,
    SHAPE,
    VOXEL_SIZE_A,
    on_sphere,
    write_container,
    write_peer_container,
    write_star,
    write_tomogram,
)

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks, write_picks
from tomoscribe.membranes.membrane import load_membrane
from tomoscribe.picks.table import JUNK, PickState, positions_zyx
from tomoscribe.project.export_folder import export_training_folder
from tomoscribe.project.model import ParticleClass, Patch, Role, TrainingData, TrainingSample
from tomoscribe.project.raw_membranes import holds_membranes
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data, read_revision


@pytest.fixture
def tomogram(tmp_path: Path) -> Path:
    return write_tomogram(tmp_path / "TS_1.mrc")


@pytest.fixture
def project(tmp_path: Path, tomogram: Path) -> Project:
    """Return a project with one tomogram and three membranes in it."""
    made = Project.create(tmp_path / "project")
    made.add_class(ParticleClass("ribo", 200.0))
    made.add_tomogram(tomogram)
    for name in CENTERS:
        made.add_membrane(write_container(tmp_path / f"{name}.h5", tomogram, name), "TS_1")
    return made


def click(project: Project, name: str, count: int, **fields: object) -> None:
    values = {"membrane": name, "class_name": "ribo"} | fields
    table = project.tomograms["TS_1"].picks
    edit = table.make_add(on_sphere(name, count, len(table)), **values)  # type: ignore[arg-type]
    project.edit("TS_1", edit)


def load(project: Project, **source: object) -> TrainingData:
    return load_training_data(DataSource(path=project.path, **source), "membrane")  # type: ignore[arg-type]


def load_folder(folder: Path, **source: object) -> TrainingData:
    data = DataSource(kind="folder", path=folder, **source)  # type: ignore[arg-type]
    return load_training_data(data, "membrane")


def by_name(data: TrainingData) -> dict[str, TrainingSample]:
    return {s.name: s for s in data.samples}


def test_each_membrane_has_its_own_picks_and_patches(project: Project) -> None:
    click(project, "M1", 5)
    click(project, "M2", 3, state=PickState.REJECTED)
    click(project, "M2", 4, state=PickState.PROPOSED)
    project.set_patches("TS_1", [Patch("M2", CENTERS["M2"], 3.0), Patch("M1", CENTERS["M1"], 2.0)])
    samples = by_name(load(project))
    assert {n: len(s.picks) for n, s in samples.items()} == {"M1": 5, "M2": 3, "M3": 0}
    assert [p.center_zyx for p in samples["M2"].patches] == [CENTERS["M2"]]
    assert samples["M1"].voxel_size_A == VOXEL_SIZE_A
    assert Path(samples["M1"].tomogram or "").name == "TS_1.mrc"


def test_roles_of_membranes_count_not_those_of_their_tomogram(project: Project) -> None:
    for name in CENTERS:
        click(project, name, 4)
    project.set_role("TS_1", Role.UNUSED)
    project.set_role("M3", Role.VALIDATE)
    project.set_role("M1", Role.UNUSED)
    data = load(project)
    assert {s.name: s.role for s in data.samples} == {
        "M1": "unused",
        "M2": "train",
        "M3": "validate",
    }
    assert not data.warnings


def test_without_roles_the_membrane_with_fewest_picks_validates(project: Project) -> None:
    click(project, "M1", 6)
    click(project, "M2", 2)
    click(project, "M3", 7)
    data = load(project)
    assert [s.name for s in data.with_role(Role.VALIDATE)] == ["M2"]
    assert "M2 only validate" in data.warnings[0]


def test_new_picks_do_not_move_the_split_of_a_training(project: Project) -> None:
    for name, count in (("M1", 6), ("M2", 2), ("M3", 7)):
        click(project, name, count)
    click(project, "M2", 20)
    held = load(project, validate_on=("M2",)).with_role(Role.VALIDATE)
    assert [s.name for s in held] == ["M2"]
    assert not load(project, validate_on=()).with_role(Role.VALIDATE)


def test_a_class_on_one_membrane_only_keeps_all_of_them_training(project: Project) -> None:
    project.add_class(ParticleClass("rare", 100.0))
    click(project, "M1", 9)
    click(project, "M3", 9)
    click(project, "M2", 2, class_name="rare")
    data = load(project)
    assert not data.with_role(Role.VALIDATE)
    assert [c.name for c in data.classes] == ["ribo", "rare"]


def test_a_lone_membrane_has_some_of_its_clicks_held_out(project: Project) -> None:
    click(project, "M1", 6)
    data = load(project)
    assert not data.with_role(Role.VALIDATE)
    assert "No membrane validates: some of the picks are held out" in data.warnings[-1]


def test_picks_that_name_no_membrane_count_for_the_nearest_within_reach(project: Project) -> None:
    click(project, "M1", 3)
    table = project.tomograms["TS_1"].picks
    sides = np.array([[15.0, 0, 0], [-15, 0, 0], [0, 15, 0], [0, -15, 0]])
    near = CENTERS["M2"] + sides
    project.edit("TS_1", table.make_add([*near, (39.0, 43.0, 0.0)], "ribo"))
    data = load(project)
    assert {n: len(s.picks) for n, s in by_name(data).items()} == {"M1": 3, "M2": 4, "M3": 0}
    assert {p.membrane for p in by_name(data)["M2"].picks} == {"M2"}
    told = " ".join(data.warnings)
    assert "4 picks of TS_1 that name no membrane count for the nearest" in told
    assert "1 pick of TS_1 lie on no membrane and more than 200 Å" in told


def test_picks_on_an_unused_membrane_are_not_its_neighbours(project: Project) -> None:
    click(project, "M1", 3)
    # 10 Å from M2, 40 to 50 Å from M1 and M3.
    near = np.array([[20.0, 22.0, 29.0], [20.0, 22.0, 51.0]])
    project.edit("TS_1", project.tomograms["TS_1"].picks.make_add(near, "ribo"))
    project.set_role("M2", Role.UNUSED)
    data = load(project)
    assert {n: len(s.picks) for n, s in by_name(data).items()} == {"M1": 3, "M2": 2, "M3": 0}


def test_picks_on_a_membrane_that_is_gone_are_left_out_and_told(project: Project) -> None:
    click(project, "M1", 3)
    click(project, "M2", 2)
    project.remove_membrane("M2")
    data = load(project)
    assert sum(len(s.picks) for s in data.samples) == 3
    assert "2 picks of TS_1 on membranes that the project does not have (M2)" in data.warnings[0]


def test_nothing_to_learn_from_gets_a_sentence(project: Project) -> None:
    with pytest.raises(TomoscribeError, match="no picks in the project"):
        load(project)
    click(project, "M1", 1)
    assert "one pick only" in load(project).warnings[0]
    for name in CENTERS:
        project.remove_membrane(name)
    with pytest.raises(TomoscribeError, match="holds no membrane"):
        load(project)


def test_a_membrane_whose_file_is_gone_gets_a_sentence(project: Project) -> None:
    click(project, "M1", 3)
    project.membranes["M3"].path.unlink()
    load(project)  # it has no picks: nobody misses it
    project.membranes["M1"].path.unlink()
    with pytest.raises(TomoscribeError, match=r"M1\.h5"):
        load(project)


def test_all_particles_picked_is_for_the_user_to_say(project: Project) -> None:
    click(project, "M1", 3)
    assert not any(s.complete for s in load(project).samples)
    assert all(s.complete for s in load(project, complete=True).samples)


def test_a_stroke_is_news(project: Project) -> None:
    source = DataSource(path=project.path)
    before = read_revision(source)
    project.set_patches("TS_1", [Patch("M1", CENTERS["M1"], 3.0)])
    assert read_revision(source) > before


@pytest.fixture
def folder(tmp_path: Path, tomogram: Path) -> Path:
    """Return a training folder as a user of MemBrain-pick has it."""
    for part, name in (("train", "M1"), ("train", "M2"), ("val", "M3")):
        write_peer_container(tmp_path / "data" / part / f"{name}.h5", tomogram, name)
        write_star(tmp_path / "data" / part / f"{name}.star", on_sphere(name, 40))
    return tmp_path / "data"


def test_a_folder_of_membrain_pick_is_read_as_it_is(folder: Path) -> None:
    data = load_folder(folder)
    assert {s.name: s.role for s in data.samples} == {
        "M1": "train",
        "M2": "train",
        "M3": "validate",
    }
    np.testing.assert_allclose(
        [p.zyx for p in data.samples[1].picks], on_sphere("M2", 40), atol=1e-6
    )
    assert data.classes[0].name == "particle"
    assert 60 <= data.classes[0].diameter_A <= 150  # nobody tells it, and nobody must
    assert load_folder(folder, diameter_A=200.0).classes[0].diameter_A == 200.0
    assert not any(s.complete for s in data.samples)
    # Not a word about MemBrain-pick's winding, which is always inward.
    (only,) = data.warnings
    assert "The diameter of particle is not told" in only
    assert all(s.complete for s in load_folder(folder, complete=True).samples)


def test_a_folder_is_known_by_what_lies_in_it(folder: Path, tmp_path: Path) -> None:
    (folder / "train" / "M1.obj").write_text("")
    (folder / "train" / "notes.txt").write_text("Picked by me.")
    assert holds_membranes(folder)
    write_tomogram(folder / "train" / "T.mrc")
    assert not holds_membranes(folder)
    write_tomogram(tmp_path / "other" / "train" / "T.mrc")
    assert not holds_membranes(tmp_path / "other")


def test_angstroms_are_recognised_by_their_distance_to_the_mesh(folder: Path) -> None:
    positions = on_sphere("M1", 40) * VOXEL_SIZE_A
    positions[:3] /= VOXEL_SIZE_A
    write_star(folder / "train" / "M1.star", positions)
    data = load_folder(folder)
    found = np.array([p.zyx for p in by_name(data)["M1"].picks])
    np.testing.assert_allclose(found[3:], on_sphere("M1", 40)[3:], atol=1e-6)
    assert "M1.star: 37 of 40 points are > 50 Å from the mesh; they look like Å" in data.warnings[0]


def test_a_star_of_another_membrane_is_refused_by_name_or_by_distance(folder: Path) -> None:
    star = folder / "train" / "M1.star"
    write_star(star, on_sphere("M1", 4), {"rlnMicrographName": ["TS_9.mrc"] * 4})
    with pytest.raises(TomoscribeError, match=r"M1\.star holds picks of TS_9\.mrc"):
        load_folder(folder)
    write_star(star, on_sphere("M1", 4), {"rlnMicrographName": ["TS_1.mrc"] * 4})
    assert len(by_name(load_folder(folder))["M1"].picks) == 4
    write_star(star, on_sphere("M1", 4) + 800)
    with pytest.raises(TomoscribeError, match="another membrane or tomogram"):
        load_folder(folder)


def test_class_numbers_are_classes_across_the_files(folder: Path) -> None:
    for name, number in (("M1", 3), ("M2", 7)):
        star = folder / "train" / f"{name}.star"
        write_star(star, on_sphere(name, 4), {"rlnClassNumber": [number] * 4})
    write_star(folder / "val" / "M3.star", on_sphere("M3", 4), {"rlnClassNumber": [3, 3, 7, 7]})
    data = load_folder(folder)
    assert [c.name for c in data.classes] == ["class_3", "class_7"]
    assert {p.class_name for p in by_name(data)["M2"].picks} == {"class_7"}


def test_class_numbers_that_are_all_one_tell_nothing(folder: Path) -> None:
    write_star(folder / "train" / "M1.star", on_sphere("M1", 4), {"rlnClassNumber": [1] * 4})
    assert [c.name for c in load_folder(folder).classes] == ["particle"]


@pytest.mark.parametrize(
    "content", [None, "", "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n"]
)
def test_a_missing_or_empty_star_is_told_and_never_a_particle_at_the_origin(
    folder: Path, content: str | None
) -> None:
    star = folder / "train" / "M1.star"
    star.unlink()
    if content is not None:
        star.write_text(content)
    data = load_folder(folder)
    assert [s.name for s in data.samples] == ["M2", "M3"]
    assert "M1" in data.warnings[0]
    assert "left out" in data.warnings[0]


def test_a_folder_without_any_label_or_membrane_gets_a_sentence(folder: Path) -> None:
    for star in folder.glob("*/*.star"):
        star.unlink()
    with pytest.raises(TomoscribeError, match="membranes but no picks"):
        load_folder(folder)
    for container in folder.glob("*/*.h5"):
        container.unlink()
    with pytest.raises(TomoscribeError, match="holds no membranes"):
        load_folder(folder)
    with pytest.raises(TomoscribeError, match="about tomograms"):
        load_training_data(DataSource(kind="lists"), "membrane")


def test_a_star_without_a_container_is_told(folder: Path) -> None:
    write_star(folder / "train" / "M1_clusters.star", on_sphere("M1", 3))
    assert "no M1_clusters.h5 beside it" in load_folder(folder).warnings[0]


def test_a_flipped_mesh_with_double_vertices_is_repaired_and_told(folder: Path) -> None:
    with h5py.File(folder / "train" / "M1.h5", "r+") as file:
        points, faces = file["points"][()], file["faces"][()]
        for key in ("points", "faces", "normals", "normal_values"):
            del file[key]
        faces[::3] = faces[::3, ::-1]  # mixed winding
        file["points"] = points[faces].reshape(-1, 3)  # a vertex for each corner
        file["faces"] = np.arange(faces.size).reshape(-1, 3)
    data = load_folder(folder)
    told = [w for w in data.warnings if w.startswith("M1: ")]
    assert told
    assert len(by_name(data)["M1"].picks) == 40


def test_a_flat_folder_is_split(folder: Path) -> None:
    for path in folder.glob("*/*"):
        path.rename(folder / path.name)
    write_star(folder / "M2.star", on_sphere("M2", 10))
    for part in ("train", "val"):
        (folder / part).rmdir()
    data = load_folder(folder)
    assert [s.name for s in data.with_role(Role.VALIDATE)] == ["M2"]


def test_an_exported_folder_is_read_back_as_it_was(project: Project, tmp_path: Path) -> None:
    project.add_class(ParticleClass("tiny", 60.0))
    click(project, "M1", 6)
    click(project, "M2", 4)
    click(project, "M2", 3, class_name="tiny")
    click(project, "M2", 2, state=PickState.REJECTED)
    project.set_role("M2", Role.VALIDATE)
    report = export_training_folder(project, tmp_path / "out")
    assert report.written == report.read_back == 13
    names = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").glob("*/*")}
    assert names == {"train/M1.h5", "train/M1.star", "val/M2.h5", "val/M2.star"}
    (tmp_path / "out").rename(tmp_path / "moved")
    before, after = (
        by_name(load(project)),
        by_name(load_folder(tmp_path / "moved", diameter_A=80.0)),
    )
    for name in ("M1", "M2"):
        wanted = [(p.class_name, p.zyx) for p in before[name].picks if p.state == "accepted"]
        assert [p.class_name for p in after[name].picks] == [c for c, _ in wanted]
        found = [p.zyx for p in after[name].picks]
        np.testing.assert_allclose(found, [z for _, z in wanted], atol=1e-3)
        assert after[name].role == before[name].role
    assert load_membrane(after["M1"].volume_path).tomogram == str(tmp_path / "TS_1.mrc")


def test_an_exported_folder_is_what_membrain_pick_reads(project: Project, tmp_path: Path) -> None:
    project.add_class(ParticleClass("tiny", 60.0))
    click(project, "M1", 2)
    click(project, "M2", 2, class_name="tiny")
    export_training_folder(project, tmp_path / "out", "membrane")
    star = starfile.read(tmp_path / "out" / "train" / "M2.star")
    assert isinstance(star, pd.DataFrame)  # it reads one block only
    positions = star[[f"rlnCoordinate{a}" for a in "ZYX"]].to_numpy()
    picks = project.tomograms["TS_1"].picks.select(class_name="tiny")
    np.testing.assert_allclose(positions, [p.zyx for p in picks], atol=1e-3)
    assert set(star["rlnClassNumber"]) == {2}  # the same number in every file
    with h5py.File(tmp_path / "out" / "train" / "M2.h5") as file:
        assert {"points", "faces", "normals", "normal_values", "pixel_size"} <= file.keys()
        assert file["normal_values"].shape == (642, 20)
        outward = file["points"][()] - np.array(CENTERS["M2"])[::-1]
        assert ((file["normals"][()] * outward).sum(axis=1) < 0).all()


def test_tomograms_are_exported_where_no_pick_is_on_a_membrane(
    project: Project, tmp_path: Path
) -> None:
    click(project, "M1", 2, membrane="")
    export_training_folder(project, tmp_path / "out")
    assert (tmp_path / "out" / "train" / "TS_1.mrc").exists()
    with pytest.raises(TomoscribeError, match="not empty"):
        export_training_folder(project, tmp_path / "out")


def test_labels_of_other_programs_lie_beside_containers_too(folder: Path) -> None:
    star = folder / "train" / "M1.star"
    columns = read_picks(star)
    star.unlink()
    write_picks(
        star.with_suffix(".mod"),
        columns,
        geometry=Geometry(SHAPE, VOXEL_SIZE_A),
        tomogram_name="M1",
        flavour="imod",
    )
    sample = by_name(load_folder(folder))["M1"]
    assert np.allclose(positions_zyx(sample.picks), columns.zyx, atol=1e-3)


def test_junk_counts_on_its_membrane_without_a_word_and_is_no_class(project: Project) -> None:
    first = next(iter(CENTERS))
    click(project, first, 3)
    click(project, first, 1, class_name=JUNK, state=PickState.REJECTED)
    click(project, first, 1, class_name=JUNK, state=PickState.REJECTED, membrane="")
    table = project.tomograms["TS_1"].picks
    far = table.make_add([[0, 0, 0]], JUNK, state=PickState.REJECTED)
    project.edit("TS_1", far)
    data = load(project)
    assert [c.name for c in data.classes] == ["ribo"]
    assert len(data.samples[0].of_class(JUNK, PickState.REJECTED)) == 2
    assert not [w for w in data.warnings if "membrane" in w and "validates" not in w]
