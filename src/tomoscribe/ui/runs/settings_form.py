"""A form made from the settings' own class, so that dock, command line and docs say the same."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import annotated_types
from psygnal import Signal
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.ui import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

UNITS = {"max_minutes": " min", "_every_s": " s", "_A": " Å"}
"""Suffixes of fields, by the end of their names."""

CHOICES = {"device": ("auto",), "net": ("auto", "unet", "resnet", "vit")}
"""What is offered for names that are free texts to the class of settings."""

AUTO = "auto"
"""How a field shows None: the plan chooses."""

EDITOR_WIDTH = 90
"""Pixels; what names leave in the narrowest dock."""

LARGEST = 1_000_000

Box = TypeVar("Box", QSpinBox, QDoubleSpinBox)
Editor = QComboBox | QSpinBox | QDoubleSpinBox | QLineEdit | QCheckBox


class SettingsForm(QWidget):
    """Edits some fields of a class of settings; names and tooltips are those of the class."""

    changed = Signal()

    def __init__(
        self,
        names: Sequence[str],
        model: type[BaseModel] = TrainingSettings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self.editors: dict[str, Editor] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name in names:
            field = model.model_fields[name]
            editor = _editor(name, field)
            _on_edit(editor, self.changed.emit)
            editor.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            editor.setMinimumWidth(EDITOR_WIDTH)
            label = QLabel(_words(name))
            for widget in (editor, label):
                widget.setToolTip(field.description or "")
            self.editors[name] = editor
            layout.addRow(label, editor)

    def set_choices(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Offer (value, text) in a combo instead of a free field; the value chosen before stays."""
        combo = self.editors[name]
        if not isinstance(combo, QComboBox):
            raise TypeError(f"{name} has no choices")
        chosen = combo.currentData()
        with QSignalBlocker(combo):  # between clearing and choosing there is no valid value
            combo.clear()
            for value, text in choices:
                combo.addItem(text, value)
            combo.setCurrentIndex(max(combo.findData(chosen), 0))

    def values(self) -> dict[str, Any]:
        """Return the fields as they stand, None where the plan chooses."""
        return {
            name: _value(self._model.model_fields[name], editor)
            for name, editor in self.editors.items()
        }

    def set_values(self, settings: BaseModel) -> None:
        """Show settings."""
        for name in self.editors:
            self.set_value(name, getattr(settings, name))

    def set_value(self, name: str, value: Any) -> None:
        """Show one field, as if the user had set it."""
        _show(self.editors[name], value)


def _words(name: str) -> str:
    words = name.removesuffix("_s").removesuffix("_A").removeprefix("max_")
    return words.replace("_", " ")


def _optional(field: FieldInfo) -> bool:
    return type(None) in typing.get_args(field.annotation)


def _kind(field: FieldInfo) -> Any:
    if isinstance(field.annotation, types.UnionType):
        return next(t for t in typing.get_args(field.annotation) if t is not type(None))
    return field.annotation


def _editor(name: str, field: FieldInfo) -> Editor:
    kind = _kind(field)
    if typing.get_origin(kind) is Literal or name in CHOICES:
        combo = QComboBox()
        for value in typing.get_args(kind) or CHOICES[name]:
            combo.addItem(str(value), value)
        return combo
    if kind is bool and _optional(field):
        choice = QComboBox()
        for text, answer in ((AUTO, AUTO), ("yes", True), ("no", False)):
            choice.addItem(text, answer)
        return choice
    if kind is bool:
        box = QCheckBox()
        _show(box, field.default)
        return box
    if kind is int:
        whole = QSpinBox()
        _limit(whole, field, step=1)
        return _finish(whole, name, field)
    if kind is float:
        number = QDoubleSpinBox()
        number.setDecimals(5 if name == "learning_rate" else 2)
        number.setSingleStep(0.0001 if name == "learning_rate" else 0.1)
        _limit(number, field, step=10.0 ** -number.decimals())
        return _finish(number, name, field)
    line = QLineEdit()
    if _optional(field):
        line.setPlaceholderText(AUTO)
    _show(line, field.get_default(call_default_factory=True))
    return line


def _limit(box: QSpinBox | QDoubleSpinBox, field: FieldInfo, step: Any) -> None:
    low: Any = -LARGEST
    high: Any = LARGEST
    for limit in field.metadata:
        if isinstance(limit, annotated_types.Gt):
            low = limit.gt + step
        elif isinstance(limit, annotated_types.Ge):
            low = limit.ge
        elif isinstance(limit, annotated_types.Le):
            high = limit.le
        elif isinstance(limit, annotated_types.Lt):
            high = limit.lt - step
    if _optional(field):  # one step below the lowest value stands for None
        low -= step
        box.setSpecialValueText(AUTO)
    box.setMinimum(low)
    box.setMaximum(high)


def _finish(box: Box, name: str, field: FieldInfo) -> Box:
    box.setSuffix(next((unit for end, unit in UNITS.items() if name.endswith(end)), ""))
    box.setKeyboardTracking(False)
    _show(box, field.default)
    return box


def _show(editor: Editor, value: Any) -> None:
    if isinstance(editor, QComboBox):
        index = editor.findData(AUTO if value is None else value)
        if index < 0:
            editor.addItem(str(value), value)
            index = editor.count() - 1
        editor.setCurrentIndex(index)
    elif isinstance(editor, QLineEdit):
        many = isinstance(value, list | tuple)
        editor.setText(", ".join(map(str, value)) if many else "" if value is None else str(value))
    elif isinstance(editor, QCheckBox):
        editor.setChecked(value)
    else:
        editor.setValue(editor.minimum() if value is None else value)  # type: ignore[arg-type]


def _value(field: FieldInfo, editor: Editor) -> Any:
    if isinstance(editor, QComboBox):
        chosen = editor.currentData()
        return None if chosen == AUTO and _optional(field) else chosen
    if isinstance(editor, QCheckBox):
        return editor.isChecked()
    if isinstance(editor, QLineEdit):
        words = [word.strip() for word in editor.text().split(",")]
        words = [word for word in words if word]
        if not words and _optional(field):
            return None
        return words if typing.get_origin(_kind(field)) in (list, tuple) else editor.text()
    if _optional(field) and editor.value() == editor.minimum():
        return None
    return editor.value()


def _on_edit(editor: Editor, told: Any) -> None:
    if isinstance(editor, QComboBox):
        editor.currentIndexChanged.connect(lambda _: told())
    elif isinstance(editor, QLineEdit):
        editor.editingFinished.connect(told)
    elif isinstance(editor, QCheckBox):
        editor.toggled.connect(lambda _: told())
    else:
        editor.valueChanged.connect(lambda _: told())
