"""IMOD models (.mod): points of objects and contours, and slicer angles as orientations."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from imodmodel import ImodModel
from imodmodel.models import Contour, ModelFlags, ModelHeader, Object, ObjectHeader

from tomoscribe.coords import (
    orientation_to_rotation,
    rotation_to_orientation,
    rotation_to_slicer,
    slicer_to_rotation,
    xyz_to_zyx,
    zyx_to_xyz,
)
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.numbered import oriented
from tomoscribe.io.pick_columns import PickColumns

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_CENTRE_XYZ = np.array([0.5, 0.5, 0.0])
"""Model coordinates of the first voxel's centre (IMOD binspec and 3dmod; z from -0.5)."""
_NEAR_VOXELS = 2.0
"""A slicer centre is placed by hand near its point; further off it belongs to another."""
_HEADER_BYTES, _OBJECT_BYTES = 240, 176
"""Sizes of what comes before the first part, and of an object's (binspec)."""
_NAME_BYTES = 63
_COLORS = ((0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (0.0, 1.0, 1.0), (1.0, 0.5, 0.0))


def is_imod(path: Path) -> bool:
    """Return whether a file is an IMOD model, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"IMOD"


def read_imod(path: Path, geometry: Geometry | None = None) -> PickColumns:
    """Read the points of all contours, in voxels; objects are classes.

    Slicer angles orient the points nearest to their centres; without points, the centres are
    the picks. Pixel size is that of the image that the model was made on.

    Raises
    ------
    TomoscribeError
        If it is no model, broken, or holds a surface and no points.
    """
    model = _open(path)
    names, blocks = [], []
    for number, item in enumerate(model.objects, 1):
        points = [contour.points for contour in item.contours if len(contour.points)]
        if points:
            blocks.append(np.concatenate(points).astype(np.float64))
            names += [_text(item.header.name) or f"object_{number}"] * len(blocks[-1])
    xyz = np.concatenate(blocks) if blocks else np.zeros((0, 3))
    notes: list[str] = []
    centres = np.array([s.center for s in model.slicer_angles], dtype=np.float64).reshape(-1, 3)
    if not len(xyz) and len(centres):
        xyz, names = centres, [_text(s.label) or "slicer" for s in model.slicer_angles]
        notes.append(f"{path.name} holds no points: the centres of its slicer angles are read.")
    if not len(xyz) and any(item.meshes for item in model.objects):
        raise TomoscribeError(
            f"{path} holds a surface mesh and no points: save its contours, or open the "
            "surface as OBJ or STL."
        )
    normals, turns = _orientations(model, xyz, centres, notes, path)
    named = any(not name.startswith("object_") for name in names)
    return PickColumns(
        zyx=xyz_to_zyx(xyz + _offset(model) - _CENTRE_XYZ - _half_z(model)),
        class_names=names if named or len(set(names)) > 1 else None,
        normals_zyx=normals,
        angles_deg=turns,
        notes=tuple(notes),
    )


def _open(path: Path) -> ImodModel:
    if not is_imod(path):
        raise TomoscribeError(f"{path} is not an IMOD model: it does not begin with IMOD.")
    try:
        if not _fits(path.read_bytes()):
            raise ValueError
        return ImodModel.from_file(path)
    except OSError:
        raise
    except Exception as error:  # imodmodel lets pass whatever its parsers meet
        raise TomoscribeError(
            f"{path} is an IMOD model that cannot be read: it is cut off, or holds a mesh of an "
            "old kind (remove it with imodmesh -e)."
        ) from error


def _fits(data: bytes) -> bool:
    """Return whether all parts of a model lie within the file, down to its end mark.

    imodmodel believes any number of points, and would fill the memory for a damaged one.
    """
    at = _HEADER_BYTES
    while at + 4 <= len(data):
        tag = data[at : at + 4]
        at += 4
        if tag == b"IEOF":
            return True
        if tag == b"OBJT":
            at += _OBJECT_BYTES
            continue
        if at + 8 > len(data):
            return False
        first, second = struct.unpack(">2i", data[at : at + 8])
        if tag == b"CONT":
            size = 16 + 12 * first
        elif tag == b"MESH":
            size = 16 + 12 * first + 4 * second
        else:
            size = 4 + first
        if first < 0 or size < 0 or at + size > len(data):
            return False
        at += size
    return False


def _text(value: str | bytes) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text.split("\0")[0].strip()


def _offset(model: ImodModel) -> NDArray[np.float64]:
    """Return what must be added to x y z if the model was last loaded on a part of the image.

    (IMOD asciispec: from model to pixel, add (refoldtrans - refcurtrans) / refcurscale.)
    """
    if model.minx is None or not model.header.flags.otrans_has_image_origin_values:
        return np.zeros(3)
    old, now, scale = (np.array(getattr(model.minx, n)) for n in ("otrans", "ctrans", "cscale"))
    offset: NDArray[np.float64] = (old - now) / np.where(scale > 0, scale, 1.0)
    return offset


def _half_z(model: ImodModel) -> NDArray[np.float64]:
    """Return half a voxel in z for old models, whose z begins at 0 and not at -0.5."""
    starts_below = model.header.flags.z_coordinates_start_from_negative_half
    return np.array([0.0, 0.0, 0.0 if starts_below else 0.5])


def _orientations(
    model: ImodModel,
    xyz: NDArray[np.float64],
    centres: NDArray[np.float64],
    notes: list[str],
    path: Path,
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return normals and rotations of the points that a slicer angle belongs to, NaN elsewhere."""
    if not len(centres) or not len(xyz):
        return None, None
    distances, nearest = _nearest(xyz, centres)
    near = distances <= _NEAR_VOXELS
    normals, turns = np.full((len(xyz), 3), np.nan), np.full(len(xyz), np.nan)
    if near.any():
        angles = np.array([s.angles for s in model.slicer_angles], dtype=np.float64)
        normals[nearest[near]], turns[nearest[near]] = rotation_to_orientation(
            slicer_to_rotation(angles[near])
        )
    without = int(np.isnan(turns).sum())
    if without:
        notes.append(
            f"{len(xyz) - without} of {len(xyz)} points of {path.name} have slicer angles."
        )
    return (None, None) if without == len(xyz) else (normals, turns)


def _nearest(
    xyz: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the distances (M,) and indices (M,) of the points nearest to slicer centres."""
    from scipy.spatial import cKDTree

    if len(xyz) == len(centres):
        # Angles in the order of their points, as a program writes them.
        distances = np.linalg.norm(xyz - centres, axis=1)
        if np.all(distances <= _NEAR_VOXELS):
            return distances, np.arange(len(xyz))
    found, index = cKDTree(xyz).query(centres)
    return np.asarray(found), np.asarray(index)


def write_imod(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write a model of scattered points atomically: an object a class, slicer angles a normal.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    xyz = zyx_to_xyz(columns.zyx) + _CENTRE_XYZ
    names = columns.class_names or [""] * len(columns)
    objects, order = [], []
    for number, name in enumerate(dict.fromkeys(names)):
        rows = [i for i, n in enumerate(names) if n == name]
        order += rows
        red, green, blue = _COLORS[number % len(_COLORS)]
        # Flags: scattered points, drawn as spheres in every slice that they reach.
        header = ObjectHeader(
            name=_short(name), flags=1 << 9, red=red, green=green, blue=blue, pdrawsize=5
        )
        objects.append(Object(header=header, contours=[Contour(points=xyz[rows])]))
    known = np.array(order, dtype=np.intp)[oriented(columns)[order]]
    slicer: list[bytes] = []
    if len(known):
        picked = columns.take(known)
        assert picked.normals_zyx is not None
        angles = rotation_to_slicer(orientation_to_rotation(picked.normals_zyx, picked.angles_deg))
        # imodmodel gives these parts a wrong length, at which IMOD would stumble.
        slicer = [
            struct.pack(">4s2i6f32s", b"SLAN", 60, 1, *turn, *xyz[i], b"")
            for i, turn in zip(known, angles.tolist(), strict=True)
        ]
    size = geometry.voxel_size_A
    header = ModelHeader(
        xmax=geometry.shape_zyx[2],
        ymax=geometry.shape_zyx[1],
        zmax=geometry.shape_zyx[0],
        pixelsize=1.0 if size is None else size / 10.0,
        units=0 if size is None else -9,  # nm
        flags=ModelFlags(z_coordinates_start_from_negative_half=True, mat1_and_mat3_are_bytes=True),
    )
    with atomic_path(path) as temporary:
        ImodModel(header=header, objects=objects).to_file(temporary)
        parts = temporary.read_bytes().removesuffix(b"IEOF")
        temporary.write_bytes(b"".join([parts, *slicer, b"IEOF"]))


def _short(name: str) -> str:
    """Return a name that fits IMOD's 64 bytes, not cut within a letter."""
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")
