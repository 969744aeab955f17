"""The picture of a canvas that chats show."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from placed.canvas.palette import SEED
from placed.canvas.preview import HEIGHT_PX, WIDTH_PX, preview

GROUND = (0x15, 0x17, 0x1B)


def shown(canvas: np.ndarray, rgb: bytes = SEED.rgb) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(preview(canvas.astype(np.uint8), rgb))).convert("RGB"))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4096), (4096, 1), (30, 40), (630, 1200), (631, 1201), (1000, 1000)])
@pytest.mark.parametrize("colors", [1, 2, 16, 255, 256])
def test_any_canvas_is_whole_and_of_one_size(shape: tuple[int, int], colors: int) -> None:
    rgb = np.random.default_rng(colors).integers(0, 256, colors * 3).astype(np.uint8).tobytes()
    picture = shown(np.full(shape, colors - 1), rgb)
    assert picture.shape == (HEIGHT_PX, WIDTH_PX, 3)
    middle = picture[(HEIGHT_PX - 1) // 2, (WIDTH_PX - 1) // 2]
    if colors < 256:  # an indexed picture has a colour for the ground, too
        assert tuple(middle) == tuple(rgb[-3:])


def test_a_small_canvas_has_square_pixels_of_exact_colours() -> None:
    canvas = np.arange(6).reshape(2, 3)
    picture = shown(canvas)
    left = (WIDTH_PX - 3 * 315) // 2
    for y in range(2):
        for x in range(3):
            square = picture[y * 315 : (y + 1) * 315, left + x * 315 : left + (x + 1) * 315]
            assert (square == np.frombuffer(SEED.rgb, np.uint8).reshape(-1, 3)[canvas[y, x]]).all()
    assert (picture[:, :left] == GROUND).all()


def test_a_large_canvas_loses_no_thin_line() -> None:
    canvas = np.zeros((1000, 1000))
    canvas[::50] = 3
    picture = shown(canvas)[:, WIDTH_PX // 2]
    assert ((picture != picture[5]).any(axis=1)).sum() >= 20


def test_a_large_canvas_keeps_the_exact_colour_of_what_is_of_one_colour() -> None:
    canvas = np.arange(16).repeat(128)[None].repeat(2000, axis=0)
    picture = shown(canvas)
    palette = {tuple(color) for color in np.frombuffer(SEED.rgb, np.uint8).reshape(-1, 3).tolist()}
    seen = {tuple(color) for color in picture[HEIGHT_PX // 2].tolist()}
    assert palette <= seen
