"""`dearest`: the most expensive request of each endpoint, and a plain one: what they cost the server, in both lanes."""

from __future__ import annotations

import socket
import tempfile
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import attrs
import click
import trio

from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.measure import reading
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import running_server, serving
from bench.load.dear_requests import requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.load.dear_requests import Dear

_SECONDS: Final = 30.0  # for one answer
_READ_BYTES: Final = 1 << 18
_TARGET: Final = Target(5.0, inclusive=True)


@attrs.frozen
class Cost:
    """What one kind of request costs.

    Attributes:
        cpu_us: CPU time of the server for each request; the median of several rounds.
        status: status of the answer.
    """

    dear: Dear
    cpu_us: float
    status: int


class _Client:
    """Sends one request after another, over one connection for as long as the server keeps it open."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._link: socket.socket | None = None

    def ask(self, dear: Dear) -> int:
        """Send a request and return the status: after the whole answer, or, for a stream, once it has begun."""
        link = self._link or socket.create_connection(self._address, _SECONDS)
        self._link = None
        link.sendall(dear.head + dear.body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(link)
        head, _, body = data.partition(b"\r\n\r\n")
        fields = {line.partition(b":")[0].lower(): line.partition(b":")[2].strip() for line in head.split(b"\r\n")[1:]}
        while len(body) < int(fields.get(b"content-length", b"0")):
            body += self._more(link)
        if b"content-length" in fields and fields.get(b"connection") != b"close":
            self._link = link
        else:
            link.close()
        return int(head.split(b" ", 2)[1])

    def _more(self, link: socket.socket) -> bytes:
        data = link.recv(_READ_BYTES)
        if not data:
            raise UnexpectedAnswer("the connection ended before the answer did")
        return data

    def close(self) -> None:
        if self._link is not None:
            self._link.close()


def measured(address: tuple[str, int], pid: int, dears: Iterable[Dear], *, count: int, rounds: int) -> list[Cost]:
    """The cost of each request, measured in turns, so that other work on the machine affects all alike."""
    client, dears = _Client(address), list(dears)
    spent: dict[Dear, list[float]] = {dear: [] for dear in dears}
    statuses: dict[Dear, int] = {}
    for _ in range(rounds):
        for dear in dears:
            statuses[dear] = client.ask(dear)
            before = reading(pid).cpu
            for _ in range(count):
                client.ask(dear)
            spent[dear].append(1e6 * (reading(pid).cpu - before) / max(1, count))
    client.close()
    return [Cost(dear, median(spent[dear]), statuses[dear]) for dear in dears]


@click.command()
@click.option(
    "--count", default=20, show_default=True, type=click.IntRange(1, 1_000), help="Requests of each kind in each round."
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--endpoint", help="Measure only this endpoint, such as 'GET /info'.")
@json_option
def dearest(count: int, rounds: int, endpoint: str | None, json_path: Path | None) -> None:
    """CPU time of the most expensive request of each endpoint, and of a plain one. Linux only."""
    chosen = [dear for dear in requests() if endpoint in (None, dear.endpoint)]
    by_endpoint = [list(dears) for _, dears in groupby(sorted(chosen, key=_endpoint), key=_endpoint)]

    async def measure() -> dict[str, list[list[Cost]]]:
        costs: dict[str, list[list[Cost]]] = {}
        with progress_bar("") as bar:
            task = bar.add_task("asking", total=2 * len(by_endpoint))
            for lane, flag in (("fast", "--fast-lane"), ("slow", "--no-fast-lane")):
                with tempfile.TemporaryDirectory() as folder:
                    command = serving(Path(folder), "--log", "memory:", "--trusted-proxy", "127.0.0.1", flag)
                    async with running_server(command) as server:
                        costs[lane] = []
                        for dears in by_endpoint:
                            address = (server.host, server.port)
                            costs[lane].append(
                                await trio.to_thread.run_sync(
                                    lambda a, d: measured(a, server.process.pid, d, count=count, rounds=rounds),
                                    address,
                                    dears,
                                )
                            )
                            bar.advance(task)
        return costs

    costs = trio.run(measure)
    Report(
        bench="dearest",
        figures=[figure for lane, several in costs.items() for one in several for figure in _figures(lane, one)],
        options={"count": count, "rounds": rounds, "endpoint": endpoint},
        details={lane: [[_told(cost) for cost in one] for one in several] for lane, several in costs.items()},
    ).publish(json_path)


def _endpoint(dear: Dear) -> str:
    return dear.endpoint


def _figures(lane: str, costs: list[Cost]) -> list[Figure]:
    plain = next(cost for cost in costs if cost.dear.name == "plain")
    top = max(costs, key=lambda cost: cost.cpu_us)
    where = f"{top.dear.endpoint}, {lane}"
    return [
        Figure(f"{where}: plain", plain.cpu_us, "us"),
        Figure(f"{where}: {top.dear.name}", top.cpu_us, "us"),
        Figure(f"{where}: times", top.cpu_us / plain.cpu_us, "", _TARGET),
    ]


def _told(cost: Cost) -> dict[str, object]:
    return {"endpoint": cost.dear.endpoint, "name": cost.dear.name, "cpu_us": cost.cpu_us, "status": cost.status}
