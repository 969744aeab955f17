"""Accept-Encoding: which codings a client takes, and that a long list isn't read for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.accepted_codings import takes_coding


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("GZIP", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0.001", True),
        ("gzip ; q = 1", True),
        ("*", True),
        ("*;q=0.5", True),
        ("deflate, *", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("br", False),
        ("xgzip", False),
        ("gzip;q=-1", False),
        ("gzip;q=nan", False),
        ("gzip;q=2", False),
        ("gzip;x=1", False),
        (",,,gzip", True),
        ("gzip" + " " * 300, False),
        ("gzip;q=0.5," * 1_500, False),
    ],
)
def test_coding_is_taken_by_name_or_by_star(field: str, expected: bool) -> None:
    assert takes_coding("gzip", field) is expected


@given(st.text(max_size=300))
def test_any_text_is_read(field: str) -> None:
    assert takes_coding("gzip", field) in (True, False)
