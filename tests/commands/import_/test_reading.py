"""A table's lines read all at once, and one by one: both give the same, or the fast way leaves a line to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.commands.import_.blocks import Block
from placed.commands.import_.columns import hex_numbers, integers, moments_ms
from placed.commands.import_.formats import FORMATS, format_of
from placed.commands.import_.rows import Kind
from placed.commands.import_.values import BadValue, moment_ms
from tests.commands.import_lines import HEADERS, USER, Placed, line_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PLACED = st.builds(
    Placed,
    time_ms=st.integers(1_000_000_000_000, 2_000_000_000_000),
    user=st.sampled_from([USER, "a", "zoë"]),
    x=st.integers(-2000, 4095),
    y=st.integers(-2000, 4095),
    color=st.integers(0, 5),
)
# Texts that are nearly a number, a moment or a colour.
NEARLY = st.text(alphabet='0123456789-+: .TUTCZabcF#,"x\u0660', max_size=30)


@pytest.mark.parametrize("year", [2017, 2022, 2023])
@given(lines=st.lists(PLACED, min_size=1, max_size=20), windows=st.booleans())
def test_lines_that_reddit_writes_are_read_at_once_and_as_they_are_one_by_one(
    year: int, lines: list[Placed], windows: bool
) -> None:
    form = format_of(HEADERS[year])
    assert form is not None
    end = "\r\n" if windows else "\n"
    block = Block.of("".join(line_of(year, one) + end for one in lines).encode(), 2)
    found = form.columns(block)
    assert found.good.all()
    assert found.lines.tolist() == list(range(len(lines)))
    for index, one in enumerate(lines):
        line = form.parse(block.line(index))
        begin, end_ = found.texts[index]
        at_once = (int(found.time_ms[index]), block.data[begin:end_].decode(), int(found.x[index]), int(found.y[index]))
        assert at_once == (line.time_ms, line.author, line.x, line.y) == (one.time_ms, one.user, one.x, one.y)
        assert line.color == found.color[index]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.title)
@given(fields=st.lists(NEARLY, min_size=4, max_size=8), good=PLACED)
def test_whatever_is_good_at_once_is_good_by_itself(form: object, fields: list[str], good: Placed) -> None:
    assert form in FORMATS
    form = next(each for each in FORMATS if each is form)
    text = ",".join(fields).replace("\n", "")
    lines = [line_of(2017, good), text]
    block = Block.of("".join(f"{line}\n" for line in lines).encode(), 2)
    found = form.columns(block)
    for line in found.lines[found.good].tolist():
        form.parse(block.line(line))


def _columns_of(
    texts: list[str], read: Callable[..., tuple[NDArray[np.generic], NDArray[np.bool_]]], **kwargs: int
) -> list[object]:
    data = [text.encode() for text in texts]
    ends = np.cumsum([len(each) + 1 for each in data]) - 1
    begins = ends - [len(each) for each in data]
    buffer = np.frombuffer(b",".join(data) + b"\n", np.uint8)
    values, good = read(buffer, begins, ends, **kwargs)
    return [value if is_good else None for value, is_good in zip(values.tolist(), good.tolist(), strict=True)]


def test_whole_numbers_are_read_with_their_sign_and_nothing_else_is() -> None:
    texts = ["0", "12", "-1", "12345", "123456", "", "-", "+1", "1.0", "1e3", "0x1", " 1", "99999", "-99999"]
    wanted = [0, 12, -1, 12345, None, None, None, None, None, None, None, None, 99999, -99999]
    assert _columns_of(texts, integers, digits=5) == wanted


def test_hexadecimal_numbers_have_their_digits_and_nothing_else_is_one() -> None:
    texts = ["ff4500", "FF4500", "ff450", "ff45000", "gf4500", "", "-f4500"]
    assert _columns_of(texts, hex_numbers, digits=6) == [0xFF4500, 0xFF4500, None, None, None, None, None]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1490986860000", 1_490_986_860_000),
        ("2017-03-31 19:01:00 UTC", 1_490_986_860_000),
        ("2022-04-04 00:53:51.577 UTC", 1_649_033_631_577),
        ("2022-04-04 00:53:51.5 UTC", 1_649_033_631_500),
        ("2022-04-04 00:53:51.57 UTC", 1_649_033_631_570),
        ("2022-04-04T00:53:51.577Z", 1_649_033_631_577),
        ("2022-04-04 00:53:51.577", 1_649_033_631_577),
        ("2024-02-29 00:00:00 UTC", 1_709_164_800_000),
    ],
)
def test_a_moment_is_read_in_all_the_ways_that_it_is_written(text: str, ms: int) -> None:
    assert moment_ms(text) == ms
    assert _columns_of([text], moments_ms) == [ms]


def test_a_moment_in_seconds_or_finer_than_ms_is_read_by_itself() -> None:
    assert moment_ms("1490986860") == 1_490_986_860_000
    assert moment_ms("2023-07-20 13:00:26.088123 UTC") == 1_689_858_026_088
    assert _columns_of(["1490986860", "2023-07-20 13:00:26.088123 UTC"], moments_ms) == [None, None]


@pytest.mark.parametrize(
    "text",
    ["2023-02-29 00:00:00 UTC", "2022-13-01 00:00:00", "2022-04-04 24:00:00", "2022-04-04", "now", "", "-1",
     "2022-04-04 00:53:51. UTC", "2022-04-04 00:53:51.-7 UTC", "1969-12-31 00:00:00 UTC"],
)  # fmt: skip
def test_what_is_no_moment_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(BadValue, match="allowed are moments"):
        moment_ms(text)
    assert _columns_of([text, "2022-04-04 00:53:51 UTC"], moments_ms)[0] is None


def test_moderators_shapes_are_read_by_themselves() -> None:
    form = format_of(HEADERS[2023])
    assert form is not None
    rectangle = form.parse(f'2023-07-20 13:00:26.088 UTC,{USER},"-5,-7,10,12",#FFFFFF')
    assert (rectangle.kind, rectangle.x, rectangle.y, rectangle.x2, rectangle.y2) == (Kind.RECTANGLE, -5, -7, 10, 12)
    circle = form.parse(f'2023-07-20 13:00:26.088 UTC,{USER},"{{X: -3, Y: 4, R: 5}}",#FFFFFF')
    assert (circle.kind, circle.x, circle.y, circle.x2) == (Kind.CIRCLE, -3, 4, 5)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1490986860000,u,a,2,3", "x_coordinate 'a'"),
        ("1490986860000,u,1,2", "has 4 fields; allowed are 5"),
        ("yesterday,u,1,2,3", "ts 'yesterday'"),
        ("1490986860000,,1,2,3", "user ''"),
        ('1490986860000,"u,1,2,3', "unexpected end of data"),
    ],
)
def test_a_line_that_is_not_understood_is_told_with_its_value(line: str, told: str) -> None:
    form = format_of(HEADERS[2017])
    assert form is not None
    with pytest.raises(BadValue) as caught:
        form.parse(line)
    assert told in str(caught.value)
