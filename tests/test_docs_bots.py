"""Every program and every session of docs/bots.md runs as printed, except for the address.

A program is a block whose first line names its file. A session is a block of commands, `$ `, each with its output; `…`
in it stands for any text.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import trio
from PIL import Image

from bench.equipment.free_ports import free_ports
from tests.support.http_connection import ConnectionCut, connect, get
from tests.support.parts import program
from tests.support.server_process import running
from tests.support.serving import LIMIT_SECONDS, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

PAGE: Final = (Path(__file__).parents[1] / "docs/bots.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS: Final = {text.split()[1].rstrip(":"): text for kind, text in BLOCKS if kind != "console"}
SESSIONS: Final = [text for kind, text in BLOCKS if kind == "console"]
PRINTED: Final = "127.0.0.1:8080"
PICTURE_SECONDS: Final = 60.0  # enough for the bot's 20 edits, and a reconnect after up to 5 s


def prepare(folder: Path, address: str) -> None:
    """Write the programs of the page into `folder`, with `address` instead of the printed one."""
    for name, text in PROGRAMS.items():
        assert PRINTED in text, name
        (folder / name).write_text(text.replace(PRINTED, address))


def environment() -> dict[str, str]:
    """An environment in which `python` and `node` are the test's own, without a proxy."""
    paths = [str(Path(sys.executable).parent), str(Path(program("node")).parent), os.environ["PATH"]]
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return kept | {"PATH": os.pathsep.join(paths), "PYTHONPATH": ""}


