"""A canvas that grows while it is served: nobody gets a pixel in the wrong place, and all go on with the new size."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
from PIL import Image

from placed.backends.memory import open_memory_log
from placed.canvas.definition import Definition
from placed.canvas.events import PIXEL, Canvas, Correction, Edits
from placed.canvas.palette import SEED
from placed.canvas.snapshot import Snapshot
from placed.storage.snapshot_store import read_snapshot
from tests.support.exposition import metrics
from tests.support.serving import HEIGHT, LIMIT_SECONDS, WIDTH

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.backends import Log
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

SMALL = Definition(WIDTH, HEIGHT, SEED.rgb)
LARGE = Definition(100, 70, SEED.rgb + b"\1\2\3")
CORNER = (LARGE.width - 1, LARGE.height - 1, LARGE.colors - 1)


@pytest.fixture
async def log() -> AsyncGenerator[Log]:
    """A log whose canvas has one pixel."""
    async with open_memory_log() as opened:
        await opened.append(Canvas(SMALL).encode())
        await opened.append(Edits.one(7, 8, 9, 1).encode())
        yield opened


async def grow(server: Server, log: Log) -> int:
    """Let the canvas grow, by a record as another server would write it; return the version that has it."""
    version = await log.append(Canvas(LARGE).encode()) + 1
    with trio.fail_after(LIMIT_SECONDS):
        while server.projection.version < version:  # noqa: ASYNC110 - the reader has no event for others
            await trio.sleep(0.001)
    return version


async def image(server: Server, query: str = "") -> tuple[int, NDArray[np.uint8]]:
    """The version and the pixels of the served image."""
    answer = await server.get(f"/canvas.png{query}")
    return int(answer.headers["x-canvas-version"]), np.asarray(Image.open(io.BytesIO(answer.body)))


async def test_info_image_and_edits_are_of_the_new_size_at_once(start: Start, log: Log) -> None:
    async with start(open_log=log) as server:
        await image(server)  # this image would count as new for a second
        assert (await server.place(*CORNER)).status == 400
        version = await grow(server, log)
        info = await server.info()
        assert (info["width"], info["height"], info["edit_code"]["x_bits"]) == (100, 70, 7)
        assert (len(info["palette"]), info["palette"][-1], len(info["color_names"])) == (17, "#010203", 17)
        assert [version, (70, 100)] == [(told := await image(server))[0], told[1].shape]
        assert (told[1][8, 7], int(np.count_nonzero(told[1]))) == (9, 1)
        placed = await server.place(*CORNER)
        assert (await image(server, f"?v={placed.json()['v']}"))[1][69, 99] == 16
        raw = await server.get(f"/canvas.bin?v={placed.json()['v']}")
        assert len(raw.body) == 7_000


@pytest.mark.parametrize("form", ["codes", "json"])
async def test_who_follows_is_sent_back_to_info_and_image_before_the_next_edit(
    start: Start, log: Log, form: str
) -> None:
    async with start(open_log=log) as server, server.follow(f"v=1&format={form}") as stream:
        await stream.event()
        version = await grow(server, log)
        event = await stream.event()
        assert (event.kind, json.loads(event.data)) == ("reload", {"code": "canvas", "v": version, "log": log.id})
        assert await stream.next() is None
        await server.place(*CORNER)
        async with server.follow(f"v={version}&format={form}") as again:
            data = (await again.event()).data
        if form == "json":
            assert json.loads(data)["edits"] == [[*CORNER]]
        else:
            assert base64.b64decode(data) == (99 | 69 << 7 | 16 << 14).to_bytes(3, "little")
        assert (await metrics(server.port))['placed_reloads_total{code="canvas"}'] == 1


async def test_many_who_follow_are_all_sent_back(start: Start, log: Log) -> None:
    async with start(open_log=log) as server, trio.open_nursery() as nursery:
        told: list[str] = []

        async def follow(task_status: trio.TaskStatus[None]) -> None:
            async with server.follow("v=1") as stream:
                await stream.event()
                task_status.started()
                told.append(json.loads((await stream.event()).data)["code"])

        for _ in range(40):  # more streams than one pack's turn
            await nursery.start(follow)
        await grow(server, log)
        with trio.fail_after(LIMIT_SECONDS):
            while len(told) < 40:  # noqa: ASYNC110 - each of them has its own stream
                await trio.sleep(0.01)
        assert set(told) == {"canvas"}


async def test_restart_from_a_snapshot_has_the_grown_canvas_and_knows_who_is_from_before(
    start: Start, log: Log, tmp_path: Path
) -> None:
    async with start(open_log=log) as server:
        await grow(server, log)
        await server.place(*CORNER)
    stored = read_snapshot(tmp_path / "data" / "snapshot")
    assert isinstance(stored, Snapshot)
    assert (stored.definition, stored.kept.created, stored.kept.grown) == (LARGE, SMALL, 3)
    async with start(open_log=log, width=WIDTH, height=HEIGHT) as server:  # as its settings have always said
        assert server.projection.canvas[69, 99] == 16
        async with server.follow("v=2") as before:
            assert json.loads((await before.event()).data)["code"] == "canvas"
        async with server.follow("v=3&format=json") as since:
            assert json.loads((await since.event()).data)["edits"] == [[*CORNER]]


async def test_correction_is_seen_as_an_edit_is_and_costs_nobody_a_charge(start: Start, log: Log) -> None:
    async with start(open_log=log, charges=5, charge_seconds=60.0) as server:
        async with server.follow("v=2&format=json") as stream:
            await log.append(Correction(1, np.array([(3, 4, 5), (7, 8, 0)], PIXEL)).encode())
            assert json.loads((await stream.event()).data) == {"v": 3, "edits": [[3, 4, 5], [7, 8, 0]]}
        assert (await image(server, "?v=3"))[1][4, 3] == 5
        assert (await server.info())["cooldown"]["remaining"] == 5
