"""Commands of `placed` as processes with their imports done before: see `tests.support.fork_server`."""

from __future__ import annotations

import contextlib
import tempfile
from functools import partial
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import trio

from tests.support.forked import start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.forked import Forked

LIMIT_SECONDS: Final = 120.0


class Done(NamedTuple):
    """The end of a command: its exit code, its standard output and its standard error."""

    code: int
    out: str
    err: str


def run_placed(*words: str | Path, **variables: str) -> Done:
    """Run `placed WORDS` to its end; it is killed when it takes too long.

    Args:
        words: words of the command line.
        variables: environment variables, in addition to a user's.
    """
    return run_forked("placed", *map(str, words), seconds=LIMIT_SECONDS, variables=variables)


def run_forked(module: str, *words: str, seconds: float, variables: Mapping[str, str] | None = None) -> Done:
    """Run `python -m MODULE WORDS` to its end; it is killed when it takes longer than `seconds`.

    Args:
        module: `placed`, or `bench`.
        words: words of the command line.
        seconds: how long it may take.
        variables: environment variables, in addition to a user's.
    """
    with _started(module, *words, variables=variables) as command:
        return command.end(seconds)


@contextlib.contextmanager
def started_placed(*words: str | Path, **variables: str) -> Iterator[AtWork]:
    """Start `placed WORDS`, for a test that does something to it meanwhile; killed at the end if it still runs."""
    with _started("placed", *map(str, words), variables=variables) as command:
        yield command


class AtWork:
    """A command that may still run.

    Attributes:
        process: its process.
    """

    def __init__(self, process: Forked, out: IO[bytes], err: IO[bytes]) -> None:
        self.process = process
        self._out = out
        self._err = err

    def end(self, seconds: float = LIMIT_SECONDS) -> Done:
        """Wait at most `seconds` until it has ended."""
        return Done(self.process.wait_at_most(seconds), _written(self._out), _written(self._err))

    async def ended(self) -> Done:
        """Wait until it has ended, for a task, which sets its own limit."""
        await self.process.wait()
        return self.end()


@contextlib.contextmanager
def _started(module: str, *words: str, variables: Mapping[str, str] | None) -> Iterator[AtWork]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(*words, stdout=out.fileno(), stderr=err.fileno(), variables=variables, module=module)
        try:
            yield AtWork(process, out, err)
        finally:
            process.kill()


async def ran_placed(*words: str | Path, **variables: str) -> Done:
    """Run `placed WORDS` to its end, for a task: other tasks go on meanwhile."""
    return await trio.to_thread.run_sync(partial(run_placed, *words, **variables))


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
