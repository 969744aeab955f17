"""Cross-site requests: a table of what browsers send, and which requests pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Problem, Request
from placed.http.origin import cors, preflight, refuse_cross_site

HOST = "canvas.test:8080"
FRIEND = "https://friend.test"
PAGE = " ".join((Path(__file__).parents[2] / "docs/api.md").read_text("utf-8").split())


def request(origin: str | None, site: str | None, host: str | None = HOST) -> Request:
    """A request with these headers; None leaves one out."""
    headers = {"origin": origin, "sec-fetch-site": site, "host": host}
    return Request("POST", "", {name: value for name, value in headers.items() if value is not None}, "192.0.2.1")


def passes(asked: Request, *allowed: str) -> bool:
    """Whether the request passes."""
    try:
        refuse_cross_site(asked, allowed)
    except Problem:
        return False
    return True


def test_refusal_says_what_it_is_about_and_is_short() -> None:
    with pytest.raises(Problem, match="--allow-origin") as refusal:
        refuse_cross_site(request("https://" + "x" * 9_000, "cross-site"), ())
    assert (refusal.value.status, refusal.value.code) == (403, "cross-site")
    assert len(refusal.value.detail) < 300


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        (None, None, True),  # a program
        (None, "none", True),  # typed into the address bar
        (None, "same-origin", True),
        (f"http://{HOST}", "same-origin", True),
        (f"https://{HOST}", "same-origin", True),  # behind a proxy that ends TLS
        (f"http://{HOST}", None, True),  # an older browser
        (f"HTTP://{HOST.upper()}", None, True),
        (f"https://{HOST}", None, True),
        (None, "cross-site", False),
        (None, "same-site", False),
        (f"http://{HOST}", "cross-site", False),
        (f"http://{HOST}", "same-site", False),
        ("http://other.test", "cross-site", False),
        ("http://sub.canvas.test:8080", "same-site", False),
        ("http://other.test", None, False),
        ("http://canvas.test", None, False),  # another port is another origin
        ("http://canvas.test:8081", None, False),
        (f"http://{HOST}.evil.test", None, False),
        (f"http://evil@{HOST}", None, False),
        ("null", None, False),  # a sandboxed frame, a file
        ("null", "cross-site", False),
        ("", None, False),
        ("http://[", None, False),
        ("http://other.test", "", False),
        (None, "something-new", False),
        (None, "same-origin, cross-site", False),
    ],
)
def test_only_the_own_site_and_programs_may_place_edits(origin: str | None, site: str | None, expected: bool) -> None:
    assert passes(request(origin, site)) is expected


@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "same-origin"])
def test_allowed_site_may_too(site: str | None) -> None:
    assert passes(request(FRIEND, site), FRIEND)
    assert passes(request(FRIEND.upper(), site), "https://x.test", FRIEND)
    assert passes(request("https://anything.test", site), "*")


@pytest.mark.parametrize(
    "origin", ["https://friend.test.evil.test", "http://friend.test", "https://friend.test:444", "null"]
)
def test_site_that_only_looks_like_an_allowed_one_may_not(origin: str) -> None:
    assert not passes(request(origin, "cross-site"), FRIEND)


@pytest.mark.parametrize(("origin", "expected"), [(None, True), ("null", False), ("", False), ("http://x.test", False)])
def test_request_without_host_passes_without_origin_alone(origin: str | None, expected: bool) -> None:
    assert passes(request(origin, None, host=None)) is expected


@given(st.text(max_size=60), st.sampled_from([None, "cross-site", "same-site", "x"]))
def test_any_other_origin_is_refused(origin: str, site: str | None) -> None:
    if HOST not in origin.lower():
        assert not passes(request(origin, site))


def test_no_headers_for_others_without_allowed_sites() -> None:
    assert cors(request(FRIEND, None), ()) == ()


def test_allowed_site_may_read_and_caches_keep_the_sites_apart() -> None:
    headers = dict(cors(request(FRIEND, None), (FRIEND,)))
    assert headers["Access-Control-Allow-Origin"] == FRIEND
    assert headers["Vary"] == "Origin"
    assert "X-Canvas-Version" in headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", [None, "https://other.test", "null"])
def test_other_site_may_not_read_but_caches_are_told(origin: str | None) -> None:
    assert cors(request(origin, None), (FRIEND,)) == (("Vary", "Origin"),)


def test_everybody_may_read_with_a_star() -> None:
    assert dict(cors(request("null", None), ("*",)))["Access-Control-Allow-Origin"] == "*"


def test_preflight_names_methods_and_headers() -> None:
    headers = dict(preflight("OPTIONS, POST"))
    assert headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    taken = headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Content-Type", "Last-Event-ID", "If-None-Match"} <= set(taken)
    # Headers of the polyfills of remy and amvtek, of Yaffle's, and of axios, jQuery and OpenTelemetry.
    assert {"Accept", "Cache-Control", "Pragma", "X-Requested-With", "Authorization", "Traceparent"} <= set(taken)
    sites = PAGE.partition("## Methods and sites")[2]
    assert [name for name in taken if f"`{name}`" not in sites] == []
    # For other headers of tracers, like Sentry-Trace and B3. Old browsers don't know it; it leaves Authorization out.
    assert taken[-1] == "*"


def test_what_a_page_may_read_is_what_the_docs_say() -> None:
    exposed = dict(cors(request(FRIEND, None), ("*",)))["Access-Control-Expose-Headers"].split(", ")
    read = PAGE.partition("then it may read ")[2].partition(", and send")[0]
    assert re.findall("`([^`]+)`", read) == exposed
    assert "X-Request-ID" in exposed
