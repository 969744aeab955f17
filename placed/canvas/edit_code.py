"""Encodes one edit as one little-endian integer, in as few bytes as the canvas needs.

    bit 0         x_bits          x_bits + y_bits          x_bits + y_bits + color_bits
    |   x         |       y       |         color          |   0 up to a whole byte   |

A 1000 x 1000 canvas of 16 colours takes 10 + 10 + 4 bits, 3 bytes, bit for bit as in sephsplace; one of 4096 x 4096
with 256 colours takes 4 bytes. Pure: imports numpy only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _bits(count: int) -> int:
    return (count - 1).bit_length()


@attrs.frozen
class EditCode:
    """The layout of edit codes for one canvas size and palette length."""

    x_bits: int
    y_bits: int
    color_bits: int

    @classmethod
    def of(cls, width: int, height: int, colors: int) -> EditCode:
        """The layout for a canvas of `width` x `height` pixels (1 to 4096 each) and `colors` colours (1 to 256)."""
        return cls(x_bits=_bits(width), y_bits=_bits(height), color_bits=_bits(colors))

    @property
    def size_bytes(self) -> int:
        """Bytes per edit, 1 to 4."""
        return max(1, -(-(self.x_bits + self.y_bits + self.color_bits) // 8))

    def pack(self, x: NDArray[np.uint16], y: NDArray[np.uint16], color: NDArray[np.uint8]) -> bytes:
        """Pack n edits, given as three arrays of shape (n,), into n * `size_bytes` bytes."""
        code = x.astype("<u4") | y.astype("<u4") << self.x_bits | color.astype("<u4") << (self.x_bits + self.y_bits)
        codes: bytes = code.view(np.uint8).reshape(-1, 4)[:, : self.size_bytes].tobytes()
        return codes

    def unpack(self, codes: bytes) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint8]]:
        """The x, y and color arrays, shape (n,), of n packed edits; uint16, uint16, uint8.

        Raises:
            ValueError: the length isn't a multiple of `size_bytes`.
        """
        if len(codes) % self.size_bytes:
            raise ValueError(f"{len(codes)} bytes are not a multiple of the edit code's {self.size_bytes}")
        wide = np.zeros((len(codes) // self.size_bytes, 4), np.uint8)
        wide[:, : self.size_bytes] = np.frombuffer(codes, np.uint8).reshape(-1, self.size_bytes)
        code = wide.view("<u4").ravel()
        x = code & ((1 << self.x_bits) - 1)
        y = code >> self.x_bits & ((1 << self.y_bits) - 1)
        color = code >> (self.x_bits + self.y_bits) & ((1 << self.color_bits) - 1)
        return x.astype(np.uint16), y.astype(np.uint16), color.astype(np.uint8)
