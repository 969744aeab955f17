"""Trials: how a server handles damaged files. It may refuse them, with a line; or serve, but then only correct data.

The damaged files are copies, so that the run goes on with the sound ones.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

import trio

from bench.equipment.http_client import connection
from bench.torturing import schedule
from bench.torturing.broken_promise import Broken
from bench.torturing.damage import damage
from bench.torturing.life import ended, hung, last_words, launched, patience, ready
from bench.torturing.people import GONE, HOST, pixels_of
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.equipment.http_client import Connection
    from bench.torturing.ledger import Ledger
    from bench.torturing.schedule import Fault

REFUSED: Final = "refused in a line"
SERVED: Final = "served, and right"
_FILES: Final = {schedule.SNAPSHOT: "snapshot/data.mdb", schedule.LOG: "log/data.mdb"}
_EDITS: Final = 5
_SECONDS: Final = 60.0


async def try_damaged(
    data: Path, copy: Path, fault: Fault, ledger: Ledger, command: Sequence[str], environment: Mapping[str, str]
) -> str:
    """Start a server on a damaged copy of `data`, and return the outcome: `REFUSED` or `SERVED`.

    Args:
        data: the folder that the ledger has read last; no server has it open.
        copy: where to make the copy; it is removed afterwards.
        fault: a fault of kind `SNAPSHOT` or `LOG`.
        ledger: the ledger of `data`.
        command: the command that serves `copy`.
        environment: the command's environment.

    Raises:
        Broken: the server did neither.
    """
    log = copy.with_suffix(".log")
    log.unlink(missing_ok=True)
    shutil.copytree(data, copy)
    try:
        path = copy / _FILES[fault.kind]
        if path.exists():
            damage(path, fault.how, seed=int(fault.amounts["seed"]), places=int(fault.amounts["places"]))
        async with launched(command, log, environment) as process:
            port = await ready(process)
            try:
                if port is not None:
                    async with patience(process, _SECONDS):
                        await _examine(port, ledger)
                        return SERVED
                    raise Broken(0, f"it hadn't shown all it has after {_SECONDS:g} s; {await hung(process)}")
            except GONE:  # the server found the damage while it served
                pass
            return _refusal(await ended(process), log, fault)
    except Broken as error:
        raise Broken(error.promise, f"after {fault}: {error}; the server logged {last_words(log)}") from error
    finally:
        shutil.rmtree(copy)


def _refusal(code: int, log: Path, fault: Fault) -> str:
    words = last_words(log)
    if code != ExitCode.UNUSABLE or "Traceback" in words:
        raise Broken(6, f"the server ended with {code}; allowed is {int(ExitCode.UNUSABLE)} and a line")
    if fault.kind == schedule.SNAPSHOT:
        raise Broken(6, "the server refused to start for a snapshot that the log can replace")
    return REFUSED


async def _examine(port: int, ledger: Ledger) -> None:
    """Compare all that the server serves with the ledger: image, stream, and the canvas after some more edits."""
    async with connection(HOST, port) as link:
        info = (await link.request("GET", "/info")).json()
        if info["version"] != ledger.end:
            raise Broken(1, f"it serves version {info['version']}; the log ends at {ledger.end}")
        first = info["limits"]["feed_first"]
        expected = ledger.canvas_at(ledger.end)
        _compare("its image", await _image(link, ledger.end), expected)
        _compare("its stream", await _streamed(port, ledger, first), expected)
        version = ledger.end
        for _ in range(_EDITS):
            x, y, color = ledger.new_edit()
            answer = await link.request("POST", f"/edit?x={x}&y={y}&color={color}")
            if answer.status == 503:
                return
            if answer.status == 403:  # an act forbids it, and the last life had no time to undo that act
                continue
            if answer.status != 200:
                raise Broken(6, f"an edit was answered {answer.status}: {answer.body!r}")
            expected[y * ledger.width + x] = color
            version = answer.json()["v"]
        _compare("its image after some edits", await _image(link, version), expected)


async def _image(link: Connection, version: int) -> bytes:
    while True:
        answer = await link.request("GET", f"/canvas.png?v={version}")
        if int(answer.headers["x-canvas-version"]) >= version:
            return pixels_of(answer)
        await trio.sleep(0.2)  # an image may be a second old


async def _streamed(port: int, ledger: Ledger, first: int) -> bytearray:
    canvas, version = ledger.canvas_at(first), first
    async with connection(HOST, port) as link:
        if first < ledger.end:
            async for event in link.events(f"/edits?v={first}&format=json"):
                if not event.startswith(b"id: "):
                    continue
                told = json.loads(event.partition(b"data: ")[2])
                for x, y, color in told["edits"]:
                    canvas[y * ledger.width + x] = color
                version = told["v"]
                if version >= ledger.end:
                    break
    return canvas


def _compare(what: str, found: bytes | bytearray, expected: bytearray) -> None:
    wrong = sum(a != b for a, b in zip(found, expected, strict=True))
    if wrong:
        raise Broken(6, f"{what} has {wrong} wrong pixels")
