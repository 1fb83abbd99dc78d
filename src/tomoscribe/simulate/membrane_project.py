"""The sample project of membranes: four vesicles, meshed, their truth beside."""

from __future__ import annotations

from pathlib import Path

from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.membranes.meshing import mesh_segmentation
from tomoscribe.project.classes import class_color
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.store import Project
from tomoscribe.simulate.case import make_empty_folder
from tomoscribe.simulate.membrane_sample import (
    CLASSES,
    simulate_membranes,
    write_truth,
)

TOMOGRAM = "vesicles"
ROLES = (Role.TRAIN, Role.TRAIN, Role.VALIDATE, Role.UNUSED)
"""Of the four membranes."""


def make_membrane_project(folder: Path, seed: int = 0) -> Project:
    """Make a project with a tomogram of four membranes that carry two classes of particles.

    Nothing is clicked; every particle is in `truth.csv`, look-alikes too.

    Parameters
    ----------
    folder : Path
        New or empty folder.
    seed : int
        Fixes everything.

    Raises
    ------
    TomoscribeError
        If the folder is not empty, or cannot be written.
    """
    folder = Path(folder)
    make_empty_folder(folder)
    made = simulate_membranes(seed)
    size_A = made.scene.voxel_size_A
    path = folder / "tomograms" / f"{TOMOGRAM}.mrc"
    path.parent.mkdir()
    write_mrc(path, made.volume, size_A)
    write_mrc(path.with_name(f"{TOMOGRAM}_labels.mrc"), made.labels, size_A)
    write_truth(made, folder / "truth.csv")
    project = Project.create(folder)
    for i, species in enumerate(made.scene.species[:CLASSES]):
        project.add_class(ParticleClass(species.name, species.diameter_A, class_color(i)))
    project.add_tomogram(path, name=TOMOGRAM, role=Role.UNUSED)
    volume = open_volume(str(path))
    project.membranes_dir.mkdir(exist_ok=True)
    meshed = mesh_segmentation(made.labels, size_A).meshes
    for mesh, role in zip(meshed, ROLES, strict=True):
        name = f"vesicle_{mesh.label}"
        container = project.membranes_dir / f"{name}.h5"
        save_membrane(container, make_membrane(name, mesh.mesh, volume, notes=mesh.notes))
        project.add_membrane(container, TOMOGRAM, name=name, role=role)
    return project
