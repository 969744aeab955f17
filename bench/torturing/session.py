"""A session: rounds of faults on one data folder, until the time is up or a promise is broken."""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs
import trio

from bench.equipment.cut_proxy import CutProxy, open_proxy
from bench.equipment.http_client import connection
from bench.equipment.measure import resident_bytes
from bench.logs.edit_logs import values_of
from bench.torturing import schedule
from bench.torturing.broken_promise import Broken
from bench.torturing.faults import Site, inflict
from bench.torturing.ledger import Ledger
from bench.torturing.life import ended, last_words, launched, ready
from bench.torturing.moderator import Moderator, moderators_token
from bench.torturing.people import (
    CHARGE_SECONDS,
    CHARGES,
    HABITS,
    HOST,
    LATE_SECONDS,
    Scene,
    Subscriber,
    paint,
    paint_eagerly,
    pixels_of,
)
from bench.torturing.trials import try_damaged
from placed.backends.lmdb.log import open_lmdb_log
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bench.torturing.clock import Clock
    from bench.torturing.disk import SmallDisk
    from bench.torturing.schedule import Fault, Round

WIDTH: Final = 128
HEIGHT: Final = 96
COLORS: Final = 256  # bounds how many edits can differ: 255 for each pixel, 3 million in all
_PAINTERS: Final = 6
_PAUSE_SECONDS: Final = 0.04
_SETTLE_SECONDS: Final = 60.0
_MAX_ANONYMOUS_BYTES: Final = 400 << 20  # three times the memory for 60 stalled readers and a burst


@attrs.define
class Story:
    """The results of a session.

    Attributes:
        survived: number of faults survived, by kind.
        trials: number of trials with damaged files, by kind and outcome.
        rounds: the rounds so far, as scheduled.
    """

    survived: Counter[str] = attrs.field(factory=Counter)
    trials: Counter[str] = attrs.field(factory=Counter)
    rounds: list[str] = attrs.field(factory=list)
    reloads: int = 0
    most_bytes: int = 0
    seconds: float = 0.0
    records: int = 0
    counts: dict[str, int] = attrs.field(factory=dict)
    outcomes: dict[str, int] = attrs.field(factory=dict)
    broken: str | None = None


