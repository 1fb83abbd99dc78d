"""Two checkpoints that segment voxels, on labelled images: predicted where need be, then judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.segments.agreement import agreement
from tomoscribe.evaluation.segments.judgement import Basis, ImageOnSides, judge
from tomoscribe.evaluation.segments.maps import LabelledImage, SegmentMaps, check_fit
from tomoscribe.project.labelled_volume import volume_facts
from tomoscribe.project.model import Role
from tomoscribe.segmentation.stored_settings import settings_by_class
from tomoscribe.training.seen_voxels import unseen_voxels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.evaluation.segments.agreement import Agreement
    from tomoscribe.evaluation.segments.judgement import SegmentJudgement
    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.project.source import DataSource
    from tomoscribe.segmentation.labels import LabelClass
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.events import Segmented

    Between = Callable[[], None]
    MapsOf = Callable[[str, TrainingSample], tuple[NDArray[np.uint8], tuple[str, ...], Segmented]]
    """Gives the stored maps of a side (letter) on a sample, their names, and what they are of."""


@dataclass(frozen=True, eq=False)
class ComparedImage:
    """An image with the maps of both sides, and how far they agree.

    `agreement` is None where not both sides have maps, or they have no class in common.
    """

    sample: TrainingSample
    on_sides: ImageOnSides
    agreement: Agreement | None

    @property
    def name(self) -> str:
        """Name of the sample."""
        return self.sample.name


@dataclass(frozen=True, eq=False)
class SegmentComparison:
    """What came of it.

    Parameters
    ----------
    sides : mapping of str to CheckpointRef
        By letter, A and B.
    classes : tuple of LabelClass
        Of the labels.
    images : tuple of ComparedImage
    judgement : SegmentJudgement
    """

    sides: Mapping[str, CheckpointRef]
    classes: tuple[LabelClass, ...]
    images: tuple[ComparedImage, ...]
    judgement: SegmentJudgement

    @property
    def agreements(self) -> list[Agreement]:
        """How far both sides agree, of each image where that can be told."""
        return [one.agreement for one in self.images if one.agreement is not None]


def compare_segments(
    sides: Mapping[str, CheckpointRef],
    source: DataSource,
    data: TrainingData,
    names: Sequence[str] | None,
    maps_of: MapsOf,
    between: Between = lambda: None,
) -> SegmentComparison:
    """Compare checkpoints on labelled images.

    Parameters
    ----------
    sides : mapping of str to CheckpointRef
    source : DataSource
        Where the images are from.
    data : TrainingData
        What they are, with labels.
    names : sequence of str or None
        Which of them; None: those with labels that validate, else those with labels, else all.
    maps_of : callable
        Gives the maps of a side on a sample.
    between : callable
        Called between the steps; what it raises ends the work.

    Raises
    ------
    TomoscribeError
        If there is no such image, maps do not fit it, or no side knows a labelled class.
    """
    images = []
    for sample in chosen(data, names):
        on_sides = on_image(sides, source, data, sample, maps_of)
        a, b = (on_sides.maps.get(letter) for letter in "AB")
        apart = None
        if a is not None and b is not None:
            apart = agreement(on_sides.image, a, b, between)
        images.append(ComparedImage(sample, on_sides, apart))
    judgement = judge([one.on_sides for one in images], between)
    _check_classes(sides, data, judgement)
    return SegmentComparison(dict(sides), data.label_classes, tuple(images), judgement)


def on_image(
    sides: Mapping[str, CheckpointRef],
    source: DataSource,
    data: TrainingData,
    sample: TrainingSample,
    maps_of: MapsOf,
) -> ImageOnSides:
    """Return an image with its labels, the maps of the sides, and what their trainings saw of it.

    Raises
    ------
    TomoscribeError
        If the image cannot be opened, or maps do not fit it.
    """
    facts = volume_facts(sample.volume_path, sample.size)
    sizes = facts.voxel_sizes_zyx_A or (sample.voxel_size_A,) * 3
    z, y, x = (edge / 10 for edge in sizes)
    classes = tuple(c.name for c in data.label_classes)
    image = LabelledImage(sample.name, classes, sample.labels, facts.shape_zyx, (z, y, x))
    maps = {}
    for letter, ref in sides.items():
        values, names, segmented = maps_of(letter, sample)
        maps[letter] = segment_maps(values, names, segmented, (z, y, x))
        check_fit(image, maps[letter], ref.source)
    unseen = {
        letter: unseen_voxels(ref, source, data, sample)
        for letter, ref in sides.items()
        if sample.labels is not None
    }
    return ImageOnSides(image, maps, unseen)


def segment_maps(
    values: NDArray[np.uint8],
    names: tuple[str, ...],
    segmented: Segmented,
    voxel_size_zyx_nm: tuple[float, float, float],
) -> SegmentMaps:
    """Return stored maps with the settings that suit them."""
    z, y, x = values.shape[1:]
    settings = settings_by_class(
        segmented.decoder,
        segmented.classes,
        names,
        instances=segmented.instances,
        exclusive=segmented.exclusive,
        shape_zyx=(z, y, x),
        voxel_size_zyx_nm=voxel_size_zyx_nm,
    )
    return SegmentMaps(
        values,
        names,
        tuple(segmented.classes),
        segmented.exclusive,
        segmented.instances,
        settings,
        voxel_size_zyx_nm,
    )


def chosen(data: TrainingData, wanted: Sequence[str] | None) -> list[TrainingSample]:
    """Return the images to compare on.

    Raises
    ------
    TomoscribeError
        If one is not there, or there are none at all.
    """
    there = {sample.name: sample for sample in data.samples}
    if not there:
        raise TomoscribeError("There is no image to compare on.")
    if wanted:
        unknown = [name for name in wanted if name not in there]
        if unknown:
            raise TomoscribeError(
                f"There is no image '{unknown[0]}' to compare on; there are: {', '.join(there)}."
            )
        return [there[name] for name in wanted]
    labelled = [s for s in data.samples if s.labels is not None and s.labels.boxes]
    validate = [s for s in labelled if s.role == Role.VALIDATE]
    used = [s for s in labelled if s.role != Role.UNUSED]
    return validate or used or labelled or list(data.samples)


def _check_classes(
    sides: Mapping[str, CheckpointRef], data: TrainingData, judgement: SegmentJudgement
) -> None:
    if judgement.classes or judgement.basis is Basis.NONE:
        return
    labelled = ", ".join(c.name for c in data.label_classes)
    known = " and ".join(
        f"{sides[letter].source} knows {', '.join(names)}"
        for letter, names in judgement.known.items()
    )
    raise TomoscribeError(
        f"The labels are of {labelled}, but {known}: name the classes of the labels as the "
        "checkpoints do, in a project or with --class, by rising label value."
    )
