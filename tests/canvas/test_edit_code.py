"""The edit code: its layout is that of design.md, and every edit comes back unchanged.

The vectors that JavaScript shares are in tests/client/edit_code_vectors.json, with their own test beside them.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.edit_code import EditCode

SIDES = st.integers(1, 4096)


@pytest.mark.parametrize(
    ("width", "height", "colors", "bits", "size_bytes"),
    [
        (1000, 1000, 16, (10, 10, 4), 3),
        (4096, 4096, 256, (12, 12, 8), 4),
        (1, 1, 2, (0, 0, 1), 1),
        (1, 1, 1, (0, 0, 0), 1),
        (256, 256, 2, (8, 8, 1), 3),
        (257, 256, 2, (9, 8, 1), 3),
        (1024, 1024, 17, (10, 10, 5), 4),
    ],
)
def test_layout_takes_as_few_bytes_as_the_canvas_needs(
    width: int, height: int, colors: int, bits: tuple[int, int, int], size_bytes: int
) -> None:
    code = EditCode.of(width, height, colors)
    assert (code.x_bits, code.y_bits, code.color_bits) == bits
    assert code.size_bytes == size_bytes


def test_code_is_the_little_endian_integer_of_design_md() -> None:
    packed = EditCode.of(1000, 1000, 16).pack(np.array([3], "u2"), np.array([5], "u2"), np.array([7], "u1"))
    assert packed == (3 | 5 << 10 | 7 << 20).to_bytes(3, "little")


@given(st.data(), SIDES, SIDES, st.integers(1, 256))
def test_any_edits_come_back(data: st.DataObject, width: int, height: int, colors: int) -> None:
    code = EditCode.of(width, height, colors)
    edit = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1), st.integers(0, colors - 1))
    several = data.draw(st.lists(edit, max_size=30))
    x, y, color = np.array(several, np.uint16).reshape(-1, 3).T
    packed = code.pack(x, y, color.astype(np.uint8))
    assert len(packed) == len(several) * code.size_bytes
    assert list(zip(*(part.tolist() for part in code.unpack(packed)), strict=True)) == several
    expected = (x | y << code.x_bits | c << code.x_bits + code.y_bits for x, y, c in several)
    assert packed == b"".join(value.to_bytes(code.size_bytes, "little") for value in expected)


@given(st.binary(max_size=100), SIDES, SIDES, st.integers(1, 256))
def test_any_bytes_unpack_or_are_refused_by_length_alone(codes: bytes, width: int, height: int, colors: int) -> None:
    code = EditCode.of(width, height, colors)
    if len(codes) % code.size_bytes:
        with pytest.raises(ValueError, match="not a multiple"):
            code.unpack(codes)
    else:
        x, y, color = code.unpack(codes)
        assert len(x) == len(y) == len(color) == len(codes) // code.size_bytes
