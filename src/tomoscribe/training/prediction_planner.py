"""Which piece of which wished prediction comes next, and what is said of it."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import torch

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_error
from tomoscribe.tasks.base import Focus
from tomoscribe.training.events import Loaded, Refused, Scores
from tomoscribe.training.failures import is_out_of_memory
from tomoscribe.training.known_blocks import take_over
from tomoscribe.training.pick_lists import list_picks
from tomoscribe.training.prediction_disk import prune
from tomoscribe.training.preview_job import PreviewJob
from tomoscribe.training.previews import assemble, decode_scores

if TYPE_CHECKING:
    from tomoscribe.training.prediction_device import PredictionDevice
    from tomoscribe.training.prediction_folder import PredictionControl, PredictionFolder, Wish
    from tomoscribe.training.prediction_models import Model, PredictionModels
    from tomoscribe.training.reporter import Reporter

MOST_JOBS = 4
"""Predictions under way: those that are interrupted go on where they were."""


class _Job:
    """A prediction under way: its preview, its model, and the parts in view still to be made."""

    def __init__(self, preview: PreviewJob, model: Model) -> None:
        self.preview = preview
        self.model = model
        self.parts: list[Focus] = []
        self.answered: Focus | None = None


class PredictionPlanner:
    """Makes predictions piece by piece.

    Between two pieces it looks at the wishes anew. What is in view comes first, of the first few
    wishes in their order; then the first wish is filled, outward from where the user looked when
    it began. Wishes that were interrupted go on where they were.

    Parameters
    ----------
    folder : PredictionFolder
        Where everything goes.
    reporter : Reporter
        Where it is announced.
    models : PredictionModels
        What is in memory.
    device : PredictionDevice
        Where to predict.
    """

    def __init__(
        self,
        folder: PredictionFolder,
        reporter: Reporter,
        models: PredictionModels,
        device: PredictionDevice,
    ) -> None:
        self._folder = folder
        self._reporter = reporter
        self._models = models
        self._device = device
        self._jobs: OrderedDict[Wish, _Job] = OrderedDict()
        self._asked: dict[Wish, int] = {}
        self._answered: dict[Wish, int] = {}
        self._whole: dict[tuple[str, str], Scores] = {}
        self._loaded: set[str] = set()
        self._said = ""

    def work(self, control: PredictionControl) -> bool:
        """Make the next piece; return whether there was one to make."""
        # What a wish is does not depend on how often it was asked for.
        self._asked = {msgspec.structs.replace(w, asked=0): w.asked for w in control.wishes}
        self._answered = {w: n for w, n in self._answered.items() if self._asked.get(w) == n}
        todo = [wish for wish in self._asked if wish not in self._answered]
        if not todo:
            self._rest()
            return False
        if self._device.yield_to_training():
            self._let_go()
        wish = next((w for w in todo if not w.sample), todo[0])
        try:
            if not wish.sample:  # a word about a file comes before hours of work
                self._describe(wish)
                return True
            for wish in todo[:MOST_JOBS]:
                if self._answer_again(wish):
                    return True
            for wish in self._in_view(todo, control):
                if self._answer_view(wish, _focus_of(control)):
                    return True
            wish = todo[0]
            self._fill(wish, control)
        except TomoscribeError as error:
            self._refuse(wish, str(error))
        except Exception as error:  # noqa: BLE001  (one wish must not end the others)
            self._on_error(wish, error)
        return True

    def _answer_again(self, wish: Wish) -> bool:
        """Say again what was said of a wish that was fulfilled already; return whether it was."""
        if wish in self._jobs or not self._whole:
            return False
        name = self._name(wish)
        known = self._whole.get((name, wish.sample))
        if known is None or not self._folder.preview_path(name, wish.sample).is_file():
            return False
        self._reporter.emit(known)
        self._answered[wish] = self._asked[wish]
        return True

    def _in_view(self, todo: list[Wish], control: PredictionControl) -> list[Wish]:
        """Return the wishes that show something where the user looks, as many as are kept."""
        focus = control.focus
        if focus is None:
            return []
        return [wish for wish in todo if wish.sample == focus.sample][:MOST_JOBS]

    def _answer_view(self, wish: Wish, focus: Focus | None) -> bool:
        """Predict a part of what is in view; return whether one was left."""
        job = self._job(wish, focus)
        if focus is not None and job.answered != focus:
            if job.answered is None or not job.preview.is_whole:
                job.preview.look(focus)
                job.parts = job.preview.parts_in_view()
            job.answered = focus
        if not job.parts:
            return False
        self._say(wish, job)
        job.preview.part_in_view(job.parts.pop(0))
        return True

    def _fill(self, wish: Wish, control: PredictionControl) -> None:
        """Predict the next block of a wish, or end it where there is none."""
        focus = control.focus
        at = _focus_of(control) if focus is not None and focus.sample == wish.sample else None
        job = self._job(wish, at)
        self._say(wish, job)
        if job.preview.next_block() is None:
            self._finish(wish, job, control)

    def _job(self, wish: Wish, focus: Focus | None) -> _Job:
        """Return the prediction of a wish, begun if need be."""
        if wish not in self._jobs:
            if not self._asked.keys() & self._jobs.keys() and self._device.take():
                self._let_go()
            while len(self._jobs) >= MOST_JOBS:
                self._jobs.popitem(last=False)
            self._jobs[wish] = self._begin(wish, focus)
        self._jobs.move_to_end(wish)
        return self._jobs[wish]

    def _begin(self, wish: Wish, focus: Focus | None) -> _Job:
        name = self._name(wish)
        model = self._describe(wish)
        preview = PreviewJob(
            self._reporter,
            model.predictor,
            name=name,
            step=model.step,
            sample=wish.sample,
            subject=self._models.subject(wish, model),
            focus=focus,
            file=self._models.stamp_of_sample(wish),
        )
        take_over(preview, self._folder, Path(wish.checkpoint))
        return _Job(preview, model)

    def _describe(self, wish: Wish) -> Model:
        """Load the checkpoint of a wish, and tell what it says of itself."""
        path = Path(wish.checkpoint)
        name = self._name(wish)
        self._reporter.note(message=f"Loading {path.name}.", device=self._device.device.name)
        model = self._models.model(path, torch.device(self._device.device.name))
        if name not in self._loaded or not wish.sample:
            self._loaded.add(name)
            classes = model.predictor.classes
            self._reporter.emit(
                Loaded(
                    time=time.time(),
                    step=model.step,
                    checkpoint=name,
                    wish=wish.key,
                    file=model.file,
                    task=model.task,
                    kind=model.predictor.kind,
                    voxel_size_A=model.voxel_size_A,
                    class_names=list(model.predictor.maps),
                    diameters_A=[c.diameter_A for c in classes],
                    thresholds=dict(model.predictor.thresholds),
                    name=model.name,
                    score=model.score,
                )
            )
        if not wish.sample:
            self._answered[wish] = self._asked[wish]
        return model

    def _finish(self, wish: Wish, job: _Job, control: PredictionControl) -> None:
        """List the picks of what is predicted whole, then keep to the disk that is granted."""
        name, grid = job.preview.name, job.preview.grid
        path = self._folder.preview_path(name, wish.sample)
        count, picks = len(job.model.predictor.maps), bool(job.model.predictor.classes)
        self._reporter.update(message=f"Listing the picks of {wish.sample}.")
        self._whole[(name, wish.sample)] = list_picks(
            self._reporter,
            job.model.predictor,
            decode_scores(assemble(path, count, grid.shape_zyx)) if picks else None,
            grid,
            name=name,
            step=job.model.step,
            sample=wish.sample,
        )
        self._answered[wish] = self._asked[wish]
        del self._jobs[wish]
        if control.keep_bytes is not None:
            writing = {self._folder.preview_path(j.preview.name, w.sample)
                       for w, j in self._jobs.items()}  # fmt: skip
            prune(self._folder.project, control.keep_bytes, {path, *writing})

    def _name(self, wish: Wish) -> str:
        """Return what events call the checkpoint: another one for other files under old names."""
        stamps = (
            self._models.stamp(Path(wish.checkpoint)), self._models.stamp_of_sample(wish),
            wish.volume_path, wish.voxel_size_A, wish.tomogram,
        )  # fmt: skip
        return f"{wish.key}_{hashlib.sha256(repr(stamps).encode()).hexdigest()[:8]}"

    def _say(self, wish: Wish, job: _Job) -> None:
        where = f", {self._device.why}" if self._device.why else ""
        done = f"{job.preview.progress:.0%}"
        self._tell(f"Predicting {wish.sample} with {job.model.name}{where}: {done}.")

    def _tell(self, message: str) -> None:
        """Note a message for the next heartbeat; one after rest is written at once."""
        speak = self._reporter.update if not self._said else self._reporter.note
        self._said = message
        speak(message=message, device=self._device.device.name)

    def _rest(self) -> None:
        """Leave the device to others while nothing is wanted."""
        if self._said:
            self._said = ""
            if not self._device.is_cpu:
                self._let_go()
                self._device.give_back()
                _free_memory()
            self._reporter.update(message="", device=self._device.device.name)

    def _let_go(self) -> None:
        self._jobs.clear()
        self._models.clear()
        _free_memory()

    def _on_error(self, wish: Wish, error: Exception) -> None:
        """Tell of an error, or try again on the CPU where a GPU's memory was not enough."""
        traceback.print_exc()
        self._jobs.pop(wish, None)
        device = self._device.device
        if is_out_of_memory(error):
            self._let_go()
            if not self._device.is_cpu:
                self._device.avoid()
                return
            self._refuse(
                wish,
                f"The memory of this machine was not enough to predict {wish.sample} with "
                f"{Path(wish.checkpoint).name}; close other programs, or predict it elsewhere.",
            )
        elif isinstance(error, OSError):
            self._refuse(wish, str(write_error(error.filename or self._folder.path, error)))
        else:
            first = " ".join(str(error).split())[:200]
            self._refuse(
                wish,
                f"{Path(wish.checkpoint).name} on {wish.sample} failed on {device.name} by an "
                f"error of ours ({type(error).__name__}: {first}); please report it with "
                f"{self._folder.log_path}.",
            )

    def _refuse(self, wish: Wish, message: str) -> None:
        self._jobs.pop(wish, None)
        self._answered[wish] = self._asked[wish]
        if self._folder.exists:  # else nobody hears it
            self._reporter.emit(
                Refused(time=time.time(), wish=wish.key, sample=wish.sample, message=message)
            )


def _focus_of(control: PredictionControl) -> Focus | None:
    box = control.focus
    return None if box is None else Focus(box.center_zyx, box.lo_zyx, box.hi_zyx)


def _free_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
