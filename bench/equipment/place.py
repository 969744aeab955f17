"""The server to load: one that runs already, by its URL, or one that the bench starts, on a core of its own."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs
import click
import trio

from bench.equipment.cores import pin, server_cores
from bench.equipment.http_client import connection
from bench.equipment.server_process import running_server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

_LOOK_SECONDS: Final = 0.05
_READ_SECONDS: Final = 120.0
Command = TypeVar("Command", bound="Callable[..., Any]")


@attrs.frozen
class Place:
    """A server.

    Attributes:
        pid: id of its process if known; without it the bench can't measure CPU time and memory.
    """

    host: str
    port: int
    pid: int | None = None


def url_option(command: Command) -> Command:
    """The options --url and --pid, as the arguments `url` and `pid`."""
    command = click.option("--url", help="A running server, http://host:port; otherwise the bench starts one.")(command)
    return click.option(
        "--pid", type=click.IntRange(1), help="Process id of the server at --url, to measure its CPU time and memory."
    )(command)


def place_of(url: str, pid: int | None = None) -> Place:
    """The server at a URL.

    Raises:
        click.BadParameter: the URL isn't one.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise click.BadParameter(f"{url!r}; allowed is http://host:port", param_hint="--url")
    return Place(parts.hostname, parts.port or 80, pid)


@contextlib.asynccontextmanager
async def opened(
    url: str | None,
    *flags: str,
    pid: int | None = None,
    prepare: Callable[[Path], Awaitable[None]] | None = None,
) -> AsyncGenerator[Place]:
    """The server at `url`, or a new one with `flags`; `prepare` can fill the new one's data folder first."""
    if url is not None:
        yield place_of(url, pid)
        return
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        if prepare is not None:
            await prepare(Path(folder))
        async with running_server(serving(Path(folder), *flags)) as server:
            pin(server.process.pid, server_cores())
            yield Place(server.host, server.port, server.process.pid)


async def until_history_is_read(host: str, port: int) -> None:
    """Wait until a server's history has read all of its log. The first reading happens only once, so it shouldn't
    count for requests that come meanwhile. This doesn't wait for a server without a history.
    """
    async with connection(host, port) as link:
        with trio.fail_after(_READ_SECONDS):
            while (answer := await link.request("GET", "/history")).status != 404:
                told = answer.json()
                if answer.status == 200 and told["indexed"] >= told["version"]:
                    return
                await trio.sleep(_LOOK_SECONDS)
