"""The backends, as fixtures: each test of the contract runs once for every one of them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.backends.logs import BACKENDS, Backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from placed.backends import Log


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.name)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend in turn."""
    chosen: Backend = request.param
    return chosen


@pytest.fixture(params=[each for each in BACKENDS if each.durable], ids=lambda backend: backend.name)
def durable_backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend that keeps its records, in turn."""
    chosen: Backend = request.param
    return chosen


class Tmpfs:
    """Mounts small file systems of their own; Linux, and root."""

    def __init__(self) -> None:
        self.mounted: list[Path] = []

    def mount(self, folder: Path, options: str) -> None:
        """Mount one, or change the one that is there."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)
        if folder not in self.mounted:
            self.mounted.append(folder)


@pytest.fixture
def tmpfs() -> Iterator[Tmpfs]:
    """Small file systems, unmounted after the test. Root's tests fail without them, others are skipped."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a file system that is full soon: run the tests as root, in a container")
    maker = Tmpfs()
    yield maker
    for folder in maker.mounted:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


@pytest.fixture
async def log(backend: Backend, tmp_path: Path) -> AsyncGenerator[Log]:
    """A new log of each backend."""
    async with backend.open(tmp_path) as opened:
        yield opened
