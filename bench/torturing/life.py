"""One life of a server: started, awaited, ended. Its log goes to a file, which is evidence.

No deadline here goes by the clock alone. On a machine with other work, a start that takes half a second of CPU may take
24 s (at nice 10, beside six busy processes on two cores). A deadline counts the time in which the process had a core,
or wanted none: a process that hangs spends that time, and one that starves for a core doesn't.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import TYPE_CHECKING, Final

import trio

from bench.equipment.measure import reading
from bench.equipment.server_process import ROOT, address_in, users_environment
from bench.torturing.broken_promise import Broken

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0  # the server's own deadline is 10 s
_MOST_TIMES: Final = 20  # times the deadline, by the clock, at the most
_LOOK_SECONDS: Final = 0.5
_LINE_BYTES: Final = 65_536
_LAST_WORDS_BYTES: Final = 6_000
# On SIGABRT a hanging server writes its threads' stacks.
_ENVIRONMENT: Final = {"PYTHONFAULTHANDLER": "1"}


@contextlib.asynccontextmanager
async def launched(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> AsyncGenerator[trio.Process]:
    """Start a process that appends its log to the file `log`; it is gone when the block ends.

    If it breaks a promise, `Broken` carries the last lines of its log.
    """
    with log.open("ab") as errors:
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env={**users_environment(), **_ENVIRONMENT, **environment},
        )
    try:
        yield process
    except Broken as broken:
        broken.add_note(f"the server logged: {last_words(log)}")
        raise
    finally:
        process.kill()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS):
            await process.wait()
            assert process.stdout is not None
            await process.stdout.aclose()


@contextlib.asynccontextmanager
async def patience(process: trio.Process, seconds: float) -> AsyncGenerator[None]:
    """Give the block up after `process` has had `seconds`, not counting time in which it, or we, waited for a core."""
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(_give_up, process.pid, seconds, scope)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below, without a group around it
                raised = error
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


async def _give_up(pid: int, seconds: float, scope: trio.CancelScope) -> None:
    had, began = 0.0, trio.current_time()
    theirs, ours = reading(pid), reading()
    while had < seconds and trio.current_time() < began + _MOST_TIMES * seconds:
        await trio.sleep(_LOOK_SECONDS)
        now, here = reading(pid), reading()
        # A thread that has ended takes its part of the sum with it.
        waited = max(0.0, now.waited - theirs.waited) + max(0.0, here.waited - ours.waited)
        had += max(0.0, here.wall - ours.wall - waited)
        theirs, ours = now, here
    scope.cancel()


async def ready(process: trio.Process) -> int | None:
    """Wait until the server listens; return its port, or None if it ended instead.

    Raises:
        Broken: it did neither in `READY_SECONDS`.
    """
    assert process.stdout is not None
    said = b""
    async with patience(process, READY_SECONDS):
        while len(said) < _LINE_BYTES and (data := await process.stdout.receive_some()):
            said += data
            if (address := address_in(said)) is not None:
                return address[1]
        await process.wait()
        return None
    raise Broken(0, f"the server was neither ready nor gone after {READY_SECONDS:g} s; {await hung(process)}")


async def hung(process: trio.Process) -> str:
    """Say what a process did with its time, and end it; it writes its threads' stacks as it ends."""
    past = reading(process.pid)
    process.send_signal(signal.SIGABRT)
    with trio.move_on_after(STOP_SECONDS):
        await process.wait()
    return f"it ran for {past.cpu:.1f} s and waited for a core for {past.waited:.1f} s"


async def ended(process: trio.Process) -> int:
    """Wait until the process has ended; return its exit code.

    Raises:
        Broken: it still runs after `STOP_SECONDS`.
    """
    async with patience(process, STOP_SECONDS):
        return await process.wait()
    raise Broken(4, f"the server hadn't stopped {STOP_SECONDS:g} s after it was told to; {await hung(process)}")


def last_words(log: Path) -> str:
    """The end of a log."""
    with contextlib.suppress(OSError):
        return log.read_bytes()[-_LAST_WORDS_BYTES:].decode(errors="replace")
    return ""
