"""The table of pick formats: who reads, who writes, what each holds. Every door looks here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

from tomoscribe.io.pick_columns import Flavour

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class PickFormat:
    """One format of pick files.

    Parameters
    ----------
    name : str
        As `tomoscribe export --format` takes it.
    title : str
        As the export dialog and `tomoscribe info` show it.
    group : str
        Formats of the same kind of program.
    suffixes : tuple of str
        Lower case; the first is written.
    holds : str
        What it holds and what it loses, in one line.
    reader, writer : str
        `module:function` of `tomoscribe.io`, imported when needed; empty where there is none.
    recogniser : str
        `module:function` that tells by content whether a file of the suffix is one, where the
        suffix alone does not.
    not_written : str
        Why there is no writer.
    one_tomogram, one_class : bool
        Whether a file can hold picks of one tomogram, of one class only.
    rows_in_text : bool
        Whether a pick is a line of text, so that the first lines can be shown.
    numbers_classes : bool
        Whether classes lose their names.
    binary : bool
        Whether a file is no text.
    """

    name: str
    title: str
    group: str
    suffixes: tuple[str, ...]
    holds: str
    reader: str = ""
    writer: str = ""
    recogniser: str = ""
    not_written: str = ""
    one_tomogram: bool = False
    one_class: bool = False
    rows_in_text: bool = True
    numbers_classes: bool = False
    binary: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of written files."""
        return self.suffixes[0]

    def recognises(self, path: Path) -> bool:
        """Return whether a file that exists is of this format, by suffix and content."""
        if path.suffix.lower() not in self.suffixes:
            return False
        return not self.recogniser or bool(_function(self.recogniser)(path))


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(import_module(f"tomoscribe.io.{module}"), name)
    return function


STAR_WRITER = "star_write:write_star"
"""The one writer that is told which of its formats is wanted."""
_LISTS = "Subtomogram averaging"
_PICKERS = "Pickers and viewers"
_PLAIN = "Plain tables"

