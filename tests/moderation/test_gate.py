"""Plans that come true when a server's clock says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import trio

from placed.backends import LogUnavailable, OutcomeUnknown
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.events import Act, Canvas
from placed.canvas.projection import Projection
from placed.moderation.gate import Gatekeeper
from placed.tasks.reader import LogReader
from placed.tasks.writer import Writer
from tests.support.records import SMALL
from tests.support.scripted_log import ScriptedLog

if TYPE_CHECKING:
    from trio.testing import MockClock

PLANNED_MS = 10_000


class Server:
    """A server's writer, reader and gatekeeper, with a clock of its own."""

    def __init__(self, log: ScriptedLog, ahead_ms: int = 0) -> None:
        self.log = log
        self.projection = Projection(SMALL, 0, Cooldowns(Rule(10, 0)))
        self.writer = Writer(log)
        self.reader = LogReader(log, self.projection, lambda: self.keeper.look())
        self.keeper = Gatekeeper(
            self.writer, lambda: self.projection.kept.acts, lambda: round(trio.current_time() * 1_000) + ahead_ms
        )

    async def run(self) -> None:
        """Run all its tasks."""
        async with trio.open_nursery() as nursery:
            for part in (self.reader, self.writer, self.keeper):
                nursery.start_soon(part.run)


async def planned(*kinds: str) -> ScriptedLog:
    """A log with plans of these kinds."""
    log = ScriptedLog()
    await log.append(Canvas(SMALL).encode())
    for kind in kinds:
        await log.append(Act(kind, 7, {"at": PLANNED_MS}).encode())
    return log


def appended(log: ScriptedLog) -> list[dict[str, Any]]:
    """The acts appended after the canvas."""
    return [json.loads(value[2:]) for value in log.appended[1:]]


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    autojump_clock.jump(1)
    return autojump_clock


async def test_plan_comes_true_at_its_time_in_the_name_of_who_made_it(clock: MockClock, nursery: trio.Nursery) -> None:
    log = await planned("close")
    nursery.start_soon(Server(log).run)
    await trio.sleep_until(9.99)
    assert len(appended(log)) == 1
    await trio.sleep_until(10.01)
    assert appended(log)[1:] == [{"kind": "close", "by": f"{7:016x}", "plan": 1}]
    await trio.sleep(5)
    assert len(appended(log)) == 2


async def test_without_plans_it_looks_only_when_acts_have_changed(clock: MockClock, nursery: trio.Nursery) -> None:
    looks: list[None] = []

    def acts() -> dict[str, Any]:
        looks.append(None)
        return {}

    keeper = Gatekeeper(Writer(ScriptedLog()), acts)
    nursery.start_soon(keeper.run)
    await trio.sleep(100)
    assert len(looks) == 1
    keeper.look()
    await trio.sleep(100)
    assert len(looks) == 2


async def test_servers_whose_clocks_differ_give_one_truth(clock: MockClock, nursery: trio.Nursery) -> None:
    log = await planned("close")
    servers = [Server(log, ahead_ms) for ahead_ms in (0, 1_000, -1_000)]
    for server in servers:
        nursery.start_soon(server.run)
    await trio.sleep_until(9.1)
    await log.append(Act("open", 7).encode())
    await trio.sleep_until(15)
    assert [act["kind"] for act in appended(log)] == ["close", "close", "open"]
    kept = [server.projection.kept for server in servers]
    assert kept == [kept[0]] * 3


@pytest.mark.parametrize("error", [LogUnavailable("gone"), OutcomeUnknown("who knows")])
async def test_plan_that_can_not_be_appended_is_tried_again(
    clock: MockClock, nursery: trio.Nursery, error: Exception
) -> None:
    log = await planned("close")
    log.append_errors = [error] * 3
    server = Server(log)
    nursery.start_soon(server.run)
    await trio.sleep_until(12)
    assert len(appended(log)) == 5
    assert server.projection.kept.acts["gate"]["gate"][0] is False


async def test_plan_whose_time_passed_while_no_server_ran_comes_true_late(
    clock: MockClock, nursery: trio.Nursery
) -> None:
    log = await planned("close", "open")
    clock.jump(100)
    server = Server(log)
    nursery.start_soon(server.run)
    await trio.sleep(1)
    assert [act["kind"] for act in appended(log)[2:]] == ["close", "open"]
    assert server.projection.kept.acts["gate"]["gate"][0] is True
