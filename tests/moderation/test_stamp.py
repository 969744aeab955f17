"""Stamps: pictures on the canvas, in the palette's colours; and pictures that are refused."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from placed.canvas.area import Area
from placed.canvas.definition import Definition
from placed.canvas.png import chunk
from placed.moderation import stamp
from placed.moderation.painting import paint
from placed.moderation.present import CannotPaint, Present
from placed.moderation.stamp import Stamp, png_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

CANVAS = Definition(6, 4, bytes.fromhex("ffffff 000000 ff0000 0000ff"))


def _present() -> Present:
    return Present(7, CANVAS, np.full((4, 6), 3, np.uint8))


def _png(pixels: NDArray[np.uint8], mode: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG")
    return file.getvalue()


def _stamped(png: bytes, area: Area) -> dict[tuple[int, int], int]:
    return {(x, y): color for x, y, color in paint(Stamp(area, png), _present(), None).pixels.tolist()}


def test_a_picture_gets_the_nearest_colours_and_leaves_what_is_transparent() -> None:
    rgba = np.array([[[250, 9, 9, 255], [0, 0, 0, 0], [3, 3, 250, 255]], [[9, 9, 9, 255]] * 3], np.uint8)
    assert _stamped(_png(rgba, "RGBA"), Area(2, 1, 4, 3)) == {(2, 1): 2, (2, 2): 1, (3, 2): 1, (4, 2): 1}


def test_a_picture_in_the_palette_s_own_colours_keeps_them() -> None:
    rgb = np.frombuffer(CANVAS.rgb, np.uint8).reshape(1, 4, 3)
    assert _stamped(_png(rgb, "RGB"), Area(0, 0, 6, 4)) == {(0, 0): 0, (1, 0): 1, (2, 0): 2}


def test_a_picture_larger_than_the_area_is_refused() -> None:
    png = _png(np.zeros((1, 3, 3), np.uint8), "RGB")
    with pytest.raises(CannotPaint, match="a picture of 3 x 1 pixels; the area has 2 x 4"):
        _stamped(png, Area(0, 0, 2, 4))


def test_a_bomb_is_refused_by_its_head_alone() -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")
    with pytest.raises(CannotPaint, match=r"the picture: (60000 x 60000 is too large; allowed are 24|too large)"):
        _stamped(bomb, Area(0, 0, 6, 4))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "not a picture"), (b"GIF89a", "not a picture"), (b"\x89PNG\r\n\x1a\n", "the picture: ")],
)
def test_what_is_no_png_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(CannotPaint, match=words):
        _stamped(data, Area(0, 0, 6, 4))


def test_a_picture_of_another_format_is_refused() -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save(file, "GIF")
    with pytest.raises(CannotPaint, match=r"not a picture that can be read \(PNG\)"):
        _stamped(file.getvalue(), Area(0, 0, 6, 4))


def test_a_picture_that_is_cut_off_is_refused() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (4, 6, 3), np.uint8)
    png = _png(rgb, "RGB")
    with pytest.raises(CannotPaint, match="can't be read"):
        _stamped(png[: len(png) // 2], Area(0, 0, 6, 4))


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "MOST_PICTURE_BYTES", 30)
    with pytest.raises(CannotPaint, match="allowed are 30"):
        _stamped(bytes(31), Area(0, 0, 6, 4))
    with pytest.raises(CannotPaint, match="a picture of 44 characters; allowed are 30 bytes"):
        png_of(base64.b64encode(bytes(31)).decode())
    assert png_of(base64.b64encode(bytes(30)).decode()) == bytes(30)


@pytest.mark.parametrize("text", ["a", "ä", "ab!=", "data:image/png;base64,AAAA"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(CannotPaint, match="no base64"):
        png_of(text)
