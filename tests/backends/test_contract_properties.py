"""The log contract under random interleavings of appends, reads, cancellations and reopening."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.backends.logs import LIMIT_SECONDS, Backend, read

if TYPE_CHECKING:
    from placed.backends import Log

_SIZES = st.one_of(st.integers(1, 40), st.sampled_from([2020, 4061, 4096, 20_000]))


@attrs.frozen
class Appender:
    """A task that appends values of these sizes, and yields a number of times before each."""

    sizes: list[int]
    pauses: list[int]


appenders = st.lists(
    st.builds(Appender, st.lists(_SIZES, max_size=15), st.lists(st.integers(0, 3), min_size=1, max_size=4)),
    min_size=1,
    max_size=6,
)
reader_starts = st.lists(st.floats(0, 1), max_size=5)
sessions = st.lists(st.tuples(appenders, reader_starts), min_size=1, max_size=3)


def _value(task: int, index: int, size: int) -> bytes:
    return (b"%d.%d." % (task, index) + bytes(size))[: max(size, len(b"%d.%d." % (task, index)))]


class Scenario:
    """One run: the acknowledged values, and checks of the values read."""

    def __init__(self) -> None:
        self.acknowledged: dict[int, bytes] = {}
        self.tasks = 0

    async def append(self, log: Log, appender: Appender) -> None:
        self.tasks += 1
        task, last = self.tasks, -1
        for index, size in enumerate(appender.sizes):
            for _ in range(appender.pauses[index % len(appender.pauses)]):
                await trio.lowlevel.checkpoint()
            value = _value(task, index, size)
            offset = await log.append(value)
            assert offset > last
            assert offset not in self.acknowledged
            last = offset
            self.acknowledged[offset] = value

    async def check_from(self, log: Log, start: float) -> None:
        """Read from somewhere in the log to its present end, while appends go on."""
        first, next_ = await log.bounds()
        offset = first + int(start * (next_ - first))
        wanted = {at: value for at, value in self.acknowledged.items() if at >= offset}
        found = await read(log, offset, len(wanted))
        self.check(found.offsets, found.times_ms, found.values)
        assert wanted.keys() <= set(found.offsets)

    def check(self, offsets: list[int], times_ms: list[int], values: list[bytes]) -> None:
        assert offsets == sorted(set(offsets))
        assert times_ms == sorted(times_ms)
        for offset, value in zip(offsets, values, strict=True):
            # A record that is read before its append has returned isn't in the table yet.
            assert self.acknowledged.get(offset, value) == value

    async def check_all(self, log: Log) -> None:
        first, _next = await log.bounds()
        found = await read(log, first, len(self.acknowledged))
        assert dict(zip(found.offsets, found.values, strict=True)) == self.acknowledged
        self.check(found.offsets, found.times_ms, found.values)


async def _run(backend: Backend, place: Path, plan: list[tuple[list[Appender], list[float]]]) -> None:
    scenario = Scenario()
    for appending, starts in plan:
        if not backend.durable:
            scenario = Scenario()
        with trio.fail_after(LIMIT_SECONDS):
            async with backend.open(place) as log:
                async with trio.open_nursery() as nursery:
                    for appender in appending:
                        nursery.start_soon(scenario.append, log, appender)
                    for start in starts:
                        nursery.start_soon(scenario.check_from, log, start)
                await scenario.check_all(log)


def test_whatever_is_appended_is_read_in_order_by_all_while_appends_go_on(backend: Backend) -> None:
    # pytest's temporary folder would be shared by all examples, so each makes its own.
    @settings(
        max_examples=backend.examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(sessions)
    def check(plan: list[tuple[list[Appender], list[float]]]) -> None:
        with tempfile.TemporaryDirectory() as place:
            trio.run(_run, backend, Path(place), plan)

    check()
