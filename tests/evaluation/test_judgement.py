"""What may be concluded from sparse clicks, and what only where all is declared complete."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tasks.sheets import membrane

from tomoscribe.evaluation.judgement import JudgedSample, Judgement, Standing
from tomoscribe.evaluation.judgement_words import best_text, figures_text, how_measured
from tomoscribe.evaluation.known import known_in_volume, known_on_membrane
from tomoscribe.evaluation.proposals import Proposals
from tomoscribe.picks.table import JUNK, Pick, PickState
from tomoscribe.project.model import Region

DIAMETER = 10.0


def at_x(*xs: float) -> np.ndarray:
    """Return positions along x, in voxels."""
    return np.array([[0.0, 0.0, x] for x in xs]).reshape(-1, 3)


def proposals(xs: list[float], scores: list[float]) -> Proposals:
    order = np.argsort([-s for s in scores])
    return Proposals(
        "run/step", "ribosome", DIAMETER, at_x(*xs)[order], np.float32(np.array(scores)[order])
    )


def click(i: int, x: float, state: PickState = PickState.ACCEPTED, name: str = "ribosome") -> Pick:
    return Pick(i, (0.0, 0.0, x), name, state=state)


def region(lo: float, hi: float) -> Region:
    return Region((-5.0, -5.0, lo), (5.0, 5.0, hi))


FOUND = proposals([0, 100, 200, 300], [0.9, 0.8, 0.6, 0.3])


def judged(picks: list[Pick], regions: list[Region] | None = None, **options) -> JudgedSample:
    return JudgedSample(FOUND, known_in_volume(picks, FOUND, regions or [], **options))


def test_without_a_declared_region_extras_are_not_judged_and_f1_is_the_least_it_can_be() -> None:
    verdicts = judged([click(1, 1), click(2, 203), click(3, 400)]).at(0.5)
    assert verdicts.standing.tolist() == [Standing.MATCHED, Standing.OPEN, Standing.MATCHED]
    assert verdicts.missed.tolist() == [2]
    figures = verdicts.figures
    assert not figures.exact
    assert figures.precision == pytest.approx(2 / 3)
    assert figures.recall == pytest.approx(2 / 3)
    assert figures_text(figures) == (
        "F1 at least 0.67 at 0.5 · 3 proposed · 2 of 3 found · 1 not judged yet"
    )


def test_in_a_declared_region_every_extra_is_wrong_and_figures_are_counted_there_alone() -> None:
    # Declared: 50..250. One particle and two proposals lie in it.
    sample = judged([click(1, 1), click(2, 203), click(3, 400)], [region(50, 250)])
    verdicts = sample.at(0.2)
    assert verdicts.standing.tolist() == ["matched", "wrong", "matched", "not judged"]
    figures = verdicts.figures
    assert figures.exact
    assert (figures.right, figures.counted, figures.sought) == (1, 2, 1)
    assert figures.precision == 0.5
    assert (figures.found, figures.clicks) == (2, 3)
    judgement = Judgement((sample,))
    assert judgement.best.f1 == pytest.approx(2 / 3)
    assert best_text(judgement) == "best F1 0.67 at 0.6"
    assert figures_text(figures).startswith("F1 0.67 at 0.2 · 4 proposed · 2 of 3 found")


def test_a_region_of_another_class_declares_nothing() -> None:
    other = Region((-5.0, -5.0, 0.0), (5.0, 5.0, 500.0), ("proteasome",))
    assert not judged([click(1, 1)], [other]).exact


def test_rejected_picks_junk_other_classes_and_doubles_are_certainly_wrong() -> None:
    picks = [
        click(1, 1),
        click(2, 101, PickState.REJECTED),
        click(3, 201, PickState.REJECTED, JUNK),
        click(4, 301, name="proteasome"),
    ]
    verdicts = judged(picks).at(0.0)
    assert verdicts.standing.tolist() == ["matched", "wrong", "wrong", "wrong"]
    twice = proposals([0, 4.5], [0.9, 0.8])
    doubled = JudgedSample(twice, known_in_volume([click(1, 1)], twice)).at(0.0)
    assert doubled.standing.tolist() == ["matched", "wrong"]


def test_proposed_and_far_rejected_picks_say_nothing() -> None:
    picks = [click(1, 1, PickState.PROPOSED), click(2, 150, PickState.REJECTED)]
    verdicts = judged(picks).at(0.0)
    assert set(verdicts.standing) == {"not judged"}
    assert verdicts.figures.clicks == 0


def test_the_curve_agrees_with_the_figures_at_each_threshold() -> None:
    for regions in ([], [region(-10, 250)]):
        judgement = Judgement((judged([click(1, 1), click(2, 203), click(3, 400)], regions),))
        curve = judgement.curve
        for threshold, precision, recall, f1 in zip(
            curve.thresholds, curve.precision, curve.recall, curve.f1, strict=True
        ):
            figures = judgement.at(float(threshold))
            assert (figures.precision, figures.recall) == pytest.approx((precision, recall))
            assert figures.f1 == pytest.approx(f1)
    assert [judgement.count(t) for t in (0.0, 0.3, 0.31, 0.9, 0.95)] == [4, 4, 3, 1, 0]


def test_samples_are_counted_together_and_declared_ones_alone_where_there_are_any() -> None:
    sparse = judged([click(1, 1), click(2, 400)])
    exact = judged([click(1, 1)], [region(-10, 150)])
    together = Judgement((sparse, sparse)).at(0.5)
    assert (together.proposed, together.found, together.clicks, together.open) == (6, 2, 4, 4)
    mixed = Judgement((sparse, exact)).at(0.5)
    assert mixed.exact
    assert (mixed.right, mixed.counted, mixed.sought) == (1, 2, 1)
    assert mixed.clicks == 3
    assert Judgement((sparse, exact)).curve.f1[-1] == pytest.approx(2 / 3)


def test_clicks_where_nothing_is_computed_are_not_missed() -> None:
    sample = judged([click(1, 1), click(2, 400)], computed=lambda zyx: zyx[:, 2] < 350)
    assert len(sample.at(0.5).missed) == 0
    assert "1 pick where nothing is computed yet" in how_measured(Judgement((sample,)))


def test_what_the_training_saw_is_told() -> None:
    picks = [click(1, 1), click(2, 400)]
    unknown, held, mixed = (judged(picks, held_out=ids) for ids in (None, {1, 2}, {2}))
    assert "not known which of the picks" in how_measured(Judgement((unknown,)))
    assert "never saw these picks" in how_measured(Judgement((held,)))
    assert "saw 1 of the 2 picks" in how_measured(Judgement((mixed,)))
    figures = mixed.at(0.5).figures
    assert (figures.held_out, figures.held_out_found) == (1, 0)


def test_accepted_proposals_are_told_apart_from_clicks() -> None:
    lent = Pick(1, (0.0, 0.0, 1.0), "ribosome", source="run/step_000010")
    assert "1 pick accepted from proposals" in how_measured(Judgement((judged([lent]),)))


def test_without_picks_or_without_proposals_there_are_figures_but_no_best() -> None:
    nothing = Judgement((judged([]),))
    assert nothing.best is None
    assert nothing.at(0.5).f1 == 0
    assert "nothing to judge by" in how_measured(nothing)
    assert "no accepted picks" in figures_text(nothing.at(0.5))
    none = proposals([], [])
    empty = Judgement((JudgedSample(none, known_in_volume([click(1, 1)], none)),))
    assert empty.at(0.5).recall == 0
    assert len(empty.curve.f1) == 0
    assert Judgement(()).at(0.5).proposed == 0


def test_on_a_membrane_the_other_face_is_far_and_patches_declare_their_face_alone() -> None:
    sheet = membrane(1)
    vertices, normals = sheet.mesh.vertices_zyx, sheet.normals_zyx
    count = len(vertices) // 2
    middle = count // 2
    above, below = middle, middle + count  # 5 voxels apart, half of the diameter
    both = np.array([above, below])
    found = Proposals(
        "r/s", "knob", DIAMETER, vertices[both], np.float32([0.9, 0.8]), normals[both], "sheet1"
    )
    z, y, x = vertices[above].tolist()
    on_top = Pick(1, (z, y, x), "knob", membrane="sheet1")  # a pick without a normal
    elsewhere = Pick(2, (z, y, x), "knob", membrane="another")
    complete = np.zeros(len(vertices), bool)
    complete[:count] = True
    sample = JudgedSample(found, known_on_membrane([on_top, elsewhere], found, sheet, complete))
    verdicts = sample.at(0.5)
    assert verdicts.standing.tolist() == ["matched", "not judged"]
    assert verdicts.figures.clicks == 1
    assert (verdicts.figures.right, verdicts.figures.counted) == (1, 1)
    flipped = known_on_membrane([on_top], found, sheet, ~complete)
    assert JudgedSample(found, flipped).at(0.5).standing.tolist() == ["matched", "wrong"]


def test_the_best_pairs_count_not_the_first_come() -> None:
    # The better proposal lies between both particles, and takes the farther one for itself.
    found = proposals([4, -4], [0.9, 0.8])
    known = known_in_volume([click(1, 0), click(2, 8)], found)
    assert JudgedSample(found, known).at(0.5).figures.found == 2
