"""The benches' reader of chunks returns the content of chunks, however the bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.people.chunks import Chunks
from placed.stream.chunked import LAST_CHUNK, chunk_of, data_of


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.data())
def test_chunks_come_out_however_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(map(chunk_of, parts)) + LAST_CHUNK
    chunks, came = Chunks(), b""
    while whole:
        assert not chunks.is_whole
        size = data.draw(st.integers(1, 30))
        came += chunks.feed(whole[:size])
        whole = whole[size:]
    assert came == b"".join(parts)
    assert chunks.is_whole


@given(st.binary(min_size=1))
def test_data_of_a_chunk_is_what_was_put_into_it(data: bytes) -> None:
    assert data_of(chunk_of(data)) == data
