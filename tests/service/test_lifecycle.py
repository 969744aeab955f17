"""The life of a server process: it listens once it has caught up, and stops in order, or at once when told twice."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from bench.equipment.free_ports import free_ports
from bench.equipment.server_process import COMMAND
from placed.process.exit_codes import ExitCode
from placed.storage.snapshot_store import open_snapshot_store
from tests.support.http_connection import ConnectionCut, connect, get, place
from tests.support.offline_log import append_records, canvas_record, read_records, record_of
from tests.support.painters import Load, each_pixel_once
from tests.support.server_process import refusal, running, starting
from tests.support.stream_client import EventParser, served_pixels
from tests.support.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.http_connection import Response

LIMIT_SECONDS = 60.0
WIDTH, HEIGHT = 64, 48
BIG_RECORDS, BIG_EDITS = 1_000, 4_000
SLOWLY = ("--charges", "1", "--charge-seconds", "86400")  # every edit of a day counts: 4 million take seconds
BIG_END = BIG_RECORDS + 2
SHUTDOWN_SECONDS = 10.0


@pytest.fixture(scope="module")
def big_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a log that takes a while to replay, and one pixel that only its last record paints."""
    data = tmp_path_factory.mktemp("big")
    pixels = [(number % WIDTH, number // WIDTH % 40, 1 + number % 15) for number in range(BIG_EDITS)]
    trio.run(append_records, data / "log", [canvas_record(WIDTH, HEIGHT, 16)])
    trio.run(partial(append_records, data / "log", [record_of(pixels)] * BIG_RECORDS))
    trio.run(append_records, data / "log", [record_of([(63, 47, 9)])])
    return data


async def test_port_answers_503_with_how_far_it_is_until_the_whole_log_is_replayed(big_log: Path) -> None:
    (port,) = free_ports(1)
    async with starting(big_log, *SLOWLY, "--port", str(port)) as server:
        answers = [(await _answer(port, "/readyz"))]
        assert (await get(port, "/healthz")).status == 200
        early = await _answer(port, "/canvas.png")
        while answers[-1].status == 503:
            answers.append(await _answer(port, "/readyz"))
        assert early.status == 503
        assert early.json()["code"] == "not-ready"
        assert int(early.headers["retry-after"]) >= 1
        progress = [answer.json() for answer in answers[:-1]]
        assert {told["of"] for told in progress} == {BIG_END}
        assert 0 < progress[0]["read"] <= progress[-1]["read"] <= BIG_END
        assert f"of {BIG_END:,} records" in progress[0]["detail"]
        assert "the log is being read" in server.output
        assert int((await get(port, "/canvas.png")).headers["x-canvas-version"]) == BIG_END
        pixels = await served_pixels(port, BIG_END)
        assert pixels[-1] == 9
        assert 0 not in pixels[: 40 * WIDTH]
        await server.kill()  # no snapshot: the next test replays too


async def _answer(port: int, target: str) -> Response:
    """The next answer from the port, which opens soon."""
    with trio.fail_after(LIMIT_SECONDS):
        while True:
            with contextlib.suppress(ConnectionCut):
                return await get(port, target)
            await trio.sleep(0.005)


async def test_sigterm_during_the_replay_ends_it_at_once(big_log: Path) -> None:
    async with on_terminal(big_log, *SLOWLY) as terminal:
        await terminal.shows("reading the log")
        terminal.send(signal.SIGTERM)
        assert await terminal.ends() == 0
        assert "serves its canvas" not in terminal.text


async def test_long_replay_shows_a_progress_bar_on_a_terminal(big_log: Path) -> None:
    async with on_terminal(big_log, *SLOWLY) as terminal:
        await terminal.shows("reading the log")
        await terminal.shows(f"/{BIG_END}")
        await terminal.shows("serves its canvas at")
        await terminal.shows("http://127.0.0.1:")
        terminal.send(signal.SIGKILL)  # no snapshot, so that the next test replays too


async def test_no_progress_bar_without_a_terminal(big_log: Path) -> None:
    async with running(big_log) as server:
        assert "the log is read" in server.output
        assert "reading the log" not in server.output  # the text of the progress bar
        assert "\x1b" not in server.output
        await server.kill()


async def test_control_c_on_a_terminal_stops_it_in_order(tmp_path: Path) -> None:
    async with on_terminal(tmp_path) as terminal:
        await terminal.shows("serves its canvas at")
        await terminal.press_control_c()
        assert await terminal.ends() == 0
    assert await _snapshot_version(tmp_path) == 1


async def test_terminal_that_closes_stops_it_in_order(tmp_path: Path) -> None:
    async with on_terminal(tmp_path) as terminal:
        await terminal.shows("serves its canvas at")
        await terminal.hang_up()
        assert await terminal.ends() == 0
    assert await _snapshot_version(tmp_path) == 1


async def test_server_that_was_started_by_nohup_stays_when_its_terminal_closes(tmp_path: Path) -> None:
    async with running(tmp_path, prefix=("nohup",)) as server:
        server.send(signal.SIGHUP)
        assert (await get(server.port, "/readyz")).status == 200
        await server.stop()
        assert "SIGHUP" not in server.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_server_that_is_to_stop_in_its_first_moments_stops_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    gate = _Gate(tmp_path / "gate")
    async with starting(tmp_path / "data", prefix=gate.prefix) as server, gate.holding():
        server.send(number)
        gate.open()
        with trio.fail_after(LIMIT_SECONDS):
            assert await server.wait() == ExitCode.OK
        assert number.name in server.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_other_commands_end_when_they_are_told_to_in_their_first_moments(
    tmp_path: Path, number: signal.Signals
) -> None:
    gate = _Gate(tmp_path / "gate")
    command = (*gate.prefix, *COMMAND, "check", "--data", str(tmp_path / "none"))
    process = await trio.lowlevel.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    async with gate.holding():
        process.send_signal(number)
        gate.open()
        with trio.fail_after(LIMIT_SECONDS):
            assert await process.wait() == ExitCode.INTERRUPTED


async def test_handover_asked_for_in_the_first_moments_is_refused_in_words(tmp_path: Path) -> None:
    """This holds from when the process's own code runs: before that, Python itself starts for some 20 ms."""
    gate = _Gate(tmp_path / "gate")
    async with starting(tmp_path / "data", prefix=gate.prefix) as server, gate.holding():
        server.send(signal.SIGUSR2)
        gate.open()
        await server.writes("not handing over")
        assert "it is starting" in server.output
        await server.ready()
        await server.stop()


class _Gate:
    """Holds a process in its first moments: after the first lines of its own code, when it imports the command line.

    Attributes:
        prefix: beginning of the process's command.
    """

    _HELD = """
import runpy, sys
gate, _, _, module = sys.argv[1:5]
class Gate:
    def find_spec(self, name, *_):
        if name == "placed.commands.cli":
            sys.meta_path.remove(self)
            open(gate).read()
sys.meta_path.insert(0, Gate())
del sys.argv[1:5]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""

    def __init__(self, pipe: Path) -> None:
        self._pipe = pipe
        self._end: int | None = None
        os.mkfifo(pipe)
        self.prefix = (sys.executable, "-c", self._HELD, str(pipe))

    @contextlib.asynccontextmanager
    async def holding(self) -> AsyncGenerator[None]:
        """Wait until a process is held; it goes on at the end of the block."""
        with trio.fail_after(LIMIT_SECONDS):
            while self._end is None:
                await trio.sleep(0.01)  # a writer gets no signal when a pipe has a reader
                with contextlib.suppress(OSError):  # nobody reads it yet
                    self._end = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            yield
        finally:
            self.open()

    def open(self) -> None:
        """Let the process go on. Idempotent."""
        if self._end is not None:
            os.close(self._end)
            self._end = None


async def test_data_folder_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    data = tmp_path / os.fsdecode(b"caf\xe9")
    async with running(data) as server, connect(server.port) as painter:
        assert (await place(painter, 1, 2, 3)).json() == {"v": 2}
        await server.stop()
    code, output = await refusal(data, "--width", "65")
    assert code == ExitCode.UNUSABLE
    assert "udce9" in output  # escaped
    assert "Traceback" not in output


async def _snapshot_version(data: Path) -> int:
    async with open_snapshot_store(data / "snapshot") as store:
        snapshot = await store.load()
    assert snapshot is not None
    return snapshot.version


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_stopping_saves_a_snapshot_of_the_log_s_end(tmp_path: Path, number: signal.Signals) -> None:
    async with running(tmp_path) as server, connect(server.port) as connection:
        for color in range(5):
            assert (await place(connection, 1, 2, color)).json() == {"v": color + 2}
        await server.stop(number)
    assert await _snapshot_version(tmp_path) == 6
    assert len(await read_records(tmp_path / "log")) == 6
    async with running(tmp_path) as server:
        assert "records=0" in server.output
        assert (await served_pixels(server.port, 6))[2 * WIDTH + 1] == 4


async def test_stopping_answers_edits_under_way_and_tells_the_streams_all_of_them(tmp_path: Path) -> None:
    load = Load(each_pixel_once(WIDTH, HEIGHT, 16))
    streams: list[bytes] = []

    async def follow(port: int, *, task_status: trio.TaskStatus[None]) -> None:
        async with connect(port) as connection:
            await connection.send("/edits?v=1&format=json")
            assert (await connection.head()).status == 200
            task_status.started()
            told = b""
            while (data := await connection.data()) is not None:  # raises unless it ends in order
                told += data
            streams.append(told)

    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path) as server, trio.open_nursery() as nursery:
            for _ in range(5):
                await nursery.start(follow, server.port)
            busy = trio.Event()
            load.on_acknowledged = lambda: busy.set() if len(load.acknowledged) >= 100 else None
            nursery.start_soon(load.paint, server.port, 16)
            await busy.wait()
            server.send(signal.SIGTERM)
            assert await server.wait() == 0
            assert "Traceback" not in server.output
    assert set(load.refused) <= {503}
    records = await read_records(tmp_path / "log")
    written = [edit for edits in records for edit in edits]
    # No request under way is left without an answer: the log has no more edits than were acknowledged.
    assert sorted(written) == sorted(edit for edit, _ in load.acknowledged)
    assert len(streams) == 5
    for told in streams:
        edits = [(x, y, color) for event in EventParser().feed(told) for x, y, color in json.loads(event.data)["edits"]]
        assert edits == written


async def test_edits_during_the_shutdown_are_refused_with_503(tmp_path: Path) -> None:
    """A request under way keeps the server in its shutdown; another connection then wants to paint."""
    async with running(tmp_path) as server, connect(server.port) as busy, connect(server.port) as late:
        await busy.send("/edits?v=1")
        assert (await busy.head()).status == 200
        body = b'{"x": 1, "y": 2, "color": 3}'
        headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        await late.send_head("/edit", method="POST", headers=headers)  # its body is still to come
        assert (await get(server.port, "/healthz")).status == 200  # so the server has had time to read the head
        server.send(signal.SIGTERM)
        with trio.fail_after(LIMIT_SECONDS):
            while await busy.data() is not None:  # the streams have ended: the server no longer takes edits
                pass
        await late.send_body(body)
        answer = await late.answer()
        assert answer.status == 503
        assert answer.json()["code"] == "shutting-down"
        assert int(answer.headers["retry-after"]) >= 1
        assert await server.wait() == 0
    assert await read_records(tmp_path / "log") == [[]]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_second_signal_ends_it_at_once(tmp_path: Path, second: signal.Signals) -> None:
    async with running(tmp_path) as server, connect(server.port) as busy:
        # A request whose body never comes keeps the first signal's shutdown waiting.
        await busy.send_head("/edit", method="POST", headers=(("Content-Length", "10"),))
        assert (await get(server.port, "/healthz")).status == 200
        server.send(signal.SIGTERM)
        await server.writes("stopping")
        server.send(second)
        began = trio.current_time()
        assert await server.wait() == -second
        assert trio.current_time() < began + 2.0  # the grace for requests alone would be 3 s


async def test_request_that_never_ends_delays_the_stop_by_its_grace_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as server, connect(server.port) as busy:
        await busy.send_head("/edit", method="POST", headers=(("Content-Length", "10"),))
        assert (await get(server.port, "/healthz")).status == 200
        began = trio.current_time()
        await server.stop()
        assert trio.current_time() < began + SHUTDOWN_SECONDS
    assert await _snapshot_version(tmp_path) == 1


async def test_log_in_memory_ends_with_the_server_and_leaves_no_log_behind(tmp_path: Path) -> None:
    async with running(tmp_path, "--log", "memory:") as server, connect(server.port) as connection:
        assert (await place(connection, 1, 2, 3)).json() == {"v": 2}
        log = (await get(server.port, "/info")).json()["log"]
        await server.stop()
    assert not (tmp_path / "log").exists()
    async with running(tmp_path, "--log", "memory:") as server:
        info = (await get(server.port, "/info")).json()
        assert (info["version"], info["log"] != log) == (1, True)
        assert "it is of another log" in server.output
        assert not any(await served_pixels(server.port, 1))
