"""Encodes the canvas as a PNG, only when somebody asks, at most once per `max_age_seconds`, one at a time.

A worker thread encodes a copy of the canvas (1 MB copies in 50 us; 4096 x 4096 in 3 ms), so the loop never waits for
it. Requests that come meanwhile wait for that one image.

A slow reader holds an image that is no longer the newest. There is a limit to such images. The more there are, the
longer an image counts as new, so that further readers share it. Beyond `MOST_OLD` or `MOST_OLD_BYTES` the oldest is
taken back, and its readers are cut.
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
PREVIEW_SECONDS = 10.0  # it takes a thread up to 0.8 s, and no chat asks again within the hour
MOST_OLD = 32
MOST_OLD_BYTES = 64 << 20
# With each 4 old ones images come a second later: 32 of them reach back 144 s, in which a phone that gets 20 kbit/s
# reads 360 KB.
_OLD_PER_STEP = 4


@attrs.frozen
class Image:
    """One encoded canvas.

    Attributes:
        version: of the canvas in it.
        file: as PNG; made of its bytes.
        etag: quoted, for If-None-Match.
        modified: an HTTP date.
    """

    version: int
    file: SharedBytes = attrs.field(repr=False, converter=SharedBytes)
    etag: str
    modified: str

    @property
    def png(self) -> bytes:
        """The file's bytes.

        Raises:
            TakenBack: they are gone.
        """
        return self.file.whole()


class ImageEncoder:
    """Encodes one projection's canvas.

    Attributes:
        encodes: images made.
        made_at: when the cached image's canvas was copied, in s since the epoch; NaN while there is none.
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
        """The canvas as it is now, or was at most `max_age_seconds` ago.

        Args:
            at_least: a version that the image is to have reached; one that the canvas hasn't reached is no wish. It is
                waited for until the next image may be encoded, so that whoever asks for it makes no more images.
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
        """The cached image's; NaN while there is none."""
        return math.nan if self._cached is None else self._cached.version

    def fresh(self, at_least: int = 0) -> Image | None:
        """The cached image, if it needn't be encoded again; `at_least` as for `image`."""
        if self._cached is None or self._is_old(self._cached):
            return None
        return None if self._cached.version < at_least <= self._projection.version else self._cached

    def _is_old(self, image: Image) -> bool:
        if image.version == self._projection.version:
            return False
        if image.version < self._projection.kept.grown:  # no edit code of today means a pixel of that image
            return True
        return trio.current_time() >= self._encoded_at + self._age_seconds()

    def _age_seconds(self) -> float:
        """How long an image counts as new."""
        return self._max_age_seconds * (1 + self.old // _OLD_PER_STEP)

    @property
    def old(self) -> int:
        """How many images that aren't the newest somebody is still reading."""
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
    """The same for the bare canvas: a palette index for each pixel, one byte, row by row."""

    def _to_file(self, _version: int, canvas: NDArray[np.uint8], _rgb: bytes) -> bytes:
        return canvas.tobytes()


class PreviewEncoder(ImageEncoder):
    """The same for the picture that chats show beside a link."""

    def __init__(self, projection: Projection, log_id: str, *, max_age_seconds: float = PREVIEW_SECONDS) -> None:
        super().__init__(projection, log_id, max_age_seconds=max_age_seconds)

    def _to_file(self, _version: int, canvas: NDArray[np.uint8], rgb: bytes) -> bytes:
        return preview(canvas, rgb)
