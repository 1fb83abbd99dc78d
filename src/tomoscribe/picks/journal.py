"""Append-only autosave of one tomogram's picks, regions and patches, which no kill can hurt.

Each edit is one line, written by a single system call and synced to the disk
before it counts as saved. The first line holds a base, so that base + file size
grows with every edit even when the file is written anew (`revision`).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.picks.journal_lines import (
    Box,
    EditLine,
    HeaderLine,
    Line,
    PatchesLine,
    RegionsLine,
    Stroke,
    decode_line,
    edit_line,
    encode_line,
    pick_of_row,
    row_of_pick,
)
from tomoscribe.picks.table import Pick, PickTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.picks.table import Edit

COMPACT_LINES = 20_000
"""A journal with fewer lines opens in under 0.1 s and is left alone."""
COMPACT_RATIO = 4
"""Lines for each living pick from which on rewriting pays."""
_HEADER_BYTES = 4096


@dataclass
class JournalContents:
    """What a journal says.

    Parameters
    ----------
    picks : PickTable
        The picks after all edits.
    boxes : tuple of Box
        The annotated regions.
    strokes : tuple of Stroke
        The annotated patches of membranes, in the order in which they were painted.
    lines : int
        Complete lines read, header included.
    damaged : list of str
        Lines in the middle that could not be read.
    torn : str
        What a crash left of the last line; empty if the file ends as it should.
    notes : list of str
        Sentences for the user about what was repaired.
    """

    picks: PickTable = field(default_factory=PickTable)
    boxes: tuple[Box, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    lines: int = 0
    damaged: list[str] = field(default_factory=list)
    torn: str = ""
    notes: list[str] = field(default_factory=list)


class Journal:
    """Writer of one journal. Only one process may write a journal; any number may read it.

    Parameters
    ----------
    path : Path
        The `.jsonl` file; made by the first edit.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._outstanding: list[bytes] = []

    @property
    def outstanding(self) -> int:
        """Number of edits that are not on the disk yet, because writing failed."""
        return len(self._outstanding)

    @property
    def outstanding_bytes(self) -> int:
        """Size of what is not on the disk yet."""
        return sum(len(line) for line in self._outstanding)

    @staticmethod
    def replay(path: Path) -> JournalContents:
        """Read a journal; a file that does not exist is an empty one.

        Safe while another process appends: a torn last line is reported, not applied.

        Raises
        ------
        TomoscribeError
            If the file cannot be read, or was written by a newer version.
        """
        return _replay(path, _read(path))

    def open(self) -> JournalContents:
        """Read the journal for writing: repair what a crash left, compact it when it is very long.

        Lines that cannot be read are kept in a `.damaged` file beside the journal.

        Raises
        ------
        TomoscribeError
            If the file cannot be read. One that cannot be repaired is used as it is, with a note.
        """
        contents = self.replay(self.path)
        lost = [*contents.damaged, *([contents.torn] if contents.torn else [])]
        long = contents.lines > COMPACT_LINES and contents.lines > COMPACT_RATIO * len(
            contents.picks
        )
        if not lost and not long:
            return contents
        try:
            if lost:
                _append_bytes(self.path.with_suffix(".damaged"), _lines_of(lost), headed=False)
            self._rewrite(contents)
        except (OSError, TomoscribeError) as error:
            contents.notes.append(
                f"Cannot repair {self.path}: its picks are used as they are ({error})."
            )
        if contents.damaged:
            contents.notes.append(
                f"{_lines(len(contents.damaged))} of {self.path} could not be read, kept in "
                f"{self.path.with_suffix('.damaged').name}, all other picks are here."
            )
        return contents

    def append(self, edit: Edit) -> None:
        """Write an edit; return when it is on the disk.

        Raises
        ------
        TomoscribeError
            If it cannot be written. The edit stays outstanding and is written with the next one.
        """
        self._append(edit_line(edit))

    def append_regions(self, boxes: Iterable[Box]) -> None:
        """Write all annotated regions, which replace the former ones.

        Raises
        ------
        TomoscribeError
            If they cannot be written; they stay outstanding.
        """
        self._append(RegionsLine(boxes=list(boxes)))

    def append_strokes(self, keep: int, added: Iterable[Stroke]) -> None:
        """Write the patches anew: the first `keep` strokes so far, then those that are added.

        Raises
        ------
        TomoscribeError
            If they cannot be written; they stay outstanding.
        """
        self._append(PatchesLine(keep=keep, add=list(added)))

    def flush(self) -> None:
        """Write what is outstanding.

        Raises
        ------
        TomoscribeError
            If it cannot be written; nothing half-written stays.
        """
        if not self._outstanding:
            return
        try:
            _append_bytes(self.path, b"".join(self._outstanding))
        except OSError as error:
            count = len(self._outstanding)
            edits = "the last edit" if count == 1 else f"the last {count} edits"
            raise TomoscribeError(
                f"Cannot save {edits} to {self.path} ({error.strerror or error}): kept in memory, "
                "and written with "
                "the next edit; free space or make the folder writable."
            ) from error
        self._outstanding.clear()

    def _append(self, line: Line) -> None:
        self._outstanding.append(encode_line(line))
        self.flush()

    def _rewrite(self, contents: JournalContents) -> None:
        header = HeaderLine(base=revision(self.path), next_id=contents.picks.new_ids(0).start)
        lines = [encode_line(header)]
        if contents.boxes:
            lines.append(encode_line(RegionsLine(boxes=list(contents.boxes))))
        if contents.strokes:
            lines.append(encode_line(PatchesLine(add=list(contents.strokes))))
        if len(contents.picks):
            lines.append(encode_line(EditLine(set=[row_of_pick(p) for p in contents.picks])))
        with atomic_path(self.path) as temporary:
            Path(temporary).write_bytes(b"".join(lines))


