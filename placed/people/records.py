"""The stored records of people, each a key and a value: the last record of a key counts. Pure.

    key      kind, whom or what, field    p, o author 8 | c, t, h digest 16 | r number 8, author 8; and a letter
    value    JSON, an object

    p…i  a person's id          p…n  their name       p…r  their roles     p…s  when they were last seen
    c…i  a code                 c…u  its uses         c…x  that it was revoked
    t…i  a token                t…s  its last use
    h…i  a host link            h…u  that it was used
    r…i  a report of a place    r…s  how far moderators are with it
    o…i  an author's sessions up to a time don't count

Each field is a record of its own, so that two servers can set different fields of one person at once, and neither
undoes the other's change. A record's meaning needs no other record, because a compacted Kafka topic keeps only the last
record of each key. The records also say who holds a name: the person who set it first.
"""

from __future__ import annotations

import json
import re
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.area import Area
from placed.people.person import ROLES
from placed.people.report import STATES
from placed.people.secrets import DIGEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

AUTHOR_BYTES: Final = 8
NUMBER_BYTES: Final = 8
_STAMP_BYTES: Final = 8
_CRC_BYTES: Final = 4
_MOST_TEXT: Final = 2_000  # characters of an id: an OpenID issuer's address and a subject of 255
_MOST_PICTURE: Final = 12_000  # characters of base64: 64 x 64 pixels of 256 colours take 7,000
_MOST_NUMBER: Final = 1 << 53  # all JSON readers agree on numbers up to this one
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_KEY_BYTES: Final = MappingProxyType(
    {b"p": AUTHOR_BYTES, b"o": AUTHOR_BYTES, b"r": NUMBER_BYTES + AUTHOR_BYTES}
    | dict.fromkeys((b"c", b"t", b"h"), DIGEST_BYTES)
)


class RecordDamaged(Exception):
    """The record is damaged, or isn't one that placed writes."""


@attrs.frozen
class Put:
    """One record; `fields` is None for a record that deletes its key."""

    key: bytes
    fields: Mapping[str, Any] | None


@attrs.frozen
class Stored:
    """A value in the store.

    Attributes:
        stamp: its place in the order of all changes.
        fields: the record's fields.
    """

    stamp: int
    fields: dict[str, Any]


def author_key(author: int, field: str, kind: str = "p") -> bytes:
    """The key of a person's field."""
    return kind.encode() + author.to_bytes(AUTHOR_BYTES, "big") + field.encode()


def digest_key(kind: str, digest: bytes, field: str) -> bytes:
    """The key of a field of a code (`c`), a token (`t`) or a host link (`h`)."""
    return kind.encode() + digest + field.encode()


def report_prefix(number: int) -> bytes:
    """The prefix of the keys of a report's fields."""
    return b"r" + number.to_bytes(NUMBER_BYTES, "big")


def report_key(number: int, author: int, field: str) -> bytes:
    """The key of a report's field. The author is in it so that two servers never write one key for two people."""
    return report_prefix(number) + author.to_bytes(AUTHOR_BYTES, "big") + field.encode()


def report_in(key: bytes) -> tuple[int, int]:
    """The number and the author in a key of kind `r`."""
    middle = 1 + NUMBER_BYTES
    return int.from_bytes(key[1:middle], "big"), int.from_bytes(key[middle : middle + AUTHOR_BYTES], "big")


def author_in(key: bytes) -> int:
    """The author in a key of kind `p` or `o`."""
    return int.from_bytes(key[1 : 1 + AUTHOR_BYTES], "big")


