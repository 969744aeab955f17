"""`data`: an event imported from Reddit's table, exported as Parquet, and filmed.

The bench first writes a table as Reddit published it in 2017, with user ids of the same length. It compares the film
with the encoder alone, which gets the same frames ready-made.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import av
import click
import numpy as np
import trio
from isal import igzip

from bench.equipment.measure import Spent, reading, since
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.logs.chosen_event import chosen_event, edits_option, source_of, states_option, trace_option
from placed.canvas.palette import Palette, name_colors
from placed.commands.export.exporting import PARQUET, export
from placed.commands.import_.importing import Asked, import_tables
from placed.commands.past import open_past
from placed.commands.settings.values import Settings
from placed.commands.timelapse.filming import Wanted, film
from placed.commands.timelapse.playing import Area, marks, play
from placed.commands.timelapse.source import LocalSource
from placed.commands.timelapse.video import H264, Planes, describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bench.logs.trace import Trace
    from placed.commands.timelapse.look import Look

# 16,559,896 edits in 90 s, and in 40 s.
_IMPORTED: Final = Target(184_000, at_least=True)
_EXPORTED: Final = Target(414_000, at_least=True)
_FILMED: Final = Target(1.3, inclusive=True)
_FPS: Final = 30


@attrs.frozen
class _Outcome:
    """The measured values."""

    importing: Spent
    exporting: Spent
    filming: Spent
    encoding: Spent
    log_bytes: int
    parquet_bytes: int


@click.command()
@trace_option
@edits_option
@states_option
@click.option("--frames", default=120, show_default=True, type=click.IntRange(1, 2000), help="Frames of the film.")
@json_option
def data(trace: Path | None, edits: int, states: int, frames: int, json_path: Path | None) -> None:
    """Import an event from CSV.gz, export it as Parquet, and film it as H.264."""
    event = chosen_event(trace, states=states, edits=edits)
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        outcome = _measure(event, frames, Path(folder))
    _report(event, outcome, {"trace": source_of(trace), "frames": frames}).publish(json_path)


def _measure(event: Trace, frames: int, folder: Path) -> _Outcome:
    rgb = event.definition.rgb
    colors = [(rgb[at : at + 3], "") for at in range(0, len(rgb), 3)]
    settings = Settings(data=folder / "data", palette=Palette("trace", rgb, name_colors(colors)))
    table = folder / "table.csv.gz"
    with progress_bar("edits") as bar:
        task = bar.add_task("writing the table", total=event.total_edits)
        for count in _write_table(table, event):
            bar.advance(task, count)
    begin = reading()
    trio.run(partial(import_tables, settings, Asked((table,)), _silent, _silent))
    importing, begin = since(begin), reading()
    exported = export(settings, folder / "edits.parquet", PARQUET, _silent)
    exporting, begin = since(begin), reading()
    with open_past(settings) as opened:
        wanted = Wanted(None, None, None, frames / _FPS, _FPS, 1, "time")
        made = film(LocalSource(opened), folder / "film.mp4", ".mp4", wanted, _silent, _silent)
    filming = since(begin)
    with open_past(settings) as opened:
        ready = list(_ready_frames(LocalSource(opened), made.look, made.begin_ms, made.end_ms))
    begin = reading()
    _encode(folder / "alone.mp4", ready, made.look)
    log_bytes = (folder / "data" / "log" / "data.mdb").stat().st_size
    return _Outcome(importing, exporting, filming, since(begin), log_bytes, exported.bytes)


def _write_table(path: Path, event: Trace) -> Iterator[int]:
    users: dict[int, str] = {}
    with igzip.open(path, "wb", compresslevel=1) as file:  # type: ignore[no-untyped-call]
        file.write(b"ts,user_hash,x_coordinate,y_coordinate,color\n")
        for state in event.states():
            edits = state.edits
            times_ms = np.linspace(state.seconds * 1000 - 1_800_000, state.seconds * 1000, len(edits)).astype(np.int64)
            columns = (times_ms, edits["author"], edits["x"], edits["y"], edits["color"])
            for author in np.unique(edits["author"]).tolist():
                users.setdefault(author, base64.b64encode(hashlib.sha512(author.to_bytes(8, "big")).digest()).decode())
            rows = zip(*(column.tolist() for column in columns), strict=True)
            lines = [f"{ms},{users[author]},{x},{y},{color}\n" for ms, author, x, y, color in rows]
            file.write("".join(lines).encode())
            yield len(edits)


def _ready_frames(source: LocalSource, look: Look, begin_ms: int, end_ms: int) -> Iterator[NDArray[np.uint8]]:
    area, planes = Area(0, 0, look.width, look.height), Planes(look)
    rows = (rows for rows, _, _ in source.rows(source.first, source.version))
    blank = np.zeros((look.height, look.width), np.uint8)
    for pixels in play(blank, area, rows, marks(begin_ms, end_ms, look.frames), "time"):
        planes.show(pixels)
        yield planes.data.copy()


def _encode(path: Path, frames: list[NDArray[np.uint8]], look: Look) -> None:
    """Run the encoder alone, with the same settings as for the film."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", look.fps, H264)
        describe(stream, look)
        for number, data in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(data, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, look.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _silent(_begin: int, _at: int, _end: int) -> None:
    pass


def _report(event: Trace, outcome: _Outcome, options: dict[str, object]) -> Report:
    count = event.total_edits
    ratio = outcome.filming.cpu / outcome.encoding.cpu
    return Report(
        bench="data",
        figures=[
            Figure("imported, a core to itself", count / outcome.importing.unwaited, "edits/s", _IMPORTED),
            Figure("import", outcome.importing.unwaited, "s"),
            Figure("import, CPU", outcome.importing.cpu, "s"),
            Figure("exported, a core to itself", count / outcome.exporting.unwaited, "edits/s", _EXPORTED),
            Figure("export, CPU", outcome.exporting.cpu, "s"),
            Figure("film, CPU beside the encoder's alone", ratio, "times", _FILMED),
            Figure("encoder alone, CPU", outcome.encoding.cpu / options["frames"] * 1000, "ms/frame"),  # type: ignore[operator]
            Figure("log", outcome.log_bytes / count, "bytes/edit"),
            Figure("Parquet", outcome.parquet_bytes / count, "bytes/edit"),
        ],
        options=options,
        details=attrs.asdict(outcome),
        notes=["The film's CPU time has the reading of the log in it, which weighs less with more frames."],
    )
