"""The fast lane's parsing of a request's head, compared with h11's."""

from __future__ import annotations

import h11

from placed.http.body import most_body_bytes
from placed.http.lanes.hot_request import Head, _parse, may_be_hot, read_head


def head(data: bytes) -> None:
    """If the fast lane takes a head for a plain request, h11 must read the same request."""
    end = data.find(b"\r\n\r\n")
    if end < 0 or not may_be_hot(data):
        return
    data = data[: end + 4]
    read = read_head(data)
    parsed = _parse(data)
    if parsed is not None and parsed.length > most_body_bytes(parsed.path):
        parsed = None
    assert read == parsed, "read from the cache it is another"
    if read is not None:
        _check_by_h11(data, read)


def _check_by_h11(data: bytes, read: Head) -> None:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    assert (event.method.decode(), event.http_version) == (read.method, b"1.1")
    path, _, query = event.target.decode("latin-1").partition("?")
    assert (path, query) == (read.path, read.query)
    theirs: dict[str, str] = {}
    for name, value in event.headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        theirs[key] = f"{theirs[key]}, {text}" if key in theirs else text
    assert theirs == read.headers
    assert int(theirs.get("content-length", "0")) == read.length
    body = connection.next_event()
    assert (body is h11.NEED_DATA) == (read.length > 0), "they find the request's end at different places"
