"""A log that behaves as its test says, for the tasks that write to a log and read from it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import trio

from placed.backends import Log, OffsetOutOfRange
from placed.backends.memory import MemoryLog

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from placed.canvas.batch import Batch

NOW_MS = 1_700_000_000_000


class ScriptedLog(Log):
    """A memory log whose appends wait and fail, and whose reads break off, as the test says.

    Attributes:
        gate: appends wait for it; open at first.
        append_errors: errors of the next appends, the first one first; None lets one through.
        bounds_errors: errors of the next calls of `bounds`.
        enter_errors: errors of the next calls of `read`.
        receive_errors: errors of the next `receive` of each open reader, before it gets anything.
        appended: the values of all appends, also those that failed.
        first: hides the records below it, as retention would.
    """

    def __init__(self) -> None:
        self._log = MemoryLog(max_bytes=1 << 20, clock_ms=lambda: NOW_MS)
        self.gate = trio.Event()
        self.gate.set()
        self.append_errors: list[Exception | None] = []
        self.bounds_errors: list[Exception] = []
        self.enter_errors: list[Exception] = []
        self.receive_errors: list[Exception] = []
        self.appended: list[bytes] = []
        self.reads: list[int] = []
        self.first = 0

    @property
    def id(self) -> str:
        """The memory log's id."""
        return self._log.id

    async def bounds(self) -> tuple[int, int]:
        """The memory log's bounds, without the hidden records; or fail."""
        if self.bounds_errors:
            raise self.bounds_errors.pop(0)
        first, end = await self._log.bounds()
        return max(first, self.first), end

    async def append(self, value: bytes) -> int:
        """Append once the gate is open, or fail."""
        self.appended.append(value)
        error = self.append_errors.pop(0) if self.append_errors else None
        await self.gate.wait()
        if error is not None:
            raise error
        return await self._log.append(value)

    @contextlib.asynccontextmanager
    async def read(self, offset: int) -> AsyncGenerator[trio.abc.ReceiveChannel[Batch]]:
        """Read, or fail."""
        self.reads.append(offset)
        if self.enter_errors:
            raise self.enter_errors.pop(0)
        async with self._log.read(offset) as batches:
            yield _Breaking(batches, self.receive_errors)

    def close(self) -> None:
        """Wake the readers with LogClosed."""
        self._log.close()


class Retained(ScriptedLog):
    """A log that loses records by retention while it is read.

    Attributes:
        losses: pairs (calls, first): after so many more calls of `bounds` or `read`, the log begins at `first`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[tuple[int, int]] = []

    def _pass(self) -> None:
        if self.losses:
            calls, first = self.losses[0]
            self.losses[0] = calls - 1, first
            if not calls:
                self.first = first
                del self.losses[0]

    async def bounds(self) -> tuple[int, int]:
        """The present bounds."""
        self._pass()
        return await super().bounds()

    @contextlib.asynccontextmanager
    async def read(self, offset: int) -> AsyncGenerator[trio.abc.ReceiveChannel[Batch]]:
        """Read from `offset`, if it is still there."""
        self._pass()
        if offset < self.first:
            raise OffsetOutOfRange(offset, self.first, (await super().bounds())[1])
        async with super().read(offset) as batches:
            yield batches


class _Breaking(trio.abc.ReceiveChannel["Batch"]):
    def __init__(self, batches: trio.abc.ReceiveChannel[Batch], errors: list[Exception]) -> None:
        self._batches = batches
        self._errors = errors

    async def receive(self) -> Batch:
        if self._errors:
            raise self._errors.pop(0)
        return await self._batches.receive()

    async def aclose(self) -> None:
        await self._batches.aclose()
