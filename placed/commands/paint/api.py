"""Calls a placed server's public API for the painter: `GET /info`, `GET /canvas.png`, `POST /edit` and `/edits`.

This module checks every answer: bodies have a largest size, the image's size must be that of /info before it is
decoded, and numbers have ranges. The errors:

    ApiError
    ├── Unavailable   no answer, or a 5xx: try again later; an edit may have been placed all the same
    ├── Cooldown      429: not placed; says when to try again
    ├── BadEdit       400: not placed; the canvas isn't as we know it
    ├── TooLarge      413: not placed; fewer edits in one request may work
    ├── Refused       other 4xx: not placed, and trying again doesn't help
    └── NotPlaced     this is no placed server, or one of an unknown kind

The painter follows no redirect, because an edit must not go elsewhere unseen. A redirect is `NotPlaced`, and the
message names the address. Imports Trio, httpx, Pillow and numpy.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn, Self

import attrs
import httpx
import numpy as np
import trio
from PIL import Image

from placed import __version__
from placed.commands.connection_error import in_words
from placed.commands.paint.served_image import OtherCanvas, served_indexes

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

MAX_EDITS = 1_000  # in one request; a server may take fewer
MAX_IN_FLIGHT = (
    8  # requests with an edit each; enough to fill the records of an idle server, too few to crowd others out
)
_MAX_SIDE_PX = 4096
_MAX_COLORS = 256
_MAX_ANSWER_BYTES = 64_000  # /info with 256 long colour names is about 15 KB
_MAX_IMAGE_BYTES = 20_000_000  # 4096 x 4096 x 8 bits that don't compress are 16.8 MB
_MAX_CHARGES = 1_000_000
_MAX_SECONDS = 86_400.0 * 366
_TIMEOUT = httpx.Timeout(30, connect=10, pool=None)  # a durable edit takes milliseconds; after 30 s it is lost
_ANSWER_SECONDS = 120.0  # for a whole answer; httpx limits only the time for each piece of it
_HEX_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LOG_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_REMAINING = re.compile(r";\s*r=(\d{1,9})\b")


class ApiError(Exception):
    """Any failure of a request."""


class Unavailable(ApiError):
    """No answer, or an answer that says to try again; the server may have done the request all the same."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Cooldown(ApiError):
    """All charges are spent; the edit was not placed."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BadEdit(ApiError):
    """The server doesn't take this edit, perhaps because the canvas has changed."""


class TooLarge(ApiError):
    """The server, or a proxy before it, takes no request of this length."""


class Refused(ApiError):
    """The server takes no edits from us; the message says why."""


class NotPlaced(ApiError):
    """The address has no placed server, or one of an unknown kind."""


@attrs.frozen(eq=False)
class Info:
    """The answer of `GET /info`.

    Attributes:
        palette: sRGB, uint8, shape (colors, 3), 1 to 256 colours.
        version, log: the canvas's version and log id.
        most_edits: how many edits one request may hold; 1 for a server that takes one at a time.
        charges, charge_seconds: the cooldown's rule; 0 seconds means no cooldown.
        remaining, next_seconds: our charges left, and seconds until one more is back.
    """

    width: int
    height: int
    palette: NDArray[np.uint8]
    version: int
    log: str
    most_edits: int
    charges: int
    charge_seconds: float
    remaining: int
    next_seconds: float


@attrs.frozen(eq=False)
class Canvas:
    """A served image: palette indexes, uint8, shape (height, width), at a version of a log."""

    colors: NDArray[np.uint8]
    version: int
    log: str


@attrs.frozen
class Placed:
    """Edits that are durable: visible at `version`; `remaining` charges were left, None if the answer didn't say."""

    version: int
    remaining: int | None


