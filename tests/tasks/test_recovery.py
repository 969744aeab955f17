"""Recovery: it uses, rebuilds or refuses the stored state, and never applies a state that doesn't belong to the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from placed.backends import CannotStart, CopiedFrom, OffsetOutOfRange
from placed.canvas.cooldown import SAVED, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.canvas.kept_state import Kept
from placed.canvas.snapshot import Snapshot, SnapshotDamaged
from placed.tasks.recovery import Wanted, recover
from tests.support.log_lines import logged
from tests.support.records import SMALL, Edit, any_edit, blank, paint, record
from tests.support.scripted_log import NOW_MS, Retained, ScriptedLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.canvas.projection import Projection

LIMIT_SECONDS = 10.0
NOTHING = Wanted(None, None, None)
DEFAULT = Definition(7, 6, bytes(6))


class Store:
    """A snapshot store with the test's snapshot; replaces `SnapshotStore`."""

    def __init__(
        self, snapshot: Snapshot | None = None, *, damage: str | None = None, is_damaged: bool = False
    ) -> None:
        self._snapshot = snapshot
        self._is_damaged = is_damaged
        self.damage = damage

    async def load(self) -> Snapshot | None:
        """The snapshot, None, or a damage error."""
        await trio.lowlevel.checkpoint()
        if self._is_damaged:
            raise SnapshotDamaged("its checksum doesn't match")
        return self._snapshot


@attrs.frozen
class Recovered:
    """The result of a recovery."""

    projection: Projection
    snapshot_version: int
    progress: list[tuple[int, int, int]]


async def recovered(log: ScriptedLog, store: Store | None = None, wanted: Wanted = NOTHING) -> Recovered:
    """Recover, within a time limit."""
    progress: list[tuple[int, int, int]] = []
    with trio.fail_after(LIMIT_SECONDS):
        projection, version = await recover(
            log,
            store or Store(),  # type: ignore[arg-type]  # a stand-in with what is used
            wanted,
            default=DEFAULT,
            rule=Rule(10, 1000),
            where="lmdb:/canvas/log",
            progress=lambda *at: progress.append(at),
        )
    return Recovered(projection, version, progress)


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings so far."""
    return lambda: [f"{line['event']}: {line.get('reason', '')}" for line in logged(caplog)]


EDITS: list[Edit] = [(index % 5, index % 3, 1 + index % 3, 9) for index in range(20)]


async def log_of(*values: bytes) -> ScriptedLog:
    """A log with these records; without any, it has the small canvas and twenty edits."""
    log = ScriptedLog()
    for value in values or (Canvas(SMALL).encode(), *(record(edit) for edit in EDITS)):
        await log.append(value)
    return log


def canvas_at(version: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The canvas at a version in the log of twenty edits."""
    canvas = blank()
    paint(canvas, EDITS[: max(0, version - 1)])
    return canvas


def snapshot(log: ScriptedLog, version: int) -> Snapshot:
    """The snapshot that a server would have made of `log` at `version`."""
    return Snapshot(log.id, version, SMALL, Kept(SMALL), canvas_at(version), np.empty(0, SAVED))


async def test_empty_log_gets_the_canvas_as_its_first_record(warnings: Callable[[], list[str]]) -> None:
    log = ScriptedLog()
    result = await recovered(log)
    assert log.appended == [Canvas(DEFAULT).encode()]
    assert (result.projection.definition, result.projection.version) == (DEFAULT, 1)
    assert not result.projection.canvas.any()
    assert warnings() == []


async def test_empty_log_gets_the_canvas_that_was_asked_for() -> None:
    log = ScriptedLog()
    result = await recovered(log, wanted=Wanted(30, None, bytes(9)))
    assert result.projection.definition == Definition(30, 6, bytes(9))
    assert log.appended == [Canvas(result.projection.definition).encode()]


