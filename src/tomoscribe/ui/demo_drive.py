"""The demo without hands: clicks, training, comparison, review and export in the real viewer."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from qtpy.QtWidgets import QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.proposals import SAME
from tomoscribe.io.pick_files import read_picks
from tomoscribe.picks.match import precision_recall_f1
from tomoscribe.simulate.case import read_truth
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.demo_hands import Hands
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.train_dock import TrainDock

if TYPE_CHECKING:
    from pathlib import Path

    import napari
    from numpy.typing import NDArray

    from tomoscribe.ui.export_dialog import ExportDialog

JITTER_VOXELS = 1.0
"""Standard deviation of the clicks' errors along y and x."""

STEP_S = 20.0
"""Deadline of anything that a user would call immediate."""

WORKER_S = 120.0
"""Deadline of the first block: importing PyTorch on a busy machine takes half a minute."""

VALIDATE = "sample_validate"

Dock = TypeVar("Dock", bound=QWidget)


@dataclass
class Summary:
    """What the demo measured; seconds are from pressing Train."""

    clicks: int = 0
    first_block_s: float = 0.0
    first_block_after_start_s: float = 0.0
    steps: int = 0
    checkpoints: int = 0
    f1: float = 0.0
    precision: float = 0.0
    recall: float = 0.0
    written: str = ""
    pictures: list[Path] = field(default_factory=list)
    exported: list[Path] = field(default_factory=list)

    def rows(self) -> list[tuple[str, str]]:
        """Return lines for the terminal."""
        return [
            ("clicks", f"{self.clicks} in one tomogram"),
            ("first heatmap block", f"{self.first_block_s:.1f} s after pressing Train"),
            ("", f"{self.first_block_after_start_s:.1f} s after the worker was up"),
            ("training", f"{self.steps} steps, {self.checkpoints} checkpoints compared"),
            ("F1 on the other tomogram", f"{self.f1:.2f} at the tool's threshold"),
            ("", f"precision {self.precision:.2f}, recall {self.recall:.2f}"),
            ("export", self.written),
        ]


