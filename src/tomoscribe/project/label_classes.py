"""Classes of voxels in a project: which there are, and the values that their paintings have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.annotated import AnnotatedTomograms
from tomoscribe.segmentation.painted_values import FIRST_CLASS, FIRST_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psygnal import SignalInstance

    from tomoscribe.segmentation.labels import LabelClass

RESERVED = ("background", "unlabelled")
"""Names that mean something else to whoever paints."""


class LabelledTomograms(AnnotatedTomograms):
    """The tomograms of a project with the classes that their voxels are labelled with.

    The labels themselves are painted through `project.painted.PaintedLabels`.
    """

    label_classes_changed = Signal()

    _label_classes: list[LabelClass]
    _label_values_used: int

    @property
    def label_classes(self) -> list[LabelClass]:
        """The classes of voxels, in the order of their keys; paint a class with its `value`."""
        return list(self._label_classes)

    def set_label_classes(self, classes: Iterable[LabelClass]) -> None:
        """Replace the classes of voxels.

        A class without a `value` gets one that no class ever had; a class that has one keeps it,
        so that renaming, moving or taking back a removed one needs no painting again.

        Raises
        ------
        TomoscribeError
            If a name is empty, reserved or used twice, or there are more classes than values.
        """
        self._check_editable()
        self._label_classes, self._label_values_used = _checked(classes, self._label_values_used)
        self._save_file_and(self.label_classes_changed)

    def _save_file_and(self, signal: SignalInstance) -> None:
        raise NotImplementedError


def _checked(classes: Iterable[LabelClass], used: int) -> tuple[list[LabelClass], int]:
    """Return the classes with values, and the highest value that is used up."""
    result: list[LabelClass] = []
    given = list(classes)
    values = [c.value for c in given if c.value]
    if len(set(values)) < len(values) or any(not FIRST_CLASS <= v <= used for v in values):
        raise ValueError(f"values {values} are not those that classes of this project have")
    for label in given:
        if not label.name.strip():
            raise TomoscribeError("A class needs a name.")
        if label.name.strip().lower() in RESERVED:
            raise TomoscribeError(
                f"No class can be called '{label.name}', which is there already: choose another "
                "name."
            )
        if label.name in [c.name for c in result]:
            raise TomoscribeError(f"The class name '{label.name}' is used twice: choose another.")
        if not label.value:
            used = max(used + 1, FIRST_CLASS)
        result.append(label if label.value else replace(label, value=used))
    if used >= FIRST_OBJECT:
        raise TomoscribeError(
            f"A project can have {FIRST_OBJECT - FIRST_CLASS} classes of voxels in its life, "
            "removed ones included: rename one instead."
        )
    return result, used
