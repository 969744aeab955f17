"""How much one address may have open: the counting, and the refusals over each lane."""

from __future__ import annotations

import ipaddress
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from placed.http.client_limit import ClientLimit, Held
from tests.support.http_connection import ConnectionCut, connect
from tests.support.serving import LIMIT_SECONDS, Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    Start = Callable[..., AbstractAsyncContextManager[Server]]

NOBODY = (ipaddress.ip_network("192.0.2.0/24"),)  # so that this machine has limits, too
PROXY = (ipaddress.ip_network("127.0.0.1"),)


@given(st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), st.booleans()), max_size=60))
def test_each_client_has_its_own_count_and_what_is_open_is_all_that_is_kept(acts: list[tuple[str, bool]]) -> None:
    limit, opened = ClientLimit(3), dict[str, list[Held]]()
    for address, enters in acts:
        mine = opened.setdefault(address, [])
        if enters:
            held = limit.enter(address)
            assert (held is None) == (len(mine) == 3)
            if held is not None:
                mine.append(held)
        elif mine:
            mine.pop().leave()
    assert len(limit) == sum(bool(mine) for mine in opened.values())


def test_ipv6_counts_with_its_64_and_mapped_ipv4_as_ipv4() -> None:
    limit = ClientLimit(1)
    assert limit.enter("2001:db8:0:1::1")
    assert not limit.enter("2001:db8:0:1:ffff::2")
    assert limit.enter("2001:db8:0:2::1")
    assert limit.enter("192.0.2.1")
    assert not limit.enter("::ffff:192.0.2.1")


@pytest.mark.parametrize("address", ["198.51.100.7", "::ffff:198.51.100.7", "", "unix:"])
def test_unlimited_networks_and_peers_without_an_address_are_not_counted(address: str) -> None:
    limit = ClientLimit(1, (ipaddress.ip_network("198.51.100.0/24"),))
    assert all(limit.enter(address) for _ in range(9))
    assert len(limit) == 0


def test_zero_is_no_limit() -> None:
    limit = ClientLimit(0)
    assert all(limit.enter("192.0.2.1") for _ in range(9))


async def _streams(stack: AsyncExitStack, server: Server, count: int, *headers: tuple[str, str]) -> list[int]:
    statuses = []
    for _ in range(count):
        following = await stack.enter_async_context(server.follow("v=1", *headers))
        statuses.append(following.head.status)
    return statuses


async def test_streams_beyond_those_of_one_address_get_429_and_retry_after(start: Start) -> None:
    async with start(max_streams_per_client=3, unlimited_clients=NOBODY) as server:
        async with AsyncExitStack() as stack:
            assert await _streams(stack, server, 3) == [200] * 3
            refused = await server.get("/edits?v=1")
            assert (refused.status, refused.json()["code"], refused.json()["limit"]) == (429, "too-many-streams", 3)
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) >= 1
            assert (await server.place(1, 1, 1)).status == 200
        await _room_again(server)


async def _room_again(server: Server) -> None:
    """Wait until a stream that has ended makes room, which is when the server notices."""
    with trio.fail_after(LIMIT_SECONDS):
        while True:
            async with server.follow("v=1") as following:
                if following.head.status == 200:
                    return
            await server.place(1, 1, 1)  # the slow lane notices a hang-up at once or when it sends


async def test_clients_behind_a_proxy_have_streams_of_their_own(start: Start) -> None:
    limits = {"max_streams_per_client": 2, "unlimited_clients": NOBODY, "trusted_proxies": PROXY}
    async with start(**limits) as server, AsyncExitStack() as stack:
        for address in ("203.0.113.1", "203.0.113.2", "2001:db8:0:1::1", "2001:db8:0:2::1"):
            assert await _streams(stack, server, 3, ("X-Forwarded-For", address)) == [200, 200, 429]
        assert await _streams(stack, server, 1, ("X-Forwarded-For", "2001:db8:0:2:ffff::9")) == [429]
        # The client's own part, before the part that the proxy adds, doesn't make it a new client.
        assert await _streams(stack, server, 1, ("X-Forwarded-For", "1.1.1.1, 203.0.113.1")) == [429]


async def test_this_machine_has_no_limit_unless_it_is_given_one(start: Start) -> None:
    async with start(max_streams_per_client=1, max_connections_per_client=1) as server, AsyncExitStack() as stack:
        assert await _streams(stack, server, 4) == [200] * 4


async def test_connections_beyond_those_of_one_address_get_429_and_the_others_stay(start: Start) -> None:
    async with start(max_connections_per_client=3, unlimited_clients=NOBODY) as server:
        async with AsyncExitStack() as stack:
            held = [await stack.enter_async_context(connect(server.port)) for _ in range(3)]
            for connection in held:
                assert (await connection.request("/healthz")).status == 200
            refused = await server.get("/healthz")
            assert (refused.status, refused.json()["code"]) == (429, "too-many-connections")
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["connection"] == "close"
            for connection in held:
                assert (await connection.request("/healthz")).status == 200
        with trio.fail_after(LIMIT_SECONDS):
            while (await server.get("/healthz")).status != 200:
                pass


async def test_proxy_has_no_limit_of_connections(start: Start) -> None:
    limits = {"max_connections_per_client": 1, "unlimited_clients": NOBODY, "trusted_proxies": PROXY}
    async with start(**limits) as server, AsyncExitStack() as stack:
        for _ in range(4):
            connection = await stack.enter_async_context(connect(server.port))
            assert (await connection.request("/healthz")).status == 200


async def test_streams_that_are_cut_at_any_moment_leave_nothing_counted(start: Start) -> None:
    async with start(max_streams_per_client=5, unlimited_clients=NOBODY) as server:
        for turns in range(40):
            async with connect(server.port) as connection:
                await connection.send("/edits?v=1")
                for _ in range(turns % 8):
                    await trio.lowlevel.checkpoint()
        async with AsyncExitStack() as stack:
            statuses: list[int] = []
            with trio.fail_after(LIMIT_SECONDS):
                while statuses.count(200) < 5:
                    try:
                        statuses += await _streams(stack, server, 1)
                    except ConnectionCut:
                        continue
                    await server.place(1, 1, 1)
            assert await _streams(stack, server, 1) == [429]
