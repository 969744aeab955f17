"""A people store in a folder of its own, and ways to change it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
import trio

from placed.canvas.area import Area
from placed.canvas.author import author_of_person
from placed.people.report import Report
from placed.people.store import open_people
from tests.support.keyed_topic import MemoryTopic, server_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from placed.people.store import PeopleStore

KEY = bytes(range(32))
NOW_MS = 1_800_000_000_000
ADA = author_of_person("join:1", KEY)
BOB = author_of_person("join:2", KEY)
CODE, OTHER = b"c" * 16, b"d" * 16


PLACE = Area(3, 4, 1, 1)
REPORT = Report(time_ms=NOW_MS, version=7, area=PLACE, text="öh\n🎨", author=ADA, seen=PLACE, picture=b"\x89PNG")
LIMIT_SECONDS = 60.0


@contextlib.asynccontextmanager
async def pair(folder: Path) -> AsyncGenerator[tuple[MemoryTopic, PeopleStore, PeopleStore]]:
    """A topic, and the people of two servers that follow it."""
    topic = MemoryTopic()
    with trio.fail_after(LIMIT_SECONDS):
        async with server_of(topic, folder / "a", KEY) as one, server_of(topic, folder / "b", KEY) as other:
            yield topic, one, other


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[PeopleStore]:
    async with open_people(tmp_path / "people", KEY) as opened:
        yield opened
