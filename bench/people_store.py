"""`people`: how much more memory and start time a server with many people takes than a server with none.

Both servers have the same canvas. The store has people as sign-ins leave them: an id, a name, when the person was last
seen, and for some of them a role, a token, or a sign-out everywhere. The bench starts the two servers in turn. It reads
the memory after some hundred people with sessions have loaded the page, the image and their own data (`/me`).
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import attrs
import click
import trio

from bench.equipment.http_client import Connection, connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.measure import NOTHING_SPENT, Spent, as_json, median_spent, reading, resident_bytes
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import running_server, serving
from placed.canvas.author import author_of_person
from placed.people.copying import into_store
from placed.people.records import Put, author_key, digest_key
from placed.people.sessions import DAY_MS, Sessions
from placed.people.store import FOLDER_NAME, open_people
from placed.storage.author_key import author_key as key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READY_SECONDS: Final = 60.0
_ASKED: Final = 300  # people who look at their own page while memory is measured
_TOKENS: Final = 1_000
_ROLES: Final = 100
_SIGNED_OUT: Final = 2_000
_MOST_MB: Final = 40.0
_MOST_SECONDS: Final = 0.3


@attrs.frozen
class _Run:
    """One server: its start until it listens, until its first answer, and its memory after that."""

    listening: Spent
    ready: Spent
    resident: dict[str, int]


@attrs.frozen
class _Outcome:
    """The runs without people and with people; and the size of the store."""

    without: list[_Run]
    with_people: list[_Run]
    store_bytes: int


@click.command()
@click.option("--people", "count", default=200_000, show_default=True, type=click.IntRange(1, 2_000_000))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100), help="Starts of each server.")
@json_option
def people(count: int, runs: int, json_path: Path | None) -> None:
    """Memory and start of a server with many people, and of one with none."""
    if not Path("/proc/self/status").exists():
        raise click.ClickException("memory is read from /proc, which only Linux has")
    outcome = trio.run(_measure, count, runs)
    options = {"people": count, "runs": runs}
    details = {
        name: {
            "listening": as_json([run.listening for run in side]),
            "ready": as_json([run.ready for run in side]),
            "resident": [run.resident for run in side],
        }
        for name, side in (("without", outcome.without), ("with", outcome.with_people))
    }
    Report(bench="people", figures=_figures(outcome, count), options=options, details=details).publish(json_path)


async def _measure(count: int, runs: int) -> _Outcome:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder, progress_bar("") as bar:
        empty, full = Path(folder) / "empty", Path(folder) / "full"
        for data in (empty, full):  # each has its canvas, and its snapshot
            async with running_server(serving(data)):
                pass
        key = key_of(full, None)
        task = bar.add_task("making people", total=count)
        async with open_people(full / FOLDER_NAME, key) as store:
            await into_store(store, _records(count, key, lambda: bar.advance(task)))
        sides: tuple[list[_Run], list[_Run]] = ([], [])
        task = bar.add_task("starting", total=2 * (runs + 1))
        for number in range(runs + 1):
            for data, side in zip((empty, full), sides, strict=True):
                run = await _run(data, count, key_of(data, None))
                if number:  # the first one may have compiled a module, or have read from the disk
                    side.append(run)
                bar.advance(task)
        return _Outcome(*sides, (full / FOLDER_NAME / "data.mdb").stat().st_size)


def _records(count: int, key: bytes, advance: Callable[[], None]) -> Iterator[Put]:
    now_ms = time.time_ns() // 1_000_000
    for number in range(count):
        yield from _person(_id(number), f"Person {number}", number, key, now_ms)
        advance()
    for number in range(_TOKENS):
        yield from _person(f"token:{number}", f"bot {number}", _ROLES + number, key, now_ms)
        author = author_of_person(f"token:{number}", key)
        yield Put(author_key(author, "r"), {"roles": ["bot"]})
        fields = {"id": str(number), "name": f"bot {number}", "roles": ["bot"], "created_ms": now_ms}
        yield Put(digest_key("t", os.urandom(16), "i"), fields)


def _person(person_id: str, name: str, number: int, key: bytes, now_ms: int) -> Iterator[Put]:
    author = author_of_person(person_id, key)
    yield Put(author_key(author, "i"), {"id": person_id, "created_ms": now_ms})
    yield Put(author_key(author, "n"), {"name": name, "skeleton": name.casefold(), "since": None})
    yield Put(author_key(author, "s"), {"seen_ms": now_ms})
    if number < _ROLES:
        yield Put(author_key(author, "r"), {"roles": ["person", "moderator"]})
    if number < _SIGNED_OUT:
        yield Put(author_key(author, "i", "o"), {"signed_out_ms": now_ms - DAY_MS})


def _id(number: int) -> str:
    return f"oidc:https://accounts.example {number:024}"


async def _run(data: Path, count: int, key: bytes) -> _Run:
    begin = attrs.evolve(NOTHING_SPENT, wall=reading().wall)
    async with running_server(serving(data)) as server:
        listening = reading(server.process.pid) - begin
        with trio.fail_after(_READY_SECONDS):
            async with connection(server.host, server.port) as link:
                await _ask(link, "/readyz")
                ready = reading(server.process.pid) - begin
                await _look(link, count, key)
        return _Run(listening, ready, resident_bytes(server.process.pid))


async def _look(link: Connection, count: int, key: bytes) -> None:
    for target in ("/", "/info", "/canvas.png"):
        await _ask(link, target)
    sessions = Sessions(key, {}, 30 * DAY_MS)
    for number in range(_SIGNED_OUT, count, max(1, count // _ASKED)):
        author = author_of_person(_id(number), key)
        await _ask(link, "/me", ("Cookie", f"placed-session={sessions.begin(author)}"))


async def _ask(link: Connection, target: str, *headers: tuple[str, str]) -> None:
    answer = await link.request("GET", target, headers)
    if answer.status != 200:
        raise UnexpectedAnswer(f"GET {target} answered {answer.status}")


def _figures(outcome: _Outcome, count: int) -> list[Figure]:
    memory = [median(run.resident["VmRSS"] for run in side) / 1e6 for side in (outcome.without, outcome.with_people)]
    anonymous = [
        median(run.resident["RssAnon"] for run in side) / 1e6 for side in (outcome.without, outcome.with_people)
    ]
    starts = [median_spent([run.listening for run in side]) for side in (outcome.without, outcome.with_people)]
    ready = [median_spent([run.ready for run in side]) for side in (outcome.without, outcome.with_people)]
    most_memory, most_time = Target(_MOST_MB, inclusive=True), Target(_MOST_SECONDS, inclusive=True)
    return [
        Figure("without people, resident", memory[0], "MB"),
        Figure(f"with {count:,} people, resident", memory[1], "MB"),
        Figure("more memory", memory[1] - memory[0], "MB", most_memory),
        Figure("of it anonymous", anonymous[1] - anonymous[0], "MB"),
        Figure("without people, to an open port", starts[0].wall, "s"),
        Figure(f"with {count:,} people, to an open port", starts[1].wall, "s"),
        Figure("more time, to an open port", starts[1].wall - starts[0].wall, "s", most_time),
        Figure("without waiting", starts[1].unwaited - starts[0].unwaited, "s", most_time),
        Figure("more time, to /readyz", ready[1].wall - ready[0].wall, "s", most_time),
        Figure("the people on the disk", outcome.store_bytes / 1e6, "MB"),
    ]
