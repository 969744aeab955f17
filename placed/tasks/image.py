"""Encodes the canvas as a PNG, only when somebody asks, at most once per `max_age_seconds`, one at a time.

A worker thread encodes a copy of the canvas (a copy of 1 MB takes 50 us, of 4096 x 4096 pixels 3 ms), so the loop never
waits for it. Requests that come meanwhile wait for that one image.

A slow reader holds an image in memory that is no longer the newest. The number of such images is limited. The more
there are, the longer an image counts as new, so that further readers share it. Beyond `MOST_OLD` or `MOST_OLD_BYTES`
the encoder takes the oldest one back, and its readers are cut.
"""

from __future__ import annotations

import math
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import attrs
import trio

from placed.canvas import png
from placed.canvas.preview import preview
from placed.tasks.shared_bytes import Retired, SharedBytes

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.projection import Projection

MAX_AGE_SECONDS = 1.0
PREVIEW_SECONDS = 10.0  # a preview takes a thread up to 0.8 s, and a chat asks for it once an hour at most
MOST_OLD = 32
MOST_OLD_BYTES = 64 << 20
# For each 4 old images, an image counts as new for another second. So 32 old images reach back 144 s, in which a phone
# that gets 20 kbit/s reads 360 KB.
_OLD_PER_STEP = 4


@attrs.frozen
class Image:
    """One encoded canvas.

    Attributes:
        version: the version of the canvas in it.
        file: the PNG file; the constructor takes its bytes.
        etag: its entity tag, with quotes.
        modified: its Last-Modified, an HTTP date.
    """

    version: int
    file: SharedBytes = attrs.field(repr=False, converter=SharedBytes)
    etag: str
    modified: str

    @property
    def png(self) -> bytes:
        """The file's bytes.

        Raises:
            TakenBack: the encoder took them back.
        """
        return self.file.whole()


class ImageEncoder:
    """Encodes one projection's canvas.

    Attributes:
        encodes: how many images were made.
        made_at: when the cached image's canvas was copied, in s since the epoch; NaN while there is no image.
    """

    def __init__(
        self,
        projection: Projection,
        log_id: str,
        *,
        max_age_seconds: float = MAX_AGE_SECONDS,
        wall_clock: Callable[[], float] = time.time,
        on_encode: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._projection = projection
        self._log_id = log_id
        self._max_age_seconds = max_age_seconds
        self._wall_clock = wall_clock
        self._on_encode = on_encode
        self._encoding = trio.Lock()
        self._thread = trio.CapacityLimiter(1)
        self._cached: Image | None = None
        self._old = Retired(MOST_OLD, MOST_OLD_BYTES)
        self._encoded_at = 0.0
        self.encodes = 0
        self.made_at = math.nan

    async def image(self, at_least: int = 0) -> Image:
        """An image of the canvas as it is now, or was a short time ago (`max_age_seconds`, more with many old images).

        Args:
            at_least: a version that the image must have reached; ignored if the canvas hasn't reached it. The call
                waits until the next image is due, so that such requests cause no additional images.
        """
        async with self._encoding:
            if self._cached is None or self._is_old(self._cached):
                self._cached = await self._encode()
            elif self._cached.version < at_least <= self._projection.version:
                await trio.sleep_until(self._encoded_at + self._age_seconds())
                self._cached = await self._encode()
            return self._cached

    @property
    def version(self) -> float:
        """The cached image's version; NaN while there is no image."""
        return math.nan if self._cached is None else self._cached.version

    def fresh(self, at_least: int = 0) -> Image | None:
        """The cached image, None if `image` would encode another one; `at_least` as in `image`."""
        if self._cached is None or self._is_old(self._cached):
            return None
        return None if self._cached.version < at_least <= self._projection.version else self._cached

    def _is_old(self, image: Image) -> bool:
        if image.version == self._projection.version:
            return False
        # The canvas has grown since. Edit codes depend on its size, so the stream's edits don't fit that image.
        if image.version < self._projection.kept.grown:
            return True
        return trio.current_time() >= self._encoded_at + self._age_seconds()

    def _age_seconds(self) -> float:
        """How long an image counts as new."""
        return self._max_age_seconds * (1 + self.old // _OLD_PER_STEP)

    @property
    def old(self) -> int:
        """How many images are still being read that are no longer the newest."""
        return len(self._old)

    async def _encode(self) -> Image:
        projection = self._projection
        version, canvas, rgb = projection.version, projection.canvas.copy(), projection.definition.rgb
        self._encoded_at = trio.current_time()
        made_at = self._wall_clock()
        data = await trio.to_thread.run_sync(self._to_file, version, canvas, rgb, limiter=self._thread)
        self.encodes += 1
        self.made_at = made_at
        self._on_encode(trio.current_time() - self._encoded_at)
        modified = formatdate(made_at, usegmt=True)
        if self._cached is not None:
            self._old.add(self._cached.file)
        return Image(version, data, f'"{self._log_id}-{version}"', modified)

    def _to_file(self, version: int, canvas: NDArray[np.uint8], rgb: bytes) -> bytes:
        text = {"placed:version": str(version), "placed:log": self._log_id}
        return png.encode(canvas, rgb, text=text)


class RawEncoder(ImageEncoder):
    """Encodes the canvas without PNG: a palette index for each pixel, one byte, row by row."""

    def _to_file(self, _version: int, canvas: NDArray[np.uint8], _rgb: bytes) -> bytes:
        return canvas.tobytes()


class PreviewEncoder(ImageEncoder):
    """Encodes the preview: the picture that chats show beside a link."""

    def __init__(self, projection: Projection, log_id: str, *, max_age_seconds: float = PREVIEW_SECONDS) -> None:
        super().__init__(projection, log_id, max_age_seconds=max_age_seconds)

    def _to_file(self, _version: int, canvas: NDArray[np.uint8], rgb: bytes) -> bytes:
        return preview(canvas, rgb)
