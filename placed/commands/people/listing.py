"""Makes lists of people, codes and tokens, as lines of text for a terminal, and as CSV. Pure."""

from __future__ import annotations

import csv
import io
import time
from typing import TYPE_CHECKING, Any, Final

from placed.people.invitations import code_link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_NONE: Final = "-"
_PEOPLE: Final = ("author", "name", "roles", "id", "last seen")
_CODES: Final = ("number", "used", "last", "uses", "state")
_TOKENS: Final = ("id", "name", "roles", "author", "last use")


def people_lines(people: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A table of people; names are escaped, because they go to a terminal."""
    rows = (
        (one["author"], one["name"] or _NONE, ",".join(one["roles"]), one["id"], _moment(one["seen_ms"]))
        for one in people
    )
    return _table(_PEOPLE, (16, 24, 16, 24, 0), rows)


def code_lines(codes: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A table of codes. Somebody may have passed on a code that was used more than once."""
    rows = (
        (one["id"], _moment(one["used_ms"]), _moment(one["last_ms"]), str(one["uses"]), _state(one)) for one in codes
    )
    return _table(_CODES, (12, 16, 16, 4, 0), rows)


def token_lines(tokens: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A table of tokens."""
    rows = ((one["id"], one["name"], ",".join(one["roles"]), one["author"], _moment(one["seen_ms"])) for one in tokens)
    return _table(_TOKENS, (8, 24, 16, 16, 0), rows)


def codes_csv(codes: Iterable[dict[str, str]], address: str) -> str:
    """New codes as CSV, `code,link`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("code", "link"))
    writer.writerows((one["code"], code_link(address, one["code"])) for one in codes)
    return text.getvalue()


def _state(code: dict[str, Any]) -> str:
    if code["revoked_ms"] is not None:
        return "revoked"
    return "used again" if code["uses"] > 1 else "used" if code["uses"] else "new"


def _moment(ms: int | None) -> str:
    """A time to the minute, UTC."""
    return _NONE if ms is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(ms / 1000))


def _table(heads: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(heads, widths)
    for row in rows:
        yield _line([_printable(cell) for cell in row], widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode("ascii") for c in text)
