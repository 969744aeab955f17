"""The snapshotter: when it saves, and that a store that can't be written only causes a warning."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest
import trio

from placed.canvas.cooldown import SAVED, Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.canvas.projection import Projection
from placed.storage.snapshot_store import SnapshotUnwritable, open_snapshot_store
from placed.tasks.snapshotter import MAX_RETRY_SECONDS, Snapshotter
from tests.support.log_lines import logged
from tests.support.records import SMALL, batch, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from trio.testing import MockClock

    from placed.canvas.snapshot import Snapshot

LIMIT_SECONDS = 20.0
LARGE = Definition(9, 7, SMALL.rgb)


class Store:
    """A store in memory that may be full; replaces `SnapshotStore`."""

    def __init__(self) -> None:
        self.saved: list[Snapshot] = []
        self.tries = 0
        self.is_full = False

    async def save(self, snapshot: Snapshot) -> None:
        """Keep the snapshot, or raise an error that there is no room."""
        self.tries += 1
        await trio.lowlevel.checkpoint()
        if self.is_full:
            raise SnapshotUnwritable("no room")
        self.saved.append(snapshot)


class Case:
    """A projection that only the test changes, and its snapshotter."""

    def __init__(self) -> None:
        self.store = Store()
        self.took: list[float] = []
        self.projection = Projection(SMALL, 0, Cooldowns(Rule(10, 1000)))
        self.subject = Snapshotter(
            self.store,  # type: ignore[arg-type]  # a stand-in with the one method that is used
            self.projection,
            "log-1",
            every_records=100,
            every_seconds=60.0,
            on_save=lambda seconds: self.took.append(seconds),
        )

    def edit(self, records: int = 1) -> None:
        """Apply `records` records."""
        self.projection.apply(batch([record((1, 1, 2, 7))] * records, first=self.projection.version), 0)

    def versions(self) -> list[int]:
        """The versions of the saved snapshots."""
        return [snapshot.version for snapshot in self.store.saved]


async def test_nothing_new_is_not_saved(autojump_clock: MockClock) -> None:
    case = Case()
    with trio.move_on_after(3_600):
        await case.subject.run()
    assert case.store.tries == 0


async def test_many_records_are_saved_within_a_second(autojump_clock: MockClock) -> None:
    case = Case()
    case.edit(100)
    with trio.move_on_after(1.5):
        await case.subject.run()
    assert case.versions() == [100]
    assert case.subject.saved_version == 100


async def test_few_records_are_saved_when_a_minute_has_passed(autojump_clock: MockClock) -> None:
    case = Case()
    case.edit(99)
    with trio.move_on_after(59.5):
        await case.subject.run()
    assert case.versions() == []
    with trio.move_on_after(61.5):
        await case.subject.run()
    assert case.versions() == [99]


async def test_snapshot_is_of_one_instant(autojump_clock: MockClock) -> None:
    case = Case()
    case.edit(3)
    await case.subject.save()
    case.projection.canvas[0, 0] = 3
    (snapshot,) = case.store.saved
    assert (snapshot.log_id, snapshot.version, snapshot.definition) == ("log-1", 3, SMALL)
    assert (snapshot.canvas[1, 1], snapshot.canvas[0, 0]) == (2, 0)


async def test_canvas_that_grows_while_the_charges_are_copied_is_not_in_the_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case()
    case.edit(3)
    save = case.projection.cooldowns.save

    def save_and_grow(now_ms: int) -> Iterator[NDArray[np.void]]:
        for part in save(now_ms):  # other tasks have a turn before each part, also the reader
            case.projection.apply(batch([Canvas(LARGE).encode()], first=case.projection.version), 0)
            yield part

    monkeypatch.setattr(case.projection.cooldowns, "save", save_and_grow)
    await case.subject.save()
    (snapshot,) = case.store.saved
    assert case.projection.definition == LARGE
    assert (snapshot.version, snapshot.definition, snapshot.canvas.shape) == (3, SMALL, (3, 5))
    assert (snapshot.kept.grown, snapshot.kept.begun) == (0, True)


async def test_same_version_is_not_saved_twice() -> None:
    case = Case()
    case.edit()
    await case.subject.save()
    await case.subject.save()
    assert case.store.tries == 1


async def test_full_store_is_told_once_and_tried_again_ever_more_seldom_until_it_has_room(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    case = Case()
    case.edit(100)
    case.store.is_full = True
    with trio.move_on_after(3_600):
        await case.subject.run()
    # At 1, 2, 4 ... 512 s, and then every 5 minutes; a try every second would make it 3,599.
    assert case.store.tries == case.subject.failures == 20
    assert case.took == []
    assert [log["reason"] for log in logged(caplog)] == ["no room"]
    assert case.subject.saved_version == 0
    case.store.is_full = False
    with trio.move_on_after(MAX_RETRY_SECONDS + 1.5):
        await case.subject.run()
    assert case.versions() == [100]
    assert case.took == [0]  # on the test's clock


async def test_few_records_that_could_not_be_saved_are_tried_again_within_seconds(autojump_clock: MockClock) -> None:
    case = Case()
    case.edit()
    case.store.is_full = True
    with trio.move_on_after(62):
        await case.subject.run()
    case.store.is_full = False
    with trio.move_on_after(3):
        await case.subject.run()
    assert case.versions() == [1]


async def test_failure_after_a_success_is_tried_again_as_soon_as_the_first(autojump_clock: MockClock) -> None:
    case = Case()
    case.edit(100)
    case.store.is_full = True
    with trio.move_on_after(600):
        await case.subject.run()
    case.store.is_full = False
    await case.subject.save()
    tries = case.store.tries
    case.store.is_full = True
    case.edit(100)
    with trio.move_on_after(8.5):
        await case.subject.run()
    assert case.store.tries == tries + 4


async def test_others_have_a_turn_while_the_cooldowns_are_copied() -> None:
    case = Case()
    now_ms = time.time_ns() // 1_000_000
    case.projection.cooldowns.load(np.array([(author, now_ms + 5_000) for author in range(50_000)], SAVED), now_ms)
    case.edit()
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while not case.store.tries:
            turns += 1
            await trio.lowlevel.checkpoint()

    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_turns)
            await case.subject.save()
    assert turns >= 5
    assert len(case.store.saved[0].cooldowns) == 50_000
    assert case.store.saved[0].charge_ms == 1_000


@pytest.mark.parametrize("set_by_ms", [-3_600_000, 0, 3_600_000])
async def test_debts_are_those_of_the_next_server_whose_clock_was_set_meanwhile(
    monkeypatch: pytest.MonkeyPatch, set_by_ms: int
) -> None:
    began_ms = 1_700_000_000_000
    monkeypatch.setattr("placed.tasks.snapshotter.steady_clock_ms", lambda: began_ms)
    monkeypatch.setattr("placed.tasks.snapshotter.wall_clock_ms", lambda: began_ms + set_by_ms)
    case = Case()
    edits = batch([record((1, 1, 2, 7))] * 6, first=0)
    case.projection.apply(attrs.evolve(edits, times_ms=np.full(6, began_ms)), began_ms)
    await case.subject.save()
    after = Cooldowns(Rule(10, 1000))
    after.load(case.store.saved[0].cooldowns, began_ms + set_by_ms)
    assert after.standing(7, began_ms + set_by_ms).remaining == 4


async def test_last_save_is_told_by_its_time() -> None:
    case = Case()
    made_at = case.subject.saved_at
    assert abs(made_at - time.time()) < 60
    await case.subject.save()  # there is nothing to save
    assert case.subject.saved_at == made_at
    case.edit()
    await case.subject.save()
    assert case.subject.saved_at > made_at


async def test_real_store_gives_back_the_last_snapshot_after_reopening(tmp_path: Path) -> None:
    case = Case()
    with trio.fail_after(LIMIT_SECONDS):
        async with open_snapshot_store(tmp_path / "snapshot") as store:
            assert await store.load() is None
            subject = Snapshotter(store, case.projection, "log-1")
            for _ in range(3):
                case.edit()
                await subject.save()
        async with open_snapshot_store(tmp_path / "snapshot") as store:
            loaded = await store.load()
    assert loaded is not None
    assert (loaded.version, loaded.canvas.tolist()) == (3, case.projection.canvas.tolist())


async def test_real_store_that_is_damaged_is_put_aside_and_says_so(tmp_path: Path) -> None:
    case = Case()
    case.edit()
    folder = tmp_path / "snapshot"
    with trio.fail_after(LIMIT_SECONDS):
        async with open_snapshot_store(folder) as store:
            await Snapshotter(store, case.projection, "log-1").save()
        (folder / "data.mdb").write_bytes(b"\xff" * 8192)
        async with open_snapshot_store(folder) as store:
            assert store.damage is not None
            assert await store.load() is None
            await Snapshotter(store, case.projection, "log-1").save()
            assert await store.load() is not None
