"""Image files as the page reads and writes them, compared with Pillow and pngcheck."""

from __future__ import annotations

import base64
import json
import random
import struct
import subprocess
import zlib
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.client.png_files import KINDS, Kind, chunk, make
from tests.support.parts import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Ask = Callable[..., list[Any]]

SCRIPT = Path(__file__).with_name("read_images.mjs")
ORIENTATION = 0x0112
SIDES = [(1, 1), (3, 2), (9, 5), (33, 17)]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """A function that sends read_images.mjs a command; one process for all tests, as node takes a while to start."""
    with subprocess.Popen([program("node"), SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        yield partial(_answers, node)
        node.kill()


def _answers(node: subprocess.Popen[str], *commands: Sequence[object]) -> list[Any]:
    assert node.stdin is not None
    assert node.stdout is not None
    answers = []
    for command in commands:
        node.stdin.write(f"{json.dumps(command)}\n")
        node.stdin.flush()
        line = node.stdout.readline()
        assert line, "node has ended; it said why on standard error"
        answers.append(json.loads(line))
    return answers


def pixels(told: dict[str, Any]) -> NDArray[np.uint8]:
    assert "error" not in told, told
    rgba = np.frombuffer(base64.b64decode(told["rgba"]), np.uint8)
    return rgba.reshape(told["height"], told["width"], 4)


@pytest.mark.parametrize("colors", [0, 2, 3, 4, 6])
def test_every_kind_of_png_comes_out_as_its_samples_say(colors: int, tmp_path: Path, ask: Ask) -> None:
    chance = random.Random(colors)
    files = [(kind, *make(kind, *side, chance)) for kind in KINDS if kind.colors == colors for side in SIDES]
    for number, (_, file, _) in enumerate(files):
        (tmp_path / f"{number}.png").write_bytes(file)
    told = ask(*(("pixels", str(tmp_path / f"{number}.png")) for number in range(len(files))))
    for (kind, file, expected), answer in zip(files, told, strict=True):
        np.testing.assert_array_equal(pixels(answer), expected, str(kind))
        if kind.depth <= 8 and not kind.is_keyed:  # Pillow reads only these as the file means them
            np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(file)).convert("RGBA")), expected, str(kind))


def test_a_png_that_is_cut_or_claims_too_much_is_refused(tmp_path: Path, ask: Ask) -> None:
    file, _ = make(Kind(6, 8, True, False), 9, 5, random.Random(1))
    huge = bytearray(file)
    huge[16:24] = (30_000).to_bytes(4, "big") * 2
    missing, _ = make(Kind(3, 8, False, False), 9, 5, random.Random(1))
    bad = [file[:length] for length in range(0, len(file) - 1, 7)]
    bad += [bytes(huge), missing.replace(b"PLTE", b"plTE")]
    for number, one in enumerate(bad):
        (tmp_path / f"{number}.png").write_bytes(one)
    told = ask(*(("pixels", str(tmp_path / f"{number}.png")) for number in range(len(bad))))
    assert all("error" in answer for answer in told)


