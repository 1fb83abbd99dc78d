"""Reviewing with the keyboard: orders, three planes, the running score, junk on rings."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from tests.ui.conftest import PLACES_ZYX
from tests.ui.review.conftest import place

from tomoscribe.picks.table import HUMAN, JUNK, Edit, Pick, PickState
from tomoscribe.ui.annotate.junk import Junk
from tomoscribe.ui.compare.answers import Answers, words_of
from tomoscribe.ui.compare.review_order import Order
from tomoscribe.ui.membranes.mesh_pick_tool import Spot


def choose(panel, order: Order) -> None:
    """Choose an order in the combo, as a user does."""
    index = panel.order.findData(order)
    panel.order.setCurrentIndex(index)
    panel.order.activated.emit(index)


def test_next_shows_the_particle_in_three_planes(compared, process_until) -> None:
    panel = compared.panel
    assert panel.triptych.picture is None
    assert "Press N" in panel.triptych.sentence
    compared.session.actions["next_uncertain"]()
    process_until(lambda: panel.triptych.picture is not None, "the sections")
    picture = panel.triptych.picture
    assert picture.names == ["xy", "xz", "yz"]
    centre = np.rint(place(compared.review)).astype(int)
    middle = picture.images.shape[-1] // 2
    count = compared.session.averaging.count
    thick = compared.session.volume.data[centre[0] - count // 2 : centre[0] + count // 2 + 1]
    expected = np.asarray(thick).mean(axis=0)[centre[1], centre[2]]
    assert abs(picture.images[0, middle, middle] - expected) < 0.5
    assert picture.limits == tuple(compared.session.layer.contrast_limits)
    assert picture.diameter_voxels == 10


def test_the_next_particles_are_read_before_they_are_asked_for(compared, process_until) -> None:
    panel, review = compared.panel, compared.review
    review.next()
    reader = panel.view._reader
    process_until(lambda: panel.triptych.picture is not None, "the sections")
    process_until(lambda: len(reader._kept) == 3, "the next ones")
    before = panel.triptych.picture
    review.next()
    assert panel.triptych.picture is not None  # at once, without another turn of the event loop
    assert panel.triptych.picture is not before


def test_a_click_on_the_planes_hides_the_outline_of_the_scores(
    compared, process_until, qtbot
) -> None:
    panel = compared.panel
    compared.review.next()
    process_until(lambda: panel.triptych.picture is not None, "the sections")
    assert any(panel.triptych.picture.outlines)
    qtbot.mouseClick(panel.triptych, Qt.MouseButton.LeftButton)
    assert not any(panel.triptych.picture.outlines)


def test_the_camera_flies_to_what_is_asked(compared, process_until) -> None:
    compared.session.actions["next_uncertain"]()
    focus = compared.session.focus
    process_until(
        lambda: np.abs(np.subtract(focus().center_zyx, PLACES_ZYX[3])).max() < 2, "the flight"
    )


def test_best_first_begins_with_the_highest_score(compared) -> None:
    choose(compared.panel, Order.BEST)
    compared.session.actions["next_uncertain"]()
    np.testing.assert_allclose(place(compared.review), PLACES_ZYX[1], atol=1.5)
    compared.session.actions["accept"]()
    np.testing.assert_allclose(place(compared.review), PLACES_ZYX[2], atol=1.5)


def test_by_disagreement_only_what_one_checkpoint_proposes_is_asked(
    compared, process_until
) -> None:
    review = compared.review
    choose(compared.panel, Order.DISAGREE)
    process_until(lambda: review._other is not None, "the other side")
    compared.session.actions["next_uncertain"]()
    np.testing.assert_allclose(place(review), PLACES_ZYX[2], atol=1.5)
    compared.session.actions["reject"]()
    np.testing.assert_allclose(place(review), PLACES_ZYX[3], atol=1.5)
    compared.session.actions["accept"]()
    assert review.current is None
    assert "agree on all open proposals" in compared.messages[-1]
    choose(compared.panel, Order.UNSURE)
    process_until(lambda: review._other is None, "one side alone")
    compared.session.actions["next_uncertain"]()
    np.testing.assert_allclose(place(review), PLACES_ZYX[1], atol=1.5)


def test_disagreement_is_not_offered_without_two_sides(session, qtbot) -> None:
    from tomoscribe.ui.compare.compare_dock import CompareDock

    dock = CompareDock(session)
    qtbot.addWidget(dock)
    panel = dock.review_panel
    row = panel.order.findData(Order.DISAGREE)
    assert not panel.order.model().item(row).isEnabled()
    assert "A and B" in panel.order.itemData(row, Qt.ItemDataRole.ToolTipRole)
    dock.show()
    assert not panel.place.isEnabled()
    assert "no scores" in panel.place.toolTip()


def test_x_on_a_ring_rejects_the_proposal_for_all_classes_as_an_answer(compared) -> None:
    review, session = compared.review, compared.session
    assert Junk.of(session).of_ring(Spot(tuple(PLACES_ZYX[2] + (0, 2, 2))))
    (pick,) = session.entry.picks.select(state=PickState.REJECTED)
    assert pick.class_name == JUNK
    assert pick.source.endswith(compared.worker.name)
    np.testing.assert_allclose(pick.zyx, PLACES_ZYX[2], atol=1.5)
    assert Answers.of(session).score.answers.tolist() == [False]
    assert not review.comparison.shown(0.4)[2]
    session.undo()
    assert not session.entry.picks.select(state=PickState.REJECTED)
    assert len(Answers.of(session).score.answers) == 0
    assert not Junk.of(session).of_ring(Spot((8.0, 3.0, 3.0)))


def test_junking_what_is_under_review_goes_on_to_the_next(compared) -> None:
    compared.review.next()
    first = place(compared.review).copy()
    assert Junk.of(compared.session).of_ring(Spot(tuple(first)))
    assert compared.review.current is not None
    assert np.linalg.norm(place(compared.review) - first) > 5


def test_x_means_what_is_under_review_while_the_mouse_is_beside_the_canvas(compared) -> None:
    session = compared.session
    session.actions["next_uncertain"]()
    asked = place(compared.review).copy()
    session.viewer.mouse_over_canvas = False
    Junk.of(session).under_cursor()
    (pick,) = session.entry.picks.select(state=PickState.REJECTED)
    assert pick.class_name == JUNK
    np.testing.assert_allclose(pick.zyx, asked)
    assert Answers.of(session).score.answers.tolist() == [False]


def test_x_on_a_pick_that_a_file_proposed_is_an_answer_too(compared) -> None:
    session = compared.session
    zyx = (8.0, 20.0, 20.0)
    proposed = Pick(900, zyx, "ribosome", 0.5, state=PickState.PROPOSED, source="file.h5")
    session.edit(Edit(after=(proposed,)))
    session.viewer.mouse_over_canvas = True
    session.fly_to(zyx)
    session.viewer.cursor.position = tuple(session.layer.data_to_world(zyx))
    Junk.of(session).under_cursor()
    assert session.entry.picks[900].class_name == JUNK
    assert Answers.of(session).score.answers.tolist() == [False]


def test_each_answer_counts_in_the_running_score_and_undo_takes_it_back(compared) -> None:
    session, words = compared.session, compared.panel.score.words
    assert "No proposal was answered yet" in words.text()
    session.actions["next_uncertain"]()
    session.actions["accept"]()
    session.actions["reject"]()
    assert words.text().startswith("<b>50 %</b> yes in the last 2 (9-91 %)")
    session.undo()
    assert words.text().startswith("<b>100 %</b> yes in the last 1")


def test_what_is_accepted_together_was_not_judged_one_by_one(compared) -> None:
    compared.review.accept_all()
    assert len(Answers.of(compared.session).score.answers) == 0


def answered(ids, times: list[float], yes: list[bool]) -> Edit:
    states = [PickState.ACCEPTED if each else PickState.REJECTED for each in yes]
    return Edit(
        after=tuple(
            Pick(i, (1.0, 2.0, 3.0), "ribosome", 0.5, state=state, source="run/x", answered=when)
            for i, when, state in zip(ids, times, states, strict=True)
        )
    )


def test_answers_of_all_tomograms_count_in_the_order_in_which_they_were_given(session) -> None:
    project, answers = session.project, Answers.of(session)
    one, two = project.tomograms["one"].picks, project.tomograms["two"].picks
    project.edit("one", answered(one.new_ids(2), [100.0, 300.0], [True, True]))
    project.edit("two", answered(two.new_ids(2), [50.0, 200.0], [False, False]))
    assert answers.score.answers.tolist() == [False, True, False, True]
    # A person's own click is no answer to a proposal.
    project.edit("one", Edit(after=(Pick(9, (1, 2, 3), "ribosome", source=HUMAN, answered=400.0),)))
    assert len(answers.score.answers) == 4


def test_the_panel_says_when_more_answers_teach_little(session) -> None:
    project, answers = session.project, Answers.of(session)
    ids = project.tomograms["one"].picks.new_ids(100)
    project.edit("one", answered(ids, [float(i) for i in ids], [i % 20 != 0 for i in range(100)]))
    assert "more answers teach it little" in words_of(answers.score)
