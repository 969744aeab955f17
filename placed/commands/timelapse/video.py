"""Writes films as MP4 (H.264) and WebM (VP9), by PyAV, which the extra `placed[video]` brings.

Tables turn palette indexes into Y, U and V (BT.709, 16 to 235), so a pixel costs one look-up and no arithmetic. U and V
are the mean of 2 x 2 pixels (yuv420p), which all players can show.
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
_QUAD: Final = ((0, 0), (0, 1), (1, 0), (1, 1))
_KEYFRAME_SECONDS: Final = 2  # a jump in a player decodes at most so much
# ITU-R BT.709-6, item 3: R, G and B to Y, Cb and Cr.
_BT709: Final = np.array(
    [[0.2126, 0.7152, 0.0722], [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.5], [0.5, -0.7152 / 1.5748, -0.0722 / 1.5748]]
)


def write_video(path: Path, frames: Iterator[NDArray[np.uint8]], look: Look, *, is_webm: bool) -> None:
    """Write a film.

    Args:
        path: the file.
        frames: palette indexes, at the canvas's size.
        look: the film's; an odd side is made even by one more row or column.
        is_webm: WebM with VP9; otherwise MP4 with H.264.

    Raises:
        OSError: there is no room, or the encoder refuses it.
    """
    options = {} if is_webm else {"movflags": "+faststart"}  # a browser begins before it has all
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
    """Tell an encoder what it gets: size, colours and time."""
    stream.width, stream.height = look.width + look.width % 2, look.height + look.height % 2
    stream.pix_fmt = "yuv420p"
    stream.gop_size = look.fps * _KEYFRAME_SECONDS
    context = stream.codec_context
    context.time_base = Fraction(1, look.fps)
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries = context.color_trc = 1  # BT.709, too


class Planes:
    """A frame as yuv420p, brought up to date by what has changed: of a million pixels some thousands do, each time.

    Args:
        look: the film's.

    Attributes:
        data: Y, then U, then V: uint8, shape (height * 3 / 2, width).
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        width, height = look.width + look.width % 2, look.height + look.height % 2
        self.data = np.empty((height * 3 // 2, width), np.uint8)
        self._y = self.data[:height]
        self._u, self._v = self.data[height:].reshape(2, height // 2, width // 2)
        y, u, v = _BT709 @ (look.palette.T.astype(np.float64) / 255)
        self._y_of = (16 + 219 * y).round().astype(np.uint8)
        self._u_of, self._v_of = ((128 + 224 * each).round().astype(np.uint16) for each in (u, v))
        self._before: NDArray[np.uint8] | None = None

    def show(self, pixels: NDArray[np.uint8]) -> None:
        """Become the frame of these palette indexes, at the canvas's size."""
        pixels = self._even(self._look.enlarged(pixels))
        if self._before is None:
            self._show_all(pixels)
        else:
            changed = np.flatnonzero(pixels != self._before)
            # Beyond that, all of them at once are no dearer: 8 ms for a million.
            if len(changed) > pixels.size // 8:
                self._show_all(pixels)
            else:
                self._show_some(pixels, changed)
        self._before = pixels.copy()

    def _even(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = pixels.shape
        if not height % 2 and not width % 2:
            return pixels
        return np.pad(pixels, ((0, height % 2), (0, width % 2)), mode="edge")

    def _show_all(self, pixels: NDArray[np.uint8]) -> None:
        np.take(self._y_of, pixels, out=self._y)
        quads = [pixels[row::2, column::2] for row, column in _QUAD]
        for plane, table in ((self._u, self._u_of), (self._v, self._v_of)):
            plane[:] = _mean([table[part] for part in quads])

    def _show_some(self, pixels: NDArray[np.uint8], changed: NDArray[np.int64]) -> None:
        self._y.reshape(-1)[changed] = self._y_of[pixels.reshape(-1)[changed]]
        rows, columns = (part // 2 for part in np.divmod(changed, pixels.shape[1]))
        quads = [pixels[2 * rows + row, 2 * columns + column] for row, column in _QUAD]
        for plane, table in ((self._u, self._u_of), (self._v, self._v_of)):
            plane[rows, columns] = _mean([table[part] for part in quads])


def _mean(parts: list[NDArray[np.uint16]]) -> NDArray[np.uint16]:
    first, second, third, fourth = parts
    return (first + second + third + fourth + np.uint16(2)) >> np.uint16(2)
