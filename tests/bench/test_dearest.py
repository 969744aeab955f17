"""`bench dearest`: its requests are as described, and each gets an answer that isn't a fault, in both lanes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from bench.dearest import measured
from bench.load.dear_requests import requests
from placed.http.lanes.connection import HEAD_BYTES
from tests.support.serving import LANES, serving

if TYPE_CHECKING:
    from pathlib import Path

DEARS = list(requests())
LOOPBACK = "127.0.0.1"


def test_each_endpoint_has_a_plain_request_and_dear_ones_within_what_is_read() -> None:
    plain = {dear.endpoint for dear in DEARS if dear.name == "plain"}
    assert {dear.endpoint for dear in DEARS} == plain
    assert len(plain) > 10
    assert len({(dear.endpoint, dear.name) for dear in DEARS}) == len(DEARS)
    assert all(len(dear.head) <= HEAD_BYTES for dear in DEARS)
    assert max(len(dear.head) for dear in DEARS) > HEAD_BYTES * 9 // 10


@pytest.mark.parametrize("lane", LANES)
async def test_no_dear_request_is_a_fault_of_the_server(lane: str, tmp_path: Path) -> None:
    async with serving(lane, tmp_path) as server:
        ask = partial(measured, (LOOPBACK, server.port), 0, DEARS, count=0, rounds=1)
        with trio.fail_after(120):
            costs = await trio.to_thread.run_sync(ask)
    plain = {cost.dear.endpoint: cost.status for cost in costs if cost.dear.name == "plain"}
    assert plain.pop("GET /no-such-path") == 404
    assert set(plain.values()) == {200}
    assert {cost.dear.name: cost.status for cost in costs if cost.status >= 500} == {}
