"""Packed tomograms are unpacked in a thread, and what comes meanwhile is not lost."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tomoscribe.io.arrays import UnpackedArray
from tomoscribe.io.volumes import write_mrc


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    data = np.random.default_rng(2).normal(size=(12, 40, 40)).astype(np.float32)
    write_mrc(tmp_path / "plain.mrc", data, 8.0)
    path = tmp_path / "packed.mrc.gz"
    path.write_bytes(gzip.compress((tmp_path / "plain.mrc").read_bytes(), 1))
    return path


def test_a_packed_tomogram_is_current_at_once_and_shown_when_it_is_there(
    hands: Any, packed: Path
) -> None:
    hands.session.open_paths([packed])
    assert (hands.session.current, hands.session.layer) == ("packed", None)
    assert hands.messages[-1] == "Unpacking packed.mrc.gz …"
    hands.session.picks.add(np.array([[6.0, 20.0, 20.0]]))
    hands.until(lambda: hands.session.layer is not None, "the unpacked tomogram")
    assert hands.messages[-1] == ""
    np.testing.assert_allclose(hands.session.layer.scale, (8, 8, 8))
    np.testing.assert_allclose(hands.session.picks.layer.data, [[6, 20, 20]])
    assert hands.session.layer.data.count == hands.session.averaging.count > 1


def test_picks_can_come_in_the_same_drop(hands: Any, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("x,y,z\n7,6,5\n")
    hands.session.open_paths([packed, tmp_path / "p.csv"])
    hands.until(lambda: hands.session.layer is not None, "the unpacked tomogram")
    np.testing.assert_allclose(hands.session.picks.layer.data, [[5, 6, 7]])


def test_another_tomogram_chosen_meanwhile_stays(hands: Any, packed: Path) -> None:
    hands.session.open_paths([packed])
    hands.session.set_current("two")
    hands.until(lambda: not hands.session._loader.busy, "the loader")
    hands.settle()
    assert hands.session.current == "two"
    np.testing.assert_allclose(hands.session.layer.scale, (10, 10, 10))


def test_a_damaged_one_gives_one_sentence(hands: Any, packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-5000])
    hands.session.open_paths([packed])
    hands.until(lambda: "cut off" in hands.messages[-1], "the sentence")
    assert hands.session.layer is None


def test_a_real_packed_volume_is_shown(
    hands: Any, shared: Path, process_until: Callable[..., None]
) -> None:
    path = shared / "data" / "densities_10A" / "soluble" / "4v4r.mrc.gz"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    hands.session.open_paths([path])
    if hands.session.pending is not None:
        hands.session.answer_voxel_size(10.0)
    process_until(lambda: hands.session.layer is not None, "the volume")
    assert isinstance(hands.session.volume.data, UnpackedArray)
    assert np.ptp(hands.session.layer.contrast_limits) > 0
