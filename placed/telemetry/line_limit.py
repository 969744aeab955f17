"""Limits the log lines of each kind: some at once, then one a second; and counts the lines left out.

Lines of one kind come from one place in the code, so there are no more kinds than places. However often something
happens, because of an attack or an unreachable log, its lines can't fill a disk or hide lines of other kinds. `debug`
lines have no limit: an operator who asks for them wants all. This module knows nothing of the rest of the package.
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
    """A token bucket for one kind: `left` lines may be written, as of the time `at`; `left_out` couldn't be."""

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
    """The limit of one handler. Thread: any; libraries log from their own threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line may be written."""
        kind = _kind(record)
        if record.levelno < logging.INFO or kind is None:
            return True
        with self._lock:
            bucket = self._buckets.get(kind)
            if bucket is None:
                bucket = self._buckets[kind] = _Bucket(self._clock())
            return bucket.take(self._clock())

    def take_left_out(self) -> dict[str, int]:
        """How many lines of each kind were left out since the last call; without the kinds that lost none."""
        with self._lock:
            taken = {kind: bucket.left_out for kind, bucket in self._buckets.items() if bucket.left_out}
            for kind in taken:
                self._buckets[kind].left_out = 0
        return taken


def _kind(record: logging.LogRecord) -> str | None:
    """The line's kind: our events are constants, but a library's message may contain values, so its place counts."""
    if not isinstance(record.msg, dict):
        return f"{record.name}, {record.filename}:{record.lineno}"
    event = record.msg.get("event")
    return None if event == LEFT_OUT else f"{record.name}, {event}"
