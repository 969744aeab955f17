"""Paints a picture: looks at the canvas, paints the pixels that differ, and looks again, until none differs.

           ┌──────────────── something failed: wait ───────────────┐
           v                                                       │
    look: /info, canvas.png ──> plan: which pixels differ ──> pass: edits
           ^                              │ none                   │ all answered, or a minute is over
           │                              v                        │
           │                            done                       │
           └───────────────────────────────────────────────────────┘

The painter trusts only the canvas: it looks there for an edit with an unknown outcome, and for an edit that somebody
painted over. That is also why a second run goes on where the first one stopped.

Invariants: at most `MAX_IN_FLIGHT` requests with one edit each are in flight, or `MAX_LISTS_IN_FLIGHT` requests with as
many edits as the server takes. Until the server has answered some, requests are fewer and smaller. The painter sends no
request without charges for it (`Charges`), nor while the server has asked it to wait. Without `keep` it places
no pixel more often than `MAX_PLACINGS` times. All state belongs to the one task in `run` and the requests that it
sends, on one Trio thread.

    PaintStopped          it can't go on; the message is for people
    └── DoesNotFit        the picture is not inside the canvas
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np
import trio

from placed.canvas.quantise import Dither, quantise
from placed.commands.paint.api import MAX_EDITS, MAX_IN_FLIGHT, ApiError, BadEdit, Cooldown, TooLarge, Unavailable
from placed.commands.paint.pace import Charges, Patience
from placed.commands.paint.plan import Order, Target, misfit
from placed.commands.paint.progress import duration

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

    from placed.commands.paint.api import ApiClient, Canvas, Info
    from placed.commands.paint.pace import Flight
    from placed.commands.paint.progress import Progress
    from placed.storage.picture import Picture

MAX_LISTS_IN_FLIGHT = 2  # the server reads one while it stores the other; more would leave others little time

# For one pixel: the first placing, and three repairs. Somebody who paints over it more often may keep it.
MAX_PLACINGS = 4
# So that, with a slow cooldown, charges aren't spent on pixels that others have painted right meanwhile.
LOOK_EVERY_SECONDS = 60.0
# Between looks with `keep`; if nothing has changed, such a look costs the server a 304.
KEEP_EVERY_SECONDS = 5.0
# An image is up to 1 s older than the canvas; a cache or another server adds to that.
_IMAGE_LAG_SECONDS = 5.0
_IMAGE_AGAIN_SECONDS = 0.25
# Rounding may turn shorter waits into 0, and the painter would then wait again and again.
_CLOCK_STEP_SECONDS = 0.001
# Refusals in a row, although each edit waited as the server asked. A guess; others at our address may compete.
_MAX_REFUSALS = 20


class PaintStopped(Exception):
    """The painter can't go on."""


class DoesNotFit(PaintStopped):
    """The picture is not inside the canvas."""


@attrs.frozen(eq=False)
class Job:
    """A picture to paint, its place, and the options.

    Attributes:
        x, y: where the picture's top left pixel goes.
        keep: repair for ever.
        dry_run: look and plan only.
        give_up_seconds: how long the server may fail without a success in between; inf is for ever.
    """

    picture: Picture
    x: int
    y: int
    dither: Dither
    order: Order
    keep: bool
    dry_run: bool
    give_up_seconds: float


@attrs.frozen(eq=False)
class _Look:
    """One look at the canvas: the image is no newer than the info."""

    info: Info
    canvas: Canvas

    def same_canvas(self, other: _Look) -> bool:
        """Whether both looks show the same log, size and palette."""
        mine, others = self.info, other.info
        return (
            mine.log == others.log
            and (mine.width, mine.height) == (others.width, others.height)
            and np.array_equal(mine.palette, others.palette)
        )


