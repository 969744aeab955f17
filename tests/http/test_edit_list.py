"""The edits of a `POST /edits`: all are good, or the answer names the first bad one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.canvas.limits import MAX_COLORS, MAX_SIDE_PX
from placed.http.answer import Problem, Request
from placed.http.body import EDITS_BODY_BYTES
from placed.http.edit_list import MOST_EDITS, edits_of
from tests.http.bodies import body_of

CANVAS = Definition(40, 30, bytes(48))
LARGEST = Definition(MAX_SIDE_PX, MAX_SIDE_PX, bytes(3 * MAX_COLORS))
GOOD = [1, 2, 3]
LIMITS = (40, 30, 16)


def request(body: bytes, kind: str = "application/json", query: str = "", **headers: str) -> Request:
    """A request as a lane reads it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", query, named | {"content-type": kind}, "127.0.0.1", body)


def of(*edits: Any) -> bytes:
    """A body with these edits."""
    return json.dumps({"edits": edits}).encode()


def read(asked: Request, canvas: Definition = CANVAS, most: int = MOST_EDITS) -> list[tuple[int, int, int]]:
    """The edits that are read from it."""
    edits = edits_of(asked, canvas, most)
    assert not edits["author"].any()
    return list(zip(edits["x"].tolist(), edits["y"].tolist(), edits["color"].tolist(), strict=True))


def refused(asked: Request, most: int = MOST_EDITS) -> Problem:
    """The problem for a refused request; its answer is short."""
    with pytest.raises(Problem) as refusal:
        edits_of(asked, CANVAS, most)
    assert len(body_of(refusal.value.answer())) < 1_000
    return refusal.value


def attempt(asked: Request) -> list[tuple[int, int, int]] | Problem:
    """The edits that are read from it, or the problem."""
    try:
        return read(asked)
    except Problem as problem:
        return problem


EDITS = st.lists(st.tuples(*(st.integers(0, limit - 1) for limit in LIMITS)).map(list), min_size=1, max_size=20)
WRITTEN = (lambda number: number, float, str)  # as JSON from languages of all kinds


@given(EDITS, st.data())
def test_edits_are_those_that_were_sent_in_order_however_their_numbers_are_written(
    edits: list[list[int]], data: st.DataObject
) -> None:
    written = [[data.draw(st.sampled_from(WRITTEN))(number) for number in edit] for edit in edits]
    assert read(request(of(*written))) == [tuple(edit) for edit in edits]


def test_as_many_edits_as_may_be_fit_into_a_body_in_any_layout() -> None:
    widest = [[MAX_SIDE_PX - 1, MAX_SIDE_PX - 1, MAX_COLORS - 1]] * MOST_EDITS
    for numbers in (widest, [[float(number) for number in edit] for edit in widest]):
        body = json.dumps({"edits": numbers}, indent=4).replace("\n", "\r\n").encode()
        assert len(body) <= EDITS_BODY_BYTES
        assert read(request(body), LARGEST) == [tuple(edit) for edit in widest]


