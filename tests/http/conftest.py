"""A server for each test, or for a file of tests, over each lane."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.http.moderated import Moderated
from tests.support.people import Host
from tests.support.serving import LANES, Server, serving
from tests.support.standing_server import standing_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest) -> str:
    """Each lane in turn."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def start(lane: str, tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Server]]:
    """`tests.support.serving.serving` over each lane in turn; the data folder is the test's."""
    return partial(serving, lane, tmp_path)


@pytest.fixture
async def server(start: Callable[..., AbstractAsyncContextManager[Server]]) -> AsyncGenerator[Server]:
    """A server with an empty canvas, a log in memory and no cooldown."""
    async with start() as started:
        yield started


@pytest.fixture(scope="module", params=LANES)
def _standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with standing_server(request.param, tmp_path_factory.mktemp("standing")) as server:
        yield server


@pytest.fixture
def standing(_standing: Server) -> Iterator[Server]:
    """One such server for all tests of a file that place nothing: refusals and questions don't need one each."""
    before = _standing.state()
    yield _standing
    assert _standing.projection.version == before.version, "a test that places an edit needs a server of its own"


@pytest.fixture
async def moderated(
    start: Callable[..., AbstractAsyncContextManager[Server]], tmp_path: Path
) -> AsyncGenerator[Moderated]:
    """One such server, with a moderator, and a bot that paints as another author."""
    host = Host(tmp_path / "data")
    moderator, bot = await host.token("mod", "moderator"), await host.token("robot", "bot")
    async with start() as server:
        yield Moderated(server, moderator, bot)
