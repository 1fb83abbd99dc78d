"""A project open for reading follows what its editor, another process, writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.picks.journal import Journal, revision
from tomoscribe.picks.table import Edit
from tomoscribe.project.annotations import patches_of, regions_of
from tomoscribe.project.file import journal_path, project_revision, read_project_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tomoscribe.picks.table import Pick, PickTable
    from tomoscribe.project.model import Patch, Region
    from tomoscribe.project.store import Project


@dataclass(frozen=True)
class Change:
    """How a tomogram's annotations differ from those in memory: an edit of its picks, the rest."""

    edit: Edit
    regions: list[Region]
    patches: list[Patch]


@dataclass(frozen=True)
class News:
    """What is on disk and not in memory.

    Parameters
    ----------
    changes : mapping of str to Change
        By tomogram.
    reopen : bool
        Tomograms, membranes, classes, roles or the model differ: only opening again shows that.
    """

    changes: Mapping[str, Change]
    reopen: bool = False


class Follower:
    """Follows one project. `look` reads and may be called in a thread; `take` changes the project.

    Parameters
    ----------
    project : Project
        Open for reading: nobody but `take` changes it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._revision = -1
        self._seen: dict[str, int] = {}

    def look(self) -> News | None:
        """Return what is new; None where nothing is.

        Costs one short read a tomogram while nothing changes.

        Raises
        ------
        TomoscribeError
            If the project cannot be read any more.
        """
        project = self._project
        now = project_revision(project.path)
        if now == self._revision:
            return None
        if read_project_file(project.path).revision != project.file_revision:
            return News({}, reopen=True)
        changes: dict[str, Change] = {}
        for name, entry in project.tomograms.items():
            path = journal_path(project.path, name)
            written = revision(path)
            if written != self._seen.get(name):
                # What is written between both reads is read once more the next time.
                contents = Journal.replay(path)
                edit = difference(entry.picks, contents.picks)
                changes[name] = Change(edit, regions_of(contents), patches_of(contents))
                self._seen[name] = written
        self._revision = now
        return News(changes)

    def take(self, news: News) -> None:
        """Bring the changes of annotations into the project, and announce them."""
        project = self._project
        for name, change in news.changes.items():
            entry = project.tomograms[name]
            if change.edit != Edit():
                entry.picks.apply(change.edit)
                project.picks_changed.emit(name, change.edit)
            if change.regions != entry.regions:
                entry.regions = change.regions
                project.regions_changed.emit(name)
            if change.patches != entry.patches:
                entry.patches = change.patches
                project.patches_changed.emit(name)


def difference(before: PickTable, after: PickTable) -> Edit:
    """Return the edit that makes one table of the other, by the ids of the picks."""

    def others(picks: Iterable[Pick], than: PickTable) -> tuple[Pick, ...]:
        return tuple(p for p in picks if p.id not in than or than[p.id] != p)

    return Edit(others(before, after), others(after, before))
