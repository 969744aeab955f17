"""Commands of `placed` as processes of their own, whose imports were done before: see `tests.support.fork_server`."""

from __future__ import annotations

import tempfile
from functools import partial
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import trio

from tests.support.forked import start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIMIT_SECONDS: Final = 120.0


class Done(NamedTuple):
    """How a command ended: its exit code, and what it wrote to standard output and to standard error."""

    code: int
    out: str
    err: str


def run_placed(*words: str | Path, **variables: str) -> Done:
    """Run `placed WORDS` to its end, which is killed when it takes too long.

    Args:
        words: of the command line.
        variables: of the environment, beside a user's.
    """
    return run_forked("placed", *map(str, words), seconds=LIMIT_SECONDS, variables=variables)


def run_forked(module: str, *words: str, seconds: float, variables: Mapping[str, str] | None = None) -> Done:
    """Run `python -m MODULE WORDS` to its end, which is killed when it takes longer than that.

    Args:
        module: `placed`, or `bench`.
        words: of the command line.
        seconds: how long it may take.
        variables: of the environment, beside a user's.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(*words, stdout=out.fileno(), stderr=err.fileno(), variables=variables, module=module)
        try:
            code = process.wait_at_most(seconds)
        finally:
            process.kill()
        return Done(code, _written(out), _written(err))


async def ran_placed(*words: str | Path, **variables: str) -> Done:
    """The same for a task, beside others that go on meanwhile."""
    return await trio.to_thread.run_sync(partial(run_placed, *words, **variables))


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
