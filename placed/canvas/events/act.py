"""Acts, records of type 3: a host or moderator looks after the canvas. An act's id is its record's offset. Pure.

    {"kind": "ban", "by": "0123456789abcdef", ...}      UTF-8 JSON, at most 64 KB

The kind decides which other fields an act has. Corrections follow an act, with the pixels that it changes. Every server
must read the same, so servers refuse JSON that could be read in two ways: a name twice in an object, numbers beyond 64
bits, NaN and Infinity, half a surrogate pair, or more than `_MOST_DEEP` levels.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import attrs

from placed.canvas.events.event import Event
from placed.canvas.refusal import RecordRefused, RecordUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.change import Change
    from placed.canvas.events.event import Run
    from placed.canvas.state import State

MAX_ACT_BYTES: Final = 65_536
# Python's own parser stops when its stack is full, which is at another depth in a start than in a running server.
_MOST_DEEP: Final = 16
_KIND: Final = re.compile(r"[a-z][a-z-]{0,31}")
_BY: Final = re.compile(r"[0-9a-f]{16}")
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")


def _check_kind(_act: object, _attribute: object, kind: str) -> None:
    if not _KIND.fullmatch(kind):
        raise ValueError(f"an act of kind {kind!r}; allowed are 1 to 32 of a-z and -, a letter first")


def _check_fields(_act: object, _attribute: object, fields: Mapping[str, Any]) -> None:
    if not {"kind", "by"}.isdisjoint(fields):
        raise ValueError("an act's kind and by can't be among its fields")


@attrs.frozen
class Act(Event):
    """An act of a host or moderator.

    Attributes:
        kind: the kind's name, such as `ban`; a server may not know it.
        by: the author who did it.
        fields: all other members of the JSON object.
    """

    TYPE: ClassVar = 3

    kind: str = attrs.field(validator=_check_kind)
    by: int = attrs.field(validator=[attrs.validators.ge(0), attrs.validators.lt(2**64)])
    fields: Mapping[str, Any] = attrs.field(factory=dict, validator=_check_fields)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The act in a payload.

        Raises:
            RecordRefused: it is too long, isn't a JSON object, or has no `kind` or `by`.
        """
        if len(payload) > MAX_ACT_BYTES:
            raise RecordRefused(f"an act of {len(payload)} bytes; allowed are {MAX_ACT_BYTES}")
        try:
            return cls._of(_object(payload))
        except ValueError as error:
            raise RecordRefused(f"an act that can't be read: {error}") from error

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Self:
        kind, by = fields.pop("kind", None), fields.pop("by", None)
        if not isinstance(by, str) or not _BY.fullmatch(by):
            raise ValueError(f"by {by!r}; allowed are 16 hexadecimal digits")
        if not isinstance(kind, str):
            raise ValueError(f"an act of kind {kind!r}; allowed is a word")
        return cls(kind, int(by, 16), fields)

    def change(self, state: State, run: Run) -> Change:
        """The change that the act's kind makes.

        Raises:
            RecordUnknown: this server doesn't know the kind.
            RecordRefused: the act's fields don't fit its kind.
        """
        change_of = state.vocabulary.acts.get(self.kind)
        if change_of is None:
            raise RecordUnknown(f"act {self.kind}")
        return change_of(state, self, int(run.offsets[0]), int(run.times_ms[0]))

    def payload(self) -> bytes:
        """The JSON.

        Raises:
            ValueError: it is too long, or holds a value that JSON can't write.
        """
        told = {"kind": self.kind, "by": f"{self.by:016x}", **self.fields}
        payload = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        if len(payload) > MAX_ACT_BYTES:
            raise ValueError(f"an act of {len(payload)} bytes; allowed are {MAX_ACT_BYTES}")
        return payload


def _object(payload: bytes) -> dict[str, Any]:
    _check_depth(payload)
    found = json.loads(
        payload.decode(), object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant
    )
    if not isinstance(found, dict):
        raise ValueError(f"{payload[:20]!r} is no object")
    json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    return found


def _check_depth(payload: bytes) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", payload)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MOST_DEEP:
            raise ValueError(f"more than {_MOST_DEEP} levels of [ and {{")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise ValueError(f"the number {digits[:24]}; allowed are those of 64 bits")
    return int(digits)


def _float(digits: str) -> float:
    if not math.isfinite(float(digits)):
        raise ValueError(f"the number {digits[:24]}; allowed are those of 64 bits")
    return float(digits)


def _constant(word: str) -> float:
    raise ValueError(f"{word}, which is no JSON")
