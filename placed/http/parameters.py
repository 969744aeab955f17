"""Reads parameters that clients send: edits by query, form or JSON, and versions. Refuses all else by name. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placed.canvas.area import Area
from placed.canvas.whole_number import whole
from placed.http.answer import Problem, invalid_parameter, missing_parameter
from placed.http.body import FORM, JSON, form_pairs, json_members, media_type

if TYPE_CHECKING:
    from placed.canvas.definition import Definition
    from placed.http.answer import Request
    from placed.http.body import Pairs

QUERY_BYTES: Final = 2_048
MAX_VERSION: Final = 2**63 - 1  # offsets are signed 64-bit numbers in Kafka
_LOG_ID_CHARACTERS: Final = 64
_VERSIONS: Final = f"an integer from 0 to {MAX_VERSION}"
# From polyfills of EventSource that can't set the header: Yaffle's, amvtek's, and those set up like Mercure's clients.
_LAST_IDS: Final = frozenset({"lasteventid", "evs_last_event_id", "last-event-id", "last_event_id"})
_EXPECTED: Final = 'a JSON object such as {"x": 1, "y": 2, "color": 3}'
_PLAIN_EDIT = re.compile(r"x=([0-9]{1,4})&y=([0-9]{1,4})&color=([0-9]{1,3})", re.ASCII)
_IMAGE_VERSION = re.compile(r"(?:^|&)v=([0-9]{1,19})(?:&|$)", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


def edit_of(request: Request, definition: Definition) -> tuple[int, int, int]:
    """The x, y and color of a `POST /edit`.

    Raises:
        Problem: 400 for a parameter that is missing, repeated, not an integer, or out of range; 400 for a
            body that is not what its type says; 414; 415.
    """
    plain = None if request.body else _PLAIN_EDIT.fullmatch(request.query)
    if plain is not None:  # nearly all are; the code below finds out what is wrong with the others
        x, y, color = int(plain[1]), int(plain[2]), int(plain[3])
        if x < definition.width and y < definition.height and color < definition.colors:
            return x, y, color
    pairs = query_pairs(request.query) + _body_pairs(request)
    return (
        integer("x", _only(pairs, "x", 0, definition.width - 1), 0, definition.width - 1),
        integer("y", _only(pairs, "y", 0, definition.height - 1), 0, definition.height - 1),
        integer("color", _only(pairs, "color", 0, definition.colors - 1), 0, definition.colors - 1),
    )


def version_of(request: Request) -> int:
    """The version that a stream begins at: the header `Last-Event-ID` wins over `lastEventId`, and that over `v`.

    Raises:
        Problem: 400, all three are missing, or the winner is no version; 414.
    """
    pairs = query_pairs(request.query)
    last = request.headers.get("last-event-id", "")
    if last:
        return integer("Last-Event-ID", last, 0, MAX_VERSION)
    last_ids = [(name, value) for name, value in pairs if name.lower() in _LAST_IDS and value]
    if last_ids:
        name = last_ids[0][0]
        if len(last_ids) > 1:
            raise invalid_parameter(name, [value for _, value in last_ids], _VERSIONS, "is repeated")
        return integer(name, last_ids[0][1], 0, MAX_VERSION)
    return integer("v", _only(pairs, "v", 0, MAX_VERSION), 0, MAX_VERSION)


def image_version_of(request: Request) -> int:
    """The version that an image must have reached, `v`; 0 without one, and if `v` is no version."""
    match = _IMAGE_VERSION.search(request.query) if request.query else None
    return int(match[1]) if match else 0


def wait_of(request: Request, most_seconds: int) -> float | None:
    """How many seconds a poll waits for new edits; None if the client asks for a stream.

    Raises:
        Problem: 400, `wait` is no number of seconds from 0 to `most_seconds`, or it's repeated; 414.
    """
    values = [str(value) for key, value in query_pairs(request.query) if key == "wait"]
    if not values:
        return None
    allowed = f"seconds from 0 to {most_seconds}, such as 20 or 0.5"
    if len(values) > 1:
        raise invalid_parameter("wait", values, allowed, "is repeated")
    if not _SECONDS.fullmatch(values[0]):
        raise invalid_parameter("wait", values[0], allowed, "is not a number of seconds")
    if float(values[0]) > most_seconds:
        raise invalid_parameter("wait", values[0], allowed, "is out of range")
    return float(values[0])


def choice(request: Request, name: str, allowed: tuple[str, ...], default: str) -> str:
    """A query parameter that is one of a few words.

    Raises:
        Problem: 400, it's another word, or it's repeated.
    """
    values = [value for key, value in query_pairs(request.query) if key == name]
    if not values:
        return default
    words = " or ".join(allowed)
    if len(values) > 1:
        raise invalid_parameter(name, values, words, "is repeated")
    if values[0] not in allowed:
        raise invalid_parameter(name, values[0], words)
    return str(values[0])


def text(request: Request, name: str, max_length: int) -> str | None:
    """A query parameter that is any short text; None if it's missing.

    Raises:
        Problem: 400, it's repeated or too long.
    """
    values = [str(value) for key, value in query_pairs(request.query) if key == name]
    if not values:
        return None
    allowed = f"one value of up to {max_length} characters"
    if len(values) > 1:
        raise invalid_parameter(name, values, allowed, "is repeated")
    if len(values[0]) > max_length:
        raise invalid_parameter(name, values[0], allowed, "is too long")
    return values[0]


def log_of(request: Request) -> str | None:
    """The id of the log that a request names; None for any log.

    Raises:
        Problem: 400, it's repeated or too long.
    """
    return text(request, "log", _LOG_ID_CHARACTERS)


def integer(name: str, value: object, low: int, high: int) -> int:
    """`value` as an integer from `low` to `high`, both included; `placed.canvas.whole_number` has the spellings.

    Raises:
        Problem: 400.
    """
    allowed = f"an integer from {low} to {high}"
    number = whole(value)
    if number is None:
        raise invalid_parameter(name, value, allowed, "is not an integer")
    if not low <= number <= high:
        raise invalid_parameter(name, value, allowed, "is out of range")
    return number


def area_on(definition: Definition, name: str, value: object) -> Area:
    """`value`, a list of x, y, width and height, as an area that is completely on the canvas.

    Raises:
        Problem: 400, it's no such list, or it's None, which means that it's missing.
    """
    allowed = f"[x, y, width, height], all on the canvas of {definition.width} x {definition.height} pixels"
    if value is None:
        raise missing_parameter(name, allowed)
    numbers = [whole(part) for part in value] if type(value) is list else []
    try:
        area = Area(*(-1 if part is None else part for part in numbers))
        area.check_on(definition)
    except (TypeError, ValueError):
        raise invalid_parameter(name, value, allowed) from None
    return area


def query_pairs(query: str) -> Pairs:
    """The query's names and values, in order.

    Raises:
        Problem: 400, there are more than 16; 414, the query is too long.
    """
    if len(query) > QUERY_BYTES:
        raise Problem(414, "too-large", f"a query of {len(query)} bytes; allowed are {QUERY_BYTES}")
    return form_pairs(query, "query")


def _body_pairs(request: Request) -> Pairs:
    if not request.body:
        return []
    if media_type(request, JSON, FORM) == FORM:
        return form_pairs(request.body.decode("utf-8", "replace"), "form")
    return json_members(request.body, _EXPECTED)


def _only(pairs: Pairs, name: str, low: int, high: int) -> object:
    values = [value for key, value in pairs if key == name]
    allowed = f"an integer from {low} to {high}"
    if not values:
        raise missing_parameter(name, allowed)
    if len(values) > 1:
        raise invalid_parameter(name, values, allowed, "is repeated")
    return values[0]
