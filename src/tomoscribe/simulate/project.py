"""The sample project: two small tomograms with their truth beside, for a first try and tests."""

from __future__ import annotations

from pathlib import Path

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.store import Project
from tomoscribe.simulate.case import make_empty_folder, sample_seed, sparse_clicks, write_truth
from tomoscribe.simulate.sample import make_scene
from tomoscribe.simulate.tomogram import simulate_tomogram

SAMPLES = (("sample_train", Role.TRAIN), ("sample_validate", Role.VALIDATE))
"""Names of the sample's tomograms, and what they are used for."""


def make_sample_project(
    folder: Path,
    seed: int = 0,
    *,
    preset: str = "particles",
    shape_zyx: tuple[int, int, int] | None = None,
    clicks: int = 0,
) -> Project:
    """Make a project with a training and a validation tomogram.

    The MRC files lie in `tomograms/`, the truth in `truth/<name>.csv` and
    `.star`. The project's class is the scene's target; the look-alikes
    are in the truth only.

    Parameters
    ----------
    folder : Path
        New or empty folder.
    seed : int
        Fixes everything.
    preset : str
        One of `simulate.sample.PRESETS`.
    shape_zyx : tuple of int, optional
        Size of each tomogram in voxels; default the preset's.
    clicks : int
        Clicks placed on targets of the training tomogram, and half as many
        in the validation one; none by default, clicking is the user's part.

    Raises
    ------
    TomoscribeError
        If the folder is not empty, or cannot be written.
    """
    folder = Path(folder)
    make_empty_folder(folder)
    scene = make_scene(preset, shape_zyx)
    target = scene.species[0]
    samples = {}
    for index, (name, _) in enumerate(SAMPLES):
        samples[name] = simulate_tomogram(scene, sample_seed(seed, index))
        path = folder / "tomograms" / f"{name}.mrc"
        path.parent.mkdir(exist_ok=True)
        write_mrc(path, samples[name].volume, scene.voxel_size_A)
        write_truth(samples[name], folder / "truth", name)
    project = Project.create(folder)
    project.add_class(ParticleClass(target.name, target.diameter_A))
    for (name, role), count in zip(SAMPLES, (clicks, clicks // 2), strict=True):
        project.add_tomogram(folder / "tomograms" / f"{name}.mrc", name=name, role=role)
        if count:
            table = project.tomograms[name].picks
            project.edit(
                name, table.make_add(sparse_clicks(samples[name], count, seed), target.name)
            )
    return project
