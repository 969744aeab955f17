"""Sessions: signed, expiring, ended at once, and impossible to forge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.people.sessions import DAY_MS, Session, Sessions

KEY = bytes(range(32))
NOW_MS = 1_790_000_000_000
ADA = 0x0123456789ABCDEF


class _World:
    """Sessions, and the state that they depend on."""

    def __init__(self, key: bytes = KEY) -> None:
        self.now_ms = NOW_MS
        self.revoked: dict[int, int] = {}
        self.sessions = Sessions(key, self.revoked, 30 * DAY_MS, lambda: self.now_ms)


def test_session_is_found_until_its_life_is_over() -> None:
    world = _World()
    text = world.sessions.begin(ADA)
    assert world.sessions.find(text) == Session(ADA, NOW_MS)
    world.now_ms += 30 * DAY_MS - 1
    assert world.sessions.find(text) == Session(ADA, NOW_MS)
    world.now_ms += 1
    assert world.sessions.find(text) is None


def test_session_of_another_server_with_the_same_key_is_found() -> None:
    assert _World().sessions.find(_World().sessions.begin(ADA)) == Session(ADA, NOW_MS)


def test_session_of_another_key_is_none() -> None:
    assert _World().sessions.find(_World(bytes(32)).sessions.begin(ADA)) is None


def test_session_of_a_server_whose_clock_is_far_ahead_is_none_yet() -> None:
    ahead = _World()
    ahead.now_ms += 61_000
    assert _World().sessions.find(ahead.sessions.begin(ADA)) is None


def test_ended_sessions_are_over_at_once_and_others_go_on() -> None:
    world = _World()
    text, other = world.sessions.begin(ADA), world.sessions.begin(5)
    assert world.sessions.find(text) is not None
    world.revoked[ADA] = NOW_MS
    assert world.sessions.find(text) is None
    assert world.sessions.find(other) is not None


def test_new_session_holds_in_the_very_moment_in_which_the_old_ones_were_ended() -> None:
    world = _World()
    world.revoked[ADA] = NOW_MS + 2_000  # by a server whose clock is fast
    text = world.sessions.begin(ADA)
    assert world.sessions.find(text) is not None
    world.revoked[ADA] += 1
    assert world.sessions.find(text) is None


def test_half_of_its_life_later_it_is_time_for_the_next_one() -> None:
    world = _World()
    session = world.sessions.find(world.sessions.begin(ADA))
    assert session is not None
    assert not world.sessions.is_half_over(session)
    world.now_ms += 15 * DAY_MS + 1
    assert world.sessions.is_half_over(session)


GENUINE = _World().sessions.begin(ADA)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        GENUINE[:-1],
        GENUINE[1:],
        GENUINE.rpartition(".")[0],
        GENUINE.rpartition(".")[0] + ".",
        GENUINE + "=",
        GENUINE + "A",
        GENUINE + " ",
        " " + GENUINE,
        GENUINE.upper(),
        f'"{GENUINE}"',
        GENUINE.replace("0123", "0124"),  # another author
        GENUINE.replace(str(NOW_MS), str(NOW_MS + 1)),  # a longer life
        GENUINE.replace(".", "..", 1),
        GENUINE.replace("0", "\u0660", 1),
        GENUINE + "." + GENUINE,
        "0" * 16 + "." + GENUINE.partition(".")[2],
        "." * 60,
        "9" * 5_000,
    ],
)
def test_what_was_cut_or_changed_is_no_session(forged: str) -> None:
    assert _World().sessions.find(forged) is None


@given(st.integers(0, len(GENUINE) - 1), st.characters(max_codepoint=0x2FF))
def test_no_character_of_a_session_can_be_another(place: int, letter: str) -> None:
    changed = GENUINE[:place] + letter + GENUINE[place + 1 :]
    assert (_World().sessions.find(changed) is not None) is (changed == GENUINE)


@given(st.text(max_size=200))
def test_nothing_that_is_made_up_is_a_session(text: str) -> None:
    assert _World().sessions.find(text) is None


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_sessions_say_whose_they_are(one: int, other: int) -> None:
    sessions = _World().sessions
    assert sessions.find(sessions.begin(one)) == Session(one, NOW_MS)
    assert (sessions.begin(one) == sessions.begin(other)) is (one == other)