async def test_other_server_that_was_quicker_on_an_empty_log_decides_on_the_canvas() -> None:
    log = ScriptedLog()
    append = log.append

    async def append_second(value: bytes) -> int:
        await append(Canvas(SMALL).encode())
        return await append(value)

    log.append = append_second  # type: ignore[method-assign]  # the other server's append comes in between
    result = await recovered(log)
    assert result.projection.definition == SMALL
    assert result.projection.canvas.shape == (3, 5)


async def test_other_server_that_was_quicker_with_a_canvas_not_asked_for_is_told() -> None:
    log = ScriptedLog()
    append = log.append

    async def append_second(value: bytes) -> int:
        await append(Canvas(SMALL).encode())
        return await append(value)

    log.append = append_second  # type: ignore[method-assign]  # the other server's append comes in between
    with pytest.raises(CannotStart, match="--width 30"):
        await recovered(log, wanted=Wanted(30, None, None))


async def test_canvas_comes_from_the_log_whatever_the_default(warnings: Callable[[], list[str]]) -> None:
    result = await recovered(await log_of())
    assert (result.projection.definition, result.projection.version) == (SMALL, 21)
    assert (result.projection.canvas == canvas_at(21)).all()
    assert (result.snapshot_version, warnings()) == (0, [])
    assert result.progress[-1] == (0, 21, 21)


@pytest.mark.parametrize("version", [1, 5, 20, 21])
async def test_snapshot_is_used_and_the_log_after_it(version: int, warnings: Callable[[], list[str]]) -> None:
    log = await log_of()
    result = await recovered(log, Store(snapshot(log, version)))
    assert (result.projection.canvas == canvas_at(21)).all()
    assert (result.projection.version, result.snapshot_version, warnings()) == (21, version, [])
    assert result.projection.edits == 21 - max(version, 1)
    assert result.projection.feed.first == 0


async def test_snapshot_spares_the_records_that_it_holds() -> None:
    log = await log_of()
    marked = snapshot(log, 21)
    marked.canvas[0, 0] = 3  # no record in the log would make it so
    result = await recovered(log, Store(marked))
    assert result.projection.canvas[0, 0] == 3


async def test_backup_begins_with_the_snapshot_of_the_log_that_it_was_copied_from(
    warnings: Callable[[], list[str]],
) -> None:
    log = await log_of()
    log.copied_from = CopiedFrom("the original", 15)
    of_original = attrs.evolve(snapshot(log, 15), log_id="the original")
    result = await recovered(log, Store(of_original))
    assert (result.snapshot_version, warnings()) == (15, [])
    assert (result.projection.canvas == canvas_at(21)).all()


async def test_snapshot_of_the_original_from_after_the_copy_is_left_out(warnings: Callable[[], list[str]]) -> None:
    log = await log_of()
    log.copied_from = CopiedFrom("the original", 14)
    of_original = attrs.evolve(snapshot(log, 15), log_id="the original")
    assert (await recovered(log, Store(of_original))).snapshot_version == 0
    assert "of another log" in warnings()[0]


UNUSABLE = {
    "other log": (lambda good: attrs.evolve(good, log_id="another"), "of another log, another"),
    "newer than the end": (lambda good: attrs.evolve(good, version=22), "at version 22, and the log ends at 21"),
    "other size": (
        lambda good: attrs.evolve(good, definition=Definition(3, 5, SMALL.rgb), canvas=good.canvas.T.copy()),
        "another size or palette",
    ),
    "other palette": (
        lambda good: attrs.evolve(good, definition=Definition(5, 3, SMALL.rgb[::-1])),
        "another size or palette",
    ),
}


@pytest.mark.parametrize(("spoil", "reason"), UNUSABLE.values(), ids=UNUSABLE)
async def test_snapshot_that_does_not_belong_is_left_out_with_a_warning(
    spoil: object, reason: str, warnings: Callable[[], list[str]]
) -> None:
    log = await log_of()
    spoiled = spoil(snapshot(log, 10))  # type: ignore[operator]  # one of the functions above
    spoiled.canvas[:] = 3
    result = await recovered(log, Store(spoiled))
    assert (result.projection.canvas == canvas_at(21)).all()
    assert (result.projection.version, result.snapshot_version) == (21, 0)
    (warning,) = warnings()
    assert reason in warning
    assert "rebuilt from the log" in warning


