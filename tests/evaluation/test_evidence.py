"""From scores and picks to a judgement, on tomograms and on membranes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tasks.sheets import DIAMETER_A, VOXEL_A, membrane, sites

from tomoscribe.evaluation.evidence import ClassScores, Computed, Evidence, Surface, judge, propose
from tomoscribe.evaluation.score_bytes import encode_scores
from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.picks.table import Pick
from tomoscribe.project.model import ParticleClass

BIN = 2
PLACES = np.array([[8.5, 16.5, 16.5], [8.5, 40.5, 20.5]])


def click(i: int, place: np.ndarray, name: str, **fields: object) -> Pick:
    z, y, x = (float(v) for v in place)
    return Pick(i, (z, y, x), name, **fields)


def bumps() -> np.ndarray:
    """Return a heatmap, binned twice, with a peak at each place."""
    grid = np.stack(np.indices((8, 32, 24)), axis=-1)
    scores = np.zeros(grid.shape[:3], np.float32)
    for place in PLACES:
        away = ((grid - (place - 0.5) / BIN) ** 2).sum(-1)
        scores = np.maximum(scores, 0.9 * np.exp(-away / 4)).astype(np.float32)
    return scores


@pytest.mark.parametrize(("computed", "missed", "left_out"), [(True, 1, 0), (False, 0, 1)])
def test_a_click_is_missed_only_where_scores_are_known(
    computed: bool, missed: int, left_out: int
) -> None:
    picks = (click(1, PLACES[0], "ribosome"), click(2, np.array([8.0, 60.0, 40.0]), "ribosome"))
    known = np.ones((8, 32, 24), bool)
    known[:, 25:] = computed
    evidence = Evidence("one", 10.0, picks)
    found = ClassScores(encode_scores(bumps()), BIN)
    proposals = propose(evidence, found, ParticleClass("ribosome", 100.0), "run/step")
    np.testing.assert_allclose(np.sort(proposals.zyx, axis=0), np.sort(PLACES, axis=0), atol=0.6)
    sample = judge(evidence, proposals, Computed(known, BIN), held_out={1})
    verdicts = sample.at(0.5)
    assert (verdicts.figures.found, verdicts.figures.open) == (1, 1)
    assert len(verdicts.missed) == missed
    assert sample.known.not_computed == left_out
    assert verdicts.figures.held_out_found == 1


def test_scores_of_a_membrane_are_judged_by_its_own_picks_and_patches() -> None:
    sheet = membrane(1)
    places = sites(1, 21)[:2]
    vertices = sheet.mesh.vertices_zyx
    away = np.linalg.norm(vertices[:, None] - places[None], axis=2).min(axis=1)
    scores = np.exp(-((away / 3) ** 2)).astype(np.float32)
    scores[len(scores) // 2 :] = 0  # the other face is thin away, and has none
    complete = np.ones(len(scores), bool)
    picks = (
        click(1, places[0], "knob", membrane="sheet1"),
        click(2, places[1], "knob", membrane="another"),
    )
    surface = Surface(sheet, distance_graph(sheet.mesh), complete)
    evidence = Evidence("sheet1", VOXEL_A, picks, surface=surface)
    found = ClassScores(encode_scores(scores[None, None]), 1)
    proposals = propose(evidence, found, ParticleClass("knob", DIAMETER_A), "run/step")
    figures = judge(evidence, proposals).at(0.5).figures
    assert (figures.proposed, figures.found, figures.clicks, figures.wrong) == (2, 1, 1, 1)
    assert figures.f1 == pytest.approx(2 / 3)
    nothing = Computed(np.zeros((1, 1, len(scores)), bool), 1)
    assert judge(evidence, proposals, nothing).known.not_computed == 1
