"""A store in a folder of its own, and how tests change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from placed.canvas.author import author_of_person
from placed.people.store import open_people

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from placed.people.store import PeopleStore

KEY = bytes(range(32))
NOW_MS = 1_800_000_000_000
ADA = author_of_person("join:1", KEY)
BOB = author_of_person("join:2", KEY)
CODE, OTHER = b"c" * 16, b"d" * 16


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[PeopleStore]:
    async with open_people(tmp_path / "people", KEY) as opened:
        yield opened
