"""One server process inside the test's own: its signals, and its messages to the service manager, from start to end."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
import trio
import trio.testing

from placed.backends import LogReplaced
from placed.commands.settings.values import Settings
from placed.service import process as process_module
from placed.service.process import ServerProcess, _signals
from placed.service.wiring import serve
from tests.support.log_lines import logged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from placed.service.wiring import Running

LIMIT_SECONDS: Final = 60.0


@pytest.fixture(autouse=True)
def _signals_end_nobody() -> Iterator[None]:
    """Lose a signal that the process doesn't handle, which would otherwise end the tests."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2, signal.SIGHUP)
    handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@attrs.frozen
class Starts:
    """Each start of the service; the service is a real one.

    Attributes:
        before: called before each start, with the number of earlier starts.
        serving: by number of starts, set once that many serve.
    """

    before: Callable[[int], None]
    count: list[int] = attrs.field(factory=list)
    serving: dict[int, trio.Event] = attrs.field(factory=lambda: {number: trio.Event() for number in range(5)})
    fail: trio.Event = attrs.field(factory=trio.Event)

    async def serve(
        self, settings: Settings, *, task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED, **more: Any
    ) -> None:
        number = len(self.count)
        self.count.append(number)
        self.before(number)
        async with trio.open_nursery() as nursery:
            running = await nursery.start(lambda **told: serve(settings, **more, **told))
            task_status.started(running)
            self.serving[number].set()
            if number == 0:
                await self.fail.wait()
                raise LogReplaced("the topic was made anew")


def _process(tmp_path: Path, environment: dict[str, str] | None = None) -> ServerProcess:
    settings = Settings(data=tmp_path / "data", port=0, width=64, height=48)
    return ServerProcess(settings, environment or {}, ["false"])


def _events(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return logged(caplog, level=20)


async def _says(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    with trio.fail_after(LIMIT_SECONDS):
        while True:
            for line in _events(caplog):
                if line["event"] == event:
                    return line
            await trio.sleep(0.01)


@pytest.mark.parametrize("turns", range(5))
async def test_signal_that_comes_just_as_it_ends_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    subject = ServerProcess(Settings(data=tmp_path, log="memory:", port=0), {}, ["unused"])

    async def end() -> None:
        await trio.testing.wait_all_tasks_blocked()
        subject._ends = True
        os.kill(os.getpid(), signal.SIGUSR2)
        for _ in range(turns):
            await trio.lowlevel.checkpoint()

    monkeypatch.setattr(subject, "_serve_once", end)
    with trio.fail_after(LIMIT_SECONDS):
        await subject.serve()


async def test_signals_that_are_harmless_are_ignored_once_nobody_looks() -> None:
    """They are ignored in every thread: a mask would only work in one thread."""
    with _signals() as signals:
        os.kill(os.getpid(), signal.SIGUSR2)
        with trio.fail_after(LIMIT_SECONDS):
            assert await anext(aiter(signals)) == signal.SIGUSR2
    for number in (signal.SIGUSR2, signal.SIGHUP):
        assert signal.getsignal(number) is signal.SIG_IGN
        thread = threading.Thread(target=signal.raise_signal, args=(number,))
        thread.start()
        thread.join()


async def test_handover_asked_for_while_the_service_starts_again_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    starts = Starts(before=lambda number: os.kill(os.getpid(), signal.SIGUSR2) if number else None)
    monkeypatch.setattr(process_module, "serve", starts.serve)
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_process(tmp_path).serve)
            await starts.serving[0].wait()
            starts.fail.set()
            await starts.serving[1].wait()
            assert (await _says(caplog, "not handing over"))["reason"] == "it is starting"
            os.kill(os.getpid(), signal.SIGTERM)
    events = [line["event"] for line in _events(caplog)]
    assert events.index("the log is not what it was; starting again") < events.index("not handing over")
    assert events[-1] == "stopping"


async def test_terminal_that_hangs_up_twice_ends_it_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    serves = trio.Event()
    monkeypatch.setattr(process_module, "_announce", lambda _running: serves.set())
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_process(tmp_path).serve)
            await serves.wait()
            os.kill(os.getpid(), signal.SIGHUP)
            assert (await _says(caplog, "stopping"))["signal"] == "SIGHUP"
            os.kill(os.getpid(), signal.SIGHUP)
    assert [line["event"] for line in _events(caplog)].count("stopping") == 1


class SlowSuccessor:
    """A new process that takes long to serve."""

    pid = 1_000_000

    def __init__(self, wait: Callable[[], Any]) -> None:
        self._wait = wait

    async def prepared(self) -> None:
        """Return at once."""

    async def take_over(self) -> None:
        """Return when the test says so."""
        await self._wait()

    async def release(self) -> None:
        """Return at once."""


async def test_watchdog_is_fed_while_a_new_process_takes_its_time_to_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
        plain.bind(str(tmp_path / "notify"))
        manager = trio.socket.from_stdlib_socket(plain)
        heard: list[str] = []

        async def hear(line: str, times: int = 1) -> None:
            heard.clear()
            while heard.count(line) < times:
                heard.extend((await manager.recv(4096)).decode().split("\n"))

        async def start_slowly(_sockets: Sequence[socket.socket], _command: Sequence[str]) -> SlowSuccessor:
            async def listen_to_the_manager() -> None:
                while True:  # messages before this one don't count
                    with trio.move_on_after(0) as is_empty:
                        await manager.recv(4096)
                    if is_empty.cancelled_caught:
                        break
                await hear("WATCHDOG=1", times=3)

            return SlowSuccessor(listen_to_the_manager)

        monkeypatch.setattr(process_module, "start_successor", start_slowly)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_process(tmp_path, environment).serve)
                await hear("READY=1")
                os.kill(os.getpid(), signal.SIGUSR2)
            await hear(f"MAINPID={SlowSuccessor.pid}")
    assert "a new process serves" in [line["event"] for line in _events(caplog)]


async def test_reload_asks_for_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
        plain.bind(str(tmp_path / "notify"))
        manager = trio.socket.from_stdlib_socket(plain)

        asked = trio.Event()

        async def hear(line: str) -> None:
            while line not in (await manager.recv(4096)).decode().split("\n"):
                pass

        async def start_slowly(_sockets: Sequence[socket.socket], _command: Sequence[str]) -> SlowSuccessor:
            return SlowSuccessor(asked.wait)

        monkeypatch.setattr(process_module, "start_successor", start_slowly)
        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_process(tmp_path, {"NOTIFY_SOCKET": str(tmp_path / "notify")}).serve)
                await hear("READY=1")
                os.kill(os.getpid(), signal.SIGUSR2)
                await hear("RELOADING=1")
                await hear("EXTEND_TIMEOUT_USEC=60000000")
                asked.set()
