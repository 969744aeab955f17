"""The history of a log in a topic: sealed, resumed after kill -9, and with the same bytes at each server of a fleet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
from PIL import Image

from placed.backends.kafka.place import KafkaPlace
from placed.canvas.definition import Definition
from placed.canvas.events import EDIT, Canvas, Edits
from placed.canvas.palette import SEED
from placed.history.folder import list_folder
from tests.history.test_server_process import indexed
from tests.support.http_connection import connect, get, place
from tests.support.kafka_servers import opened_log, shared_key, url_of
from tests.support.server_process import running, starting

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.equipment.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

LIMIT_SECONDS = 150.0
CANVAS = Definition(64, 48, SEED.rgb)
RECORDS, RECORD_EDITS = 30, 10_000  # two segments, and more after them


async def _fill(url: str) -> list[NDArray[np.uint8]]:
    """Fill a topic with records; return the canvas at each version."""
    rng = np.random.default_rng(1)
    canvas = np.zeros((CANVAS.height, CANVAS.width), np.uint8)
    canvases = [canvas, canvas]
    async with opened_log(KafkaPlace.parse(url)) as log:
        await log.append(Canvas(CANVAS).encode())
        for _ in range(RECORDS):
            edits = np.empty(RECORD_EDITS, EDIT)
            for name, bound in {"x": CANVAS.width, "y": CANVAS.height, "color": 16, "author": 50}.items():
                edits[name] = rng.integers(0, bound, RECORD_EDITS)
            await log.append(Edits(edits).encode())
            canvas = canvas.copy()
            canvas[edits["y"], edits["x"]] = edits["color"]
            canvases.append(canvas)
    return canvases


async def _same(ports: tuple[int, int], path: str) -> bytes:
    """The answer of both servers, which must be the same."""
    one, other = [await get(port, path) for port in ports]
    assert (one.status, other.status) == (200, 200), (one.body, other.body)
    assert one.body == other.body, path
    return one.body


async def _shown(ports: tuple[int, int], version: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(await _same(ports, f"/history/canvas.png?v={version}"))) as image:
        return np.array(image)


async def test_history_of_a_topic_resumes_after_a_kill_and_is_the_same_on_both_servers(
    tmp_path: Path, kafka: Cluster
) -> None:
    url = url_of(kafka, "history")
    flags = ("--log", url, "--author-key-file", str(shared_key(tmp_path)))
    with trio.fail_after(LIMIT_SECONDS):
        canvases = await _fill(url)
        version = len(canvases) - 1
        async with starting(tmp_path / "a", *flags) as server:
            while not (sealed := list_folder(tmp_path / "a" / "history")):
                assert not server.ended, server.output
                await trio.sleep(0.01)  # a folder gives no signal when it has a new file
            await server.kill()
        kept = sealed[0].path.stat()
        async with running(tmp_path / "a", *flags) as one, running(tmp_path / "b", *flags) as other:
            ports = (one.port, other.port)
            for port in ports:
                await indexed(port, version)
            assert (sealed[0].path.stat().st_ino, sealed[0].path.stat().st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
            assert len(list_folder(tmp_path / "a" / "history")) == len(list_folder(tmp_path / "b" / "history")) == 2
            for at in (0, 1, 7, 20, version):
                assert np.array_equal(await _shown(ports, at), canvases[at]), at
            for path in (f"edits?from=0&to={version}", "pixel?x=3&y=5&limit=100", "activity"):
                await _same(ports, f"/history/{path}")
            async with connect(other.port) as connection:
                newest = (await place(connection, 3, 5, 9)).json()["v"]
            for port in ports:
                await indexed(port, newest)
            assert (await _shown(ports, newest))[5, 3] == 9
            for server in (one, other):
                await server.stop()
                assert "Traceback" not in server.output, server.output
