"""Palettes: the colours of a canvas, each with a name; and the built-in palettes.

A palette has 2 to 256 different colours, each with a name of its own, so that somebody who can't tell two of them apart
by eye can do so by name. Index 0 is the blank colour. Pure: imports attrs, and numpy only to make an array, because the
command line needs just the palettes' names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from placed.canvas.limits import MAX_COLORS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

MIN_COLORS = 2  # with one colour there is nothing to paint

COUNT_ALLOWED = f"{MIN_COLORS} to {MAX_COLORS} different colours"


class PaletteError(ValueError):
    """A palette that can't be used: an unknown name, an unreadable file, or colours that aren't allowed."""


@attrs.frozen
class Palette:
    """The colours of a canvas. Two palettes are equal if their colours are; names don't count.

    Attributes:
        name: the built-in palette's name, or the file's name without its ending.
        rgb: 3 bytes a colour, all different; index 0 is the blank colour.
        names: a name for each colour, all different.

    Raises:
        PaletteError: the number of colours isn't allowed, or two colours or two names are the same.
    """

    name: str = attrs.field(eq=False)
    rgb: bytes = attrs.field(repr=False)
    names: tuple[str, ...] = attrs.field(eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        colors = [self.rgb[start : start + 3] for start in range(0, len(self.rgb), 3)]
        if len(self.rgb) % 3 or not MIN_COLORS <= len(colors) <= MAX_COLORS:
            raise PaletteError(
                f"palette {self.name!r}: {len(self.rgb)} bytes; allowed are 3 bytes for each of {COUNT_ALLOWED}"
            )
        if len(set(colors)) < len(colors):
            raise PaletteError(f"palette {self.name!r}: a colour is there twice; allowed are {COUNT_ALLOWED}")
        if len(set(self.names)) < len(colors) or len(self.names) > len(colors):
            raise PaletteError(f"palette {self.name!r}: allowed is one name of its own for each colour")

    def __len__(self) -> int:
        """How many colours it has, 2 to 256."""
        return len(self.names)

    def hex_colors(self) -> list[str]:
        """Its colours as `#rrggbb`, in the order of their indexes."""
        return [f"#{self.rgb[start : start + 3].hex()}" for start in range(0, len(self.rgb), 3)]

    def to_array(self) -> NDArray[np.uint8]:
        """Its colours as a read-only array, uint8, shape (colours, 3)."""
        import numpy as np

        return np.frombuffer(self.rgb, np.uint8).reshape(-1, 3)


def _built_in(name: str, table: str) -> Palette:
    rows = [row.split(maxsplit=1) for row in table.strip().splitlines()]
    return Palette(name, b"".join(bytes.fromhex(color) for color, _ in rows), tuple(label for _, label in rows))


# The table of sephsplace's server.js and index.js: Reddit's colours of 2017, except that red has a blue of 9 there,
# not 0.
SEED = _built_in(
    "seed",
    """
    ffffff white
    e4e4e4 light grey
    888888 grey
    222222 black
    ffa7d1 pink
    e50009 red
    e59500 orange
    a06a42 brown
    e5d900 yellow
    94e044 light green
    02be01 green
    00d3dd cyan
    0083c7 medium blue
    0000ea dark blue
    cf6ee4 light purple
    820080 dark purple
    """,
)
REDDIT_2017 = Palette("reddit-2017", SEED.rgb.replace(b"\xe5\x00\x09", b"\xe5\x00\x00"), SEED.names)
# The 32 colours that Reddit ended with in 2022, in its order, but white is first: it was the blank colour.
REDDIT_2022 = _built_in(
    "reddit-2022",
    """
    ffffff white
    6d001a burgundy
    be0039 dark red
    ff4500 red
    ffa800 orange
    ffd635 yellow
    fff8b8 pale yellow
    00a368 dark green
    00cc78 green
    7eed56 light green
    00756f dark teal
    009eaa teal
    00ccc0 light teal
    2450a4 dark blue
    3690ea blue
    51e9f4 light blue
    493ac1 indigo
    6a5cff periwinkle
    94b3ff lavender
    811e9f dark purple
    b44ac0 purple
    e4abff pale purple
    de107f magenta
    ff3881 pink
    ff99aa light pink
    6d482f dark brown
    9c6926 brown
    ffb470 beige
    000000 black
    515252 dark grey
    898d90 grey
    d4d7d9 light grey
    """,
)
BUILT_IN = {palette.name: palette for palette in (SEED, REDDIT_2017, REDDIT_2022)}

# An unnamed colour gets the name of the nearest of these. Chosen by eye.
_BASIC = {
    "black": 0x000000,
    "dark grey": 0x444444,
    "grey": 0x888888,
    "light grey": 0xCCCCCC,
    "white": 0xFFFFFF,
    "dark red": 0x780000,
    "red": 0xE00000,
    "light red": 0xFF9090,
    "orange": 0xFF8800,
    "brown": 0x704018,
    "beige": 0xF0D0A0,
    "olive": 0x707000,
    "yellow": 0xF0E000,
    "pale yellow": 0xFFF8A0,
    "dark green": 0x004800,
    "green": 0x00A000,
    "light green": 0x80E860,
    "teal": 0x006868,
    "cyan": 0x00D8E0,
    "dark blue": 0x000070,
    "blue": 0x1840E0,
    "light blue": 0x80B8FF,
    "dark purple": 0x500070,
    "purple": 0x9030C0,
    "lavender": 0xC8A0F0,
    "magenta": 0xE000C0,
    "pink": 0xFF90D0,
}


def name_colors(colors: Iterable[tuple[bytes, str]]) -> tuple[str, ...]:
    """A name for each colour; a colour is given as its 3 bytes and its name, or "" if it has none.

    A colour without a name gets the name of the nearest basic colour. If several have the same name, the second and
    later ones get numbers: red, red 2, red 3.
    """
    wanted = [name or _basic_name(color) for color, name in colors]
    taken = set(wanted)
    numbers: dict[str, int] = {}
    names = []
    for name in wanted:
        number = numbers.get(name, 0) + 1
        while number > 1 and f"{name} {number}" in taken:
            number += 1
        numbers[name] = number
        names.append(name if number == 1 else f"{name} {number}")
    return tuple(names)


def _basic_name(color: bytes) -> str:
    """The nearest basic colour's name, by the 'redmean' distance (compuphase.com/cmetric.htm)."""
    return min(_BASIC, key=lambda name: _distance(_BASIC[name].to_bytes(3), color))


def _distance(one: bytes, other: bytes) -> float:
    red, green, blue = (a - b for a, b in zip(one, other, strict=True))
    mean_red = (one[0] + other[0]) / 512
    return (2 + mean_red) * red**2 + 4 * green**2 + (3 - mean_red) * blue**2
