"""Picture files: turned upright, transparency, sizes, and files that aren't pictures."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from placed.storage.picture import PictureError, Size, read

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def pixels(height: int, width: int, channels: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def test_pixels_are_read_as_they_are(tmp_path: Path) -> None:
    rgb = pixels(5, 7, 3)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    picture = read(tmp_path / "a.png")
    assert np.array_equal(picture.rgb, rgb)
    assert (picture.width, picture.height, bool(picture.visible.all())) == (7, 5, True)


def test_half_transparent_and_less_is_left_out(tmp_path: Path) -> None:
    rgba = pixels(2, 3, 4)
    rgba[..., 3] = [[0, 127, 128], [255, 1, 200]]
    Image.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").visible.tolist() == [[False, False, True], [True, False, True]]


def test_a_palette_picture_s_transparent_colour_is_left_out(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "L")
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "a.gif", transparency=1)
    picture = read(tmp_path / "a.gif")
    assert picture.visible.tolist() == [[True, False], [False, True]]
    assert picture.rgb[0, 0].tolist() == [255, 0, 0]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise brings it upright
    rgb = pixels(2, 3, 3)
    Image.fromarray(rgb).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read(tmp_path / "a.png").rgb, np.rot90(rgb, -1))


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (3, 2), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read(tmp_path / "a.gif").rgb[0, 0].tolist() == [255, 0, 0]


def test_sixteen_bit_grey_keeps_its_shades(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 0x8000, 0xFFFF]], np.uint16)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").rgb[0, :, 0].tolist() == [0, 0x80, 0xFF]


@pytest.mark.parametrize(
    ("text", "result"), [("20x10", (20, 10)), ("20x", (20, 10)), ("x20", (40, 20)), ("1x", (1, 1))]
)
def test_a_missing_side_follows_the_aspect(text: str, result: tuple[int, int]) -> None:
    assert Size.parse(text).of(200, 100) == result


@pytest.mark.parametrize("text", ["", "x", "0x5", "5x0", "4097x", "20", "20x10x3", "-2x3", "20 x 10", "٣x٣"])
def test_what_is_no_size_says_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="allowed are 200x150, 200x and x150"):
        Size.parse(text)


def test_pixel_art_grows_sharp(tmp_path: Path) -> None:
    rgb = pixels(2, 2, 3)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", Size(6, 6)).rgb, rgb.repeat(3, 0).repeat(3, 1))


def test_shrinking_does_not_bleed_the_colour_of_transparent_pixels(tmp_path: Path) -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:, :4] = (255, 0, 0, 255)
    rgba[:, 4:] = (0, 255, 0, 0)
    Image.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    picture = read(tmp_path / "a.png", Size(4, None))
    assert picture.rgb[picture.visible][:, 1].max() <= 2


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100_000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(10_000, 9_000), (15_000, 15_000), (2_000_000_000, 2_000_000_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(bomb(*size))
    with pytest.raises(PictureError, match=r"too large|can't be read"):
        read(tmp_path / "a.png")


def test_a_picture_larger_than_any_canvas_says_how_to_shrink_it(tmp_path: Path) -> None:
    Image.new("RGB", (5000, 10)).save(tmp_path / "a.png")
    with pytest.raises(PictureError, match="--size 4096x"):
        read(tmp_path / "a.png")
    assert read(tmp_path / "a.png", Size(100, None)).width == 100
    with pytest.raises(PictureError, match="--size makes it"):
        read(tmp_path / "a.png", Size(None, 4096))


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n", b"BM" + b"\0" * 60]
)
def test_what_is_no_picture_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"can't be read|not a picture"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "webp", "bmp", "tiff"])
def test_a_cut_or_damaged_picture_is_told_or_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    Image.fromarray(pixels(40, 40, 3)).save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(4)
    for _ in range(60):
        damaged = bytearray(whole[: int(rng.integers(1, len(whole) + 1))])
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = int(rng.integers(0, 256))
        path.write_bytes(damaged)
        with suppress(PictureError):
            read(path)
