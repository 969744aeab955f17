"""`placed timelapse`: the frames of a film are the canvas as it was, in each file format."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.canvas.palette import REDDIT_2022
from placed.commands.timelapse.look import Look
from placed.commands.timelapse.video import Planes
from placed.process.exit_codes import ExitCode
from tests.commands.export.test_export import correction
from tests.support.http_connection import connect, place
from tests.support.offline_log import append_records, record_of
from tests.support.placed_command import ran_placed, started_placed
from tests.support.server_process import running

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.commands.conftest import Command

WIDTH, HEIGHT = 41, 30  # an odd side
BEGAN_MS = 1_700_000_000_000
EDITS = 60
CANVAS = Canvas(Definition(WIDTH, HEIGHT, REDDIT_2022.rgb)).encode()
COLORS = REDDIT_2022.to_array()


def _painted() -> list[tuple[int, int, int]]:
    """Blocks that keep a video's frames distinct: one of 4 x 3 pixels for each edit."""
    return [(at % 10 * 4, at // 10 % 10 * 3, 1 + at % 31) for at in range(EDITS)]


async def _make(data: Path) -> None:
    clock = [BEGAN_MS]
    async with open_lmdb_log(data / "log", clock_ms=lambda: clock[0]) as log:
        await log.append(CANVAS)
        for at, (x, y, color) in enumerate(_painted()):
            clock[0] = BEGAN_MS + 1000 * (at + 1)
            block = [(x + dx, y + dy, color) for dy in range(3) for dx in range(4)]
            await log.append(correction(7, block) if at % 9 == 4 else record_of(block))


def _canvas(edits: int) -> NDArray[np.uint8]:
    """The colours after `edits` edits, by a plain loop: shape (height, width, 3)."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x, y, color in _painted()[:edits]:
        pixels[y : y + 3, x : x + 4] = color
    return COLORS[pixels]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a log of 60 edits, one a second."""
    trio.run(_make, tmp_path / "data")
    return tmp_path / "data"


def _frames(path: Path) -> list[NDArray[np.uint8]]:
    if path.suffix in (".mp4", ".webm"):
        with av.open(str(path)) as container:
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with Image.open(path) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


@pytest.mark.parametrize("ending", [".gif", ".png", ".webp"])
@pytest.mark.parametrize("scale", [1, 3])
def test_frames_of_pictures_are_exactly_the_canvas(
    ending: str, scale: int, data: Path, tmp_path: Path, placed: Command
) -> None:
    out = tmp_path / f"film{ending}"
    code, said, err = placed("timelapse", out, "--data", data, "--seconds", 2, "--fps", 10, "--scale", scale)
    assert (code, err) == (0, "")
    assert (
        f"720 edits, from 2023-11-14 22:13:21 UTC to 2023-11-14 22:14:20 UTC, in 20 frames of {WIDTH * scale} x" in said
    )
    frames = _frames(out)
    shown_s = np.linspace(0, 59, 20).round(3)
    assert len(frames) == 20
    for frame, second in zip(frames, shown_s, strict=True):
        wanted = _canvas(1 + int(second)).repeat(scale, axis=0).repeat(scale, axis=1)
        assert np.array_equal(frame, wanted)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_frames_of_videos_are_the_canvas_as_far_as_a_video_can(
    ending: str, data: Path, tmp_path: Path, placed: Command
) -> None:
    out = tmp_path / f"film{ending}"
    assert placed("timelapse", out, "--data", data, "--seconds", 2, "--fps", 10, "--scale", 4)[0] == 0
    frames = _frames(out)
    assert len(frames) == 20
    for frame, second in zip(frames, np.linspace(0, 59, 20), strict=True):
        wanted = _canvas(1 + int(second)).repeat(4, axis=0).repeat(4, axis=1)
        assert frame.shape == (HEIGHT * 4, WIDTH * 4, 3)
        difference = np.abs(frame.astype(int) - wanted)
        assert np.median(difference) <= 3
        assert difference.mean() < 8
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate or 0) == 10
        assert ending == {"h264": ".mp4", "vp9": ".webm", "libvpx-vp9": ".webm"}[stream.codec_context.name]


def test_a_side_that_is_odd_is_made_even_in_a_video(data: Path, tmp_path: Path, placed: Command) -> None:
    assert placed("timelapse", tmp_path / "f.mp4", "--data", data, "--seconds", 0.1, "--scale", 1)[0] == 0
    assert _frames(tmp_path / "f.mp4")[0].shape == (HEIGHT, WIDTH + 1, 3)


def test_a_part_of_the_time_and_of_the_canvas_can_be_filmed(data: Path, tmp_path: Path, placed: Command) -> None:
    out = tmp_path / "f.png"
    words = ("--from", "2023-11-14T22:13:41Z", "--to", BEGAN_MS + 41_000, "--area", "8,3,12,6")
    code, said, _ = placed("timelapse", out, "--data", data, *words, "--seconds", 1, "--fps", 5, "--scale", 1)
    assert code == 0
    assert "from 2023-11-14 22:13:41 UTC to 2023-11-14 22:14:01 UTC" in said
    for frame, edits in zip(_frames(out), (21, 26, 31, 36, 41), strict=True):
        assert np.array_equal(frame, _canvas(edits)[3:9, 8:20])


def test_with_even_edits_each_frame_has_as_many(data: Path, tmp_path: Path, placed: Command) -> None:
    out = tmp_path / "f.png"
    words = ("--even", "edits", "--seconds", 1, "--fps", 7, "--scale", 1)
    assert placed("timelapse", out, "--data", data, *words)[0] == 0
    for frame, blocks in zip(_frames(out), (0, 10, 20, 30, 40, 50, 60), strict=True):
        assert np.array_equal(frame, _canvas(blocks))


def test_the_film_of_a_larger_canvas_is_as_large_from_its_beginning(tmp_path: Path, placed: Command) -> None:
    larger = Canvas(Definition(20, 10, REDDIT_2022.rgb)).encode()
    values = [
        Canvas(Definition(10, 10, REDDIT_2022.rgb[:48])).encode(),
        record_of([(1, 1, 5)]),
        larger,
        record_of([(19, 9, 31)]),
    ]
    trio.run(append_records, tmp_path / "data" / "log", values)
    words = ("--even", "edits", "--seconds", 1, "--fps", 3, "--scale", 1)
    assert placed("timelapse", tmp_path / "f.png", "--data", tmp_path / "data", *words)[0] == 0
    frames = _frames(tmp_path / "f.png")
    assert [frame.shape for frame in frames] == [(10, 20, 3)] * 3
    assert frames[1][1, 1].tolist() == COLORS[5].tolist()
    assert frames[2][9, 19].tolist() == COLORS[31].tolist()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("f.avi",), ExitCode.BAD_USAGE, "allowed are names that end in .mp4, .webm, .gif, .png, .webp"),
        (("f.gif", "--fps", "51"), ExitCode.UNUSABLE, "a GIF has at most 50"),
        (("f.gif", "--fps", "0"), ExitCode.BAD_USAGE, "0 is not in the range"),
        (("f.gif", "--seconds", "0"), ExitCode.BAD_USAGE, "0.0 is not in the range"),
        (("f.gif", "--area", "1,1,0,5"), ExitCode.BAD_USAGE, "'1,1,0,5' is no area"),
        (("f.gif", "--area", "30,0,12,5"), ExitCode.UNUSABLE, "the canvas has 41 x 30 pixels"),
        (("f.gif", "--from", "soon"), ExitCode.BAD_USAGE, "'soon'; allowed are moments"),
        (("f.gif", "--from", "2024-01-01"), ExitCode.UNUSABLE, "nobody painted in that area and time"),
        (("f.gif", "--from", "2024-01-02", "--to", "2024-01-01"), ExitCode.BAD_USAGE, "--from is later than --to"),
        (("f.gif", "--seconds", "3600", "--fps", "60"), ExitCode.UNUSABLE, "216,000 frames; allowed are 108,000"),
    ],
)
def test_what_can_be_no_film_is_told(
    words: tuple[str, ...], code: ExitCode, told: str, data: Path, tmp_path: Path, placed: Command
) -> None:
    found, _, err = placed("timelapse", tmp_path / words[0], *words[1:], "--data", data)
    assert found == code
    assert told in err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


