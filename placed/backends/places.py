"""Reads a log's URL: where the log is, and what is true of all logs of its kind. Only this module does so. Pure.

    memory:                                   ends with its server
    lmdb:PATH                                 in a folder of this machine
    kafka://HOST:PORT[,HOST:PORT…]/TOPIC      on other machines, for any number of servers

A further kind of log is a function in `_KINDS` here, and one in `placed.backends.opening` that opens it.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SYNTAX: Final = "memory:, lmdb:PATH or kafka://host:port[,host:port]/topic"

_BROKER: Final = r"(?:[0-9A-Za-z_.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}"
_KAFKA: Final = re.compile(rf"//{_BROKER}(?:,{_BROKER})*/(?!\.{{1,2}}\Z)[0-9A-Za-z._-]{{1,249}}", re.ASCII)


@attrs.frozen
class LogPlace:
    """Where one log is.

    Attributes:
        kind: a word for logs like this, which is also the beginning of the URL.
        url: the whole URL.
        folder: the folder that holds the log; None if no folder does.
        lasts: whether the log is still there when its server has ended.
        is_remote: whether the log is on other machines, and may be away for a while.
    """

    kind: str
    url: str
    folder: Path | None = None
    lasts: bool = True
    is_remote: bool = False


def parse_place(url: str) -> LogPlace:
    """The place that a URL names.

    Raises:
        ValueError: the URL isn't that of a log; allowed is `SYNTAX`.
    """
    kind, colon, rest = url.partition(":")
    if not colon or kind not in _KINDS:
        raise ValueError(f"{url!r}; allowed is {SYNTAX}")
    return _KINDS[kind](rest)


def _memory(rest: str) -> LogPlace:
    if rest:
        raise ValueError(f"{rest!r} after memory:; allowed is nothing")
    return LogPlace("memory", "memory:", lasts=False)


def _lmdb(rest: str) -> LogPlace:
    if not rest or "\0" in rest:
        raise ValueError(f"{rest!r} after lmdb:; allowed is a path")
    try:
        folder = Path(rest).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ValueError(f"{rest!r} after lmdb:; {error}") from error
    return LogPlace("lmdb", f"lmdb:{folder}", folder)


def _kafka(rest: str) -> LogPlace:
    brokers = rest.removeprefix("//").partition("/")[0].split(",")
    if not _KAFKA.fullmatch(rest) or not all(1 <= int(one.rpartition(":")[2]) <= 65_535 for one in brokers):
        raise ValueError(f"{rest!r} after kafka:; allowed is //host:port[,host:port]/topic")
    return LogPlace("kafka", f"kafka:{rest}", is_remote=True)


_KINDS: Final[Mapping[str, Callable[[str], LogPlace]]] = MappingProxyType(
    {"memory": _memory, "lmdb": _lmdb, "kafka": _kafka}
)
