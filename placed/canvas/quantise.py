"""Turns RGB pixels into palette indexes: the nearest colour as the eye sees it, with or without dithering.

Distances are Euclidean in OKLab, where equal steps look about equally large. With equal distances the lowest index
wins. A pixel whose colour is in the palette keeps it with any dithering, unless Floyd-Steinberg passes it an error of
its neighbours; so a picture made only of palette colours maps to itself. Pure: imports numpy only.

Colours are sRGB, uint8, shape (..., 3); "linear" is linear-light sRGB, float64, 0 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Dither = Literal["none", "floyd-steinberg", "ordered"]

_LINEAR_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _srgb_levels() -> Floats:
    """The linear light of each of the 256 sRGB levels (IEC 61966-2-1)."""
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _bayer(order: int) -> Floats:
    """Bayer's threshold matrix of 2**order rows, each threshold within -0.5 and 0.5, mean 0.

    Source: B. E. Bayer, "An optimum method for two-level rendition of continuous-tone pictures", ICC 1973.
    """
    matrix = np.zeros((1, 1))
    for _ in range(order):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return (matrix + 0.5) / matrix.size - 0.5


_LINEAR = _srgb_levels()
_THRESHOLDS = _bayer(3)


def to_oklab(linear: Floats) -> Floats:
    """OKLab coordinates (L, a, b) of linear-light sRGB, shape (..., 3).

    Source: Björn Ottosson, "A perceptual color space for image processing", 2020,
    https://bottosson.github.io/posts/oklab/.
    """
    # einsum, not a matrix product: BLAS rounds by the array's length, and a colour must map the same way
    # always.
    lms = np.cbrt(np.einsum("...j,ij->...i", linear, _LINEAR_TO_LMS))
    lab: Floats = np.einsum("...j,ij->...i", lms, _LMS_TO_LAB)
    return lab


def nearest(lab: Floats, palette_lab: Floats) -> NDArray[np.uint8]:
    """The index of the nearest of the palette's colours, shape (n,), for n OKLab colours of shape (n, 3)."""
    best = np.zeros(len(lab), np.uint8)
    best_distance = np.full(len(lab), np.inf)
    for index, color in enumerate(palette_lab):
        distance = ((lab - color) ** 2).sum(axis=-1)
        closer = distance < best_distance
        best[closer] = index
        best_distance[closer] = distance[closer]
    return best


def quantise(
    rgb: NDArray[np.uint8], visible: NDArray[np.bool_], palette: NDArray[np.uint8], dither: Dither
) -> NDArray[np.uint8]:
    """The palette index of every pixel of a picture.

    Args:
        rgb: shape (height, width, 3).
        visible: shape (height, width); an invisible pixel gets some index, and takes no part in dithering.
        palette: shape (colors, 3), 1 to 256 colours.
        dither: "none", each pixel by itself; "floyd-steinberg", the error goes on to the neighbours;
            "ordered", a regular 8 x 8 pattern, which compresses better and doesn't flicker when the picture
            changes a little.

    Returns:
        uint8, shape (height, width).
    """
    by_dither: dict[str, Callable[[], NDArray[np.uint8]]] = {
        "none": lambda: _each_by_itself(rgb, palette),
        "floyd-steinberg": lambda: _floyd_steinberg(rgb, visible, palette),
        "ordered": lambda: _ordered(rgb, palette),
    }
    return by_dither[dither]()


def _each_by_itself(rgb: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    # A picture has far fewer colours than pixels, and each colour needs its nearest one only once.
    colors, where = np.unique(packed, return_inverse=True)
    distinct = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=-1)
    return nearest(to_oklab(_LINEAR[distinct]), to_oklab(_LINEAR[palette]))[where].reshape(packed.shape)


def _ordered(rgb: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    tiles = np.tile(_THRESHOLDS, (-(-height // 8), -(-width // 8)))[:height, :width]
    shifted = rgb + tiles[..., None] * _spread(palette)
    plain = _each_by_itself(rgb, palette)
    exact = (palette[plain] == rgb).all(axis=-1)
    dithered = _each_by_itself(np.clip(np.rint(shifted), 0, 255).astype(np.uint8), palette)
    return np.where(exact, plain, dithered)


def _spread(palette: NDArray[np.uint8]) -> float:
    """How far the thresholds reach, in sRGB levels: a palette colour's mean distance to its nearest other."""
    colors = np.unique(palette, axis=0).astype(np.float64)
    if len(colors) < 2:
        return 0.0
    apart = np.sqrt(((colors[:, None] - colors[None]) ** 2).sum(axis=-1))
    np.fill_diagonal(apart, np.inf)
    # A diagonal of the RGB cube's unit is sqrt(3) long, and all three channels are shifted by the same
    # amount.
    return float(apart.min(axis=1).mean() / np.sqrt(3))


def _floyd_steinberg(
    rgb: NDArray[np.uint8], visible: NDArray[np.bool_], palette: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Floyd and Steinberg's error diffusion, left to right, in linear light.

    Source: R. W. Floyd, L. Steinberg, "An adaptive algorithm for spatial grey scale", Proc. SID 17/2, 1976.

                  pixel   7/16
          3/16    5/16    1/16

    A pixel waits for its left neighbour and the three above it, so all pixels with the same x + 2y are
    independent of one another and are done at once: the same sums in the same order as pixel by pixel, 100
    times faster.
    """
    height, width = rgb.shape[:2]
    palette_linear, palette_lab = _LINEAR[palette], to_oklab(_LINEAR[palette])
    wanted = np.zeros((height + 1, width + 2, 3))  # a column at each side and a row below take errors past the edges
    wanted[:height, 1:-1] = _LINEAR[rgb]
    result = np.zeros((height, width), np.uint8)
    for front in range(width + 2 * (height - 1)):
        y = np.arange(max(0, -(-(front - width + 1) // 2)), min(height - 1, front // 2) + 1)
        x = front - 2 * y
        # Without the limit, colours that the palette can't reach pile up error and smear it over the picture.
        color = np.clip(wanted[y, x + 1], 0, 1)
        index = nearest(to_oklab(color), palette_lab)
        result[y, x] = index
        error = (color - palette_linear[index]) * visible[y, x, None] / 16
        wanted[y + 1, x] += 3 * error
        wanted[y + 1, x + 1] += 5 * error
        wanted[y + 1, x + 2] += error
        wanted[y, x + 2] += 7 * error
    return result
