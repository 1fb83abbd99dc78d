from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tomoscribe.picks.journal import Journal, revision
from tomoscribe.picks.table import PickTable

WRITER = """
import sys
from pathlib import Path
from tomoscribe.picks.journal import Journal
from tomoscribe.picks.table import PickTable

table, journal = PickTable(), Journal(Path(sys.argv[1]))
while True:
    edit = table.make_add([[len(table), 0.5, 0.25]] * 3, "ribo")
    journal.append(edit)
    table.apply(edit)
    sys.stdout.write(f"{edit.after[-1].id}\\n")
    sys.stdout.flush()
"""


def start_writer(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX signal")
@pytest.mark.parametrize("acknowledged", [1, 40, 153])
def test_every_acknowledged_edit_is_there_after_kill_9(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "a.jsonl"
    process = start_writer(path)
    assert process.stdout is not None
    try:
        told = [int(process.stdout.readline()) for _ in range(acknowledged)]
    finally:
        process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split("\n") if line.strip().isdigit()]
    process.stdout.close()
    process.wait()
    picks = Journal(path).open().picks
    assert {pick.id for pick in picks} >= set(range(1, told[-1] + 1))
    journal = Journal(path)
    journal.append(picks.make_add([[7, 7, 7]], "ribo"))
    assert 7.0 in {pick.zyx[0] for pick in Journal.replay(path).picks}


def test_a_worker_reads_while_the_viewer_appends(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    path = tmp_path / "a.jsonl"
    process = start_writer(path)
    revisions, counts = [0], [0]

    def read() -> None:
        revisions.append(revision(path))
        contents = Journal.replay(path)
        assert not contents.damaged
        counts.append(len(contents.picks))

    try:
        wait_until(lambda: counts[-1] > 300, 30, "300 picks of the other process", poll=read)
    finally:
        process.kill()
        process.communicate()
    assert revisions == sorted(revisions)
    assert counts == sorted(counts)


def test_a_disk_that_fills_up_in_the_middle_of_a_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "a.jsonl"
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tomoscribe.errors import TomoscribeError\n"
        "from tomoscribe.picks.journal import Journal\n"
        "from tomoscribe.picks.table import PickTable\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))\n"
        "table, journal = PickTable(), Journal(Path(sys.argv[1]))\n"
        "failed = 0\n"
        "for i in range(20):\n"
        "    edit = table.make_add([[i, i, i]], 'ribo')\n"
        "    try:\n"
        "        journal.append(edit)\n"
        "    except TomoscribeError:\n"
        "        failed += 1\n"
        "    table.apply(edit)\n"
        "assert failed, 'the limit was never met'\n"
        "assert Path(sys.argv[1]).read_bytes().endswith(b'\\n')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "journal.flush()\n"
    )
    assert resource is not None
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert [p.zyx[0] for p in Journal.replay(path).picks] == [float(i) for i in range(20)]


def test_ten_thousand_edits_replay(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    table, journal = PickTable(), Journal(path)
    journal.append(table.make_add([[i, i, i] for i in range(10_000)], "ribo"))
    assert len(Journal.replay(path).picks) == 10_000
