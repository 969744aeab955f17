"""`png`: one canvas encoded by placed, by Pillow, and by pngjs as sephsplace used it, side by side.

The encoders take turns, so that other work on the machine affects all of them. The first turns don't count, because
node's compiler needs them. Each figure is a median. The bench decodes and compares every file before it counts.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import tempfile
import time
from functools import partial
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import IO, TYPE_CHECKING, cast

import attrs
import click
import numpy as np
from isal import isal_zlib
from PIL import Image, UnidentifiedImageError

from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from placed.canvas import png as placed_png
from placed.canvas.palette import SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_SCRIPT = Path(__file__).with_name("pngjs.mjs")
_GENERATED_SIDE_PX = 1000
_WARM_TURNS = 5  # after the third, pngjs's times no longer fall
_SPEEDUP = Target(25, at_least=True)
_SIZE = Target(1.0)
_MADE_UP = "The canvas is made up; the target for the size, at most Pillow's level 6, is for a real one (--canvas)."


@attrs.frozen(eq=False)
class Canvas:
    """The canvas to encode: palette indexes, uint8, shape (height, width), and a palette with 3 bytes a colour."""

    pixels: NDArray[np.uint8]
    rgb: bytes

    def to_rgb(self) -> NDArray[np.uint8]:
        """uint8, shape (height, width, 3)."""
        return np.frombuffer(self.rgb, np.uint8).reshape(-1, 3)[self.pixels]


@attrs.frozen
class Turn:
    """One encoding: CPU and wall time, and the length of its result."""

    cpu_ms: float
    wall_ms: float
    bytes: int


def generated_canvas() -> Canvas:
    """A canvas roughly as people leave one: 3,000 flat rectangles in random colours, with single pixels over them."""
    random = np.random.default_rng(2017)
    side = _GENERATED_SIDE_PX
    pixels = np.zeros((side, side), np.uint8)
    for _ in range(3000):
        x, y = random.integers(0, side, 2)
        width, height = random.integers(2, 60, 2)
        pixels[y : y + height, x : x + width] = random.integers(0, len(SEED))
    noisy = random.random((side, side)) < 0.08
    pixels[noisy] = random.integers(0, len(SEED), int(noisy.sum()))
    return Canvas(pixels, SEED.rgb)


def read_canvas(path: Path) -> Canvas:
    """The canvas in an indexed PNG.

    Raises:
        click.ClickException: the file isn't one.
    """
    try:
        with Image.open(path) as image:
            colors = image.getcolors() if image.mode == "P" else None
            if colors is None or image.palette is None:
                raise click.ClickException(f"--canvas: {str(path)!r}; allowed is an indexed PNG, such as a canvas.png")
            count = max(cast("int", index) for _, index in colors) + 1
            palette = image.getpalette("RGB") or []
            return Canvas(np.asarray(image), bytes(palette[: count * 3]))
    except (OSError, UnidentifiedImageError) as error:
        raise click.ClickException(f"--canvas: {str(path)!r} can't be read: {error}") from None


@click.command()
@click.option("--canvas", "path", type=click.Path(path_type=Path), help="An indexed PNG; otherwise one is generated.")
@click.option(
    "--turns", default=21, show_default=True, type=click.IntRange(1, 1000), help="Timed turns of each encoder."
)
@json_option
def png(path: Path | None, turns: int, json_path: Path | None) -> None:
    """One canvas as a PNG: placed, Pillow and pngjs."""
    canvas = generated_canvas() if path is None else read_canvas(path)
    with _pngjs(canvas) as pngjs, progress_bar("turns") as bar:
        task = bar.add_task("encoding", total=_WARM_TURNS + turns)
        encoders = {**_encoders(canvas), "pngjs, RGB": pngjs}
        rounds = []
        for _ in range(_WARM_TURNS + turns):
            rounds.append({name: encode() for name, encode in encoders.items()})
            bar.advance(task)
    counted = {name: [turn[name] for turn in rounds[_WARM_TURNS:]] for name in rounds[0]}
    height, width = canvas.pixels.shape
    Report(
        bench="png",
        figures=_figures(counted, size_target=None if path is None else _SIZE),
        options={"canvas": path.name if path else None, "turns": turns, "width": width, "height": height},
        details={name: [attrs.asdict(turn) for turn in of_one] for name, of_one in counted.items()},
        notes=[_MADE_UP] if path is None else [],
    ).publish(json_path)


def _encoders(canvas: Canvas) -> dict[str, Callable[[], Turn]]:
    image = Image.fromarray(canvas.pixels)  # of mode L, until it has a palette
    image.putpalette(canvas.rgb)
    depth = placed_png.bit_depth(len(canvas.rgb) // 3)

    def pillow(level: int) -> bytes:
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=level, bits=depth)
        return file.getvalue()

    def deflate(level: int) -> bytes:
        return isal_zlib.compress(placed_png.pack_rows(canvas.pixels, depth).data, level)

    def checked(encode: Callable[[], bytes]) -> Callable[[], Turn]:
        decoded = np.asarray(Image.open(io.BytesIO(encode())).convert("RGB"))
        if not np.array_equal(decoded, canvas.to_rgb()):
            raise click.ClickException("an encoder changed the picture")
        return lambda: _timed(encode)

    return {
        "placed": checked(lambda: placed_png.encode(canvas.pixels, canvas.rgb)),
        **{f"Pillow, level {level}": checked(partial(pillow, level)) for level in (1, 6, 9)},
        **{f"packed, isal level {level}": partial(_timed, partial(deflate, level)) for level in range(4)},
    }


def _timed(encode: Callable[[], bytes]) -> Turn:
    wall, cpu = time.perf_counter(), time.process_time()
    length = len(encode())
    return Turn((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000, length)


@contextlib.contextmanager
def _pngjs(canvas: Canvas) -> Iterator[Callable[[], Turn]]:
    """Run pngjs in a node process of its own, which encodes the canvas when called."""
    node = shutil.which("node")
    if node is None:
        raise click.ClickException("node is missing: apt-get install nodejs npm, or brew install node")
    height, width = canvas.pixels.shape
    with tempfile.TemporaryDirectory() as folder:
        rgb = Path(folder) / "canvas.rgb"
        rgb.write_bytes(canvas.to_rgb().tobytes())
        command = [node, str(_SCRIPT), str(width), str(height), str(rgb)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            stdin, stdout = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
            if not stdout.readline():
                raise click.ClickException("pngjs is missing: run npm ci at the root of the project")

            def encode() -> Turn:
                stdin.write("\n")
                stdin.flush()
                return Turn(**json.loads(stdout.readline()))

            yield encode


def _figures(counted: dict[str, list[Turn]], *, size_target: Target | None) -> list[Figure]:
    figures = []
    for name, turns in counted.items():
        figures += [
            Figure(f"{name}: CPU", median(turn.cpu_ms for turn in turns), "ms"),
            Figure(f"{name}: size", turns[0].bytes, "bytes"),
        ]
    ours, pngjs, level_6 = (counted[name] for name in ("placed", "pngjs, RGB", "Pillow, level 6"))
    return [
        *figures,
        Figure("pngjs / placed: CPU", _ratio(pngjs, ours, attrgetter("cpu_ms")), "times", _SPEEDUP),
        Figure("pngjs / placed: wall", _ratio(pngjs, ours, attrgetter("wall_ms")), "times", _SPEEDUP),
        Figure("Pillow level 6 / placed: CPU", _ratio(level_6, ours, attrgetter("cpu_ms")), "times"),
        Figure("placed / Pillow level 6: size", ours[0].bytes / level_6[0].bytes, "times", size_target),
        Figure("placed / pngjs: size", ours[0].bytes / pngjs[0].bytes, "times"),
    ]


def _ratio(over: list[Turn], under: list[Turn], time_of: Callable[[Turn], float]) -> float:
    """The median of each turn's own ratio, because a slow moment of the machine slows both encoders of a turn."""
    return median(time_of(one) / time_of(other) for one, other in zip(over, under, strict=True))
