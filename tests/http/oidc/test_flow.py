"""The cookie that a browser keeps while it is at a provider: only a recent one that this server made counts."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.oidc.flow import FLOW_SECONDS, flow_of, is_state_of, new_flow

KEY, NOW = bytes(range(32)), 1_900_000_000.5
FLOW = new_flow("school", KEY, NOW)


def test_cookie_is_the_flow_until_it_is_over() -> None:
    assert flow_of(FLOW.cookie, KEY, NOW) == FLOW
    assert flow_of(FLOW.cookie, KEY, FLOW.end_seconds - 1) == FLOW
    assert flow_of(FLOW.cookie, KEY, FLOW.end_seconds) is None
    assert flow_of(FLOW.cookie, KEY, NOW - 59) == FLOW  # made by a server whose clock is fast
    assert flow_of(FLOW.cookie, KEY, NOW - 3_600) is None
    assert FLOW.end_seconds == int(NOW) + FLOW_SECONDS


def test_cookie_of_another_key_is_none() -> None:
    assert flow_of(FLOW.cookie, bytes(32), NOW) is None


def test_no_two_flows_share_anything_and_nothing_in_one_is_another_of_its_parts() -> None:
    other = new_flow("school", KEY, NOW)
    parts = [each for flow in (FLOW, other) for each in (flow.state, flow.nonce, flow.verifier, flow.secret)]
    assert len({*parts}) == 8
    assert not any(part in FLOW.cookie for part in (FLOW.state, FLOW.nonce, FLOW.verifier))
    assert not is_state_of(FLOW, other.state)
    assert is_state_of(FLOW, FLOW.state)


def test_without_the_key_the_cookie_tells_neither_state_nor_verifier() -> None:
    guess = attrs.evolve(FLOW, key=bytes(32))
    assert (guess.state, guess.nonce, guess.verifier) != (FLOW.state, FLOW.nonce, FLOW.verifier)


def test_verifier_is_as_long_as_pkce_asks() -> None:
    assert 43 <= len(FLOW.verifier) <= 128


# By name, because each process of the tests makes a flow of its own.
_FORGED = {
    "empty": "",
    "a point": ".",
    "points": "...",
    "another provider": FLOW.cookie.replace("school", "other"),
    "later": FLOW.cookie.replace(str(FLOW.issued_seconds), str(FLOW.issued_seconds + 600)),
    "another secret": FLOW.cookie.replace(FLOW.secret, "A" * 43),
    "shorter": FLOW.cookie[:-1],
    "longer": FLOW.cookie + "=",
    "a space before": f" {FLOW.cookie}",
    "no signature": FLOW.cookie.rpartition(".")[0],
    "not ASCII": "é" * 80,
}


@pytest.mark.parametrize("name", _FORGED)
def test_forged_cookie_is_none(name: str) -> None:
    assert flow_of(_FORGED[name], KEY, NOW) is None


@given(st.integers(0, len(FLOW.cookie) - 1), st.characters(max_codepoint=0xFF))
def test_any_other_letter_makes_it_none(place: int, letter: str) -> None:
    cookie = FLOW.cookie[:place] + letter + FLOW.cookie[place + 1 :]
    assert cookie == FLOW.cookie or flow_of(cookie, KEY, NOW) is None


@given(st.text(max_size=90))
def test_any_other_state_is_refused(state: str) -> None:
    assert state == FLOW.state or not is_state_of(FLOW, state)
