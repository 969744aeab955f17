"""The record: what one entry of the log means.

    byte 0   format version, 1
    byte 1   type
    byte 2.. payload

    type 1, edits:   n >= 1 times   x u16 | y u16 | color u8 | author u64              13 bytes each
    type 2, canvas:  width u16 | height u16 | n times  red u8 | green u8 | blue u8    2 to 256 colours

All little-endian and packed. The first record of a log is its canvas: the size and palette that everything
after it means, so that every server, and every restart, knows them from the log alone. Other types are
reserved for events that change what everybody sees or may do.

Decoding is the same on every server: a record that is not understood, or holds one edit outside the canvas,
is refused whole. Pure: imports numpy only.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.canvas.edit_code import MAX_COLORS, MAX_SIDE_PX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FORMAT: Final = 1
TYPE_EDITS: Final = 1
TYPE_CANVAS: Final = 2

EDIT: Final = np.dtype([("x", "<u2"), ("y", "<u2"), ("color", "u1"), ("author", "<u8")])
EDIT_STRUCT: Final = struct.Struct("<HHBQ")
EDITS_HEADER: Final = bytes([FORMAT, TYPE_EDITS])
_CANVAS_HEADER = bytes([FORMAT, TYPE_CANVAS])
_SIZE = struct.Struct("<HH")
_TOO_FEW = 2  # records, below which one by one is quicker: at low load each batch is one record
_FEW = 32  # records, among which those that hold no edits aren't looked for any further


class RecordRefused(ValueError):
    """A record that changes nothing: not understood, or not for this canvas."""


@attrs.frozen
class Definition:
    """What a canvas was created as.

    Attributes:
        width: 1 to 4096 pixels.
        height: 1 to 4096 pixels.
        rgb: the palette, 3 bytes a colour, 2 to 256 colours; index 0 is the blank one.
    """

    width: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(MAX_SIDE_PX)])
    height: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(MAX_SIDE_PX)])
    rgb: bytes = attrs.field()

    @rgb.validator
    def _check_rgb(self, _attribute: object, rgb: bytes) -> None:
        if len(rgb) % 3 or not 2 <= len(rgb) // 3 <= MAX_COLORS:
            raise ValueError(
                f"a palette of {len(rgb)} bytes; allowed are 3 bytes for each of 2 to {MAX_COLORS} colours"
            )

    @property
    def colors(self) -> int:
        """How many colours the palette has."""
        return len(self.rgb) // 3

    def encode(self) -> bytes:
        """This definition as a record."""
        return _CANVAS_HEADER + _SIZE.pack(self.width, self.height) + self.rgb

    @classmethod
    def decode(cls, value: bytes) -> Definition:
        """The definition in a record of type 2.

        Raises:
            RecordRefused: it isn't one.
        """
        if value[:2] != _CANVAS_HEADER or len(value) < 2 + _SIZE.size:
            raise RecordRefused(f"not a canvas record: it begins with {value[:8].hex()}")
        width, height = _SIZE.unpack_from(value, 2)
        try:
            return cls(width, height, value[2 + _SIZE.size :])
        except ValueError as error:
            raise RecordRefused(f"a canvas record of {width} x {height} pixels: {error}") from error


def encode_edits(edits: NDArray[np.void]) -> bytes:
    """One record of n >= 1 edits, given as an array of dtype `EDIT`, shape (n,)."""
    if not len(edits):
        raise ValueError("a record of no edits; allowed are 1 or more")
    return EDITS_HEADER + edits.astype(EDIT, copy=False).tobytes()


@attrs.frozen(eq=False)
class Decoded:
    """What a run of records means for one canvas.

    Attributes:
        edits: dtype `EDIT`, shape (n,), of all records in order.
        counts: int64, shape (records,), how many of them each record holds; 0 for one that changes nothing.
        refused: index into the run -> why it was refused.
    """

    edits: NDArray[np.void]
    counts: NDArray[np.int64]
    refused: dict[int, str]


def decode(values: Sequence[bytes], definition: Definition) -> Decoded:
    """Decode a run of records: at numpy's speed where all of a stretch hold good edits, one by one around others."""
    decoded = _decode_all(values, definition) if len(values) > _TOO_FEW else None
    if decoded is not None:
        return decoded
    if len(values) <= _FEW:
        return _decode_each(values, definition)
    # One other record among 8,192 of one edit then costs 3 ms, not 100.
    half = len(values) // 2
    return _join(decode(values[:half], definition), decode(values[half:], definition))


