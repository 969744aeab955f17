"""`history`: how quickly a server reads the past from a log, how much disk it takes, and what questions about it cost.

A server starts on a whole event, of r/place 2017 or a generated one, and its history reads that log. Then one client
asks for moments, areas and pixels at random. Then edits are posted, first alone and then while eight clients ask for
moments without pause. At the end the bench deletes the snapshot, and the server starts from its history.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click
import numpy as np
import trio

from bench.equipment.http_client import connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.measure import quantiles, reading, resident_bytes, since
from bench.equipment.place import until_history_is_read
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import running_server, serving
from bench.logs.chosen_event import chosen_event, edits_option, record_edits_option, source_of, trace_option
from placed.backends.lmdb.filling import fill_lmdb_log
from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.batch import Batch
from placed.canvas.events import EDIT, EDITS_HEADER, Canvas, Edits
from placed.history.ground import Ground
from placed.history.indexer import EVERY_SECONDS, Indexer, Live
from placed.history.keeping import Keeping
from placed.history.overview import SEGMENTS
from placed.history.overview_files import FEW_SEGMENTS
from placed.http.history_questions import MOST_HITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bench.equipment.http_client import Connection
    from bench.equipment.server_process import ServerProcess
    from bench.logs.trace import Trace

ASKING: Final = 8
_LIVE_EDITS: Final = 1_000  # a second
_START_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.05
_AT_ONCE: Final = 50_000  # records in one transaction
_SURVEY_SECONDS: Final = 20.0  # to wait for the overviews; without them answers are slower, but the same
_MEMORY_SECONDS: Final = 2.0
_INDEXED: Final = Target(2_000_000, at_least=True)


@attrs.define
class _Outcome:
    """The measured values. Times are in ms unless the name says seconds."""

    edits: int
    indexed_seconds: float = 0.0
    indexed_cpu_seconds: float = 0.0
    history_bytes: int = 0
    canvas: list[float] = attrs.field(factory=list)
    area: list[float] = attrs.field(factory=list)
    pixel: list[float] = attrs.field(factory=list)
    long_pixel: list[float] = attrs.field(factory=list)
    activity: list[float] = attrs.field(factory=list)
    alone: list[float] = attrs.field(factory=list)
    beside: list[float] = attrs.field(factory=list)
    answered: int = 0
    start_seconds: float = 0.0
    memory_bytes: int = 0
    memory_without_bytes: int = 0
    live_share: float = 0.0


@click.command()
@trace_option
@edits_option
@record_edits_option
@click.option(
    "--questions", default=200, show_default=True, type=click.IntRange(1, 100_000), help="Questions of each kind."
)
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="Length of each of the two runs of POSTs.",
)
@json_option
def history(
    trace: Path | None, edits: int, record_edits: int, questions: int, seconds: float, json_path: Path | None
) -> None:
    """Index a log's past, and ask for moments and pixels of it while somebody paints."""
    event = chosen_event(trace, states=48, edits=edits)
    outcome = trio.run(_measure, event, record_edits, questions, seconds)
    options = {"trace": source_of(trace), "record_edits": record_edits, "questions": questions}
    figures = _figures(outcome)
    Report(bench="history", figures=figures, options=options, details=attrs.asdict(outcome)).publish(json_path)


async def _measure(event: Trace, record_edits: int, questions: int, seconds: float) -> _Outcome:
    outcome = _Outcome(event.total_edits, live_share=_live_share(event))
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder, progress_bar("") as bar:
        data = Path(folder)
        task = bar.add_task("making the log: edits", total=event.total_edits)
        version = await _fill(data / "log", event, record_edits, lambda count: bar.advance(task, count))
        task = bar.add_task("asking", total=8)
        await _index(data, event, version, outcome)
        command = serving(data, "--unlimited-client", "127.0.0.1")
        async with running_server(command) as server, connection(server.host, server.port) as link:
            await until_history_is_read(server.host, server.port)
            await _surveyed(data / "history")
            bar.advance(task)
            rng = np.random.default_rng(1)
            side = event.definition.width, event.definition.height
            questions_of: dict[str, Callable[[], str]] = {
                "canvas": lambda: f"canvas.png?v={rng.integers(1, version)}",
                "area": lambda: (
                    f"canvas.png?v={rng.integers(1, version)}&x={rng.integers(max(1, side[0] - 100))}"
                    f"&y={rng.integers(max(1, side[1] - 100))}&width={min(100, side[0])}&height={min(100, side[1])}"
                ),
                "pixel": lambda: f"pixel?x={rng.integers(side[0])}&y={rng.integers(side[1])}",
                "long_pixel": lambda: f"pixel?x={rng.integers(side[0])}&y={rng.integers(side[1])}&limit={MOST_HITS}",
            }
            for kind, target in questions_of.items():
                getattr(outcome, kind).extend([await _ask(link, "/history/" + target()) for _ in range(questions)])
                bar.advance(task)
            outcome.activity = [await _ask(link, "/history/activity") for _ in range(5)]
            outcome.alone = await _post(link, seconds)
            await _beside(server, version, seconds, outcome)
            bar.advance(task)
        outcome.history_bytes = sum(path.stat().st_size for path in (data / "history").iterdir())
        outcome.memory_bytes = await _memory(command)
        outcome.memory_without_bytes = await _memory([*command, "--no-history"])
        bar.advance(task)
        shutil.rmtree(data / "snapshot")
        outcome.start_seconds = await _start(command)
        bar.advance(task)
    return outcome