async def entered(command: str, folder: Path, seconds: float = LIMIT_SECONDS) -> str:
    """The output of a command, on standard output and standard error, within `seconds`."""
    with trio.fail_after(seconds):
        done = await trio.run_process(
            ["bash", "-c", command],
            cwd=folder,
            env=environment(),
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return done.stdout.decode()


def commands(session: str) -> list[tuple[str, str]]:
    """Each command of a session, and its output."""
    parts = re.split(r"^\$ (.*)\n", session, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def matches(shown: str, printed: str) -> bool:
    """Whether `printed` matches `shown`, up to the end of each line that is cut off."""
    pattern = "".join(".*" if part == "…" else re.escape(part) for part in re.split("(…)", shown.strip()))
    return re.fullmatch(pattern, printed.replace("\r", "").strip()) is not None


@pytest.mark.parametrize(
    ("shown", "printed", "is_right"),
    [('{"v":2}\n', '{"v":2}', True), ('{"v":2}', '{"v":3}', False), ("a…b", "a1b", True), ("a…b", "a1\n2b", False)],
)
def test_what_is_shown_is_compared(shown: str, printed: str, is_right: bool) -> None:
    assert matches(shown, printed) is is_right


def test_page_has_programs_and_a_session_for_each_tool() -> None:
    assert list(PROGRAMS) == ["place.py", "watch.py", "poll.py", "keep.py", "solve.py", "seen.mjs", "pixel.mjs"]
    assert [session.split()[1] for session in SESSIONS] == ["curl", "python", "node", "node"]


@pytest.mark.parametrize("lane", ["--fast-lane", "--no-fast-lane"])
@pytest.mark.parametrize("session", SESSIONS, ids=["curl", "python", "seen", "pixel"])
async def test_session_prints_what_the_page_shows(session: str, lane: str, tmp_path: Path) -> None:
    flags = ("--log", "memory:", "--charges", "2", "--charge-seconds", "60", "--width", "1000", "--height", "1000")
    async with running(tmp_path / "data", *flags, lane) as server:
        prepare(tmp_path, f"127.0.0.1:{server.port}")
        for command, shown in commands(session):
            printed = await entered(command.replace(PRINTED, f"127.0.0.1:{server.port}"), tmp_path)
            assert matches(shown, printed), f"{command}\n{printed}"


async def test_place_waits_for_a_charge_and_goes_on(tmp_path: Path) -> None:
    async with serving("fast", tmp_path, charges=1, charge_seconds=6) as server:
        prepare(tmp_path, f"127.0.0.1:{server.port}")
        assert (await server.place(1, 4, 5)).status == 200
        printed = await entered("python place.py 2 4 5", tmp_path)
        waited, placed = printed.splitlines()
        assert re.fullmatch(r"429 Too Many Requests: again in [1-6] s", waited)
        assert placed == "every canvas has it from version 3 on"


@pytest.mark.parametrize("challenge", [True, False])
async def test_solve_places_an_edit_whether_work_is_asked_for_or_not(challenge: bool, tmp_path: Path) -> None:
    async with serving("fast", tmp_path, challenge=challenge) as server:
        prepare(tmp_path, f"127.0.0.1:{server.port}")
        printed = await entered("python solve.py 2 4 5", tmp_path, PICTURE_SECONDS)
        assert printed == "every canvas has it from version 2 on\n"


@contextlib.asynccontextmanager
async def started(name: str, folder: Path) -> AsyncGenerator[Callable[[], str]]:
    """Start a program of the page; yields a function for its output so far. Killed at the end."""
    with (folder / f"{name}.out").open("wb") as out:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-u", name], cwd=folder, env=environment(), stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield partial((folder / f"{name}.out").read_text)
        finally:
            process.kill()
            with trio.CancelScope(shield=True), trio.move_on_after(LIMIT_SECONDS):
                await process.wait()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = LIMIT_SECONDS) -> None:
    """Wait until a condition is true that other processes bring about without a signal."""
    with trio.fail_after(seconds):
        while not await condition():  # noqa: ASYNC110 - servers and programs are watched as their users do it
            await trio.sleep(0.05)


async def metric(port: int, name: str) -> float:
    """A sample of /metrics; 0 if it isn't there."""
    text = (await get(port, "/metrics")).body.decode()
    found = re.search(rf"^{re.escape(name)} (.+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def is_watched(port: int) -> bool:
    """Whether any client follows the stream."""
    with contextlib.suppress(ConnectionCut, OSError):
        return bool((await get(port, "/info")).json()["viewers"])
    return False


async def paint(port: int, x: int, y: int, color: int, address: str = "203.0.113.7") -> int:
    """Place an edit from another address, and return the version that has it."""
    async with connect(port) as connection:
        other = (("X-Forwarded-For", address),)
        answer = await connection.request(f"/edit?x={x}&y={y}&color={color}", method="POST", headers=other)
        assert answer.status == 200, answer.body
        return int(answer.json()["v"])


RESTARTABLE: Final = ("--trusted-proxy", "127.0.0.1", "--charges", "4", "--charge-seconds", "1")


@pytest.mark.parametrize("name", ["watch.py", "poll.py"])
async def test_every_edit_is_printed_also_after_a_restart(name: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    flags = (*RESTARTABLE, "--port", str(port))
    prepare(tmp_path, f"127.0.0.1:{port}")
    lines: list[str] = []

    async def is_printed() -> bool:
        return [line for line in printed().splitlines() if not line.startswith("again")] == lines

    async with started(name, tmp_path) as printed:
        for x in range(2):
            async with running(tmp_path / "data", *flags):
                await until(partial(is_watched, port))
                await paint(port, x, 7, 5)
                lines.append(f"{x} 7 red")
                await until(is_printed)


@pytest.mark.timeout(360)  # 20 s on an idle machine
async def test_keep_keeps_its_picture_through_vandals_and_restarts_within_the_cooldown(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    flags = (*RESTARTABLE, "--port", str(port))
    prepare(tmp_path, f"127.0.0.1:{port}")
    rows = ast.literal_eval(re.findall(r"^PICTURE = (.*?\])", PROGRAMS["keep.py"], re.MULTILINE)[0])
    wanted = {(10 + x, 20 + y): int(c, 16) for y, row in enumerate(rows) for x, c in enumerate(row) if c != "."}

    async def is_painted(since: int) -> bool:
        answer = await get(port, "/canvas.png")
        image = Image.open(io.BytesIO(answer.body))
        right = [image.getpixel(at) == color for at, color in wanted.items()]
        return all(right) and int(answer.headers["x-canvas-version"]) >= since

    async with started("keep.py", tmp_path) as printed:
        async with running(tmp_path / "data", *flags) as server:
            await until(partial(is_watched, port))
            await server.kill()  # while it paints
        for number in (signal.SIGTERM, signal.SIGKILL):
            async with running(tmp_path / "data", *flags) as server:
                await until(partial(is_painted, 0), PICTURE_SECONDS)
                vandal = f"203.0.113.{number}"
                versions = [await paint(port, x, y, 1, vandal) for x, y in list(wanted)[:3]]
                await until(partial(is_painted, max(versions)), PICTURE_SECONDS)
                assert await metric(port, 'placed_edit_requests_total{outcome="placed"}') >= 6
                assert await metric(port, 'placed_edit_requests_total{outcome="cooldown"}') <= 1
                server.send(number)
                await server.wait()
        assert "Traceback" not in printed()