async def test_beside_a_running_server_the_film_ends_with_what_it_has(tmp_path: Path) -> None:
    out = tmp_path / "film.png"
    async with running(tmp_path / "data", "--width", "20", "--height", "20", "--charges", "100") as server:
        with trio.fail_after(60):
            for at in range(20):
                async with connect(server.port) as connection:
                    await place(connection, at, 3, 5)
            words = ("--data", str(tmp_path / "data"), "--seconds", "1", "--fps", "3", "--scale", "1")
            done = await ran_placed("timelapse", out, *words)
    assert (done.code, done.err) == (0, "")
    assert np.unique(_frames(out)[-1][3].reshape(-1, 3), axis=0).tolist() == [[0xE5, 0, 9]]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_nothing_is_left(ending: signal.Signals, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    words = ("--data", str(data), "--seconds", "600", "--scale", "8")
    with started_placed("timelapse", out, *words) as command:
        deadline = time.monotonic() + 60
        while not any(part.stat().st_size for part in tmp_path.glob(".film.mp4.part-*")):
            assert time.monotonic() < deadline
            assert command.process.poll() is None
            time.sleep(0.01)
        command.process.send_signal(ending)
        code, said, _ = command.end(60)
    assert (code, said) == (ExitCode.INTERRUPTED, "")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@given(
    frames=st.lists(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 15)), max_size=5), max_size=4
    ),
    scale=st.integers(1, 3),
)
def test_planes_brought_up_to_date_are_those_made_anew(frames: list[list[tuple[int, int, int]]], scale: int) -> None:
    look = Look(7 * scale, 5 * scale, scale, REDDIT_2022.rgb[:48], 30, len(frames))
    pixels = np.zeros((5, 7), np.uint8)
    planes = Planes(look)
    for edits in [[], *frames]:
        for x, y, color in edits:
            pixels[y, x] = color
        planes.show(pixels)
        anew = Planes(look)
        anew.show(pixels)
        assert np.array_equal(planes.data, anew.data)
