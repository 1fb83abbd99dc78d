"""What label files are checked for before anything is learned from them, a sentence each."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.classes import class_color
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.value_labels import ValueMeaning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.io.label_files import ValueCounts
    from tomoscribe.project.source import LabelFiles
    from tomoscribe.segmentation.labels import Triple

MANY = 16
"""More unnamed classes than this are taken for a mistake: objects, or grey values."""

OBJECT = "object"
"""Name of the class where values number objects and nobody names it."""


def check_shapes(image: str, shape_zyx: Triple, labels: str, labels_zyx: Triple) -> None:
    """Check that labels lie on the voxels of their image.

    Raises
    ------
    TomoscribeError
        If they do not; the sentence tells which order of the axes would fit.
    """
    if shape_zyx == labels_zyx:
        return
    both = f"{labels} has {_size(labels_zyx)} voxels (z y x), its image {image} {_size(shape_zyx)}"
    for order in permutations(range(3)):
        if tuple(labels_zyx[a] for a in order) == shape_zyx:
            axes = ", ".join(map(str, order))
            raise TomoscribeError(
                f"{both}: their axes are in another order; save one of them again with its axes "
                f"turned, labels.transpose({axes}) in Python."
            )
    raise TomoscribeError(f"{both}: labels must lie on the voxels of their image.")


def meaning_of(
    counts: Mapping[str, ValueCounts],
    files: LabelFiles,
    *,
    objects: bool,
    trains: bool = True,
) -> tuple[tuple[LabelClass, ...], ValueMeaning, list[str]]:
    """Return the classes that label files hold, what their values mean, and what was odd.

    Parameters
    ----------
    counts : mapping of str to ValueCounts
        Values of each file that is trained or validated on, by its address.
    files : LabelFiles
        What the user says of them.
    objects : bool
        Whether objects are told apart, as the task `instance` needs.
    trains : bool
        They are all that is learned from: there must be something to tell a class from.

    Raises
    ------
    TomoscribeError
        If there is nothing to tell apart, or the values do not fit what the user says.
    """
    where = next(iter(counts)) if len(counts) == 1 else f"{next(iter(counts))} and the others"
    background = None if files.background == files.unlabelled else files.background
    numbered = objects if files.objects is None else files.objects
    values = sorted({v for c in counts.values() for v in c.values} - {background, files.unlabelled})
    _check_foreground(counts, where, values, background)
    notes: list[str] = []
    class_of: dict[int, int] | None = None
    if numbered:
        names = _one_name(files.classes, where)
        if objects and len(values) == 1:
            notes.append(
                f"All that {where} labels has the value {values[0]}: objects that touch cannot be "
                "told apart; number them to learn that."
            )
    else:
        names, class_of = _named(values, files, where, notes)
    known = background is not None and any(c.count(background) for c in counts.values())
    touching = numbered and objects and len(values) > 1  # where objects fill all, borders teach
    if trains and not known and len(names) == 1 and not touching:
        raise TomoscribeError(
            f"Nothing in {where} is labelled as background, so there is nothing to tell "
            f"'{names[0]}' from: label some, and say with --background which value it has."
        )
    classes = tuple(LabelClass(name, class_color(i)) for i, name in enumerate(names))
    meaning = ValueMeaning(class_of, len(names), background, files.unlabelled, objects=objects)
    return classes, meaning, notes


def check_same_values(labels: str, counts: ValueCounts, meaning: ValueMeaning) -> None:
    """Check that labels to judge by hold no value that those to learn from lack.

    Raises
    ------
    TomoscribeError
        If they do.
    """
    if meaning.class_of is None:
        return
    known = {*meaning.class_of, meaning.background, meaning.unlabelled}
    strange = [v for v in counts.values if v not in known]
    if strange:
        raise TomoscribeError(
            f"{labels} holds {_listed(strange)}, which no labels to train on hold: use the same "
            "values for the same classes in all of them."
        )


def _check_foreground(
    counts: Mapping[str, ValueCounts], where: str, values: list[int], background: int | None
) -> None:
    if not values:
        held = sorted({v for c in counts.values() for v in c.values})
        said = " and ".join(map(str, held)) or "nothing but NaN"
        raise TomoscribeError(f"{where} holds no voxel of any class, only {said}: label some.")
    if values[0] < 0:
        raise TomoscribeError(
            f"{where} holds the value {values[0]}: labels are 0 or above; say with --unlabelled "
            f"{values[0]} if that is what nobody has labelled."
        )
    only = [c.values for c in counts.values()]
    if all(len(held) == 1 for held in only) and len(values) == 1 and background not in only[0]:
        raise TomoscribeError(
            f"{where} holds the value {values[0]} in every voxel: there is nothing to tell it from."
        )


def _one_name(names: Sequence[str], where: str) -> tuple[str, ...]:
    if len(names) > 1:
        raise TomoscribeError(
            f"{len(names)} classes are named ({', '.join(names)}), but the values of {where} "
            "number the objects of one: give one name, or train --task semantic on values that "
            "are classes."
        )
    return tuple(names) or (OBJECT,)


def _named(
    values: list[int], files: LabelFiles, where: str, notes: list[str]
) -> tuple[tuple[str, ...], dict[int, int]]:
    """Return the names of the classes, and the index of its class by value."""
    names = files.classes
    if not names:
        _check_unnamed(values, where)
        names = tuple(f"class {i}" for i in range(1, len(values) + 1))
    elif len(values) < len(names) and set(values) <= set(range(1, len(names) + 1)):
        missing = next(i for i in range(1, len(names) + 1) if i not in values)
        raise TomoscribeError(
            f"The class '{names[missing - 1]}' has no voxel in {where}, which holds no {missing}: "
            "label some, or leave the class away."
        )
    elif len(values) != len(names):
        are_named = "1 class is named" if len(names) == 1 else f"{len(names)} classes are named"
        raise TomoscribeError(
            f"{are_named} ({', '.join(names)}), but {where} holds "
            f"{_listed(values)} beside the background: name as many as there are values"
            + (", or say --objects if all of them are that class." if len(names) == 1 else ".")
        )
    if values != list(range(1, len(values) + 1)):
        pairs = ", ".join(f"{v} as '{n}'" for v, n in zip(values, names, strict=True))
        notes.append(f"Values of {where} are read in rising order: {pairs}.")
    return names, {value: index for index, value in enumerate(values)}


def _check_unnamed(values: list[int], where: str) -> None:
    if len(values) > MANY:
        raise TomoscribeError(
            f"{where} holds {len(values)} different values ({_listed(values)}): say --task "
            "instance if they number objects, or --objects if all that is not background is one "
            "class, as in a mask with grey edges."
        )
    if len(values) > 1 and values[-1] == 255 and values[0] == 1:
        raise TomoscribeError(
            f"{where} holds {_listed(values)}: say --objects if 1 and 255 both mean one class, "
            "--unlabelled 255 if 255 is what nobody has labelled, or name the classes with "
            "--class."
        )


def _listed(values: Sequence[int]) -> str:
    if len(values) <= 5:
        return ", ".join(map(str, values))
    return ", ".join(map(str, values[:3])) + f", …, {values[-1]}"


def _size(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