FORMATS: tuple[PickFormat, ...] = (
    PickFormat(
        "relion5",
        "RELION 5 STAR",
        _LISTS,
        (".star",),
        "Å from the tomogram's centre; angles, score and class.",
        reader="star:read_star",
        writer=STAR_WRITER,
    ),
    PickFormat(
        "relion4",
        "RELION 4 STAR",
        _LISTS,
        (".star",),
        "Voxels of the tilt series, by default the tomogram's; angles, score and class.",
        reader="star:read_star",
        writer=STAR_WRITER,
    ),
    PickFormat(
        "relion3.1",
        "RELION 3.1 STAR",
        _LISTS,
        (".star",),
        "Voxels, with an optics table; angles, score and class.",
        reader="star:read_star",
        writer=STAR_WRITER,
    ),
    PickFormat(
        "relion3.0",
        "RELION 3.0 STAR",
        _LISTS,
        (".star",),
        "Voxels, one table; angles, score and class.",
        reader="star:read_star",
        writer=STAR_WRITER,
    ),
    PickFormat(
        "warp",
        "Warp STAR",
        _LISTS,
        (".star",),
        "Voxels, tomograms named as Warp's .tomostar; angles, score and class.",
        reader="star:read_star",
        writer=STAR_WRITER,
    ),
    PickFormat(
        "stopgap",
        "STOPGAP motive list",
        _LISTS,
        (".star",),
        "Voxels and shifts, phi psi the; classes and tomograms become numbers.",
        reader="stopgap:read_stopgap",
        writer="stopgap:write_stopgap",
        numbers_classes=True,
        recogniser="stopgap:is_stopgap",
    ),
    PickFormat(
        "dynamo",
        "Dynamo table",
        _LISTS,
        (".tbl",),
        "Voxels from the corner, tdrot tilt narot, score; names of classes become numbers.",
        reader="dynamo:read_dynamo",
        writer="dynamo:write_dynamo",
        numbers_classes=True,
    ),
    PickFormat(
        "motl",
        "EM motive list",
        _LISTS,
        (".em",),
        "AV3, TOM and novaSTA: 20 numbers a pick; classes and tomograms become numbers.",
        reader="em:read_em",
        writer="em:write_em",
        numbers_classes=True,
        recogniser="em:is_motive_list",
        rows_in_text=False,
        binary=True,
    ),
    PickFormat(
        "imod",
        "IMOD model",
        _PICKERS,
        (".mod",),
        "Points, an object a class, normals as slicer angles; no scores.",
        reader="imod:read_imod",
        writer="imod:write_imod",
        recogniser="imod:is_imod",
        one_tomogram=True,
        rows_in_text=False,
        binary=True,
    ),
    PickFormat(
        "cbox",
        "crYOLO boxes",
        _PICKERS,
        (".cbox",),
        "Boxes as wide as the particle, and score; no classes, no normals.",
        reader="boxes:read_cbox",
        writer="boxes:write_cbox",
        one_tomogram=True,
        rows_in_text=False,
    ),
    PickFormat(
        "box",
        "EMAN boxes",
        _PICKERS,
        (".box",),
        "Two-dimensional boxes: corner and size.",
        reader="boxes:read_box",
        not_written="it has no z",
        one_tomogram=True,
    ),
    PickFormat(
        "copick",
        "copick JSON",
        _PICKERS,
        (".json",),
        "Å, rotation matrix, score; one object a file.",
        reader="copick:read_copick",
        writer="copick:write_copick",
        recogniser="copick:is_copick",
        one_tomogram=True,
        one_class=True,
        rows_in_text=False,
    ),
    PickFormat(
        "portal",
        "CryoET Data Portal",
        _PICKERS,
        (".ndjson",),
        "Voxels and rotation matrix; one object a file, no scores.",
        reader="portal:read_portal",
        writer="portal:write_portal",
        one_tomogram=True,
        one_class=True,
    ),
    PickFormat(
        "deepfinder",
        "DeepFinder objects",
        _PICKERS,
        (".xml",),
        "Voxels, phi psi the; classes and tomograms become numbers, no scores.",
        reader="xml_lists:read_xml",
        writer="xml_lists:write_deepfinder",
        numbers_classes=True,
        recogniser="xml_lists:is_particle_list",
        rows_in_text=False,
    ),
    PickFormat(
        "pytom",
        "PyTom particle list",
        _LISTS,
        (".xml",),
        "Voxels, Z1 Z2 X, score and class.",
        reader="xml_lists:read_xml",
        recogniser="xml_lists:is_particle_list",
        not_written="it lists extracted subtomograms; PyTom reads RELION's STAR",
    ),
    PickFormat(
        "membranorama",
        "Membranorama session",
        _PICKERS,
        (".xml",),
        "Å in the frame of the mesh; groups are classes.",
        reader="xml_lists:read_xml",
        recogniser="xml_lists:is_particle_list",
        not_written="it needs Membranorama's own mesh",
        one_tomogram=True,
    ),
    PickFormat(
        "csv",
        "CSV",
        _PLAIN,
        (".csv",),
        "Voxels with all that is known: class, score, normal, angle.",
        reader="tables:read_table",
        writer="tables:write_csv",
    ),
    PickFormat(
        "txt",
        "Text",
        _PLAIN,
        (".txt", ".tsv", ".coords"),
        "Three columns x y z in voxels, and the score where all have one; nothing else.",
        reader="tables:read_table",
        writer="tables:write_txt",
        recogniser="tables:is_table",
        one_tomogram=True,
    ),
)
"""All formats, in the order in which they are offered."""

BY_NAME = {row.name: row for row in FORMATS}
WRITABLE: dict[Flavour, PickFormat] = {name: BY_NAME[name] for name in get_args(Flavour)}
"""Formats that can be written, by the name that the command line takes."""
PICK_SUFFIXES = tuple(dict.fromkeys(s for row in FORMATS for s in row.suffixes))
"""Suffixes of files that may hold picks; of some the content decides."""

LABEL_SUFFIXES = (".cbox", ".csv", ".em", ".mod", ".ndjson", ".star", ".tbl")
"""Suffixes of the picks beside the volumes of a training folder; notes and settings lie there too,
so that .txt, .json and .xml are not looked at."""


def format_of(path: Path) -> PickFormat | None:
    """Return the format of a file that exists, by suffix and content; None: of none.

    Formats with a recogniser are asked first, so that a list in STAR's syntax is known as what
    it is. Formats that share a reader count as the first of them.
    """
    mine = [row for row in FORMATS if row.recognises(path)]
    return next((row for row in mine if row.recogniser), mine[0] if mine else None)


def reader_of(path: Path) -> Callable[..., Any] | None:
    """Return the reader of a file that exists: of its format, else of its suffix.

    The reader of a suffix whose content is something else says what is wrong with it.
    """
    row = format_of(path) or next(
        (row for row in FORMATS if path.suffix.lower() in row.suffixes), None
    )
    return None if row is None else _function(row.reader)


def writer_of(flavour: Flavour) -> Callable[..., Any]:
    """Return the function that writes a format."""
    return _function(WRITABLE[flavour].writer)
