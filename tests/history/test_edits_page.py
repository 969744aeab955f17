"""Pages of edits as bytes: the vectors that also test the clients, and any possible page."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.canvas.palette import SEED
from placed.history.edits_page import PageDamaged, decode_page, encode_page
from placed.history.past import Page
from placed.history.stretch import ROW, Stretch
from tests.http.test_history import read_page

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("page_vectors.json").read_text())
CANVASES = [Definition(1000, 1000, SEED.rgb), Definition(4096, 4096, bytes(768)), Definition(1, 1, bytes(6))]


def _page(start: int, end: int, edits: list[list[int]], definition: Definition) -> Page:
    rows = np.array([(*edit, 0, -1) for edit in edits], ROW)
    return Page(Stretch(start, end, rows), definition)


@pytest.mark.parametrize("vector", VECTORS)
def test_vectors_hold_what_they_say(vector: dict[str, Any]) -> None:
    body = base64.b64decode(vector["base64"])
    assert read_page(body) == (vector["from"], vector["to"], vector["next"], vector["edits"])
    pages = [_page(vector["from"], vector["next"], vector["edits"], canvas) for canvas in CANVASES]
    assert body in [encode_page(page, vector["to"]) for page in pages]


@given(st.data(), st.sampled_from(CANVASES), st.integers(0, 2**62))
def test_any_page_can_be_read_byte_by_byte(data: st.DataObject, canvas: Definition, start: int) -> None:
    edit = st.tuples(
        st.integers(0, 2**40),
        st.integers(0, 2**45),
        st.integers(0, canvas.width - 1),
        st.integers(0, canvas.height - 1),
        st.integers(0, canvas.colors - 1),
    )
    edits = sorted(data.draw(st.lists(edit, max_size=30)), key=lambda each: each[0])
    rows = [[start + offset, *rest] for offset, *rest in edits]
    end = max([start, *(row[0] for row in rows)]) + 1
    body = encode_page(_page(start, end, rows, canvas), end + 5)
    assert read_page(body) == (start, end + 5, end, rows)
    read = decode_page(body)
    assert read.next == end
    columns = (read.offsets, read.times_ms, read.x, read.y, read.color)
    assert [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)] == rows


@given(st.data())
def test_damaged_pages_are_refused_and_nothing_else_is_raised(data: st.DataObject) -> None:
    body = base64.b64decode(data.draw(st.sampled_from(VECTORS))["base64"])
    at = data.draw(st.integers(0, len(body) - 1))
    damaged = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 3)) :]
    with contextlib.suppress(PageDamaged):
        decode_page(damaged)


def test_versions_that_no_log_has_are_refused() -> None:
    body = base64.b64decode(VECTORS[0]["base64"])
    for at in (8, 24):  # where the page begins, and where the next page begins
        with pytest.raises(PageDamaged):
            decode_page(body[: at + 7] + b"\x80" + body[at + 8 :])
