"""Palettes: the built-in ones, the refused ones, and the names of colours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.palette import (
    BUILT_IN,
    REDDIT_2017,
    REDDIT_2022,
    SEED,
    Palette,
    PaletteError,
    name_colors,
)


@pytest.mark.parametrize(("palette", "count"), [(SEED, 16), (REDDIT_2017, 16), (REDDIT_2022, 32)])
def test_built_in_palette_begins_with_white_the_blank_colour(palette: Palette, count: int) -> None:
    assert len(palette) == len(palette.hex_colors()) == count
    assert palette.hex_colors()[0] == "#ffffff"
    assert palette.names[0] == "white"
    assert BUILT_IN[palette.name] is palette


def test_seed_and_reddit_2017_differ_only_in_red() -> None:
    pairs = zip(SEED.hex_colors(), REDDIT_2017.hex_colors(), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1]] == [("#e50009", "#e50000")]


def test_palettes_with_the_same_colours_are_equal_whatever_they_are_called() -> None:
    other = Palette("other", SEED.rgb, tuple(f"colour {index}" for index in range(16)))
    assert other == SEED
    assert hash(other) == hash(SEED)
    assert other != REDDIT_2017


def test_array_has_a_row_for_each_colour_and_cannot_be_written() -> None:
    array = SEED.to_array()
    assert array.shape == (16, 3)
    assert array.tolist()[5] == [0xE5, 0, 9]
    assert not array.flags.writeable


@pytest.mark.parametrize(
    ("rgb", "names"),
    [
        (b"", ()),
        (b"abc", ("one",)),
        (b"abcd", ("one", "two")),
        (b"abcabc", ("one", "two")),
        (b"abcdef", ("one",)),
        (b"abcdef", ("one", "one")),
        (b"abcdef", ("one", "two", "three")),
        (bytes(range(256)) * 4, tuple(map(str, range(341)))),
    ],
)
def test_palette_is_refused_that_has_not_2_to_256_different_colours_with_a_name_each(
    rgb: bytes, names: tuple[str, ...]
) -> None:
    with pytest.raises(PaletteError, match=r"palette 'bad'.*allowed"):
        Palette("bad", rgb, names)


def test_unnamed_colour_is_called_after_the_nearest_basic_one() -> None:
    assert name_colors([(b"\xf5\0\0", ""), (b"\xfa\xfa\xff", ""), (b"\0\0\xd0", "")]) == ("red", "white", "blue")


def test_names_that_repeat_are_numbered_past_those_that_are_taken() -> None:
    red = b"\xe0\0\0"
    assert name_colors([(red, ""), (red, "red"), (red, "red 2"), (red, "")]) == ("red", "red 3", "red 2", "red 4")


@given(
    st.dictionaries(st.binary(min_size=3, max_size=3), st.sampled_from(["", "red", "red 2", "red 2 2"]), max_size=40)
)
def test_every_colour_gets_a_name_of_its_own(wanted: dict[bytes, str]) -> None:
    names = name_colors(wanted.items())
    assert len(set(names)) == len(wanted)
    assert all(names)
