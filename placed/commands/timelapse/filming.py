"""Makes a film of a past.

It plays the wanted part of the past into the file, frame by frame. With `--even edits` it first counts the edits, so it
reads that part twice. If the canvas grows during the film, the film begins again with the larger canvas. That is rare,
and to look for it first would take as long as to read everything.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

import attrs

from placed.commands.part_file import part_file
from placed.commands.timelapse.apng import write_apng
from placed.commands.timelapse.gif import MAX_FPS, write_gif
from placed.commands.timelapse.look import Look
from placed.commands.timelapse.playing import Area, marks, play
from placed.commands.timelapse.webp import write_webp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.commands.timelapse.playing import Even
    from placed.commands.timelapse.source import Source

    Progress = Callable[[int, int, int], None]
    Write = Callable[[Path, Iterator[NDArray[np.uint8]], Look], None]

KINDS: Final[dict[str, Write]] = {
    ".mp4": lambda path, frames, look: _video(path, frames, look, is_webm=False),
    ".webm": lambda path, frames, look: _video(path, frames, look, is_webm=True),
    ".gif": write_gif,
    ".png": write_apng,
    ".webp": write_webp,
}
MOST_FRAMES: Final = 108_000  # an hour at 30 a second
_FULL_SIDE_PX: Final = 1080  # without --scale, a small canvas is enlarged to fill a screen's height
# H.264's highest level has 8192 x 4320 pixels, players of VP9 take no more, and a WebP has up to 16383.
MAX_SIDE_PX: Final = 8192


class CannotFilm(Exception):
    """This film can't be made; the message says why, and which film can."""


@attrs.frozen
class Wanted:
    """The wanted film.

    Attributes:
        begin_ms: its first moment; None means the first edit.
        end_ms: its last moment; None means the last record.
        area: the part of the canvas; None means all of it.
        seconds: its length.
        fps: frames a second.
        scale: the side of one canvas pixel in the film; None means as large as fits a screen.
        even: whether frames are evenly apart in time, or in edits.
    """

    begin_ms: int | None
    end_ms: int | None
    area: Area | None
    seconds: float
    fps: int
    scale: int | None
    even: Even

    @property
    def frames(self) -> int:
        """The number of frames."""
        return max(1, round(self.seconds * self.fps))


@attrs.frozen
class Filmed:
    """The film that was made.

    Attributes:
        begin_ms: its first moment.
        end_ms: its last moment.
        edits: how many edits it shows.
        look: how its frames look.
        bytes: the size of the file.
    """

    begin_ms: int
    end_ms: int
    edits: int
    look: Look
    bytes: int


@attrs.frozen
class _Cut:
    """The part of a past that is filmed: the versions `start` to `end`.

    Attributes:
        edits: the number of its edits; counted only for a film that is even in edits.
        definition: the largest canvas known so far; if the canvas grows in the film, filming begins again.
    """

    start: int
    end: int
    begin_ms: int
    end_ms: int
    edits: int
    area: Area
    definition: Definition


class _Grown(Exception):
    """The canvas has grown in the middle of the film."""

    def __init__(self, definition: Definition) -> None:
        super().__init__(definition)
        self.definition = definition


def film(source: Source, path: Path, kind: str, wanted: Wanted, looking: Progress, filming: Progress) -> Filmed:
    """Make a film.

    Args:
        source: the past.
        path: the file; an existing one is replaced once the new one is complete.
        kind: one of `KINDS`.
        wanted: the film.
        looking: called during the count of edits, with the first version, the version reached, and the last one.
        filming: called with 0, the frames made, and the frames in all.

    Raises:
        CannotFilm: the film would show no edit, or be too long, too large or too fast.
        CannotRead: the past can't be read.
        CannotWrite: the file can't be written.
    """
    if wanted.frames > MOST_FRAMES:
        raise CannotFilm(f"{wanted.frames:,} frames; allowed are {MOST_FRAMES:,}: fewer --seconds or --fps")
    if kind == ".gif" and wanted.fps > MAX_FPS:
        raise CannotFilm(f"--fps {wanted.fps}; a GIF has at most {MAX_FPS}: it counts in hundredths of a second")
    cut = _look_ahead(source, wanted, looking)
    while True:
        try:
            with part_file(path) as part:
                return _film(source, part, KINDS[kind], cut, wanted, filming)
        except _Grown as grown:
            cut = attrs.evolve(cut, definition=grown.definition, area=_area(wanted.area, grown.definition))


