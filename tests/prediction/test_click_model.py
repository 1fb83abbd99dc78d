"""The two Gaussians of the click model, and what each click scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tomoscribe.prediction.click_model import ClickModel, fit_clicks, fit_gaussian
from tomoscribe.prediction.instant_features import FeatureMaps

FEATURES = 3
PLACES = np.array([(3, 4, 5), (6, 12, 9), (9, 8, 14), (4, 15, 3)], dtype=float)


@pytest.fixture
def maps() -> FeatureMaps:
    """Return noise in which every place of `PLACES` has the same high features."""
    rng = np.random.default_rng(0)
    raw = rng.standard_normal((FEATURES, 12, 20, 20)).astype(np.float16)
    background = raw.reshape(FEATURES, -1).T.astype(np.float32)
    for z, y, x in PLACES.astype(int):
        raw[:, z, y, x] = (4, 5, 4)
    return FeatureMaps(raw, 1, background)


def test_score_is_the_ratio_of_the_two_normal_densities(maps: FeatureMaps) -> None:
    rng = np.random.default_rng(1)
    whitening = maps.whitening()
    target = fit_gaussian(rng.standard_normal((9, FEATURES)).astype(np.float32) + 2)
    raw = rng.standard_normal((20, FEATURES)).astype(np.float32)
    white = (raw - whitening.mean) @ whitening.matrix
    clicked = multivariate_normal(target.mean, np.linalg.inv(target.precision)).logpdf(white)
    background = multivariate_normal(np.zeros(FEATURES)).logpdf(white)
    found = ClickModel(whitening, target).score(raw)
    np.testing.assert_allclose(found, clicked - background, atol=1e-3)


def test_few_clicks_keep_the_backgrounds_spread() -> None:
    same = np.full((2, FEATURES), 3, np.float32)
    np.testing.assert_allclose(fit_gaussian(same, prior=2).precision, 2 * np.eye(FEATURES))


def test_places_like_the_clicks_score_highest(maps: FeatureMaps) -> None:
    model, _ = fit_clicks(maps, PLACES[:3], np.zeros((0, 3)))
    scores = model.score_maps(maps)
    best = np.argsort(scores.ravel())[-len(PLACES) :]
    found = np.stack(np.unravel_index(best, scores.shape), axis=1)
    assert {tuple(p) for p in found} == {tuple(p) for p in PLACES.astype(int)}


def test_a_click_is_scored_by_the_others(maps: FeatureMaps) -> None:
    odd = np.array([[6.0, 3.0, 3.0]])
    maps.raw[:, 6, 3, 3] = (-6, 6, -6)
    model, scores = fit_clicks(maps, np.concatenate([PLACES, odd]), np.zeros((0, 3)))
    assert scores[-1] < model.score(maps.at(odd))[0]
    assert scores[-1] < scores[:-1].min()


def test_accepted_proposals_teach_but_are_not_scored(maps: FeatureMaps) -> None:
    alone, few = fit_clicks(maps, PLACES[:2], np.zeros((0, 3)))
    taught, scores = fit_clicks(maps, PLACES[:2], PLACES[2:])
    assert len(few) == len(scores) == 2
    assert isinstance(taught, ClickModel)
    assert not np.array_equal(alone.target.precision, taught.target.precision)
