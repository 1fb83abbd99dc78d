"""Augmentation: labels follow the image, and the wedge stays where it is."""

import torch

from tomoscribe.nets.augment import flip_each, vary_intensity


def test_each_patch_is_flipped_by_its_own_axes() -> None:
    patches = torch.arange(2 * 8.0).reshape(2, 1, 2, 2, 2)
    flips = torch.tensor([[True, False, True], [False, False, False]])
    flipped = flip_each(patches, flips)
    assert torch.equal(flipped[0], patches[0].flip([1, 3]))
    assert torch.equal(flipped[1], patches[1])


def test_flips_keep_the_missing_wedge() -> None:
    kz, kx = torch.fft.fftfreq(16)[:, None, None], torch.fft.fftfreq(16)[None, None, :]
    wedge = (kz.abs() <= 1.73 * kx.abs()).expand(16, 16, 16)
    noise = torch.randn(16, 16, 16, generator=torch.Generator().manual_seed(0))
    volume = torch.fft.ifftn(torch.fft.fftn(noise) * wedge).real
    for axes in ([0], [1], [2], [1, 2], [0, 1, 2]):
        power = torch.fft.fftn(volume.flip(axes)).abs()
        assert power[~wedge].max() < 1e-3


def test_intensity_changes_with_the_generator_only() -> None:
    patches = torch.randn(3, 1, 8, 8, 8)
    first = vary_intensity(patches, torch.Generator().manual_seed(3))
    again = vary_intensity(patches, torch.Generator().manual_seed(3))
    other = vary_intensity(patches, torch.Generator().manual_seed(4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first - patches).abs().mean() < 1
