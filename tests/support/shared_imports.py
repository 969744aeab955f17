"""In a run with several processes, each compiles its share of the test modules, and reads what the others have.

All of them collect all tests, in one order. So in a fresh clone each would compile each module, as the others do at
that moment: 3 s of the processor in every process, to have its assertions rewritten.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING

import pytest

from tests.support.run_order import is_slow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def import_own_share(config: pytest.Config) -> None:
    """Import every Nth of the test modules, which stay; nothing where one process runs, or only some of the tests."""
    told = getattr(config, "workerinput", None)
    if told is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    number = int(told["workerid"].removeprefix("gw"))
    for name in list(_modules(config.rootpath, quick=config.getoption("--quick")))[number :: told["workercount"]]:
        # One that can't be imported, or wants to be skipped, says so when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


def _modules(root: Path, *, quick: bool) -> Iterator[str]:
    for path in sorted((root / "tests").rglob("test_*.py")):
        if not (quick and any(is_slow(each, root) for each in (path, *path.parents[: -len(root.parents) - 1]))):
            yield ".".join(path.relative_to(root).with_suffix("").parts)
