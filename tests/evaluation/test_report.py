"""The page for the lab book: whole, self-contained, and true to the figures."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from tests.tasks.sheets import DIAMETER_A, VOXEL_A, membrane, sites

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.compared import ComparedSample, ScoredClass
from tomoscribe.evaluation.evidence import ClassScores, Evidence, Surface, judge, propose
from tomoscribe.evaluation.judgement import Judgement, Standing
from tomoscribe.evaluation.mesh_picture import SIZE, membrane_rows
from tomoscribe.evaluation.pictures import A_RGB, B_RGB, busiest, difference, slice_rows
from tomoscribe.evaluation.report import render, write_report
from tomoscribe.evaluation.report_data import Report, ReportClass, ReportSide, sample_of
from tomoscribe.evaluation.score_bytes import encode_scores
from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.picks.table import Pick, PickState
from tomoscribe.project.model import ParticleClass, Region, Role

BIN = 2
RIBOSOME = ParticleClass("ribosome <70S>", 100.0)
PLACES = np.array([[8.5, 16.5, 16.5], [8.5, 40.5, 20.5], [8.5, 40.5, 36.5]])


def heat(heights: list[float]) -> np.ndarray:
    """Return a heatmap, binned twice, with a peak of given height at each place."""
    grid = np.stack(np.indices((8, 32, 24)), axis=-1)
    scores = np.zeros(grid.shape[:3], np.float32)
    for place, top in zip(PLACES, heights, strict=True):
        away = ((grid - (place - 0.5) / BIN) ** 2).sum(-1)
        scores = np.maximum(scores, top * np.exp(-away / 4)).astype(np.float32)
    return scores


def compared(regions: tuple[Region, ...] = ()) -> ComparedSample:
    """Return a tomogram with two clicks, of which A finds one and B both, and one beside."""
    picks = tuple(
        Pick(i, (float(z), float(y), float(x)), RIBOSOME.name)
        for i, (z, y, x) in enumerate(PLACES[:2], 1)
    )
    evidence = Evidence("tomo & co", 10.0, picks, regions)
    sides = {}
    for letter, heights in (("A", [0.9, 0.1, 0.05]), ("B", [0.9, 0.8, 0.6])):
        scores = ClassScores(encode_scores(heat(heights)), BIN)
        proposals = propose(evidence, scores, RIBOSOME, letter)
        judged = judge(evidence, proposals, held_out={1, 2})
        sides[letter] = {RIBOSOME.name: ScoredClass(scores, judged, 0.5)}
    volume = np.random.default_rng(0).normal(size=(16, 64, 48)).astype(np.float32)
    return ComparedSample(evidence, "/data/tomo & co.mrc", Role.VALIDATE, volume, sides)


def report_of(sample: ComparedSample) -> Report:
    judged = {
        letter: Judgement((scored[RIBOSOME.name].judged,))
        for letter, scored in sample.sides.items()
    }
    sides = (
        ReportSide("A", "run/step_000010", (("step", "10"),), (("batch", "8", "patches"),)),
        ReportSide("B", "run/step_000020"),
    )
    one = ReportClass(RIBOSOME.name, 100.0, judged, dict.fromkeys("AB", (0.5, True)))
    rows = tuple(slice_rows(sample, RIBOSOME.name))
    pictures = ((RIBOSOME.name, rows),)
    return Report("p", "today", "0.1", sides, (one,), (sample_of(sample, [RIBOSOME]),), pictures)


class _Tags(HTMLParser):
    """Notes tags that are opened and closed, and every address."""

    VOID = frozenset({"meta", "br", "image", "circle", "path", "rect", "use", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for key, value in attrs if key in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.addresses += [value for key, value in attrs if key in ("href", "src")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, report_of(compared()))
    text = path.read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(text)
    assert not tags.open
    assert len(tags.addresses) == 6  # a ground once, three overlays, two uses of the ground
    assert all(a.startswith(("data:image/png;base64,", "#ground")) for a in tags.addresses)
    assert "http" not in text.replace("http-equiv", "")
    assert "ribosome &lt;70S&gt;" in text
    assert "tomo &amp; co" in text
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_figures_settings_data_and_how_they_were_measured_are_told() -> None:
    text = render(report_of(compared()))
    assert "F1 0.67 at 0.5 · 1 proposed · 1 of 2 found" in text
    assert "F1 at least 0.80 at 0.5 · 3 proposed · 2 of 2 found · 1 not judged yet" in text
    assert "≥ 0.80" in text
    assert "Nothing here is declared complete" in text
    assert "within 50 Å" in text
    assert "2 clicked, 0 accepted, 0 rejected" in text
    assert "batch" in text
    exact = render(report_of(compared((Region((0, 0, 0), (16, 64, 48)),))))
    assert "F1 0.80 at 0.5" in exact
    assert "≥" not in exact
    assert "1 region" in exact
    assert exact.count("<rect class=") == 2  # the region, in the pictures of A and of B
    assert "<rect class=" not in text


def test_pictures_show_the_slice_with_the_particles_and_how_each_stands() -> None:
    (row,) = slice_rows(compared(), RIBOSOME.name)
    assert row.caption in ("tomo & co, slice 9 of 16", "tomo & co, slice 10 of 16")
    a, b, change = row.pictures
    assert [p.title for p in row.pictures] == ["A", "B", "B − A"]
    assert sorted(m.standing for m in a.marks) == [Standing.MATCHED, Standing.MISSED]
    assert sorted(m.standing for m in b.marks) == ["matched", "matched", "not judged"]
    np.testing.assert_allclose((a.marks[0].x, a.marks[0].y), (17, 17), atol=1)
    assert (a.width, a.height) == (48, 64)
    drawn = imagecodecs.png_decode(change.overlay)
    y, x = 40, 36
    assert tuple(drawn[y, x, :3]) == B_RGB
    assert drawn[y, x, 3] > 100
    assert drawn[2, 2, 3] < 10


def test_without_any_position_the_middle_slice_is_shown() -> None:
    assert busiest(np.zeros(0), 40, 10.0) == [20]
    assert busiest(np.array([5.0, 5.0, 30.0, 31.0, 30.0]), 40, 10.0) == [5, 30]


def test_where_a_scores_higher_the_difference_is_blue() -> None:
    picture = difference(np.array([[0.9, 0.0]]), np.array([[0.1, 0.5]]))
    assert tuple(picture[0, 0, :3]) == A_RGB
    assert tuple(picture[0, 1, :3]) == B_RGB
    assert picture[0, 0, 3] > picture[0, 1, 3]


def test_a_membrane_is_drawn_from_both_sides_without_a_display() -> None:
    sheet = membrane(1)
    places = sites(1, 21)[:14]
    away = np.linalg.norm(sheet.mesh.vertices_zyx[:, None] - places[None], axis=2).min(axis=1)
    heights = np.exp(-((away / 3) ** 2)).astype(np.float32)
    scores = ClassScores(encode_scores(heights[None, None]), 1)
    knob = ParticleClass("knob", DIAMETER_A)
    picks = tuple(
        Pick(i, tuple(map(float, p)), "knob", membrane="sheet1") for i, p in enumerate(places, 1)
    )
    surface = Surface(sheet, distance_graph(sheet.mesh))
    evidence = Evidence("sheet1", VOXEL_A, picks, surface=surface)
    judged = judge(evidence, propose(evidence, scores, knob, "A"))
    scored = {"knob": ScoredClass(scores, judged, 0.5)}
    sample = ComparedSample(evidence, "sheet1.h5", Role.TRAIN, None, {"A": scored, "B": scored})
    one, other = membrane_rows(sample, "knob")
    assert len(one.pictures[0].marks) + len(other.pictures[0].marks) >= 14
    drawn = imagecodecs.png_decode(one.pictures[0].ground)
    assert drawn.shape == (SIZE, SIZE, 4)
    covered = drawn[..., 3] > 0
    assert covered[SIZE // 2 - 100 : SIZE // 2 + 100, SIZE // 2 - 100 : SIZE // 2 + 100].all()
    bluest = drawn[..., 2].astype(int) - drawn[..., 0]
    front = one if len(one.pictures[0].marks) > len(other.pictures[0].marks) else other
    image = imagecodecs.png_decode(front.pictures[0].ground)
    for mark in front.pictures[0].marks:
        r, _, b = image[int(mark.y), int(mark.x), :3].astype(int)
        assert b > r
    assert bluest.min() <= 0  # most of it is grey ground


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match="its folder does not exist"):
        write_report(tmp_path / "nowhere" / "r.html", report_of(compared()))
    for folder in (tmp_path, Path()):
        with pytest.raises(TomoscribeError, match="a folder of that name exists"):
            write_report(folder, report_of(compared()))


def test_rejected_and_accepted_proposals_are_counted_apart() -> None:
    sample = compared()
    picks = (
        *sample.evidence.picks,
        Pick(8, (0.0, 0.0, 0.0), RIBOSOME.name, source="run/step"),
        Pick(9, (0.0, 9.0, 0.0), RIBOSOME.name, state=PickState.REJECTED, source="run/step"),
    )
    evidence = Evidence("tomo", 10.0, picks)
    again = ComparedSample(evidence, "x", Role.TRAIN, None, {})
    assert sample_of(again, [RIBOSOME]).counts == ((RIBOSOME.name, 2, 1, 1),)
    assert "<svg" not in render(Report("p", "t", "v", (), (), ()))