def encode_fields(fields: Mapping[str, Any]) -> bytes:
    """A record's value."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def decode_fields(key: bytes, value: bytes) -> dict[str, Any]:
    """The fields in a record's value.

    Raises:
        RecordDamaged: placed writes no such key or value.
    """
    shape = _SHAPES.get((key[:1] + key[-1:]).decode("latin-1"))
    if shape is None or len(key) != 2 + _KEY_BYTES[key[:1]]:
        raise RecordDamaged(f"a key of {len(key)} bytes that means nothing")
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise RecordDamaged("a value that is no JSON") from error
    if not isinstance(fields, dict) or set(fields) != set(shape):
        raise RecordDamaged(f"a value without exactly the fields {', '.join(shape)}")
    for name, is_right in shape.items():
        if not is_right(fields[name]):
            raise RecordDamaged(f"a value whose {name} is out of range")  # without the value: it may be a name
    return fields


def put_of(key: bytes, value: bytes) -> Put:
    """The record for a `key` and a `value` of a topic; an empty value deletes the key.

    Raises:
        RecordDamaged: placed writes no such record.
    """
    if value:
        fields = decode_fields(key, value)
        try:
            encode_fields(fields)
        except ValueError as error:  # half of a surrogate pair, which JSON can spell
            raise RecordDamaged("a text that is no Unicode") from error
        return Put(key, fields)
    if key[:1] + key[-1:] not in _KINDS or len(key) != 2 + _KEY_BYTES[key[:1]]:
        raise RecordDamaged(f"a key of {len(key)} bytes that means nothing")
    return Put(key, None)


def encode_stored(key: bytes, stamp: int, fields: Mapping[str, Any]) -> bytes:
    """The value as LMDB has it, with a checksum, because LMDB itself has none."""
    body = stamp.to_bytes(_STAMP_BYTES, "big") + encode_fields(fields)
    return zlib.crc32(key + body).to_bytes(_CRC_BYTES, "big") + body


def decode_stored(key: bytes, value: bytes) -> Stored:
    """The stamp and fields that `encode_stored` encoded.

    Raises:
        RecordDamaged: the value's checksum is wrong.
    """
    body = value[_CRC_BYTES:]
    if len(body) < _STAMP_BYTES or zlib.crc32(key + body).to_bytes(_CRC_BYTES, "big") != value[:_CRC_BYTES]:
        raise RecordDamaged(f"the checksum of a record of kind {key[:1]!r} is wrong")
    return Stored(int.from_bytes(body[:_STAMP_BYTES], "big"), json.loads(body[_STAMP_BYTES:]))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _MOST_TEXT


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MOST_NUMBER


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _are_roles(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and set(value) <= set(ROLES)


def _is_area(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 4 or not all(_is_number(each) for each in value):
        return False
    try:
        Area(*value)
    except ValueError:
        return False
    return True


def _is_picture(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_PICTURE and _BASE64.fullmatch(value) is not None


def _is_state(value: object) -> bool:
    return value in STATES


_SHAPES: Final[Mapping[str, Mapping[str, Callable[[object], bool]]]] = MappingProxyType(
    {
        "pi": {"id": _is_text, "created_ms": _is_number},
        "pn": {"name": _is_text, "skeleton": _is_text, "since": _is_number_or_none},
        "pr": {"roles": _are_roles},
        "ps": {"seen_ms": _is_number},
        "ci": {"id": _is_text, "created_ms": _is_number},
        "cu": {"first_ms": _is_number, "last_ms": _is_number, "uses": _is_number},
        "cx": {"revoked_ms": _is_number},
        "ti": {"id": _is_text, "name": _is_text, "roles": _are_roles, "created_ms": _is_number},
        "ts": {"seen_ms": _is_number},
        "hi": {"created_ms": _is_number},
        "hu": {"used_ms": _is_number, "by": _is_text},
        "oi": {"signed_out_ms": _is_number},
        "ri": {
            "time_ms": _is_number,
            "version": _is_number,
            "area": _is_area,
            "text": _is_text,
            "seen": _is_area,
            "picture": _is_picture,
        },
        "rs": {"state": _is_state},
    }
)
_KINDS: Final = frozenset(shape.encode() for shape in _SHAPES)
