"""Quantising, compared with brute force, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from placed.canvas.quantise import Dither, quantise, to_oklab

if TYPE_CHECKING:
    from numpy.typing import NDArray

palettes = arrays(np.uint8, st.tuples(st.integers(1, 20), st.just(3)))
pictures = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def linear(level: int) -> float:
    """IEC 61966-2-1, written independently of the module under test."""
    s = level / 255
    return s / 12.92 if s <= 0.04045 else float(((s + 0.055) / 1.055) ** 2.4)


def lab_of(light: list[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    lab: NDArray[np.float64] = to_oklab(np.array([light], np.float64))[0]
    return lab


def brute_force(light: list[float] | NDArray[np.float64], palette: NDArray[np.uint8]) -> int:
    wanted = lab_of(light)
    distances = [((wanted - lab_of([linear(int(c)) for c in color])) ** 2).sum() for color in palette]
    return distances.index(min(distances))


def all_visible(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.ones(rgb.shape[:2], bool)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        # As in Ottosson's implementation, and in the CSS Color 4 examples.
        ((255, 255, 255), (1.0, 0.0, 0.0)),
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 255, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
    ],
)
def test_oklab_of_known_colors(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    assert lab_of([linear(level) for level in rgb]) == pytest.approx(lab, abs=2e-4)


@given(pictures, palettes)
def test_without_dithering_each_pixel_gets_the_nearest_color(
    rgb: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> None:
    result = quantise(rgb, all_visible(rgb), palette, "none")
    expected = [[brute_force([linear(int(c)) for c in pixel], palette) for pixel in row] for row in rgb]
    assert result.tolist() == expected


@pytest.mark.parametrize("dither", get_args(Dither))
@given(palettes, st.data())
def test_a_picture_of_palette_colors_maps_to_itself(
    dither: Dither, palette: NDArray[np.uint8], data: st.DataObject
) -> None:
    indexes = data.draw(
        arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, len(palette) - 1))
    )
    rgb = palette[indexes]
    assert np.array_equal(palette[quantise(rgb, all_visible(rgb), palette, dither)], rgb)


def sequential_floyd_steinberg(
    rgb: NDArray[np.uint8], visible: NDArray[np.bool_], palette: NDArray[np.uint8]
) -> list[list[int]]:
    """The algorithm as it is usually written: pixel by pixel."""
    height, width = visible.shape
    light = np.array([[[linear(int(c)) for c in pixel] for pixel in row] for row in rgb])
    result = [[0] * width for _ in range(height)]
    for y in range(height):
        for x in range(width):
            color = np.clip(light[y, x], 0, 1)
            index = result[y][x] = brute_force(color, palette)
            error = (color - [linear(int(c)) for c in palette[index]]) * visible[y, x] / 16
            for dx, dy, share in ((1, 0, 7), (-1, 1, 3), (0, 1, 5), (1, 1, 1)):
                if 0 <= x + dx < width and y + dy < height:
                    light[y + dy, x + dx] += share * error
    return result


@settings(max_examples=40)
@given(pictures, palettes, st.data())
def test_floyd_steinberg_by_wavefronts_equals_pixel_by_pixel(
    rgb: NDArray[np.uint8], palette: NDArray[np.uint8], data: st.DataObject
) -> None:
    visible = data.draw(arrays(np.bool_, st.just(rgb.shape[:2])))
    result = quantise(rgb, visible, palette, "floyd-steinberg")
    assert result.tolist() == sequential_floyd_steinberg(rgb, visible, palette)


@pytest.mark.parametrize("dither", ["floyd-steinberg", "ordered"])
def test_dithering_mixes_a_grey_that_the_palette_lacks(dither: Dither) -> None:
    palette = np.array([[255, 255, 255], [0, 0, 0]], np.uint8)
    rgb = np.full((32, 32, 3), 150, np.uint8)
    black = (quantise(rgb, all_visible(rgb), palette, dither) == 1).mean()
    assert 0.1 < black < 0.9


def test_what_is_not_visible_takes_no_part_in_dithering() -> None:
    palette = np.array([[255, 255, 255], [0, 0, 0]], np.uint8)
    rgb = np.full((8, 8, 3), 255, np.uint8)
    rgb[:, :4] = 130
    visible = np.ones((8, 8), bool)
    visible[:, :4] = False
    assert not quantise(rgb, visible, palette, "floyd-steinberg")[:, 4:].any()


def test_equal_colors_take_the_lowest_index() -> None:
    palette = np.array([[1, 2, 3], [9, 9, 9], [9, 9, 9]], np.uint8)
    assert quantise(np.full((1, 1, 3), 9, np.uint8), np.ones((1, 1), bool), palette, "none").tolist() == [[1]]
