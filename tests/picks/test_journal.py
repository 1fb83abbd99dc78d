from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks import journal as journal_module
from tomoscribe.picks.journal import Journal, revision
from tomoscribe.picks.journal_lines import Box, pick_of_row, row_of_pick
from tomoscribe.picks.table import Pick, PickState, PickTable


def write(journal: Journal, table: PickTable, edit: object) -> None:
    journal.append(edit)  # type: ignore[arg-type]
    table.apply(edit)  # type: ignore[arg-type]


def filled(path: Path, count: int = 3) -> PickTable:
    table, journal = PickTable(), Journal(path)
    for i in range(count):
        write(journal, table, table.make_add([[i, i + 0.1, i + 1 / 3]], "ribo"))
    return table


def test_what_was_written_is_read_again_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table, journal = filled(path), Journal(path)
    write(journal, table, table.make_change([2], state=PickState.REJECTED, score=1 / 3))
    write(journal, table, table.make_remove([1]))
    write(journal, table, table.make_change([3], normal_zyx=(0.0, 0.6, 0.8), angle_deg=12.5))
    again = Journal.replay(path).picks
    assert [row_of_pick(p) for p in again] == [row_of_pick(p) for p in table]


def test_numpy_numbers_are_written_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table, journal = filled(path), Journal(path)
    write(journal, table, table.make_change([1], zyx=tuple(np.float32([1, 2, 3.5]))))
    assert Journal.replay(path).picks[1].zyx == (1.0, 2.0, 3.5)


def test_a_file_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    contents = Journal.replay(tmp_path / "none.jsonl")
    assert len(contents.picks) == 0
    assert revision(tmp_path / "none.jsonl") == 0


