"""Plays the storyboard in the real viewer and takes the pictures of the documentation.

`python -m docs.make_screenshots` (with a display, or under `xvfb-run`) makes the sample project,
clicks, trains, compares, reviews, exports, and writes `docs/images/*.png`.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from docs.storyboard import CLICKS, FLOWS, Storyboard
from qtpy.QtWidgets import QApplication

from tomoscribe.simulate.project import make_sample_project
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    import napari

WINDOW = (1600, 1000)
SMALL = (1280, 800)


@contextmanager
def viewer_on(project: Path, size: tuple[int, int] = WINDOW) -> Iterator[napari.Viewer]:
    """Open a project in a viewer of `size` pixels; close both afterwards."""
    viewer = open_viewer()
    session = Session.of(viewer)
    try:
        window = viewer.window._qt_window
        window.resize(*size)
        window.activateWindow()  # only the active one gets keys
        QApplication.processEvents()
        session.open_project(project)
        QApplication.processEvents()
        viewer.reset_view()
        yield viewer
    finally:
        RunMonitor.of(session).close()
        session.close_project()
        viewer.close()
        QApplication.processEvents()


def picture_of_page(page: Path, picture: Path) -> None:
    """Take a picture of an HTML page, if there is a browser that can do it without a window."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        typer.echo(f"There is no Chromium to take {picture.name} with.")
        return
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--hide-scrollbars",
        "--window-size=1000,1250",
    ]
    command += [f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def main(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path(__file__).parent
    / "images",
    max_minutes: Annotated[float, typer.Option(help="Training time in minutes.")] = 2.0,
    preset: Annotated[str, typer.Option(help="Sample: particles, or tiny for a trial.")] = (
        "particles"
    ),
    clicks: Annotated[int, typer.Option(help="Particles that are clicked.")] = CLICKS,
    small: Annotated[bool, typer.Option("--small", help="A window of 1280 × 800.")] = False,
    flows: Annotated[list[str] | None, typer.Argument(help="Some of the flows.")] = None,
) -> None:
    """Take the pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "sample"
        make_sample_project(project, preset=preset).close()
        with viewer_on(project, SMALL if small else WINDOW) as viewer:
            story = Storyboard(viewer, out, max_minutes, clicks)
            for flow in flows or FLOWS:
                typer.echo(flow)
                story.play(flow)
                page = story.compare.actions_row.report.path
                if flow == "report" and page is not None:
                    picture_of_page(page, out / "report_page.png")
    for path in story.hands.shots:
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
