"""Faults while a server serves. Each begins, lasts, and is undone, even when it is cut short."""

from __future__ import annotations

import contextlib
import random
import signal
from typing import TYPE_CHECKING, Final

import attrs
import trio

from bench.equipment.http_client import Connection, connection
from bench.torturing import schedule
from bench.torturing.broken_promise import Broken
from bench.torturing.people import GONE, HOST, stalled_reader

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from bench.equipment.cut_proxy import CutProxy
    from bench.torturing.clock import Clock
    from bench.torturing.disk import SmallDisk
    from bench.torturing.people import Scene
    from bench.torturing.schedule import Fault

_RECOVERY_SECONDS: Final = 20.0
_BURST_CONNECTIONS: Final = 40
_GARBAGE_SECONDS: Final = 0.5
_GARBAGE: Final = (
    b"POST /edit?x=foo&y=1&color=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    b"POST /edit?x=4294967297&y=1&color=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    b"POST /edit?x=1&y=1&color=256 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    b"POST /edit?x=1&x=2&y=1&color=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    b"POST /edit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /edit HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b'POST /edit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"x":1e99',
    b"GET /edits?v=99999999999999999999 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /canvas.png HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: " + b"\xff" * 200 + b"\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\r\n" * 2_000,
    b"POST /edit?x=1&y=1&color=1 HTTP/1.1\r\nHost: localhost\r\n",
)


@attrs.define
class Site:
    """What faults act on.

    Attributes:
        process: the server's process.
        port: the server's own port, without the bad network.
        disk: a disk that can be filled; None if there is none.
        clock: the server's clock; None if it can't be moved.
        stalled: readers that stall, until the next round.
        begun: kinds of the faults that have begun in this round.
    """

    scene: Scene
    network: CutProxy
    disk: SmallDisk | None
    clock: Clock | None
    process: trio.Process | None = None
    port: int = 0
    stalled: list[socket.socket] = attrs.field(factory=list)
    begun: list[str] = attrs.field(factory=list)

    def let_go(self) -> None:
        """Close the readers that stall."""
        while self.stalled:
            self.stalled.pop().close()


async def inflict(site: Site, fault: Fault) -> None:
    """Wait until the fault's time has come, and do it."""
    await trio.sleep(fault.at_seconds)
    site.begun.append(fault.kind)
    await _DO[fault.kind](site, fault)


async def _pause(site: Site, fault: Fault) -> None:
    assert site.process is not None
    with site.scene.excused():
        site.process.send_signal(signal.SIGSTOP)
        try:
            await trio.sleep(fault.amounts["seconds"])
        finally:
            site.process.send_signal(signal.SIGCONT)


async def _step_clock(site: Site, fault: Fault) -> None:
    assert site.clock is not None
    site.clock.step(fault.amounts["step"])
    site.scene.clock_steps += 1
    await trio.lowlevel.checkpoint()


async def _fill_disk(site: Site, fault: Fault) -> None:
    assert site.disk is not None
    with site.scene.excused():
        try:
            site.disk.fill()
            await trio.sleep(fault.amounts["seconds"])
        finally:
            site.disk.make_room()
        await _wait_for_an_edit(site)


async def _wait_for_an_edit(site: Site) -> None:
    counts = site.scene.ledger.counts
    before = counts.acknowledged
    with trio.move_on_after(_RECOVERY_SECONDS):
        while counts.acknowledged == before:  # noqa: ASYNC110 - painters have no event for this, and need none
            await trio.sleep(0.05)
        return
    raise Broken(5, f"no edit was answered 200 in {_RECOVERY_SECONDS:g} s after there was room on the disk again")


async def _cut(site: Site, fault: Fault) -> None:
    weather = site.network.weather
    with site.scene.excused():
        try:
            weather.cut_bytes = int(fault.amounts["bytes"])
            site.network.cut_all()
            await trio.sleep(fault.amounts["seconds"])
        finally:
            weather.cut_bytes = None


async def _slow(site: Site, fault: Fault) -> None:
    weather = site.network.weather
    with site.scene.excused():
        try:
            weather.delay_seconds = fault.amounts["delay"]
            await trio.sleep(fault.amounts["seconds"])
        finally:
            weather.delay_seconds = 0.0


async def _stall(site: Site, fault: Fault) -> None:
    async with connection(HOST, site.port) as link:
        version = (await link.request("GET", "/info")).json()["version"]
    for _ in range(int(fault.amounts["readers"])):
        site.stalled.append(await trio.to_thread.run_sync(stalled_reader, site.port, version))


async def _burst(site: Site, fault: Fault) -> None:
    edits = int(fault.amounts["edits"])
    left = iter(range(edits))

    async def paint(number: int) -> None:
        link = Connection(HOST, site.port)
        with contextlib.suppress(*GONE):
            for at in left:
                await site.scene.place(link, site.scene.ledger.new_edit(), f"10.200.{number}.{at % 256}")
        await link.aclose()

    async with trio.open_nursery() as nursery:
        for number in range(min(edits, _BURST_CONNECTIONS)):
            nursery.start_soon(paint, number)


async def _send_garbage(site: Site, fault: Fault) -> None:
    chance = random.Random(fault.amounts["seed"])

    async def send(data: bytes) -> None:
        with trio.move_on_after(_GARBAGE_SECONDS), contextlib.suppress(*GONE):
            async with await trio.open_tcp_stream(HOST, site.port) as link:
                await link.send_all(data)
                answer = await link.receive_some(65_536)
                if data.startswith(b"POST") and answer.startswith(b"HTTP/1.1 2"):
                    raise Broken(6, f"{data!r} was answered {answer!r}")

    async with trio.open_nursery() as nursery:
        for _ in range(int(fault.amounts["requests"])):
            known = chance.choice(_GARBAGE)
            nursery.start_soon(
                send, chance.choice([known, known[: chance.randrange(len(known))], chance.randbytes(99)])
            )


_DO: Final[dict[str, Callable[[Site, Fault], Awaitable[None]]]] = {
    schedule.PAUSE: _pause,
    schedule.CLOCK: _step_clock,
    schedule.DISK: _fill_disk,
    schedule.CUT: _cut,
    schedule.SLOW: _slow,
    schedule.STALLED: _stall,
    schedule.BURST: _burst,
    schedule.GARBAGE: _send_garbage,
}
