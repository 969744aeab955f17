"""Two servers of one log in the test's process, with the real nginx in front."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
import trio

from placed.backends.memory import open_memory_log
from placed.commands.settings.values import Settings
from placed.service.wiring import serve
from tests.support.http_connection import get
from tests.support.nginx_front import Nginx, run_nginx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from placed.backends import Log
    from placed.service.wiring import Running

LIMIT_SECONDS = 60.0
WIDTH, HEIGHT = 64, 48


@attrs.frozen
class Fleet:
    """nginx and the servers behind it.

    Attributes:
        nginx: the nginx in front.
        ports: the servers' own ports.
        stops: events that end a server in order.
        running: the servers.
    """

    nginx: Nginx
    ports: list[int]
    stops: list[trio.Event]
    running: list[Running]

    @property
    def port(self) -> int:
        """nginx's port."""
        return self.nginx.port

    async def metric(self, name: str) -> float:
        """The sum of a metric over all servers and labels."""
        total = 0.0
        for port in self.ports:
            lines = (await get(port, "/metrics")).body.decode().splitlines()
            total += sum(float(line.split()[1]) for line in lines if line.split()[0].partition("{")[0] == name)
        return total


@contextlib.asynccontextmanager
async def run_fleet(
    folder: Path, *, tls: bool = False, charges: int = 0, allow_origins: tuple[str, ...] = (), **rendering: Any
) -> AsyncGenerator[Fleet]:
    """Start nginx and both servers; `rendering` is for `tests.support.nginx_front.rendered`."""
    key = folder / "authors.key"
    key.write_bytes(os.urandom(32))
    settings = Settings(
        data=folder,
        port=0,
        width=WIDTH,
        height=HEIGHT,
        charges=charges or 1,
        charge_seconds=600 if charges else 0,
        author_key_file=key,
        trusted_proxies=(ip_network("127.0.0.1"),),
        allow_origins=allow_origins,
    )
    stops, running = [trio.Event(), trio.Event()], []
    async with open_memory_log() as log, trio.open_nursery() as nursery:
        for name, stop in zip("ab", stops, strict=True):
            own = attrs.evolve(settings, data=folder / name)
            running.append(await nursery.start(partial(_serve, own, stop, log)))
        ports = [urlsplit(server.urls[0]).port or 0 for server in running]
        with run_nginx(folder / "nginx", ports, tls=tls, **rendering) as nginx:
            yield Fleet(nginx, ports, stops, running)
        for stop in stops:
            stop.set()


async def _serve(settings: Settings, stop: trio.Event, log: Log, task_status: trio.TaskStatus[Running]) -> None:
    await serve(settings, stop=stop, log=log, task_status=task_status)
