"""The storyboard as named flows, played on the sample project with real mouse and key events.

`make_screenshots.py` plays them for the pictures of the documentation, the tests play them to see
whether each still leads where a user wants to go. A flow raises `TomoscribeError` when something
does not come by its deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari._qt.dialogs.preferences_dialog import PreferencesDialog
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QScrollArea, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.compare.compare_actions import CompareActions
from tomoscribe.ui.compare.judge import Judge
from tomoscribe.ui.compare.next_place import ALL_SEEN
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.demo_drive import STEP_S, WORKER_S, Drive
from tomoscribe.ui.keys_overlay import KeysOverlay
from tomoscribe.ui.project.project_dock import ProjectDock
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.runs.runs_dock import RunsDock
from tomoscribe.ui.tour.tour import Tour

if TYPE_CHECKING:
    from pathlib import Path

    import napari

FLOWS = (
    "project",
    "annotate",
    "train",
    "compare",
    "blink",
    "side_by_side",
    "difference",
    "play",
    "judge",
    "report",
    "threshold",
    "review",
    "label_next",
    "use_model",
    "continue_training",
    "sweep",
    "runs",
    "export",
    "preferences",
    "keys",
    "tour",
)
"""In the order in which they are played: each begins where the one before has ended."""

CLICKS = 20


class Storyboard(Drive):
    """Plays the first five minutes and what comes after, one flow at a time.

    Parameters
    ----------
    viewer : napari.Viewer
        Shown, with our docks, on a sample project without clicks.
    out : Path
        Folder of the pictures, one or a few a flow, and of the export.
    max_minutes : float
        Training time.
    clicks : int
        Particles that are clicked.
    settings : dict, optional
        Settings of the training that are not the default.
    """

    def __init__(
        self,
        viewer: napari.Viewer,
        out: Path,
        max_minutes: float,
        clicks: int = CLICKS,
        settings: dict[str, object] | None = None,
    ) -> None:
        super().__init__(viewer, out, max_minutes, clicks, numbered=False)
        for name, value in (settings or {}).items():
            self.train.others.set_value(name, value)
        self.sides = Sides.of(self.session)
        self.review = self.compare.review

    def play(self, flow: str) -> None:
        """Play one of `FLOWS`."""
        getattr(self, f"play_{flow}")()

    def play_project(self) -> None:
        """Look at what is in the project."""
        self.hands.raise_dock("Project")
        dock = self._dock(ProjectDock)
        self.hands.wait(lambda: dock.model.rowCount() > 0, "the list of tomograms", STEP_S)
        self.hands.screenshot("project")

    def play_annotate(self) -> None:
        """Click particles, and see the answer to them."""
        self.hands.raise_dock("Annotate")
        self.annotate()

    def play_train(self) -> None:
        """Press Train and watch until the end."""
        self.start_training()
        self.watch()

    def play_compare(self) -> None:
        """Look at the first and the last checkpoint at the same spot."""
        self.compare_checkpoints()

    def play_blink(self) -> None:
        """See A and B in turn."""
        self._mode("U", "blink")
        letter = self.sides.letter_in_view
        self.hands.wait(lambda: self.sides.letter_in_view != letter, "the other side", STEP_S)
        self.hands.screenshot("blink")
        self.hands.key("U")

    def play_side_by_side(self) -> None:
        """See A and B side by side."""
        self._mode("Shift+U", "side_by_side")
        self.hands.settle(4.0)  # its parts come one after another, B's proposals last
        self.hands.screenshot("side_by_side")
        self.hands.key("Shift+U")

    def play_difference(self) -> None:
        """See where B scores higher than A."""
        self._mode("I", "difference")
        self.hands.settle(2.0)
        self.hands.screenshot("difference")
        self.hands.key("I")

    def play_play(self) -> None:
        """Watch it learn again, from the oldest preview to the newest."""
        bar = self.compare.sides_panel.checkpoints
        self.hands.key("Shift+K")
        self.hands.wait(lambda: bar.slider.value() >= bar.slider.maximum() // 2, "half", WORKER_S)
        self.hands.screenshot("play")
        self.hands.wait(lambda: not bar.play.isChecked(), "the newest", WORKER_S)

    def play_judge(self) -> None:
        """Unfold how good A and B are, and step to what they missed."""
        panel = self.compare.judgement_panel
        self.hands.click(panel.fold)
        self.hands.wait(lambda: Judge.of(self.session).verdicts() is not None, "figures", STEP_S)
        self.hands.click(panel.matches.coloured)
        self.hands.key("F")
        self._scroll_to(panel.fold)
        self.hands.screenshot("judge")
        self.hands.click(panel.matches.coloured)

    def play_report(self) -> None:
        """Write the page for the lab book."""
        report = self.compare.actions_row.report
        self.hands.click(report.write)
        self.hands.wait(lambda: report.path is not None, "the report", WORKER_S)
        self._scroll_to(report.written)
        self.hands.screenshot("report")
        self.hands.click(self.compare.judgement_panel.fold)

    def play_threshold(self) -> None:
        """Drag the threshold up and down."""
        histogram = self.compare.proposals_panel.histogram
        suggested = histogram.threshold
        for share in (0.8, 0.3):
            self.hands.press_at(histogram, share)
        self.hands.screenshot("threshold")
        histogram.set_threshold(suggested)

    def play_review(self) -> None:
        """Answer proposals with keys alone."""
        self.hands.wait(lambda: self.review.comparison is not None, "proposals", STEP_S)
        self.hands.key("N")
        for key in ("G", "H", "G"):
            answered = sum(self.review.counts())
            self.hands.key(key)
            self.hands.wait(lambda: sum(self.review.counts()) > answered, "an answer", STEP_S)  # noqa: B023
        self.hands.screenshot("review")

    def play_label_next(self) -> None:
        """Fly to where a label tells most, or be told that there is no such place."""
        unsure = self.compare.review_panel.show_unsure
        unsure.click()
        said: list[str] = []
        self.session.status_message.connect(said.append)
        before = self._looked_at()
        self.hands.key("L")
        self.hands.wait(
            lambda: self._looked_at() != before or ALL_SEEN in said, "a place to label", STEP_S
        )
        self.session.status_message.disconnect(said.append)
        self.hands.screenshot("label_next")
        unsure.click()

    def play_use_model(self) -> None:
        """Make the checkpoint in view the project's model."""
        self._choose_kept()
        self.hands.click(self._dock(CompareActions).model.use)
        project = self.session.project
        self.hands.wait(lambda: project and project.model is not None, "the model", STEP_S)
        self.hands.screenshot("use_model")

    def play_continue_training(self) -> None:
        """Go on from the checkpoint in view with the answers, then stop."""
        self._choose_kept()
        first = self.monitor.run
        self.hands.click(self.compare.actions_row.go_on)
        self.hands.wait(lambda: self.monitor.run != first, "another run", STEP_S)
        self.hands.wait(lambda: self.monitor.record.block_counts, "its first heatmap", WORKER_S)
        self.hands.screenshot("continue_training")
        self.hands.click(self._dock(RunStrip).stop)
        self.hands.wait(lambda: not self.monitor.alive, "the end of the training", WORKER_S)

    def play_sweep(self) -> None:
        """Look at what a sweep would train; nothing is started."""
        self.hands.raise_dock("Train")
        fold, row = self.train.sweep_fold, self.train.sweep
        fold.expand(animate=False)
        self._scroll_to(row.said)
        self.hands.screenshot("sweep")
        fold.collapse(animate=False)

    def play_runs(self) -> None:
        """Look at all runs."""
        self.hands.raise_dock("Train")
        self.hands.click(self.train.runs.all)
        self.hands.wait(
            lambda: self.hands.window.findChild(RunsDock) is not None, "the table", STEP_S
        )
        self.hands.settle(2.0)
        self.hands.screenshot("runs")

    def play_export(self) -> None:
        """Write the picks as STAR."""
        self.hands.raise_dock("Compare")
        self.export()

    def play_preferences(self) -> None:
        """Look at what holds for all projects."""
        dialog = PreferencesDialog(parent=self.hands.window)
        pages = dialog._list
        [page] = pages.findItems("tomoscribe", Qt.MatchFlag.MatchExactly)
        pages.setCurrentItem(page)
        dialog.show()
        self.hands.screenshot_of(dialog, "preferences")
        dialog.close()

    def play_keys(self) -> None:
        """Show all keys, and take them away."""
        self.hands.key("?")
        card = self.hands.window.findChild(KeysOverlay)
        self.hands.wait(card.isVisible, "the keys", STEP_S)
        self.hands.screenshot("keys")
        self.hands.key("Esc")

    def play_tour(self) -> None:
        """Begin the guided tour, look at one step, and end it."""
        self.session.actions["take_tour"]()
        tour = self.hands.window.findChild(Tour)
        if tour is None:
            raise TomoscribeError("The tour did not begin.")
        self.hands.screenshot("tour")
        self.hands.click(tour.card.end)

    def _looked_at(self) -> tuple[float, ...]:
        """Return where the camera looks, and the slice."""
        viewer = self.hands.viewer
        return (*viewer.scene.camera.center, *viewer.dims.point)

    def _scroll_to(self, widget: QWidget) -> None:
        """Bring a part of a dock into sight, at the top where that can be."""
        parent = widget.parentWidget()
        while parent is not None and not isinstance(parent, QScrollArea):
            parent = parent.parentWidget()
        if parent is None:
            raise TomoscribeError("What should be in the picture lies in no dock that scrolls.")
        self.hands.settle()
        bar, inside = parent.verticalScrollBar(), parent.widget()
        if bar is not None and inside is not None:
            bar.setValue(widget.mapTo(inside, QPoint()).y())

    def _mode(self, key: str, mode: str) -> None:
        self.hands.raise_dock("Compare")
        self.hands.wait(lambda: self.sides.why_not_two is None, "two checkpoints", STEP_S)
        self.hands.key(key)
        self.hands.wait(lambda: self.sides.mode == mode, mode, STEP_S)

    def _choose_kept(self) -> None:
        """Bring a checkpoint into view whose weights were kept: the best one."""
        self.hands.raise_dock("Compare")
        bar = self.compare.sides_panel.checkpoints
        kept = [stop for stop in bar.checkpoints if stop.path is not None]
        if not kept:
            raise TomoscribeError("The training kept no checkpoint.")
        bar.show_checkpoint(kept[-1].name)
        self.hands.wait(lambda: self.sides.file_in_view is not None, "its weights", STEP_S)
