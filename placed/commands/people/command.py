"""The commands `placed people ...`: they print their results, and choose the exit code.

The codes: 0 it was done; 2 bad usage; 3 it couldn't be done; 130 Ctrl-C. The result goes to standard output,
everything else to standard error, so that `placed people codes --count 600 > codes.csv` makes a file of codes alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import trio

from placed.commands.part_file import CannotWrite, part_file
from placed.commands.people.host import open_host
from placed.commands.people.listing import code_lines, codes_csv, people_lines, token_lines
from placed.commands.people.sheet import sheet_of
from placed.commands.token_client import CannotAsk
from placed.commands.url_type import UrlType
from placed.people.invitations import host_link
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    import httpx

    from placed.commands.people.host import Host
    from placed.commands.settings.values import Settings

_AT_ONCE = 500
_ANYWHERE = "http://127.0.0.1:8080"
_ROLES = ("bot", "moderator", "host")


@click.group("people", no_args_is_help=True)
def people() -> None:
    """Let people in with codes and tokens, set their roles, and forget them. The commands work on the data folder, also
    while its server runs, or with --url on a server elsewhere.

    PERSON is an author of 16 hex digits, an id from `placed people list`, or a name.
    """


def _command(*params: click.Parameter) -> Callable[[Callable[..., Awaitable[None]]], click.Command]:
    """Make a command from a function; the command calls it with the host and the command's own parameters."""

    def decorate(does: Callable[..., Awaitable[None]]) -> click.Command:
        def call(settings: Settings, url: httpx.URL | None, token_file: Path | None, **values: Any) -> int:
            if (url is None) != (token_file is None):
                raise click.UsageError("--url and --token-file go together: the server needs a host's token")

            async def ask() -> None:
                async with open_host(settings, url, token_file) as host:
                    await does(host, **values)

            try:
                trio.run(ask)
            except (CannotAsk, CannotWrite) as error:
                click.echo(f"placed people: {error}", err=True)
                return ExitCode.UNUSABLE
            return ExitCode.OK

        name = does.__name__.strip("_").replace("_", "-")
        elsewhere = [
            click.Option(["--url"], type=UrlType(), help="Ask the server at this address, instead of a data folder."),
            click.Option(
                ["--token-file"],
                type=click.Path(path_type=Path),
                help="With --url: a file with the token of a host, from `placed people token NAME --role host`.",
            ),
        ]
        command = click.Command(name, params=[*params, *elsewhere], callback=call, help=does.__doc__)
        people.add_command(command)
        return command

    return decorate


_AS_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, one line for each entry.")
_WHO = click.Argument(["who"], metavar="PERSON")
_ADDRESS = click.Option(
    ["--address"],
    type=UrlType(),
    help=f"Address of the canvas for people; links begin with it. [default: the server's, or {_ANYWHERE}]",
)


@_command(_AS_JSON)
async def _list(host: Host, as_json: bool) -> None:
    """List everybody who has signed in: author, name, roles, id, and when they were last seen."""
    await _print_all(host, "people", _json_lines if as_json else people_lines)


@_command(
    click.Option(["--count"], type=click.IntRange(1, 10_000), help="Make this many codes, and print them as CSV."),
    click.Option(
        ["--sheet"],
        type=click.Path(path_type=Path, dir_okay=False),
        help="With --count: also write an HTML page of QR codes, to print.",
    ),
    _ADDRESS,
    click.Option(["--revoke"], metavar="NUMBER", help="Revoke the code with this number, and sign out its user."),
    _AS_JSON,
)
async def _codes(
    host: Host, count: int | None, sheet: Path | None, address: httpx.URL | None, revoke: str | None, as_json: bool
) -> None:
    """Make codes, one for each person; without --count, list them. Each code is shown once: only a digest is kept."""
    if count is None and sheet is not None:
        raise click.UsageError("--sheet is for new codes: say how many, with --count")
    if count is not None and revoke is not None:
        raise click.UsageError("--count and --revoke: one at a time")
    if revoke is not None:
        await host.act("revoke", code=revoke)
    elif count is None:
        await _print_all(host, "codes", _json_lines if as_json else code_lines)
    elif sheet is None:
        _show_codes((await host.act("codes", count=count))["codes"], _address(host, address), as_json=as_json)
    else:
        await _write_sheet(host, count, sheet, _address(host, address), as_json=as_json)


