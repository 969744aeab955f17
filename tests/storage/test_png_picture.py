"""PNG files as their authors meant them: colour keys at every depth, and metadata that changes no pixel."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from placed.storage import png_picture
from placed.storage.picture import PictureError, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

GREY, RGB = 0, 2
# Adam7's passes (PNG, third edition, section 8): first row and column, and the steps between them.
PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows_of(samples: NDArray[np.uint16], depth: int) -> bytes:
    """The rows of a PNG without filters, of samples of shape (height, width, channels)."""
    bits = np.unpackbits(samples.astype(">u2").view(np.uint8)).reshape(*samples.shape, 16)[..., 16 - depth :]
    return b"".join(b"\0" + np.packbits(row.reshape(-1)).tobytes() for row in bits)


def png(samples: NDArray[np.uint16], depth: int, *chunks: bytes, interlaced: bool = False) -> bytes:
    height, width, channels = samples.shape
    kind = GREY if channels == 1 else RGB
    parts = [samples[row::rows, column::columns] for row, column, rows, columns in PASSES] if interlaced else [samples]
    data = b"".join(rows_of(part, depth) for part in parts if part.size)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))
    end = chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return png_picture.SIGNATURE + head + b"".join(chunks) + end


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("channels", "depth"), [(1, 1), (1, 2), (1, 4), (1, 8), (1, 16), (3, 8), (3, 16)])
@pytest.mark.parametrize("spare_bits", [False, True])
def test_colour_key_hides_its_colour_and_no_other_at_every_depth(
    tmp_path: Path, channels: int, depth: int, interlaced: bool, spare_bits: bool
) -> None:
    rng = np.random.default_rng(depth)
    samples = rng.integers(0, 1 << depth, (13, 21, channels)).astype(np.uint16)
    key = samples[5, 7].copy()
    samples[rng.random((13, 21)) < 0.3] = key
    near = key.copy()
    near[-1] ^= 1  # differs in the lowest bit, which is gone once samples have 8 bits
    samples[0, 0] = near
    told = key | np.uint16(0xFFFF << depth & 0xFFFF) if spare_bits else key  # bits above the depth have no meaning
    (tmp_path / "a.png").write_bytes(
        png(samples, depth, chunk(b"tRNS", told.astype(">u2").tobytes()), interlaced=interlaced)
    )
    picture = read(tmp_path / "a.png")
    assert np.array_equal(picture.visible, (samples != key).any(axis=2))
    full = samples >> 8 if depth == 16 else samples * (255 // ((1 << depth) - 1))
    assert np.array_equal(picture.rgb, np.broadcast_to(full, (13, 21, 3)))


SAMPLES = np.arange(15, dtype=np.uint16).reshape(3, 5, 1) * 17
# Each test makes them when it runs: they are 76 MB, and every process of a run imports this file.
BROKEN: dict[str, Callable[[], bytes]] = {
    "a text of 3 MB": lambda: chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 3_000_000)),
    "a text that can't be unpacked": lambda: chunk(b"zTXt", b"a\0\0nothing"),
    "an international text of 3 MB": lambda: chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"\0" * 3_000_000)),
    "a text without an end of its keyword": lambda: chunk(b"iTXt", b"a" * 300),
    "many texts": lambda: b"".join(chunk(b"tEXt", b"a\0" + b"b" * 1_000_000) for _ in range(70)),
    "a profile that is none": lambda: chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 3_000_000)),
    "a profile cut off": lambda: chunk(b"iCCP", b"a"),
    "a gamma cut off": lambda: chunk(b"gAMA", b"\0"),
    "primaries cut off": lambda: chunk(b"cHRM", b"\0" * 7),
    "a size in metres cut off": lambda: chunk(b"pHYs", b"\0"),
    "an intent cut off": lambda: chunk(b"sRGB", b""),
    "a film cut off": lambda: chunk(b"acTL", b"\0"),
    "a wrong checksum": lambda: chunk(b"tIME", b"\0" * 7)[:-1] + b"x",
    "EXIF that is none": lambda: chunk(b"eXIf", b"nothing of the kind"),
    "an unknown chunk": lambda: chunk(b"prVt", b"\xff" * 100),
}


@pytest.mark.parametrize("metadata", BROKEN.values(), ids=BROKEN)
def test_metadata_however_long_or_broken_costs_no_pixel(tmp_path: Path, metadata: Callable[[], bytes]) -> None:
    (tmp_path / "a.png").write_bytes(png(SAMPLES, 8, metadata()))
    picture = read(tmp_path / "a.png")
    assert np.array_equal(picture.rgb[..., :1], SAMPLES)
    assert picture.visible.all()


@pytest.mark.parametrize("extension", ["jpg", "webp"])
def test_broken_exif_costs_no_pixel_in_other_formats(tmp_path: Path, extension: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    path = tmp_path / f"a.{extension}"
    Image.new("RGB", (5, 3), "red").save(path, exif=exif)
    whole = path.read_bytes()
    place = whole.rfind(b"MM\0*")
    path.write_bytes(whole[:place] + b"no" + whole[place + 2 :])
    assert read(path).rgb.shape == (3, 5, 3)


def test_file_with_more_pixels_than_are_kept_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_picture, "MAX_BYTES", 40)
    (tmp_path / "a.png").write_bytes(png(SAMPLES, 8, chunk(b"IDAT", b"\0" * 100)))
    with pytest.raises(PictureError, match="more than 40 bytes of pixels; allowed are 40"):
        read(tmp_path / "a.png")
