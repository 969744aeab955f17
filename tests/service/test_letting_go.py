"""A stopping server leaves its data folder to the next one before the last slow reader has its whole image."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing

from placed.commands.settings.values import Settings
from placed.http.lanes import front
from placed.service import wiring as service
from placed.service.wiring import serve
from placed.storage.folder_lock import lock_folder
from tests.support.http_connection import connect, get, place
from tests.support.offline_log import append_records, canvas_record
from tests.support.serving import LANES, serving

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_SECONDS = 60.0
SIDE_PX = 2_300  # random pixels of 256 colours: 5 MB, more than the kernel takes from a sender


async def test_folder_is_free_while_a_slow_reader_still_gets_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_HTTP_GRACE_SECONDS", LIMIT_SECONDS)  # the test isn't about how long it waits
    monkeypatch.setattr(service, "SHUTDOWN_SECONDS", LIMIT_SECONDS)
    stop, is_free = trio.Event(), trio.Event()
    settings = Settings(data=tmp_path, port=0, allowed_hosts=("placed.test",))
    await append_records(tmp_path / "log", [canvas_record(SIDE_PX, SIDE_PX, 256)])
    async with trio.open_nursery() as nursery:
        with trio.fail_after(LIMIT_SECONDS):
            started = partial(serve, settings, stop=stop, on_folder_free=is_free.set)
            running = await nursery.start(started)
            # Noise can't be compressed. A log of five million edits would take seconds to replay.
            running.projection.canvas[:] = np.random.default_rng(2017).integers(0, 256, (SIDE_PX, SIDE_PX), np.uint8)
            port = int(running.urls[0].rpartition(":")[2])
            assert len((await get(port, "/canvas.png")).body) > 5_000_000
            async with connect(port, receive_buffer_bytes=65_536) as reader:
                await reader.send("/canvas.png")
                head = await reader.head()
                stop.set()
                await is_free.wait()
                assert not running.stopped.is_set()
                with lock_folder(tmp_path):
                    size = 0
                    while (data := await reader.data()) is not None:
                        size += len(data)
            assert size == int(head.headers["content-length"])
            await running.stopped.wait()


@pytest.mark.parametrize("lane", LANES)
async def test_who_has_a_connection_may_ask_once_more_and_is_told_that_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    monkeypatch.setattr(front, "_WIND_DOWN_SECONDS", 2.0)
    async with serving(lane, tmp_path) as server:
        async with connect(server.port) as kept, connect(server.port) as new:
            assert (await place(kept, 1, 2, 3)).status == 200
            await trio.testing.wait_all_tasks_blocked()
            server.stop.set()
            last = await place(kept, 1, 2, 4)
            first = await new.request("/info")
        assert (last.status, last.json()["v"], last.headers["connection"]) == (200, 3, "close")
        assert (first.status, first.headers["connection"]) == (200, "close")


@pytest.mark.parametrize("lane", LANES)
async def test_a_server_that_nobody_is_connected_to_any_more_waits_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    monkeypatch.setattr(front, "_WIND_DOWN_SECONDS", LIMIT_SECONDS)
    monkeypatch.setattr(service, "SHUTDOWN_SECONDS", LIMIT_SECONDS)
    with trio.fail_after(LIMIT_SECONDS / 2):
        async with serving(lane, tmp_path) as server:
            async with connect(server.port) as kept:
                assert (await place(kept, 1, 2, 3)).status == 200
                server.stop.set()
                await trio.testing.wait_all_tasks_blocked()
            await server.stopped.wait()
