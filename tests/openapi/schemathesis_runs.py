"""Runs of schemathesis, each in a process of its own that starts with its imports done.

The imports, 1,000 modules, are half of a short run's time.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from pathlib import Path

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([
    "schemathesis.cli",
    "schemathesis.specs.openapi.schemas",
    "schemathesis.cli.commands.run.executor",
    "schemathesis.engine.run.unit",
    "rich.live",
])  # fmt: skip
_NEEDED: Final = {"HOME", "PATH"}


async def run_schemathesis(folder: Path, *words: str) -> tuple[int, str]:
    """Run `schemathesis WORDS` in `folder`, where it leaves its files; it is killed if this task is cancelled.

    Returns:
        Its exit code, and its output.
    """
    output = folder / "schemathesis.out"
    process = _FORKS.Process(target=_run, args=(folder, output, words))
    await trio.to_thread.run_sync(process.start)  # the first run waits for the imports
    try:
        await trio.lowlevel.wait_readable(process.sentinel)
    finally:
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode, output.read_text()


def _run(folder: Path, output: Path, words: tuple[str, ...]) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.chdir(folder)
    for name in set(os.environ) - _NEEDED:  # each request searches all of them for a proxy
        del os.environ[name]
    gc.disable()  # garbage collection takes a quarter of a run, which needs only 260 MB without it
    importlib.import_module("schemathesis.cli").schemathesis(list(words))
