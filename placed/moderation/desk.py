"""Does acts, one at a time: appends the act's record, then its corrections or its new canvas, then that it is done.

    do ──> queue of 8 ──> append the act ──> read it back ──> work out what it paints ──> corrections ──> done
                             │                  offset A         the canvas at A+1, in a thread
                             └─ from here on it is on record; broken off, it is unfinished

A caller gets the answer when all of its act is in the log, and applied here. The act goes on even if the caller leaves.
When the server stops, callers that still wait learn how far their act has come. People go on painting between an act's
record and its last correction. Their pixels stay, if this server has read them before it appends the correction with
that pixel.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import numpy as np
import trio

from placed.backends import LogError, OutcomeUnknown
from placed.canvas.acts.record import record_of
from placed.canvas.events import Act, Canvas, Correction, Run
from placed.canvas.refusal import RecordRefused
from placed.history.past import PastError
from placed.moderation.painted_since import Since
from placed.moderation.painting import paint, wanted
from placed.moderation.present import CannotPaint, Present
from placed.tasks.writer import WriterClosed, WriterFull
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from placed.canvas.events import Event
    from placed.canvas.projection import Projection
    from placed.history.walk import AnyPast
    from placed.moderation.asked_act import Asked
    from placed.moderation.painting import PaintingAct
    from placed.moderation.whole_past import WholePast
    from placed.tasks.writer import Writer

MOST_WAITING: Final = 8  # acts; each takes up to some seconds, and a moderator waits for the answer
MOST_PIXELS: Final = 65_536  # of one correction, a record of 328 KB; edits wait while it is appended
_READ_SECONDS: Final = 10.0  # for an appended record to be read back
_STOPS: Final = "the server is shutting down"

Found = TypeVar("Found")


class DeskFull(Exception):
    """Too many acts wait already; try again."""


class Unfinished(Exception):
    """The act is on record, and was broken off; it can be repeated or undone.

    Attributes:
        act: its id.
    """

    def __init__(self, act: int, reason: object) -> None:
        super().__init__(f"act {act} was broken off: {reason}. It is on record, and can be repeated or undone")
        self.act = act


@attrs.frozen
class Done:
    """The result of an act.

    Attributes:
        act: its id.
        version: the version from which on all of it is visible.
        pixels: how many pixels it has painted.
    """

    act: int
    version: int
    pixels: int


# The errors that a caller may get. Any other error is a bug: the answer is then a 500, with a log line.
_OUTCOMES: Final = (RecordRefused, WriterFull, WriterClosed, LogError, CannotPaint, PastError, Unfinished)


class _Job:
    """An act that waits for its turn, and its result: `done`, or else `error`.

    Until the act has ended, `error` is the error that its caller gets if the server stops now. `is_awaited` says
    whether the caller still waits.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.ended = trio.Event()
        self.is_awaited = True
        self.done: Done | None = None
        self.error: Exception = WriterClosed(_STOPS)


