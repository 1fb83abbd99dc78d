"""The session opens things, asks what no header tells, and says where the user looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import PickColumns, write_picks
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.store import Project
from tomoscribe.ui.project.beginning import project_folder_for
from tomoscribe.ui.session import Session
from tomoscribe.ui.slab import contrast_limits
from tomoscribe.ui.tomogram_layer import show_volume
from tomoscribe.ui.view import focus_of, plane_position, toggle_plane

SHAPE = (10, 40, 60)


@pytest.fixture
def model() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def quiet(model: ViewerModel) -> tuple[Session, list[str]]:
    """A session without a window, and what it said."""
    session = Session.of(model)
    said: list[str] = []
    session.status_message.connect(said.append)
    return session, said


def write(path: Path, voxel_size_A: float = 8.0, origin: tuple[float, ...] = (0, 0, 0)) -> Path:
    data = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    write_mrc(path, data, voxel_size_A, origin)
    return path


def write_without_voxel_size(path: Path) -> Path:
    with mrcfile.new(path) as file:
        file.set_data(np.zeros(SHAPE, np.float32))
        file.voxel_size = 0.0
    return path


def test_a_viewer_has_one_session_also_through_naparis_proxy(model: ViewerModel) -> None:
    assert Session.of(PublicOnlyProxy(model)) is Session.of(model)
    assert Session.of(ViewerModel()) is not Session.of(model)


def test_a_tomogram_is_shown_in_angstrom_at_its_origin_on_its_middle_slice(
    model: ViewerModel, tmp_path: Path
) -> None:
    layer = show_volume(model, open_volume(write(tmp_path / "t.mrc", 8.0, (100.0, 0.0, -50.0))))
    np.testing.assert_allclose(layer.scale, (8, 8, 8))
    np.testing.assert_allclose(layer.translate, (100, 0, -50))
    assert [str(u) for u in layer.units] == ["angstrom"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    assert str(layer.projection_mode) == "none"
    assert model.dims.point[0] == 100 + 8 * 5


def test_contrast_leaves_out_gold_and_dead_pixels_and_nan() -> None:
    data = np.random.default_rng(0).normal(size=(20, 64, 64)).astype(np.float32)
    data[10, :4, :4] = 1000
    data[5, 8, 8] = np.nan
    low, high = contrast_limits(data)
    assert -4 < low < -2
    assert 2 < high < 4
    assert contrast_limits(np.zeros((3, 8, 8))) == (0.0, 1.0)


def test_opening_a_tomogram_makes_a_project_beside_it_with_a_class_to_click(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, said = quiet
    session.open_paths([write(tmp_path / "t.mrc")])
    assert session.project is not None
    assert session.project.path == tmp_path / "t_tomoscribe"
    assert session.current == "t"
    assert session.active_class == "particle"
    assert str(tmp_path / "t_tomoscribe") in " ".join(said)
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    session.close_project()
    session.open_paths([tmp_path / "t.mrc"])
    assert [p.zyx for p in session.entry.picks] == [(5.0, 6.0, 7.0)]
    session.close_project()


def test_a_tomogram_in_a_read_only_folder_gets_its_project_in_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomoscribe.ui.project.beginning.os.access", lambda *_: False)
    folder = project_folder_for(str(tmp_path / "t.rec.gz"))
    assert folder.name == "t_tomoscribe"
    assert tmp_path not in folder.parents
    assert project_folder_for("s3://bucket/a/tomo.zarr").name == "tomo_tomoscribe"


def test_an_unknown_voxel_size_is_asked_for_before_the_tomogram_is_used(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, said = quiet
    session.open_paths([write_without_voxel_size(tmp_path / "t.mrc")])
    assert session.pending is not None
    assert (session.current, session.entry) == (None, None)
    assert [str(u) for u in session.layer.units] == ["pixel"] * 3
    session.picks.add(np.zeros((1, 3)))
    assert "Open a tomogram" in said[-1]
    session.answer_voxel_size(12.5)
    assert session.pending is None
    assert session.entry.voxel_size_A == 12.5
    np.testing.assert_allclose(session.layer.scale, (12.5,) * 3)
    session.close_project()


@pytest.mark.parametrize("content", ["project", "picks", "text"])
def test_what_cannot_be_opened_gives_one_sentence(
    quiet: tuple[Session, list[str]], tmp_path: Path, content: str
) -> None:
    session, _ = quiet
    path = tmp_path / {"project": "gone.mrc", "picks": "p.star", "text": "note.md"}[content]
    if content != "project":
        path.write_text("data_particles\n\nloop_\n_rlnCoordinateX #1\n1.0\n")
    with pytest.raises(TomoscribeError, match=path.name):
        session.open_paths([path])


def test_picks_of_a_star_file_come_in_as_one_step_of_undo_with_their_classes(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, said = quiet
    session.open_paths([write(tmp_path / "t.mrc")])
    (tmp_path / "p.csv").write_text("x,y,z,class\n7,6,5,ribosome\n17,16,5,gold\n")
    session.open_paths([tmp_path / "p.csv"])
    assert [(p.zyx, p.class_name) for p in session.entry.picks] == [
        ((5, 6, 7), "ribosome"),
        ((5, 16, 17), "gold"),
    ]
    assert [c.name for c in session.classes] == ["particle", "ribosome", "gold"]
    assert said[-1].startswith("2 picks from p.csv")
    session.undo()
    assert len(session.entry.picks) == 0
    session.close_project()


def test_dropped_picks_of_any_program_keep_their_normals_and_angles(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, _ = quiet
    session.open_paths([write(tmp_path / "t.mrc")])
    normals = np.array([[0.0, 0.6, 0.8], [np.nan] * 3])
    columns = PickColumns(
        np.array([[5.0, 6, 7], [5, 16, 17]]), normals_zyx=normals, angles_deg=np.array([30.0, 0])
    )
    geometry = session.volume.geometry
    for flavour in ("dynamo", "motl", "imod", "stopgap", "copick"):
        path = tmp_path / f"{flavour}{WRITABLE[flavour].suffix}"
        write_picks(path, columns, geometry=geometry, tomogram_name="t", flavour=flavour)
        session.open_paths([path])
        first, second = list(session.entry.picks)[-2:]
        assert first.normal_zyx == pytest.approx((0, 0.6, 0.8), abs=1e-6)
        assert first.angle_deg == pytest.approx(30, abs=1e-4)
        assert second.normal_zyx is None
    session.close_project()


def test_picks_of_other_tomograms_and_outside_of_this_one_are_told(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, said = quiet
    session.open_paths([write(tmp_path / "t.mrc")])
    (tmp_path / "other.csv").write_text("tomogram,x,y,z\nelse,7,6,5\n")
    with pytest.raises(TomoscribeError, match="none of t"):
        session.open_paths([tmp_path / "other.csv"])
    (tmp_path / "far.csv").write_text("x,y,z\n700,6,5\n")
    session.open_paths([tmp_path / "far.csv"])
    assert "outside of the tomogram" in said[-1]
    session.close_project()


def test_another_tomogram_is_shown_with_its_own_picks(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, _ = quiet
    project = Project.create(tmp_path / "project")
    project.add_class(ParticleClass("ribosome", 100.0))
    for name, size in (("a", 8.0), ("b", 4.0)):
        project.add_tomogram(write(tmp_path / f"{name}.mrc", size), role=Role.TRAIN)
    session.set_project(project)
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    session.set_current("b")
    assert len(session.picks.layer.data) == 0
    np.testing.assert_allclose(session.picks.layer.scale, (4, 4, 4))
    session.set_current("a")
    np.testing.assert_allclose(session.picks.layer.data, [[5, 6, 7]])
    np.testing.assert_allclose(session.picks.layer.size, [12.5])
    session.close_project()


def test_renaming_a_class_takes_its_picks_along(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, _ = quiet
    session.open_paths([write(tmp_path / "t.mrc")])
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    session.rename_class("particle", "ribosome")
    assert [p.class_name for p in session.entry.picks] == ["ribosome"]
    assert [c.name for c in session.classes] == ["ribosome"]
    assert session.active_class == "ribosome"
    session.close_project()


def test_no_undo_brings_a_class_back_that_was_renamed(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, _ = quiet
    session.open_paths([write(tmp_path / "t.mrc")])
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    session.picks.add(np.array([[5.0, 30.0, 30.0]]))
    session.edit(session.entry.picks.make_remove([1]))
    session.rename_class("particle", "ribosome")
    session.undo()
    assert [p.class_name for p in session.entry.picks] == ["ribosome"] * 2
    session.undo()
    assert [p.class_name for p in session.entry.picks] == ["ribosome"]
    session.redo()
    assert [p.class_name for p in session.entry.picks] == ["ribosome"] * 2
    session.close_project()


def test_a_rename_that_cannot_be_written_leaves_no_pick_without_a_class(
    quiet: tuple[Session, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, said = quiet
    session.open_paths([write(tmp_path / "t.mrc")])
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))

    def full(*_: object) -> None:
        raise TomoscribeError("There is no space left on the disk.")

    with monkeypatch.context() as patch:
        patch.setattr("tomoscribe.project.store.write_project_file", full)
        session.rename_class("particle", "ribosome")
    assert "no space" in said[-1]
    assert [p.class_name for p in session.entry.picks] == ["ribosome"]
    folder = session.project.path
    session.close_project()
    reopened = Project.open(folder, read_only=True)
    assert [c.name for c in reopened.classes] == ["ribosome"]


def with_two_tomograms(folder: Path) -> Path:
    project = Project.create(folder / "project")
    project.add_class(ParticleClass("ribosome", 100.0))
    for name in ("a", "b"):
        project.add_tomogram(write(folder / f"{name}.mrc"))
    project.close()
    return project.path


def test_a_project_opens_though_its_first_tomogram_is_gone(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, said = quiet
    folder = with_two_tomograms(tmp_path)
    (tmp_path / "a.mrc").unlink()
    session.open_paths([folder])
    assert session.current == "b"
    assert "a.mrc" in said[-1]
    assert "'b' is shown instead" in said[-1]
    session.close_project()


def test_a_project_opens_though_all_its_tomograms_are_gone_and_says_what_to_do(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, said = quiet
    folder = with_two_tomograms(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.mrc").unlink()
    session.open_paths([folder])
    assert session.project is not None
    assert session.current is None
    assert "Put the file back" in said[-1]
    session.close_project()


def test_a_project_open_elsewhere_is_shown_for_reading_and_refuses_clicks(
    quiet: tuple[Session, list[str]], tmp_path: Path
) -> None:
    session, said = quiet
    with_one = Project.create(tmp_path / "project")
    with_one.add_class(ParticleClass("ribosome", 100.0))
    with_one.add_tomogram(write(tmp_path / "t.mrc"))
    session.open_project(tmp_path / "project")
    assert session.project.read_only
    assert "for reading only" in said[-1]
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    assert len(session.entry.picks) == len(session.picks.layer.data) == 0
    assert "reading only" in said[-1]
    with_one.close()
    session.close_project()


def test_a_click_that_cannot_be_written_stays_and_says_so(
    quiet: tuple[Session, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, said = quiet
    session.open_paths([write(tmp_path / "t.mrc")])

    def full(*_: object) -> None:
        raise TomoscribeError("There is no space left on the disk.")

    saved: list[bool] = []
    session.saved.connect(saved.append)
    monkeypatch.setattr("tomoscribe.picks.journal.Journal.append", full)
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    assert said[-1] == "There is no space left on the disk."
    assert saved == [False]
    np.testing.assert_allclose(session.picks.layer.data, [[5, 6, 7]])
    monkeypatch.undo()
    session.close_project()


@pytest.fixture
def shown(model: ViewerModel, tmp_path: Path) -> Any:
    return show_volume(model, open_volume(write(tmp_path / "t.mrc", 8.0, (100.0, 0.0, 0.0))))


def test_focus_is_the_visible_part_of_the_slice(model: ViewerModel, shown: Any) -> None:
    model.canvas.size = (160, 80)
    model.scene.camera.zoom = 1.0
    model.scene.camera.center = (8.0 * 20, 8.0 * 30)
    focus = focus_of(model, shown)
    assert focus.center_zyx == (5, 20, 30)
    assert focus.lo_zyx == (5, 10, 25)
    assert focus.hi_zyx == (6, 30, 35)
    model.scene.camera.center = (0.0, 0.0)
    assert focus_of(model, shown).lo_zyx == (5, 0, 0)


def test_a_ray_meets_the_plane_where_it_should_and_never_beside(
    model: ViewerModel, shown: Any
) -> None:
    toggle_plane(model, shown)
    assert model.dims.ndisplay == 3
    target = np.array([5.0, 12.0, 33.0])
    direction = np.array([0.6, 0.48, 0.64])
    start = np.asarray(shown.data_to_world(target)) - 700 * direction
    np.testing.assert_allclose(plane_position(shown, start, direction), target)
    assert plane_position(shown, start, (0.0, 1.0, 0.0)) is None
    shown.depiction = "volume"
    assert plane_position(shown, start, direction) is None
