"""`placed import`: tables and pictures become a new canvas, or the command changes nothing and says why."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from placed.canvas import png
from placed.canvas.palette import BUILT_IN, REDDIT_2022
from placed.process.exit_codes import ExitCode
from tests.commands.conftest import canvas_in, edits_in, records_in
from tests.commands.import_lines import HEADERS, RGB, USER, Placed, line_of, write_table
from tests.support.placed_command import started_placed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Command

BEGAN_MS = 1_490_986_860_000


def _crowd(count: int, *, seed: int = 7) -> list[Placed]:
    rng = random.Random(seed)
    return [
        Placed(
            BEGAN_MS + at * 3 // 2, f"user{rng.randrange(5)}", rng.randrange(40), rng.randrange(30), rng.randrange(6)
        )
        for at in range(count)
    ]


@pytest.mark.parametrize("year", [2017, 2022, 2023])
def test_a_table_becomes_a_log_with_its_times_its_order_and_its_colours(
    year: int, tmp_path: Path, placed: Command
) -> None:
    crowd = _crowd(500)
    table = write_table(tmp_path / "all.csv.gz", year, (line_of(year, one) for one in crowd))
    code, out, err = placed("import", table, "--data", tmp_path / "data")
    assert (code, err) == (0, "")
    assert "500 edits in" in out
    found = edits_in(tmp_path / "data")
    assert [edit[:4] for edit in found] == [(one.time_ms, one.x, one.y, one.color) for one in crowd]
    authors = {one.user: edit[4] for one, edit in zip(crowd, found, strict=True)}
    assert len(set(authors.values())) == 5
    assert [edit[4] for edit in found] == [authors[one.user] for one in crowd]
    palette = BUILT_IN["reddit-2017" if year == 2017 else "reddit-2022"]
    assert canvas_in(tmp_path / "data") == (40, 30, palette.rgb)
    assert placed("check", "--data", tmp_path / "data")[0] == 0


def test_what_was_placed_in_one_millisecond_is_one_record(tmp_path: Path, placed: Command) -> None:
    lines = [line_of(2017, Placed(BEGAN_MS + at // 3, "u", at, 0, 1)) for at in range(9)]
    assert placed("import", write_table(tmp_path / "t.csv", 2017, lines), "--data", tmp_path / "data")[0] == 0
    assert [(time_ms - BEGAN_MS, len(value)) for time_ms, value in records_in(tmp_path / "data")[1:]] == [
        (0, 2 + 3 * 13),
        (1, 2 + 3 * 13),
        (2, 2 + 3 * 13),
    ]


def test_many_files_in_no_order_make_the_same_canvas_as_one_in_order(tmp_path: Path, placed: Command) -> None:
    # Only one edit at each moment, because edits of one moment keep the order of the files.
    crowd = [Placed(BEGAN_MS + at, one.user, one.x, one.y, one.color) for at, one in enumerate(_crowd(900))]
    lines = [line_of(2022, one) for one in crowd]
    whole = write_table(tmp_path / "whole.csv", 2022, lines)
    random.Random(1).shuffle(lines)
    parts = [write_table(tmp_path / f"{at}.csv.gz", 2022, lines[at::3], "\r\n") for at in range(3)]
    (tmp_path / "key").write_bytes(bytes(range(32)))
    key = ("--author-key-file", tmp_path / "key")
    assert placed("import", whole, "--data", tmp_path / "one", *key)[0] == 0
    assert placed("import", *reversed(parts), "--data", tmp_path / "many", *key)[0] == 0
    assert records_in(tmp_path / "many") == records_in(tmp_path / "one")


def test_moderators_rectangles_and_circles_are_painted_where_the_canvas_is(tmp_path: Path, placed: Command) -> None:
    lines = [
        line_of(2023, Placed(BEGAN_MS, USER, -20, -10, 1)),
        f'2017-03-31 19:01:01 UTC,{USER},"-3,-2,-1,1",{RGB[2]}',
        f'2017-03-31 19:01:02 UTC,{USER},"{{X: 19, Y: 9, R: 2}}",{RGB[3]}',
    ]
    assert placed("import", write_table(tmp_path / "t.csv", 2023, lines), "--data", tmp_path / "data")[0] == 0
    edits = [edit[1:4] for edit in edits_in(tmp_path / "data")]
    assert canvas_in(tmp_path / "data")[:2] == (40, 20)
    assert edits[0] == (0, 0, 1)
    assert edits[1:13] == [(x, y, 2) for y in range(8, 12) for x in range(17, 20)]
    # The part of the circle on the canvas, whose last pixel is 39, 19.
    near = {(x, y, 3) for y in range(20) for x in range(40) if (x - 39) ** 2 + (y - 19) ** 2 <= 4}
    assert set(edits[13:]) == near


def test_size_palette_and_origin_can_be_said(tmp_path: Path, placed: Command) -> None:
    lines = [line_of(2023, Placed(BEGAN_MS, USER, -1, 5, 3))]
    table = write_table(tmp_path / "t.csv", 2023, lines)
    words = ("--width", 100, "--height", "50", "--palette", "reddit-2022", "--origin=-10,-20")
    assert placed("import", table, "--data", tmp_path / "data", *words)[0] == 0
    assert canvas_in(tmp_path / "data") == (100, 50, REDDIT_2022.rgb)
    assert edits_in(tmp_path / "data")[0][1:4] == (9, 25, 3)


def test_colours_that_no_built_in_palette_has_become_one_that_begins_with_white(
    tmp_path: Path, placed: Command
) -> None:
    lines = [f'{BEGAN_MS},{USER},#{color},"{at},0"' for at, color in enumerate(("123456", "000001"))]
    assert placed("import", write_table(tmp_path / "t.csv", 2022, lines), "--data", tmp_path / "data")[0] == 0
    assert canvas_in(tmp_path / "data")[2] == bytes.fromhex("ffffff000001123456")
    assert [edit[3] for edit in edits_in(tmp_path / "data")] == [2, 1]


BAD = [
    (2017, "1490986860000,u,40000,0,1", "x 40000, y 0; allowed are -32767 to 32767"),
    (2017, "1490986860000,u,0,0,16", "color 16; allowed are 0 to 15, the palette reddit-2017"),
    (2017, "1490986860000,u,0,zero,1", "y_coordinate 'zero'; allowed is a whole number"),
    (2017, "soon,u,0,0,1", "ts 'soon'; allowed are moments"),
    (2022, '2022-04-04 00:53:51 UTC,u,blue,"0,0"', "colour 'blue'; allowed are six hexadecimal digits"),
    (2022, '2022-04-04 00:53:51 UTC,u,#FFFFFF,"0,0,5"', "coordinate '0,0,5'; allowed are 'x,y'"),
    (2023, '2023-07-20 13:00:26 UTC,u,"{X: 0, Y: 0}",#FFFFFF', "coordinate '{X: 0, Y: 0}': '{X: 0'; allowed"),
    (2023, "naïve", "'naïve' has 1 fields; allowed are 4"),
]


@pytest.mark.parametrize(("year", "line", "told"), BAD)
def test_a_bad_line_is_told_with_file_line_and_value_and_nothing_is_imported(
    year: int, line: str, told: str, tmp_path: Path, placed: Command
) -> None:
    lines = [line_of(year, one) for one in _crowd(20)]
    lines.insert(7, line)
    table = write_table(tmp_path / "some.csv", year, lines)
    code, out, err = placed("import", table, "--data", tmp_path / "data")
    assert (code, out) == (ExitCode.UNUSABLE, "")
    assert err.startswith(f"placed import: {table}, line 9: {told}")
    assert "1 of 21 lines can't be used, so nothing was imported" in err
    assert not (tmp_path / "data").exists()
    code, out, _ = placed("import", table, "--data", tmp_path / "data", "--skip-bad-lines")
    assert code == 0
    assert "1 lines were left out, the first: " in out
    assert len(edits_in(tmp_path / "data")) == 20


def test_of_many_bad_lines_some_are_told_and_all_are_counted(tmp_path: Path, placed: Command) -> None:
    table = write_table(tmp_path / "t.csv", 2017, [*["rubbish"] * 3000, "", line_of(2017, _crowd(1)[0])])
    code, _, err = placed("import", table, "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert err.count("'rubbish'") == 5
    assert "and 2,995 more" in err
    assert "3,000 of 3,001 lines" in err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b,c\n1,2,3\n", "line 1: 'a,b,c' is no known header; allowed are: ts,user_hash,"),
        (b"", "line 1: '' is no known header"),
        (f"{HEADERS[2017]}\n".encode(), "there is no edit"),
        (b"\x1f\x8b\x08\0 not gzip", "can't be read"),
        (f"{HEADERS[2017]}\n".encode() + b"x" * 200_000, "more than 65536 bytes without a line end"),
        (b"\x89PNG\r\n\x1a\n nothing", "not a picture that can be read"),
    ],
)
def test_a_file_that_is_no_table_is_told_and_nothing_is_imported(
    content: bytes, told: str, tmp_path: Path, placed: Command
) -> None:
    (tmp_path / "file").write_bytes(content)
    code, _, err = placed("import", tmp_path / "file", "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert told in err
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_not_there_and_files_of_two_kinds_are_told(tmp_path: Path, placed: Command) -> None:
    code, _, err = placed("import", tmp_path / "none.csv", "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert "none.csv: can't be read: No such file" in err
    both = [write_table(tmp_path / f"{year}.csv", year, []) for year in (2017, 2022)]
    code, _, err = placed("import", *both, "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert "import one kind" in err


def test_a_canvas_that_exists_is_left_as_it_is(tmp_path: Path, placed: Command) -> None:
    table = write_table(tmp_path / "t.csv", 2017, [line_of(2017, one) for one in _crowd(5)])
    assert placed("import", table, "--data", tmp_path / "data")[0] == 0
    before = records_in(tmp_path / "data")
    code, _, err = placed("import", table, "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert "records in" in err
    assert "already; it stays as it is, so choose another --data" in err
    assert records_in(tmp_path / "data") == before


def test_a_log_that_does_not_last_is_refused(tmp_path: Path, placed: Command) -> None:
    table = write_table(tmp_path / "t.csv", 2017, [])
    code, _, err = placed("import", table, "--data", tmp_path / "data", "--log", "memory:")
    assert code == ExitCode.UNUSABLE
    assert "'memory:' would end with this command" in err


def test_a_canvas_s_own_picture_becomes_the_same_canvas(tmp_path: Path, placed: Command) -> None:
    rgb = bytes.fromhex("000000ff0000ffffff00ff00")
    pixels = np.random.default_rng(3).integers(0, 4, (30, 40), dtype=np.uint8)
    (tmp_path / "canvas.png").write_bytes(png.encode(pixels, rgb, text={"placed:version": "7"}))
    assert placed("import", tmp_path / "canvas.png", "--data", tmp_path / "data")[0] == 0
    assert canvas_in(tmp_path / "data") == (40, 30, rgb)
    assert _pixels(tmp_path / "data") == pixels.tobytes()
    assert {edit[4] for edit in edits_in(tmp_path / "data")} == {0}


def _pixels(data: Path) -> bytes:
    width, height, _ = canvas_in(data)
    canvas = np.zeros((height, width), np.uint8)
    for _, x, y, color, _ in edits_in(data):
        canvas[y, x] = color
    return canvas.tobytes()


def test_any_picture_can_be_a_part_of_a_larger_canvas(tmp_path: Path, placed: Command) -> None:
    picture = np.zeros((2, 3, 4), np.uint8)
    picture[..., 3] = 255
    picture[0, 0] = (250, 2, 2, 255)  # nearly red
    picture[1, 2] = (0, 0, 0, 0)
    Image.fromarray(picture).save(tmp_path / "p.webp", lossless=True, exact=True)
    words = ("--data", tmp_path / "data", "--width", "10", "--height", "5", "--palette", "seed")
    assert placed("import", tmp_path / "p.webp", *words)[0] == 0
    assert canvas_in(tmp_path / "data")[:2] == (10, 5)
    assert [edit[1:4] for edit in edits_in(tmp_path / "data")] == [
        (0, 0, 5),
        *((x, y, 3) for x, y in ((1, 0), (2, 0), (0, 1), (1, 1))),
    ]


def test_a_picture_larger_than_the_canvas_or_of_too_many_colours_is_refused(tmp_path: Path, placed: Command) -> None:
    picture = np.arange(20 * 20 * 3, dtype=np.uint16).astype(np.uint8).reshape(20, 20, 3)
    picture[..., 0] = np.arange(20)[:, None]
    picture[..., 1] = np.arange(20)
    Image.fromarray(picture).save(tmp_path / "p.png")
    code, _, err = placed("import", tmp_path / "p.png", "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert "more than 256 colours; say which to take, with --palette" in err
    words = ("--palette", "seed", "--width", "19")
    code, _, err = placed("import", tmp_path / "p.png", "--data", tmp_path / "data", *words)
    assert code == ExitCode.UNUSABLE
    assert "has 20 x 20 pixels, and the canvas is to have 19 x 20" in err


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_nothing_is_left(ending: signal.Signals, tmp_path: Path) -> None:
    lines = (line_of(2017, one) for one in _crowd(400_000))  # seconds of work
    table = write_table(tmp_path / "t.csv", 2017, lines)
    with started_placed("import", table, "--data", tmp_path / "data") as command:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("data/log.part-*/spool/rows")):
            assert time.monotonic() < deadline
            assert command.process.poll() is None
            time.sleep(0.01)
        command.process.send_signal(ending)
        code, out, _ = command.end(60)
    assert (code, out) == (ExitCode.INTERRUPTED, "")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
