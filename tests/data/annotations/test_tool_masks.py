"""Run lengths of CVAT and Label Studio against their own programs (``tool_masks.json``), and damaged ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.data.annotations.brush_rle import decode_brush, encode_brush
from beltline.data.annotations.row_runs import mask_of_row_runs, row_runs

VECTORS = json.loads(Path(__file__).with_name("tool_masks.json").read_text())
SIDES = st.tuples(st.integers(1, 12), st.integers(1, 12))


def drawn(rows):
    return np.array([[letter == "#" for letter in row] for row in rows])


masks = SIDES.flatmap(
    lambda size: st.binary(min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
        lambda data: (np.frombuffer(data, np.uint8) % 2 == 1).reshape(size)
    )
)


@pytest.mark.parametrize("vector", VECTORS["masks"])
def test_masks_are_written_as_label_studio_and_cvat_write_them(vector):
    mask = drawn(vector["rows"])
    assert encode_brush(mask) == vector["label_studio"]
    *runs, left, top, right, bottom = vector["cvat"]
    window = mask[top : bottom + 1, left : right + 1]
    assert row_runs(window) == runs
    assert not (mask.sum() - window.sum())


def test_runs_longer_than_16_bits_are_written_as_label_studio_writes_them():
    long = VECTORS["long"]
    top, bottom, left, right = long["rows_columns"]
    mask = np.zeros(long["size"], bool)
    mask[top:bottom, left:right] = True
    assert encode_brush(mask) == long["label_studio"]
    assert (decode_brush(long["label_studio"], mask.shape) == mask).all()


@pytest.mark.parametrize("vector", VECTORS["others"], ids=lambda vector: vector["about"])
def test_masks_of_other_writers_are_read(vector):
    mask = drawn(vector["rows"])
    assert (decode_brush(vector["label_studio"], mask.shape) == mask).all()


@given(masks)
def test_every_mask_comes_back(mask):
    assert (decode_brush(encode_brush(mask), mask.shape) == mask).all()
    assert (mask_of_row_runs(row_runs(mask), mask.shape) == mask).all()


@pytest.mark.parametrize("runs", [[], [5], [-1, 13], [12, 1], [10**30], [6, 7]])
def test_run_lengths_that_do_not_fill_are_refused(runs):
    with pytest.raises(ShapeError, match="run lengths must add up to 4x3"):
        mask_of_row_runs(runs, (3, 4))


SOUND = encode_brush(np.eye(3, 4, dtype=bool))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "ends early"), (SOUND[:-2], "ends early"), (SOUND[:7], "ends early"), (SOUND[:3], "ends early"),
        ([256, *SOUND[1:]], "list of bytes"), ([-1], "list of bytes"), (["x"], "list of bytes"),
        ([1.5], "list of bytes"), ("AAAA", "ends early"), (10**12, "ends early"), (None, "ends early"),
        ([0, 0, 0, 47, *SOUND[4:]], "48 values"), ([255] * 40, "48 values"),
        ([0, 0, 0, 48, 57, 27, 255, 255, 255, 255, 255, 255], "run beyond"),
    ],
)  # fmt: skip
def test_damaged_brush_masks_are_refused(data, reason):
    with pytest.raises(ShapeError, match=reason):
        decode_brush(data, (3, 4))


@given(st.lists(st.integers(0, 255), max_size=60))
def test_any_bytes_are_a_mask_or_refused(data):
    try:
        found = decode_brush([0, 0, 0, 48, *data], (3, 4))
    except ShapeError:
        return
    assert found.shape == (3, 4)


def test_a_few_bytes_may_not_take_the_memory_of_a_large_picture():
    """A literal block that claims 65,536 values in ten bytes, in a picture of 64 MP."""
    head = f"{4 * 8000 * 8000:032b}00111" + "1111" * 4 + "0" + "00" + "1" * 16
    head += "0" * (-len(head) % 8)
    with pytest.raises(ShapeError, match="ends early"):
        decode_brush([int(head[i : i + 8], 2) for i in range(0, len(head), 8)], (8000, 8000))