@pytest.mark.parametrize("store", [Store(is_damaged=True), Store(damage="a page is damaged")], ids=["inside", "store"])
async def test_damaged_snapshot_is_rebuilt_from_the_log_with_a_warning(
    store: Store, warnings: Callable[[], list[str]]
) -> None:
    result = await recovered(await log_of(), store)
    assert (result.projection.canvas == canvas_at(21)).all()
    assert len(warnings()) == 1


async def test_log_that_lost_its_beginning_goes_on_from_a_snapshot() -> None:
    log = await log_of()
    log.first = 8
    result = await recovered(log, Store(snapshot(log, 12)))
    assert (result.projection.canvas == canvas_at(21)).all()
    assert result.projection.definition == SMALL
    assert result.projection.feed.first == 8


async def test_log_that_begins_exactly_at_the_snapshot_goes_on_from_it() -> None:
    log = await log_of()
    log.first = 12
    assert (await recovered(log, Store(snapshot(log, 12)))).projection.version == 21


@pytest.mark.parametrize("version", [None, 7, 22], ids=["without a snapshot", "older one", "newer one"])
async def test_log_that_lost_its_beginning_is_refused_without_a_usable_snapshot(version: int | None) -> None:
    log = await log_of()
    log.first = 8
    store = Store(None if version is None else snapshot(log, version))
    with pytest.raises(CannotStart, match=r"lmdb:/canvas/log begins at offset 8.*Restore a data folder"):
        await recovered(log, store)


@pytest.mark.parametrize(
    ("wanted", "flags"),
    [
        (Wanted(6, None, None), ["--width 6"]),
        (Wanted(None, 4, None), ["--height 4"]),
        (Wanted(5, 3, bytes(12)), ["--palette"]),
        (Wanted(1, 1, bytes(6)), ["--width 1", "--height 1", "--palette"]),
    ],
)
@pytest.mark.parametrize("lost_beginning", [False, True], ids=["from the log", "from the snapshot"])
async def test_other_canvas_than_asked_for_is_refused_by_its_flags(
    wanted: Wanted, flags: list[str], lost_beginning: bool
) -> None:
    log = await log_of()
    if lost_beginning:
        log.first = 8
    with pytest.raises(CannotStart) as refusal:
        await recovered(log, Store(snapshot(log, 12)), wanted)
    message = str(refusal.value)
    assert all(flag in message for flag in flags)
    assert message.count("--") == len(flags) + 1  # and --data, as the suggested way out
    assert "5 x 3 pixels" in message
    assert len(log.appended) == 21


async def test_canvas_asked_for_as_it_is_starts() -> None:
    result = await recovered(await log_of(), wanted=Wanted(5, 3, SMALL.rgb))
    assert result.projection.version == 21


async def test_log_that_does_not_begin_with_a_canvas_is_read_as_asked_with_a_warning(
    warnings: Callable[[], list[str]],
) -> None:
    edits = [record(edit) for edit in EDITS]
    result = await recovered(await log_of(*edits), wanted=Wanted(5, 3, SMALL.rgb))
    assert (result.projection.canvas == canvas_at(21)).all()
    assert len(warnings()) == 1
    assert "doesn't begin with its canvas" in warnings()[0]


async def test_foreign_records_are_told_once_however_many_there_are(warnings: Callable[[], list[str]]) -> None:
    log = await log_of(Canvas(SMALL).encode(), *[b"\1\7x"] * 50, record((1, 1, 1, 9)), *[b"\1\7x"] * 50)
    result = await recovered(log)
    assert result.projection.refused == 100
    assert result.projection.canvas[1, 1] == 1
    assert len(warnings()) == 1


