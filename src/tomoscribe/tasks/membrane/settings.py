"""What the user may set of a training on membranes; no torch, so that the viewer stays light.

Where MemBrain-pick has the same option, its name stands in brackets with its default. Those of the
network count for the architecture `diffusionnet` only.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MembraneSettings(BaseModel):
    """What the user may set. `None` means that the plan chooses and shows its choice."""

    model_config = ConfigDict(extra="forbid")

    architecture: Literal["local", "diffusionnet"] = Field(
        "local",
        description="local: convolutions on flat charts of the surface, learns in seconds; "
        "diffusionnet: MemBrain-pick's network and targets, for which what is not clicked is "
        "background: click all there",
    )
    band_low_A: float | None = Field(
        None, description="lowest depth along the outward normal, in Å; default from the clicks"
    )
    band_high_A: float | None = Field(
        None, description="highest depth along the outward normal, in Å; default from the clicks"
    )
    depths: int | None = Field(
        None, ge=4, le=64, description="samples between both; default 16 [process_pixel features]"
    )
    radius_A: float | None = Field(
        None,
        gt=0,
        description="picks are at least so far apart along the surface; default from the "
        "diameter and the clicks",
    )
    max_distance_A: float = Field(
        150.0,
        gt=0,
        description="distances to a particle are clamped here, for diffusionnet "
        "[max_distance, 10 units of 15 Å]",
    )
    position_tokens: list[str] = Field(
        default_factory=list,
        description="classes to learn, by name or number; default all "
        "[position_tokens, rlnClassNumber]",
    )
    k_eig: int = Field(128, ge=4, description="eigenvectors of the Laplacian [k_eig, 128]")
    n_block: int = Field(4, ge=1, description="diffusion blocks [N_block, 4]")
    c_width: int = Field(16, ge=1, description="channels of the diffusion blocks [C_width, 16]")
    conv_width: int = Field(
        16, ge=1, description="channels of the convolution along the normal [conv_width, 16]"
    )
    one_d_conv_first: bool = Field(
        True, description="convolve along the normal first [one_D_conv_first, true]"
    )
    gradient_features: bool = Field(
        True, description="use gradients on the surface [with_gradient_features, true]"
    )
    gradient_rotations: bool = Field(
        True, description="let gradients turn [with_gradient_rotations, true]"
    )
    dropout: bool = Field(False, description="drop channels while training [dropout, false]")
    mean_shift_loss: bool = Field(
        False, description="add the mean-shift loss [mean_shift_output, false]"
    )
    mean_shift_bandwidth_A: float = Field(
        60.0,
        gt=0,
        description="its bandwidth in Å [mean_shift_bandwidth, 7, less than the vertices' spacing, "
        "where nothing moves]",
    )
    mean_shift_iterations: int = Field(
        10, ge=1, description="its iterations [mean_shift_max_iter, 10]"
    )
    mean_shift_margin_A: float = Field(
        2.0, ge=0, description="ways shorter than this cost nothing [mean_shift_margin, 2]"
    )
    augment: bool = Field(True, description="augment at all [augment_all, true]")
    augment_always: bool = Field(
        True,
        description="every augmentation at every step, else each at 30 % of them; for "
        "diffusionnet [aug_prob_to_one, true]",
    )
    smooth_surface: bool = Field(True, description="smooth along the surface [GaussianSmoothing]")
    smooth_normal: bool = Field(True, description="smooth along the normal [SmoothPointFeatures]")
    drop_values: bool = Field(True, description="set some values to 0 [FeatureDropout]")
    add_noise: bool = Field(True, description="add noise [FeatureNoise]")
    shift_values: bool = Field(True, description="shift all values [FeatureShift]")
    scale_values: bool = Field(True, description="scale all values [FeatureScale]")
    bend_values: bool = Field(
        True, description="bend contrast [FeatureScaleWithStatsInversion, a two-fold gamma]"
    )
    erase_patches: bool = Field(True, description="erase patches [Erasing]")
    brightness_slope: bool = Field(True, description="add a slope [BrightnessGradient]")
    bend_locally: bool = Field(True, description="bend contrast in places [LocalBrightnessGamma]")
    slab_shift_A: float | None = Field(
        None,
        ge=0,
        description="largest shift of the band while training, for local; default 0.8 voxels",
    )
    slab_stretch: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="largest share by which training stretches the band or shrinks it, for local",
    )
    slab_jitter_A: float = Field(
        0.0,
        ge=0,
        description="deviation of the depth from place to place while training, for local",
    )
    part_statistics: bool = Field(
        False,
        description="give each part of the mesh mean 0 and deviation 1 by itself, as MemBrain-pick "
        "does; leaves steps between parts; for diffusionnet",
    )

    @model_validator(mode="after")
    def _check_band(self) -> MembraneSettings:
        low, high = self.band_low_A, self.band_high_A
        if low is not None and high is not None and low >= high:
            raise ValueError("band_low_A must be below band_high_A")
        return self
