"""PNG files: decoded by Pillow, checked by pngcheck, and built as the specification says."""

from __future__ import annotations

import io
import struct
import subprocess
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from placed.canvas import png
from placed.canvas.palette import REDDIT_2022, SEED
from tests.support.parts import program

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

sides = st.integers(1, 70)
palettes = st.integers(2, 256).map(lambda colors: bytes(value % 256 for value in range(colors * 3)))


def _random_pixels(width: int, height: int, colors: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, colors, (height, width), np.uint8)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        assert crc == _crc_of_the_specification(kind + body)
        found.append((kind, body))
        at += 12 + length
    return found


def _crc_of_the_specification(data: bytes) -> int:
    """The CRC of PNG annex D, bit by bit; zlib's for long data, after a test that the two agree."""
    if len(data) > 2000:
        return zlib.crc32(data)
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    assert crc ^ 0xFFFFFFFF == zlib.crc32(data)
    return crc ^ 0xFFFFFFFF


@given(sides, sides, palettes, st.integers(0, 2**32))
def test_pillow_decodes_the_same_pixels_and_palette(width: int, height: int, rgb: bytes, seed: int) -> None:
    pixels = _random_pixels(width, height, len(rgb) // 3, seed)
    image = Image.open(io.BytesIO(png.encode(pixels, rgb)))
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image), pixels)
    palette = np.frombuffer(rgb, np.uint8).reshape(-1, 3)
    assert np.array_equal(np.asarray(image.convert("RGB")), palette[pixels])


@given(sides, sides, st.sampled_from([1, 2, 4, 8]), st.integers(0, 2**32))
def test_rows_are_packed_high_bits_first_behind_a_filter_byte_of_0(
    width: int, height: int, depth: int, seed: int
) -> None:
    pixels = _random_pixels(width, height, 1 << depth, seed)
    rows = png.pack_rows(pixels, depth)
    assert rows.shape == (height, 1 + -(-width * depth // 8))
    for row, packed in zip(pixels.tolist(), rows, strict=True):
        bits = "".join(f"{pixel:0{depth}b}" for pixel in row)
        assert packed.tobytes() == b"\0" + int(bits.ljust(8 * (rows.shape[1] - 1), "0"), 2).to_bytes(rows.shape[1] - 1)


@pytest.mark.parametrize(
    ("colors", "depth"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (32, 8), (256, 8)]
)
def test_depth_is_the_fewest_bits_that_hold_the_palette(colors: int, depth: int) -> None:
    assert png.bit_depth(colors) == depth
    header = dict(_chunks(png.encode(np.zeros((2, 3), np.uint8), bytes(colors * 3))))[b"IHDR"]
    assert header == struct.pack(">IIBBBBB", 3, 2, depth, 3, 0, 0, 0)


def test_chunks_are_in_order_with_text_before_the_pixels_and_valid_zlib() -> None:
    pixels = _random_pixels(33, 21, 16, 1)
    chunks = _chunks(png.encode(pixels, SEED.rgb, text={"placed:version": "12", "placed:log": "abc_-"}))
    assert [kind for kind, _ in chunks] == [b"IHDR", b"PLTE", b"tEXt", b"tEXt", b"IDAT", b"IEND"]
    assert chunks[1][1] == SEED.rgb
    assert [body for kind, body in chunks if kind == b"tEXt"] == [b"placed:version\x0012", b"placed:log\0abc_-"]
    # zlib's own decompress checks the stream's Adler-32.
    assert zlib.decompress(chunks[4][1]) == png.pack_rows(pixels, 4).tobytes()


def test_text_is_read_by_pillow_and_before_the_pixels_are() -> None:
    text = {"placed:version": "18446744073709551615", "placed:log": "id"}
    image = Image.open(io.BytesIO(png.encode(np.zeros((1, 1), np.uint8), SEED.rgb, text=text)))
    assert image.info == text


@pytest.mark.parametrize(("width", "height"), [(1, 1), (4096, 4096), (4096, 1), (1, 4096), (4095, 3)])
@pytest.mark.parametrize("rgb", [SEED.rgb[:6], SEED.rgb, REDDIT_2022.rgb], ids=["1 bit", "4 bits", "8 bits"])
def test_smallest_and_largest_canvas_decode(width: int, height: int, rgb: bytes) -> None:
    pixels = _random_pixels(width, height, len(rgb) // 3, 2)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.encode(pixels, rgb)))), pixels)


def test_canvas_may_be_a_view_that_is_not_contiguous() -> None:
    pixels = _random_pixels(20, 20, 16, 3)[::2, 1::3]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.encode(pixels, SEED.rgb)))), pixels)


def test_pixels_are_left_as_they_are() -> None:
    pixels = _random_pixels(9, 9, 16, 4)
    pixels.flags.writeable = False
    png.encode(pixels, SEED.rgb)


@pytest.mark.parametrize("colors", [2, 3, 4, 7, 16, 17, 255, 256])
def test_pngcheck_finds_no_fault(colors: int, tmp_path: Path) -> None:
    pngcheck = program("pngcheck")
    for width, height in ((1, 1), (7, 3), (8, 8), (101, 67)):
        pixels = _random_pixels(width, height, colors, width)
        data = png.encode(pixels, bytes(range(256)) * 3 if colors == 256 else bytes(colors * 3), text={"a b": "1"})
        (tmp_path / f"{colors}-{width}x{height}.png").write_bytes(data)
    paths = sorted(tmp_path.iterdir())
    result = subprocess.run([pngcheck, "-v", *paths], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stdout
    assert "No errors were detected" in result.stdout or "No errors detected" in result.stdout


@pytest.mark.parametrize(
    ("shape", "rgb", "text", "message"),
    [
        ((0, 5), SEED.rgb, {}, "5 x 0 pixels; allowed is at least 1 x 1"),
        ((1, 1), b"", {}, "a palette of 0 bytes"),
        ((1, 1), b"abcd", {}, "a palette of 4 bytes"),
        ((1, 1), bytes(257 * 3), {}, "a palette of 771 bytes"),
        ((1, 1), SEED.rgb, {"": "x"}, "allowed are a keyword of 1 to 79 characters"),
        ((1, 1), SEED.rgb, {"k" * 80: "x"}, "allowed are a keyword"),
        ((1, 1), SEED.rgb, {" k": "x"}, "allowed are a keyword"),
        ((1, 1), SEED.rgb, {"k  k": "x"}, "allowed are a keyword"),
        ((1, 1), SEED.rgb, {"k\0": "x"}, "allowed are a keyword"),
        ((1, 1), SEED.rgb, {"k\n": "x"}, "allowed are a keyword"),
        ((1, 1), SEED.rgb, {"k": "a\0b"}, "ASCII text without 0"),
        ((1, 1), SEED.rgb, {"k": "é"}, "ASCII text without 0"),
    ],
)
def test_what_png_does_not_allow_is_refused(
    shape: tuple[int, int], rgb: bytes, text: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        png.encode(np.zeros(shape, np.uint8), rgb, text=text)


def test_index_that_is_not_in_the_palette_is_refused() -> None:
    with pytest.raises(ValueError, match="palette index 16; allowed are 0 to 15"):
        png.encode(np.full((2, 2), 16, np.uint8), SEED.rgb)
