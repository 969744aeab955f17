"""The allowance of catch-ups lasts for clients that keep up, resume or share an address; others use it up."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from placed.http import catch_up_limit
from placed.http.catch_up_limit import FRAMES_FOR_EACH_STREAM, CatchUpLimit, too_many_catch_ups
from tests.http.bodies import body_of

HOME, OTHER = "203.0.113.9", "203.0.113.10"


def test_client_has_so_many_frames_for_each_stream_and_gets_them_back_within_a_minute() -> None:
    limit = CatchUpLimit(10)
    allowed = 10 * FRAMES_FOR_EACH_STREAM
    for _ in range(allowed):
        assert limit.take(HOME, 1, 100.0) == 0
    wait = limit.take(HOME, 1, 100.0)
    assert wait == pytest.approx(60 / allowed)
    assert limit.take(OTHER, 1, 100.0) == 0
    assert limit.take(HOME, 1, 100.0 + wait) == 0
    assert limit.take(HOME, allowed, 100.0 + wait + 60) == 0


def test_allowance_may_be_overdrawn_once_and_has_to_come_back_first() -> None:
    limit = CatchUpLimit(1)
    assert limit.take(HOME, 4 * FRAMES_FOR_EACH_STREAM, 0.0) == 0
    wait = limit.take(HOME, 1, 0.0)
    assert 180 <= wait < 190
    assert limit.take(HOME, 1, wait) == 0


def test_who_lacks_less_than_a_frame_takes_nothing() -> None:
    limit = CatchUpLimit(1)
    for _ in range(10_000):
        assert limit.take(HOME, 0, 0.0) == 0
    assert not limit


@pytest.mark.parametrize(
    ("limit", "address"),
    [(CatchUpLimit(0), HOME), (CatchUpLimit(1, [ip_network("203.0.113.0/24")]), HOME), (CatchUpLimit(1), "")],
)
def test_some_have_no_limit(limit: CatchUpLimit, address: str) -> None:
    for _ in range(100):
        assert limit.take(address, 1_000, 0.0) == 0


def test_clients_are_forgotten_when_they_have_all_again_or_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_up_limit, "_MOST_CLIENTS", 50)
    limit = CatchUpLimit(128)
    for number in range(200):
        limit.take(f"198.51.100.{number}", 1, 0.0)
    assert len(limit) == 50
    for number in range(60):
        limit.take(HOME, 1, 100.0 + number)
    assert len(limit) == 1


def test_refusal_says_when_to_come_back() -> None:
    problem = too_many_catch_ups(2.1)
    answer = problem.answer()
    assert (answer.status, dict(answer.headers)["Retry-After"]) == (429, "3")
    assert b"too-many-catch-ups" in body_of(answer)
