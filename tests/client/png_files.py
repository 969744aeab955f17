"""PNG files of every kind, written from samples: each colour type, bit depth and row filter, also interlaced."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


class Kind(NamedTuple):
    """One kind of PNG."""

    colors: int
    depth: int
    is_interlaced: bool
    is_keyed: bool  # with a transparent colour, or an alpha for each palette colour


KINDS = [
    Kind(colors, depth, interlaced, keyed)
    for colors, depths in DEPTHS.items()
    for depth in depths
    for interlaced in (False, True)
    for keyed in ((False, True) if colors in (0, 2, 3) else (False,))
]


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk, with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make(kind: Kind, width: int, height: int, chance: random.Random) -> tuple[bytes, NDArray[np.uint8]]:
    """Make a file of random samples; also its RGBA, shape (height, width, 4), with the upper 8 of 16 bits."""
    most = (1 << kind.depth) - 1
    shape = (height, width, CHANNELS[kind.colors])
    draw = np.random.default_rng(chance.randrange(1 << 32))
    samples = draw.integers(0, most + 1, shape, np.uint16)
    palette = draw.integers(0, 256, (most + 1, 3), np.uint8) if kind.colors == 3 else None
    alphas = draw.integers(0, 256, max(1, most), np.uint8)  # one less than colours: the last colour is opaque
    key = samples[height // 2, width // 2]
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, kind.depth, kind.colors, 0, 0, kind.is_interlaced))]
    if palette is not None:
        parts.append(chunk(b"PLTE", palette.tobytes()))
    if kind.is_keyed:
        parts.append(chunk(b"tRNS", alphas.tobytes() if palette is not None else key.astype(">u2").tobytes()))
    parts += [chunk(b"IDAT", zlib.compress(_rows(samples, kind, chance))), chunk(b"IEND", b"")]
    file = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    if palette is None:
        return file, _rgba(samples, kind, key if kind.is_keyed else None)
    alpha = np.full(most + 1, 255, np.uint8)
    if kind.is_keyed:
        alpha[: len(alphas)] = alphas
    index = samples[..., 0]
    return file, np.dstack([palette[index], alpha[index]])


def _rgba(samples: NDArray[np.uint16], kind: Kind, key: NDArray[np.uint16] | None) -> NDArray[np.uint8]:
    levels = samples >> 8 if kind.depth == 16 else samples * np.uint16(255 // ((1 << kind.depth) - 1))
    has_alpha = kind.colors in (4, 6)
    color = levels[..., :-1] if has_alpha else levels
    opaque = np.full(samples.shape[:2], 255) if key is None else np.where((samples == key).all(axis=2), 0, 255)
    alpha = levels[..., -1] if has_alpha else opaque
    return np.dstack([np.broadcast_to(color, (*samples.shape[:2], 3)), alpha]).astype(np.uint8)


def _rows(samples: NDArray[np.uint16], kind: Kind, chance: random.Random) -> bytes:
    passes = _ADAM7 if kind.is_interlaced else ((0, 0, 1, 1),)
    parts = (samples[y::down, x::right] for x, y, right, down in passes)
    return b"".join(_filtered(part, kind, chance) for part in parts if part.size)


def _filtered(samples: NDArray[np.uint16], kind: Kind, chance: random.Random) -> bytes:
    """The rows of a pass, each with another filter."""
    step = max(1, CHANNELS[kind.colors] * kind.depth // 8)
    above, rows = b"", bytearray()
    for row in samples:
        raw = _packed(row.ravel(), kind.depth)
        above = above or bytes(len(raw))
        method = chance.randrange(5)
        rows.append(method)
        for i, byte in enumerate(raw):
            left, corner = (raw[i - step], above[i - step]) if i >= step else (0, 0)
            guess = (0, left, above[i], (left + above[i]) // 2, _paeth(left, above[i], corner))[method]
            rows.append((byte - guess) & 255)
        above = raw
    return bytes(rows)


def _packed(row: NDArray[np.uint16], depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = (row[:, None] >> np.arange(depth)[::-1]) & 1
    return np.packbits(bits.astype(np.uint8).ravel()).tobytes()


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
