from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_error
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.training import provenance
from tomoscribe.training.clock import TrainingClock
from tomoscribe.training.failures import HALF_BATCH, explain
from tomoscribe.training.run import RunFolder

LIGHT = (
    "config control devices event_log events failures follow launch previews process provenance",
    "queue reporter run status steering turn worker",
)


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


def wrapped(error: OSError) -> TomoscribeError:
    return caused(str(write_error("/runs/a/events.jsonl", error)), error)


def caused(sentence: str, cause: Exception) -> TomoscribeError:
    told = TomoscribeError(sentence)
    told.__cause__ = cause
    return told


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (TomoscribeError("There is no pick."), "data", "There is no pick."),
        (MemoryError(), "oom", "memory of cpu was not enough"),
        (OutOfMemoryError("CUDA"), "oom", "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "oom", "memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "oom", "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk", "no space left"),
        (wrapped(OSError(errno.ENOSPC, "No space left")), "disk", "events.jsonl: no space is left"),
        (wrapped(OSError(errno.EROFS, "Read-only", "/x")), "disk", "the disk is read-only"),
        (caused("a.h5 is cut off.", OSError("truncated file")), "data", "a.h5 is cut off."),
        (caused("a.pt is damaged.", KeyError("x")), "data", "a.pt is damaged."),
        (ValueError("shape\n(1, 2)"), "internal", "(ValueError: shape (1, 2))"),
    ],
)
def test_every_error_is_one_sentence_of_a_kind(
    run: RunFolder, error: Exception, kind: str, words: str
) -> None:
    failed = explain(error, run, 12, "cpu")
    assert failed.kind == kind
    assert words in failed.message
    assert "\n" not in failed.message
    assert (failed.hint == HALF_BATCH) == (kind == "oom")


def test_all_but_the_callbacks_is_imported_without_torch_and_qt() -> None:
    modules = ", ".join(f"tomoscribe.training.{name}" for name in " ".join(LIGHT).split())
    heavy = "{'torch', 'lightning', 'qtpy', 'napari'}"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_the_clock_leaves_out_pauses_and_counts_what_a_parent_used() -> None:
    time = iter([0.0, 4.0, 10.0, 11.0, 12.0, 14.0, 20.0, 20.0])
    clock = TrainingClock(30.0, elapsed_s=15.0, now=lambda: next(time))
    assert clock.elapsed_s == 15.0
    clock.start()
    with clock.pause():  # 4 to 10
        pass
    assert clock.here_s == 5.0  # at 11
    with clock.spend("previews"):  # 12 to 14
        pass
    assert clock.spent("previews") == 2.0
    assert clock.elapsed_s == 15.0 + 20.0 - 6.0
    assert not clock.over  # 29 s of 30


def test_data_hashes_see_a_changed_volume_and_changed_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(b"x" * 3000)

    def hashes(role: Role) -> str:
        sample = TrainingSample("a", str(path), 10.0, role)
        return provenance.data_hashes(TrainingData((sample,), ()))["a"]

    first = hashes(Role.TRAIN)
    assert hashes(Role.TRAIN) == first
    assert hashes(Role.VALIDATE) != first
    path.write_bytes(b"x" * 2999 + b"y")
    assert hashes(Role.TRAIN) != first


def test_versions_name_what_the_result_depends_on() -> None:
    assert {"python", "torch", "numpy", "tomoscribe"} <= provenance.versions().keys()
