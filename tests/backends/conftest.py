"""The backends, as fixtures: each test of the contract runs once for every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.backends.logs import BACKENDS, Backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
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


@pytest.fixture
async def log(backend: Backend, tmp_path: Path) -> AsyncGenerator[Log]:
    """A new log of each backend."""
    async with backend.open(tmp_path) as opened:
        yield opened