def test_regions_survive(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    boxes = [Box((0, 0, 0), (5, 6, 7), ("ribo",)), Box((1.5, 2, 3), (4, 5, 6))]
    Journal(path).append_regions([boxes[0]])
    Journal(path).append_regions(boxes)
    assert Journal.replay(path).boxes == tuple(boxes)


def test_an_id_is_never_used_again_even_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table, journal = filled(path), Journal(path)
    write(journal, table, table.make_remove([3]))
    assert Journal.replay(path).picks.make_add([[0, 0, 0]], "ribo").after[0].id == 4


@pytest.mark.parametrize("cut", range(1, 70, 7))
def test_a_torn_last_line_costs_only_the_edit_in_flight(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.jsonl"
    filled(path)
    content = path.read_bytes()
    last = content[:-1].rfind(b"\n") + 1
    path.write_bytes(content[: last + cut] if last + cut < len(content) - 1 else content[:last])
    assert [p.id for p in Journal.replay(path).picks] == [1, 2]


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    filled(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert len(Journal.replay(path).picks) == 3


def test_opening_repairs_a_torn_line_and_keeps_it_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table = filled(path)
    with path.open("ab") as file:
        file.write(b'{"type":"edit","set":[{"id":4,"zy')
    before = revision(path)
    journal = Journal(path)
    assert len(journal.open().picks) == 3
    assert '"id":4' in path.with_suffix(".damaged").read_text()
    assert revision(path) > before
    write(journal, table, table.make_add([[9, 9, 9]], "ribo"))
    contents = Journal.replay(path)
    assert len(contents.picks) == 4
    assert not contents.torn
    assert not contents.damaged


def test_an_edit_appended_behind_a_torn_line_is_safe(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table = filled(path)
    with path.open("ab") as file:
        file.write(b'{"type":"edit","se')
    write(Journal(path), table, table.make_add([[9, 9, 9]], "ribo"))
    assert len(Journal.replay(path).picks) == 4


def test_a_damaged_line_in_the_middle_is_told_and_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    filled(path)
    lines = path.read_bytes().split(b"\n")
    lines[2] = b"\x00\xff garbage"
    path.write_bytes(b"\n".join(lines))
    contents = Journal(path).open()
    assert [p.id for p in contents.picks] == [1, 3]
    assert "1 line of" in contents.notes[0]
    assert b"\xff garbage" in path.with_suffix(".damaged").read_bytes()
    again = Journal(path).open()
    assert [p.id for p in again.picks] == [1, 3]
    assert not again.notes


def test_a_change_of_a_pick_that_was_on_a_damaged_line_still_brings_it_back(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table, journal = filled(path), Journal(path)
    write(journal, table, table.make_change([2], class_name="other"))
    lines = path.read_bytes().split(b"\n")
    lines[2] = b"garbage"
    path.write_bytes(b"\n".join(lines))
    assert Journal.replay(path).picks[2].class_name == "other"


def test_a_newer_format_is_refused_by_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"type":"journal","version":99,"base":0,"next_id":1}\n')
    with pytest.raises(TomoscribeError, match="newer tomoscribe"):
        Journal.replay(path)


def test_the_revision_grows_with_every_edit_and_through_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "COMPACT_LINES", 10)
    path = tmp_path / "a.jsonl"
    table, journal = PickTable(), Journal(path)
    seen = [revision(path)]
    write(journal, table, table.make_add([[0, 0, 0]], "ribo"))
    journal.append_regions([Box((0, 0, 0), (1, 1, 1))])
    for i in range(30):
        write(journal, table, table.make_change([1], zyx=(float(i), 0.0, 0.0)))
        seen.append(revision(path))
    lines = path.read_bytes().count(b"\n")
    contents = Journal(path).open()
    seen.append(revision(path))
    assert path.read_bytes().count(b"\n") < lines
    assert contents.picks[1].zyx == (29.0, 0.0, 0.0)
    again = Journal.replay(path)
    assert again.picks[1].zyx == (29.0, 0.0, 0.0)
    assert again.boxes == contents.boxes
    assert seen == sorted(set(seen))


def test_a_full_disk_loses_nothing_and_the_next_edit_writes_all(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    path = tmp_path / "a.jsonl"
    path.symlink_to("/dev/full")
    table, journal = PickTable(), Journal(path)
    for i in (1, 2):
        edit = table.make_add([[i, i, i]], "ribo")
        with pytest.raises(TomoscribeError, match="kept in memory"):
            journal.append(edit)
        table.apply(edit)
    assert journal.outstanding == 2
    path.unlink()
    write(journal, table, table.make_add([[3, 3, 3]], "ribo"))
    assert journal.outstanding == 0
    assert [p.zyx for p in Journal.replay(path).picks] == [p.zyx for p in table]


def test_a_write_that_breaks_off_half_way_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    table, journal = filled(path), Journal(path)
    content = path.read_bytes()
    real = os.write
    calls = []

    def breaks(descriptor: int, payload: bytes) -> int:
        calls.append(payload)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(descriptor, payload[:10])

    edit = table.make_add([[1, 1, 1]], "ribo")
    monkeypatch.setattr(os, "write", breaks)
    with pytest.raises(TomoscribeError, match="No space left"):
        journal.append(edit)
    monkeypatch.undo()
    assert path.read_bytes() == content
    journal.flush()
    assert len(Journal.replay(path).picks) == 4


def test_a_journal_that_cannot_be_repaired_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    filled(path)
    with path.open("ab") as file:
        file.write(b"torn")

    def refuse(*args: object, **kwargs: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(journal_module.os, "open", refuse)
    contents = Journal(path).open()
    assert len(contents.picks) == 3
    assert "Cannot repair" in contents.notes[0]


finite = st.floats(allow_nan=False, allow_infinity=False)
points = st.tuples(finite, finite, finite)


@given(
    st.builds(
        Pick,
        id=st.integers(1, 10**9),
        zyx=points,
        class_name=st.text(min_size=1),
        score=finite,
        normal_zyx=st.none() | points,
        angle_deg=finite,
        state=st.sampled_from(PickState),
        source=st.text(),
    )
)
def test_any_pick_comes_back_as_it_was(pick: Pick) -> None:
    assert pick_of_row(row_of_pick(pick)) == pick


@given(st.data())
def test_cutting_the_file_anywhere_keeps_a_prefix_of_the_edits(data: st.DataObject) -> None:
    table = PickTable()
    lines = [journal_module.encode_line(journal_module.HeaderLine())]
    for i in range(4):
        edit = table.make_add([[i, i, i]], "ribo")
        table.apply(edit)
        lines.append(journal_module.encode_line(journal_module.edit_line(edit)))
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    contents = journal_module._replay(Path("x"), content[:cut])
    whole = content[:cut].count(b"\n") - 1
    assert [p.id for p in contents.picks][: max(whole, 0)] == list(range(1, max(whole, 0) + 1))
    assert len(contents.picks) <= max(whole, 0) + 1
    assert not contents.damaged


def test_when_a_proposal_was_answered_survives_and_older_journals_open(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table, journal = filled(path), Journal(path)
    before = path.read_bytes()
    assert b"answered" not in before  # files of clicks are as they always were
    write(journal, table, table.make_change([2], state=PickState.REJECTED, answered=1.75e9))
    assert [p.answered for p in Journal.replay(path).picks] == [None, 1.75e9, None]
    path.write_bytes(before)
    assert [p.answered for p in Journal.replay(path).picks] == [None] * 3


def test_lines_with_fields_of_a_newer_version_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"type":"edit","set":[{"id":1,"zyx":[1,2,3],"class":"ribo","novel":5}]}\n')
    assert Journal.replay(path).picks[1].zyx == (1.0, 2.0, 3.0)