@pytest.mark.parametrize("colors", [1, 2, 3, 4, 5, 16, 17, 32, 256])
@pytest.mark.parametrize("factor", [1, 3])
def test_a_picture_is_written_as_pillow_and_pngcheck_read_it(
    colors: int, factor: int, tmp_path: Path, ask: Ask
) -> None:
    draw = np.random.default_rng(colors)
    palette = draw.integers(0, 256, (colors, 3), np.uint8)
    names = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in palette]
    pictures = {tmp_path / f"{w}.png": draw.integers(0, colors, (h, w), np.uint8) for w, h in SIDES}
    commands = [("write", str(path), *i.shape[::-1], i.ravel().tolist(), names, factor) for path, i in pictures.items()]
    assert ask(*commands) == [None] * len(SIDES)
    for path, indexes in pictures.items():
        with Image.open(path) as image:
            read = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(read, palette[indexes.repeat(factor, 0).repeat(factor, 1)])
    command = [program("pngcheck"), "-q", *map(str, pictures)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def _exif(turn: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    return exif.tobytes()


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_png_stands_as_pillow_stands_it(turn: int, tmp_path: Path, ask: Ask) -> None:
    file, _ = make(Kind(2, 8, False, False), 5, 3, random.Random(turn))
    exif = _exif(turn).removeprefix(b"Exif\0\0")
    path = tmp_path / "turned.png"
    path.write_bytes(file[:33] + chunk(b"eXIf", exif) + file[33:])
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
    np.testing.assert_array_equal(pixels(ask(("pixels", str(path)))[0]), expected)


def _file(format: str, size: tuple[int, int], turn: int | None, **options: Any) -> bytes:  # noqa: A002 # Pillow's name
    file = BytesIO()
    exif = {} if turn is None else {"exif": _exif(turn)}
    Image.new("RGB", size, (200, 10, 60)).save(file, format, **exif, **options)
    return file.getvalue()


FILES = {
    "png": _file("PNG", (7, 3), None),
    "turned.png": _file("PNG", (7, 3), 6),
    "jpeg": _file("JPEG", (7, 3), None),
    "turned.jpeg": _file("JPEG", (7, 3), 8),
    "progressive.jpeg": _file("JPEG", (700, 301), 5, progressive=True),
    "commented.jpeg": _file("JPEG", (7, 3), 3, comment=b"x" * 60_000),
    "lossy.webp": _file("WEBP", (7, 3), None),
    "lossless.webp": _file("WEBP", (1_000, 3), None, lossless=True),
    "turned.webp": _file("WEBP", (7, 3), 6),
    "animated.webp": _file("WEBP", (7, 3), None, save_all=True, append_images=[Image.new("RGB", (7, 3))] * 3),
    "gif": _file("GIF", (7, 3), None),
    "animated.gif": _file("GIF", (7, 3), None, save_all=True, append_images=[Image.new("RGB", (7, 3))] * 3, loop=0),
    "bmp": _file("BMP", (7, 3), None),
}


def test_headers_tell_format_size_and_turn(tmp_path: Path, ask: Ask) -> None:
    for name, file in FILES.items():
        (tmp_path / name).write_bytes(file)
    told = ask(*(("header", str(tmp_path / name)) for name in FILES))
    for (name, file), header in zip(FILES.items(), told, strict=True):
        with Image.open(BytesIO(file)) as image:
            turn = image.getexif().get(ORIENTATION, 1)
            expected = (image.format or "").lower(), image.size, turn
        assert (header["format"], (header["width"], header["height"]), header["turn"]) == expected, name
        assert header["turnAt"] == -1 or file[header["turnAt"]] == turn, name


def _gif(screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    """The beginning of a GIF whose first frame may be larger than its screen."""
    sizes = [side.to_bytes(2, "little") for side in (*screen, 0, 0, *frame)]
    return (
        b"GIF89a" + b"".join(sizes[:2]) + b"\0\0\0" + b"\x21\xfe\x03abc\0" + b"\x2c" + b"".join(sizes[2:]) + bytes(40)
    )


def _claims(side: int) -> dict[str, bytes]:
    """Files of a few bytes that claim to have a side of `side` pixels."""
    png = chunk(b"IHDR", side.to_bytes(4, "big") * 2 + b"\x08\x00\0\0\0")
    webp = b"VP8X\x0a\0\0\0\0\0\0\0" + (side - 1).to_bytes(3, "little") * 2
    return {
        "png": b"\x89PNG\r\n\x1a\n" + png + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
        "jpeg": b"\xff\xd8\xff\xc2\0\x0b\x08" + side.to_bytes(2, "big") * 2 + b"\x01\x11\0\0",
        "gif": _gif((side, side), (1, 1)),
        "gif of a large frame": _gif((1, 1), (side, side)),
        "webp": b"RIFF" + (len(webp) + 4).to_bytes(4, "little") + b"WEBP" + webp,
        "bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, side, -side),
    }


def test_what_a_header_claims_is_known_before_anything_is_decoded(tmp_path: Path, ask: Ask) -> None:
    files = _claims(30_000)
    for name, file in files.items():
        (tmp_path / name).write_bytes(file)
    told = ask(*(("header", str(tmp_path / name)) for name in files))
    assert [(header["width"], header["height"]) for header in told] == [(30_000, 30_000)] * len(files)


NONE = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "svg with a declaration": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "svg in a PNG's name": b"  <svg></svg>",
    "html": b"<!doctype html>",
    "avif": b"\0\0\0\x20ftypavif",
    "tiff": b"II*\0",
    "pdf": b"%PDF-1.7",
    "empty": b"",
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_none_of_the_formats_is_none(name: str, tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "file"
    path.write_bytes(NONE[name])
    assert ask(("header", str(path))) == [None]


def test_a_header_that_is_cut_short_or_damaged_ends_in_an_answer(tmp_path: Path, ask: Ask) -> None:
    chance = random.Random(9)
    damaged = []
    for file in FILES.values():
        damaged += [file[: chance.randrange(len(file))] for _ in range(20)]
        for _ in range(20):
            copy = bytearray(file)
            for _ in range(8):
                copy[chance.randrange(min(len(copy), 200))] = chance.randrange(256)
            damaged.append(bytes(copy))
    for number, file in enumerate(damaged):
        (tmp_path / str(number)).write_bytes(file)
    told = ask(*(("header", str(tmp_path / str(number))) for number in range(len(damaged))))
    assert len(told) == len(damaged)
    assert not [answer for answer in told if answer and "error" in answer]