async def _fill(folder: Path, event: Trace, record_edits: int, advance: Callable[[int], None]) -> int:
    """Make the log, with each state's edits spread over the time since the previous state; return its next offset."""
    await trio.Path(folder).mkdir(parents=True)
    begin = int(event.seconds[0]) * 1000
    async with fill_lmdb_log(folder, created_ms=begin) as log:
        await log.extend(np.array([begin]), [Canvas(event.definition).encode()])
        for state in event.states():
            end = state.seconds * 1000
            values = _records(state.edits, record_edits)
            times_ms = np.linspace(begin, end, len(values)).astype(np.int64)
            for at in range(0, len(values), _AT_ONCE):
                await log.extend(times_ms[at : at + _AT_ONCE], values[at : at + _AT_ONCE])
            begin = end
            advance(len(state.edits))
        return log.next


def _records(edits: NDArray[np.void], record_edits: int) -> list[bytes]:
    if record_edits > 1:
        return [Edits(edits[at : at + record_edits]).encode() for at in range(0, len(edits), record_edits)]
    # Equivalent code that is 20 times as fast: for a whole event that saves minutes.
    joined = np.empty((len(edits), len(EDITS_HEADER) + EDIT.itemsize), np.uint8)
    joined[:, : len(EDITS_HEADER)] = np.frombuffer(EDITS_HEADER, np.uint8)
    joined[:, len(EDITS_HEADER) :] = edits.view(np.uint8).reshape(-1, EDIT.itemsize)
    return [row.tobytes() for row in joined]


async def _index(data: Path, event: Trace, version: int, outcome: _Outcome) -> None:
    """Read the log into a history, as an idle server does in the background."""
    ground = partial(Ground, event.definition, 0)
    async with open_lmdb_log(data / "log") as log, trio.open_nursery() as nursery:
        live = Live(lambda: version, lambda: event.definition, ground, ground)
        indexer = Indexer(data / "history", log, live)
        begin = reading()
        nursery.start_soon(indexer.run)
        await indexer.reach(version, math.inf)
        spent = since(begin)
        nursery.cancel_scope.cancel()
    outcome.indexed_seconds, outcome.indexed_cpu_seconds = spent.wall, spent.cpu


async def _surveyed(folder: Path) -> None:
    """Wait until all overviews are made."""
    whole, rest = divmod(_count(folder, "*.segment"), SEGMENTS)
    wanted = whole + rest // FEW_SEGMENTS
    with trio.move_on_after(_SURVEY_SECONDS):
        while _count(folder, "*.overview") < wanted:  # noqa: ASYNC110 - files give no signal
            await trio.sleep(_LOOK_SECONDS)


def _count(folder: Path, pattern: str) -> int:
    return len(list(folder.glob(pattern)))


async def _ask(link: Connection, target: str, method: str = "GET") -> float:
    began = trio.current_time()
    answer = await link.request(method, target)
    if answer.status != 200:
        raise UnexpectedAnswer(f"{target} answered {answer.status}: {answer.body[:200]!r}")
    return 1000 * (trio.current_time() - began)


async def _post(link: Connection, seconds: float) -> list[float]:
    """Post edits one after the other, with a pause of 5 ms."""
    found: list[float] = []
    end = trio.current_time() + seconds
    while trio.current_time() < end:
        found.append(await _ask(link, f"/edit?x={len(found) % 100}&y=1&color=1", "POST"))
        await trio.sleep(0.005)
    return found


