"""Reads what a request asks about the past: a version, moment, area or pixel. Refuses all else by name. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from placed.http.answer import invalid_parameter, missing_parameter
from placed.http.moment import ALLOWED, moment_of
from placed.http.parameters import choice, integer, log_of, query_pairs

if TYPE_CHECKING:
    from placed.canvas.definition import Definition
    from placed.http.answer import Request

MOST_SCALE: Final = 16
MOST_PIXELS: Final = 1 << 24  # of an image: as many as the largest canvas has
MOST_HITS: Final = 100
_HITS: Final = 20
_CELLS: Final = (1, 2, 4, 8, 16, 32, 64)


@attrs.frozen
class Area:
    """A part of a canvas.

    Attributes:
        x: its left column.
        y: its top row.
        width: in pixels; None for up to the canvas's edge.
        height: the same.
        scale: the side of each pixel, in pixels of the image.
    """

    x: int
    y: int
    width: int | None
    height: int | None
    scale: int

    def on(self, definition: Definition) -> tuple[int, int, int, int]:
        """The left, top, width and height of the area on a canvas.

        Raises:
            Problem: 400, the area isn't inside the canvas, or the image would be too large.
        """
        x = integer("x", self.x, 0, definition.width - 1)
        y = integer("y", self.y, 0, definition.height - 1)
        width = integer("width", self.width or definition.width - x, 1, definition.width - x)
        height = integer("height", self.height or definition.height - y, 1, definition.height - y)
        if width * height * self.scale**2 > MOST_PIXELS:
            allowed = f"an image of up to {MOST_PIXELS} pixels"
            raise invalid_parameter("scale", str(self.scale), allowed, f"is too much for {width} x {height} pixels")
        return x, y, width, height


@attrs.frozen
class CanvasQuestion:
    """The canvas at a version. `tags` are the ETags that the client has; `log` is the log it names, None for any."""

    version: int
    area: Area
    tags: str | None
    log: str | None


@attrs.frozen
class MomentQuestion:
    """The version at a moment; `rest` is the query for the redirect, without `log`."""

    ms: int
    rest: str
    log: str | None


@attrs.frozen
class EditsQuestion:
    """The edits with `start <= offset < end`."""

    start: int
    end: int
    as_json: bool
    tags: str | None
    log: str | None


@attrs.frozen
class PixelQuestion:
    """The edits of a pixel before a version."""

    x: int
    y: int
    before: int
    limit: int


@attrs.frozen
class ActivityQuestion:
    """Where there were edits between two moments, in ms; None stands for the first or the last edit."""

    from_ms: int | None
    to_ms: int | None
    cells: int


def is_by_moment(request: Request) -> bool:
    """Whether a client asks for an image by its moment instead of its version.

    Raises:
        Problem: 400, the query has both, or neither.
    """
    names = [name for name in ("v", "t") if _text(request, name) is not None]
    if len(names) != 1:
        detail = "a version v, or a moment t"
        raise missing_parameter("v", detail) if not names else invalid_parameter("t", _text(request, "t"), detail)
    return names == ["t"]


def canvas_question(request: Request, version: int) -> CanvasQuestion:
    """The question of a `GET /history/canvas.png?v=`; `version` is the canvas's own.

    Raises:
        Problem: 400, 414.
    """
    asked = _number(request, "v", 0, version)
    return CanvasQuestion(asked, _area(request), request.headers.get("if-none-match"), log_of(request))


def moment_question(request: Request) -> MomentQuestion:
    """The question of a `GET /history/canvas.png?t=`.

    Raises:
        Problem: 400, 414.
    """
    area = _area(request)
    given = {"x": area.x, "y": area.y, "width": area.width, "height": area.height, "scale": area.scale}
    rest = "".join(f"&{name}={given[name]}" for name in given if _text(request, name) is not None)
    return MomentQuestion(_moment(request, "t"), rest, log_of(request))


def edits_question(request: Request, version: int) -> EditsQuestion:
    """The question of a `GET /history/edits`; `version` is the canvas's own.

    Raises:
        Problem: 400, 414.
    """
    end = _number(request, "to", 0, version)
    start = _number(request, "from", 0, end)
    as_json = choice(request, "format", ("codes", "json"), "codes") == "json"
    return EditsQuestion(start, end, as_json, request.headers.get("if-none-match"), log_of(request))


def pixel_question(request: Request, definition: Definition, version: int) -> PixelQuestion:
    """The question of a `GET /history/pixel`; `version` is the canvas's own.

    Raises:
        Problem: 400, 414.
    """
    return PixelQuestion(
        _number(request, "x", 0, definition.width - 1),
        _number(request, "y", 0, definition.height - 1),
        _number(request, "before", 0, version, default=version),
        _number(request, "limit", 1, MOST_HITS, default=_HITS),
    )


def activity_question(request: Request) -> ActivityQuestion:
    """The question of a `GET /history/activity`.

    Raises:
        Problem: 400, 414.
    """
    begin, end = (_moment(request, name) if _text(request, name) is not None else None for name in ("from", "to"))
    if begin is not None and end is not None and begin >= end:
        raise invalid_parameter("to", _text(request, "to"), "a moment after `from`", "is out of range")
    return ActivityQuestion(begin, end, int(choice(request, "cells", tuple(map(str, _CELLS)), "64")))


def _area(request: Request) -> Area:
    most = 4_096
    return Area(
        _number(request, "x", 0, most - 1, default=0),
        _number(request, "y", 0, most - 1, default=0),
        _number(request, "width", 1, most) if _text(request, "width") is not None else None,
        _number(request, "height", 1, most) if _text(request, "height") is not None else None,
        _number(request, "scale", 1, MOST_SCALE, default=1),
    )


def _text(request: Request, name: str) -> str | None:
    values = [value for key, value in _texts(request.query) if key == name]
    if len(values) > 1:
        raise invalid_parameter(name, values, "one value", "is repeated")
    return values[0] if values else None


@lru_cache(maxsize=1)  # a request's parameters are read one by one: without it a pixel's took 0.1 ms
def _texts(query: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in query_pairs(query))


def _number(request: Request, name: str, low: int, high: int, *, default: int | None = None) -> int:
    text = _text(request, name)
    if text is None:
        if default is None:
            raise missing_parameter(name, f"an integer from {low} to {high}")
        return default
    return integer(name, text, low, high)


def _moment(request: Request, name: str) -> int:
    text = _text(request, name)
    if text is None:
        raise missing_parameter(name, ALLOWED)
    return moment_of(name, text)