class ApiClient:
    """One server, by its address. Used as an async context manager, by one task or many.

    Args:
        url: the address of its page, http or https, also below a sub-path.
        transport: sends requests, instead of the network.
        token: the token of the bot that paints; None paints without an account.
    """

    def __init__(
        self, url: httpx.URL, transport: httpx.AsyncBaseTransport | None = None, token: str | None = None
    ) -> None:
        limits = httpx.Limits(max_connections=MAX_IN_FLIGHT, max_keepalive_connections=MAX_IN_FLIGHT)
        # Compression would let a few kilobytes become gigabytes before we could count them.
        headers = {"User-Agent": f"placed-paint/{__version__}", "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.url = url.copy_with(userinfo=b"")  # for messages: without a password
        self._client = httpx.AsyncClient(
            base_url=url, headers=headers, limits=limits, timeout=_TIMEOUT, transport=transport
        )
        self._known: tuple[str, Canvas] | None = None

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def info(self) -> Info:
        """Ask the server for its canvas and for our charges.

        Raises:
            Unavailable, Refused, NotPlaced: see the module.
        """
        response, body = await self._ask("GET", "info", _MAX_ANSWER_BYTES)
        self._expect(response, body, 200)
        try:
            return _info(json.loads(body))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._not_placed(f"its /info can't be used ({type(error).__name__}: {error})") from error

    async def canvas(self, info: Info) -> Canvas:
        """The canvas in the server's image, which may be a little older. The version in the address keeps a cache from
        answering with an image that it had before `info`.

        Raises:
            Unavailable: no answer, or the image is of another canvas than `info`.
            Refused, NotPlaced: see the module.
        """
        headers = {"If-None-Match": self._known[0]} if self._known else {}
        path = f"canvas.png?v={info.version}"
        response, body = await self._ask("GET", path, _MAX_IMAGE_BYTES, headers=headers)
        if response.status_code == 304 and self._known:
            canvas = self._known[1]
        else:
            self._expect(response, body, 200)
            canvas = self._decoded(response, body, info)
            self._known = (response.headers["ETag"], canvas) if "ETag" in response.headers else None
        if canvas.log != info.log or canvas.colors.shape != (info.height, info.width):
            raise Unavailable("the canvas is being replaced by another one")
        return canvas

    async def place(self, edits: list[tuple[int, int, int]]) -> Placed:
        """Place edits, each x, y and a colour's index: all or none.

        Raises:
            Unavailable, Cooldown, BadEdit, TooLarge, Refused, NotPlaced: see the module.
        """
        (x, y, color), *others = edits
        path, body = ("edits", {"edits": edits}) if others else ("edit", {"x": x, "y": y, "color": color})
        response, answer = await self._ask("POST", path, _MAX_ANSWER_BYTES, json=body)
        if response.status_code == 400:
            more = f" and {len(others)} more" if others else ""
            raise BadEdit(f"the server doesn't take {x},{y} in colour {color}{more}: {_detail(answer)}")
        if response.status_code == 413:
            raise TooLarge(f"HTTP 413: {_detail(answer)}")
        if response.status_code == 429:
            raise Cooldown(_detail(answer), _cooldown_seconds(response, answer))
        self._expect(response, answer, 200)
        try:
            version = _whole(json.loads(answer)["v"], "v", 0, 2**63)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._not_placed("its answer to an edit has no version") from error
        found = _REMAINING.search(response.headers.get("RateLimit", ""))
        return Placed(version, int(found[1]) if found else None)

    async def _ask(self, method: str, path: str, limit_bytes: int, **kwargs: Any) -> tuple[httpx.Response, bytes]:
        """Send one request, and return its whole answer."""
        try:
            with trio.fail_after(_ANSWER_SECONDS):
                return await self._whole_answer(method, path, limit_bytes, **kwargs)
        except httpx.TransportError as error:
            raise Unavailable(in_words(error)) from error
        except trio.TooSlowError as error:
            raise Unavailable(f"no whole answer within {_ANSWER_SECONDS:g} s") from error

    async def _whole_answer(
        self, method: str, path: str, limit_bytes: int, **kwargs: Any
    ) -> tuple[httpx.Response, bytes]:
        async with self._client.stream(method, path, **kwargs) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise self._not_placed("it compresses answers that it was asked not to compress")
            body = bytearray()
            # Cancelling, unlike leaving the loop, ends httpx's nested generators from the inside: none is left open.
            with trio.CancelScope() as scope:
                async for piece in response.aiter_raw():
                    body += piece
                    if len(body) > limit_bytes:
                        scope.cancel()
            if len(body) > limit_bytes:
                raise self._not_placed(f"its answer to {path} is longer than {limit_bytes:,} bytes")
            return response, bytes(body)

    def _expect(self, response: httpx.Response, body: bytes, wanted: int) -> None:
        status = response.status_code
        if status == wanted:
            return
        if status >= 500 or status in {408, 425, 429}:
            raise Unavailable(f"HTTP {status}: {_detail(body)}", _seconds(response.headers.get("Retry-After")))
        if 300 <= status < 400:
            raise self._not_placed(f"it redirects to {response.headers.get('Location', 'nowhere')!r}")
        if status in {404, 405}:
            raise self._not_placed(f"HTTP {status} for {response.request.url.path}")
        raise Refused(f"HTTP {status}: {_detail(body)}")

    def _decoded(self, response: httpx.Response, png: bytes, info: Info) -> Canvas:
        version = response.headers.get("X-Canvas-Version", "")
        log = response.headers.get("X-Canvas-Log", "")
        if not re.fullmatch(r"\d{1,18}", version) or not _LOG_ID.fullmatch(log):
            raise self._not_placed("its canvas.png comes without a version and a log id")
        if log != info.log:
            raise Unavailable("the canvas is being replaced by another one")
        try:
            colors = served_indexes(png, (info.width, info.height), info.palette)
        except OtherCanvas as error:
            raise Unavailable(str(error)) from error
        except (OSError, ValueError, SyntaxError, EOFError, LookupError, Image.DecompressionBombError) as error:
            raise self._not_placed(f"its canvas.png can't be used: {error}") from error
        return Canvas(colors, int(version), log)

    def _not_placed(self, why: str) -> NotPlaced:
        return NotPlaced(f"{self.url} is not a placed server that can be used: {why}")


def _info(told: Any) -> Info:
    """The checked form of /info's JSON.

    Raises:
        ValueError, TypeError, KeyError: something is missing, of another type, or out of range.
    """
    colors = told["palette"]
    if not isinstance(colors, list) or not 1 <= len(colors) <= _MAX_COLORS:
        raise ValueError(f"palette is not 1 to {_MAX_COLORS} colours")
    if not all(isinstance(color, str) and _HEX_COLOR.fullmatch(color) for color in colors):
        raise ValueError("palette has something else than colours like #ff4500")
    log = told["log"]
    if not isinstance(log, str) or not _LOG_ID.fullmatch(log):
        raise ValueError("log is not a log id")
    cooldown = told["cooldown"]
    return Info(
        width=_whole(told["width"], "width", 1, _MAX_SIDE_PX),
        height=_whole(told["height"], "height", 1, _MAX_SIDE_PX),
        palette=np.array([list(bytes.fromhex(color[1:])) for color in colors], np.uint8),
        version=_whole(told["version"], "version", 0, 2**63),
        log=log,
        most_edits=min(_whole(told.get("limits", {}).get("edits", 1), "limits.edits", 1, 2**31), MAX_EDITS),
        charges=_whole(cooldown["charges"], "charges", 1, _MAX_CHARGES),
        charge_seconds=_number(cooldown["charge_seconds"], "charge_seconds"),
        remaining=_whole(cooldown["remaining"], "remaining", 0, _MAX_CHARGES),
        next_seconds=_number(cooldown["next_seconds"], "next_seconds"),
    )


def _out_of_range(name: str, value: object, allowed: str) -> NoReturn:
    raise ValueError(f"{name} is {str(value)[:40]!r}; allowed is {allowed}")


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        _out_of_range(name, value, f"an integer from {low} to {high}")
    return value


def _number(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not 0 <= value <= _MAX_SECONDS:
        _out_of_range(name, value, f"a number from 0 to {_MAX_SECONDS:g}")
    return float(value)


def _detail(body: bytes) -> str:
    """The `detail` of an error, or the beginning of any other answer, in one line."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, TypeError, KeyError, RecursionError):
        detail = body[:120].decode("utf-8", "replace")
    line = " ".join(str(detail)[:200].split())
    return "".join(letter for letter in line if letter.isprintable()) or "no reason given"


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds. A date counts as none, because our clock may differ from the server's."""
    return float(text) if text and re.fullmatch(r"\d{1,9}", text) else None


def _cooldown_seconds(response: httpx.Response, body: bytes) -> float:
    try:
        return _number(json.loads(body)["retry_after_seconds"], "retry_after_seconds")
    except (ValueError, TypeError, KeyError, RecursionError):
        after = _seconds(response.headers.get("Retry-After"))
        return 1.0 if after is None else min(after, _MAX_SECONDS)
