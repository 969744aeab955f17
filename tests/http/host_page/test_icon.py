"""Which pictures a canvas's icon may be."""

from __future__ import annotations

import numpy as np
import pytest

from placed.canvas import png
from placed.canvas.palette import SEED
from placed.http.host_page.icon import MOST_BYTES, BadIcon, Icon

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>'


def picture(width: int, height: int) -> bytes:
    return png.encode(np.zeros((height, width), np.uint8), SEED.rgb)


def test_a_square_png_and_an_svg_are_icons() -> None:
    assert (Icon.of(picture(180, 180)).kind, Icon.of(picture(180, 180)).side_px) == ("image/png", 180)
    assert (Icon.of(SVG).kind, Icon.of(SVG).side_px) == ("image/svg+xml", None)
    assert Icon.of(b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->' + SVG).body.endswith(SVG)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "neither"),
        (b"GIF89a", "neither"),
        (b"\xff\xd8\xff\xe0", "neither"),
        (picture(180, 90), "180 x 90"),
        (picture(8, 8), "8 x 8"),
        (picture(1025, 1025), "1025 x 1025"),
        (picture(32, 32)[:-8], "ends too early"),
        (picture(32, 32)[:20], "ends too early"),
        (picture(32, 32).replace(b"IDAT", b"IDAX"), "damaged"),
        (picture(32, 32)[:8] + png.chunk(b"IEND", b"12345678"), "without a picture"),
        (b"<svg></svg>", "no SVG"),
        (b"<html/>", "no SVG"),
        (SVG[:-1], "well-formed"),
        (b'<!DOCTYPE svg [<!ENTITY a "aa">]>' + SVG, "DOCTYPE"),
        (SVG + b" " * MOST_BYTES, "256 KB"),
    ],
)
def test_whatever_else_is_refused_and_says_why(body: bytes, why: str) -> None:
    with pytest.raises(BadIcon, match=why):
        Icon.of(body)
