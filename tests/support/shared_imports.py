"""In a run with several processes, each compiles its share of the test modules, and reads what the others compiled.

All processes collect all tests, in one order. In a fresh clone each process would compile each module at the same
moment as the others: rewriting assertions takes 3 s of CPU in every process.
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
    """Import every Nth test module for good; does nothing in a run with one process or with only some of the tests."""
    told = getattr(config, "workerinput", None)
    if told is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    number = int(told["workerid"].removeprefix("gw"))
    for name in list(_modules(config.rootpath, quick=config.getoption("--quick")))[number :: told["workercount"]]:
        # A module that can't be imported, or wants to be skipped, fails or skips again when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


def _modules(root: Path, *, quick: bool) -> Iterator[str]:
    for path in sorted((root / "tests").rglob("test_*.py")):
        if not (quick and any(is_slow(each, root) for each in (path, *path.parents[: -len(root.parents) - 1]))):
            yield ".".join(path.relative_to(root).with_suffix("").parts)
