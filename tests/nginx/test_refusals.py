"""nginx's own refusals: errors in the servers' own format, and limits for each client."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import pytest
import trio

from tests.nginx.fleet import LIMIT_SECONDS, run_fleet
from tests.support.http_connection import ConnectionCut, Response, connect, get, place
from tests.support.serving import rest_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)


def check_problem(answer: Response, status: int, code: str, *, again: bool = False) -> None:
    """Check that an answer is an error in the servers' own format."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["title"]
    assert problem["detail"]
    assert ("retry-after" in answer.headers) == again


@pytest.mark.parametrize(
    ("target", "headers", "body", "status", "code"),
    [
        ("/metrics", (), b"", 404, "not-found"),
        ("/edit", (), bytes(5_000), 413, "too-large"),
        ("/" + "a" * 9_000, (), b"", 414, "too-large"),
        ("/info", (("A", "a" * 9_000),), b"", 431, "too-large"),
        ("/%00", (), b"", 400, "invalid-body"),
        ("/canvas.png", (("If-Match", '"x"'),), b"", 412, "invalid-body"),
    ],
)
async def test_own_refusals_of_nginx_are_problems(
    tmp_path: Path, target: str, headers: tuple[tuple[str, str], ...], body: bytes, status: int, code: str
) -> None:
    method = "POST" if body else "GET"
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as connection:
            check_problem(await connection.request(target, method=method, headers=headers, body=body), status, code)


async def test_servers_that_are_gone_are_problems_that_say_when_to_ask_again(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, connect(fleet.port) as connection:
            for stop, running in zip(fleet.stops, fleet.running, strict=True):
                stop.set()
                await running.stopped.wait()
            check_problem(await connection.request("/info"), 502, "not-ready", again=True)
            check_problem(await connection.request("/edits?v=1"), 502, "not-ready", again=True)
            check_problem(await place(connection, 1, 1, 1), 502, "outcome-unknown", again=True)
            head = await connection.request("/info", method="HEAD")
            assert (head.status, head.body) == (502, b"")


async def test_limits_count_a_network_of_ipv6_as_one_client(tmp_path: Path) -> None:
    """As in the servers: a /64 is one client. An IPv4 address that came over IPv6 is a client of its own."""

    async def refusals(port: int, addresses: list[str]) -> int:
        statuses = []
        async with connect(port) as connection:
            for address in addresses:
                answer = await connection.request(
                    "/edit?x=1&y=1&color=1", method="POST", headers=(("X-Test-Address", address),)
                )
                statuses.append(answer.status)
        assert set(statuses) <= {200, 429}
        return statuses.count(429)

    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path, addresses_from="X-Test-Address") as fleet:
            assert await refusals(fleet.port, [f"2001:db8:1:2::{n:x}" for n in range(200)]) > 0
            assert await refusals(fleet.port, [f"2001:db8:1:2:{n:x}::" for n in range(1, 200)]) > 0
            assert await refusals(fleet.port, [f"2001:db8:2:{n:x}::1" for n in range(200)]) == 0
            assert await refusals(fleet.port, [f"::ffff:192.0.2.{n}" for n in range(200)]) == 0
            assert await refusals(fleet.port, [f"192.0.3.{n}" for n in range(200)]) == 0


def _parsed(answer: bytes) -> Response:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Response(int(first.split()[0]), {name.lower(): value for name, _, value in pairs}, body)


async def test_one_address_begins_a_bounded_number_of_streams(tmp_path: Path) -> None:
    """Each stream may ask for a stretch of the past, which is work.

    A hundred a second may begin, so the requests have to come faster, even on a busy machine. So each of some
    connections sends its requests in one piece, and no server is behind nginx, whose answers would take time.
    """
    answers: list[Response] = []

    async def ask(port: int, count: int) -> None:
        async with connect(port) as connection:
            again = b"GET /edits HTTP/1.1\r\nHost: placed.test\r\n\r\n"
            last = b"GET /edits HTTP/1.1\r\nHost: placed.test\r\nConnection: close\r\n\r\n"
            await connection.stream.send_all(again * (count - 1) + last)
            answers.extend(map(_parsed, (await rest_of(connection.stream)).split(b"HTTP/1.1 ")[1:]))

    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet:
            for stop, running in zip(fleet.stops, fleet.running, strict=True):
                stop.set()
                await running.stopped.wait()
            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(ask, fleet.port, 500)
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {502, 429}
    assert statuses.count(502) >= 400
    check_problem(next(answer for answer in answers if answer.status == 429), 429, "too-many-requests", again=True)


async def test_people_at_one_address_open_the_page_in_the_same_moment(tmp_path: Path) -> None:
    """Each page has dozens of files, and doesn't work if one is missing."""
    statuses: list[int] = []

    async def load(port: int, files: list[str]) -> None:
        async with connect(port) as connection:
            statuses.extend([(await connection.request(f"/{file}")).status for file in files])

    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet:
            page = (await get(fleet.port, "/")).body.decode()
            files = re.findall(r'"(static/[^"]+)"', page)
            assert len(files) > 30
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(load, fleet.port, files)
    assert set(statuses) == {200}


async def test_one_address_has_limits(tmp_path: Path) -> None:
    statuses: list[int] = []

    async def ask(port: int) -> None:
        with contextlib.suppress(ConnectionCut):
            async with connect(port) as connection:
                statuses.append((await place(connection, 1, 1, 1)).status)

    with trio.fail_after(LIMIT_SECONDS):
        async with run_fleet(tmp_path) as fleet, trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(ask, fleet.port)
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 40