class Session:
    """One session.

    Attributes:
        story: the results so far.
        log: the file with the servers' log.
    """

    def __init__(self, folder: Path, seed: int, disk: SmallDisk | None, clock: Clock | None) -> None:
        self._disk = disk
        self._clock = clock
        self._data = (disk.folder if disk else folder) / "data"
        self._folder = folder
        self._chance = random.Random(seed)
        self._ledger = Ledger(WIDTH, HEIGHT, COLORS)
        self._environment = clock.environment if clock else {}
        self._subscribers: list[Subscriber] = []
        self._people: trio.Nursery | None = None
        self._moderator: Moderator | None = None
        self.story = Story()
        self.log = folder / "server.log"

    async def run(self, rounds: Iterable[Round], is_over: Callable[[], bool]) -> None:
        """Run rounds until none is left, or `is_over` says so.

        Raises:
            Broken: a promise is broken; alone or in a group.
        """
        (self._folder / "palette.hex").write_text("".join(f"{number:06x}\n" for number in range(COLORS)))
        began = trio.current_time()
        async with open_proxy(CutProxy, self._chance) as network, trio.open_nursery() as people:
            scene = Scene(self._ledger, self._chance, network.port)
            site = Site(scene, network, self._disk, self._clock)
            for number in range(_PAINTERS):
                people.start_soon(paint, scene, number, _PAUSE_SECONDS)
            people.start_soon(paint_eagerly, scene)
            self._people = people
            self._subscribers = [
                Subscriber(scene, f"subscriber {n} {habits}", habits) for n, habits in enumerate(HABITS)
            ]
            for subscriber in self._subscribers:
                people.start_soon(subscriber.run)
            try:
                for each in rounds:
                    if is_over():
                        break
                    self.story.rounds.append(str(each))
                    await self._live(site, each)
            finally:
                site.let_go()
                self._sum_up(scene, trio.current_time() - began)
            people.cancel_scope.cancel()

    def _sum_up(self, scene: Scene, seconds: float) -> None:
        story = self.story
        story.seconds = seconds
        story.records = self._ledger.end
        acts = self._ledger.acts
        story.counts = attrs.asdict(self._ledger.counts)
        story.counts |= {"acts_acknowledged": acts.acknowledged, "acts_refused": acts.refused}
        story.outcomes = scene.outcomes
        story.reloads = sum(sum(subscriber.reloads.values()) for subscriber in self._subscribers)

    def _command(self, data: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "placed", "--port", "0", "--data", str(data), "--log-format", "json"),
            *("--width", str(WIDTH), "--height", str(HEIGHT), "--palette", str(self._folder / "palette.hex")),
            *("--charges", str(CHARGES), "--charge-seconds", str(CHARGE_SECONDS), "--trusted-proxy", "127.0.0.1"),
        ]

    async def _live(self, site: Site, each: Round) -> None:
        site.begun.clear()
        command = self._command(self._data)
        with site.scene.excused():
            for fault in each.starts:
                async with launched(command, self.log, self._environment) as process:
                    await trio.sleep(fault.at_seconds)  # any moment of a start is right
                    process.kill()
                site.begun.append(fault.kind)
        site.let_go()
        async with launched(command, self.log, self._environment) as process:
            with site.scene.excused():
                port = await ready(process)
                if port is None:
                    raise Broken(6, f"the server didn't start, with {process.returncode}: {last_words(self.log)}")
                await self._greet(site.scene, port)
                site.process, site.port = process, port
                site.network.upstream_port = port
            await self._suffer(site, each)
            with site.scene.excused():
                await self._end(site, process, each.end)
        await self._look()
        for fault in each.damages:
            await self._try(fault)
        self.story.survived.update(site.begun)

    async def _greet(self, scene: Scene, port: int) -> None:
        """Compare a server that has just started, and that nobody else knows yet, with the whole log."""
        if self._moderator is None:
            assert self._people is not None
            self._moderator = Moderator(scene, await trio.to_thread.run_sync(moderators_token, self._data))
            await self._moderator.until_known(port)
            self._people.start_soon(self._moderator.run)
        await self._moderator.compare(port)
        async with connection(HOST, port) as link:
            answer = await link.request("GET", "/canvas.png")
        at = int(answer.headers["x-canvas-version"])
        if at < self._ledger.end:
            raise Broken(1, f"a server starts with a canvas of version {at}; the log ends at {self._ledger.end}")
        self._ledger.sight("a server that has just started", answer.headers["x-canvas-log"], at, pixels_of(answer))

    async def _suffer(self, site: Site, each: Round) -> None:
        assert site.process is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, site.process)
            if each.settles:
                async with trio.open_nursery() as faults:
                    for fault in each.live:
                        faults.start_soon(inflict, site, fault)
                site.scene.settling = True
                await self._settle(site)
                site.scene.settling = False
            else:
                for fault in each.live:
                    nursery.start_soon(inflict, site, fault)
                await trio.sleep(each.end.at_seconds)
            self._weigh(site.process)
            nursery.cancel_scope.cancel()

    async def _watch(self, process: trio.Process) -> None:
        code = await process.wait()
        raise Broken(6, f"the server ended by itself, with {code}: {last_words(self.log)}")

    def _weigh(self, process: trio.Process) -> None:
        found = resident_bytes(process.pid)["RssAnon"]
        self.story.most_bytes = max(self.story.most_bytes, found)
        if found > _MAX_ANONYMOUS_BYTES:
            raise Broken(4, f"the server has {found / 1e6:.0f} MB of anonymous memory")

    async def _settle(self, site: Site) -> None:
        """Wait until everybody has caught up, and check the server's own image."""
        async with connection(HOST, site.port) as link:
            version = (await link.request("GET", "/info")).json()["version"]
            for number, subscriber in enumerate(self._subscribers):
                with trio.move_on_after(_SETTLE_SECONDS) as waiting:
                    await subscriber.reach(version)
                if waiting.cancelled_caught:
                    raise Broken(3, f"subscriber {number} is at {subscriber.version}, and never came to {version}")
            began = trio.current_time()
            while True:
                answer = await link.request("GET", f"/canvas.png?v={version}")
                at = int(answer.headers["x-canvas-version"])
                self._ledger.sight("the image", answer.headers["x-canvas-log"], at, pixels_of(answer))
                if at >= version:
                    return
                if trio.current_time() > began + LATE_SECONDS:
                    raise Broken(3, f"the image is at {at}, long after version {version}")
                await trio.sleep(0.2)

    async def _end(self, site: Site, process: trio.Process, how: Fault) -> None:
        if how.kind != schedule.KILL:
            process.terminate()
        if how.kind == schedule.TERM_KILL:
            await trio.sleep(how.amounts["then"])  # any moment of a stop is right
        if how.kind != schedule.TERM:
            process.kill()
        code = await ended(process)
        if how.kind == schedule.TERM and code != ExitCode.OK:
            raise Broken(0, f"the server stopped with exit code {code}: {last_words(self.log)}")
        site.network.upstream_port = None
        site.begun.append(how.kind)

    async def _look(self) -> None:
        """Read the log, and compare everything with it."""
        async with open_lmdb_log(self._data / "log") as log:
            self._ledger.read(log.id, await values_of(log))
        logged = await trio.Path(self.log).read_text(encoding="utf-8", errors="replace")
        if "Traceback" in logged or "a fault while serving" in logged:
            raise Broken(6, f"the server logged a fault: {last_words(self.log)}")
        self.log.unlink()

    async def _try(self, fault: Fault) -> None:
        copy = self._folder / "damaged"
        command = self._command(copy)
        outcome = await try_damaged(self._data, copy, fault, self._ledger, command, self._environment)
        self.story.trials[f"{fault.kind}, {fault.how}: {outcome}"] += 1
        self.story.survived[fault.kind] += 1
