"""Renaming a class with everything that carries its name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.project.model import Region
    from tomoscribe.project.store import Project


def rename_class(project: Project, old: str, new: str) -> None:
    """Rename a class with its picks and regions in all tomograms, and in what undo brings back.

    The new class is there before the first pick moves, and the old one goes when none has it any
    more: wherever a crash or a full disk interrupts this, each pick has a class.

    Raises
    ------
    TomoscribeError
        If the name is empty or taken, nothing may be edited, or something cannot be saved; what
        could be changed is changed in memory then, and saved with the next edit that can be.
    """
    classes = project.classes
    index = next((i for i, c in enumerate(classes) if c.name == old), None)
    if index is None or not new or new in {c.name for c in classes}:
        raise TomoscribeError(f"'{new}' is no free class name; '{old}' stays.")
    renamed = replace(classes[index], name=new)
    failures: list[TomoscribeError] = []

    def attempt(change: Callable[[], object]) -> None:
        try:
            change()
        except TomoscribeError as error:
            failures.append(error)

    attempt(lambda: project.set_classes([*classes[: index + 1], renamed, *classes[index + 1 :]]))
    if renamed not in project.classes:
        raise failures[0]
    for name in project.tomograms:
        attempt(lambda name=name: _rename_in(project, name, old, new))  # type: ignore[misc]
    if not any(entry.picks.select(class_name=old) for entry in project.tomograms.values()):
        attempt(lambda: project.set_classes([c for c in project.classes if c.name != old]))
    if failures:
        raise failures[0]


def _rename_in(project: Project, name: str, old: str, new: str) -> None:
    entry = project.tomograms[name]
    if any(old in region.class_names for region in entry.regions):
        project.set_regions(name, [_renamed(region, old, new) for region in entry.regions])
    ids = [pick.id for pick in entry.picks.select(class_name=old)]
    try:
        if ids:
            project.edit(name, entry.picks.make_change(ids, class_name=new))
    finally:
        # Also where no pick has the class now: an undo may bring one back.
        if not entry.picks.select(class_name=old):
            project.history(name).rename_class(old, new)


def _renamed(region: Region, old: str, new: str) -> Region:
    return replace(region, class_names=tuple(new if n == old else n for n in region.class_names))