@pytest.mark.parametrize(
    ("wrong", "parameter", "allowed"),
    [
        ([40, 2, 3], "edits[2].x", "an integer from 0 to 39"),
        ([1, 30, 3], "edits[2].y", "an integer from 0 to 29"),
        ([1, 2, 16], "edits[2].color", "an integer from 0 to 15"),
        ([-1, 2, 3], "edits[2].x", "an integer from 0 to 39"),
        ([1.5, 2, 3], "edits[2].x", "an integer from 0 to 39"),
        ([1, 1e300, 3], "edits[2].y", "an integer from 0 to 29"),
        ([1, 2, 10**400], "edits[2].color", "an integer from 0 to 15"),
        ([2**53 + 0.0, 2, 3], "edits[2].x", "an integer from 0 to 39"),
        ([True, 2, 3], "edits[2].x", "an integer from 0 to 39"),
        ([1, None, 3], "edits[2].y", "an integer from 0 to 29"),
        ([1, "1.0", 3], "edits[2].y", "an integer from 0 to 29"),
        ([1, [2], 3], "edits[2].y", "an integer from 0 to 29"),
        ([1, {"y": 2}, 3], "edits[2].y", "an integer from 0 to 29"),
        ([float("nan"), 2, 3], "edits[2].x", "an integer from 0 to 39"),
        ([1, 2, float("-inf")], "edits[2].color", "an integer from 0 to 15"),
        ([1, 2], "edits[2]", "[x, y, color]"),
        ([1, 2, 3, 4], "edits[2]", "[x, y, color]"),
        ([], "edits[2]", "[x, y, color]"),
        ({"x": 1, "y": 2, "color": 3}, "edits[2]", "[x, y, color]"),
        ({}, "edits[2]", "[x, y, color]"),
        ("123", "edits[2]", "[x, y, color]"),
        (123, "edits[2]", "[x, y, color]"),
        (None, "edits[2]", "[x, y, color]"),
    ],
)
def test_edit_that_is_none_is_named_with_what_is_allowed(wrong: Any, parameter: str, allowed: str) -> None:
    problem = refused(request(of(GOOD, GOOD, wrong, [99, 99, 99])))
    assert (problem.status, problem.code) == (400, "invalid-parameter")
    assert (problem.more["parameter"], problem.more["allowed"]) == (parameter, allowed)
    assert problem.detail.startswith(f"{parameter}=")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "edits is missing"),
        (b"", "edits is missing"),
        (b'{"edits": []}', "edits='0 edits' is empty"),
        (of(*[GOOD] * 1_001), "edits='1001 edits' is too long; allowed is a list of 1 to 1000 edits"),
        (b'{"edits": {"0": [1, 2, 3]}}', "edits='an object' is not a list"),
        (b'{"edits": "[[1, 2, 3]]"}', "is not a list"),
        (b'{"edits": null}', "edits='null' is not a list"),
        (b'{"edits": 5}', "edits='5' is not a list"),
        (b'{"edits": [[1, 2, 3]], "edits": [[1, 2, 3]]}', "edits='2 lists' is repeated"),
        (b'{"edits": [[1, 2, 3]], "author": 5}', "author='5' is unknown here; allowed is edits alone"),
        (b'{"x": 1, "y": 2, "color": 3}', "x='1' is unknown here"),
        (b'{"%b": 1}' % (b"x" * 9_000), "is unknown here"),
    ],
)
def test_list_that_is_none_is_refused_in_so_many_words(body: bytes, words: str) -> None:
    problem = refused(request(body))
    assert (problem.status, problem.code) == (400, "invalid-parameter")
    assert words in problem.detail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[[1, 2, 3]]", "is not an object"),
        (b"null", "is not an object"),
        (b'{"edits": [[1, 2, 3],]}', "is not JSON"),
        (b'{"edits": [[01, 2, 3]]}', "is not JSON"),
        (b"edits=1", "is not JSON"),
        (b"\xff\xfe\0", "is not JSON"),
        (b'{"edits": [[%b, 2, 3]]}' % (b"9" * 5_000), "far too many digits"),
        (b"[" * EDITS_BODY_BYTES, "nests too deep"),
        (b'{"edits":' * 10_000, "nests too deep"),
    ],
)
def test_body_that_is_no_json_object_is_refused_with_an_example(body: bytes, words: str) -> None:
    problem = refused(request(body))
    assert (problem.status, problem.code) == (400, "invalid-body")
    assert words in problem.detail
    assert '{"edits": [[1, 2, 3], [4, 5, 6]]}' in problem.detail


@pytest.mark.parametrize("depth", [*range(1, 60), *range(60, 2_000, 97)])
def test_edits_of_any_depth_are_refused_as_calmly(depth: int) -> None:
    for left, right in ((b"[", b"]"), (b'{"x":', b"}")):
        body = b'{"edits": ' + left * depth + b"1" + right * depth + b"}"
        assert refused(request(body)).status == 400


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data"])
def test_body_of_another_type_is_refused_with_the_one_that_is_allowed(kind: str) -> None:
    problem = refused(request(of(GOOD), kind))
    assert (problem.status, dict(problem.headers)["Accept"]) == (415, "application/json")
    assert refused(request(of(GOOD), content_encoding="gzip")).status == 415


def test_only_as_many_as_the_charges_allow_are_taken() -> None:
    assert len(read(request(of(GOOD, GOOD)), most=2)) == 2
    problem = refused(request(of(GOOD, GOOD, GOOD)), most=2)
    assert problem.more["allowed"] == "a list of 1 to 2 edits, each [x, y, color]"
    assert refused(request(of(GOOD), query="x" * 3_000)).status == 414


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["edits", "x"]), inner),
    max_leaves=12,
)


@given(JSON_VALUES | st.lists(JSON_VALUES).map(lambda edits: {"edits": edits}))
def test_any_json_is_edits_of_the_canvas_or_refused(value: Any) -> None:
    got = attempt(request(json.dumps(value).encode()))
    if isinstance(got, Problem):
        assert got.status == 400
        json.loads(body_of(got.answer()))
    else:
        assert got == [tuple(map(int, edit)) for edit in value["edits"]]
