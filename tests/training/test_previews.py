from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tomoscribe.training.previews import (
    BlockLog,
    TornBlockError,
    assemble,
    decode_scores,
    encode_scores,
    iterate_blocks,
    read_block,
)


@pytest.fixture
def log(tmp_path: Path) -> BlockLog:
    log = BlockLog(tmp_path / "step_000001" / "a.blocks")
    log.create()
    return log


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=4, max_dims=4, max_side=4),
        elements=st.floats(0, 1, width=32),
    )
)
def test_scores_survive_within_half_a_step(scores: np.ndarray) -> None:
    values = encode_scores(scores)
    assert values.min() >= 1
    assert np.allclose(decode_scores(values), scores, atol=0.5 / 254 + 1e-6)


def test_impossible_scores_are_cut_to_the_range() -> None:
    values = encode_scores(np.array([-1.0, 2.0, np.nan], np.float32))
    assert values.tolist() == [1, 255, 1]


def test_what_is_not_computed_is_told_apart_from_zero() -> None:
    decoded = decode_scores(np.array([0, 1, 255], np.uint8), missing=np.nan)
    assert np.isnan(decoded[0])
    assert decoded[1:].tolist() == [0, 1]


def test_a_block_is_read_at_its_offset(log: BlockLog) -> None:
    rng = np.random.default_rng(0)
    blocks = [((0, 0, 0), rng.random((2, 3, 4, 5))), ((3, 1, 70_000), rng.random((2, 1, 2, 6)))]
    offsets = [log.append(lo, scores) for lo, scores in blocks]
    for offset, (lo, scores) in zip(offsets, blocks, strict=True):
        found_lo, values = read_block(log.path, offset)
        assert found_lo == lo
        assert np.array_equal(values, encode_scores(scores))
    assert [offset for offset, _, _ in iterate_blocks(log.path)] == offsets


def test_later_blocks_lie_over_earlier_ones(log: BlockLog) -> None:
    log.append((0, 0, 0), np.zeros((1, 2, 2, 2)))
    log.append((1, 0, 0), np.ones((1, 1, 2, 2)))
    heatmap = assemble(log.path, 1, (3, 2, 2))
    assert heatmap[0, :, 0, 0].tolist() == [1, 255, 0]


def test_a_torn_record_ends_the_log_and_is_told(log: BlockLog) -> None:
    log.append((0, 0, 0), np.ones((1, 2, 2, 2)))
    offset = log.append((0, 0, 0), np.random.default_rng(0).random((1, 2, 2, 2)))
    whole = log.path.read_bytes()
    for length in (len(whole) - 3, offset + 10):
        log.path.write_bytes(whole[:length])
        with pytest.raises(TornBlockError):
            read_block(log.path, offset)
        assert len(list(iterate_blocks(log.path))) == 1


def test_a_damaged_payload_or_a_wrong_offset_is_told(log: BlockLog) -> None:
    log.append((0, 0, 0), np.ones((1, 2, 2, 2)))
    with pytest.raises(TornBlockError):
        read_block(log.path, 1)
    data = bytearray(log.path.read_bytes())
    data[-1] ^= 0xFF
    log.path.write_bytes(bytes(data))
    with pytest.raises(TornBlockError):
        read_block(log.path, 0)


def test_an_empty_log_assembles_to_nothing_computed(log: BlockLog) -> None:
    assert not assemble(log.path, 1, (2, 2, 2)).any()
