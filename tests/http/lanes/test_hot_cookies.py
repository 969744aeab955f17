"""Heads with cookies: the fast lane cuts cookies out before it looks up fields, and still reads every head right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.lanes import hot_request
from placed.http.lanes.connection import MAX_FIELDS
from placed.http.lanes.hot_request import Head, read_head

LINE = "POST /edit?x=1&y=2&color=3 HTTP/1.1"


def head_of(*fields: str) -> bytes:
    """A head with Host and these fields."""
    return "\r\n".join([LINE, "Host: a.test", *fields, "", ""]).encode("latin-1")


def parsed(data: bytes) -> Head | None:
    """The head when nothing is looked up and nothing is cut out."""
    return hot_request._parse(data)


@pytest.mark.parametrize(
    "fields",
    [
        ("Cookie: a=1",),
        ("cookie: a=1; b=2",),
        ("COOKIE: a=1",),
        ("Cookie:a=1",),
        ("Cookie:  a=1",),
        ("Cookie: a=1 ",),
        ("Cookie: ",),
        ("Cookie: a=1", "Cookie: b=2"),
        ("cookie: a=1", "X: 1", "Cookie: b=2"),
        ("Cookie: a=1", "COOKIE: b=2"),
        ("X-Cookie: a=1",),
        ("X-Cookie: a=1", "Cookie: b=2"),
        ("X: Cookie: a=1",),
        ("X: \nCookie: a=1",),
        ("Cookie: a=1\r\n b=2",),
        ("Cookie: a=1\n",),
        ("Cookie: a=\x01",),
        ("Cookie: a=\xe9",),
        ("Cookie: a=1\tb",),
        ("Cookie : a=1",),
        ("Cookie: a=1", *(f"X-{n}: {n}" for n in range(MAX_FIELDS - 2))),
        ("Cookie: a=1", *(f"X-{n}: {n}" for n in range(MAX_FIELDS - 1))),
        ("Cookie: a=1", "Content-Length: 5"),
        ("Content-Length: 5", "Cookie: content-length: 7", "Connection: close"),
    ],
)
def test_head_with_a_cookie_is_what_it_is_without_a_look_up(fields: tuple[str, ...]) -> None:
    assert read_head(head_of(*fields)) == parsed(head_of(*fields))
    first = head_of(*fields).replace(b"Host: a.test\r\n", b"", 1).replace(b"\r\n\r\n", b"\r\nHost: a.test\r\n\r\n")
    assert read_head(first) == parsed(first)


@given(st.lists(st.text(st.sampled_from("Cc ookie:=ab;,\t\r\n\x00é"), max_size=24), max_size=5))
def test_no_mix_of_fields_reads_otherwise_for_having_a_cookie(fields: list[str]) -> None:
    data = head_of(*fields, "Cookie: s=1", *fields).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert read_head(data) == parsed(data)


def test_cookies_of_many_people_share_what_is_known_of_their_fields() -> None:
    hot_request._parse_fields.cache_clear()
    heads = [read_head(head_of("User-Agent: one", f"Cookie: placed-session={n}")) for n in range(1_000)]
    assert [head.headers["cookie"] for head in heads if head] == [f"placed-session={n}" for n in range(1_000)]
    assert hot_request._parse_fields.cache_info().misses == 1
