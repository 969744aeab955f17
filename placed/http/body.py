"""Reads the bodies that clients send: forms and JSON objects, as names and values in order. Refuses all others, and
says why. Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from placed.http.answer import Problem

if TYPE_CHECKING:
    from placed.http.answer import Request

BODY_BYTES: Final = 4_096  # an edit as JSON is about 30
EDITS_BODY_BYTES: Final = 98_304  # 1,000 edits of the widest canvas take 16 KB, and 80 KB with a line for each number
ACT_BODY_BYTES: Final = 524_288  # a picture of up to 390 KB as base64; r/place of 2017 is 222 KB
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
_LARGER_BODIES: Final = {"/edits": EDITS_BODY_BYTES, "/acts": ACT_BODY_BYTES}
_MAX_FIELDS = 16

Pairs = list[tuple[str, object]]


class Members(list[tuple[str, object]]):
    """A JSON object's members in order, so that the caller notices a repeated one."""


def most_body_bytes(path: str) -> int:
    """The most bytes that a body sent to `path` may have."""
    return _LARGER_BODIES.get(path, BODY_BYTES)


def media_type(request: Request, *allowed: str) -> str:
    """The body's media type, one of `allowed`.

    Raises:
        Problem: 415, the type isn't in `allowed`, or the body is compressed.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", ""):  # the server never unpacks a body: a few bytes could become very many
        detail = f"Content-Encoding {coding[:64]!r}; allowed is identity, a body as it is"
        raise Problem(415, "unsupported-media-type", detail, ("Accept-Encoding", "identity"))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in allowed:
        return kind
    detail = f"Content-Type {kind[:64]!r}; allowed is {' or '.join(allowed)}"
    raise Problem(415, "unsupported-media-type", detail, ("Accept", ", ".join(allowed)))


def form_pairs(form: str, where: str) -> Pairs:
    """The names and values of a query or a form, in order.

    Raises:
        Problem: 400, there are more than 16.
    """
    try:
        return list(parse_qsl(form, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="replace"))
    except ValueError:
        raise Problem(400, "invalid-body", f"the {where} has more than {_MAX_FIELDS} fields") from None


def json_members(body: bytes, expected: str) -> Members:
    """The members of the JSON object that `body` is.

    Args:
        body: the bytes.
        expected: the words of the error for a client that sent something else.

    Raises:
        Problem: 400, it's no JSON object.
    """
    try:
        value = json.loads(body, object_pairs_hook=Members)
    except RecursionError:
        raise _invalid("nests too deep", expected) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise _invalid("is not JSON", expected) from None
    except ValueError:  # Python's own limit, 4,300 digits
        raise _invalid("has a number of far too many digits", expected) from None
    if not isinstance(value, Members):
        raise _invalid("is not an object", expected)
    return value


def _invalid(why: str, expected: str) -> Problem:
    return Problem(400, "invalid-body", f"the body {why}; expected is {expected}")
