"""Recovery with records that aren't edits: a growing canvas, and records that a server doesn't know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest

from placed.backends import CannotStart
from placed.canvas.cooldown import SAVED, Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.canvas.kept_state import Kept
from placed.canvas.projection import Projection
from placed.canvas.snapshot import Snapshot, decode, encode
from placed.tasks.recovery import Wanted
from tests.support.log_lines import logged
from tests.support.records import SMALL, batch, record
from tests.support.scripted_log import NOW_MS
from tests.tasks.test_recovery import EDITS, Store, canvas_at, log_of, recovered, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.scripted_log import ScriptedLog

LARGE = Definition(9, 7, SMALL.rgb + b"\xf0\xf1\xf2")


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings so far, with their reasons."""
    return lambda: [str(line.get("reason", "")) for line in logged(caplog)]


async def grown(*, extra: bytes = b"\1\x63x") -> ScriptedLog:
    """Ten of the edits, growth of the canvas at offset 11, an edit on the new part, and a record that is skipped."""
    edits = [record(edit) for edit in EDITS[:10]]
    return await log_of(Canvas(SMALL).encode(), *edits, Canvas(LARGE).encode(), record((8, 6, 4, 9)), extra)


async def test_log_whose_canvas_grows_is_replayed_across_it() -> None:
    result = await recovered(await grown())
    assert (result.projection.definition, result.projection.version) == (LARGE, 14)
    assert (result.projection.canvas[:3, :5] == canvas_at(11)).all()
    assert result.projection.canvas[6, 8] == 4
    assert (result.projection.feed.first, result.projection.kept.grown) == (12, 12)


@pytest.mark.parametrize("version", range(1, 15))
async def test_snapshot_of_any_age_leads_to_the_grown_canvas(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.tasks.reader.steady_clock_ms", lambda: NOW_MS)
    log, whole = await grown(), (await recovered(await grown())).projection
    before = Projection(SMALL, 0, Cooldowns(Rule(10, 1000)))
    before.apply(batch(log.appended[:version]), NOW_MS)
    taken = Snapshot(log.id, version, before.definition, before.kept, before.canvas, np.empty(0, SAVED))
    result = await recovered(log, Store(decode(encode(taken))))
    assert result.snapshot_version == version
    assert result.projection.definition == LARGE
    assert (result.projection.canvas == whole.canvas).all()
    assert result.projection.kept == whole.kept
    assert result.projection.feed.first == 12


@pytest.mark.parametrize("wanted", [Wanted(5, 3, SMALL.rgb), Wanted(9, 7, LARGE.rgb), Wanted(9, None, SMALL.rgb)])
async def test_settings_may_say_what_the_canvas_was_or_what_it_is(wanted: Wanted) -> None:
    assert (await recovered(await grown(), wanted=wanted)).projection.definition == LARGE


@pytest.mark.parametrize("wanted", [Wanted(4, None, None), Wanted(8, None, None), Wanted(None, None, LARGE.rgb[::-1])])
async def test_settings_may_not_say_what_it_never_was(wanted: Wanted) -> None:
    with pytest.raises(CannotStart, match="5 x 3 pixels"):
        await recovered(await grown(), wanted=wanted)


async def test_size_that_no_growing_leads_to_is_refused_before_the_log_is_read() -> None:
    log = await grown()
    with pytest.raises(CannotStart) as refusal:
        await recovered(log, wanted=Wanted(4, None, None))
    assert "has grown" not in str(refusal.value)
    with pytest.raises(CannotStart, match="has grown to 9 x 7 pixels and 5 colours"):
        await recovered(log, wanted=Wanted(8, None, None))


async def test_each_thing_that_is_not_known_is_told_once(warnings: Callable[[], list[str]]) -> None:
    act = b'\1\3{"kind":"%s","by":"0000000000000001"}'
    values = [b"\1\x63x", act % b"ballot", act % b"gild", b"\2\1", record((9, 9, 1, 1)), b"\1\1"]
    result = await recovered(await log_of(Canvas(SMALL).encode(), *values * 20))
    assert result.projection.skipped == {"broken": 20, "outside": 20, "canvas": 0, "full": 0, "unknown": 80}
    told = [reason.partition(",")[0] for reason in warnings()]
    assert [*told[:4]] == ["type 99", "act ballot", "act gild", "format 2"]
    assert len(told) == 6


async def test_snapshot_of_a_server_that_knew_less_is_left_out(warnings: Callable[[], list[str]]) -> None:
    log = await log_of()
    stored = attrs.evolve(snapshot(log, 10), kept=Kept(SMALL, unknown=frozenset({"type 4", "type 99"})))
    stored.canvas[:] = 3
    result = await recovered(log, Store(stored))
    assert (result.projection.canvas == canvas_at(21)).all()
    assert "didn't know type 4" in warnings()[0]
