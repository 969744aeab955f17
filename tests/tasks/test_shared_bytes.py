"""Bytes that many connections send, and that their owner takes back when too many old ones are held."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.tasks.shared_bytes import Retired, SharedBytes, TakenBack


def is_held(shared: SharedBytes) -> bool:
    """Whether its bytes are still in memory."""
    try:
        shared.whole()
    except TakenBack:
        return False
    return True


@given(st.binary(max_size=200), st.integers(1, 50))
def test_pieces_are_the_whole_and_no_copies(data: bytes, size: int) -> None:
    shared = SharedBytes(data)
    pieces = [shared.piece(start, size) for start in range(0, len(shared), size)]
    assert b"".join(pieces) == shared.whole() == data
    assert all(piece.obj is data for piece in pieces)


def test_what_was_taken_back_is_gone_for_all_at_once() -> None:
    shared = SharedBytes(b"12345")
    assert bytes(shared.piece(0, 2)) == b"12"
    shared.take_back()
    shared.take_back()
    assert len(shared) == 5
    with pytest.raises(TakenBack):
        shared.piece(2, 2)
    with pytest.raises(TakenBack):
        shared.whole()


def test_old_ones_count_only_while_somebody_sends_them() -> None:
    retired = Retired(3, 1_000)
    mine = SharedBytes(b"1")
    retired.add(mine)
    retired.add(SharedBytes(b"2"))
    assert len(retired) == 1
    del mine
    assert len(retired) == 0


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 5))
def test_the_oldest_are_taken_back_when_there_are_too_many_or_they_are_too_large(sizes: list[int], most: int) -> None:
    retired, senders = Retired(most, 100), list[SharedBytes]()
    for size in sizes:
        senders.append(SharedBytes(bytes(size)))
        retired.add(senders[-1])
        held = [len(shared) for shared in senders if is_held(shared)]
        assert len(held) == len(retired) <= most
        assert sum(held) <= 100 or len(held) == 1
        assert held == [len(each) for each in senders][-len(held) :]  # the newest
