"""Objects by affinities in the viewer."""

from __future__ import annotations

import numpy as np
from tests.ui.conftest import SHAPE_ZYX
from tests.ui.segments.conftest import (
    CLASSES,
    INSTANCE_MAPS,
    MITO_BOXES,
    SegmentingWorker,
    made_up_maps,
    show_compare,
)

from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.maps import affinity_kind, map_name
from tomoscribe.training.status import State
from tomoscribe.ui.segments.segments import Segments

OFFSETS = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))


def with_affinities(maps: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Add affinities that are low where one of the two voxels is of no class."""
    found, names = [maps], list(INSTANCE_MAPS)
    for index, name in enumerate(CLASSES):
        for offset in OFFSETS:
            steps = [-int(n) for n in offset]
            before = np.roll(maps[index], steps, (0, 1, 2))
            found.append(np.minimum(maps[index], before)[None])
            names.append(map_name(name, affinity_kind(offset)))
    return np.concatenate(found), names


def test_maps_of_affinities_are_decoded_by_them_with_sliders_of_their_own(
    session, project, process_until
) -> None:
    project.set_label_classes([LabelClass("mito", "#e69f00"), LabelClass("vesicle", "#56b4e9")])
    maps, names = with_affinities(made_up_maps(list(INSTANCE_MAPS)))
    worker = SegmentingWorker(project, instances=True)
    worker.maps = names
    worker.begin()
    worker.train(10)
    worker.validate(0.8)
    worker.keep(0.8)
    worker.preview(maps)
    worker.beat(State.FINISHED)
    segments = Segments.of(session)
    with show_compare(session) as dock:
        session.run = worker.run
        process_until(lambda: segments.objects is not None, "the objects")
        assert {s.kind for s in segments.settings.values()} == {"affinities"}
        assert segments.layer.layer.data.shape == SHAPE_ZYX
        found = {int(segments.objects.labels[8, (a + c) // 2, (b + d) // 2])
                 for a, b, c, d in MITO_BOXES}  # fmt: skip
        assert len(found) == 3
        assert 0 not in found
        panel = dock.decoder_panel
        assert panel.sliders["joined_from"].isVisible()
        assert panel.sliders["parted_below"].isVisible()
        assert not panel.sliders["seed_threshold"].isVisible()
        panel.sliders["joined_from"].number.setValue(0.99)
        process_until(
            lambda: "<b>0</b> mito" in panel.counts.text(), "nothing that attracts so much"
        )