async def retained() -> Retained:
    """The twenty edits in a log with retention."""
    log = Retained()
    for value in (Canvas(SMALL).encode(), *(record(edit) for edit in EDITS)):
        await log.append(value)
    return log


@pytest.mark.parametrize("calls", range(1, 5))
async def test_stretch_that_retention_removes_during_the_start_is_never_skipped(calls: int) -> None:
    log = await retained()
    log.losses = [(calls, 12)]
    try:
        result = await recovered(log, Store(snapshot(log, 5)))
    except CannotStart as refused:
        assert "begins at offset 12" in str(refused)  # noqa: PT017 - either is right, by the time of the loss
    else:
        assert (result.projection.canvas == canvas_at(21)).all()


@pytest.mark.parametrize("calls", range(1, 5))
async def test_start_goes_on_when_retention_removes_what_the_snapshot_has(
    calls: int, warnings: Callable[[], list[str]]
) -> None:
    log = await retained()
    log.losses = [(calls, 12)]
    result = await recovered(log, Store(snapshot(log, 15)))
    assert (result.projection.canvas == canvas_at(21)).all()
    assert (result.projection.version, result.snapshot_version) == (21, 15)
    assert len(warnings()) <= 1


async def test_cooldowns_are_counted_once_when_the_start_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.tasks.recovery.steady_clock_ms", lambda: NOW_MS)
    monkeypatch.setattr("placed.tasks.reader.steady_clock_ms", lambda: NOW_MS)
    log = await log_of(Canvas(SMALL).encode(), *[record((0, 0, 1, 9))] * 4)
    log.receive_errors = [OffsetOutOfRange(0, 1, 5)]
    result = await recovered(log)
    assert result.projection.cooldowns.standing(9, NOW_MS).remaining == 6


async def test_log_that_loses_records_faster_than_they_are_read_is_told(warnings: Callable[[], list[str]]) -> None:
    log = await retained()
    log.enter_errors = [OffsetOutOfRange(0, 1, 21)] * 50
    with pytest.raises(OffsetOutOfRange):
        await recovered(log, Store(snapshot(log, 15)))
    assert len(warnings()) == 2


async def test_charges_spent_before_a_restart_stay_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.tasks.recovery.steady_clock_ms", lambda: NOW_MS)
    monkeypatch.setattr("placed.tasks.reader.steady_clock_ms", lambda: NOW_MS)
    log = await log_of(Canvas(SMALL).encode(), *[record((0, 0, 1, 9))] * 7)
    after_kill = (await recovered(log)).projection.cooldowns
    assert after_kill.standing(9, NOW_MS).remaining == 3
    stopped = attrs.evolve(snapshot(log, 8), cooldowns=np.concatenate(list(after_kill.save(NOW_MS))))
    await log.append(record((0, 0, 2, 9)))
    after_stop = (await recovered(log, Store(stopped))).projection.cooldowns
    assert after_stop.standing(9, NOW_MS).remaining == 2


@given(st.lists(st.lists(any_edit(), min_size=1, max_size=4), max_size=12), st.data())
def test_any_snapshot_and_the_log_after_it_give_the_logs_canvas(several: list[list[Edit]], data: st.DataObject) -> None:
    async def run() -> None:
        log = await log_of(Canvas(SMALL).encode(), *(record(*edits) for edits in several))
        version = data.draw(st.integers(0, len(several) + 1))
        canvas = blank()
        for edits in several[: max(0, version - 1)]:
            paint(canvas, edits)
        stored = attrs.evolve(snapshot(log, 0), version=version, canvas=canvas.copy())
        for edits in several[max(0, version - 1) :]:
            paint(canvas, edits)
        result = await recovered(log, Store(stored))
        assert (result.projection.canvas == canvas).all()
        assert result.projection.version == len(several) + 1

    trio.run(run)
