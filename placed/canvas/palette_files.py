"""Reads palette files: `.hex` (Lospec), `.gpl` (GIMP) and `.json`.

    .hex     rrggbb or rrggbbaa, one colour a line
    .gpl     GIMP Palette, then lines of red, green, blue and a name; lines that begin with #, Name:, Columns: or
             Channels: are skipped. With Channels: RGBA, as Aseprite writes it, the fourth number is the alpha. Without
             that line it is, too, if each colour has a fourth number and at least half of these are 255
    .json    a list of "#rrggbb" or {"name": "red", "color": "#rrggbb"}, also with two digits more for the alpha

A canvas has no transparent pixels: an alpha must be 255. A file is at most 64 KiB of UTF-8. Any fault in it raises a
`PaletteError`, which says where the fault is, what is there and what is allowed. Pure but for reading the file: imports
attrs and the palettes only.
"""

from __future__ import annotations

import json
import re
import reprlib
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from placed.canvas.limits import MAX_COLORS
from placed.canvas.palette import BUILT_IN, COUNT_ALLOWED, MIN_COLORS, Palette, PaletteError, name_colors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_NAME_CHARACTERS = 64
MAX_FILE_BYTES = 64 * 1024  # 256 colours with the longest names, as JSON, take half of it
_OPAQUE = 255

_HEX_COLOR = re.compile(r"#?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?", re.ASCII)
_GPL_HEADER = re.compile(r"\s*(#|Name:|Columns:|Channels:)")
_GPL_RGBA = re.compile(r"\s*Channels:\s*RGBA\s*")
_GPL_ALPHA = re.compile(r"([0-9]{1,9})(?:\s+(.*))?", re.ASCII)
_GPL_COLOR = re.compile(r"\s*([0-9]{1,9})\s+([0-9]{1,9})\s+([0-9]{1,9})(?:\s+(.*?))?\s*", re.ASCII)

_REPR = reprlib.Repr()  # shortens a value in a message, however long or deep it is
_REPR.maxstring = _REPR.maxother = 60
_shown = _REPR.repr


@attrs.frozen
class _Entry:
    """One colour of a file: its 3 bytes, its name or '', and its place in the file, for messages."""

    color: bytes
    name: str
    place: str


def load_palette(name_or_path: str) -> Palette:
    """The built-in palette of that name, or the palette in that file.

    Raises:
        PaletteError: there is neither, or the file can't be read or doesn't hold a palette.
    """
    if name_or_path in BUILT_IN:
        return BUILT_IN[name_or_path]
    path = Path(name_or_path)
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise PaletteError(f"no palette is called {name_or_path!r}; allowed is {ALLOWED}")
    try:
        return _named(path.stem, parse(_read_text(path)))
    except PaletteError as error:
        raise PaletteError(f"palette file {name_or_path!r}: {error}") from None


def palette_of(rgb: bytes, preferred: Palette | None = None) -> Palette:
    """The palette with these colours, 3 bytes each: `preferred`, or a built-in one, or one with basic names.

    Raises:
        PaletteError: these are no palette's colours.
    """
    for palette in (preferred, *BUILT_IN.values()):
        if palette is not None and palette.rgb == rgb:
            return palette
    colors = (rgb[start : start + 3] for start in range(0, len(rgb), 3))
    return _named("canvas", (_Entry(color, "", f"colour {index}") for index, color in enumerate(colors)))


