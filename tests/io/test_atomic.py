"""A file is either whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path, write_text_atomic


def _write_half(path: Path, error: Exception) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error


def test_text_is_replaced_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text_atomic(path, "old")
    write_text_atomic(path, "new Å\n")
    assert path.read_text(encoding="utf-8") == "new Å\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stop"):
        _write_half(path, RuntimeError("stop"))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "no space is left"), (errno.EROFS, "read-only"), (errno.EACCES, "not allowed")],
)
def test_refusals_of_the_disk_are_sentences(tmp_path, number, words):
    with pytest.raises(TomoscribeError, match=rf"Cannot write .*a\.txt: .*{words}"):
        _write_half(tmp_path / "a.txt", OSError(number, os.strerror(number)))
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(TomoscribeError, match="folder does not exist"):
        write_text_atomic(tmp_path / "no" / "a.txt", "text")


def test_temporary_file_keeps_the_suffix_and_the_folder(tmp_path):
    with atomic_path(tmp_path / "a.star") as temporary:
        assert temporary.suffix == ".star"
        assert temporary.parent == tmp_path
        temporary.write_text("x")


def test_other_file_that_is_missing_is_not_blamed_on_ours(tmp_path):
    with pytest.raises(FileNotFoundError):
        _write_half(tmp_path / "a.txt", FileNotFoundError(errno.ENOENT, "gone", "other"))
    assert list(tmp_path.iterdir()) == []