def _film(source: Source, part: Path, write: Write, cut: _Cut, wanted: Wanted, progress: Progress) -> Filmed:
    look = _look_of(cut, wanted)
    shown = 0

    def rows() -> Iterator[NDArray[np.void]]:
        nonlocal shown
        for found, definition, _ in source.rows(cut.start, cut.end):
            if not definition.can_become(cut.definition):
                raise _Grown(definition)
            inside = cut.area.of(found, definition)
            shown += len(inside)
            yield inside

    range_ = (cut.begin_ms, cut.end_ms) if wanted.even == "time" else (0, cut.edits)
    pixels = cut.area.cut(source.canvas(cut.start)[1])
    frames = play(pixels, cut.area, rows(), marks(*range_, wanted.frames), wanted.even)
    write(part, _counted(frames, look.frames, progress), look)
    return Filmed(cut.begin_ms, cut.end_ms, shown, look, part.stat().st_size)


def _counted(frames: Iterator[NDArray[np.uint8]], count: int, progress: Progress) -> Iterator[NDArray[np.uint8]]:
    for number, pixels in enumerate(frames):
        progress(0, number, count)
        yield pixels
    progress(0, count, count)


def _look_ahead(source: Source, wanted: Wanted, progress: Progress) -> _Cut:
    """Find where the film begins and ends, and count its edits if the film is even in edits."""
    start = source.first if wanted.begin_ms is None else source.version_at(wanted.begin_ms - 1)
    end = source.version if wanted.end_ms is None else source.version_at(wanted.end_ms)
    definition, _ = source.canvas(start)
    edits, first_ms = 0, None
    for rows, definition_then, reached in source.rows(start, end):
        definition = definition_then
        inside = rows if wanted.area is None else wanted.area.of(rows, definition)
        edits += len(inside)
        first_ms = int(inside["ms"][0]) if len(inside) and first_ms is None else first_ms
        if first_ms is not None and wanted.even == "time":
            break
        progress(start, reached, end)
    progress(start, end, end)
    if first_ms is None:
        raise CannotFilm("nobody painted in that area and time; choose another --from, --to or --area")
    begin_ms = first_ms if wanted.begin_ms is None else wanted.begin_ms
    end_ms = source.last_ms if wanted.end_ms is None else wanted.end_ms
    return _Cut(start, end, begin_ms, max(begin_ms, end_ms), edits, _area(wanted.area, definition), definition)


def _area(area: Area | None, definition: Definition) -> Area:
    if area is None:
        return Area(0, 0, definition.width, definition.height)
    if area.x + area.width > definition.width or area.y + area.height > definition.height:
        raise CannotFilm(
            f"--area {area.x},{area.y},{area.width},{area.height}; the canvas has {definition.width} x"
            f" {definition.height} pixels"
        )
    return area


def _look_of(cut: _Cut, wanted: Wanted) -> Look:
    side = max(cut.area.width, cut.area.height)
    scale = wanted.scale or max(1, _FULL_SIDE_PX // side)
    if side * scale > MAX_SIDE_PX:
        raise CannotFilm(f"--scale {scale}; for {side} pixels allowed are up to {MAX_SIDE_PX // side}")
    area = cut.area
    return Look(area.width * scale, area.height * scale, scale, cut.definition.rgb, wanted.fps, wanted.frames)


def _video(path: Path, frames: Iterator[NDArray[np.uint8]], look: Look, *, is_webm: bool) -> None:
    try:
        module = importlib.import_module("placed.commands.timelapse.video")
    except ImportError as error:
        raise CannotFilm(f"{error.name} is missing; videos need: pip install 'placed[video]'") from error
    module.write_video(path, frames, look, is_webm=is_webm)
