"""Labels of a file, or of a layer of the user's own, that become paint of the tomogram in view."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from psygnal import Signal

from tomoscribe.io.label_files import count_values
from tomoscribe.io.label_volume import looks_like_labels
from tomoscribe.io.label_write import write_labels
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.label_import import ReadLabels, add_classes, paint_labels, read_labels
from tomoscribe.project.labelled_volume import changed_us
from tomoscribe.project.source import LabelFiles
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.labels.misfit import misfit
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.labels.words import plural
from tomoscribe.ui.project.activity import Activity
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.quiet_layer import OURS
from tomoscribe.ui.session_bound import SessionBound
from tomoscribe.ui.tomogram_layer import is_slow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from tomoscribe.io.label_files import ValueCounts
    from tomoscribe.io.volumes import Volume
    from tomoscribe.ui.session import Session

WHO = "labels"
ADDED = (
    "tomoscribe does not learn from the layer “{}” by itself: press Import… in the Annotate dock "
    "to take its labels over."
)


@dataclass(frozen=True, eq=False)
class Offer:
    """Labels that can be taken over.

    Parameters
    ----------
    title, address : str
        What they are called, and what `open_volume` takes.
    tomogram : str
        Name of the tomogram that they lie on.
    values : tuple of int
        That they hold, without 0.
    sections, empty : int
        Sections that they have, and how many of them hold nothing but 0.
    layer : Labels, optional
        The user's layer that they are of.
    why_not : str
        Why they cannot be taken over, in a sentence; empty if they can.
    """

    title: str
    address: str
    tomogram: str
    values: tuple[int, ...]
    sections: int = 1
    empty: int = 0
    layer: Labels | None = None
    why_not: str = ""


class LabelImport(SessionBound):
    """Takes labels over once it is told what they mean. Get it with `LabelImport.of(session)`.

    Attributes
    ----------
    asking : Offer or None
        Labels whose meaning is asked for.
    """

    asked = Signal()
    """Labels wait for an answer, or none do any more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._painter = LabelPainter.of(session)
        self._thread = Background(reads_only=True)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._declined: set[str] = set()
        self.asking: Offer | None = None
        session.current_changed.connect(self.forget)
        session.closed.connect(self._close)
        session.viewer.layers.events.inserted.connect(self._on_inserted)

    @property
    def busy(self) -> bool:
        """Whether labels are being read."""
        return self._thread.busy

    def fits(self, place: str, volume: Volume) -> bool:
        """Tell whether a file may hold labels of the tomogram in view.

        It has the shape, and a few sections look like labels; one that is packed is not read here.

        Raises
        ------
        TomoscribeError
            If it cannot be read.
        """
        shown, entry = self._session.volume, self._session.entry
        if shown is None or entry is None or place in (entry.address, *self._declined):
            return False
        same = volume.shape_zyx == shown.shape_zyx
        return same and (is_slow(volume) or looks_like_labels(volume))

    def refuses(self, place: str, volume: Volume) -> bool:
        """Tell, and say why, whether a file seems meant as labels but does not fit.

        Only while voxels are labelled, and of a file that is not in the project.

        Raises
        ------
        TomoscribeError
            If it cannot be read.
        """
        session, shown, entry = self._session, self._session.volume, self._session.entry
        if shown is None or entry is None or session.project is None:
            return False
        known = {place, str(Path(place).expanduser().absolute())}
        images = {each.address for each in session.project.tomograms.values()}
        if not LabelMode.of(session).on or known & (images | self._declined):
            return False
        why = misfit(place, volume, entry, shown, read=not is_slow(volume))
        if why is not None:
            self._refuse(place, why)
        return why is not None

    def _refuse(self, place: str, why: str) -> None:
        assert self._session.current is not None
        self._session.status_message.emit(why)
        self._ask(Offer(Path(place).name, place, self._session.current, (), why_not=why))

    def layers(self) -> list[Labels]:
        """Return the user's own Labels layers."""
        found = (each for each in self._session.viewer.layers if isinstance(each, Labels))
        return [each for each in found if OURS not in each.metadata]

    # ---------------------------------------------------------------- what is offered
    def offer(self, place: str) -> None:
        """Look what a file holds, in a thread, and ask what it means."""
        self._look(Path(place).name, lambda: (place, count_values(place, changed_us(place))))

    def offer_file(self, place: str) -> None:
        """Ask what a file that the user chose means, or say why it does not fit.

        Raises
        ------
        TomoscribeError
            If it cannot be read.
        """
        if not self.refuses(place, open_volume(place)):
            self.offer(place)

    def offer_or_open(self, place: str, volume: Volume) -> None:
        """Look whether a file holds labels, and ask what they mean; else open it."""
        if not is_slow(volume):
            self.offer(place)
            return

        def take(labels: bool) -> None:
            self._tell("")
            if labels:
                self.offer(place)
            elif not self.refuses(place, volume):  # it is unpacked by now
                self._open(place)

        self._tell(f"reading {Path(place).name}")
        self._thread.run(lambda: looks_like_labels(volume), take, self._failed)

    def offer_layer(self, layer: Labels) -> None:
        """Look what a layer of the user's own holds, and ask what it means."""
        self._drop_file()
        self._folder = tempfile.TemporaryDirectory(prefix="tomoscribe-")
        path = Path(self._folder.name) / "layer.tif"
        data: Any = layer.data

        def look() -> tuple[str, ValueCounts]:
            values = np.asarray(data)
            write_labels(path, values.reshape(values.shape[-3:]), (1.0, 1.0, 1.0))
            return str(path), count_values(str(path), changed_us(str(path)))

        self._look(f"Layer “{layer.name}”", look, layer)

    def _look(self, title: str, look: Any, layer: Labels | None = None) -> None:
        session, name = self._session, self._session.current
        if name is None or session.project is None:
            session.status_message.emit("Open the tomogram of these labels first.")
            return
        if session.project.read_only:
            session.status_message.emit(READ_ONLY)
            return
        LabelMode.of(session).set(on=True)

        def take(found: tuple[str, ValueCounts]) -> None:
            self._tell("")
            address, counts = found
            values = tuple(value for value in counts.values if value != 0)
            self._ask(Offer(title, address, name, values, counts.sections, counts.empty, layer))

        self._tell(f"reading {title}")
        self._thread.run(look, take, self._failed)

    def forget(self, *_: object) -> None:
        """Ask no more."""
        self._thread.drop()
        self._tell("")
        self._drop_file()
        self._ask(None)

    def open_instead(self) -> None:
        """Open the file as a tomogram of its own."""
        offer = self.asking
        if offer is not None:
            self.forget()
            self._open(offer.address)

    def _open(self, place: str) -> None:
        self._declined.add(place)
        self._session.change(lambda: self._session.open_paths([place]))

    # ---------------------------------------------------------------- taking over
    def answer(self, names: Sequence[str], *, objects: bool, background: bool) -> None:
        """Take the labels over.

        Parameters
        ----------
        names : sequence of str
            Of the classes, by rising value; one where values number objects.
        objects : bool
            Values number objects of a class.
        background : bool
            0 is background; otherwise nobody has labelled it.
        """
        offer, project = self.asking, self._session.project
        if offer is None or project is None:
            return
        self._ask(None)
        entry = project.tomograms[offer.tomogram]
        files = LabelFiles(
            classes=tuple(names),
            background=0 if background else None,
            unlabelled=None if background else 0,
        )
        self._tell(f"reading {offer.title}")
        self._thread.run(
            lambda: read_labels(entry, offer.address, files, objects=objects),
            lambda read: self._paint(offer, read),
            lambda error: self._refused(offer, error),
        )

    def _paint(self, offer: Offer, read: ReadLabels) -> None:
        session, project = self._session, self._session.project
        values: list[int] = []
        if project is None or not session.change(
            lambda: values.extend(add_classes(project, read.classes))
        ):
            self._tell("")
            self._ask(offer)
            return
        folder = project.path
        self._tell(f"painting {offer.title}")
        self._painter.rewrite(
            lambda: paint_labels(folder, read, values),
            lambda done: self._end(offer, read, done),
        )

    def _end(self, offer: Offer, read: ReadLabels, done: Future[None]) -> None:
        error = done.exception()
        if error is not None:
            self._refused(offer, error)
            return
        self._tell("")
        self._drop_file()
        if offer.layer is not None:
            offer.layer.visible = False  # it would lie over what was made of it
        LabelMode.of(self._session).set(on=True, objects=bool(read.numbers))
        names = ", ".join(c.name for c in read.classes)
        of = plural(len(read.numbers), "object") + " of " if read.numbers else ""
        said = f"{offer.title} became labels of {offer.tomogram}: {of}{names}."
        notes = [note.replace(offer.address, offer.title) for note in read.notes]
        self._session.status_message.emit(" ".join([said, *notes]))

    def _on_inserted(self, event: Any) -> None:
        """Say how the labels of a layer that the user has made are learned from."""
        layer = event.value
        if LabelMode.of(self._session).on and layer in self.layers():
            self._session.status_message.emit(ADDED.format(layer.name))

    def _refused(self, offer: Offer, error: BaseException) -> None:
        """Say why labels were not taken over, and ask again."""
        self._tell("")
        self._session.status_message.emit(sentence_of(error).replace(offer.address, offer.title))
        self._ask(offer)

    def _ask(self, offer: Offer | None) -> None:
        self.asking = offer
        self.asked.emit()

    def _failed(self, error: BaseException) -> None:
        self._tell("")
        self._session.status_message.emit(sentence_of(error))

    def _tell(self, words: str) -> None:
        Activity.of(self._session).tell(WHO, words)

    def _drop_file(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _close(self) -> None:
        self._thread.close()
        self._drop_file()
