"""Acts that have left the bounded record look the same, from a history or from a log without one, page by page."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trio

from placed.backends.memory import open_memory_log
from placed.canvas.acts.record import record_of
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import PIXEL, Act, Canvas, Correction
from placed.canvas.projection import Projection
from placed.history.past import NotIndexed
from placed.moderation.older_acts import OlderActs
from placed.moderation.whole_past import WholePast
from tests.history.test_indexer import Server
from tests.support.records import SMALL, batch, record

if TYPE_CHECKING:
    from pathlib import Path

    from placed.backends import Log
    from placed.canvas.events import Event

pytestmark = pytest.mark.usefixtures("small_segments")
LIMIT_SECONDS = 20.0
RECORDED = 4
WIDER = Definition(SMALL.width + 1, SMALL.height, SMALL.rgb)


def _some_act(chance: random.Random, ids: list[int], painted: set[int]) -> Act:
    which = chance.choice(ids or [0])
    kind = chance.choice(["ban", "wipe", "undo", "undo", "undo", "close", "protect", "announce", "unprotect", "nod"])
    told: dict[str, dict[str, Any]] = {
        "ban": {"authors": ["0" * 16], "until": None},
        "wipe": {"area": [0, 0, 2, 2], "color": 1},
        "undo": {"act": which, "paints": which in painted},
        "protect": {"area": [SMALL.width - 1, 0, 1, 1]},
        "announce": {"text": "It is late", "until": 5},
        "unprotect": {"act": which},
    }
    return Act(kind, 7, told.get(kind, {}))


def _values(seed: int) -> list[bytes]:
    """A log's records: acts of all kinds, with edits and corrections between them."""
    chance, painted = random.Random(seed), set[int]()
    values, ids = [Canvas(SMALL).encode()], list[int]()

    def put(event: Event) -> int:
        values.append(event.encode())
        return len(values) - 1

    for _ in range(40):
        values += [record((0, 0, 1, 5))] * chance.randrange(4)
        if len(values) > 60:
            put(Canvas(WIDER))
        act = _some_act(chance, ids, painted)
        ids.append(put(act))
        if act.kind == "wipe" or act.fields.get("paints"):
            painted.add(ids[-1])
        if act.kind == "wipe":
            put(Correction(ids[-1], np.array([(1, 1, 1)], PIXEL)))
            put(Act("done", 7, {"act": ids[-1], "pixels": 1}))
    return values


def _apply(projection: Projection, values: list[bytes]) -> None:
    projection.apply(batch(values, first=projection.version), 0)


def _canvas() -> Projection:
    return Projection(SMALL, 0, Cooldowns(Rule(10, 0)))


def _all_entries(values: list[bytes], monkeypatch: pytest.MonkeyPatch) -> dict[int, dict[str, Any]]:
    """All entries that a record without a bound would have."""
    with monkeypatch.context() as unbounded:
        unbounded.setattr("placed.canvas.acts.record.MOST_RECORDED", 10_000)
        projection = _canvas()
        _apply(projection, values)
    entries = {int(act): dict(entry) for act, entry in record_of(projection.kept.acts).items()}
    for entry in entries.values():
        del entry["time"]
    return entries


@pytest.fixture
def _few_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.canvas.acts.record.MOST_RECORDED", RECORDED)
    monkeypatch.setattr("placed.moderation.older_acts.MOST_RECORDED", RECORDED)


async def _pages(older: OlderActs, before: int) -> list[tuple[int, dict[str, Any]]]:
    found = list[tuple[int, dict[str, Any]]]()
    while True:
        page = await older.page(before, 3)
        assert len(page.acts) <= 3
        assert page.is_whole
        found += page.acts
        if not page.has_more:
            return found
        before = found[-1][0]


@pytest.mark.usefixtures("_few_are_recorded")
@pytest.mark.parametrize("keeps_history", [True, False])
@pytest.mark.parametrize("seed", range(6))
async def test_each_act_is_told_as_a_record_without_a_bound_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, keeps_history: bool
) -> None:
    values = _values(seed)
    half = len(values) // 2
    with trio.fail_after(LIMIT_SECONDS):
        async with open_memory_log() as log:
            live = _canvas()
            server = Server(log, lambda: live.version)

            async def go_on(part: list[bytes]) -> None:
                for value in part:
                    await log.append(value)
                _apply(live, part)

            await go_on(values[:half])
            async with server.history(tmp_path / "history") as indexer:
                older = OlderActs(live, WholePast(log, indexer if keeps_history else None))
                for told in (values[:half], values):
                    expected = _all_entries(told, monkeypatch)
                    last = [int(act) for act in record_of(live.kept.acts)]
                    found = await _pages(older, last[0])
                    assert [act for act, _ in found] == sorted(set(expected) - set(last), reverse=True)
                    assert all(
                        entry.pop("time") for _, entry in found
                    )  # the time of a log's record, which the model doesn't have
                    assert dict(found) == {act: expected[act] for act, _ in found}
                    for act in (*expected, max(expected) + 1):
                        assert (await older.entry(act) is None) == (act not in expected)
                    if told is not values:
                        await go_on(values[half:])


async def _filled(log: Log, live: Projection, acts: int) -> None:
    values = [Canvas(SMALL).encode(), *[Act("close", 7).encode()] * acts]
    for value in values:
        await log.append(value)
    _apply(live, values)


@pytest.mark.usefixtures("_few_are_recorded")
async def test_a_record_that_has_room_has_all_acts(tmp_path: Path) -> None:
    async with open_memory_log() as log:
        live = _canvas()
        await _filled(log, live, RECORDED - 1)
        page = await OlderActs(live, WholePast(log)).page(1, 3)
    assert (page.acts, page.has_more, page.is_whole) == ([], False, True)


@pytest.mark.usefixtures("_few_are_recorded")
async def test_a_log_that_is_too_long_to_read_tells_that_there_may_be_more() -> None:
    async with open_memory_log() as log:
        live = _canvas()
        await _filled(log, live, 3 * RECORDED)
        older = OlderActs(live, WholePast(log, most_bytes=100))
        page = await older.page(5, 3)
        assert (page.acts, page.has_more, page.is_whole) == ([], False, False)
        assert await older.entry(1) is None
        assert await older.entry(3 * RECORDED) is not None


@pytest.mark.usefixtures("_few_are_recorded")
async def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.moderation.older_acts.MOST_ACTS", 5)
    monkeypatch.setattr("placed.moderation.older_acts._ROOM", 2)
    async with open_memory_log() as log:
        live = _canvas()
        await _filled(log, live, 10)
        page = await OlderActs(live, WholePast(log)).page(7, 100)
    assert ([act for act, _ in page.acts], page.has_more, page.is_whole) == ([6, 5, 4, 3], False, False)


@pytest.mark.usefixtures("_few_are_recorded")
async def test_whoever_asks_before_they_are_read_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("placed.moderation.older_acts._HISTORY_SECONDS", 0.0)
    async with open_memory_log() as log:
        live = _canvas()
        async with Server(log, lambda: 0).history(tmp_path / "history") as indexer:
            values = [Canvas(SMALL).encode(), *[Act("close", 7).encode()] * 9]
            _apply(live, values)  # the log doesn't have these yet
            with trio.fail_after(LIMIT_SECONDS), pytest.raises(NotIndexed):
                await OlderActs(live, WholePast(log, indexer)).page(5, 3)
