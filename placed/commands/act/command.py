"""The commands `placed act KIND`: each asks a server for an act, and prints the result.

The codes: 0 it was done; 2 bad usage; 3 it couldn't be done; 130 Ctrl-C. The server checks the values.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import trio

from placed.commands.act.telling import ban_line, done_line, preview_lines, protection_line, record_line
from placed.commands.area_type import AreaType
from placed.commands.moment_type import MomentType
from placed.commands.suggesting_group import NearGroup
from placed.commands.token_client import CannotAsk, open_client
from placed.commands.url_type import UrlType
from placed.http.moment import in_words
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

_MOST_PICTURE_BYTES: Final = 393_216  # as base64 in a body of 524,288


_COMING: Final = MomentType(ahead=True)
_MOMENTS: Final = ("until", "at", "time")
_SERVER: Final = (
    click.Option(
        ["--url"], type=UrlType(), required=True, envvar="PLACED_URL", show_envvar=True, help="The page's address."
    ),
    click.Option(
        ["--token-file"],
        type=click.Path(path_type=Path),
        required=True,
        help="A file with the token of a moderator or host, from `placed people token NAME --role moderator`.",
    ),
    click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
)
_OF_ALL: Final = (
    click.Option(["--reason"], help="Reason for the act, kept on record."),
    click.Option(["--preview"], is_flag=True, help="Show what would change, and change nothing."),
)
_AREA: Final = click.Option(["--area"], type=AreaType(), required=True, help="Top left corner, width and height.")
_AUTHORS: Final = click.Argument(["authors"], metavar="AUTHOR...", nargs=-1, required=True)
_ACT: Final = click.Argument(["act"], metavar="ACT", type=int)
_UNTIL: Final = click.Option(["--until"], type=_COMING, help="When it ends.  [default: never]")
_AT: Final = click.Option(["--at"], type=_COMING, help="When it happens.  [default: now]")


def _kind(name: str, text: str, *params: click.Parameter) -> click.Command:
    """The command of a kind of act; its parameters are the act's fields."""

    def call(url: httpx.URL, token_file: Path, as_json: bool, **fields: Any) -> int:
        if None not in (fields.get("version"), fields.get("time")):
            raise click.UsageError("--version and --time can't go together: allowed is one of them")
        told = {name: _told(name, value) for name, value in fields.items() if value not in (None, ())}
        return _run(url, token_file, {"kind": name, **told}, as_json=as_json)

    return click.Command(name, params=[*params, *_OF_ALL, *_SERVER], callback=call, help=text)


def _told(name: str, value: Any) -> Any:
    """A parameter in the form that the API takes."""
    if name in _MOMENTS:
        return in_words(value)
    return list(value) if isinstance(value, tuple) else value


def _run(url: httpx.URL, token_file: Path, asked: dict[str, Any], *, as_json: bool) -> int:
    async def ask() -> None:
        if isinstance(asked.get("picture"), Path):
            asked["picture"] = _picture(asked["picture"])
        if "version" in asked or "time" in asked:
            asked["to"] = {"v": asked.pop("version")} if "version" in asked else {"t": asked.pop("time")}
        async with open_client(url, token_file, "act", "moderator") as client:
            told = await client.ask("POST", "acts", json=asked)
        lines = [json.dumps(told)] if as_json else preview_lines(told) if asked["preview"] else [done_line(told)]
        _print(lines)

    return _code_of(ask)


def _code_of(ask: Any) -> int:
    try:
        trio.run(ask)
    except CannotAsk as error:
        click.echo(f"placed act: {error}", err=True)
        return ExitCode.UNUSABLE
    return ExitCode.OK


def _picture(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_PICTURE_BYTES + 1)
    except OSError as error:
        raise CannotAsk(f"the picture {path} can't be read: {error.strerror}") from error
    if len(data) > _MOST_PICTURE_BYTES:
        raise CannotAsk(f"the picture {path} has more than {_MOST_PICTURE_BYTES:,} bytes")
    return base64.b64encode(data).decode()


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _listed(
    name: str, path: str, line: Callable[[dict[str, Any]], str], text: str, *params: click.Parameter
) -> click.Command:
    """The command that prints a list of the server: the one at `path`, by its name in the answer."""

    def call(url: httpx.URL, token_file: Path, as_json: bool, **query: Any) -> int:
        asked = {name: value for name, value in query.items() if value is not None}

        async def ask() -> None:
            async with open_client(url, token_file, "act", "moderator") as client:
                told = (await client.ask("GET", path, params=asked))[path.rpartition("/")[2]]
            _print(json.dumps(each) if as_json else line(each) for each in told)

        return _code_of(ask)

    return click.Command(name, params=[*params, *_SERVER], callback=call, help=text)


