"""An audience: subscribers of any server that streams frames, while edits are placed; measures cost and lateness.

The clock of a latency starts when an edit was due, not when a connection was free to send it. It stops when a
subscriber has read the first frame with the edit. So the clients' own time counts.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import numpy as np
import trio

from bench.equipment.http_client import connection
from bench.equipment.load_process import Busy, LoadProcess, busy_share, load_process
from bench.equipment.measure import reading, resident_bytes
from bench.load.senders import EDIT_TARGET, Answers, Load
from bench.load.stream_readers import Reading

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from numpy.typing import NDArray

    from bench.equipment.place import Place

_SETTLE_SECONDS: Final = 1.0  # for the last frames to arrive
_SAMPLED: Final = 64
_CONNECTIONS: Final = 64  # that place edits: enough that one is always free, so that the rate holds

read_every_option = click.option(
    "--read-every-ms",
    "every_ms",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0, 1_000),
    help="How often subscribers read their sockets. 0 wakes them for each frame, which costs the server more.",
)


@attrs.frozen
class Dialect:
    """How to talk to one kind of server.

    Attributes:
        follow: target of a stream.
        place, body: target and body of the request that makes a frame; see `bench.load.senders.Load`.
        marker: a pattern that finds a frame's number; see `bench.load.stream_readers.Reading`.
        is_numbered: whether a frame carries its request's own number, rather than the version in the answer.
    """

    follow: str
    place: str = EDIT_TARGET
    body: str = ""
    marker: str = r"id: (\d+)"
    websocket: bool = False
    is_numbered: bool = False


@attrs.frozen
class Show:
    """The results of one time of placing edits.

    Attributes:
        edits: edits that were answered with 2xx.
        refused: edits that weren't.
        frames: frames that arrived, at all subscribers together.
        missing: pairs of an edit and a sampled subscriber that it never reached.
        ended: streams that the server ended.
        cpu_seconds: CPU time of the server, including that of placing; NaN if its process isn't known.
        latencies_ms: from when an edit was due until a subscriber read it.
        answered_ms: p50, p99, p99.9 and max, from when an edit was due until its answer.
        busy: share of the clients' core that they used.
    """

    edits: int
    refused: int
    frames: int
    missing: int
    ended: int
    cpu_seconds: float
    latencies_ms: NDArray[np.float64] = attrs.field(repr=False)
    answered_ms: dict[str, float]
    busy: float


class Audience:
    """Subscribers who already follow."""

    def __init__(
        self, place: Place, dialect: Dialect, processes: list[LoadProcess], bytes_each: float, join_seconds: float
    ) -> None:
        self._place = place
        self._dialect = dialect
        self._processes = processes
        self.bytes_each = bytes_each
        self.join_seconds = join_seconds

    async def show(self, rate: float, seconds: float, bounds: tuple[int, int, int] = (1000, 1000, 16)) -> Show:
        """Place edits at a rate, and return the results."""
        for process in self._processes:
            await process.ask()  # drops what arrived before this show
        before = reading(self._place.pid).cpu if self._place.pid else np.nan
        answers = await place_edits(self._place, self._dialect, rate, seconds, bounds)
        await trio.sleep(_SETTLE_SECONDS)
        spent = reading(self._place.pid).cpu - before if self._place.pid else np.nan
        came: list[dict[str, Any]] = [await process.ask() for process in self._processes]
        seen = [np.array(stream) for each in came for stream in each["seen"] if stream]
        sampled = sum(len(each["seen"]) for each in came)
        placed = np.array([(n if self._dialect.is_numbered else v, due) for n, v, due in answers.moments]).reshape(
            -1, 2
        )
        latencies = [_lateness(placed, stream) for stream in seen]
        arrived = np.concatenate(latencies) if latencies else np.empty(0)
        return Show(
            edits=len(placed),
            refused=answers.unanswered + sum(n for code, n in answers.statuses.items() if not code.startswith("2")),
            frames=sum(each["frames"] for each in came),
            missing=len(placed) * sampled - len(arrived),
            ended=sum(each["ended"] for each in came),
            cpu_seconds=spent,
            latencies_ms=arrived,
            answered_ms=answers.latency_ms,
            busy=busy_share([answers.busy, *(Busy(**each["busy"]) for each in came)]),
        )


def _lateness(placed: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lateness in ms of those edits that a stream has shown; `seen` has the stream's frame numbers and moments."""
    at = np.searchsorted(seen[:, 0], placed[:, 0])
    shown = at < len(seen)
    late: NDArray[np.float64] = 1000 * (seen[at[shown], 1] - placed[shown, 1])
    return late


async def place_edits(
    place: Place, dialect: Dialect, rate: float, seconds: float, bounds: tuple[int, int, int] = (1000, 1000, 16)
) -> Answers:
    """Place edits at a rate, in an open loop."""
    width, height, colors = bounds
    load = Load(
        place.host,
        place.port,
        connections=_CONNECTIONS,
        rate=rate,
        seconds=seconds,
        target=dialect.place,
        body=dialect.body,
        keeps_moments=True,
        width=width,
        height=height,
        colors=colors,
    )
    return await send(load)


async def present(place: Place) -> Dialect:
    """How to follow placed from its present version on."""
    async with connection(place.host, place.port) as link:
        return Dialect(f"/edits?v={(await link.request('GET', '/info')).json()['version']}")


async def send(load: Load) -> Answers:
    """Run `bench.load.senders` with a load."""
    async with load_process("bench.load.senders", load) as process:
        told = await process.answer()
    return Answers(**{**told, "busy": Busy(**told["busy"])})


@contextlib.asynccontextmanager
async def audience(
    place: Place, dialect: Dialect, subscribers: int, *, processes: int = 1, every_ms: float = 0.0
) -> AsyncGenerator[Audience]:
    """Start `subscribers` clients in several processes, and end them at the end. `every_ms` is as in `Reading`."""
    empty = resident_bytes(place.pid)["RssAnon"] if place.pid else np.nan
    began = trio.current_time()
    async with contextlib.AsyncExitStack() as stack:
        readers = []
        for index in range(processes):
            count = subscribers * (index + 1) // processes - subscribers * index // processes
            spec = Reading(
                place.host,
                place.port,
                count,
                dialect.follow,
                dialect.marker,
                websocket=dialect.websocket,
                sampled=-(-_SAMPLED // processes),
                every_ms=every_ms,
            )
            readers.append(await stack.enter_async_context(load_process("bench.load.stream_readers", spec)))
        for process in readers:
            await process.answer()
        joined = trio.current_time() - began
        grown = resident_bytes(place.pid)["RssAnon"] - empty if place.pid else np.nan
        yield Audience(place, dialect, readers, grown / subscribers, joined)
