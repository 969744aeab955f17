"""Passes: whose they are, how long they are valid, and which texts aren't passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Problem, Request
from placed.http.passes import COOKIE, HEADER, make_pass, require_pass

KEY, END = bytes(range(32)), 1_900_000_000
MADE = make_pass(7, END, KEY)


def holds(told: str, *, author: int = 7, key: bytes = KEY, now: float = END - 1, by: str = HEADER) -> bool:
    """Whether this pass lets an author paint."""
    headers = {HEADER: told} if by == HEADER else {"cookie": f"{COOKIE}={told}"}
    try:
        require_pass(Request("POST", "", headers, "192.0.2.1"), author, key, now)
    except Problem:
        return False
    return True


def test_refusal_says_what_to_do() -> None:
    with pytest.raises(Problem, match="GET /challenge") as refusal:
        require_pass(Request("POST", "", {}, "192.0.2.1"), 7, KEY, 0)
    assert (refusal.value.status, refusal.value.code) == (403, "challenge")


@pytest.mark.parametrize("by", [HEADER, COOKIE])
def test_pass_holds_for_its_author_until_its_end(by: str) -> None:
    assert holds(MADE, by=by)
    assert not holds(MADE, by=by, now=END)
    assert not holds(MADE, by=by, author=8)
    assert not holds(MADE, by=by, key=bytes(32))


def test_header_wins_over_the_cookie() -> None:
    headers = {HEADER: "0.none", "cookie": f"{COOKIE}={MADE}"}
    with pytest.raises(Problem):
        require_pass(Request("POST", "", headers, ""), 7, KEY, 0)
    require_pass(Request("POST", "", headers | {HEADER: ""}, ""), 7, KEY, 0)


@pytest.mark.parametrize(
    "told",
    [
        "",
        ".",
        MADE + "=",
        f" {MADE}",
        f"0{MADE}",  # the same number, written in another way
        MADE.replace(str(END), str(END + 1)),
        MADE.replace(str(END), ""),
        MADE[:-1],
        MADE.partition(".")[0],
        f"{'9' * 13}.{MADE.partition('.')[2]}",
        f"{END}.é{MADE.partition('.')[2][1:]}",
    ],
)
def test_what_is_no_pass_holds_for_nobody(told: str) -> None:
    assert not holds(told)


@given(st.text(max_size=60))
def test_no_other_text_is_a_pass(told: str) -> None:
    assert told == MADE or not holds(told)


@given(st.integers(0, len(MADE) - 1), st.characters(max_codepoint=0x7F))
def test_no_other_letter_anywhere_makes_a_pass(place: int, letter: str) -> None:
    told = MADE[:place] + letter + MADE[place + 1 :]
    assert told == MADE or not holds(told, now=0)


@given(st.integers(0, 2**64 - 1), st.integers(1, 10**12 - 1))
def test_any_authors_pass_holds(author: int, end: int) -> None:
    made = make_pass(author, end, KEY)
    assert holds(made, author=author, now=end - 1)
    assert not holds(made, author=author ^ 1, now=end - 1)