def revision(path: Path) -> int:
    """Return a number that grows with every edit of a journal; 0 where there is none.

    Reads the first line only, so that a worker may ask between two steps.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except OSError:
        return 0
    first = decode_line(head.partition(b"\n")[0])
    return size + (first.base if isinstance(first, HeaderLine) else 0)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise TomoscribeError(
            f"Cannot read the picks in {path} ({error.strerror or error})."
        ) from error


def _replay(path: Path, content: bytes) -> JournalContents:
    picks: dict[int, Pick] = {}
    next_id = 1
    result = JournalContents()
    *complete, tail = content.split(b"\n")
    if decode_line(tail) is not None:
        # Only its end is missing: the edit is whole.
        complete, tail = [*complete, tail], b""
    for raw in complete:
        line = decode_line(raw)
        if line is None:
            if raw.strip():
                result.damaged.append(raw.decode(errors="surrogateescape"))
            continue
        result.lines += 1
        if isinstance(line, RegionsLine):
            result.boxes = tuple(line.boxes)
        elif isinstance(line, PatchesLine):
            result.strokes = (*result.strokes[: line.keep], *line.add)
        elif isinstance(line, HeaderLine):
            _check_version(path, line)
            next_id = max(next_id, line.next_id)
        else:
            # Lenient on purpose: an edit after a damaged line still does all it can.
            for pick_id in line.remove:
                picks.pop(pick_id, None)
            for row in line.set:
                picks[row.id] = pick_of_row(row)
                next_id = max(next_id, row.id + 1)
    result.torn = tail.decode(errors="surrogateescape")
    result.picks = PickTable(_picks=picks, _next_id=next_id)
    return result


def _check_version(path: Path, header: HeaderLine) -> None:
    if header.version > HeaderLine.VERSION:
        raise TomoscribeError(
            f"{path} was written by a newer tomoscribe: install that version to open it."
        )


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _lines_of(texts: Iterable[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode(errors="surrogateescape")


def _append_bytes(path: Path, payload: bytes, *, headed: bool = True) -> None:
    """Append in one piece, or not at all: a failed write is cut off again."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        end = os.fstat(descriptor).st_size
        is_new = end == 0
        if is_new and headed:
            payload = encode_line(HeaderLine()) + payload
        elif not is_new:
            os.lseek(descriptor, end - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":
                payload = b"\n" + payload
        try:
            written = os.write(descriptor, payload)
            while written < len(payload):
                written += os.write(descriptor, payload[written:])
            os.fsync(descriptor)
        except OSError:
            # Where even this fails, the next append closes the torn line; replay keeps it aside.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
    if is_new:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable, on the systems that can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