def _read_text(path: Path) -> str:
    try:
        # A pipe or a device may never end, or never begin.
        if not path.is_file():
            raise PaletteError("there is no such file" if not path.exists() else "not an ordinary file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        if isinstance(error, PaletteError):
            raise
        raise PaletteError(f"can't be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise PaletteError(f"more than {MAX_FILE_BYTES} bytes; allowed are {MAX_FILE_BYTES}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PaletteError(f"line {line}: byte {data[error.start]:#04x}; allowed is UTF-8 text") from None


def _parse_hex(text: str) -> Iterable[_Entry]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _Entry(_hex_color(line.strip(), f"line {number}"), "", f"line {number}")


def _hex_color(value: object, place: str) -> bytes:
    match = _HEX_COLOR.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PaletteError(f"{place}: {_shown(value)}; allowed is a colour of six hexadecimal digits, such as 'e50000'")
    _check_alpha(int(match[2] or "ff", 16), str(value), place)
    return bytes.fromhex(match[1])


def _check_alpha(alpha: int, name: str, place: str) -> None:
    if alpha != _OPAQUE:
        raise PaletteError(f"{place}: {_shown(name)} has the alpha {alpha}; allowed is 255, as no pixel is transparent")


def _parse_gpl(text: str) -> Iterable[_Entry]:
    lines = text.splitlines()
    if not lines or lines[0].strip() != "GIMP Palette":
        raise PaletteError(f"line 1: {_shown(lines[0] if lines else '')}; allowed is 'GIMP Palette'")
    rows = [
        _gpl_row(line, f"line {number}")
        for number, line in enumerate(lines[1:], 2)
        if line.strip() and not _GPL_HEADER.match(line)
    ]
    return _without_alpha(rows, is_told=any(_GPL_RGBA.fullmatch(line) for line in lines))


def _gpl_row(line: str, place: str) -> _Entry:
    """A colour, with the rest of its line as the name."""
    match = _GPL_COLOR.fullmatch(line)
    if match is None or any(int(match[part]) > 255 for part in (1, 2, 3)):
        raise PaletteError(
            f"{place}: {_shown(line)}; allowed are three numbers from 0 to 255 and a name, such as '229 0 0 red'"
        )
    return _Entry(bytes(int(match[part]) for part in (1, 2, 3)), match[4] or "", place)


def _without_alpha(rows: list[_Entry], *, is_told: bool) -> Iterable[_Entry]:
    """The rows without their alphas, which are only checked. If the fourth numbers aren't alphas, they stay in names.

    Args:
        rows: the rows from `_gpl_row`.
        is_told: whether the file says that there is an alpha.
    """
    alphas = [_GPL_ALPHA.fullmatch(row.name) for row in rows]
    has_alpha = is_told or (all(alphas) and 2 * sum(alpha[1] == "255" for alpha in alphas if alpha) >= len(rows))
    for row, alpha in zip(rows, alphas, strict=True):
        if not has_alpha:
            yield attrs.evolve(row, name=_gpl_name(row.color, row.name))
        elif alpha is None or int(alpha[1]) > _OPAQUE:
            raise PaletteError(
                f"{row.place}: {_shown(row.name)} behind the colour; allowed are an alpha, which is 255, and a name"
            )
        else:
            name = alpha[2] or ""
            _check_alpha(int(alpha[1]), name or f"#{row.color.hex()}", row.place)
            yield attrs.evolve(row, name=_gpl_name(row.color, name))


def _gpl_name(color: bytes, name: str) -> str:
    """The name, or '' if it is a stand-in: for a colour without a name GIMP writes Untitled, and Lospec its digits."""
    is_named = name != "Untitled" and name.lower().lstrip("#") not in (color.hex(), f"{color.hex()}ff")
    return name if is_named else ""


def _parse_json(text: str) -> Iterable[_Entry]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise PaletteError(f"line {error.lineno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise PaletteError("not JSON that can be read: a number too long, or nested too deeply") from None
    if not isinstance(entries, list):
        raise PaletteError(f"{_shown(entries)}; allowed is a list of colours")
    for number, entry in enumerate(entries, 1):
        yield _json_entry(entry, f"entry {number}")


def _json_entry(entry: object, place: str) -> _Entry:
    if isinstance(entry, str):
        return _Entry(_hex_color(entry, place), "", place)
    if not isinstance(entry, dict) or not {"color"} <= entry.keys() <= {"color", "name"}:
        raise PaletteError(f'{place}: {_shown(entry)}; allowed is "#rrggbb" or {{"name": "red", "color": "#rrggbb"}}')
    name = entry.get("name", "")
    if not isinstance(name, str):
        raise PaletteError(f"{place}: name {_shown(name)}; allowed is a text")
    return _Entry(_hex_color(entry["color"], place), name, place)


_PARSERS: dict[str, Callable[[str], Iterable[_Entry]]] = {
    ".hex": _parse_hex,
    ".gpl": _parse_gpl,
    ".json": _parse_json,
}
ALLOWED = f"{', '.join(BUILT_IN)}, or a file ending in {', '.join(_PARSERS)} with {COUNT_ALLOWED}"


def _named(name: str, entries: Iterable[_Entry]) -> Palette:
    """Check the entries against each other, and name the colours without a name."""
    checked: dict[bytes, _Entry] = {}
    for entry in entries:
        _check_name(entry)
        if (same := checked.get(entry.color)) is not None:
            raise PaletteError(
                f"{entry.place}: #{entry.color.hex()} is at {same.place} already; a colour is allowed once"
            )
        if len(checked) == MAX_COLORS:
            raise PaletteError(f"{entry.place}: one colour too many; allowed are {COUNT_ALLOWED}")
        checked[entry.color] = entry
    if len(checked) < MIN_COLORS:
        raise PaletteError(f"{len(checked)} colours; allowed are {COUNT_ALLOWED}")
    names = name_colors([(entry.color, entry.name.strip()) for entry in checked.values()])
    return Palette(name, b"".join(checked), names)


def _check_name(entry: _Entry) -> None:
    if len(entry.name) > MAX_NAME_CHARACTERS or not entry.name.isprintable():
        raise PaletteError(
            f"{entry.place}: name {_shown(entry.name)}; allowed are up to {MAX_NAME_CHARACTERS} printable characters"
        )
