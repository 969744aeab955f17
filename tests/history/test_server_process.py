"""The history of a server process that is killed at any moment, or has a full disk."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import trio
from PIL import Image

from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.definition import Definition
from placed.canvas.events import EDIT, Canvas, Edits
from placed.canvas.palette import SEED
from placed.history.folder import list_folder
from placed.history.tail import MOST_EDITS
from tests.support.http_connection import connect, get, place
from tests.support.server_process import running, starting

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.support.small_disk import SmallDisk

LIMIT_SECONDS = 100.0
CANVAS = Definition(64, 48, SEED.rgb)
RECORD_EDITS = 2_000


async def fill(data: Path, records: int) -> list[NDArray[np.uint8]]:
    """Make a log of `records` records; return the canvas after each of them."""
    rng = np.random.default_rng(1)
    canvas = np.zeros((CANVAS.height, CANVAS.width), np.uint8)
    canvases, values = [canvas, canvas], [Canvas(CANVAS).encode()]
    for _ in range(records):
        edits = np.empty(RECORD_EDITS, EDIT)
        for name, bound in {"x": CANVAS.width, "y": CANVAS.height, "color": 16, "author": 50}.items():
            edits[name] = rng.integers(0, bound, RECORD_EDITS)
        canvas = canvas.copy()
        canvas[edits["y"], edits["x"]] = edits["color"]
        canvases.append(canvas)
        values.append(Edits(edits).encode())
    async with open_lmdb_log(data / "log") as log:
        for begin in range(0, len(values), 50):
            await log.append_all(values[begin : begin + 50])
    return canvases


async def indexed(port: int, version: int) -> None:
    """Wait until the history has reached `version`."""
    while True:
        answer = await get(port, "/history")
        if answer.status == 200 and answer.json()["indexed"] >= version:
            return
        await trio.sleep(0.1)


async def assert_all_is_told(
    port: int, canvases: list[NDArray[np.uint8]], chance: random.Random, *, later: int = 0
) -> None:
    """Check that each version has its canvas, and that all edits are counted, including `later` ones."""
    last = len(canvases) - 1
    for version in {0, 1, last, *(chance.randrange(last) for _ in range(12))}:
        answer = await get(port, f"/history/canvas.png?v={version}")
        assert answer.status == 200, answer.body
        with Image.open(io.BytesIO(answer.body)) as image:
            assert np.array_equal(np.array(image), canvases[version]), version
    assert (await get(port, "/history")).json()["edits"] == (last - 1) * RECORD_EDITS + later


async def test_a_history_survives_kills_at_any_moment(tmp_path: Path, chance: random.Random) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with trio.fail_after(LIMIT_SECONDS):
        canvases = await fill(data, 400)
        seen = []
        for _ in range(6):
            async with starting(data) as server:
                await server.ready()
                await trio.sleep(chance.random() * 0.3)
                await server.kill()
            seen.append(len(list_folder(data / "history")))
        assert seen == sorted(seen)  # kept history stays
        async with running(data) as server:
            await indexed(server.port, len(canvases) - 1)
            await assert_all_is_told(server.port, canvases, chance)
            await server.stop()
            assert "Traceback" not in server.output
    assert len(list_folder(data / "history")) == 400 * RECORD_EDITS // MOST_EDITS


async def test_a_history_stops_on_a_full_disk_and_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: SmallDisk, chance: random.Random
) -> None:
    data = tmp_path / "data"
    (data / "history").parent.mkdir()
    (small_disk.folder / "history").mkdir()
    (data / "history").symlink_to(small_disk.folder / "history")
    with trio.fail_after(LIMIT_SECONDS):
        canvases = await fill(data, 400)
        small_disk.fill()
        async with running(data) as server:
            await server.writes("the history can't be kept just now")
            metrics = (await get(server.port, "/metrics")).body
            assert b"placed_history_kept 0.0" in metrics
            async with connect(server.port) as connection:
                assert (await place(connection, 1, 1, 1)).status == 200
            assert (await get(server.port, "/canvas.png")).status == 200
            answer = await get(server.port, f"/history/canvas.png?v={len(canvases) - 1}")
            assert (answer.status, answer.json()["code"]) == (503, "indexing")
            small_disk.make_room()
            await indexed(server.port, len(canvases) - 1)
            await assert_all_is_told(server.port, canvases, chance, later=1)
            await server.stop()
            assert server.output.count("the history can't be kept just now") == 1
            assert "the history is kept again" in server.output
            assert "Traceback" not in server.output
