"""Simulated tomograms: the truth is where the density is, and conditions are what was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import fft as sfft
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from tomoscribe.errors import TomoscribeError
from tomoscribe.simulate.densities import SHAPES, make_density
from tomoscribe.simulate.membranes import Vesicle, add_bilayer
from tomoscribe.simulate.optics import Optics, image_signal, wedge_mask, wedge_noise
from tomoscribe.simulate.sample import PRESETS, make_sample, make_scene
from tomoscribe.simulate.tomogram import Scene, Species, simulate_tomogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERFECT = Optics(max_tilt_deg=90, defocus_um=0, bfactor_A2=0)
CLEAR = 1e6


def center_of_mass(volume: NDArray[np.float32]) -> NDArray[np.float64]:
    grid = np.indices(volume.shape)
    return np.array([(g * volume).sum() for g in grid]) / volume.sum()


def one_particle(shape: str, seed: int, optics: Optics = PERFECT) -> Scene:
    species = (Species("only", shape, 200, 1),)
    return Scene(species, (32, 40, 48), snr=CLEAR, background=0, optics=optics)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_centred_and_as_large_as_it_says(shape: str) -> None:
    density = make_density(shape, 200, 10)
    dense = np.argwhere(density.data > 0.5 * np.percentile(density.data[density.data > 0.1], 50))
    middle = density.data.shape[0] // 2
    assert np.abs(dense.mean(axis=0) - middle).max() < 1.0
    radius_A = np.percentile(np.linalg.norm(dense - middle, axis=1), 97) * density.voxel_size_A
    assert radius_A == pytest.approx(100, rel=0.08)
    faces = [density.data[0], density.data[:, 0], density.data[:, :, 0], density.data[-1]]
    assert max(float(f.max()) for f in faces) < 0.05


@pytest.mark.parametrize("shape", SHAPES)
def test_truth_is_where_the_density_is(shape: str) -> None:
    sample = simulate_tomogram(one_particle(shape, 1), seed=1)
    dark = -sample.volume
    dark = np.where(dark > 0.1 * dark.max(), dark, 0)
    assert np.linalg.norm(center_of_mass(dark) - sample.zyx[0]) < 1.0


def test_rotation_in_the_truth_turns_the_reference_into_the_particle() -> None:
    sample = simulate_tomogram(one_particle("rod", 2), seed=2)
    dark = -sample.volume
    voxels = np.argwhere(dark > 0.3 * dark.max()) - sample.zyx[0]
    long_axis_zyx = np.linalg.svd(voxels, full_matrices=False)[2][0]
    reference_xyz = np.array([0.0, 0.0, 1.0])
    turned = Rotation.from_quat(sample.rotations_xyzw[0]).apply(reference_xyz)
    assert abs(np.dot(long_axis_zyx[::-1], turned)) > 0.99


def test_same_seed_same_tomogram_and_another_seed_another() -> None:
    first, again, other = (make_sample(seed, "tiny") for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.volume, again.volume)
    np.testing.assert_array_equal(first.zyx, again.zyx)
    assert not np.array_equal(first.volume, other.volume)


def test_particles_keep_their_distance_from_each_other_and_from_membranes() -> None:
    scene = replace(make_scene("tiny"), vesicles=1, vesicle_radius_A=(200, 300))
    sample = simulate_tomogram(scene, seed=5)
    diameter = scene.species[0].diameter_A / scene.voxel_size_A
    assert pdist(sample.zyx).min() > diameter * scene.spacing
    assert min(abs(float(sample.vesicles[0].distance(*p))) for p in sample.zyx) > diameter / 2


def test_signal_to_noise_ratio_is_variance_in_target_boxes_over_noise() -> None:
    scene = replace(make_scene("tiny"), snr=0.5, background=0)
    noisy = simulate_tomogram(scene, seed=6)
    cleaner = simulate_tomogram(replace(scene, snr=2.0), seed=6)
    # same seed, so same noise: the difference is (sqrt(2) - sqrt(0.5)) of the signal at 1
    signal = (noisy.volume - cleaner.volume) / (np.sqrt(2.0) - np.sqrt(0.5)) * np.sqrt(0.5)
    noise = noisy.volume + signal
    half = round(scene.species[0].diameter_A / 2 / scene.voxel_size_A)
    mask = np.zeros(signal.shape, bool)
    for p in np.rint(noisy.zyx).astype(int):
        mask[tuple(slice(max(c - half, 0), c + half + 1) for c in p)] = True
    assert signal[mask].var() / noise.var() == pytest.approx(0.5, rel=0.02)
    assert noise.std() == pytest.approx(1, abs=0.01)


def test_missing_wedge_is_empty_in_signal_and_noise() -> None:
    shape = (32, 40, 48)
    rng = np.random.default_rng(0)
    signal = image_signal(rng.standard_normal(shape, dtype=np.float32), 10, Optics(60, 0, 0))
    noise = wedge_noise(rng, shape, 60)
    inside = np.broadcast_to((wedge_mask(shape, 60) < 1e-3)[:, None, :], (32, 40, 25))
    for volume in (signal, noise):
        power = np.abs(sfft.rfftn(volume)) ** 2
        assert power[inside].mean() < 1e-4 * power[~inside].mean()


def test_bilayer_has_two_dense_leaflets_across_its_surface() -> None:
    volume = np.zeros((60, 60, 60), np.float32)
    add_bilayer(volume, Vesicle((30, 30, 30), (20, 20, 20)), voxel_size_A=5)
    line = volume[30, 30, 30:]
    peaks = [i for i in range(1, 29) if line[i] > line[i - 1] and line[i] >= line[i + 1]]
    assert len(peaks) == 2
    assert np.mean(peaks) == pytest.approx(20, abs=0.5)
    assert (peaks[1] - peaks[0]) * 5 == pytest.approx(36, abs=6)


def test_beads_are_the_darkest_thing() -> None:
    scene = replace(make_scene("tiny"), beads=1)
    with_bead = simulate_tomogram(scene, seed=7).volume
    without = simulate_tomogram(replace(scene, beads=0), seed=7).volume
    assert with_bead.min() < 1.5 * without.min()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_its_target(preset: str) -> None:
    sample = make_sample(0, preset, (40, 96, 96))
    target = sample.scene.species[0].name
    assert len(sample.truth[target]) >= 1
    assert sample.volume.dtype == np.float32
    assert np.isfinite(sample.volume).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"preset": "unknown"}, "presets are: particles"),
        ({"snr": 0.0}, "above 0"),
        ({"shape_zyx": (4, 96, 96)}, "at least 8 voxels"),
    ],
)
def test_bad_scene_is_one_sentence(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(TomoscribeError, match=sentence):
        make_scene(**arguments)  # type: ignore[arg-type]


def test_particle_that_does_not_fit_is_one_sentence() -> None:
    scene = Scene((Species("large", "globule", 400, 1),), (16, 64, 64))
    with pytest.raises(TomoscribeError, match="does not fit"):
        simulate_tomogram(scene)


def test_particle_below_three_voxels_is_one_sentence() -> None:
    with pytest.raises(TomoscribeError, match="smaller than three voxels"):
        make_density("globule", 25, 10)
