"""What every test has: fixtures that more than one folder of tests needs, and the property tests' profiles."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka.cluster import run_cluster
from tests.parts import require
from tests.small_disk import SmallDisk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.cluster import Cluster

# In CI the same examples every time, so that a red run is red for its own change; elsewhere new ones each run. No
# deadline of Hypothesis's own: a shared machine's slowest moment isn't a bug, and pytest-timeout ends what hangs.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")


@pytest.fixture
def chance() -> random.Random:
    """Random numbers from a seed that a failing test shows; `PROMISES_SEED=N` gives the same ones again."""
    seed = int(os.environ.get("PROMISES_SEED") or random.randrange(2**32))
    print(f"PROMISES_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One real broker for all tests that don't harm it; each uses topics of its own."""
    with run_cluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 8 MB, unmounted after the test."""
    may_mount = sys.platform == "linux" and os.geteuid() == 0
    require("a file system that is full soon", may_mount, "run the tests as root, in a container")
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = SmallDisk(folder)
    disk.mount("size=8m")
    yield disk
    subprocess.run(["umount", str(folder)], check=True, capture_output=True, timeout=10)
