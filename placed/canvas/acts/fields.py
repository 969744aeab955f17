"""Reads the fields of an act in the log, and refuses values that its kind can't have, as every server does. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

MOST_CHARACTERS: Final = 500  # of an announcement, or a reason
MOST_AUTHORS: Final = 3_000  # of one act; they take 57 KB, and an act may have 64
_AUTHOR: Final = re.compile(r"[0-9a-f]{16}")
_LAST: Final = 2**63 - 1
_LAST_MS: Final = 253_402_300_799_999  # of the year 9999; RFC 3339 can't write a later one


def number(act: Act, name: str, *, most: int = _LAST) -> int:
    """A whole number from 0 up to `most`.

    Raises:
        RecordRefused: the field isn't one.
    """
    value = act.fields.get(name)
    if type(value) is not int or not 0 <= value <= most:  # JSON's true is an int to Python
        raise RecordRefused(f"an act {act.kind} with {name} {value!r}; allowed is a number from 0 to {most}")
    return value


def moment(act: Act, name: str) -> int | None:
    """A moment in ms since the epoch; None if the field is null or left out.

    Raises:
        RecordRefused: the field is something else.
    """
    return None if act.fields.get(name) is None else number(act, name, most=_LAST_MS)


def text(act: Act, name: str) -> str | None:
    """A text of 1 to `MOST_CHARACTERS` characters; None if the field is null or left out.

    Raises:
        RecordRefused: the field is something else.
    """
    value = act.fields.get(name)
    if value is not None and not (isinstance(value, str) and 1 <= len(value) <= MOST_CHARACTERS):
        raise RecordRefused(f"an act {act.kind} whose {name} is no text of 1 to {MOST_CHARACTERS} characters")
    return value


def authors(act: Act) -> list[str]:
    """Authors, as 16 hexadecimal digits each, none of them twice; an empty list if the field is left out.

    Raises:
        RecordRefused: the field is something else.
    """
    value = act.fields.get("authors", [])
    if not isinstance(value, list) or len(value) > MOST_AUTHORS:
        raise RecordRefused(f"an act {act.kind} whose authors are no list of at most {MOST_AUTHORS}")
    if not all(isinstance(author, str) and _AUTHOR.fullmatch(author) for author in value):
        raise RecordRefused(f"an act {act.kind} with an author who isn't 16 hexadecimal digits")
    return list(dict.fromkeys(value))


def area(act: Act, state: State) -> list[int]:
    """An area, x, y, width and height, with all its pixels on the canvas.

    Raises:
        RecordRefused: the field isn't one.
    """
    value = act.fields.get("area")
    if not isinstance(value, list) or len(value) != len("xywh") or any(type(part) is not int for part in value):
        raise RecordRefused(f"an act {act.kind} with the area {value!r}; allowed is [x, y, width, height]")
    x, y, width, height = value
    it = state.definition
    if not (0 <= x < x + width <= it.width and 0 <= y < y + height <= it.height):
        raise RecordRefused(f"an act {act.kind} with the area {value!r}, which isn't all on the canvas of {it.size}")
    return value