class Painter:
    """Paints one job.

    Attributes:
        total, right: the number of the picture's pixels, and of its right pixels as far as the painter knows. Both
            are 0 before the first look.
        placed: the number of edits that the server has acknowledged.
        left_seconds: about how long the rest takes; None if that isn't known.
    """

    def __init__(self, api: ApiClient, job: Job, progress: Progress, rng: random.Random) -> None:
        self.total = self.right = self.placed = 0
        self._api = api
        self._job = job
        self._progress = progress
        self._charges = Charges(1, 0)
        self._looks = Patience(job.give_up_seconds, rng)
        self._edits = Patience(job.give_up_seconds, rng)
        self._placings: NDArray[np.uint8] = np.zeros(job.picture.visible.shape, np.uint8)
        self._version = 0  # the highest version at which an edit of ours is visible
        self._window = 1  # how many requests may be in flight, and edits in each; doubles with each answer
        self._requests = 0  # in flight
        self._most_edits = 1  # in one request, by the server's limit
        self._fitting_edits = MAX_EDITS  # in one request, by the limit of a proxy before the server
        self._refusals = 0  # in a row
        self._failures: list[tuple[ApiError, float]] = []  # of this pass, each with the seconds that it took
        self._landed = trio.Event()  # replaced whenever an edit lands
        self._painted_seconds = 0.0  # of all passes before this one
        self._pass_since: float | None = None

    async def run(self) -> None:
        """Paint until every pixel is right, or as many as the limits allow; with `keep`, until cancelled.

        Raises:
            PaintStopped, DoesNotFit: see the module.

        Cancellation: edits in flight may be placed.
        """
        look = await self._look()
        target = self._target(look)
        while True:
            wrong = target.wrong(look.canvas.colors)
            self.total, self.right = target.pixels, target.pixels - int(wrong.sum())
            self._tell()
            todo = wrong if self._job.keep else wrong & (self._placings < MAX_PLACINGS)
            if self._job.dry_run or not (todo.any() or self._job.keep):
                return
            await self._pass(target.edits(todo, self._job.order))
            if self._job.keep:
                await trio.sleep(KEEP_EVERY_SECONDS)
            before, look = look, await self._look()
            if not look.same_canvas(before):
                self._progress.note("the canvas is another one now: planning anew")
                self._placings[:] = 0
                target = self._target(look)
            else:
                self._raise_bad_edit()

    @property
    def left_seconds(self) -> float | None:
        """About how long the rest takes, by the cooldown and by the speed so far."""
        left, now = self.total - self.right, trio.current_time()
        cooldown = self._charges.seconds_for(left, now)
        if self.placed == 0:
            return cooldown or None
        painting = self._painted_seconds + (0 if self._pass_since is None else now - self._pass_since)
        return max(cooldown, left * painting / self.placed)

    def _target(self, look: _Look) -> Target:
        info, job = look.info, self._job
        picture = job.picture
        reason = misfit(job.x, job.y, picture.width, picture.height, info.width, info.height)
        if reason:
            raise DoesNotFit(reason)
        colors = quantise(picture.rgb, picture.visible, info.palette, job.dither)
        return Target(job.x, job.y, colors, picture.visible)

    # --- looking

    async def _look(self) -> _Look:
        """The canvas, with all our edits in it, if the server's image catches up soon.

        Before our first edit it waits for the version of /info, because an earlier run may have placed edits.
        """
        lag_until = trio.current_time() + _IMAGE_LAG_SECONDS
        needed = self._version
        while True:
            started = trio.current_time()
            try:
                info = await self._api.info()
                info_at = trio.current_time()
                canvas = await self._api.canvas(info)
            except Unavailable as error:
                await self._wait_out(self._looks, error, trio.current_time() - started)
                lag_until = trio.current_time() + _IMAGE_LAG_SECONDS
                continue
            except ApiError as error:
                raise PaintStopped(str(error)) from error
            self._recovered(self._looks, "the server answers again")
            needed = needed or info.version
            if canvas.version >= min(needed, info.version) or trio.current_time() >= lag_until:
                break
            await trio.sleep(_IMAGE_AGAIN_SECONDS)
        self._version = min(self._version, info.version)  # a version means nothing in another log
        self._learn(info, info_at)
        return _Look(info, canvas)

    def _learn(self, info: Info, now: float) -> None:
        charges = self._charges
        if (charges.charges, charges.charge_seconds) != (info.charges, info.charge_seconds):
            self._charges = Charges(info.charges, info.charge_seconds)
        self._charges.told(info.remaining, info.next_seconds, now)
        self._most_edits = min(info.most_edits, self._fitting_edits)

    # --- painting

    async def _pass(self, edits: list[tuple[int, int, int]]) -> None:
        """Send edits until all are sent, a request fails, or it is time to look; then wait for the answers."""
        self._failures.clear()
        started = self._pass_since = trio.current_time()
        sent = 0
        async with trio.open_nursery() as nursery:
            while sent < len(edits):
                count = await self._may_send(started + LOOK_EVERY_SECONDS)
                if not count:
                    break
                some = edits[sent : sent + count]
                sent += len(some)
                self._requests += 1
                nursery.start_soon(self._send, some, self._charges.sent(len(some), trio.current_time()))
        self._painted_seconds += trio.current_time() - started
        self._pass_since = None
        await self._after_failures()

    async def _may_send(self, until: float) -> int:
        """Wait for charges and for a free request; return how many edits may go, or 0 if the pass is over."""
        while not self._failures and trio.current_time() < until:
            now = trio.current_time()
            wait = self._charges.wait_seconds(now)
            if wait <= 0 and self._requests < self._most_requests:
                return self._charges.free(min(self._window, self._most_edits), now)
            landed = self._landed
            with trio.move_on_after(max(wait, _CLOCK_STEP_SECONDS) if wait > 0 else math.inf):
                await landed.wait()
        return 0

    @property
    def _most_requests(self) -> int:
        """How many requests may be in flight."""
        return min(self._window, MAX_IN_FLIGHT if self._most_edits == 1 else MAX_LISTS_IN_FLIGHT)

    async def _send(self, edits: list[tuple[int, int, int]], flight: Flight) -> None:
        try:
            placed = await self._api.place(edits)
        except Cooldown as error:
            self._charges.refused(flight, error.retry_after_seconds, trio.current_time())
            self._window = 1
            self._refusals += 1
            if self._refusals >= _MAX_REFUSALS:
                self._failures.append((error, 0))
        except TooLarge as error:
            self._charges.dropped(flight)
            self._fitting_edits = self._most_edits = max(1, len(edits) // 2)
            if len(edits) == 1:
                self._failures.append((error, 0))
        except ApiError as error:
            now = trio.current_time()
            self._charges.landed(flight, None, now)
            self._window = 1
            self._failures.append((error, now - flight.sent_at))
        else:
            self._charges.landed(flight, placed.remaining, trio.current_time())
            self._count(edits, placed.version)
        finally:
            self._requests -= 1
        self._landed.set()
        self._landed = trio.Event()

    def _count(self, edits: list[tuple[int, int, int]], version: int) -> None:
        for x, y, _ in edits:
            row, column = y - self._job.y, x - self._job.x
            self._placings[row, column] = min(int(self._placings[row, column]) + 1, MAX_PLACINGS)
        self._version = max(self._version, version)
        self._window = min(2 * self._window, max(MAX_IN_FLIGHT, self._most_edits))
        self._refusals = 0
        self._recovered(self._edits, "edits are taken again")
        self.placed += len(edits)
        self.right += len(edits)
        self._tell()

    # --- failing

    async def _after_failures(self) -> None:
        """Wait as long as the failures of a pass ask for; end the painting if waiting can't help."""
        hopeless = [error for error, _ in self._failures if not isinstance(error, (Unavailable, BadEdit))]
        if hopeless:
            raise PaintStopped(str(hopeless[0])) from hopeless[0]
        waits = [(error, took) for error, took in self._failures if isinstance(error, Unavailable)]
        if waits:
            # Requests that were in flight together failed together: one incident, one step of the back-off.
            error = max((error for error, _ in waits), key=lambda error: error.retry_after_seconds or 0)
            await self._wait_out(self._edits, error, max(took for _, took in waits))

    def _raise_bad_edit(self) -> None:
        """End the painting after a refused edit: on the same canvas the server will refuse it later, too."""
        for error, _ in self._failures:
            if isinstance(error, BadEdit):
                raise PaintStopped(str(error)) from error

    async def _wait_out(self, patience: Patience, error: Unavailable, took_seconds: float) -> None:
        first = not patience.failing
        wait = patience.failed(took_seconds, error.retry_after_seconds)
        if wait is None:
            raise PaintStopped(f"gave up after {duration(self._job.give_up_seconds)} without progress: {error}")
        if first:
            self._progress.note(f"{error}; trying again for {self._patience()}")
        await trio.sleep(wait)

    def _patience(self) -> str:
        seconds = self._job.give_up_seconds
        return "ever" if seconds == math.inf else duration(seconds)

    def _recovered(self, patience: Patience, line: str) -> None:
        if patience.failing:
            self._progress.note(line)
        patience.succeeded()

    def _tell(self) -> None:
        self._progress.update(self.right, self.total, self.left_seconds)
