"""Reads the fields of a `POST /acts`. Refuses a wrong field with its name, its value and the allowed values. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.acts.fields import MOST_AUTHORS, MOST_CHARACTERS
from placed.canvas.definition import Definition
from placed.canvas.whole_number import whole
from placed.http.answer import invalid_parameter, missing_parameter
from placed.http.body import JSON, Members, json_members, media_type
from placed.http.moment import ALLOWED, moment_of
from placed.http.parameters import MAX_VERSION, area_on, integer
from placed.people.unseen_characters import unseen_in

if TYPE_CHECKING:
    from placed.canvas.area import Area
    from placed.http.answer import Problem, Request

FIELDS: Final = {
    "ban": ("author", "authors", "until"),
    "unban": ("author", "authors"),
    "restore": ("area", "author", "authors", "to"),
    "wipe": ("area", "color"),
    "stamp": ("area", "picture"),
    "undo": ("act",),
    "protect": ("area",),
    "unprotect": ("act",),
    "open": ("at",),
    "close": ("at",),
    "announce": ("text", "until"),
    "grow": ("width", "height", "colors"),
}
_ALL: Final = ("kind", "reason", "preview")
_EXPECTED: Final = 'a JSON object such as {"kind": "wipe", "area": [0, 0, 8, 8]}'
_TEXT: Final = f"a text of 1 to {MOST_CHARACTERS} visible characters, in one line"
_AUTHOR: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
_COLOR: Final = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)


@attrs.frozen
class Fields:
    """The fields of one request; each one belongs to the act's kind, and comes once.

    Attributes:
        kind: the act's kind.
        told: the other fields by name, as the client sent them.
    """

    kind: str
    told: dict[str, Any]

    @classmethod
    def of(cls, request: Request) -> Fields:
        """The fields of a request.

        Raises:
            Problem: 400, a field is unknown, missing or repeated, or the body is no JSON object; 415.
        """
        media_type(request, JSON)
        pairs = json_members(request.body, _EXPECTED)
        told: dict[str, Any] = {}
        for name, value in pairs:
            if name in told:
                raise invalid_parameter(name[:64], value, "one", "is repeated")
            told[name] = value
        kind = told.pop("kind", None)
        if kind is None:
            raise missing_parameter("kind", _kinds())
        if not isinstance(kind, str) or kind not in FIELDS:
            raise invalid_parameter("kind", _plain(kind), _kinds())
        known = (*FIELDS[kind], *_ALL)
        for name, value in told.items():
            if name not in known:
                raise invalid_parameter(name[:64], _plain(value), " and ".join(known), "is not known here")
        return cls(kind, told)

    def has(self, name: str) -> bool:
        """Whether the request has this field, and it isn't null."""
        return self.told.get(name) is not None

    def area(self, definition: Definition) -> Area:
        """The field `area`, checked against the size of this canvas."""
        return area_on(definition, "area", _plain(self.told.get("area")))

    def authors(self) -> list[str]:
        """The authors, from `author` or `authors`; empty without either."""
        allowed = f"authors of 16 hexadecimal digits each, 1 to {MOST_AUTHORS} of them"
        if self.has("author") and self.has("authors"):
            raise invalid_parameter("authors", "both", "author or authors", "comes with author")
        if self.has("author"):
            value = [self.told["author"]]
        elif self.has("authors"):
            value = self.told["authors"]
        else:
            return []
        is_one = type(value) is list and 1 <= len(value) <= MOST_AUTHORS
        if not is_one or not all(isinstance(each, str) and _AUTHOR.fullmatch(each.lower()) for each in value):
            raise self._wrong("author" if self.has("author") else "authors", allowed)
        return list(dict.fromkeys(each.lower() for each in value))

    def some_authors(self) -> list[str]:
        """The authors, at least one."""
        found = self.authors()
        if not found:
            raise missing_parameter("authors", f"authors of 16 hexadecimal digits each, 1 to {MOST_AUTHORS} of them")
        return found

    def moment_to_come(self, name: str, now_ms: int) -> int | None:
        """A moment after now, in ms since the epoch; None without the field."""
        if not self.has(name):
            return None
        value = self.told[name]
        ms = _moment(name, value)
        if ms <= now_ms:
            raise invalid_parameter(name, value, f"{ALLOWED}, after now", "is over")
        return ms

    def to(self, version: int, now_ms: int) -> tuple[int | None, int | None]:
        """The field `to` of a restore: a version, or a moment in ms since the epoch; both None without the field."""
        allowed = f'{{"v": a version from 0 to {version}}} or {{"t": a moment that is over}}'
        if not self.has("to"):
            return None, None
        value = self.told["to"]
        if not isinstance(value, Members) or len(value) != 1 or value[0][0] not in ("v", "t"):
            raise self._wrong("to", allowed)
        name, inner = value[0]
        if name == "v":
            return integer("to.v", inner, 0, version), None
        ms = _moment("to.t", inner)
        if ms > now_ms:
            raise invalid_parameter("to.t", inner, f"{ALLOWED}, before now", "is yet to come")
        return None, ms

    def number(self, name: str, low: int, high: int) -> int:
        """A whole number of [low, high], both included."""
        return integer(name, _plain(self._needed(name, f"an integer from {low} to {high}")), low, high)

    def act(self) -> int:
        """The id of an act."""
        return self.number("act", 0, MAX_VERSION)

    def text(self, name: str) -> str | None:
        """A text of one line; None without the field."""
        if not self.has(name):
            return None
        value = self._text_of(name, _TEXT).strip()
        if not 1 <= len(value) <= MOST_CHARACTERS:
            raise self._wrong(name, _TEXT)
        unseen = unseen_in(value)
        if unseen:
            raise invalid_parameter(name, self.told[name], _TEXT, f"has {unseen}, which nobody sees")
        return value

    def some_text(self, name: str) -> str:
        """The same, for a field that must not be missing."""
        found = self.text(name)
        if found is None:
            raise missing_parameter(name, _TEXT)
        return found

    def flag(self, name: str) -> bool:
        """True or false; false if the field is missing."""
        value = self.told.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def grown(self, now: Definition) -> Definition:
        """The canvas after a `grow`: larger, or with more colours."""
        width = self.number("width", now.width, 4096) if self.has("width") else now.width
        height = self.number("height", now.height, 4096) if self.has("height") else now.height
        allowed = f'a list of up to {256 - now.colors} colours such as ["#ff4500"], none of them in the palette'
        colors = self.told.get("colors") or []
        if type(colors) is not list or not all(isinstance(it, str) and _COLOR.fullmatch(it) for it in colors):
            raise self._wrong("colors", allowed)
        try:
            after = Definition(width, height, now.rgb + bytes.fromhex("".join(color[1:] for color in colors)))
        except ValueError:
            raise self._wrong("colors", allowed) from None
        if not now.can_become(after):
            raise self._wrong("colors", allowed)
        if after == now:
            raise self._same(now)
        return after

    def _same(self, now: Definition) -> Problem:
        """The 400 for a `grow` that would change nothing."""
        allowed = f"a width above {now.width}, a height above {now.height}, at most 4096, or colors"
        for name in ("width", "height", "colors"):
            if self.has(name):
                return invalid_parameter(name, _plain(self.told[name]), allowed, "changes nothing")
        return missing_parameter("width", allowed)

    def _needed(self, name: str, allowed: str) -> Any:
        if not self.has(name):
            raise missing_parameter(name, allowed)
        return self.told[name]

    def _text_of(self, name: str, allowed: str) -> str:
        value = self.told[name]
        if not isinstance(value, str):
            raise self._wrong(name, allowed)
        return value

    def _wrong(self, name: str, allowed: str) -> Problem:
        return invalid_parameter(name, _plain(self.told[name]), allowed)


def _kinds() -> str:
    return ", ".join(FIELDS)


def _moment(name: str, value: object) -> int:
    """A moment as RFC 3339, or in ms since the epoch, as a text or a number."""
    if isinstance(value, str):
        return moment_of(name, value)
    ms = whole(value)
    if ms is None:
        raise invalid_parameter(name, _plain(value), ALLOWED)
    return moment_of(name, str(ms))


def _plain(value: object) -> object:
    """A value of the body as the client wrote it, for a message: objects are read as `Members`."""
    return dict(value) if isinstance(value, Members) else value
