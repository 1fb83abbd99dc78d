from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec
import pytest

from tomoscribe.training.event_log import EventReader, append_bytes, append_event
from tomoscribe.training.events import AnyEvent, Finished, Step, Warning_

STEP = Step(time=1.5, step=3, loss=0.25, learning_rate=1e-3, elapsed_s=2.0, budget_s=9.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_events_come_back_as_they_were(path: Path) -> None:
    events = [STEP, Warning_(time=2, message="µ\nsecond line"), Finished(time=3, reason="stop")]
    for event in events:
        append_event(path, event)
    assert EventReader(path).read_new() == events


def test_only_new_events_are_returned(path: Path) -> None:
    reader = EventReader(path)
    assert reader.read_new() == []
    append_event(path, STEP)
    assert reader.read_new() == [STEP]
    assert reader.read_new() == []


def test_a_torn_last_line_waits_for_its_rest(path: Path) -> None:
    line = msgspec.json.encode(STEP) + b"\n"
    reader = EventReader(path)
    path.write_bytes(line + line[:20])
    assert reader.read_new() == [STEP]
    assert reader.read_new() == []
    append_bytes(path, line[20:])
    assert reader.read_new() == [STEP]


def test_unknown_and_damaged_lines_are_passed_over(path: Path) -> None:
    path.write_bytes(b'{"type":"hologram","time":1}\n{"type":"step"\nnonsense\n\n')
    append_event(path, STEP)
    assert EventReader(path).read_new() == [STEP]


def test_fields_of_a_newer_worker_are_passed_over(path: Path) -> None:
    path.write_bytes(b'{"type":"warning","time":1,"message":"m","colour":"red"}\n')
    assert EventReader(path).read_new() == [Warning_(time=1, message="m")]


def test_append_returns_where_the_data_begin(path: Path) -> None:
    assert append_bytes(path, b"abc") == 0
    assert append_bytes(path, b"de") == 3


def test_a_full_disk_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_event(path, STEP)
    whole = path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    with pytest.raises(OSError, match="space") as caught:
        append_event(path, STEP)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == whole


def test_every_event_type_has_a_tag_of_its_own() -> None:
    tags = [kind.__struct_config__.tag for kind in AnyEvent.__args__]
    assert len(set(tags)) == len(tags) == 14
