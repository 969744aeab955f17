"""Palette files: the three formats, and all their possible faults."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from placed.canvas.palette import REDDIT_2022, SEED, Palette, PaletteError
from placed.canvas.palette_files import MAX_FILE_BYTES, load_palette, palette_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS = ("hex", "gpl", "json")

colors = st.lists(st.binary(min_size=3, max_size=3), min_size=2, max_size=256, unique=True)
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example writes its own file


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], str]:
    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def _as_file(file_format: str, rgb: list[bytes]) -> str:
    if file_format == "hex":
        return "\n".join(color.hex() for color in rgb)
    if file_format == "json":
        return json.dumps([f"#{color.hex()}" for color in rgb])
    rows = "\n".join(f"{red:3} {green:3} {blue:3}\tUntitled" for red, green, blue in rgb)
    return f"GIMP Palette\nName: test\nColumns: 16\n#\n{rows}\n"


def test_built_in_palette_is_found_by_its_name() -> None:
    assert load_palette("reddit-2022") is REDDIT_2022


@pytest.mark.parametrize("file_format", FORMATS)
@same_folder
@given(rgb=colors)
def test_colours_of_a_file_are_read_in_their_order(
    file_format: str, rgb: list[bytes], write: Callable[[str, str | bytes], str]
) -> None:
    palette = load_palette(write(f"mine.{file_format}", _as_file(file_format, rgb)))
    assert palette.rgb == b"".join(rgb)
    assert palette.name == "mine"
    assert len(set(palette.names)) == len(rgb)


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("a.hex", "#FF0000\r\n\r\n  00a000  \r\n", ("red", "green")),
        ("a.HEX", "\ufeffff0000\n00a000", ("red", "green")),
        ("a.gpl", "GIMP Palette\n# said\n1 2 3 night sky\n255 0 0\n\n0 160 0 Untitled", ("night sky", "red", "green")),
        ("a.gpl", "GIMP Palette\r\n255 0 0 ff0000\r\n0 160 0 #00A000\r\n", ("red", "green")),
        ("a.gpl", "GIMP Palette\n255 0 0 mine\n0 160 0 mine\n", ("mine", "mine 2")),
        ("a.json", '["#ff0000", {"color": "00a000", "name": " moss "}]', ("red", "moss")),
        ("a.json", '["#ff0000ff", {"color": "00a000FF", "name": " moss "}]', ("red", "moss")),
        ("a.hex", "#FF0000ff\n00a000\n", ("red", "green")),
        ("a.gpl", "GIMP Palette\nChannels: RGBA\n#\n1 2 3 255 night sky\n255 0 0 255\n", ("night sky", "red")),
        ("a.gpl", "GIMP Palette\nChannels: RGBA\n0 160 0 255 Untitled\n255 0 0 255 #ff0000ff\n", ("green", "red")),
        ("a.gpl", "GIMP Palette\n255 0 0\nChannels: RGB\n1 2 3 255 ways\n", ("red", "255 ways")),
        ("a.gpl", "GIMP Palette\n1 2 3 255 night sky\n255 0 0 255\n", ("night sky", "red")),
        ("a.gpl", "GIMP Palette\n1 2 3 1 dark\n255 0 0 2\n255 255 255 255\n", ("1 dark", "2", "255")),
    ],
)
def test_names_come_from_the_file_where_it_has_them(
    name: str, content: str, names: tuple[str, ...], write: Callable[[str, str | bytes], str]
) -> None:
    assert load_palette(write(name, content)).names == names


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.hex", "ff0000\n\nxyz", r"line 3: 'xyz'; allowed is a colour of six hexadecimal digits"),
        ("a.hex", "ff0000\n00ff0", r"line 2: '00ff0'; allowed"),
        ("a.hex", "ff0000\n" + "\N{ARABIC-INDIC DIGIT ONE}" * 6, r"line 2: .*; allowed"),
        ("a.hex", "ff0000\n00ff00\nFF0000", r"line 3: #ff0000 is at line 1 already; a colour is allowed once"),
        ("a.hex", "ff0000", r"1 colours; allowed are 2 to 256 different colours"),
        ("a.hex", "", r"0 colours; allowed are 2 to 256"),
        ("a.hex", "\n".join(f"{n:06x}" for n in range(257)), r"line 257: one colour too many; allowed are 2 to 256"),
        ("a.hex", b"ff0000\n\xff", r"line 2: byte 0xff; allowed is UTF-8"),
        ("a.hex", b"0" * (MAX_FILE_BYTES + 1), r"more than 65536 bytes; allowed are 65536"),
        ("a.gpl", "", r"line 1: ''; allowed is 'GIMP Palette'"),
        ("a.gpl", "JASC-PAL\n0100", r"line 1: 'JASC-PAL'; allowed is 'GIMP Palette'"),
        ("a.gpl", "GIMP Palette\n256 0 0 red", r"line 2: '256 0 0 red'; allowed are three numbers from 0 to 255"),
        ("a.gpl", "GIMP Palette\n-1 0 0", r"line 2: '-1 0 0'; allowed"),
        ("a.gpl", "GIMP Palette\n1 2 3red", r"line 2: '1 2 3red'; allowed"),
        ("a.gpl", "GIMP Palette\n1 2 3 " + "n" * 65, r"line 2: name 'n+\.\.\.n+'; allowed are up to 64 printable"),
        ("a.gpl", "GIMP Palette\n1 2 3 a\x1bb", r"line 2: name 'a\\x1bb'; allowed are up to 64 printable"),
        (
            "a.gpl",
            "GIMP Palette\nChannels: RGBA\n1 2 3 254 glass",
            r"line 3: 'glass' has the alpha 254; allowed is 255",
        ),
        ("a.gpl", "GIMP Palette\n1 2 3 255 a\n0 0 0 0 none", r"line 3: 'none' has the alpha 0; allowed is 255"),
        ("a.gpl", "GIMP Palette\nChannels: RGBA\n1 2 3 0", r"line 3: '#010203' has the alpha 0; allowed is 255"),
        ("a.gpl", "GIMP Palette\nChannels: RGBA\n1 2 3 red", r"line 3: 'red' behind the colour; allowed are an alpha"),
        ("a.gpl", "GIMP Palette\nChannels: RGBA\n1 2 3 256", r"line 3: '256' behind the colour; allowed are an alpha"),
        ("a.hex", "ff0000ff\n00a00080", r"line 2: '00a00080' has the alpha 128; allowed is 255"),
        ("a.json", '["#ff0000", "#00a00000"]', r"entry 2: '#00a00000' has the alpha 0; allowed is 255"),
        ("a.json", "{", r"line 1: not JSON"),
        ("a.json", "{}", r"\{\}; allowed is a list of colours"),
        ("a.json", "[1, 2]", r'entry 1: 1; allowed is "#rrggbb" or'),
        ("a.json", '["#ff0000", "red"]', r"entry 2: 'red'; allowed is a colour of six"),
        ("a.json", '["#ff0000", {"name": "red"}]', r"entry 2: \{'name': 'red'\}; allowed"),
        ("a.json", '[{"color": "#ff0000", "alpha": 1}]', r"entry 1: .*; allowed"),
        ("a.json", '[{"color": "#ff0000", "name": 1}]', r"entry 1: name 1; allowed is a text"),
        ("a.json", '[{"color": "#ff0000", "name": "\\ud800"}]', r"entry 1: name .*; allowed are up to 64 printable"),
        ("a.json", "[" * 60_000, r"nested too deeply"),
        ("a.json", "[" * 900 + "]" * 900, r"entry 1: \[.*\.\.\..*\]; allowed"),
        ("a.json", f"[1{'0' * 5000}]", r"a number too long"),
    ],
)
def test_wrong_file_is_one_error_that_says_where_what_and_what_is_allowed(
    name: str, content: str | bytes, message: str, write: Callable[[str, str | bytes], str]
) -> None:
    path = write(name, content)
    with pytest.raises(PaletteError, match=message) as caught:
        load_palette(path)
    assert str(caught.value).startswith(f"palette file {path!r}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "seeds", "picture.png", ".hex", "a\0b"])
def test_name_that_is_neither_built_in_nor_a_palette_file_is_refused_with_what_is(name: str) -> None:
    with pytest.raises(PaletteError, match=r"allowed is seed, reddit-2017, reddit-2022, or a file ending in \.hex"):
        load_palette(name)


@pytest.mark.parametrize(
    ("path", "message"), [("no/such.hex", "there is no such file"), ("/dev/fd.hex", "no such file")]
)
def test_missing_file_is_refused(path: str, message: str) -> None:
    with pytest.raises(PaletteError, match=message):
        load_palette(path)


def test_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.hex").mkdir()
    with pytest.raises(PaletteError, match="not an ordinary file"):
        load_palette(str(tmp_path / "folder.hex"))


def test_device_that_never_ends_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zero.hex").symlink_to("/dev/zero")
    with pytest.raises(PaletteError, match="not an ordinary file"):
        load_palette(str(tmp_path / "zero.hex"))


@pytest.mark.parametrize("file_format", FORMATS)
@same_folder
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
)
@example(content=b"GIMP Palette\n")
@example(content=b"[NaN, -Infinity]")
def test_any_bytes_give_a_palette_or_a_palette_error(
    file_format: str, content: bytes, write: Callable[[str, str | bytes], str]
) -> None:
    path = write(f"any.{file_format}", content)
    with contextlib.suppress(PaletteError):
        assert 2 <= len(load_palette(path)) <= 256


@same_folder
@given(
    rows=st.lists(
        st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), st.lists, max_leaves=9), max_size=3
    )
)
def test_any_json_gives_a_palette_or_a_palette_error(
    rows: list[object], write: Callable[[str, str | bytes], str]
) -> None:
    path = write("any.json", json.dumps(rows))
    with pytest.raises(PaletteError):
        load_palette(path)


@given(colors)
def test_colours_of_a_canvas_at_hand_become_a_palette(rgb: list[bytes]) -> None:
    palette = palette_of(b"".join(rgb))
    assert palette.rgb == b"".join(rgb)
    assert len(palette.names) == len(rgb)


def test_canvas_at_hand_has_the_names_of_the_palette_asked_for_or_of_one_built_in() -> None:
    mine = Palette("mine", SEED.rgb, tuple(f"colour {index}" for index in range(16)))
    assert palette_of(SEED.rgb, mine) is mine
    assert palette_of(REDDIT_2022.rgb, mine) is REDDIT_2022
    assert palette_of(SEED.rgb) is SEED