async def _write_sheet(host: Host, count: int, sheet: Path, address: str, *, as_json: bool) -> None:
    with part_file(sheet) as part:  # before the codes are made: a wrong path must not use up codes
        part.chmod(0o600)
        codes = (await host.act("codes", count=count))["codes"]
        with part.open("w", encoding="utf-8") as file:
            file.writelines(sheet_of(codes, address))
    click.echo(f"the sheet is in {sheet}: open it in a browser, and print it", err=True)
    _show_codes(codes, address, as_json=as_json)


def _show_codes(codes: list[dict[str, str]], address: str, *, as_json: bool) -> None:
    click.echo("\n".join(_json_lines(codes)) if as_json else codes_csv(codes, address), nl=as_json)


@_command(
    click.Argument(["name"], required=False),
    click.Option(["--role"], type=click.Choice(_ROLES), default="bot", show_default=True, help="The token's role."),
    click.Option(["--revoke"], metavar="ID", help="Revoke the token with this id."),
    _AS_JSON,
)
async def _token(host: Host, name: str | None, role: str, revoke: str | None, as_json: bool) -> None:
    """Make a token called NAME for a program, and print it; without NAME, list the tokens. Each token is shown once."""
    if name is not None and revoke is not None:
        raise click.UsageError("NAME and --revoke: one at a time")
    if revoke is not None:
        await host.act("revoke", token=revoke)
    elif name is None:
        await _print_all(host, "tokens", _json_lines if as_json else token_lines)
    else:
        made = await host.act("tokens", name=name, role=role)
        click.echo(json.dumps(made) if as_json else made["token"])


@_command(_WHO, click.Argument(["role"], type=click.Choice(("person", "bot", "moderator", "host"))))
async def _role(host: Host, who: str, role: str) -> None:
    """Set the role of PERSON. It takes effect within a second, on every server."""
    told = await host.act("role", who=who, role=role)
    click.echo(f"{told['author']} is {role}", err=True)


@_command(_WHO)
async def _forget(host: Host, who: str) -> None:
    """Erase the id, name, code or token, and reports of PERSON, and end their sessions.

    Their pixels stay, under a pseudonym.
    """
    told = await host.act("forget", who=who)
    click.echo(f"{told['author']} is forgotten here; older backups still have their data", err=True)


@_command(_ADDRESS)
async def _host_link(host: Host, address: httpx.URL | None) -> None:
    """Print a link that makes the first person who opens it a host. It works once, for a day."""
    click.echo(host_link(_address(host, address), (await host.act("host-link"))["secret"]))


@_command(_WHO)
async def _export(host: Host, who: str) -> None:
    """Print all stored records of PERSON, as JSON. Their edits are in the log: see `placed export`."""
    click.echo(json.dumps(await host.look("export", who=who), indent=2, ensure_ascii=False))


def _address(host: Host, given: httpx.URL | None) -> str:
    if given is not None:
        return str(given)
    address = host.address or _ANYWHERE
    click.echo(f"the links begin with {address}; if people use another address, give it with --address", err=True)
    return address


async def _print_all(host: Host, what: str, lines: Callable[[Iterable[dict[str, Any]]], Iterator[str]]) -> None:
    """Print all pages of a list, with the table's head once."""
    asked: dict[str, Any] = {} if what == "tokens" else {"limit": _AT_ONCE}
    is_first = True
    while True:
        page = await host.look(what, **asked)
        shown = list(lines(page[what]))
        for line in shown if is_first or lines is _json_lines else shown[1:]:
            click.echo(line)
        if page.get("next") is None:
            return
        asked["after"] = page["next"]
        is_first = False


def _json_lines(found: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (json.dumps(one, ensure_ascii=False) for one in found)
