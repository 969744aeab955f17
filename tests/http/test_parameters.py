"""What clients may send, and that everything else is refused with its name, its value and the allowed values."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.http.answer import Problem, Request
from placed.http.body import BODY_BYTES
from placed.http.parameters import MAX_VERSION, choice, edit_of, text, version_of
from tests.http.bodies import body_of

CANVAS = Definition(40, 30, bytes(48))
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LIMITS = {"x": 39, "y": 29, "color": 15}

# Texts as in a query; none of them is an integer from 0 to 39.
MALFORMED = {
    "word": "foo",
    "exponent": "1e3",
    "past 32 bits": "4294967301",
    "past 64 bits": "18446744073709551617",
    "negative": "-1",
    "empty": "",
    "float": "1.0",
    "hexadecimal": "0x10",
    "plus": "%2B1",
    "space before": "%201",
    "space behind": "1+",
    "newline": "1%0A",
    "underscore": "1_0",
    "Arabic digits": "%D9%A1",
    "full-width digits": "%EF%BC%91",
    "superscript": "%C2%B2",
    "NUL": "1%00",
    "nothing but NUL": "%00",
    "not UTF-8": "%FF",
    "infinity": "Infinity",
    "boolean": "true",
    "list": "[1]",
    "two": "1,2",
    "just past": "40",
    "huge": "9" * 1_500,
}
JSON_WRONG: dict[str, Any] = {
    "float": 1.5,
    "float of more than 53 bits": 2.0**53,
    "float past the canvas": 40.0,
    "text": "foo",
    "true": True,
    "false": False,
    "null": None,
    "list": [1],
    "nested list": [[[1]]],
    "object": {"x": 1},
    "empty object": {},
    "negative": -1,
    "past the canvas": 40,
    "past 32 bits": 2**32 + 5,
    "huge": 10**3_000,
    "empty text": "",
    "surrogate": "\ud800",
    "exponent": 1e3,
    "largest exponent": 1e300,
}


def request(query: str = "", body: bytes = b"", kind: str = "", **headers: str) -> Request:
    """A request as a lane reads it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", query, named | ({"content-type": kind} if kind else {}), "127.0.0.1", body)


def refused(asked: Request) -> Problem:
    """The problem for a refused request; its answer can be made."""
    with pytest.raises(Problem) as refusal:
        edit_of(asked, CANVAS)
    assert len(body_of(refusal.value.answer())) < 1_000
    return refusal.value


def attempt(asked: Request) -> tuple[int, int, int] | Problem:
    """The edit, or the problem; the problem's answer can be made."""
    try:
        return edit_of(asked, CANVAS)
    except Problem as problem:
        json.loads(body_of(problem.answer()))
        return problem


def edit(**parts: Any) -> dict[str, Any]:
    """A good edit, except for `parts`."""
    return {"x": 1, "y": 2, "color": 3} | parts


@pytest.mark.parametrize("name", ["x", "y", "color"])
@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("way", ["query", "form"])
def test_malformed_integer_is_refused_with_its_name_value_and_range(name: str, value: str, way: str) -> None:
    encoded = "&".join(f"{key}={value if key == name else 1}" for key in LIMITS)
    problem = refused(request(encoded) if way == "query" else request(body=encoded.encode(), kind=FORM))
    assert (problem.status, problem.code) == (400, "invalid-parameter")
    assert problem.more["parameter"] == name
    assert problem.more["allowed"] == f"an integer from 0 to {LIMITS[name]}"
    assert isinstance(problem.more["value"], str)
    assert len(problem.more["value"]) <= 65
    assert name in problem.detail
    assert f"0 to {LIMITS[name]}" in problem.detail


@pytest.mark.parametrize("name", ["x", "y", "color"])
@pytest.mark.parametrize("value", JSON_WRONG.values(), ids=JSON_WRONG)
def test_wrong_json_value_is_refused_with_its_name_and_range(name: str, value: object) -> None:
    problem = refused(request(body=json.dumps(edit(**{name: value})).encode(), kind=JSON))
    assert (problem.status, problem.code, problem.more["parameter"]) == (400, "invalid-parameter", name)
    assert problem.more["allowed"] == f"an integer from 0 to {LIMITS[name]}"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_json_that_is_none_by_the_standard_is_refused(word: str) -> None:
    assert refused(request(body=b'{"x": %b, "y": 1, "color": 1}' % word.encode(), kind=JSON)).status == 400