_KINDS: Final = (
    _kind("ban", "Forbid authors to paint, until a moment or for good.", _AUTHORS, _UNTIL),
    _kind("unban", "Let banned authors paint again.", _AUTHORS),
    _kind(
        "restore",
        "Give pixels of an area, of authors, or both, an earlier colour back. Without --version and --time it needs "
        "--author: each pixel then gets the last colour that somebody else painted.",
        click.Option(["--area"], type=AreaType(), help="Top left corner, width and height."),
        click.Option(
            ["--author", "authors"],
            multiple=True,
            metavar="AUTHOR",
            help="Only pixels that AUTHOR painted last. Can be repeated.",
        ),
        click.Option(["--version"], type=int, help="Restore the pixels as they were at this version."),
        click.Option(
            ["--time"], type=MomentType(), help="Restore the pixels as they were at this moment; 2h is two hours ago."
        ),
    ),
    _kind(
        "wipe",
        "Make an area blank, or one colour.",
        _AREA,
        click.Option(["--color"], type=int, help="Index of the colour in the palette.  [default: 0, the blank colour]"),
    ),
    _kind(
        "stamp",
        "Put a PNG picture into the upper left corner of an area, in the palette's nearest colours.",
        click.Argument(["picture"], type=click.Path(path_type=Path), metavar="PICTURE"),
        _AREA,
    ),
    _kind("protect", "Let only moderators and hosts paint in an area.", _AREA),
    _kind("unprotect", "Let everybody paint again in the area that ACT protects.", _ACT),
    _kind("open", "Open the canvas: it takes edits, from now or from a moment on.", _AT),
    _kind("close", "Close the canvas: it takes no edits, from now or from a moment on.", _AT),
    _kind(
        "announce",
        "Show TEXT to everybody, until a moment or for good.",
        click.Argument(["text"], metavar="TEXT"),
        _UNTIL,
    ),
    _kind(
        "grow",
        "Make the canvas larger, or add colours. A canvas never gets smaller again.",
        click.Option(["--width"], type=int, help="New width in pixels."),
        click.Option(["--height"], type=int, help="New height in pixels."),
        click.Option(["--color", "colors"], multiple=True, metavar="#RRGGBB", help="Colour to add. Can be repeated."),
    ),
    _kind("undo", "Undo ACT. Later changes to the same pixels or settings stay.", _ACT),
)
_LIMIT: Final = click.Option(
    ["--limit"], type=click.IntRange(1, 100), default=20, show_default=True, help="How many to list."
)
_LISTS: Final = (
    _listed(
        "list",
        "acts",
        record_line,
        "List the acts, newest first.",
        _LIMIT,
        click.Option(["--before"], type=click.IntRange(min=0), metavar="ACT", help="List only acts before this one."),
    ),
    _listed(
        "bans",
        "acts/bans",
        ban_line,
        "List the authors who are banned now, and until when, newest ban first.",
        _LIMIT,
        click.Option(["--skip"], type=click.IntRange(min=0), help="Leave out this many from the top."),
    ),
    _listed("protections", "acts/protections", protection_line, "List the areas that are protected now."),
)


@click.group("act", cls=NearGroup, commands={str(each.name): each for each in (*_KINDS, *_LISTS)}, no_args_is_help=True)
def act() -> None:
    """Look after a canvas through its server, as a moderator or host. Each act is on record, and all but grow can be
    undone. --preview shows what an act would change. ACT is the number of an act, from `placed act list`. AUTHOR is 16
    hex digits, as a preview and the page show them. A MOMENT is a date and time such as 2026-12-01T18:00:00Z, or a time
    from now such as 30m, 24h or 7d.
    """
