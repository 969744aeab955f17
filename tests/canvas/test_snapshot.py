"""Snapshots: complete, or refused; nothing in between."""

from __future__ import annotations

import hashlib

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import SAVED
from placed.canvas.definition import Definition
from placed.canvas.kept_state import Kept
from placed.canvas.snapshot import Snapshot, SnapshotDamaged, decode, encode
from tests.canvas.any_events import any_kept
from tests.support.records import SMALL, blank

CANVAS = blank()
CANVAS[1, 2], CANVAS[2, 4] = 3, 1
SNAPSHOT = Snapshot("log-1", 42, SMALL, Kept(SMALL), CANVAS, np.array([(7, 1_000), (2**64 - 1, 2_000)], SAVED))


def signed(body: bytes) -> bytes:
    """A body with its digest, as only our own code writes it."""
    return body + hashlib.blake2b(body, digest_size=16).digest()


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots are equal."""
    scalars = attrs.filters.exclude("canvas", "cooldowns")
    return (
        attrs.asdict(one, filter=scalars) == attrs.asdict(other, filter=scalars)
        and one.canvas.tobytes() == other.canvas.tobytes()
        and one.canvas.shape == other.canvas.shape
        and one.cooldowns.tobytes() == other.cooldowns.tobytes()
    )


def test_snapshot_comes_back() -> None:
    assert same(decode(encode(SNAPSHOT)), SNAPSHOT)


@given(st.data(), st.integers(1, 40), st.integers(1, 40), st.integers(2, 256), st.integers(0, 2**63 - 1))
def test_any_snapshot_comes_back(data: st.DataObject, width: int, height: int, colors: int, version: int) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    snapshot = Snapshot(
        data.draw(st.text("0123456789abcdef", min_size=1, max_size=64)),
        version,
        Definition(width, height, random.bytes(3 * colors)),
        data.draw(any_kept(version)),
        random.integers(0, colors, (height, width)).astype(np.uint8),
        np.frombuffer(random.bytes(16 * data.draw(st.integers(0, 5))), SAVED),
        data.draw(st.one_of(st.none(), st.integers(0, 604_800_000))),
    )
    assert same(decode(encode(snapshot)), snapshot)


def test_decoded_arrays_can_be_written_to() -> None:
    decoded = decode(encode(SNAPSHOT))
    decoded.canvas[0, 0] = 1
    decoded.cooldowns["full_ms"] = 0
    assert SNAPSHOT.canvas[0, 0] == 0


@pytest.mark.parametrize("bit", range(8))
def test_one_bit_wrong_at_any_place_is_damage(bit: int) -> None:
    data = encode(SNAPSHOT)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << bit
        with pytest.raises(SnapshotDamaged):
            decode(bytes(damaged))


def test_snapshot_cut_anywhere_is_damage() -> None:
    data = encode(SNAPSHOT)
    for end in range(len(data)):
        with pytest.raises(SnapshotDamaged):
            decode(data[:end])


@given(st.binary(min_size=1, max_size=40))
def test_anything_behind_a_snapshot_is_damage(more: bytes) -> None:
    with pytest.raises(SnapshotDamaged):
        decode(encode(SNAPSHOT) + more)


@given(st.binary(max_size=200))
def test_any_bytes_are_damage(data: bytes) -> None:
    with pytest.raises(SnapshotDamaged):
        decode(data)


@given(st.binary(max_size=200))
def test_anything_with_the_right_digest_but_no_snapshot_is_damage(rest: bytes) -> None:
    with pytest.raises(SnapshotDamaged):
        decode(signed(b"placed\0\1" + rest))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"width": 5', b'"width": 4'),
        (b'"width": 5', b'"width": 0'),
        (b'"height": 3', b'"height": 9'),
        (b'"authors": 2', b'"authors": 1'),
        (b'"palette"', b'"pallete"'),
        (b'"version": 42', b'"version": 4x'),
        (b'"version": 42', b'"version": []'),
        (b'"version": 42', b'"version": -1'),
        (b'"palette": "00', b'"palette": "0x'),
    ],
)
def test_header_that_does_not_fit_is_damage(old: bytes, new: bytes) -> None:
    body = encode(SNAPSHOT)[:-16]
    assert old in body
    with pytest.raises(SnapshotDamaged, match="header"):
        decode(signed(body.replace(old, new)))


def test_pixel_of_no_colour_is_damage() -> None:
    canvas = blank()
    canvas[0, 0] = SMALL.colors
    with pytest.raises(SnapshotDamaged):
        decode(encode(attrs.evolve(SNAPSHOT, canvas=canvas)))
