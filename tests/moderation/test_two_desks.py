"""Two servers on one log do acts of every kind while people paint on both; after reading the log both are equal."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
import trio
from PIL import Image

from placed.backends.memory import open_memory_log
from placed.canvas.acts.gate import plans_of
from placed.canvas.acts.record import record_of
from placed.canvas.area import Area
from placed.canvas.clock import wall_clock_ms
from placed.canvas.cooldown import Cooldowns
from placed.canvas.definition import Definition
from placed.canvas.events import Act, Canvas, Edits
from placed.canvas.projection import Projection
from placed.canvas.refusal import RecordRefused
from placed.moderation import desk as desks
from placed.moderation.asked_act import Asked
from placed.moderation.desk import Desk
from placed.moderation.gate import Gatekeeper
from placed.moderation.restore import Restore
from placed.moderation.stamp import Stamp
from placed.moderation.undo import Undo
from placed.moderation.whole_past import WholePast
from placed.moderation.wipe import Wipe
from placed.tasks.reader import LogReader
from placed.tasks.writer import Writer
from tests.canvas.test_fold import RULE, restored, saved
from tests.support.records import SMALL, batch_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.backends import Log
    from placed.canvas.snapshot import Snapshot

LIMIT_SECONDS = 30
ACTS: Final = 10  # acts of each server, after one of each kind
WHO = (1, 2, 3)


def _png(colors: list[int]) -> bytes:
    file = io.BytesIO()
    pixels = bytes(part for color in colors for part in SMALL.rgb[3 * color : 3 * color + 3])
    Image.frombytes("RGB", (len(colors), 1), pixels).save(file, "PNG")
    return file.getvalue()


class Side:
    """One server: its writer, its reader, its desk, and its gatekeeper, whose clock is a second ahead or not."""

    def __init__(self, log: Log, chance: random.Random, ahead_ms: int) -> None:
        self.chance = chance
        self.projection = Projection(SMALL, 0, Cooldowns(RULE))
        self.snapshots = list["Snapshot"]()
        self._moved = trio.Event()
        self.writer = Writer(log, append_seconds=LIMIT_SECONDS)
        self._reader = LogReader(log, self.projection, self._note)
        self.desk = Desk(self.projection, self.writer, WholePast(log), self.reach)
        self._gatekeeper = Gatekeeper(
            self.writer, lambda: self.projection.kept.acts, lambda: wall_clock_ms() + ahead_ms
        )
        self._page = np.zeros((SMALL.height, SMALL.width), np.uint8)
        self._page_at = 0

    def _note(self) -> None:
        self._gatekeeper.look()
        self._moved.set()
        self._moved = trio.Event()
        if self.chance.random() < 0.2:
            self.snapshots.append(saved(self.projection))
        if self.chance.random() < 0.3:  # the page doesn't look for a while
            self.look()

    def look(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """The canvas of a page that follows the feed, and loads the image when the feed no longer reaches back."""
        feed = self.projection.feed
        if self._page_at < feed.first:
            self._page, self._page_at = self.projection.canvas.copy(), self.projection.version
        while self._page_at < feed.version:
            frame = feed.since(self._page_at)
            x, y, color = feed.code.unpack(frame.codes)
            self._page[y, x], self._page_at = color, frame.version
        return self._page

    async def reach(self, version: int) -> None:
        while self.projection.version < version:
            await self._moved.wait()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for part in (self._reader, self.writer, self.desk, self._gatekeeper):
                nursery.start_soon(part.run)

    async def paint(self) -> None:
        """Place edits without end."""
        while True:
            it = self.projection.definition
            x, y = self.chance.randrange(it.width), self.chance.randrange(it.height)
            record = self.writer.add(Edits.one(x, y, self.chance.randrange(4), self.chance.choice(WHO)))
            await record.wait()
            await trio.sleep(0.005)

    async def act(self, kinds: list[str]) -> None:
        """Do acts, one after the other; an act that comes too late doesn't count."""
        for kind in kinds:
            try:
                await self.desk.do(self._asked(kind))
            except RecordRefused:
                await trio.lowlevel.checkpoint()

    def _asked(self, kind: str) -> Asked:
        asked: Callable[[], Asked] = getattr(self, f"_{kind}", lambda: Asked(Act(kind, 7)))
        return asked()

    def _area(self) -> Area:
        x, y = self.chance.randrange(SMALL.width), self.chance.randrange(SMALL.height)
        width, height = 1 + self.chance.randrange(SMALL.width - x), 1 + self.chance.randrange(SMALL.height - y)
        return Area(x, y, width, height)

    def _id(self) -> int:
        return int(self.chance.choice([*record_of(self.projection.kept.acts), "0"]))

    def _ban(self) -> Asked:
        return Asked(Act("ban", 7, {"authors": [f"{self.chance.choice(WHO):016x}"], "until": None}))

    def _unban(self) -> Asked:
        return Asked(Act("unban", 7, {"authors": [f"{self.chance.choice(WHO):016x}"]}))

    def _protect(self) -> Asked:
        return Asked(Act("protect", 7, {"area": self._area().as_json()}))

    def _unprotect(self) -> Asked:
        return Asked(Act("unprotect", 7, {"act": self._id()}))

    def _announce(self) -> Asked:
        return Asked(Act("announce", 7, {"text": f"It is {self.chance.random()}"}))

    def _plan(self) -> Asked:
        at = wall_clock_ms() + self.chance.randrange(100)
        return Asked(Act(self.chance.choice(["open", "close"]), 7, {"at": at}))

    def _wipe(self) -> Asked:
        area, color = self._area(), self.chance.randrange(4)
        return Asked(Act("wipe", 7, {"area": area.as_json(), "color": color}), Wipe(area, color))

    def _stamp(self) -> Asked:
        colors = [self.chance.randrange(4) for _ in range(3)]
        area = Area(1, 1, 3, 1)
        return Asked(Act("stamp", 7, {"area": area.as_json()}), Stamp(area, _png(colors)))

    def _restore(self) -> Asked:
        to = self.chance.choice([None, self.chance.randrange(self.projection.version + 1)])
        told: dict[str, Any] = {} if to is None else {"to": {"v": to}}
        if to is None or self.chance.random() < 0.5:
            who = self.chance.choice(WHO)
            return Asked(Act("restore", 7, {**told, "authors": [f"{who:016x}"]}), Restore(None, to, frozenset({who})))
        area = self._area()
        return Asked(Act("restore", 7, {**told, "area": area.as_json()}), Restore(area, to, frozenset()))

    def _undo(self) -> Asked:
        which = self._id()
        paints = "pixels" in record_of(self.projection.kept.acts).get(str(which), {})
        return Asked(Act("undo", 7, {"act": which, "paints": paints}), Undo(which) if paints else None)

    def _grow(self) -> Asked:
        it = self.projection.definition
        after = Definition(min(40, it.width + 1), it.height, it.rgb)
        return Asked(Act("grow", 7, {"width": after.width}), grows=after)