def _join(first: Decoded, second: Decoded) -> Decoded:
    begin = len(first.counts)
    return Decoded(
        np.concatenate([first.edits, second.edits]),
        np.concatenate([first.counts, second.counts]),
        first.refused | {begin + index: reason for index, reason in second.refused.items()},
    )


def _decode_all(values: Sequence[bytes], definition: Definition) -> Decoded | None:
    sizes = np.fromiter(map(len, values), np.int64, len(values))
    if not len(sizes) or int(sizes.min()) < 2 + EDIT.itemsize or ((sizes - 2) % EDIT.itemsize).any():
        return None
    joined = np.frombuffer(b"".join(values), np.uint8)
    starts = np.cumsum(sizes) - sizes
    if (joined[starts] != FORMAT).any() or (joined[starts + 1] != TYPE_EDITS).any():
        return None
    edits = _without_headers(joined, starts, sizes).view(EDIT)
    return Decoded(edits, (sizes - 2) // EDIT.itemsize, {}) if _fit(edits, definition) else None


def _without_headers(
    joined: NDArray[np.uint8], starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.uint8]:
    size = int(sizes[0])
    if (sizes == size).all():  # the common case, and 6 times as fast as the mask
        return np.ascontiguousarray(joined.reshape(-1, size)[:, 2:]).reshape(-1)
    keep = np.ones(len(joined), np.bool_)
    keep[starts] = keep[starts + 1] = False
    return joined[keep]


def _fit(edits: NDArray[np.void], definition: Definition) -> bool:
    return bool(
        int(edits["x"].max()) < definition.width
        and int(edits["y"].max()) < definition.height
        and int(edits["color"].max()) < definition.colors
    )


def _decode_each(values: Sequence[bytes], definition: Definition) -> Decoded:
    counts = np.zeros(len(values), np.int64)
    parts = [np.empty(0, EDIT)]
    refused = {}
    for index, value in enumerate(values):
        try:
            edits = _decode_one(value, definition)
        except RecordRefused as refusal:
            refused[index] = str(refusal)
        else:
            counts[index] = len(edits)
            parts.append(edits)
    return Decoded(np.concatenate(parts), counts, refused)


def _decode_one(value: bytes, definition: Definition) -> NDArray[np.void]:
    if len(value) < 2:
        raise RecordRefused(f"{len(value)} bytes; a record has at least 2")
    if value[0] != FORMAT:
        raise RecordRefused(f"format version {value[0]}; this server knows {FORMAT}")
    if value[1] == TYPE_CANVAS:
        return _decode_canvas(value, definition)
    if value[1] != TYPE_EDITS:
        raise RecordRefused(f"type {value[1]}; this server knows {TYPE_EDITS} (edits) and {TYPE_CANVAS} (canvas)")
    if len(value) == 2 or (len(value) - 2) % EDIT.itemsize:
        raise RecordRefused(f"{len(value) - 2} bytes of edits; allowed is a multiple of {EDIT.itemsize}")
    edits = np.frombuffer(value, EDIT, offset=2)
    if not _fit(edits, definition):
        size = f"{definition.width} x {definition.height} pixels and {definition.colors} colours"
        raise RecordRefused(f"an edit outside the canvas of {size}")
    return edits


def _decode_canvas(value: bytes, definition: Definition) -> NDArray[np.void]:
    # Two servers that start on an empty log at once may both write its canvas. The second is no edit, and no
    # error.
    if Definition.decode(value) != definition:
        raise RecordRefused("a second canvas, other than the log's first one")
    return np.empty(0, EDIT)
