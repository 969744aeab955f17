"""Cookies, as browsers send them and as they keep them."""

from __future__ import annotations

import pytest

from placed.http.cookies import cookie_of, set_cookie


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("a=1", "1"),
        ("b=2; a=1", "1"),
        ("b=2, a=1", "1"),  # two fields of HTTP/2, joined by a lane
        ("a=1; a=2", "1"),
        ("  a = 1 ", "1"),
        ("aa=1; ba=2", ""),
        ("a", ""),
        ("a=", ""),
        ("", ""),
        ("a=1=2", "1=2"),
        ("A=1", ""),
    ],
)
def test_value_of_a_cookie(header: str, value: str) -> None:
    assert cookie_of({"cookie": header}, "a") == value


def test_no_cookie_has_no_value() -> None:
    assert cookie_of({}, "a") == ""


def test_cookie_is_kept_from_scripts_and_other_sites() -> None:
    assert set_cookie("a", "1", 60, secure=False) == (
        "Set-Cookie",
        "a=1; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
    )
    assert set_cookie("a", "", 0, secure=True)[1].endswith("; SameSite=Lax; Secure")
