"""Reads a past from a server over HTTP: `GET /history`, `/history/canvas.png` and `/history/edits`.

It doesn't trust the server: answers and pictures have largest sizes, and versions must rise. It keeps pages of edits in
a temporary file, since a film may need them twice. If the server is busy, or hasn't indexed that far, it asks again
after the time in Retry-After, for up to ten minutes.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import numpy as np

from placed import __version__
from placed.canvas.definition import Definition
from placed.commands.connection_error import in_words
from placed.commands.import_.values import moment_ms
from placed.commands.paint.served_image import OtherCanvas, served_indexes
from placed.commands.past import CannotRead
from placed.commands.timelapse.source import Source
from placed.history.edits_page import PageDamaged, decode_page
from placed.history.stretch import NO_ACT, ROW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from numpy.typing import NDArray

_TIMEOUT: Final = httpx.Timeout(60, connect=10)
_MAX_JSON_BYTES: Final = 4 << 20
_MAX_PICTURE_BYTES: Final = 20 << 20  # 4096 x 4096 pixels that don't compress are 16.8 MB
_MAX_PAGE_BYTES: Final = 64 << 20  # a page has 65,536 edits, but a single record may have 77,000 of 20 bytes
_PATIENCE_SECONDS: Final = 600.0  # for one answer; an address gets a quarter of a server's time for such requests
_MOST_WAIT_SECONDS: Final = 60.0
_AGAIN: Final = (429, 503)


class ServedPast(Source):
    """One server's past; a context manager for one thread.

    Args:
        url: the address of its page, also below a sub-path.
        transport: sends requests, instead of the network.

    Raises:
        CannotRead: on entering, and from every method: the server doesn't answer, or has no history.
    """

    def __init__(self, url: httpx.URL, transport: httpx.BaseTransport | None = None) -> None:
        # Compression would let a few kilobytes become gigabytes before they could be counted.
        headers = {"User-Agent": f"placed-timelapse/{__version__}", "Accept-Encoding": "identity"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT, transport=transport)
        self._shown = url.copy_with(userinfo=b"")
        self._pages = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving
        self._places: dict[tuple[int, int], tuple[int, int]] = {}
        self._palette = b""

    def __enter__(self) -> Self:
        try:
            told = self._json("history")
            self._palette = b"".join(bytes.fromhex(color.removeprefix("#")) for color in self._json("info")["palette"])
            self.first, self.version = int(told["first"]), int(told["indexed"])
            self.last_ms = moment_ms(told["to"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._close()
            raise self._not_understood(f"its /history or /info ({error!r})") from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._client.close()
        self._pages.close()

    def version_at(self, ms: int) -> int:
        """See `Source`."""
        response, _ = self._ask("history/canvas.png", {"t": ms}, _MAX_JSON_BYTES, allowed=(302, 404))
        if response.status_code == 404:  # before the history's beginning
            return self.first
        try:
            version = int(httpx.URL(response.headers["Location"]).params["v"])
        except (KeyError, ValueError, httpx.InvalidURL) as error:
            raise self._not_understood(f"where it redirects to ({error!r})") from error
        return min(max(self.first, version), self.version)

    def canvas(self, version: int) -> tuple[Definition, NDArray[np.uint8]]:
        """See `Source`."""
        _, data = self._ask("history/canvas.png", {"v": version}, _MAX_PICTURE_BYTES)
        palette = np.frombuffer(self._palette, np.uint8).reshape(-1, 3)
        try:
            pixels = served_indexes(data, None, palette)
            height, width = pixels.shape
            return Definition(width, height, self._palette), pixels
        except OtherCanvas as error:
            raise CannotRead(f"{self._shown}: {error}") from error
        except Exception as error:  # Pillow raises many kinds of errors for a damaged file
            raise self._not_understood(f"its picture of version {version} ({error!r})") from error

    def rows(self, start: int, end: int) -> Iterator[tuple[NDArray[np.void], Definition, int]]:
        """See `Source`. A server sends no authors. All rows come with the canvas of `end`."""
        definition, _ = self.canvas(end)
        while start < end:
            rows, reached = self._page(start, end)
            if not start < reached <= end:
                raise self._not_understood(f"its edits from {start} on, which go on at {reached}")
            yield rows, definition, reached
            start = reached

    def _page(self, start: int, end: int) -> tuple[NDArray[np.void], int]:
        place = self._places.get((start, end))
        if place is None:
            _, data = self._ask("history/edits", {"from": start, "to": end}, _MAX_PAGE_BYTES)
            self._places[start, end] = self._pages.seek(0, 2), len(data)
            self._pages.write(data)
        else:
            self._pages.seek(place[0])
            data = self._pages.read(place[1])
        try:
            page = decode_page(data)
        except PageDamaged as error:
            raise self._not_understood(f"its edits from {start} on ({error})") from error
        rows = np.empty(len(page.offsets), ROW)
        rows["offset"], rows["ms"], rows["act"], rows["author"] = page.offsets, page.times_ms, NO_ACT, 0
        rows["x"], rows["y"], rows["color"] = page.x, page.y, page.color
        return rows, page.next

    def _json(self, path: str) -> Any:
        _, data = self._ask(path, {}, _MAX_JSON_BYTES)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._not_understood(f"its /{path} ({error})") from error

    def _ask(
        self, path: str, query: dict[str, int], most_bytes: int, allowed: tuple[int, ...] = (200,)
    ) -> tuple[httpx.Response, bytes]:
        """The answer to a GET; sends it again while the server says to wait."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            with self._explained(), self._client.stream("GET", path, params=query) as response:
                data = self._body(response, path, most_bytes)
            if response.status_code in allowed:
                return response, data
            if response.status_code not in _AGAIN or time.monotonic() > deadline:
                raise CannotRead(f"{self._shown}: /{path} answers {response.status_code}: {_detail(data)}")
            time.sleep(_wait_seconds(response))

    def _body(self, response: httpx.Response, path: str, most_bytes: int) -> bytes:
        parts, size_bytes = [], 0
        for part in response.iter_raw():
            parts.append(part)
            size_bytes += len(part)
            if size_bytes > most_bytes:
                raise self._not_understood(f"its /{path}, which has more than {most_bytes:,} bytes")
        return b"".join(parts)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise CannotRead(f"{self._shown} doesn't answer: {in_words(error)}") from error

    def _not_understood(self, what: str) -> CannotRead:
        return CannotRead(f"{self._shown} isn't a placed server with a history, or its answer isn't understood: {what}")


def _wait_seconds(response: httpx.Response) -> float:
    try:
        return min(_MOST_WAIT_SECONDS, max(0.1, float(response.headers.get("Retry-After", 1))))
    except ValueError:
        return 1.0


def _detail(data: bytes) -> str:
    try:
        return str(json.loads(data)["detail"])[:300]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it gives no reason"
