"""What is annotated in one tomogram: picks with their undo, regions, patches, and their journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.history import History, check_applies
from tomoscribe.picks.journal import Journal
from tomoscribe.picks.journal_lines import Box, Stroke
from tomoscribe.project.file import journal_path
from tomoscribe.project.model import Patch, Region
from tomoscribe.project.names import free_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tomoscribe.picks.journal import JournalContents
    from tomoscribe.picks.table import Edit
    from tomoscribe.project.model import TomogramEntry


class Annotations:
    """The annotations of one tomogram, saved with every change.

    A change that cannot be saved is made in memory all the same, then `TomoscribeError` tells.

    Parameters
    ----------
    project : Path
        Folder of the project.
    entry : TomogramEntry
        The tomogram; its picks, regions and patches are filled from the journal.
    read_only : bool
        Whether nothing may be written, not even a repair.
    """

    def __init__(self, project: Path, entry: TomogramEntry, *, read_only: bool) -> None:
        self._entry = entry
        self._journal = Journal(journal_path(project, entry.name))
        path = self._journal.path
        contents = Journal.replay(path) if read_only else self._journal.open()
        self.notes = contents.notes
        entry.picks = contents.picks
        entry.regions = regions_of(contents)
        entry.patches = patches_of(contents)
        self.history = History(entry.picks)

    @property
    def outstanding(self) -> int:
        """Number of changes that are not on the disk yet."""
        return self._journal.outstanding

    @property
    def outstanding_bytes(self) -> int:
        """Size of what is not on the disk yet."""
        return self._journal.outstanding_bytes

    def flush(self) -> None:
        """Write what is outstanding."""
        self._journal.flush()

    def edit(self, edit: Edit, tell: Callable[[Edit], None]) -> None:
        """Save an edit of the picks, apply it, then `tell` of it.

        Raises
        ------
        KeyError
            If the edit changes or removes a pick that is not there.
        """
        check_applies(self._entry.picks, edit)
        self._step(edit, lambda: self.history.push(edit), tell)

    def undo(self, tell: Callable[[Edit], None]) -> bool:
        """Take the last edit back, `tell` of it, and return whether there was one."""
        return self._step(self.history.next_undo, self.history.undo, tell)

    def redo(self, tell: Callable[[Edit], None]) -> bool:
        """Bring the last undone edit back, `tell` of it, and return whether there was one."""
        return self._step(self.history.next_redo, self.history.redo, tell)

    def set_regions(self, regions: Iterable[Region]) -> None:
        """Replace the annotated regions."""
        self._entry.regions = list(regions)
        boxes = [Box(r.lo_zyx, r.hi_zyx, r.class_names) for r in self._entry.regions]
        self._journal.append_regions(boxes)

    def set_patches(self, patches: Iterable[Patch]) -> None:
        """Replace the annotated patches; only the strokes that differ are written."""
        before, after = self._entry.patches, list(patches)
        pairs = zip(before, after, strict=False)
        keep = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before), len(after)))
        if keep == len(before) == len(after):
            return
        self._entry.patches = after
        self._journal.append_strokes(keep, map(_stroke, after[keep:]))

    def set_aside(self) -> None:
        """Give the journal a name that says that its tomogram was removed."""
        self.flush()
        source = self._journal.path
        if not source.exists():
            return
        taken = {p.stem for p in source.parent.glob("*.jsonl")}
        try:
            source.rename(source.with_name(f"{free_name(f'{source.stem}.removed', taken)}.jsonl"))
        except OSError as error:
            raise TomoscribeError(
                f"Cannot set {source} aside ({error.strerror or error})."
            ) from error

    def _step(
        self, edit: Edit | None, apply: Callable[[], object], tell: Callable[[Edit], None]
    ) -> bool:
        if edit is None:
            return False
        failure = None
        # Saved before it is shown: no listener's failure can cost the click.
        try:
            self._journal.append(edit)
        except TomoscribeError as error:
            failure = error
        apply()
        tell(edit)
        if failure is not None:
            raise failure
        return True


def regions_of(contents: JournalContents) -> list[Region]:
    """Return the regions that a journal holds."""
    return [Region(b.lo, b.hi, b.classes) for b in contents.boxes]


def patches_of(contents: JournalContents) -> list[Patch]:
    """Return the patches that a journal holds."""
    return [Patch(s.membrane, s.center, s.radius, s.erase) for s in contents.strokes]


def _stroke(patch: Patch) -> Stroke:
    # NumPy's scalars get in through positions that were computed; JSON knows Python's alone.
    z, y, x = (float(v) for v in patch.center_zyx)
    return Stroke(patch.membrane, (z, y, x), float(patch.radius), bool(patch.erase))
