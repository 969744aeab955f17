"""Makes standard output and error safe: a writer never waits for a reader, and never fails.

    print, log lines, bars, tracebacks --write--> a queue of at most MOST_BYTES --one thread--> the descriptor

A pipe that nobody empties, a terminal stopped by Ctrl-S, a full disk or a reader that is gone would otherwise stop the
event loop, or end it by an exception. When the queue is full, it takes nothing more until all of it has been written.
It counts the lines that it leaves out meanwhile, and a line at the place of the gap gives the count.

    taking --no room--> leaving out --all is written--> told how many, taking

A descriptor that is closed at the start (`2>&-`) is opened on /dev/null. Otherwise a socket or a database would get its
number, and error messages would be written into that. This module imports the standard library only.
"""

from __future__ import annotations

import io
import os
import select
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES: Final = 256 * 1024  # about 2,000 log lines; four times what a pipe holds on Linux
SETTLE_SECONDS: Final = 1.0  # for a reader that takes nothing at all; one that reads slowly gets longer
_PIECE_BYTES: Final = 16 * 1024  # small enough to see that a slow reader still reads
# Lines that come within this time are written together: to wake the thread for each line would cost the loop 30 us.
_GATHER_SECONDS: Final = 0.005


def open_missing_descriptors() -> None:
    """Open /dev/null for each of the descriptors 0, 1 and 2 that is closed, and a stream if Python has none for it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
            os.set_inheritable(descriptor, True)  # child processes should have it, too
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False, encoding="utf-8"))


class QueuedText(io.TextIOBase):
    """A text stream whose `write` only puts text into the queue. Thread: any.

    Args:
        descriptor: an open descriptor; this class doesn't close it.
        encoding: the encoding of the output; characters that it lacks are escaped.

    Attributes:
        on_left_out: called in the stream's thread, when writing goes on, with the number of lines that were left out.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._is_terminal = os.isatty(descriptor)
        self._changed = threading.Condition()
        # The condition guards all attributes below, except that only the thread uses `_is_torn`.
        self._waiting: deque[bytes] = deque()
        self._unwritten_bytes = 0  # including the bytes that are being written
        self._written_bytes = 0
        self._left_out = 0
        self._is_whole = True
        self._takes = True
        self._is_idle = False
        self._error: OSError | None = None
        self._thread: threading.Thread | None = None
        self._is_torn = False
        self.on_left_out: Callable[[int], None] | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in typeshed
        """The encoding of the output."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]  # a plain attribute in typeshed
        """The way in which characters are escaped that the encoding lacks."""
        return "backslashreplace"

    @property
    def error(self) -> OSError | None:
        """The error of the last write; None if it succeeded."""
        return self._error

    def writable(self) -> bool:
        """Always true."""
        return True

    def isatty(self) -> bool:
        """Whether the descriptor was a terminal when this stream was made."""
        return self._is_terminal

    def fileno(self) -> int:
        """The descriptor; writes to it bypass the queue."""
        return self._descriptor

    def flush(self) -> None:
        """Do nothing: loggers and bars flush each line, and must not wait. See `settle`."""

    def write(self, text: str) -> int:
        """Put `text` into the queue, or leave it out and count its lines."""
        data = text.encode(self._encoding, "backslashreplace")
        with self._changed:
            if self._takes and self._unwritten_bytes + len(data) <= MOST_BYTES:
                self._waiting.append(data)
                self._unwritten_bytes += len(data)
            else:
                self._takes = self._is_whole = False
                self._left_out += data.count(b"\n")
            if self._thread is None:
                self._start()
            if self._is_idle:
                self._is_idle = False
                self._changed.notify_all()
        return len(text)

    def settle(self) -> bool:
        """Wait until all is written, as long as the reader takes something each `SETTLE_SECONDS`.

        Returns:
            Whether everything was written, now and before.
        """
        with self._changed:
            while self._unwritten_bytes:
                before, deadline = self._written_bytes, time.monotonic() + SETTLE_SECONDS
                while self._unwritten_bytes and self._written_bytes == before:
                    if not self._changed.wait(deadline - time.monotonic()):
                        return False
            return self._is_whole

    def _start(self) -> None:
        # A daemon thread: a write that blocks for ever must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"writer of descriptor {self._descriptor}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._is_idle = True
                    self._changed.wait()
            time.sleep(_GATHER_SECONDS)
            with self._changed:
                data = b"".join(self._waiting)
                self._waiting.clear()
            lost = self._write_out(data)
            self._tell_of_gap(lost)

    def _write_out(self, data: bytes) -> int:
        """Write all of `data`, and return how many lines couldn't be written."""
        if self._is_torn and not self._try(b"\n"):
            self._settle_bytes(len(data))
            return data.count(b"\n")
        for begin in range(0, len(data), _PIECE_BYTES):
            piece = data[begin : begin + _PIECE_BYTES]
            if not self._try(piece):
                self._settle_bytes(len(data) - begin)
                return data.count(b"\n", begin)
            self._settle_bytes(len(piece))
        return 0

    def _try(self, piece: bytes) -> bool:
        """Write a piece; False if not all of it could be written. After a part of a line, `_is_torn` is set, and the
        next write begins with a line feed."""
        rest = piece
        try:
            while rest:
                rest = rest[self._write_some(rest) :]
        except OSError as error:
            self._error = error
            self._is_whole = False
            self._is_torn = self._is_torn or (len(rest) < len(piece) and piece[-len(rest) - 1] != 0x0A)
            return False
        self._error = None
        self._is_torn = False
        return True

    def _write_some(self, data: bytes) -> int:
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # another process with the same pipe or terminal has made it non-blocking
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll()

    def _settle_bytes(self, count: int) -> None:
        with self._changed:
            self._unwritten_bytes -= count
            self._written_bytes += count
            self._changed.notify_all()

    def _tell_of_gap(self, lost: int) -> None:
        left_out = 0
        with self._changed:
            self._left_out += lost
            if self._waiting:
                return
            self._takes = True
            if self._error is None:
                left_out, self._left_out = self._left_out, 0
        if left_out and self.on_left_out is not None:
            self.on_left_out(left_out)


class Output:
    """The process's standard output and error, each behind a queue.

    Attributes:
        stdout: the stream that takes the place of `sys.stdout`.
        stderr: the stream that takes the place of `sys.stderr`.
    """

    def __init__(self) -> None:
        self._direct = sys.stdout, sys.stderr
        self.stdout, self.stderr = QueuedText(1, _encoding(sys.stdout)), QueuedText(2, _encoding(sys.stderr))
        sys.stdout, sys.stderr = self.stdout, self.stderr

    def settle(self) -> bool:
        """Wait a bounded time until all is written; if it is, later output is written directly, without a queue.

        Returns:
            Whether all of standard output was written.
        """
        are_whole = [stream.settle() for stream in (self.stderr, self.stdout)]
        # Only if nothing got stuck: otherwise Python's own flush at exit could wait for ever, or change the exit code.
        if all(are_whole):
            sys.stdout, sys.stderr = self._direct
        return are_whole[1]


def _encoding(stream: Any) -> str:
    return getattr(stream, "encoding", None) or "utf-8"
