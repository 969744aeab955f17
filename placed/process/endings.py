"""Lets SIGTERM and SIGHUP end a command as Ctrl-C does, so that it removes half-written files."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)  # a service manager; a terminal that closes


@contextlib.contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into Ctrl-C while the block runs; Trio raises that where it does no harm."""
    before = {}
    with contextlib.suppress(ValueError):  # this isn't the main thread, and only that one may set signal handlers
        for number in _ENDING:
            if signal.getsignal(number) == signal.SIG_DFL:  # under nohup SIGHUP is ignored, and must stay so
                before[number] = signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
