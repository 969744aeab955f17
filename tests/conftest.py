"""Fixtures that tests in more than one folder need, and the profiles of the property tests.

A run may have several processes (`make test`, by pytest-xdist): the main one and its workers. Each has its own copies
of these fixtures. `tests.support` has what all processes of a run share.
"""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.parts import require
from tests.support.run_order import is_slow, longest_first, starts_server
from tests.support.shared_broker import SharedBroker
from tests.support.shared_imports import import_own_share
from tests.support.small_disk import SmallDisk

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from bench.equipment.kafka.cluster import Cluster

MOST_WORKERS = 12  # each may have a browser and some servers, of 1 GB together
_SHARED_BROKER = pytest.StashKey[SharedBroker]()

# CI tries the same examples every time, so that a red run is red for its own change; elsewhere each run tries new ones.
# Hypothesis sets no deadline: a slow moment of a shared machine isn't a bug, and pytest-timeout ends a test that hangs.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("developer"), max_examples=20)  # a fifth of the usual
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--quick`: `make check` runs it often, while somebody works."""
    parser.addoption("--quick", action="store_true", help="leave out the tests that start servers or programs")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the slow files with `--quick`; None leaves the decision to pytest."""
    return True if config.getoption("--quick") and is_slow(collection_path, config.rootpath) else None


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples with `--quick`; and learn, in a worker, the folder of the broker from the main process."""
    if config.getoption("--quick"):
        settings.load_profile("quick")
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    config.stash[_SHARED_BROKER] = SharedBroker.of_new_run() if told is None else SharedBroker(Path(told["run"]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker the folder of the broker (in the main process)."""
    node.workerinput["run"] = str(node.config.stash[_SHARED_BROKER].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the broker, no matter which process started it (in the main process)."""
    if not hasattr(config, "workerinput"):
        config.stash[_SHARED_BROKER].end()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Five workers for two cores: half of the tests' time is waiting, for a disk, a broker, a process or a clock."""
    return min(MOST_WORKERS, max(2, (os.cpu_count() or 1) * 5 // 2))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect tests without the garbage collector, because tests and their imports all stay.

    The collector would look through them again and again, which was half of the time in each process.
    """
    gc.disable()
    try:
        import_own_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long files first; with `--quick`, leave out tests that start a server or a broker."""
    if config.getoption("--quick"):
        items[:] = [item for item in items if not starts_server(item)]
    longest_first(items)


@pytest.fixture
def chance() -> random.Random:
    """Random numbers from a seed that a failing test shows; `PROMISES_SEED=N` gives the same numbers again."""
    seed = int(os.environ.get("PROMISES_SEED") or random.randrange(2**32))
    print(f"PROMISES_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Cluster:
    """One real broker for all tests of the run that don't harm it, in any process; each test has its own topics."""
    return pytestconfig.stash[_SHARED_BROKER].cluster()


@pytest.fixture
def small_disk() -> Iterator[SmallDisk]:
    """A disk of 8 MB, unmounted after the test. It isn't in pytest's folders: if a test were killed, the disk would
    stay there, and pytest couldn't remove the folders."""
    may_mount = sys.platform == "linux" and os.geteuid() == 0
    require("a file system that is full soon", may_mount, "run the tests as root, in a container")
    with tempfile.TemporaryDirectory(prefix="placed-") as parent:
        folder = Path(parent, "disk")
        folder.mkdir()
        disk = SmallDisk(folder)
        disk.mount("size=8m")
        yield disk
        # Unmount lazily: a failed test may have left a file open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True, timeout=10)
