"""SIGUSR2: a new process takes over; no connection is refused, no viewer misses anything, and no edit is lost."""

from __future__ import annotations

import re
import signal
import ssl
import zlib
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
import trustme

from bench.equipment.processes import is_there
from tests.support.handing_over import FAST, SLOW, Crowd, generations
from tests.support.http_connection import connect, get, place
from tests.support.offline_log import ModelCanvas, read_records
from tests.support.painters import each_pixel_once
from tests.support.server_process import running
from tests.support.stream_client import EventParser, Habits, StreamClient

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.support.handing_over import Generations
    from tests.support.http_connection import HttpConnection
    from tests.support.offline_log import Edit
    from tests.support.stream_client import Event

pytestmark = pytest.mark.timeout(170)

LIMIT_SECONDS = 120.0
WIDTH, HEIGHT, COLORS = 1000, 1000, 16
SIZE = ("--width", str(WIDTH), "--height", str(HEIGHT))
VIEWERS, VISITORS, PAINTERS, HANDOVERS = 6, 2, 4, 2


def _check_log(crowd: Crowd, records: list[list[Edit]]) -> None:
    """Check that each acknowledged edit is in the record just before its version."""
    assert [edit for edit, version in crowd.acknowledged if edit not in records[version - 1]] == []


def _check_sightings(viewers: list[StreamClient], records: list[list[Edit]]) -> None:
    """Check that each canvas that a viewer ever had was the log's canvas at that version."""

    wanted = {sighting.version for viewer in viewers for sighting in viewer.sightings}
    model = ModelCanvas(WIDTH, HEIGHT)
    crcs = {}
    for edits in records:
        model.paint(edits)
        if model.version in wanted:
            crcs[model.version] = zlib.crc32(model.pixels)
    wrong = [one for viewer in viewers for one in viewer.sightings if crcs[one.version] != one.crc]
    assert wrong == []


@pytest.mark.parametrize("lane", [FAST, SLOW], ids=["fast", "slow"])
async def test_viewers_and_painters_lose_nothing_and_nobody_is_refused(
    tmp_path: Path, chance: random.Random, lane: tuple[str, ...]
) -> None:
    crowd = Crowd(each_pixel_once(WIDTH, HEIGHT, COLORS))
    async with generations(tmp_path, *SIZE, *lane) as served:
        viewers = [StreamClient(served.port, Habits(as_json=bool(n % 2)), chance) for n in range(VIEWERS)]
        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as nursery:
                for viewer in viewers:
                    nursery.start_soon(viewer.run)
                for _ in range(VISITORS):
                    nursery.start_soon(crowd.visit, served.port)
                for _ in range(PAINTERS):
                    nursery.start_soon(crowd.paint, served.port)
                for _ in range(HANDOVERS):
                    await _everybody_moves_on(viewers, served)
                    await served.hand_over()
                await _everybody_moves_on(viewers, served)
                nursery.cancel_scope.cancel()
        assert len(set(served.pids)) == HANDOVERS + 1
        await served.stop()
    assert crowd.broken == []
    assert set(crowd.refused) <= {(503, "shutting-down")}
    assert [viewer.told.reloads for viewer in viewers] == [[]] * VIEWERS
    assert [viewer.told.images for viewer in viewers] == [1] * VIEWERS
    assert all(viewer.told.streams > HANDOVERS for viewer in viewers)
    records = await read_records(tmp_path / "log")
    _check_log(crowd, records)
    _check_sightings(viewers, records)


async def _everybody_moves_on(viewers: list[StreamClient], served: Generations) -> None:
    """Wait until each viewer has an edit that the new process took."""
    version = (await get(served.port, "/info")).json()["version"]
    for viewer in viewers:
        await viewer.wait_past(version + 3)


async def test_streams_end_in_order_when_their_server_hands_over(tmp_path: Path) -> None:
    async with generations(tmp_path) as served, connect(served.port) as stream, connect(served.port) as painter:
        await stream.send("/edits?v=1&format=json")
        assert (await stream.head()).status == 200
        assert (await place(painter, 1, 2, 3)).json() == {"v": 2}
        await served.hand_over()
        parser, told = EventParser(), []
        with trio.fail_after(LIMIT_SECONDS):
            while (data := await stream.data()) is not None:  # a cut would raise an error
                told += [event.id for event in parser.feed(data)]
        assert told == ["2"]


