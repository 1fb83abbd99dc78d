"""The layer `labels`: what is painted in the tomogram in view, saved stroke by stroke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from tomoscribe.project.painted import PaintedLabels
from tomoscribe.segmentation.painted_values import (
    BACKGROUND,
    FIRST_OBJECT,
    MAX_VALUE,
    UNLABELLED,
)
from tomoscribe.ui.background import sentence_of
from tomoscribe.ui.labels.label_colors import STEP, label_colors
from tomoscribe.ui.labels.locking import voxels_to_lock
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.paint_layer import PaintLayer
from tomoscribe.ui.labels.stroke_writer import StrokeWriter
from tomoscribe.ui.labels.working_copy import WorkingCopy
from tomoscribe.ui.quiet_layer import OURS, add_quietly, still_in
from tomoscribe.ui.session_bound import SessionBound
from tomoscribe.ui.view import triple

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from napari.layers import Image
    from numpy.typing import NDArray

    from tomoscribe.segmentation.labels import LabelClass, Triple
    from tomoscribe.segmentation.painted_values import Box
    from tomoscribe.ui.labels.label_counts import Labelled
    from tomoscribe.ui.session import Session

NAME = "labels"
OPACITY = 0.5
BRUSH_SIZE = 10
BRUSHES = ("paint", "fill", "polygon")
"""Modes of the layer in which a class is put on the section."""

LARGEST_IN_3D = 400e6
"""Voxels; in 3D napari sends all of them to the graphics card."""


class LabelPainter(SessionBound):
    """Paints classes and objects. Get it with `LabelPainter.of(session)`.

    Attributes
    ----------
    copy : WorkingCopy or None
        The painting of the tomogram in view, None while it is read.
    active : int
        The painted value of the class that the brush paints; `BACKGROUND` is one.
    """

    changed = Signal()
    """Something was painted and counted, or another class, tomogram or tool is there."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._mode = LabelMode.of(session)
        self._writer = StrokeWriter()
        self._layer: PaintLayer | None = None
        self._colored: tuple[object, int] = ((), 0)
        self._wanted: object = None
        self.copy: WorkingCopy | None = None
        self.active = BACKGROUND
        self._known: list[int] = []
        self._mode.changed.connect(self._on_mode)
        session.current_changed.connect(self._follow)
        session.project_changed.connect(self._on_project)
        session.closed.connect(self.close)
        session.viewer.dims.events.ndisplay.connect(self._on_ndisplay)
        self._on_project()
        self._follow()

    # ---------------------------------------------------------------- what there is
    @property
    def layer(self) -> PaintLayer | None:
        """The napari layer, if it is there; the user may give it another name."""
        self._layer = still_in(self._session.viewer, self._layer)
        return self._layer

    @property
    def classes(self) -> list[LabelClass]:
        """The project's classes of voxels."""
        project = self._session.project
        return [] if project is None else project.label_classes

    @property
    def active_name(self) -> str:
        """Name of the class that the brush paints."""
        found = next((c.name for c in self.classes if c.value == self.active), None)
        return found or "background"

    @property
    def loading(self) -> bool:
        """Whether the painting of the tomogram in view is being read."""
        return self._wanted is not None and self.copy is None

    @property
    def is_active(self) -> bool:
        """Whether clicks on the canvas go to the layer."""
        layer = self.layer
        return layer is not None and self._session.viewer.layers.selection.active is layer

    def labelled(self) -> dict[int, Labelled]:
        """Return what is labelled in the tomogram in view, by the value of the class."""
        return {} if self.copy is None else self.copy.counts.by_class(self.copy.objects)

    # ---------------------------------------------------------------- the brush
    def choose(self, number: int) -> None:
        """Paint the n-th class from now on, counted from 1; 0 is background."""
        classes = self.classes
        if number > len(classes):
            self._say(f"There is no class {number}; add it with + in the Annotate dock.")
            return
        self.choose_value(classes[number - 1].value if number else BACKGROUND)

    def choose_value(self, value: int) -> None:
        """Paint the class of this value, in a new object where objects are told apart."""
        self.active = value
        layer = self.layer
        if layer is not None and self.copy is not None:
            if self._mode.objects and value != BACKGROUND:
                layer.selected_label = self.copy.next_object()
            else:
                layer.selected_label = value
            if layer.editable and layer.mode not in BRUSHES:
                layer.mode = "paint"
        self.activate()
        self.changed.emit()

    def new_object(self) -> None:
        """Paint another object of the class from now on."""
        if self.active == BACKGROUND:
            self._say("Background has no objects: choose a class first (Shift+1).")
        elif not self._mode.objects:
            self._say("Choose Objects in the Annotate dock to tell objects apart.")
        else:
            self.choose_value(self.active)

    def set_tool(self, tool: str) -> None:
        """Use one of the layer's modes: paint, fill, erase, pan_zoom."""
        layer = self.layer
        if layer is not None and layer.editable:
            layer.mode = tool
            self.activate()

    def activate(self) -> None:
        """Make the layer the active one, so that clicks paint."""
        layer = self.layer
        if layer is not None and self._mode.on:
            self._session.viewer.layers.selection.active = layer

    def undo(self) -> None:
        """Take the last stroke back."""
        if self.layer is not None and self.layer.editable:
            self.layer.undo()

    def redo(self) -> None:
        """Bring the last undone stroke back."""
        if self.layer is not None and self.layer.editable:
            self.layer.redo()

    def take(self, mask: NDArray[np.bool_], lo_zyx: Triple, class_name: str) -> bool:
        """Label the voxels of a predicted object, as a locked and whole object of its own.

        Strokes that belong to it join, see `locking`; what is labelled otherwise stays. One undo
        takes it back.

        Parameters
        ----------
        mask : (z, y, x) array of bool
            The object's voxels in a box of the tomogram.
        lo_zyx : tuple of int
            First voxel of the box.
        class_name : str
            Of the project's classes.

        Returns
        -------
        bool
            Whether anything was labelled.
        """
        layer, copy = self.layer, self.copy
        value = next((c.value for c in self.classes if c.name == class_name), None)
        if layer is None or copy is None or value is None or not layer.editable:
            self._say(f"'{class_name}' cannot be labelled here: {self._why_not(value)}")
            return False
        places = voxels_to_lock(copy, mask, lo_zyx, value)
        if not len(places[0]):
            self._say("All voxels of this object are labelled already.")
            return False
        number = copy.next_object()
        copy.whole.add(number)  # first: what is known of an object may be saved at any time
        copy.objects[number] = value
        self._color()
        layer.data_setitem(places, number)
        return True

    def rewrite(self, job: Callable[[], None], then: Callable[[Future[None]], None]) -> None:
        """Let a job change what is stored after the strokes so far, then read it again."""
        self._writer.run(job, then)
        self._wanted = None
        self._follow()

    def _why_not(self, value: int | None) -> str:
        project = self._session.project
        if project is not None and project.read_only:
            return "the project is open for reading only."
        if value is None:
            return "the project has no such class; add it in the Annotate dock."
        return "switch the Annotate dock to Labels first."

    # ---------------------------------------------------------------- following the session
    def _on_project(self) -> None:
        project = self._session.project
        if project is not None:
            project.label_classes_changed.connect(self._on_classes, unique=True)
            project.closing.connect(self.flush, unique=True)
        self._on_classes()

    def _on_classes(self) -> None:
        known = [c.value for c in self.classes]
        if self.active not in (BACKGROUND, *known) or not self._known:
            self.active = known[0] if known else BACKGROUND
        self._known = known
        if self.layer is not None:
            self._color()
        self.changed.emit()

    def _on_mode(self) -> None:
        if self._mode.on:
            self._follow()
        elif self.layer is not None:
            self.layer.mode = "pan_zoom"
        if self.layer is not None and self.copy is not None and self._mode.on:
            self.choose_value(self.active)
        self.changed.emit()

    def _follow(self, *_: object) -> None:
        """Bring the painting of the tomogram in view; the layer is made when it is first needed."""
        session, image = self._session, self._session.layer
        project, name = session.project, session.current
        if project is None or name is None or image is None or session.entry is None:
            self._wanted = self.copy = None
            if self.layer is not None:
                session.viewer.layers.remove(self.layer)
            self.changed.emit()
            return
        if not (self._mode.on or self.layer):
            return
        shape, sizes = image.data.shape, triple(image.scale[-3:])
        wanted = (project, name, sizes)
        if wanted == self._wanted:
            return
        self._wanted, self.copy = wanted, None
        if self.layer is not None:
            self.layer.editable = False
            self.layer.visible = False
        folder, read_only = project.path, project.read_only

        def read() -> WorkingCopy:
            store = PaintedLabels(folder, name, shape, sizes, read_only=read_only)
            return WorkingCopy(name, store)

        # After the strokes that are still to be written, for they may be of the same tomogram.
        self._writer.run(read, lambda done: self._take_copy(wanted, done))
        self.changed.emit()

    def _take_copy(self, wanted: object, done: Future[WorkingCopy]) -> None:
        image = self._session.layer
        if wanted != self._wanted or image is None:
            return
        error = done.exception()
        if error is not None:
            self._wanted = None
            self._say(sentence_of(error))
            return
        self.copy = done.result()
        self._show(self.copy, image)
        if self.copy.objects:
            self._mode.expect_objects()
        self.choose_value(self.active)

    def _show(self, copy: WorkingCopy, image: Image) -> None:
        layer, project = self.layer, self._session.project
        if layer is None:
            layer = self._make(copy, image)
        else:
            layer.data = copy.values
            layer.forget_history()
            for own in ("scale", "translate", "units"):
                if not np.array_equal(getattr(layer, own), getattr(image, own)[-3:]):
                    setattr(layer, own, getattr(image, own)[-3:])
        self._color()
        layer.editable = project is not None and not project.read_only
        layer.visible = True
        self._on_ndisplay()

    def _make(self, copy: WorkingCopy, image: Image) -> PaintLayer:
        layer = PaintLayer(
            copy.values,
            name=NAME,
            opacity=OPACITY,
            scale=image.scale[-3:],
            translate=image.translate[-3:],
            units=image.units[-3:],
            axis_labels=("z", "y", "x"),
            metadata={OURS: NAME},
        )
        layer.brush_size = BRUSH_SIZE
        layer.selected_label = self.active
        layer.edited.connect(self._on_edit)
        layer.events.selected_label.connect(self._on_selected)
        layer.events.mode.connect(lambda _: self.changed.emit())
        layer.bind_key("M", lambda _: self.new_object(), overwrite=True)
        self._colored = ((), 0)
        self._layer = add_quietly(self._session.viewer, layer)
        return layer

    def _color(self) -> None:
        """Give classes and objects their colours, where these are others than before."""
        from napari.utils.colormaps import DirectLabelColormap

        layer, copy = self.layer, self.copy
        if layer is None or copy is None:
            return
        objects = -(-(copy.next_object() + STEP // 4 - FIRST_OBJECT) // STEP) * STEP
        wanted = (tuple(self.classes), objects)
        if wanted != self._colored:
            self._colored = wanted
            layer.colormap = DirectLabelColormap(color_dict=label_colors(*wanted))

    def _on_ndisplay(self, *_: object) -> None:
        layer = self.layer
        if layer is not None and layer.data.size > LARGEST_IN_3D and self.copy is not None:
            layer.visible = self._session.viewer.dims.ndisplay == 2

    def _on_selected(self, *_: object) -> None:
        """Follow napari's own picker and spin box; a value that means nothing is not painted."""
        layer, copy = self.layer, self.copy
        if layer is None or copy is None or self._session.project is None:
            return
        value = int(layer.selected_label)
        of_class = copy.objects.get(value, self.active if value >= FIRST_OBJECT else value)
        known = {BACKGROUND, *(c.value for c in self.classes)}
        if value == UNLABELLED:
            return  # napari's key X swaps to it, to take labels away
        if of_class not in known or value > MAX_VALUE:
            self._say(f"{value} is no class; choose one in the Annotate dock.")
            layer.selected_label = self.active
        elif of_class != self.active:
            self.active = of_class
            self.changed.emit()

    # ---------------------------------------------------------------- saving
    def _on_edit(self, box: Box) -> None:
        """Save what was painted, in the thread; the first stroke of an object makes it known."""
        layer, copy = self.layer, self.copy
        if layer is None or copy is None:
            return
        number = int(layer.selected_label)
        if number >= FIRST_OBJECT and number not in copy.objects and self.active != BACKGROUND:
            copy.objects[number] = self.active
            self._color()
        copy.touch(box)
        self._writer.run(lambda: copy.save(box), self._saved)
        self.changed.emit()  # it can be undone at once, however slow the disk is

    def _saved(self, done: Future[Any]) -> None:
        error = done.exception()
        if error is not None:
            self._say(sentence_of(error))
        self._session.saved.emit(error is None)
        self.changed.emit()

    def flush(self) -> None:
        """Wait until all strokes are written, also those that could not be before."""
        copy = self.copy
        self._writer.flush()
        if copy is not None and copy.unsaved:
            self._writer.run(copy.save_owed, lambda _: None)
            for error in self._writer.flush():
                self._say(f"{copy.unsaved} strokes are lost. {sentence_of(error)}")

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._writer.close()

    def _say(self, text: str) -> None:
        self._session.status_message.emit(text)