KINDS: Final = (
    *("ban", "unban", "protect", "unprotect", "open", "close", "plan", "announce", "grow"),
    *("wipe", "stamp", "restore", "undo", "undo", "undo"),
)


@pytest.mark.parametrize("seed", range(2))
async def test_servers_pages_replays_and_snapshots_of_any_age_come_to_the_same(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(desks, "MOST_PIXELS", 4)
    monkeypatch.setattr("placed.canvas.large_acts.MOST_CORRECTED", 9)
    chance = random.Random(seed)
    with trio.fail_after(LIMIT_SECONDS):
        async with open_memory_log() as log, trio.open_nursery() as nursery:
            await log.append(Canvas(SMALL).encode())
            sides = [Side(log, random.Random(chance.random()), ahead_ms) for ahead_ms in (0, 1_000)]
            for side in sides:
                nursery.start_soon(side.run)
                await side.reach(1)
            async with trio.open_nursery() as painting:
                for side in sides:
                    painting.start_soon(side.paint)
                async with trio.open_nursery() as acting:
                    for side in sides:
                        acting.start_soon(side.act, [*chance.sample(KINDS, len(KINDS)), *chance.choices(KINDS, k=ACTS)])
                while any(plans_of(side.projection.kept.acts) for side in sides):  # noqa: ASYNC110 - their times are near
                    await trio.sleep(0.01)
                painting.cancel_scope.cancel()
            await sides[0].writer.close()
            await sides[1].writer.close()
            end = (await log.bounds())[1]
            for side in sides:
                await side.reach(end)
            async with log.read(0) as batches:
                values, times = list[bytes](), list[int]()
                async for each in batches:
                    values, times = values + each.values, times + each.times_ms.tolist()
                    if len(values) == end:
                        break
            _compare(sides, values, times)
            nursery.cancel_scope.cancel()


def _compare(sides: list[Side], values: list[bytes], times: list[int]) -> None:
    whole = Projection(SMALL, 0, Cooldowns(RULE))
    whole.apply(batch_at(range(len(values)), values, times), 0)
    replayed = [restored(snapshot) for side in sides for snapshot in side.snapshots]
    assert len(replayed) > 5
    for projection in replayed:
        begin = projection.version
        if begin < len(values):
            projection.apply(batch_at(range(begin, len(values)), values[begin:], times[begin:]), 0)
    for projection in (*replayed, *(side.projection for side in sides)):
        assert projection.definition == whole.definition
        assert projection.canvas.tolist() == whole.canvas.tolist()
        assert projection.kept.acts == whole.kept.acts
    for side in sides:
        assert side.look().tolist() == whole.canvas.tolist()
    assert {"wipe", "stamp", "grow", "undo", "announce"} <= {it["kind"] for it in record_of(whole.kept.acts).values()}
