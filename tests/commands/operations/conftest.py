"""A canvas whose server was stopped in order, for tests that look at it, damage it and copy it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from tests.support.offline_log import read_records
from tests.support.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.offline_log import Edit

EDITS = 300


@attrs.frozen
class Canvas:
    """A canvas without a running server.

    Attributes:
        data: its data folder.
        records: each record's edits, by offset.
    """

    data: Path
    records: list[list[Edit]]

    @property
    def log(self) -> Path:
        """The log's file."""
        return self.data / "log" / "data.mdb"

    @property
    def snapshot(self) -> Path:
        """The snapshot's file."""
        return self.data / "snapshot" / "data.mdb"

    def harm(self, path: Path, at: int, mask: int = 0x10) -> None:
        """Flip bits of one byte; `at` may count from the end."""
        data = bytearray(path.read_bytes())
        data[at] ^= mask
        path.write_bytes(data)


def harm_record(path: Path, value: bytes) -> None:
    """Change a bit of a record wherever it is in the file, also in an older state of LMDB."""
    data = path.read_bytes()
    assert value in data
    path.write_bytes(data.replace(value, value[:3] + bytes([value[3] ^ 0x10]) + value[4:]))


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Canvas:
    """The canvas that all tests copy."""
    folder = tmp_path_factory.mktemp("painted")

    async def paint() -> list[list[Edit]]:
        async with serving("fast", folder, log=None) as server:
            for number in range(EDITS):
                assert (await server.place(number % 40, number // 40, 1 + number % 15)).status == 200
        return await read_records(folder / "data" / "log")

    return Canvas(folder / "data", trio.run(paint))


@pytest.fixture
def canvas(painted: Canvas, tmp_path: Path) -> Canvas:
    """A copy for one test."""
    shutil.copytree(painted.data, tmp_path / "canvas")
    return Canvas(tmp_path / "canvas", painted.records)
