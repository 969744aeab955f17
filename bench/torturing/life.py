"""One life of a server: started, awaited, ended. What it logs goes to a file, which is evidence."""

from __future__ import annotations

import contextlib
import re
import subprocess
from typing import TYPE_CHECKING, Final

import trio

from bench.measure import reading
from bench.server_process import ROOT, users_environment
from bench.torturing.ledger import Broken

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

READY_SECONDS: Final = 120.0  # on a machine whose cores others have, too
STOP_SECONDS: Final = 20.0  # the server's own deadline is 10 s
_ADDRESS: Final = re.compile(rb"http://[^\s/:]+:(\d+)\n")
_LINE_BYTES: Final = 65_536
_LAST_WORDS_BYTES: Final = 3_000


@contextlib.asynccontextmanager
async def launched(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> AsyncGenerator[trio.Process]:
    """A process that appends what it logs to the file `log`, and is gone when the block ends."""
    with log.open("ab") as errors:
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env={**users_environment(), **environment},
        )
    try:
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS):
            await process.wait()
            assert process.stdout is not None
            await process.stdout.aclose()


async def ready(process: trio.Process) -> int | None:
    """The port, once it listens; None if it ended instead.

    Raises:
        Broken: neither, in `READY_SECONDS`.
    """
    assert process.stdout is not None
    said = b""
    with trio.move_on_after(READY_SECONDS):
        while len(said) < _LINE_BYTES and (data := await process.stdout.receive_some()):
            said += data
            found = _ADDRESS.search(said)
            if found:
                return int(found[1])
        await process.wait()
        return None
    raise Broken(0, f"the server was neither ready nor gone after {READY_SECONDS:g} s; {spent(process)}")


def spent(process: trio.Process) -> str:
    """What a process did with its time: one that hangs can be told from one that a busy machine starves."""
    past = reading(process.pid)
    return f"it ran for {past.cpu:.1f} s and waited for a core for {past.waited:.1f} s"


async def ended(process: trio.Process) -> int:
    """Its exit code.

    Raises:
        Broken: it is still there after `STOP_SECONDS`.
    """
    with trio.move_on_after(STOP_SECONDS):
        return await process.wait()
    raise Broken(4, f"the server hadn't stopped {STOP_SECONDS:g} s after it was told to")


def last_words(log: Path) -> str:
    """The end of what was logged."""
    with contextlib.suppress(OSError):
        return log.read_bytes()[-_LAST_WORDS_BYTES:].decode(errors="replace")
    return ""