class Desk:
    """The one task of a server that does acts.

    Args:
        projection: the canvas, as this server has read it.
        writer: appends the records.
        past: the past, for acts that need it.
        reach: waits until the projection has reached a version.
    """

    def __init__(
        self, projection: Projection, writer: Writer, past: WholePast, reach: Callable[[int], Awaitable[None]]
    ) -> None:
        self._projection = projection
        self._writer = writer
        self._past = past
        self._reach_version = reach
        self._send, self._jobs = trio.open_memory_channel[_Job](MOST_WAITING)
        self._thread = trio.CapacityLimiter(1)

    async def run(self) -> None:
        """Do the acts that callers ask for, for ever; when this is cancelled, all waiting callers get an error."""
        try:
            async for job in self._jobs:
                try:
                    job.done = await self._do(job)
                except Exception as error:  # noqa: BLE001 - the caller gets it; the next act must not wait for ever
                    job.error = error
                    _tell_bug(job, error)
                finally:
                    job.ended.set()
        finally:
            self._send_away()

    def _send_away(self) -> None:
        with contextlib.suppress(trio.WouldBlock):
            while True:
                self._jobs.receive_nowait().ended.set()
        self._jobs.close()

    async def do(self, asked: Asked) -> Done:
        """Do an act, after the acts that wait already.

        Raises:
            DeskFull: too many acts wait; nothing was done.
            RecordRefused: there is no room for the act, or it isn't for this canvas; nothing was done.
            WriterFull, WriterClosed, LogError: its record isn't in the log; after `OutcomeUnknown` it may be.
            CannotPaint, PastError: its pixels can't be worked out; nothing was done.
            Unfinished: the act was broken off.

        Cancellation: the act goes on.
        """
        job = _Job(asked)
        try:
            self._send.send_nowait(job)
        except trio.WouldBlock:
            raise DeskFull(f"{MOST_WAITING} acts are waiting already") from None
        except trio.BrokenResourceError:
            raise WriterClosed(_STOPS) from None
        try:
            await job.ended.wait()
        except trio.Cancelled:
            job.is_awaited = False
            raise
        if job.done is None:
            raise job.error
        return job.done

    def check(self, act: Act) -> None:
        """Check that the fold would accept an act at the present version.

        Raises:
            RecordRefused: it wouldn't.
        """
        one = np.array([self._projection.version])
        self._projection.state.fold(Run(act, one, one, np.array([0]), [b""]))

    async def _do(self, job: _Job) -> Done:
        asked, since = job.asked, Since()
        self.check(asked.act)
        if asked.paints is not None:
            await self._work_out(asked, wanted)  # an act that isn't possible must not go on record
        job.error = OutcomeUnknown(_STOPS)
        with self._projection.told(since.note) if asked.paints is not None else contextlib.nullcontext():
            act_id = await self._append(asked.act) - 1
            job.error = Unfinished(act_id, _STOPS)
            try:
                return await self._follow_up(asked, act_id, since)
            except (LogError, WriterFull, WriterClosed, CannotPaint, PastError, trio.TooSlowError) as error:
                logger = get_logger(__name__)
                logger.warning("an act was broken off", act=act_id, kind=asked.act.kind, reason=repr(error))
                raise Unfinished(act_id, str(error) or "the log can't be read") from error

    async def _follow_up(self, asked: Asked, act_id: int, since: Since) -> Done:
        await self._reach(act_id + 1)
        if str(act_id) not in record_of(self._projection.kept.acts):  # another server's act came between
            raise RecordRefused(f"the act {asked.act.kind} came too late: another one has changed what it needs")
        version, pixels = act_id + 1, 0
        if asked.grows is not None:
            version = await self._append(Canvas(asked.grows))
        elif asked.paints is not None:
            version, pixels = await self._paint(asked, act_id, since)
        else:
            return Done(act_id, version, 0)
        await self._reach(await self._append(Act("done", asked.act.by, {"act": act_id, "pixels": pixels})))
        return Done(act_id, version, pixels)

    async def _paint(self, asked: Asked, act_id: int, since: Since) -> tuple[int, int]:
        """Append the act's corrections; returns the version from which on all are visible, and how many pixels."""
        present = self.present()
        since.begin(act_id, (present.definition.height, present.definition.width))
        pixels = await self._work_out(asked, lambda *found: paint(*found).pixels, present)
        version, count = act_id + 1, 0
        for at in range(0, len(pixels), MOST_PIXELS):
            # `since` is asked anew for each part: between the first and the last one there may be seconds.
            part = since.left(pixels[at : at + MOST_PIXELS])
            if len(part):
                version = await self._append(Correction(act_id, part))
                count += len(part)
        return version, count

    async def _work_out(
        self,
        asked: Asked,
        call: Callable[[PaintingAct, Present, AnyPast | None], Found],
        present: Present | None = None,
    ) -> Found:
        """Call `call` for an act, in a worker thread, with the canvas `present`, or with the canvas as it is now."""
        canvas = present or self.present()

        def work_out(past: AnyPast | None) -> Found:
            return call(asked.painting(past), canvas, past)

        if asked.needs_past:
            return await self._past.ask(canvas.version, work_out)
        return await trio.to_thread.run_sync(work_out, None, limiter=self._thread)

    def present(self) -> Present:
        """The canvas as it is now."""
        projection = self._projection
        return Present(projection.version, projection.definition, projection.canvas.copy())

    async def _append(self, event: Event) -> int:
        """Append a record; returns the version from which on it is visible."""
        record = self._writer.add(event)
        await record.wait()
        return record.version()

    async def _reach(self, version: int) -> None:
        with trio.fail_after(_READ_SECONDS):
            await self._reach_version(version)


def _tell_bug(job: _Job, error: Exception) -> None:
    """Log an unexpected error if no caller waits for it any more, so that it doesn't pass unseen."""
    if not job.is_awaited and not isinstance(error, _OUTCOMES):
        get_logger(__name__).error("an act failed", kind=job.asked.act.kind, exc_info=error)
