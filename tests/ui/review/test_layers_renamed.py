"""Layers that the user gives other names stay what they are."""

from __future__ import annotations

import numpy as np
from tests.ui.conftest import PLACES_ZYX

from tomoscribe.ui.compare.uncertainty_layer import UncertaintyLayer


def test_layers_of_other_names_go_on_and_have_no_second(
    compared, session, edit_of, process_until
) -> None:
    layers, uncertainty = session.viewer.layers, UncertaintyLayer.of(session)
    proposals = layers["proposals"]
    for layer in layers:
        layer.name = f"{layer.name} of mine"
    uncertainty.switch(True)  # lies on the heatmap, by whatever name
    process_until(lambda: uncertainty.layer is not None, "the uncertainty")
    uncertainty.layer.name = "doubt"
    compared.review.set_threshold(0.85)
    assert np.count_nonzero(proposals.shown) == len(
        compared.review.comparison.shown(0.85).nonzero()[0]
    )
    session.edit(edit_of(PLACES_ZYX[1:2]))
    process_until(lambda: len(session.picks.layer.data) == 2, "the pick")
    assert session.focus() is not None
    session.set_current("two")
    session.set_current("one")
    process_until(lambda: not compared.review.busy, "proposals again")
    kinds = ("tomogram", "heatmap", "proposals", "picks", "doubt", "uncertainty")
    counts = {kind: sum(kind in layer.name for layer in layers) for kind in kinds}
    assert counts == dict.fromkeys(kinds[:5], 1) | {"uncertainty": 0}
