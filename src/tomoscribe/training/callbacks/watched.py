"""Which samples a training previews, where in them, and what predictors opened for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.base import Focus

if TYPE_CHECKING:
    from tomoscribe.project.model import TrainingData
    from tomoscribe.tasks import base
    from tomoscribe.training.control import Control

MOST_SUBJECTS = 8
"""Samples that are kept open: a membrane with its density takes tens of megabytes."""


class Watched:
    """Which samples are previewed, where in them, and what predictors opened for them.

    Parameters
    ----------
    data : TrainingData
        The samples there are.
    """

    def __init__(self, data: TrainingData) -> None:
        self.data = data
        self._subjects: dict[str, base.Subject] = {}

    def names(self, control: Control) -> list[str]:
        """Return the samples to preview, the one in view first.

        Without a wish it is the first that validates, else the first that trains.
        """
        wanted = [] if control.focus is None else [control.focus.sample]
        known = {sample.name for sample in self.data.samples}
        names = [n for n in dict.fromkeys([*wanted, *control.samples]) if n in known]
        return names or self._default()

    def unknown(self, control: Control) -> list[str]:
        """Return wanted samples that the training does not know."""
        wanted = control.samples + ([] if control.focus is None else [control.focus.sample])
        known = {sample.name for sample in self.data.samples}
        return [name for name in dict.fromkeys(wanted) if name not in known]

    def subject(self, name: str, predictor: base.Predictor) -> base.Subject:
        """Return what a predictor opens for a sample; those of one task share it."""
        if name not in self._subjects:
            while len(self._subjects) >= MOST_SUBJECTS:
                del self._subjects[next(iter(self._subjects))]
            sample = next(s for s in self.data.samples if s.name == name)
            self._subjects[name] = predictor.open(sample.volume_path, sample.size, sample.tomogram)
        return self._subjects[name]

    def focus(self, name: str, control: Control) -> Focus | None:
        """Return where the user looks in a sample, None where it is not in view."""
        box = control.focus
        if box is None or box.sample != name:
            return None
        return Focus(box.center_zyx, box.lo_zyx, box.hi_zyx)

    def _default(self) -> list[str]:
        if not self.data.samples:
            raise TomoscribeError("The training has no sample to preview.")
        order = {"validate": 0, "train": 1}
        return [min(self.data.samples, key=lambda s: order.get(s.role, 2)).name]
