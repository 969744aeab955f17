"""The command `placed paint`: its options, its summary and its exit codes.

Exit codes: 0 every pixel is right, 1 painting gave up or some pixels are still wrong, 2 bad usage, 130 Ctrl-C.
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
import trio

from placed.commands.paint import painter as painting
from placed.commands.paint.api import ApiClient
from placed.commands.paint.progress import duration, shown
from placed.commands.token_file import TokenFileError, read_token
from placed.commands.url_type import UrlType
from placed.process.exit_codes import ExitCode
from placed.storage import picture as pictures

if TYPE_CHECKING:
    import httpx

    from placed.canvas.quantise import Dither
    from placed.commands.paint.plan import Order
    from placed.commands.paint.progress import Progress

if TYPE_CHECKING:
    _PositionType = click.ParamType[tuple[int, int]]
    _SizeType = click.ParamType[pictures.Size]
    _SecondsType = click.ParamType[float]
else:
    # Takes no arguments before click 8.4.
    _PositionType = _SizeType = _SecondsType = click.ParamType

_DEFAULT_GIVE_UP_SECONDS = 600  # a reboot or an upgrade of a small server fits in


class _Position(_PositionType):
    name = "X,Y"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if len(parts) != 2 or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
            self.fail(f"{value!r} is not a position; allowed are two integers from 0, like 100,250", param, ctx)
        if max(len(part) for part in parts) > 9:
            self.fail(f"{value!r} is outside any canvas", param, ctx)
        return int(parts[0]), int(parts[1])


class _Size(_SizeType):
    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> pictures.Size:
        if isinstance(value, pictures.Size):
            return value
        try:
            return pictures.Size.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Seconds(_SecondsType):
    name = "SECONDS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not seconds >= 0:
            self.fail(f"{value!r} is not a time; allowed are seconds from 0, or inf for ever", param, ctx)
        return seconds


@click.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--url", type=UrlType(), required=True, envvar="PLACED_URL", show_envvar=True, help="The page's address.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="File with a token from `placed people token`: paint as the bot of that token.",
)
@click.option("--at", type=_Position(), default="0,0", show_default=True, help="Where the top left pixel goes.")
@click.option(
    "--size",
    type=_Size(),
    metavar="WxH",
    help="Resize the picture first: to 200x150, or to 200x or x150, which keep its proportions.",
)
@click.option(
    "--dither",
    type=click.Choice(["none", "floyd-steinberg", "ordered"]),
    default="none",
    show_default=True,
    help="How to imitate colours that the palette lacks.",
)
@click.option(
    "--order",
    type=click.Choice(["rows", "random", "center"]),
    default="rows",
    show_default=True,
    help="Paint row by row, in a random order, or from the middle outwards.",
)
@click.option("--keep", is_flag=True, help="Go on repairing pixels that others paint over, until Ctrl-C.")
@click.option("--dry-run", is_flag=True, help="Paint nothing; say how many pixels differ and how long painting takes.")
@click.option(
    "--give-up",
    type=_Seconds(),
    default=_DEFAULT_GIVE_UP_SECONDS,
    show_default=True,
    help="Give up when the server hasn't answered, or hasn't taken edits, for this long; inf is never.",
)
@click.pass_context
def paint(
    ctx: click.Context,
    image: Path,
    url: httpx.URL,
    token_file: Path | None,
    at: tuple[int, int],
    size: pictures.Size | None,
    dither: Dither,
    order: Order,
    keep: bool,
    dry_run: bool,
    give_up: float,
) -> None:
    """Paint the picture IMAGE onto the canvas at URL, through the server's public API, as fast as its cooldown allows.

    Each pixel gets the nearest colour of the palette. Pixels stay as they are where the picture is transparent, and
    where they are right already. If the server goes away, painting waits for it and goes on. To go on after Ctrl-C,
    run the same command again.

    Exit codes: 0 every pixel is right, 1 painting gave up or some pixels are still wrong, 2 bad usage, 130 Ctrl-C.
    """
    try:
        picture = pictures.read(image, size)
    except pictures.PictureError as error:
        raise click.BadParameter(str(error), param_hint="IMAGE") from error
    if not picture.visible.any():
        raise click.BadParameter(f"{image}: every pixel is transparent", param_hint="IMAGE")
    job = painting.Job(picture, *at, dither, order, keep, dry_run, give_up)
    ctx.exit(_Run(url, job, _token(url, token_file)).exit_code())


def _token(url: httpx.URL, file: Path | None) -> str | None:
    """The token in `file`, if there is one.

    Raises:
        click.BadParameter: the file can't be read, or the address has a password too, which goes into the same header.
    """
    if file is None:
        return None
    if url.userinfo:
        raise click.BadParameter(f"{file} and a password in --url; allowed is one of them", param_hint="--token-file")
    try:
        return read_token(file)
    except TokenFileError as error:
        raise click.BadParameter(str(error), param_hint="--token-file") from error


@attrs.define
class _Run:
    """One run of the painter under Trio, and its summary."""

    url: httpx.URL
    job: painting.Job
    token: str | None = attrs.field(default=None, repr=False)
    painter: painting.Painter | None = None
    seconds: float = 0.0
    left_seconds: float | None = None

    def exit_code(self) -> int:
        """Paint, say how it ended, and return the exit code."""
        code = self._paint()
        if self.painter is None or self.painter.total == 0:
            return code
        click.echo(self._summary(self.painter))
        complete = self.job.dry_run or self.painter.right == self.painter.total
        return code or (ExitCode.OK if complete else ExitCode.INCOMPLETE)

    def _paint(self) -> int:
        code = ExitCode.OK
        with shown() as progress:
            try:
                trio.run(self._main, progress, strict_exception_groups=True)
            except* KeyboardInterrupt:
                code = ExitCode.INTERRUPTED
            except* painting.PaintStopped as stopped:
                code = ExitCode.INCOMPLETE
                for error in _leaves(stopped):
                    early = isinstance(error, painting.DoesNotFit) and self.painter and not self.painter.total
                    code = ExitCode.BAD_USAGE if early else code
                    progress.note(f"placed: {error}")
        return code

    async def _main(self, progress: Progress) -> None:
        started = trio.current_time()
        async with ApiClient(self.url, token=self.token) as api:
            self.painter = painting.Painter(api, self.job, progress, random.Random())  # noqa: S311 - jitter only
            try:
                await self.painter.run()
            finally:
                self.seconds = trio.current_time() - started
                self.left_seconds = self.painter.left_seconds

    def _summary(self, painter: painting.Painter) -> str:
        wrong = painter.total - painter.right
        if self.job.dry_run:
            time = "" if not self.left_seconds else f", at least {duration(self.left_seconds)} by the cooldown"
            return f"{painter.total:,} pixels: {painter.right:,} are right, {wrong:,} to place{time}"
        state = "all are right" if wrong == 0 else f"{wrong:,} are still wrong"
        return f"{painter.total:,} pixels: {state}; {painter.placed:,} placed in {duration(self.seconds)}"


def _leaves(group: BaseExceptionGroup[painting.PaintStopped]) -> list[painting.PaintStopped]:
    found: list[painting.PaintStopped] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
