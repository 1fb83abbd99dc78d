"""Objects of the segmentation in view: decoded from its maps, as the user's settings say.

What is in view comes first: a section in a few hundredths of a second, while sliders move and
blocks arrive. The volume follows in another thread. Only the newest answer counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from tomoscribe.project.classes import class_color
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.segments.below_objects import BelowObjects
from tomoscribe.ui.segments.decoding import (
    Objects,
    Section,
    mask_of,
    section_of,
    tells_apart,
)
from tomoscribe.ui.segments.maps_in_view import MapsInView, maps_in_view
from tomoscribe.ui.segments.object_work import Measured
from tomoscribe.ui.segments.objects_layer import ObjectsLayer
from tomoscribe.ui.segments.volume_decoder import VolumeDecoder
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from tomoscribe.ui.segments.maps_in_view import Settings
    from tomoscribe.ui.session import Session

SOON_MS = 20
"""Moves of a slider that come together are answered together."""
GROWING_MS = 500
"""Maps that grow are decoded again this often, in the section in view."""


class Segments(SessionBound):
    """Decodes what is in view. Get it with `Segments.of(session)`.

    Attributes
    ----------
    maps : MapsInView or None
        The maps in view; None where no segmentation is.
    objects : Objects or None
        Objects of the whole volume, by the settings as of now; None before they are known.
    section : Section or None
        Objects of the section in view, as long as the volume is not known.
    problem : str
        Why nothing could be decoded, in a sentence; empty if all is well.
    cancelled : bool
        The user gave up decoding the volume.
    """

    changed = Signal()
    """Other maps are in view, or settings are others."""

    decoded = Signal()
    """There are other objects, or none any more; or one is selected."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self._library = ScoreLibrary.of(session)
        self.layer = ObjectsLayer(session)
        self.maps: MapsInView | None = None
        self.objects: Objects | None = None
        self.section: Section | None = None
        self.problem, self.selected = "", 0
        self._own: Settings = {}
        self._below = BelowObjects(self._monitor.feed, self.layer)
        self._blocks, self.cancelled = -1, False
        self._sectioner = Background(reads_only=True)
        self._decoder = VolumeDecoder()
        self._soon = self._timer(SOON_MS, self._show, once=True)
        self._looking = self._timer(0, self.look, once=True)
        self._growing = self._timer(GROWING_MS, self._grow, once=False)
        self._follow_session()
        self.look()

    def _look_soon(self, *_: object) -> None:
        """Look when everybody has heard of a change: what is in view follows the sides."""
        self.layer.leave_with_image()
        self._looking.start()

    def _timer(self, interval_ms: int, call: Any, *, once: bool) -> QTimer:
        timer = QTimer()
        timer.setInterval(interval_ms)
        timer.setSingleShot(once)
        timer.timeout.connect(call)
        return timer

    def _follow_session(self) -> None:
        session = self._session
        for signal in (
            self._monitor.feed.changed, self._sides.changed, self._library.changed,
            session.current_changed, self._monitor.followed, self._library.told,
        ):  # fmt: skip
            signal.connect(self._look_soon)
        session.project_changed.connect(self._on_project)
        session.closed.connect(self.close)
        events = session.viewer.dims.events
        for event in (events.current_step, events.order, events.ndisplay):
            event.connect(self._on_moved)
        self._growing.start()

    # ---------------------------------------------------------------- settings
    @property
    def settings(self) -> Settings:
        """The settings by class: the user's own, else those that suit the maps."""
        return {} if self.maps is None else self.maps.tuned() | self._own

    def set(self, class_name: str | None, **values: object) -> None:
        """Change settings of a class, or of all; the section in view follows at once."""
        maps = self.maps
        if maps is None:
            return
        before = self.settings
        for name in maps.classes if class_name is None else [class_name]:
            self._own[name] = before[name].model_copy(update=values)
        if self.settings != before:
            self._restart()

    def reset(self) -> None:
        """Go back to the settings that suit the maps, and decode the volume by them."""
        self._own = {}
        self._restart()

    def _restart(self) -> None:
        if self.maps is not None and self.objects is not None:
            place = self.place(self.maps)
            if place is not None:  # so that objects in view keep their numbers and colours
                self.section = self.objects.section(*place)
        self._decoder.drop()
        self.objects, self.cancelled = None, False
        self.selected = 0
        self.changed.emit()
        self._soon.start()

    @property
    def is_own(self) -> bool:
        """Whether the user has changed a setting."""
        return self.maps is not None and self.settings != self.maps.tuned()

    @property
    def busy(self) -> bool:
        """Whether the volume is being decoded."""
        return self._decoder.busy

    @property
    def done(self) -> float:
        """Share 0..1 of the volume that is decoded."""
        return self._decoder.done

    @property
    def colors(self) -> list[str] | None:
        """Colours of the classes; None where each object has its own."""
        if self.maps is None or tells_apart(self.settings):
            return None
        return self.colors_of(self.maps)

    def colors_of(self, maps: MapsInView) -> list[str]:
        """Return the colours of the classes of maps."""
        project = self._session.project
        known = {} if project is None else {c.name: c.color for c in project.label_classes}
        return [known.get(name, class_color(i)) for i, name in enumerate(maps.classes)]

    @property
    def held_up(self) -> str:
        """What the prediction of the volume in view waits for or does; empty if nothing is told."""
        ref, maps = self._sides.in_view, self.maps
        return "" if ref is None or maps is None else self._library.state_of(ref, maps.sample)

    # ---------------------------------------------------------------- scores below objects
    @property
    def awaited(self) -> bool:
        """Whether no maps are in view, but those of a training that is followed are to come."""
        monitor = self._monitor
        learns = monitor.run is not None and monitor.learns_labels is not False
        return self.maps is None and LabelMode.of(self._session).on and learns

    @property
    def scores_shown(self) -> bool:
        """Whether the map of scores is drawn below the objects."""
        return self._below.scores_shown(self.maps)

    def show_scores(self, on: bool) -> None:
        """Draw the map of scores below the objects, or not."""
        self._below.show_scores(on)
        self._dress()

    def show_marks(self, on: bool) -> None:
        """Give way to colours that tell what is matched, missed and extra, or show objects."""
        self._below.show_marks(on)
        self._dress()

    def _dress(self) -> None:
        self._below.dress(self.maps, awaited=self.awaited)

    # ---------------------------------------------------------------- following
    def look(self, *_: object) -> None:
        """See which maps are in view, and show their objects."""
        maps = maps_in_view(self._session, self._monitor, self._sides, self._library)
        before = self.maps
        if maps is None and before and before.sample == self._session.current:
            shown = self._monitor.feed.layer.in_view
            if shown and shown.values is before.values:
                return  # they stay in view while those of another checkpoint are read
        self.maps = maps
        if maps is None and before is not None:
            self._forget()
            self.changed.emit()
        if maps is None:
            return
        if before is not None and not maps.is_like(before):
            self._own = {}
        same = before is not None and before.values is maps.values
        if before is None or not same or maps.segmented != before.segmented:
            self._drop()
            self.changed.emit()
        self._dress()
        if not same or maps.coverage != (before.coverage if before else 0) or not self.objects:
            self._soon.start()

    def _on_project(self, *_: object) -> None:
        self._own = {}
        self._decoder.forget()
        self.look()

    def _on_moved(self, *_: object) -> None:
        if self.maps is not None and self.objects is None:
            self._soon.start()

    def _grow(self) -> None:
        """Decode the section in view again where new blocks have come."""
        if self.maps is None or self.maps.is_final:
            return
        if self.maps.live and not self._monitor.alive:
            self.look()
        blocks = sum(self._monitor.record.block_counts.values())
        if blocks != self._blocks:
            self._blocks = blocks
            self.look()
            self._soon.start()

    def _forget(self) -> None:
        self._drop()
        self.layer.clear()
        self._below.undress(awaited=self.awaited)

    def _drop(self) -> None:
        """Forget what was decoded of other maps; what is shown stays until it is replaced."""
        self._sectioner.drop()
        self._decoder.drop()
        self.objects = self.section = None
        self.selected, self.cancelled = 0, False
        self.layer.forget_sections()
        self.decoded.emit()

    # ---------------------------------------------------------------- decoding
    def apply(self) -> None:
        """Decode the volume by the settings as of now."""
        maps, settings = self.maps, self.settings
        if maps is None:
            return
        self.cancelled = False
        known = self._decoder.known(self._key())
        if known is not None:
            self._take_objects(known)
            return
        self._decoder.run(maps, settings, self._key(), self._take_objects, self._failed)
        self.decoded.emit()

    def cancel(self) -> None:
        """Give up decoding the volume; sections in view are decoded on."""
        self._decoder.drop()
        self.cancelled = True
        self.decoded.emit()

    def _key(self) -> object:
        """Return what tells decoded volumes apart."""
        assert self.maps is not None
        settings = tuple(sorted((n, s.model_dump_json()) for n, s in self.settings.items()))
        return self.maps.source, self.maps.sample, settings

    def _show(self) -> None:
        """Show the section in view; the volume too, where it can be had."""
        maps = self.maps
        if maps is None:
            return
        if maps.is_final and self._decoder.known(self._key()) is not None:
            self.apply()
            return
        place = self.place(maps)
        if place is not None and not self._sectioner.busy:
            settings, before = self.settings, self.section
            self._sectioner.run(
                lambda: section_of(maps, settings, *place, before=before),
                lambda section: self._take_section(maps, settings, section),
                self._failed,
            )
        elif place is not None:
            self._soon.start()
        if not maps.is_final or self.is_own or self.cancelled:
            return
        if self.objects is None and not self.busy:
            self.apply()

    def place(self, maps: MapsInView) -> tuple[int, int] | None:
        """Return across which axis the section in view lies, and its index in the grid."""
        dims, focus = self._session.viewer.dims, self._session.focus()
        if focus is None:
            return None
        axis = 0 if dims.ndisplay == 3 else dims.not_displayed[-1] - (dims.ndim - 3)
        if not 0 <= axis <= 2:
            return None
        bin_ = maps.grid.bin
        index = round((focus.center_zyx[axis] - (bin_ - 1) / 2) / bin_)
        return axis, int(np.clip(index, 0, maps.grid.shape_zyx[axis] - 1))

    def _take_section(self, maps: MapsInView, settings: Settings, section: Section) -> None:
        known = maps is self.maps or maps.is_like(self.maps)
        if not known or self._session.current is None:
            return
        self.problem = ""
        self.section = section
        if self.objects is None:
            self.layer.show_section(section, maps.grid, self.colors)
            self.decoded.emit()
        if settings != self.settings or self.place(maps) != (section.axis, section.index):
            self._soon.start()  # sliders or slices have moved meanwhile

    def _take_objects(self, objects: Objects) -> None:
        assert self.maps is not None
        self.problem = ""
        self.objects = objects
        self.selected = 0
        self.layer.show(objects, self.maps.grid, self.colors)
        self.decoded.emit()

    def _failed(self, error: BaseException) -> None:
        self.problem = sentence_of(error)
        self.layer.clear()
        self.decoded.emit()

    # ---------------------------------------------------------------- objects
    def measured(self) -> Measured | None:
        """Return the objects of the volume with what they are measured in."""
        image = self._session.layer
        if self.objects is None or self.maps is None or image is None:
            return None
        z, y, x = (float(t) / 10 for t in image.translate[-3:])
        return Measured(self.objects, self.maps.voxel_size_zyx_nm, (z, y, x))

    def take(self, number: int) -> None:
        """Lock an object into the labels of the tomogram, in the section where that is all."""
        maps, found = self.maps, mask_of(self.maps, self.objects, self.section, number)
        if maps is None or found is None:
            return
        mask, (z, y, x), name = found
        bin_ = maps.grid.bin
        for axis in range(3) if bin_ > 1 else ():
            mask = mask.repeat(bin_, axis=axis)
        if LabelPainter.of(self._session).take(mask, (z * bin_, y * bin_, x * bin_), name):
            part = "" if self.objects is not None else ", in this section"
            self._session.status_message.emit(f"Locked into the labels as {name}{part}.")

    def select(self, number: int) -> None:
        """Select an object; 0 none."""
        if number != self.selected:
            self.selected = number
            self.layer.mark(number)
            self.decoded.emit()

    def close(self) -> None:
        """End timers and threads."""
        for timer in (self._soon, self._looking, self._growing):
            timer.stop()
        self._sectioner.close()
        self._decoder.close()
