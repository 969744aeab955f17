"""The start: the answers until the server serves, and what a failed start leaves behind."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio

from placed.backends import LogUnavailable
from placed.commands.settings.values import Settings
from placed.http.lanes.listening import Listening
from placed.process.exit_codes import ExitCode
from placed.service import start as start_module
from placed.service.start import Start
from tests.support.http_connection import connect, get
from tests.support.log_lines import logged
from tests.support.offline_log import read_records
from tests.support.server_process import refusal, running, starting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

LIMIT_SECONDS: Final = 30.0
KAFKA: Final = "kafka://127.0.0.1:1/place"


@contextlib.asynccontextmanager
async def _start(tmp_path: Path, *, has_patience: bool = False, **settings: Any) -> AsyncGenerator[tuple[Start, int]]:
    """A start whose port is open."""
    listening = Listening("127.0.0.1", 0)
    listeners = await listening.open()
    try:
        chosen = Settings(data=tmp_path, **settings)
        with trio.fail_after(LIMIT_SECONDS):
            yield Start(chosen, listeners, None, has_patience=has_patience), listeners[0].socket.getsockname()[1]
    finally:
        for listener in listeners:
            listener.socket.close()
        listening.close()


async def test_whoever_comes_while_it_takes_long_is_told_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_module, "PATIENCE_SECONDS", 0.01)
    async with _start(tmp_path) as (start, port):

        async def begin() -> str:
            answer = await get(port, "/readyz")
            assert (answer.status, answer.json()["code"]) == (503, "not-ready")
            assert "opens its log" in answer.json()["detail"]
            start.reading.read, start.reading.of = 12_345, 67_890
            answer = await get(port, "/readyz")
            assert (answer.json()["read"], answer.json()["of"]) == (12_345, 67_890)
            assert "12,345 of 67,890 records" in answer.json()["detail"]
            assert (await get(port, "/healthz")).status == 200
            return "begun"

        assert await start.until(begin) == "begun"


@pytest.mark.parametrize("has_patience", [False, True])
async def test_whoever_comes_before_it_takes_long_or_during_a_handover_waits(
    tmp_path: Path, has_patience: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_module, "PATIENCE_SECONDS", 0.0 if has_patience else LIMIT_SECONDS)
    async with _start(tmp_path, has_patience=has_patience) as (start, port), connect(port) as early:
        await early.send("/readyz")

        async def begin() -> None:
            with trio.move_on_after(0.2) as waited:
                await early.answer()
            assert waited.cancelled_caught

        await start.until(begin)


async def test_log_that_is_waited_for_makes_its_lines_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with _start(tmp_path, log=KAFKA) as (start, port):
        attempts = []

        async def begin() -> None:
            attempts.append(1)
            start.caution("two copies would be better")
            if len(attempts) < 3:
                raise LogUnavailable("no broker answers")
            assert "waits for its log" in (await get(port, "/readyz")).json()["detail"]

        await start.until(begin)
    assert [line["event"] for line in logged(caplog)] == ["the log's settings need a look", "waiting for the log"]


async def test_log_that_is_not_waited_for_ends_the_start(tmp_path: Path) -> None:
    async def begin() -> None:
        raise LogUnavailable("the disk is full")

    async with _start(tmp_path) as (start, _port):
        with pytest.RaisesGroup(pytest.RaisesExc(LogUnavailable)):
            await start.until(begin)


@pytest.fixture
def busy_port() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--port", "BUSY"), ExitCode.CANNOT_LISTEN),
        (("--host", "192.0.2.1"), ExitCode.CANNOT_LISTEN),
        (("--host", "no-such-host.invalid"), ExitCode.CANNOT_LISTEN),
        (("--certificate", "no.pem"), ExitCode.BAD_USAGE),
        (("--author-key-file", "no.key"), ExitCode.UNUSABLE),
        (("--log", KAFKA, "--exit-if-unreachable"), ExitCode.UNUSABLE),
    ],
)
async def test_start_that_fails_leaves_nothing_behind(
    tmp_path: Path, busy_port: str, flags: tuple[str, ...], code: ExitCode
) -> None:
    data = tmp_path / "below" / "data"
    ended, output = await refusal(data, *(busy_port if flag == "BUSY" else flag for flag in flags))
    assert ended == code, output
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - nothing else runs


async def test_start_that_fails_by_its_own_key_has_made_no_canvas(tmp_path: Path) -> None:
    (tmp_path / "author.key").write_bytes(b"short")
    assert (await refusal(tmp_path))[0] == ExitCode.UNUSABLE
    assert [path.name for path in tmp_path.iterdir()] == ["author.key"]  # noqa: ASYNC240 - nothing else runs
    (tmp_path / "author.key").unlink()
    async with starting(tmp_path, "--width", "65") as server:
        await server.ready()
        assert (await get(server.port, "/info")).json()["width"] == 65
        await server.stop()
    assert await read_records(tmp_path / "log") == [[]]


async def test_second_server_of_the_same_settings_hears_of_the_first_and_not_of_its_port(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        code, output = await refusal(tmp_path, "--port", str(server.port))
        assert code == ExitCode.UNUSABLE
        assert f"process {server.pid}" in output
