"""The plan's choices are told in words, rounded as people write numbers."""

from __future__ import annotations

from tomoscribe.ui.runs.plan_words import plan_lines


def test_choices_are_told_in_words_and_what_holds_nothing_is_left_out() -> None:
    plan = {
        "dimension": "2d",
        "window_zyx": [1, 128, 128],
        "voxel_size_zyx_nm": [50.0, 4.0, 4.125],
        "steps_zyx": [[1, 2, 2], [1, 2, 2]],
        "net_options": {},
        "kinds": ["foreground", "contour"],
        "softmax": False,
        "distance_scale": 6.18852164181066,
        "learning_rate": 0.0001,
        "steps": None,
    }
    assert plan_lines(plan, {"dimension": "the image has 10 sections only"}) == [
        "dimension: 2d (the image has 10 sections only)",
        "window, z y x: 1 × 128 × 128",
        "voxel size, z y x in nm: 50 × 4 × 4.12",
        "voxels that each level takes together, z y x: 1 × 2 × 2, 1 × 2 × 2",
        "maps of each class: foreground, contour",
        "classes exclude each other: no",
        "pixels at which the distance map is 1: 6.19",
        "learning rate: 0.0001",
        "most steps: as many as the time allows",
    ]
