from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomoscribe.picks.history import History
from tomoscribe.picks.table import Edit, Pick, PickState, PickTable


def test_undo_takes_an_edit_back_and_redo_brings_it_again() -> None:
    table = PickTable()
    history = History(table)
    history.push(table.make_add([[1, 2, 3]], "a"))
    assert history.undo()
    assert len(table) == 0
    assert history.redo()
    assert [p.zyx for p in table] == [(1, 2, 3)]


def test_with_nothing_to_undo_nothing_happens() -> None:
    history = History(PickTable())
    assert not history.can_undo
    assert not history.can_redo
    assert history.undo() is None
    assert history.redo() is None


def test_a_new_edit_forgets_what_was_undone() -> None:
    table = PickTable()
    history = History(table)
    history.push(table.make_add([[1, 1, 1]], "a"))
    history.undo()
    history.push(table.make_add([[2, 2, 2]], "a"))
    assert not history.can_redo


def test_only_the_newest_edits_can_be_undone_and_no_pick_is_lost() -> None:
    table = PickTable()
    history = History(table, depth=2)
    for i in range(5):
        history.push(table.make_add([[i, i, i]], "a"))
    assert [bool(history.undo()) for _ in range(3)] == [True, True, False]
    assert len(table) == 3


def test_an_edit_that_does_not_apply_is_not_remembered() -> None:
    history = History(PickTable())
    with pytest.raises(KeyError):
        history.push(Edit(before=(Pick(7, (0, 0, 0), "a"),)))
    assert not history.can_undo


def test_a_listener_that_fails_does_not_cost_the_undo() -> None:
    table = PickTable()
    history = History(table)

    def fail(edit: Edit) -> None:
        raise RuntimeError("broken view")

    table.changed.connect(fail)
    with pytest.raises(Exception, match="broken view"):
        history.push(table.make_add([[1, 1, 1]], "a"))
    table.changed.disconnect(fail)
    history.undo()
    assert len(table) == 0


@given(st.lists(st.sampled_from(["add", "move", "remove", "undo", "redo"]), max_size=40))
def test_undoing_everything_gives_the_empty_table_and_redoing_the_same_picks(
    steps: list[str],
) -> None:
    table = PickTable()
    history = History(table)
    for i, step in enumerate(steps):
        ids = [p.id for p in table]
        if step == "add" or (step in ("move", "remove") and not ids):
            history.push(table.make_add([[i, 0, 0]], "a"))
        elif step == "move":
            history.push(table.make_change(ids[-1:], zyx=(i, 1.0, 1.0)))
        elif step == "remove":
            history.push(table.make_remove(ids[:1]))
        elif step == "undo":
            history.undo()
        else:
            history.redo()
    while history.redo():
        pass
    state = {p.id: p for p in table}
    while history.undo():
        pass
    assert len(table) == 0
    while history.redo():
        pass
    assert {p.id: p for p in table} == state


def test_the_tally_counts_accepted_picks_by_class_and_membrane_through_every_edit() -> None:
    table = PickTable()
    history = History(table)
    history.push(table.make_add([[1, 1, 1], [2, 2, 2]], "a"))
    assert table.tally == {("a", ""): 2}
    history.push(table.make_add([[3, 3, 3]], "b", membrane="m"))
    history.push(table.make_add([[4, 4, 4]], "b", state=PickState.PROPOSED))
    assert table.tally == {("a", ""): 2, ("b", "m"): 1}
    history.push(table.make_change([4], state=PickState.ACCEPTED))
    history.push(table.make_change([1], class_name="b"))
    history.push(table.make_remove([3]))
    assert table.tally == {("a", ""): 1, ("b", ""): 2}
    while history.undo():
        pass
    assert not table.tally
