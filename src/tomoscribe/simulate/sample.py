"""Named scenes, and the sample tomograms that Open Sample, the demo and tests use."""

from __future__ import annotations

from dataclasses import replace

from tomoscribe.errors import TomoscribeError
from tomoscribe.simulate.tomogram import Scene, SimulatedTomogram, Species, simulate_tomogram

PRESETS: dict[str, Scene] = {
    # Ribosomes that a person can see after a little smoothing, and a hollow look-alike.
    "particles": Scene(
        (Species("ribosome", "ribosome", 250, 80), Species("shell", "shell", 220, 30)),
        snr=0.2,
        vesicles=2,
        beads=4,
    ),
    # Small barrels among particles of their size: the species is hard to tell.
    "lookalikes": Scene(
        (
            Species("barrel", "barrel", 170, 80),
            Species("ring", "ring", 180, 30),
            Species("globule", "globule", 150, 30),
            Species("dumbbell", "dumbbell", 190, 30),
        ),
        snr=0.1,
        vesicles=3,
        beads=4,
    ),
    # Particles that touch each other.
    "crowded": Scene(
        (
            Species("ribosome", "ribosome", 250, 200),
            Species("globule", "globule", 120, 150),
            Species("rod", "rod", 200, 60),
        ),
        snr=0.1,
        spacing=0.85,
    ),
    # Membranes that cross the whole tomogram, few particles.
    "membranes": Scene((Species("ribosome", "ribosome", 250, 40),), snr=0.15, vesicles=5, sheets=1),
    # For tests: seconds to train on.
    "tiny": Scene(
        (Species("globule", "globule", 120, 16),), shape_zyx=(32, 96, 96), snr=1.0, background=0.1
    ),
}


def make_scene(
    preset: str = "particles",
    shape_zyx: tuple[int, int, int] | None = None,
    snr: float | None = None,
    voxel_size_A: float | None = None,
) -> Scene:
    """Return a preset, changed where asked; particle numbers follow the imaged volume.

    Raises
    ------
    TomoscribeError
        If there is no such preset, or a size or ratio is not positive.
    """
    if preset not in PRESETS:
        raise TomoscribeError(f"There is no preset '{preset}'; presets are: {', '.join(PRESETS)}.")
    scene = PRESETS[preset]
    new_shape = shape_zyx or scene.shape_zyx
    new_voxel = voxel_size_A or scene.voxel_size_A
    new_snr = scene.snr if snr is None else snr
    if min(new_shape) < 8 or new_voxel <= 0 or new_snr <= 0:
        raise TomoscribeError(
            "A simulated tomogram needs at least 8 voxels along each axis, and a voxel size "
            "and a signal-to-noise ratio above 0."
        )
    old, new = scene.shape_zyx, new_shape
    share = (new[0] * new[1] * new[2]) / (old[0] * old[1] * old[2])
    share *= (new_voxel / scene.voxel_size_A) ** 3
    species = tuple(replace(s, count=max(round(s.count * share), 1)) for s in scene.species)
    return replace(scene, species=species, shape_zyx=new_shape, voxel_size_A=new_voxel, snr=new_snr)


def make_sample(
    seed: int = 0,
    preset: str = "particles",
    shape: tuple[int, int, int] | None = None,
    snr: float | None = None,
) -> SimulatedTomogram:
    """Return a sample tomogram of `shape` (z, y, x) voxels; the same arguments, the same sample."""
    return simulate_tomogram(make_scene(preset, shape, snr), seed)
