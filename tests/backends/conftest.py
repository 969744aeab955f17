"""The backends, as fixtures: each test of the contract runs once for every backend."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.backends.logs import LOCAL_BACKENDS, Backend, kafka_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from placed.backends import Log


@pytest.fixture(params=[*LOCAL_BACKENDS, pytest.param("kafka", marks=pytest.mark.kafka)])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend in turn."""
    return _backend(request)


@pytest.fixture(params=["lmdb", pytest.param("kafka", marks=pytest.mark.kafka)])
def durable_backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend that keeps its records after a restart, in turn."""
    return _backend(request)


def _backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "kafka":
        return kafka_backend(request.getfixturevalue("kafka").addresses())
    return LOCAL_BACKENDS[request.param]


class Tmpfs:
    """Mounts small, separate file systems; needs Linux and root."""

    def __init__(self) -> None:
        self.mounted: list[Path] = []

    def mount(self, folder: Path, options: str) -> None:
        """Mount one, or change the mount options of an existing one."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)
        if folder not in self.mounted:
            self.mounted.append(folder)


@pytest.fixture
def tmpfs() -> Iterator[Tmpfs]:
    """Small file systems, unmounted after the test. Root's test fails if a mount fails; others skip the test."""
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