@pytest.mark.parametrize("name", ["x", "y", "color"])
def test_missing_parameter_is_named(name: str) -> None:
    parts = {key: 1 for key in LIMITS if key != name}
    for asked in (request(urlencode(parts)), request(body=json.dumps(parts).encode(), kind=JSON)):
        problem = refused(asked)
        assert (problem.status, problem.more["parameter"], problem.more["value"]) == (400, name, None)
        assert "missing" in problem.detail


@pytest.mark.parametrize(
    "asked",
    [
        request("x=1&y=1&color=1&x=1"),
        request(body=b"x=1&x=2&y=1&color=1", kind=FORM),
        request(body=b'{"x": 1, "x": 1, "y": 1, "color": 1}', kind=JSON),
        request("x=1", b'{"x": 1, "y": 1, "color": 1}', JSON),
        request("x=1", b"x=1&y=1&color=1", FORM),
        request("x=1&y=1&color=1&%78=1"),
    ],
    ids=["query", "form", "json", "query and json", "query and form", "escaped"],
)
def test_repeated_parameter_is_named_even_when_its_values_agree(asked: Request) -> None:
    problem = refused(asked)
    assert (problem.status, problem.more["parameter"]) == (400, "x")
    assert "repeated" in problem.detail


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"x=1", b'{"x": 1,}', b"[1, 2, 3]", b"1", b'"x"', b"null", b"\xff\xfe", b"{'x': 1}", b"\0"),
        *(b'{"x": 1, "y": 1, "color": 1} {}', b"[" * BODY_BYTES, b'{"x":' * 800, b'{"x": 01, "y": 1, "color": 1}'),
        b'{"x": ' + b"9" * 4_000 + b"}",
    ],
)
def test_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    problem = refused(request(body=body, kind=JSON))
    assert problem.status == 400
    assert problem.code in ("invalid-body", "invalid-parameter")


@pytest.mark.parametrize("depth", [*range(1, 60), *range(60, 2_000, 37)])
@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"x":', b"}")])
def test_json_of_any_depth_is_refused_as_calmly(depth: int, left: bytes, right: bytes) -> None:
    body = b'{"y": 1, "color": 1, "x": ' + left * depth + b"1" + right * depth + b"}"
    assert refused(request(body=body, kind=JSON)).status == 400


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "text/json", "multipart/form-data; boundary=x", "application/xml", "json", "*/*", "x" * 999],
)
def test_body_of_another_type_is_refused_with_those_that_are_allowed(kind: str) -> None:
    problem = refused(request("x=1&y=1&color=1", b"{}", kind))
    assert (problem.status, problem.code) == (415, "unsupported-media-type")
    assert dict(problem.headers)["Accept"] == "application/json, application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", ["application/JSON", "application/json;charset=utf-8", " application/json ; a=b"])
def test_media_type_may_have_parameters_and_capitals(kind: str) -> None:
    assert edit_of(request(body=b'{"x":1,"y":2,"color":3}', kind=kind), CANVAS) == (1, 2, 3)


def test_query_that_is_too_long_gets_414() -> None:
    problem = refused(request("x=1&y=1&color=1&more=" + "x" * 2_048))
    assert (problem.status, problem.code) == (414, "too-large")


def test_query_of_too_many_fields_is_refused() -> None:
    assert refused(request("x=1&y=1&color=1" + "&a=1" * 20)).status == 400


@given(st.integers(0, 39), st.integers(0, 29), st.integers(0, 15))
def test_any_edit_means_the_same_by_query_form_and_json(x: int, y: int, color: int) -> None:
    parts = edit(x=x, y=y, color=color)
    encoded = urlencode(parts)
    as_text = {name: str(value) for name, value in parts.items()}
    for asked in (
        request(encoded),
        request(body=encoded.encode(), kind=FORM),
        request(body=json.dumps(parts).encode(), kind=JSON),
        request(body=json.dumps(as_text).encode(), kind=JSON),
        request(body=json.dumps({name: float(value) for name, value in parts.items()}).encode(), kind=JSON),
        request(f"x={x}", f"y={y}&color={color}".encode(), FORM),
    ):
        assert edit_of(asked, CANVAS) == (x, y, color)


