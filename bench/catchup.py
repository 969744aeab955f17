"""`catchup`: how much clients that ask for old versions again and again delay the people who paint.

Some connections follow from the first version to the present, and start again as soon as they have caught up. Meanwhile
the bench places edits in an open loop. Each run measures the edits first without these connections and then with them.
"""

from __future__ import annotations

import json
import os
import re
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from bench.equipment.cores import load_cores, pin
from bench.equipment.http_client import connection
from bench.equipment.load_process import busy_share, warnings
from bench.equipment.place import Place, opened, url_option
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.load.audience import send
from bench.load.senders import Answers, Load

if TYPE_CHECKING:
    from pathlib import Path

_TIMES: Final = Target(4.0)
_VERSION: Final = re.compile(rb"id: (\d+)\n")
_ENDS: Final = (b"\n\n", b"\n\n\r\n")  # the end of a frame, and of a frame in a chunk
_READ_BYTES: Final = 1 << 18
_EDITS_AT_ONCE: Final = 1000


@attrs.define
class _Askers:
    """Clients that ask for old versions.

    Attributes:
        caught_up: how often a client reached the present.
        refused: how often the server sent a client away; the client then waits for a moment.
    """

    place: Place
    form: str
    caught_up: int = 0
    refused: int = 0

    async def ask(self, version: int, present: int) -> None:
        """Ask again and again, until cancelled."""
        request = (
            f"GET /edits?v={version}&format={self.form} HTTP/1.1\r\nHost: {self.place.host}:{self.place.port}\r\n\r\n"
        )
        while True:
            async with await trio.open_tcp_stream(self.place.host, self.place.port) as stream:
                await stream.send_all(request.encode())
                came, is_last = b"", False
                while data := await stream.receive_some(_READ_BYTES):
                    came = came[-64:] + data
                    if b" 429 " in came[:16]:
                        self.refused += 1
                        await trio.sleep(0.1)
                        break
                    is_last = is_last or any(int(reached) >= present for reached in _VERSION.findall(came))
                    if is_last and came.endswith(_ENDS):
                        self.caught_up += 1
                        break


@click.command()
@url_option
@click.option(
    "--askers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 1_000),
    help="Connections that ask for old versions.",
)
@click.option(
    "--spread",
    is_flag=True,
    help="Give each connection a version of its own, from the first to nearly the last.",
)
@click.option(
    "--edits", default=65_000, show_default=True, type=click.IntRange(1_000, 10_000_000), help="Edits in the feed."
)
@click.option(
    "--rate",
    default=100.0,
    show_default=True,
    type=click.FloatRange(0.1, 10_000),
    help="Edits that the bench posts meanwhile, a second.",
)
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(0.1, 600), help="Length of each run.")
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option("--format", "form", default="json", show_default=True, type=click.Choice(["json", "codes"]))
@json_option
def catchup(
    url: str | None,
    pid: int | None,
    askers: int,
    spread: bool,
    edits: int,
    rate: float,
    seconds: float,
    runs: int,
    form: str,
    json_path: Path | None,
) -> None:
    """POST /edit while other clients ask for old versions. Linux only."""
    pin(os.getpid(), load_cores())
    alone, beside, caught_up, refused = list[Answers](), list[Answers](), 0, 0

    async def measure() -> None:
        nonlocal caught_up, refused
        with progress_bar("") as bar:
            task = bar.add_task("runs", total=runs)
            async with opened(url, pid=pid) as place:
                begin, present = await _filled(place, edits, 2 * askers if spread else 1)
                versions = _versions(begin, present, askers) if spread else [begin] * askers
                load = Load(place.host, place.port, connections=8, rate=rate, seconds=seconds)
                for _ in range(runs):
                    alone.append(await send(load))
                    async with trio.open_nursery() as nursery:
                        several = _Askers(place, form)
                        for version in versions:
                            nursery.start_soon(several.ask, version, present)
                        beside.append(await send(load))
                        nursery.cancel_scope.cancel()
                    caught_up += several.caught_up
                    refused += several.refused
                    bar.advance(task)

    trio.run(measure)
    Report(
        bench="catchup",
        figures=_figures(alone, beside, caught_up / runs / seconds, refused / runs / seconds),
        options={"url": url, "askers": askers, "spread": spread, "edits": edits, "rate": rate, "seconds": seconds}
        | {"runs": runs, "format": form},
        details={"alone": [attrs.asdict(one) for one in alone], "beside": [attrs.asdict(one) for one in beside]},
        notes=warnings(busy_share([run.busy]) for run in alone + beside),
    ).publish(json_path)


async def _filled(place: Place, edits: int, versions: int) -> tuple[int, int]:
    """Place `edits` edits in at least `versions` versions, one after the other; return the versions before and after.

    Each request is a record, and so a version, of its own, because the server puts edits that arrive together into one
    record.
    """
    begin = await _version(place)
    at_once = min(_EDITS_AT_ONCE, -(-edits // versions))
    several = ",".join(f"[{x},{{x}},{{color}}]" for x in range(at_once))
    load = Load(
        place.host,
        place.port,
        connections=1,
        seconds=600,
        target="/edits",
        headers="Content-Type: application/json\r\n",
        body=f'{{{{"edits":[{several}]}}}}',
        most=-(-edits // at_once),
    )
    await send(load)
    return begin, await _version(place)


def _versions(begin: int, present: int, askers: int) -> list[int]:
    """A different version for each client, from the first nine tenths of the log.

    The server answers at once when a client lacks less than a full frame of 4,096 edits. A client that asks for nearly
    the last version again and again would only measure how quickly connections come and go.
    """
    return [begin + number * (present - begin) * 9 // (askers * 10) for number in range(askers)]


async def _version(place: Place) -> int:
    async with connection(place.host, place.port) as link:
        told: dict[str, Any] = json.loads((await link.request("GET", "/info")).body)
    return int(told["version"])


def _figures(alone: list[Answers], beside: list[Answers], caught_up: float, refused: float) -> list[Figure]:
    figures = []
    for name, several in (("alone", alone), ("beside them", beside)):
        for key in ("p50", "p95", "p99"):
            value = median(run.latency_ms[key] for run in several)
            figures.append(Figure(f"POST to its answer, {name}, {key}", value, "ms"))
    times = median(b.latency_ms["p95"] / a.latency_ms["p95"] for a, b in zip(alone, beside, strict=True))
    return [
        *figures,
        Figure("POST to its answer, p95, beside them / alone", times, "times", _TIMES),
        Figure("caught up", caught_up, "per second"),
        Figure("refused by 429", refused, "per second"),
        Figure("edits unanswered", float(sum(run.unanswered for run in alone + beside)), ""),
    ]
