"""A simulated case on disk: train, validation and test tomograms, sparse clicks, exact truth."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from tomoscribe.coords import Geometry, relion_to_normals, rotation_to_relion
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.pick_files import PickColumns, write_picks
from tomoscribe.io.volumes import write_mrc
from tomoscribe.simulate.tomogram import Scene, SimulatedTomogram, simulate_tomogram

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLICK_JITTER = 1.0
"""Standard deviation of a simulated click's error, in voxels per axis."""
ROLES = ("train", "val", "test")


def write_case(
    out: Path,
    scene: Scene,
    seed: int = 0,
    *,
    clicks: int = 20,
    jitter: float = CLICK_JITTER,
    roles: tuple[str, ...] = ROLES,
) -> Path:
    """Write a training folder with truth.

    `train/train.mrc` and `train/train.star` hold a tomogram and `clicks` clicks
    on targets, `val/` the same with half as many, `test/` only a tomogram.
    `truth/` holds every particle of each (see `write_truth`), `case.json` the scene.

    Parameters
    ----------
    out : Path
        Folder to make; must not hold anything yet.
    scene : Scene
        What is simulated; its first species is the target.
    seed : int
        Fixes everything.
    clicks : int
        Clicks in the training tomogram.
    jitter : float
        Standard deviation of the clicks' error, in voxels per axis.
    roles : tuple of str
        Which of train, val and test are written.

    Raises
    ------
    TomoscribeError
        If the folder is not empty, or cannot be written.
    """
    make_empty_folder(out)
    target = scene.species[0]
    for role in roles:
        sample = simulate_tomogram(scene, sample_seed(seed, ROLES.index(role)))
        folder = out / role
        folder.mkdir(exist_ok=True)
        path = folder / f"{role}.mrc"
        write_mrc(path, sample.volume, sample.voxel_size_A)
        write_truth(sample, out / "truth", role)
        if role != "test":
            count = clicks if role == "train" else max(clicks // 2, 1)
            clicked = sparse_clicks(sample, count, seed, jitter)
            columns = PickColumns(zyx=clicked, class_names=[target.name] * len(clicked))
            write_picks(
                path.with_suffix(".star"),
                columns,
                geometry=_geometry(sample),
                tomogram_name=path.name,
                flavour="relion3.0",
            )
    about = {"seed": seed, "target": target.name, "diameter_A": target.diameter_A}
    text = json.dumps({**about, "clicks": clicks, "scene": asdict(scene)}, indent=1)
    write_text_atomic(out / "case.json", text + "\n")
    return out


def make_empty_folder(folder: Path) -> None:
    """Make a folder that is empty.

    Raises
    ------
    TomoscribeError
        If it holds something already, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise TomoscribeError(
                f"The folder {folder} is not empty; choose a new one, nothing is overwritten."
            )
    except OSError as error:
        raise TomoscribeError(
            f"The folder {folder} cannot be written ({error.strerror}); choose another one."
        ) from error


def sample_seed(seed: int, index: int) -> int:
    """Return a seed for the `index`-th tomogram of a case that no other case shares."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])


def sparse_clicks(
    sample: SimulatedTomogram, count: int, seed: int = 0, jitter: float = CLICK_JITTER
) -> NDArray[np.float64]:
    """Return clicks on `count` random targets as (N, 3) zyx voxels, with a person's error."""
    rng = np.random.default_rng([seed, 7])
    zyx = sample.truth[sample.scene.species[0].name]
    chosen = zyx[rng.permutation(len(zyx))[:count]]
    moved = chosen + rng.normal(0, jitter, chosen.shape)
    return np.asarray(np.clip(moved, 0, np.array(sample.volume.shape) - 1), dtype=np.float64)


def write_truth(sample: SimulatedTomogram, folder: Path, name: str) -> Path:
    """Write `<name>.csv` with all particles and `<name>.star` with the targets; return the CSV.

    Columns x, y, z are voxels, 0 at the first voxel's centre; qx to qw is the rotation
    from the reference density to the particle.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["x", "y", "z", "class", "qx", "qy", "qz", "qw"])
    rows = zip(sample.zyx, sample.class_names, sample.rotations_xyzw, strict=True)
    for zyx, class_name, quaternion in rows:
        numbers = [f"{v:.4f}" for v in zyx[::-1]]
        table.writerow([*numbers, class_name, *(f"{q:.6f}" for q in quaternion)])
    path = folder / f"{name}.csv"
    write_text_atomic(path, text.getvalue())
    target = sample.scene.species[0].name
    mine = np.array(sample.class_names) == target
    angles = rotation_to_relion(Rotation.from_quat(sample.rotations_xyzw[mine].reshape(-1, 4)))
    columns = PickColumns(
        zyx=sample.zyx[mine],
        class_names=[target] * int(mine.sum()),
        normals_zyx=relion_to_normals(angles),
        angles_deg=angles[:, 0],
    )
    write_picks(
        path.with_suffix(".star"),
        columns,
        geometry=_geometry(sample),
        tomogram_name=f"{name}.mrc",
        flavour="relion3.0",
    )
    return path


def read_truth(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the positions (N, 3) zyx voxels by class name of a truth CSV."""
    found: dict[str, list[list[float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            position = [float(row[axis]) for axis in "zyx"]
            found.setdefault(row["class"], []).append(position)
    return {name: np.array(rows, dtype=np.float64) for name, rows in found.items()}


def _geometry(sample: SimulatedTomogram) -> Geometry:
    return Geometry(sample.scene.shape_zyx, sample.voxel_size_A, (0.0, 0.0, 0.0))
