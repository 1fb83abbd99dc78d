"""Asks, in the dock, what the values of a label file mean before they become paint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QLineEdit, QWidget

from tomoscribe.project.label_checks import OBJECT
from tomoscribe.ui.connections import connect
from tomoscribe.ui.labels.label_import import LabelImport
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.labels.switch import Switch
from tomoscribe.ui.labels.words import plural
from tomoscribe.ui.project.banner import Banner
from tomoscribe.ui.widgets import button, enable, hint

if TYPE_CHECKING:
    from tomoscribe.ui.labels.label_import import Offer
    from tomoscribe.ui.session import Session

CLASSES, OBJECTS = "a class", "an object"
TIPS = {
    CLASSES: "All voxels of a value are of one class",
    OBJECTS: "Each value is an object of its own, all of one class",
}
FEW = 6
"""Up to so many values are taken for classes until the user says otherwise."""


class LabelQuestion(Banner):
    """Seen while labels wait to be taken over."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self._session = session
        self._import = LabelImport.of(session)
        self.use = button("Import", "Paints them; what is 0 there keeps its paint", self.answer)
        self.open = button(
            "Open as image", "Opens the file as a tomogram of its own", self._import.open_instead
        )
        self.leave = button("Cancel", "Leaves the labels as they are", self._import.forget)
        super().__init__(self.leave, self.open, self.use, parent=parent)
        self.kind = Switch(TIPS, self._choose)
        self.names = QLineEdit()
        self.names.setToolTip("Names of the classes by rising value, with commas between")
        self.names.textChanged.connect(self._check)
        self.background = QCheckBox("0 is background")
        self.background.setToolTip(
            "Otherwise voxels of 0 are unlabelled: they teach nothing and keep their paint"
        )
        self.background.toggled.connect(self._check)
        self.about = hint()
        self._parts = (self.kind, self.names, self.background, self.about)
        for place, part in enumerate(self._parts, 1):
            self.column.insertWidget(place, part)
        self._objects = False
        self._of: Offer | None = None
        connect(self, self._import.asked, self.ask)
        self.ask()

    def ask(self) -> None:
        """Ask for what waits now, or hide."""
        offer = self._import.asking
        if offer is None:
            self.say("")
            return
        if offer is not self._of:
            self._of = offer
            for part in (*self._parts, self.use):
                part.setVisible(not offer.why_not)
            if offer.why_not:
                self.open.show()
                self.say(offer.why_not)
                return
            values = offer.values
            many = plural(len(values), "value")
            span = f", {values[0]} to {values[-1]}" if len(values) > 1 else ""
            self.say(f"<b>{offer.title}</b> has {many}{span}, beside 0. Each value is")
            self.open.setVisible(offer.layer is None)
            # Strokes on a layer of one's own are few; whoever gives a file has gone through it,
            # unless most of its sections are empty.
            gone_through = offer.layer is None and offer.empty <= offer.sections / 2
            self.background.setChecked(gone_through)
            self._choose(OBJECTS if len(values) > FEW else CLASSES)
        self.show()

    def answer(self) -> None:
        """Take the labels over as they are meant now."""
        self._import.answer(
            self._names(), objects=self._objects, background=self.background.isChecked()
        )

    def _choose(self, kind: str) -> None:
        self._objects = kind == OBJECTS
        self.kind.show_choice(kind)
        self.names.setPlaceholderText("name of the class" if self._objects else "names")
        self.names.setText(", ".join(self._likely()))
        self._check()

    def _likely(self) -> list[str]:
        """Return names that are likely meant: those of the project, in their order."""
        known = [c.name for c in LabelPainter.of(self._session).classes]
        count = 1 if self._objects or self._of is None else len(self._of.values)
        if self._objects:
            return known[:1] or [OBJECT]
        return [known[i] if i < len(known) else f"class {i + 1}" for i in range(count)]

    def _names(self) -> list[str]:
        return [name for part in self.names.text().split(",") if (name := part.strip())]

    def _check(self, *_: object) -> None:
        offer, names = self._import.asking, self._names()
        if offer is None:
            return
        wanted = 1 if self._objects else len(offer.values)
        why = None
        if not offer.values:
            why = f"{offer.title} holds nothing but 0."
        elif len(names) != wanted or len(set(names)) != wanted:
            why = f"Give {plural(wanted, 'different name' if wanted > 1 else 'name')}."
        enable(self.use, why)
        self.about.setText(why or self._meaning(offer, names))

    def _meaning(self, offer: Offer, names: list[str]) -> str:
        if self._objects:
            told = f"{plural(len(offer.values), 'object')} of {names[0]}"
        else:
            shown = list(zip(offer.values, names, strict=True))[:4]
            told = ", ".join(f"{value} is {name}" for value, name in shown)
            told += ", …" if len(offer.values) > len(shown) else ""
        rest = "background" if self.background.isChecked() else "unlabelled"
        if self.background.isChecked() and offer.empty:
            rest += f", also {offer.empty} of {offer.sections} sections without any label"
        return f"{told}; all else is {rest}. Ctrl+Z does not take it back."