class Drive:
    """Plays a user's first five minutes."""

    def __init__(
        self,
        viewer: napari.Viewer,
        out: Path,
        max_minutes: float,
        clicks: int,
        *,
        numbered: bool = True,
    ) -> None:
        self.hands = Hands(viewer, out, numbered=numbered)
        self.session = self.hands.session
        self.monitor = RunMonitor.of(self.session)
        self.out = out
        self.max_minutes = max_minutes
        self.clicks = clicks
        self.summary = Summary(pictures=self.hands.shots)
        self.train = self._dock(TrainDock)
        self.compare = self._dock(CompareDock)

    def run(self) -> Summary:
        """Play it.

        Raises
        ------
        TomoscribeError
            If anything does not come by its deadline.
        """
        self.annotate()
        self.start_training()
        self.watch()
        self.compare_checkpoints()
        self.review_proposals()
        self.export()
        self.judge()
        return self.summary

    def annotate(self) -> None:
        """Click particles of the target class, shallow ones first."""
        entry = self.session.entry
        if entry is None:
            raise TomoscribeError("The sample project shows no tomogram.")
        truth = self._truth(entry.name)
        generator = np.random.default_rng(0)
        chosen = truth[generator.permutation(len(truth))[: self.clicks]]
        for place in chosen[np.argsort(chosen[:, 0])]:
            before = len(entry.picks)
            shift = np.array([0.0, *generator.normal(0, JITTER_VOXELS, 2)])
            self.hands.click_voxel(np.clip(place + shift, 1, np.array(self._shape()) - 2))
            self.hands.wait(lambda: len(entry.picks) > before, "a click to become a pick", STEP_S)  # noqa: B023
        self.summary.clicks = len(entry.picks)
        self.hands.raise_dock("Annotate")
        self.hands.screenshot("annotate")
        self.hands.wait(lambda: self.monitor.feed.layer.visible, "the instant heatmap", 60)
        self.hands.screenshot("instant_answer")

    def start_training(self) -> None:
        """Press Train and wait for the first block of the heatmap."""
        self.hands.raise_dock("Train")
        self.train.details.expand(animate=False)
        self.train.first.set_value("max_minutes", self.max_minutes)
        self.hands.settle()
        pressed = time.time()
        self.hands.click(self.train.train)
        self.hands.wait(
            lambda: self.monitor.record.block_counts, "the first block of the heatmap", WORKER_S
        )
        self.summary.first_block_s = time.time() - pressed
        started = self.monitor.record.started
        if started is not None:
            self.summary.first_block_after_start_s = time.time() - started.time
        self.hands.screenshot("first_heatmap")

    def watch(self) -> None:
        """Look at the training half way, and wait for its end."""
        budget = 60 * self.max_minutes

        def half_way() -> bool:
            step = self.monitor.record.last_step
            return not self.monitor.alive or (step is not None and step.elapsed_s > budget / 2)

        self.hands.wait(half_way, "half of the training", budget + WORKER_S)
        self.train.details.collapse(animate=False)
        self.hands.screenshot("training")
        self.hands.wait(lambda: not self.monitor.alive, "the end of the training", budget + 90)
        record = self.monitor.record
        if record.failed is not None:
            raise TomoscribeError(f"The training failed: {record.failed.message}")
        self.summary.steps = 0 if record.last_step is None else record.last_step.step

    def compare_checkpoints(self) -> None:
        """Look at the first and the last checkpoint at the same spot."""
        self.hands.raise_dock("Compare")
        bar = self.compare.sides_panel.checkpoints
        self.hands.wait(lambda: len(bar.checkpoints) > 1, "two checkpoints to compare", STEP_S)
        self.summary.checkpoints = len(bar.checkpoints)
        for side, stop in (("a", bar.checkpoints[0]), ("b", bar.checkpoints[-1])):
            bar.show_checkpoint(stop.name)
            self._await_proposals(stop.name)
            self.hands.screenshot(f"compare_{side}")

    def review_proposals(self) -> None:
        """Move the threshold, answer three proposals, accept all above."""
        histogram, review = self.compare.proposals_panel.histogram, self.compare.review
        suggested = histogram.threshold
        for share in (0.8, 0.2):
            self.hands.press_at(histogram, share)
        self.hands.screenshot("threshold")
        histogram.set_threshold(suggested)
        self.hands.click(self.compare.review_panel.next)
        answers = self.compare.review_panel
        for button in (answers.accept, answers.reject, answers.accept):
            answered = sum(review.counts())
            self.hands.click(button)
            self.hands.wait(lambda: sum(review.counts()) > answered, "an answer", STEP_S)  # noqa: B023
        self.hands.screenshot("review")
        self.hands.click(self.compare.proposals_panel.accept_all)
        self.hands.screenshot("accepted")

    def export(self) -> None:
        """Write the picks as STAR through the dialog."""
        dialog: ExportDialog = self.compare.actions_row.show_export()
        dialog.folder.setText(str(self.out / "export"))
        self.hands.click(dialog.write)
        self.hands.wait(lambda: not dialog.busy, "the written files", STEP_S)
        self.hands.screenshot_of(dialog, "export")
        self.summary.exported = sorted((self.out / "export").rglob("*.star"))
        self.summary.written = dialog.outcome.text().splitlines()[0]
        dialog.close()
        if not self.summary.exported:
            raise TomoscribeError(f"The export wrote nothing: {self.summary.written}")

    def judge(self) -> None:
        """Predict the tomogram without clicks by command line, and compare with its truth."""
        run, project = self.monitor.run, self.session.project
        if run is None or project is None:
            raise TomoscribeError("There is no training to judge.")
        entry, folder = project.tomograms[VALIDATE], self.out / "prediction"
        command = [sys.executable, "-c", "from tomoscribe.cli.main import main; main()", "predict"]
        command += [str(run.best_checkpoint()), str(entry.path), "--out", str(folder)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=WORKER_S, check=False
        )
        if done.returncode:
            raise TomoscribeError(f"tomoscribe predict failed: {done.stderr.strip()[-300:]}")
        found = read_picks(next(folder.rglob("*.csv")))
        radius = SAME * project.classes[0].diameter_A / entry.voxel_size_A
        self.summary.precision, self.summary.recall, self.summary.f1 = precision_recall_f1(
            found.zyx, self._truth(VALIDATE), radius
        )

    def _await_proposals(self, checkpoint: str) -> None:
        review = self.compare.review

        def there() -> bool:
            proposals = review.proposals
            return proposals is not None and proposals.source.endswith(f"/{checkpoint}")

        self.hands.wait(there, f"the proposals of {checkpoint}", STEP_S)

    def _truth(self, tomogram: str) -> NDArray[np.float64]:
        project = self.session.project
        if project is None:
            raise TomoscribeError("The sample project is not open.")
        return read_truth(project.path / "truth" / f"{tomogram}.csv")[project.classes[0].name]

    def _shape(self) -> tuple[int, ...]:
        volume = self.session.volume
        if volume is None:
            raise TomoscribeError("The sample project shows no tomogram.")
        return tuple(volume.shape_zyx)

    def _dock(self, kind: type[Dock]) -> Dock:
        found = self.hands.window.findChild(kind)
        if found is None:
            raise TomoscribeError(f"The viewer has no {kind.__name__}.")
        return found