async def _beside(server: ServerProcess, version: int, seconds: float, outcome: _Outcome) -> None:
    async with trio.open_nursery() as nursery, connection(server.host, server.port) as link:
        for number in range(ASKING):
            nursery.start_soon(_keep_asking, server, version, number, outcome)
        outcome.beside = await _post(link, seconds)
        nursery.cancel_scope.cancel()


async def _keep_asking(server: ServerProcess, version: int, seed: int, outcome: _Outcome) -> None:
    rng = np.random.default_rng(seed + 10)
    async with connection(server.host, server.port) as link:
        while True:
            await _ask(link, f"/history/canvas.png?v={rng.integers(1, version)}")
            outcome.answered += 1


async def _memory(command: list[str]) -> int:
    """The anonymous memory of a server that has started and taken posts: the same work with a history and without."""
    async with running_server(command) as server, connection(server.host, server.port) as link:
        await until_history_is_read(server.host, server.port)
        await _post(link, _MEMORY_SECONDS)
        await trio.sleep(2 * EVERY_SECONDS)  # time for the history to read the posted edits
        return resident_bytes(server.process.pid)["RssAnon"]


async def _start(command: list[str]) -> float:
    """From exec to the first 200 of /readyz, without a snapshot."""
    began = trio.current_time()
    with trio.fail_after(_START_SECONDS):
        async with running_server(command) as server, connection(server.host, server.port) as link:
            await _ask(link, "/readyz")
            return trio.current_time() - began


def _live_share(event: Trace) -> float:
    """The share of a core that keeping the history takes at 1,000 edits a second, each a record, read once a second."""
    state = next(iter(event.states()))
    edits = np.resize(state.edits, 200_000)
    batches = [
        Batch(
            np.arange(at, at + _LIVE_EDITS, dtype=np.int64),
            np.arange(at, at + _LIVE_EDITS, dtype=np.int64),
            [Edits(edits[index : index + 1]).encode() for index in range(at, at + _LIVE_EDITS)],
        )
        for at in range(0, len(edits), _LIVE_EDITS)
    ]
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        keeping = Keeping(Path(folder) / "history", "0" * 32, Ground(event.definition, 0))
        begin = reading()
        for batch in batches:
            keeping.take(batch)
        return since(begin).cpu / len(batches)


def _figures(outcome: _Outcome) -> list[Figure]:
    canvas, area = quantiles(outcome.canvas), quantiles(outcome.area)
    pixel, long_pixel = quantiles(outcome.pixel), quantiles(outcome.long_pixel)
    alone, beside = quantiles(outcome.alone), quantiles(outcome.beside)
    memory = (outcome.memory_bytes - outcome.memory_without_bytes) / 1e6
    return [
        Figure("edits", outcome.edits, ""),
        Figure("indexed by an idle server", outcome.edits / outcome.indexed_seconds, "edits per second"),
        Figure("the same, by CPU", outcome.edits / outcome.indexed_cpu_seconds, "edits per second", _INDEXED),
        Figure("keeping at 1,000 edits a second", 100 * outcome.live_share, "% of a core", Target(5.0)),
        Figure("on disk", outcome.history_bytes / outcome.edits, "bytes per edit", Target(16.0)),
        Figure("canvas at a random version, p50", canvas["p50"], "ms", Target(25.0)),
        Figure("canvas at a random version, p99", canvas["p99"], "ms", Target(60.0)),
        Figure("area of 100 x 100, p50", area["p50"], "ms", Target(15.0)),
        Figure("area of 100 x 100, p99", area["p99"], "ms"),
        Figure("a pixel's last 20 edits, as the page asks, p50", pixel["p50"], "ms"),
        Figure("a pixel's last 20 edits, p99", pixel["p99"], "ms", Target(5.0)),
        Figure(f"a pixel's last {MOST_HITS} edits, p50", long_pixel["p50"], "ms"),
        Figure(f"a pixel's last {MOST_HITS} edits, p99", long_pixel["p99"], "ms", Target(5.0)),
        Figure("activity of the whole event, p50", quantiles(outcome.activity)["p50"], "ms"),
        Figure("an edit alone, p99", alone["p99"], "ms"),
        Figure("an edit while 8 ask for moments, p99", beside["p99"], "ms"),
        Figure("the same, times as long", beside["p99"] / alone["p99"], "", Target(2.0, inclusive=True)),
        Figure("moments answered meanwhile", outcome.answered, ""),
        Figure("memory beside that without history", memory, "MB", Target(15.0)),
        Figure("start without a snapshot, to /readyz", outcome.start_seconds, "s", Target(2.0)),
    ]
