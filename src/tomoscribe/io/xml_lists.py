"""Particle lists in XML: DeepFinder, PyTom, and sessions of Membranorama."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from tomoscribe.coords import A_to_voxels, relion_to_tom, tom_to_relion, xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.numbered import (
    angles_to_write,
    known_scores,
    names_of_classes,
    numbers_of_classes,
    numbers_of_tomograms,
    oriented,
    read_angles,
)
from tomoscribe.io.pick_columns import NeedsTomogramError, PickColumns

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_HEAD = 4096
_DEEPFINDER, _PYTOM, _MEMBRANORAMA = "objlist", "ParticleList", "Session"


def is_particle_list(path: Path) -> bool:
    """Return whether an XML file is one of the lists that are read, by its first element."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "ignore")
    return any(f"<{name}" in text for name in (_DEEPFINDER, _PYTOM, _MEMBRANORAMA))


def read_xml(path: Path, geometry: Geometry | None) -> PickColumns:
    """Read a DeepFinder object list, a PyTom particle list or a Membranorama session.

    Raises
    ------
    TomoscribeError
        If it is none of these, broken, or in Å while the voxel size is unknown.
    """
    content = path.read_bytes()
    # Entities can blow a small file up to any size, and no particle list needs them.
    if b"<!ENTITY" in content or "<!ENTITY".encode("utf-16-le") in content:
        raise TomoscribeError(f"{path} defines XML entities, which a particle list has no use for.")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise TomoscribeError(f"{path} is not an XML file that can be parsed: {error}.") from error
    if root.tag == _DEEPFINDER:
        return _read_deepfinder(path, root)
    if root.tag == _PYTOM:
        return _read_pytom(path, root)
    if root.tag == _MEMBRANORAMA:
        return _read_membranorama(path, root, geometry)
    raise TomoscribeError(
        f"{path} holds <{root.tag}>: of XML files, DeepFinder object lists, PyTom particle "
        "lists and Membranorama sessions are read."
    )


def _read_deepfinder(path: Path, root: Element) -> PickColumns:
    items = root.findall("object")
    xyz = np.array([_numbers(path, i, item, "xyz") for i, item in enumerate(items, 1)])
    angles = np.array(
        [_numbers(path, i, item, ("phi", "psi", "the"), 0.0) for i, item in enumerate(items, 1)]
    )
    classes = [_numbers(path, i, item, ("class_label",), 1.0)[0] for i, item in enumerate(items, 1)]
    normals, turns = read_angles(angles.reshape(-1, 3), tom_to_relion)
    tomograms = [item.get("tomo_idx") for item in items]
    return PickColumns(
        zyx=xyz_to_zyx(xyz.reshape(-1, 3)),
        class_names=names_of_classes(np.array(classes)),
        normals_zyx=normals,
        angles_deg=turns,
        tomogram=[t for t in tomograms if t is not None] if None not in tomograms else None,
    )


def _read_pytom(path: Path, root: Element) -> PickColumns:
    items = root.findall("Particle")
    places, turns, scores, classes, names = [], [], [], [], []
    for i, item in enumerate(items, 1):
        place, shift = item.find("PickPosition"), item.find("Shift")
        if place is None:
            raise TomoscribeError(f"Particle {i} of {path} has no PickPosition.")
        moved = np.zeros(3) if shift is None else np.array(_numbers(path, i, shift, "XYZ", 0.0))
        places.append(np.array(_numbers(path, i, place, "XYZ")) + moved)
        turn, score, kind = item.find("Rotation"), item.find("Score"), item.find("Class")
        # PyTom keeps phi, psi and theta of TOM as Z1, Z2 and X.
        turns.append([0.0] * 3 if turn is None else _numbers(path, i, turn, ("Z1", "Z2", "X")))
        scores.append(0.0 if score is None else _numbers(path, i, score, ("Value",), 0.0)[0])
        classes.append("" if kind is None else kind.get("Name", ""))
        names.append(place.get("Origin", ""))
    normals, angles = read_angles(np.array(turns).reshape(-1, 3), tom_to_relion)
    binning = {p.get("Binning", "1") for p in root.iter("PickPosition")}
    return PickColumns(
        zyx=xyz_to_zyx(np.array(places).reshape(-1, 3)),
        class_names=[f"class_{c}" for c in classes] if len(set(classes)) > 1 else None,
        scores=known_scores(np.array(scores, dtype=np.float64)),
        normals_zyx=normals,
        angles_deg=angles,
        tomogram=names if all(names) else None,
        notes=()
        if binning <= {"1", "1.0", "0"}
        else (f"{path.name} was picked in a tomogram binned {', '.join(sorted(binning))} times.",),
    )


def _read_membranorama(path: Path, root: Element, geometry: Geometry | None) -> PickColumns:
    """Read point groups; the angle in the plane of the mesh's face means nothing without it."""
    if geometry is None:
        raise NeedsTomogramError(path, "Å")
    places, classes = [], []
    for group in root.iterfind("PointGroups/Group"):
        name = group.get("Name") or "particle"
        for i, point in enumerate(group.iter("Point"), 1):
            try:
                xyz = [float(value) for value in point.get("Position", "").split(",")]
            except ValueError:
                xyz = []
            if len(xyz) != 3 or not np.isfinite(xyz).all():
                raise TomoscribeError(f"Point {i} of {name} in {path} has no position.")
            places.append(xyz)
            classes.append(name)
    return PickColumns(
        zyx=A_to_voxels(xyz_to_zyx(np.array(places).reshape(-1, 3)), geometry),
        class_names=classes,
        notes=(
            f"{path.name} is in Å; converted at {geometry.require_voxel_size():g} Å a voxel from "
            f"the origin {', '.join(f'{o:g}' for o in geometry.origin_zyx_A)} Å (z y x).",
        ),
    )


def _numbers(
    path: Path,
    number: int,
    item: Element,
    names: str | tuple[str, ...],
    missing: float | None = None,
) -> list[float]:
    """Return attributes as finite numbers.

    Raises
    ------
    TomoscribeError
        If one is none, or absent without a value for that.
    """
    values = []
    for name in names:
        text = item.get(name, "" if missing is None else str(missing))
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not np.isfinite(value):
            raise TomoscribeError(
                f"Particle {number} of {path} has '{text}' as {name} where a number must be."
            )
        values.append(value)
    return values


def write_deepfinder(
    path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str
) -> None:
    """Write a DeepFinder object list atomically, with angles for picks that have a normal.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    known: NDArray[np.bool_] = oriented(columns)
    lines = ["<objlist>"]
    for xyz, angles, has_angles, label, tomogram in zip(
        zyx_to_xyz(columns.zyx),
        angles_to_write(columns, relion_to_tom),
        known,
        numbers_of_classes(columns),
        numbers_of_tomograms(columns, tomogram_name),
        strict=True,
    ):
        line = f'  <object tomo_idx="{tomogram}" class_label="{label}"'
        line += "".join(f' {a}="{v:.4f}"' for a, v in zip("xyz", xyz, strict=True))
        if has_angles:
            named = zip(("phi", "psi", "the"), angles, strict=True)
            line += "".join(f' {a}="{v:.6f}"' for a, v in named)
        lines.append(f"{line}/>")
    write_text_atomic(path, "\n".join([*lines, "</objlist>", ""]))
