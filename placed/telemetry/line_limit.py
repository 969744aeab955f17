"""Limits the log lines of one kind: some at once, then one a second; and counts the lines left out.

A kind is one place in the code, whatever values its lines have, so there are no more kinds than places. Nothing that
happens often, because of an attack or a log that is away, can fill a disk, or hide other kinds of lines. `debug` lines
have no limit: an operator who asks for them wants all. Knows nothing of the rest of the package.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

BURST: Final = 10
PER_SECOND: Final = 1.0
LEFT_OUT: Final = "log lines were left out"


class _Bucket:
    """One kind's: the lines that it may still have, as of when, and how many it couldn't."""

    __slots__ = ("at", "left", "left_out")

    def __init__(self, now: float) -> None:
        self.left = float(BURST)
        self.at = now
        self.left_out = 0

    def take(self, now: float) -> bool:
        self.left = min(float(BURST), self.left + (now - self.at) * PER_SECOND)
        self.at = now
        if self.left < 1:
            self.left_out += 1
            return False
        self.left -= 1
        return True


class LineLimit(logging.Filter):
    """A handler's limit. Thread: any; libraries log from their own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line may be written."""
        kind = _kind(record)
        if record.levelno < logging.INFO or kind is None:
            return True
        with self._lock:
            bucket = self._buckets.get(kind)
            if bucket is None:
                bucket = self._buckets[kind] = _Bucket(self._clock())
            return bucket.take(self._clock())

    def take_left_out(self) -> dict[str, int]:
        """How many lines of each kind were left out since this was last asked; kinds without any aren't there."""
        with self._lock:
            taken = {kind: bucket.left_out for kind, bucket in self._buckets.items() if bucket.left_out}
            for kind in taken:
                self._buckets[kind].left_out = 0
        return taken


def _kind(record: logging.LogRecord) -> str | None:
    """Our events are constants; a library's message may have its values in it, so there the place counts."""
    if not isinstance(record.msg, dict):
        return f"{record.name}, {record.filename}:{record.lineno}"
    event = record.msg.get("event")
    return None if event == LEFT_OUT else f"{record.name}, {event}"
