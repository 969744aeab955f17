"""Ends a command by SIGTERM and SIGHUP as by Ctrl-C, so that it removes what it has half-written."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)  # a service manager; a terminal that closes


@contextlib.contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Take SIGTERM and SIGHUP for Ctrl-C, which Trio hands on where it does no harm."""
    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread, which alone may say what signals do
        for number in _ENDING:
            if signal.getsignal(number) == signal.SIG_DFL:  # nohup has it ignored
                before[number] = signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
