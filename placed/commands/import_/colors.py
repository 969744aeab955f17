"""Turns the colours of an imported file into indexes of one palette. Pure.

    2017         an index of reddit-2017, or of --palette
    2022, 2023   red, green and blue; the palette is --palette, or a built-in one with all these colours, or the colours
    placed       index and colour: an export shows the used part of its palette

The palette is known only when all files have been read. Until then a colour is a code, 0 to 255.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Final

import numpy as np

from placed.canvas.limits import MAX_COLORS
from placed.canvas.palette import BUILT_IN, REDDIT_2017, REDDIT_2022, Palette, name_colors
from placed.commands.import_.values import BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Codes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

_WHITE: Final = 0xFFFFFF
_NONE: Final = 0xFFFF  # in a table of 16-bit numbers: no code yet
_ALL_COLORS: Final = 1 << 24


class Colors(abc.ABC):
    """Turns the colours of one import into codes, and makes the palette."""

    @abc.abstractmethod
    def codes(self, colors: NDArray[np.int64]) -> tuple[Codes, Mask]:
        """A code for each colour, shape (n,), and whether the colour is allowed; `code` says why one isn't."""

    @abc.abstractmethod
    def palette(self) -> Palette:
        """The palette, once all files have been read."""

    @abc.abstractmethod
    def indexes(self) -> NDArray[np.uint8]:
        """The palette's index of each code, shape (256,)."""

    @abc.abstractmethod
    def why(self, color: int) -> str:
        """Why a colour isn't allowed."""

    def code(self, color: int) -> int:
        """The code of one colour.

        Raises:
            BadValue: the colour isn't allowed.
        """
        codes, good = self.codes(np.array([color], np.int64))
        if not good[0]:
            raise BadValue(self.why(color))
        return int(codes[0])


class IndexColors(Colors):
    """Colours that the file gives as indexes of a palette."""

    def __init__(self, palette: Palette | None) -> None:
        self._palette = palette or REDDIT_2017

    def codes(self, colors: NDArray[np.int64]) -> tuple[Codes, Mask]:
        """See `Colors`."""
        return colors.astype(np.uint8), (colors >= 0) & (colors < len(self._palette))

    def palette(self) -> Palette:
        """See `Colors`."""
        return self._palette

    def indexes(self) -> NDArray[np.uint8]:
        """See `Colors`."""
        return np.arange(MAX_COLORS, dtype=np.uint8)

    def why(self, color: int) -> str:
        """See `Colors`."""
        return f"color {color}; allowed are 0 to {len(self._palette) - 1}, the palette {self._palette.name}"


class RgbColors(Colors):
    """Colours that the file gives as red, green and blue."""

    def __init__(self, palette: Palette | None) -> None:
        self._given = palette
        self._found: list[int] = []
        # One entry for each possible colour: 32 MB, and one look-up for each line.
        self._table = np.full(_ALL_COLORS, _NONE, np.uint16)
        for color in _numbers(palette.rgb) if palette else []:
            self._add(color)

    def _add(self, color: int) -> None:
        self._table[color] = len(self._found)
        self._found.append(color)

    def codes(self, colors: NDArray[np.int64]) -> tuple[Codes, Mask]:
        """See `Colors`."""
        codes = self._table[colors]
        if self._given is None and (codes == _NONE).any():
            for color in np.unique(colors[codes == _NONE]).tolist()[: MAX_COLORS - len(self._found)]:
                self._add(color)
            codes = self._table[colors]
        return codes.astype(np.uint8), codes != _NONE

    def palette(self) -> Palette:
        """See `Colors`."""
        if self._given is not None:
            return self._given
        for palette in (REDDIT_2022, *BUILT_IN.values()):
            if set(self._found) <= set(_numbers(palette.rgb)):
                return palette
        others = sorted(set(self._found) - {_WHITE})
        # A canvas begins in its blank colour, which was white at Reddit.
        return _made([_WHITE, *others] if len(others) < MAX_COLORS else others)

    def indexes(self) -> NDArray[np.uint8]:
        """See `Colors`."""
        index = {color: number for number, color in enumerate(_numbers(self.palette().rgb))}
        table = np.zeros(MAX_COLORS, np.uint8)
        table[: len(self._found)] = [index[color] for color in self._found]
        return table

    def why(self, color: int) -> str:
        """See `Colors`."""
        if self._given is not None:
            return f"colour '#{color:06x}'; allowed are those of the palette {self._given.name}"
        return f"colour '#{color:06x}' is one too many; allowed are {MAX_COLORS} different ones"


class OwnColors(Colors):
    """Colours of an export of ours: index | red, green, blue << 8.

    Args:
        palette: the palette of the old or new canvas; None makes one from the colours in the files.
    """

    def __init__(self, palette: Palette | None) -> None:
        self._given = palette
        self._rgb = np.full(MAX_COLORS, -1, np.int64)
        if palette is not None:
            self._rgb[: len(palette)] = _numbers(palette.rgb)

    def codes(self, colors: NDArray[np.int64]) -> tuple[Codes, Mask]:
        """See `Colors`."""
        index, rgb = colors & 0xFF, colors >> 8
        if self._given is None:
            fresh = self._rgb[index] == -1
            if fresh.any():
                places, first = np.unique(index[fresh], return_index=True)
                self._rgb[places] = rgb[fresh][first]
        return index.astype(np.uint8), self._rgb[index] == rgb

    def palette(self) -> Palette:
        """See `Colors`."""
        if self._given is not None:
            return self._given
        for palette in BUILT_IN.values():
            numbers = np.full(MAX_COLORS, -2, np.int64)
            numbers[: len(palette)] = _numbers(palette.rgb)
            if ((self._rgb == -1) | (self._rgb == numbers)).all():
                return palette
        return _made(self._without_gaps())

    def _without_gaps(self) -> list[int]:
        """The colours found. Unused indexes get other colours, because a palette has no gaps."""
        used = set(self._rgb.tolist())
        spare = iter(color for color in range(2 * MAX_COLORS) if color not in used)
        count = max(2, int(np.flatnonzero(self._rgb != -1).max(initial=0)) + 1)
        colors: list[int] = self._rgb[:count].tolist()
        return [next(spare) if color == -1 else color for color in colors]

    def indexes(self) -> NDArray[np.uint8]:
        """See `Colors`."""
        return np.arange(MAX_COLORS, dtype=np.uint8)

    def why(self, color: int) -> str:
        """See `Colors`."""
        index, rgb = color & 0xFF, color >> 8
        known = int(self._rgb[index])
        allowed = f"there it is '#{known:06x}'" if known >= 0 else f"the palette has no colour {index}"
        return f"color {index} with the rgb '#{rgb:06x}'; {allowed}"


def _numbers(rgb: bytes) -> list[int]:
    return [int.from_bytes(rgb[at : at + 3], "big") for at in range(0, len(rgb), 3)]


def _made(colors: Iterable[int]) -> Palette:
    parts = [color.to_bytes(3, "big") for color in colors]
    if len(parts) == 1:  # with one colour there is nothing to paint
        parts.append(b"\0\0\0")
    return Palette("canvas", b"".join(parts), name_colors([(part, "") for part in parts]))