async def _first_id(stream: HttpConnection) -> str | None:
    """The version after the stream's first frame."""
    parser = EventParser()
    events: list[Event] = []
    with trio.fail_after(LIMIT_SECONDS):
        while not events:
            data = await stream.data()
            assert data is not None, "the stream has ended"
            events = parser.feed(data)
    return events[0].id


async def test_new_process_that_cannot_start_leaves_the_old_one_serving(tmp_path: Path) -> None:
    config = tmp_path / "placed.toml"
    config.write_text("charges = 3\n")
    async with generations(tmp_path / "data", "--config", str(config)) as served, connect(served.port) as stream:
        await stream.send("/edits?v=1&format=json")
        assert (await stream.head()).status == 200
        config.write_text("charges = 'many'\n")
        served.ask()
        await served.first_writes("the new process can't take over, so this one goes on")
        assert "it ended with code 2" in served.first.output
        async with connect(served.port) as painter:
            assert (await place(painter, 1, 2, 3)).json() == {"v": 2}
        assert await _first_id(stream) == "2"
        config.write_text("charges = 5\n")
        await served.hand_over()
        assert (await get(served.port, "/info")).json()["cooldown"]["charges"] == 5


async def test_new_process_that_fails_after_the_old_one_let_go_makes_that_one_go_on(tmp_path: Path) -> None:
    config = tmp_path / "placed.toml"
    config.write_text("")
    async with generations(tmp_path / "data", "--config", str(config)) as served, connect(served.port) as painter:
        assert (await place(painter, 1, 2, 3)).json() == {"v": 2}
        config.write_text("palette = 'reddit-2022'\n")  # not the canvas's palette: told once the log is read
        served.ask()
        await served.first_writes("the new process can't take over, so this one goes on")
        assert "it ended with code 3" in served.first.output
        async with connect(served.port) as again:  # waits in the socket until the old process accepts
            assert (await place(again, 1, 2, 4)).json() == {"v": 3}
        assert (await get(served.port, "/readyz")).status == 200
        assert not served.first.ended
        await served.first.stop()


async def _certificate(port: int) -> bytes:
    """The certificate that the server uses now, in PEM."""
    told = partial(ssl.get_server_certificate, ("127.0.0.1", port), timeout=LIMIT_SECONDS)
    return (await trio.to_thread.run_sync(told)).encode()


async def test_renewed_certificate_is_served_after_a_handover_and_a_bad_one_never(tmp_path: Path) -> None:
    pem = tmp_path / "certificate.pem"

    def issue() -> bytes:
        issued = trustme.CA().issue_cert("127.0.0.1")
        pem.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
        return issued.cert_chain_pems[0].bytes()

    first = issue()
    async with generations(tmp_path / "data", "--certificate", str(pem)) as served:
        assert await _certificate(served.port) == first
        second = issue()
        await served.hand_over()
        assert await _certificate(served.port) == second
        pem.write_text("nothing of the kind")
        served.ask()
        await served.first_writes("the new process can't take over, so this one goes on")
        assert await _certificate(served.port) == second


async def test_sigterm_while_a_new_process_prepares_ends_both(tmp_path: Path) -> None:
    async with generations(tmp_path) as served:
        served.ask()
        await served.first_writes("handing over to a new process")
        await served.first.stop()
        assert [pid for pid in re.findall(r"process=(\d+)", served.first.output) if is_there(int(pid))] == []
        assert await read_records(tmp_path / "log") == [[]]


async def test_new_process_serves_when_the_old_one_is_killed_while_it_prepares(tmp_path: Path) -> None:
    async with generations(tmp_path) as served:
        served.ask()
        await served.first_writes("the new process has started")
        (successor,) = map(int, re.findall(r"the new process has started .*process=(\d+)", served.first.output))
        await served.first.kill()
        served.pids.append(successor)
        with trio.fail_after(LIMIT_SECONDS):
            assert (await get(served.port, "/info")).json()["version"] == 1
        await served.stop()


async def test_log_in_memory_is_not_handed_over(tmp_path: Path) -> None:
    async with running(tmp_path, "--log", "memory:") as server:
        server.send(signal.SIGUSR2)
        await server.writes("not handing over")
        assert "the log is in memory" in server.output
        assert (await get(server.port, "/info")).json()["version"] == 1
