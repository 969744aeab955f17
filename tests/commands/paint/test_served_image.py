"""Served images as they may arrive: unchanged, recompressed without loss, and spoilt."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from placed.commands.paint.served_image import OtherCanvas, served_indexes

if TYPE_CHECKING:
    from numpy.typing import NDArray

RNG = np.random.default_rng(7)
PALETTE = RNG.permutation(256 * 3).reshape(256, 3).astype(np.uint8)
PALETTE = np.unique(PALETTE, axis=0)[:40]
GREYS = np.repeat(np.arange(0, 256, 17, dtype=np.uint8), 3).reshape(-1, 3)
SIZE = (21, 13)


def canvas(colors: int) -> NDArray[np.uint8]:
    return RNG.integers(0, colors, SIZE[::-1]).astype(np.uint8)


def saved(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, **{"format": "PNG", **options})
    return file.getvalue()


def rgb(indexes: NDArray[np.uint8], palette: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(palette[indexes])


@given(st.permutations(range(len(PALETTE))))
def test_palette_in_another_order_gives_the_canvas_s_indexes(order: list[int]) -> None:
    indexes = canvas(len(PALETTE))
    image = Image.fromarray(np.argsort(order).astype(np.uint8)[indexes])
    image.putpalette(PALETTE[order].tobytes())
    assert np.array_equal(served_indexes(saved(image), SIZE, PALETTE), indexes)


def test_colours_of_the_file_that_no_pixel_has_do_not_matter() -> None:
    indexes = canvas(4)
    image = Image.fromarray(indexes)
    image.putpalette(PALETTE[:4].tobytes() + bytes(range(30)))
    assert np.array_equal(served_indexes(saved(image), SIZE, PALETTE[:4]), indexes)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("P", {}),
        ("RGB", {"format": "WEBP", "lossless": True}),
        ("P", {"format": "GIF"}),
        ("RGB", {"format": "BMP"}),
        ("RGB", {"format": "TIFF"}),
    ],
)
def test_image_in_another_mode_or_format_gives_the_canvas_s_indexes(mode: str, options: dict[str, Any]) -> None:
    indexes = canvas(len(PALETTE))
    image = rgb(indexes, PALETTE)
    changed = image.quantize(256) if mode == "P" else image.convert(mode)
    assert np.array_equal(served_indexes(saved(changed, **options), SIZE, PALETTE), indexes)


def test_grey_image_gives_the_indexes_of_a_grey_palette() -> None:
    indexes = canvas(len(GREYS))
    assert np.array_equal(served_indexes(saved(rgb(indexes, GREYS).convert("L")), SIZE, GREYS), indexes)


def test_colour_that_the_canvas_has_not_is_named() -> None:
    image = rgb(canvas(len(PALETTE)), PALETTE)
    image.putpixel((3, 4), (1, 2, 255))
    with pytest.raises(OtherCanvas, match="has the colour #0102ff"):
        served_indexes(saved(image), SIZE, PALETTE)
    with pytest.raises(OtherCanvas, match="something between the server and here changes images"):
        served_indexes(saved(image, format="WEBP", quality=20), SIZE, PALETTE)


def test_opaque_alpha_does_not_matter() -> None:
    indexes = canvas(len(PALETTE))
    changed = saved(rgb(indexes, PALETTE).convert("RGBA"))
    assert np.array_equal(served_indexes(changed, SIZE, PALETTE), indexes)


def test_transparency_is_named() -> None:
    image = rgb(canvas(len(PALETTE)), PALETTE).convert("RGBA")
    image.putpixel((3, 4), (*PALETTE[0].tolist(), 0))
    with pytest.raises(OtherCanvas, match="partly transparent"):
        served_indexes(saved(image), SIZE, PALETTE)
