"""How a project gets into a viewer: whoever else holds it lets go, and its first tomogram shows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.store import Project
from tomoscribe.ui.drawn_later import drawn_later

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from napari.components import ViewerModel

    from tomoscribe.ui.session import Session

NONE_OPENS = (
    "Put the file back and choose the tomogram again, or open another one; the picks are kept."
)


def take_project(path: Path, others: Iterable[Session]) -> tuple[Project, str]:
    """Open a project, for reading only where it is edited elsewhere; return it and what to say.

    Sessions whose window is closing give it up first.

    Raises
    ------
    TomoscribeError
        If the folder holds no project.
    """
    for other in list(others):
        if other.closing and other.project is not None and other.project.path == path:
            other.close()
    try:
        return Project.open(path), ""
    except TomoscribeError as error:
        return Project.open(path, read_only=True), f"{error} It is shown for reading only."


def show_first(session: Session) -> tuple[bool, str]:
    """Show the first tomogram that can be opened; return whether one can, and what hinders."""
    failures: list[str] = []
    for name in session.project.tomograms if session.project is not None else ():
        try:
            session.set_current(name)
        except TomoscribeError as error:
            failures.append(str(error))
        else:
            said = " ".join([*failures, f"'{name}' is shown instead."]) if failures else ""
            return True, said
    if not failures:
        return False, ""
    more = f" So it is with all {len(failures)} tomograms." if len(failures) > 1 else ""
    return False, f"{failures[0]}{more} {NONE_OPENS}"


def open_again(session: Session) -> None:
    """Open a session's project as it is on disk now, on the tomogram and run that were in view."""
    if session.project is None:
        return
    path, name, run = session.project.path, session.current, session.run
    session.open_project(path)
    if name in session.project.tomograms and name != session.current:
        session.show(name)
    if run is not None and run.exists:
        session.run = run


@contextmanager
def tidied_once(viewer: ViewerModel) -> Iterator[None]:
    """Let napari tidy up and draw once while layers go, not after each of them."""
    with drawn_later(viewer), viewer.layers.batched_update():
        yield