@given(st.text(max_size=60))
@example("1\n")
@example("\u0663")
@example("-0")
def test_any_text_is_a_number_of_the_range_or_refused(value: str) -> None:
    got = attempt(request(urlencode({"x": value.encode("utf-8", "surrogatepass"), "y": 1, "color": 1})))
    if isinstance(got, Problem):
        assert got.status in (400, 414)
    else:
        assert 0 <= got[0] < 40
        assert int(value) == got[0]
        assert value.isascii()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "y", "color", "z"]), inner),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_any_json_is_an_edit_or_refused(value: Any) -> None:
    got = attempt(request(body=json.dumps(value).encode(), kind=JSON))
    if isinstance(got, Problem):
        assert got.status == 400
    else:
        assert got == tuple(int(value[name]) for name in LIMITS)


@given(st.binary(max_size=200), st.sampled_from([FORM, JSON]), st.binary(max_size=50))
def test_any_bytes_are_an_edit_or_refused(body: bytes, kind: str, query: bytes) -> None:
    got = attempt(request(query.decode("latin-1"), body, kind))
    if isinstance(got, Problem):
        assert got.status in (400, 414)
    else:
        assert all(0 <= number <= limit for number, limit in zip(got, LIMITS.values(), strict=True))


@pytest.mark.parametrize(
    ("query", "last_event_id", "version"),
    [
        ("v=5", None, 5),
        ("v=5", "7", 7),
        ("", "7", 7),
        ("v=foo", "7", 7),
        ("v=5", "", 5),
        (f"v={MAX_VERSION}", None, MAX_VERSION),
    ],
)
def test_last_event_id_wins_over_v(query: str, last_event_id: str | None, version: int) -> None:
    asked = request(query) if last_event_id is None else request(query, last_event_id=last_event_id)
    assert version_of(asked) == version


@pytest.mark.parametrize("value", [*MALFORMED.values(), "9223372036854775808"], ids=[*MALFORMED, "past 63 bits"])
def test_malformed_version_is_refused(value: str) -> None:
    if value in ("40", "4294967301"):
        return  # a version may be as large
    with pytest.raises(Problem) as refusal:
        version_of(request(f"v={value}"))
    assert (refusal.value.status, refusal.value.more["parameter"]) == (400, "v")


@pytest.mark.parametrize("value", ["foo", "-1", "1, 2", "1e3", "9223372036854775808", "²"])
def test_malformed_last_event_id_is_refused_though_v_is_good(value: str) -> None:
    with pytest.raises(Problem) as refusal:
        version_of(request("v=1", last_event_id=value))
    assert refusal.value.more["parameter"] == "Last-Event-ID"


@pytest.mark.parametrize(
    "name", ["lastEventId", "lasteventid", "evs_last_event_id", "Last-Event-ID", "Last-Event-Id", "last_event_id"]
)
def test_last_event_id_of_a_polyfill_is_above_v_and_below_the_header(name: str) -> None:
    assert version_of(request(f"v=5&{name}=7")) == version_of(request(f"{name}=7")) == 7
    assert version_of(request(f"v=5&{name}=")) == 5  # before any event came
    assert version_of(request(f"v=5&{name}=7", last_event_id="9")) == 9
    for query in (f"v=5&{name}=foo", f"v=5&{name}=-1", f"v=5&{name}=7&{name}=7", f"v=5&lastEventId=6&{name}=7"):
        with pytest.raises(Problem) as refusal:
            version_of(request(query))
        assert refusal.value.status == 400
        assert str(refusal.value.more["parameter"]).lower() in (name.lower(), "lasteventid")


def test_version_that_is_nowhere_is_missing() -> None:
    with pytest.raises(Problem, match="v is missing"):
        version_of(request())


def test_choice_is_one_of_its_words_and_the_first_by_default() -> None:
    assert choice(request(), "format", ("codes", "json"), "codes") == "codes"
    assert choice(request("format=json"), "format", ("codes", "json"), "codes") == "json"
    for query in ("format=xml", "format=", "format=JSON", "format=json&format=json"):
        with pytest.raises(Problem, match="codes or json"):
            choice(request(query), "format", ("codes", "json"), "codes")


def test_text_is_bounded_and_not_repeated() -> None:
    assert text(request(), "log", 5) is None
    assert text(request("log=abcde"), "log", 5) == "abcde"
    for query in ("log=abcdef", "log=a&log=a"):
        with pytest.raises(Problem, match="log="):
            text(request(query), "log", 5)
