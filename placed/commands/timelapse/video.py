"""Writes films as MP4 (H.264) and WebM (VP9), with PyAV, which the extra `placed[video]` brings.

Tables turn palette indexes into Y, U and V (BT.709, 16 to 235). U and V are the mean of 2 x 2 pixels (yuv420p), which
all players can show. Only blocks with a changed pixel are looked up.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.commands.timelapse.look import Look

# Measured at 1000 x 1000 on one core of a busy machine: H.264 at this preset 14 frames/s. VP9's good quality has 1.3
# frames/s, its realtime one 12.
H264: Final = {"preset": "veryfast", "crf": "18", "tune": "animation"}
_VP9: Final = {"deadline": "realtime", "cpu-used": "8", "crf": "24", "b": "0", "row-mt": "1"}
_PAIR: Final = np.dtype("<u2")
_HALVES: Final = np.uint32(2 << 16 | 2)  # of a divisor of 4, in each half
_KEYFRAME_SECONDS: Final = 2  # after a jump, a player decodes at most this much
# ITU-R BT.709-6, item 3: R, G and B to Y, Cb and Cr.
_BT709: Final = np.array(
    [[0.2126, 0.7152, 0.0722], [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.5], [0.5, -0.7152 / 1.5748, -0.0722 / 1.5748]]
)


def write_video(path: Path, frames: Iterator[NDArray[np.uint8]], look: Look, *, is_webm: bool) -> None:
    """Write a film.

    Args:
        path: the file.
        frames: palette indexes, at the canvas's size.
        look: the film's look; one more row or column makes an odd side even.
        is_webm: whether to write WebM with VP9; otherwise it is MP4 with H.264.

    Raises:
        OSError: there is no room, or the encoder refuses it.
    """
    options = {} if is_webm else {"movflags": "+faststart"}  # a browser can begin before it has the whole file
    with av.open(str(path), "w", format="webm" if is_webm else "mp4", options=options) as container:
        stream = container.add_stream("libvpx-vp9" if is_webm else "libx264", look.fps, _VP9 if is_webm else H264)
        describe(stream, look)
        planes = Planes(look)
        for number, pixels in enumerate(frames):
            planes.show(pixels)
            frame = av.VideoFrame.from_ndarray(planes.data, "yuv420p")
            frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
            frame.pts, frame.time_base = number, Fraction(1, look.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def describe(stream: Any, look: Look) -> None:
    """Tell an encoder the size, colours and speed of the frames."""
    stream.width, stream.height = look.width + look.width % 2, look.height + look.height % 2
    stream.pix_fmt = "yuv420p"
    stream.gop_size = look.fps * _KEYFRAME_SECONDS
    context = stream.codec_context
    context.time_base = Fraction(1, look.fps)
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries = context.color_trc = 1  # BT.709, too


class Planes:
    """A frame as yuv420p. Only changed pixels are converted: some thousands in a million, from frame to frame.

    It takes the palette indexes in pairs, two pixels of a row as one number. For each pair, one table has both Y, and
    another one the sums of both U and of both V. So a block of 2 x 2 pixels costs two look-ups in each table.

    Args:
        look: the film's look.

    Attributes:
        data: Y, then U, then V: uint8, shape (height * 3 / 2, width).
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        width, height = look.width + look.width % 2, look.height + look.height % 2
        self.data = np.empty((height * 3 // 2, width), np.uint8)
        self._y = self.data[:height].view(_PAIR).reshape(height // 2, 2, width // 2)
        self._u, self._v = self.data[height:].reshape(2, height // 2, width // 2)
        self._y_of, self._uv_of = _tables(look.palette)
        self._before: NDArray[np.uint16] | None = None

    def show(self, pixels: NDArray[np.uint8]) -> None:
        """Show these palette indexes, at the canvas's size."""
        pairs = self._even(self._look.enlarged(pixels)).view(_PAIR).reshape(self._y.shape)
        if self._before is None:
            self._show_all(pairs)
        else:
            differs = pairs != self._before
            changed = np.flatnonzero(differs[:, 0] | differs[:, 1])
            # With more changes than that, converting all at once costs no more.
            if len(changed) > self._u.size // 4:
                self._show_all(pairs)
            else:
                self._show_some(pairs, changed)
        self._before = pairs.copy()

    def _even(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = pixels.shape
        if not height % 2 and not width % 2:
            return pixels
        return np.pad(pixels, ((0, height % 2), (0, width % 2)), mode="edge")

    def _show_all(self, pairs: NDArray[np.uint16]) -> None:
        self._y[:] = self._y_of[pairs]
        self._u[:], self._v[:] = self._colors(pairs[:, 0], pairs[:, 1])

    def _show_some(self, pairs: NDArray[np.uint16], blocks: NDArray[np.intp]) -> None:
        """Convert some blocks of 2 x 2 pixels, counted row by row."""
        width = pairs.shape[2]
        above = blocks + blocks // width * width  # each row of blocks is two rows of pairs
        below = above + width
        numbers, y = pairs.reshape(-1), self._y.reshape(-1)
        upper, lower = numbers[above], numbers[below]
        y[above], y[below] = self._y_of[upper], self._y_of[lower]
        self._u.reshape(-1)[blocks], self._v.reshape(-1)[blocks] = self._colors(upper, lower)

    def _colors(
        self, upper: NDArray[np.uint16], lower: NDArray[np.uint16]
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """U and V of blocks, from their upper and lower pairs: the means of 4 pixels, rounded."""
        sums = self._uv_of[upper] + self._uv_of[lower] + _HALVES
        return sums >> np.uint32(2) & np.uint32(255), sums >> np.uint32(18)


def _tables(palette: NDArray[np.uint8]) -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
    """Tables by pairs of palette indexes: both Y; and the sum of both U, with the sum of both V in the high half."""
    y, u, v = _BT709 @ (palette.T.astype(np.float64) / 255)
    planes = ((16 + 219 * y), (128 + 224 * u), (128 + 224 * v))
    y_of, u_of, v_of = (np.pad(each.round().astype(np.uint32), (0, 256 - len(palette))) for each in planes)
    left, right = np.arange(1 << 16) & 255, np.arange(1 << 16) >> 8  # the left pixel has the lower byte
    both = (y_of[left] | y_of[right] << np.uint32(8)).astype(_PAIR)
    return both, u_of[left] + u_of[right] | (v_of[left] + v_of[right]) << np.uint32(16)
