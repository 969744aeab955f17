"""`placed export` writes everything that a log has recorded, and `placed import` makes the same canvas from it."""

from __future__ import annotations

import csv
import gzip
import json
import random
import signal
import struct
import time
from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends.lmdb.log import open_lmdb_log
from placed.process.exit_codes import ExitCode
from tests.commands.conftest import records_in
from tests.support.http_connection import connect, place
from tests.support.offline_log import append_records, canvas_record, record_of
from tests.support.placed_command import ran_placed, started_placed
from tests.support.server_process import running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Command

KINDS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")
BEGAN_MS = 1_700_000_000_000


def correction(act: int, pixels: list[tuple[int, int, int]]) -> bytes:
    """A record of type 4."""
    return b"\1\4" + struct.pack("<Q", act) + b"".join(struct.pack("<HHB", *pixel) for pixel in pixels)


async def _make_log(data: Path) -> None:
    """Make a log of everything that there is: many edits in a record, corrections, an act, and unknown records."""
    rng = random.Random(5)
    now = iter(range(BEGAN_MS, BEGAN_MS + 10_000, 7))
    values = [canvas_record(40, 30, 16)]
    for _ in range(60):
        edits = [(rng.randrange(40), rng.randrange(30), rng.randrange(16)) for _ in range(rng.randint(1, 5))]
        values.append(record_of(edits, author=rng.getrandbits(64)))
    values.insert(20, b'\1\3{"kind": "restore", "by": "0000000000000001"}')
    values.insert(21, correction(20, [(1, 2, 3), (1, 2, 4)]))
    values.insert(22, correction(20, [(39, 29, 15)]))
    values.insert(40, record_of([(1, 1, 1), (40, 0, 1)]))  # outside: refused whole
    values.insert(50, b"\1\x63what a newer server writes")
    async with open_lmdb_log(data / "log", clock_ms=lambda: next(now)) as log:
        for value in values:
            await log.append(value)


def _known(records: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The records that change a canvas of 40 x 30."""
    return [
        record for record in records if record[1][1] in (1, 2, 4) and record[1] != record_of([(1, 1, 1), (40, 0, 1)])
    ]


@pytest.mark.parametrize("ending", KINDS)
def test_an_export_imported_is_the_same_log_again_record_for_record(
    ending: str, tmp_path: Path, placed: Command
) -> None:
    trio.run(_make_log, tmp_path / "data")
    out = tmp_path / f"edits{ending}"
    code, said, err = placed("export", out, "--data", tmp_path / "data")
    assert (code, err) == (0, "")
    assert "edits of 40 x 30 pixels" in said
    assert placed("import", out, "--data", tmp_path / "again")[0] == 0
    before, after = records_in(tmp_path / "data"), records_in(tmp_path / "again")
    assert [value for _, value in after] == [value for _, value in _known(before)]
    assert after[1:] == _known(before)[1:]  # the canvas record has the time of the first edit
    assert placed("check", "--data", tmp_path / "again")[0] == 0


def test_columns_are_as_the_docs_say(tmp_path: Path, placed: Command) -> None:
    trio.run(_make_log, tmp_path / "data")
    assert placed("export", tmp_path / "e.csv.gz", "--data", tmp_path / "data")[0] == 0
    with gzip.open(tmp_path / "e.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    first = records_in(tmp_path / "data")[1]
    x, y, color, author = struct.unpack_from("<HHBQ", first[1], 2)
    assert rows[0] == {
        "v": "2",
        "time": "2023-11-14T22:13:20.014Z",
        "x": str(x),
        "y": str(y),
        "color": str(color),
        "author": f"{author:016x}",
        "rgb": f"#{color:02x}{color:02x}{color:02x}",
        "act": "",
    }
    corrected = [row for row in rows if row["act"]]
    assert [(row["v"], row["x"], row["y"], row["color"], row["author"]) for row in corrected] == [
        ("22", "1", "2", "3", ""),
        ("22", "1", "2", "4", ""),
        ("23", "39", "29", "15", ""),
    ]
    assert {row["act"] for row in corrected} == {"20"}
    note = json.loads((tmp_path / "e.csv.gz.canvas.json").read_text(encoding="utf-8"))
    assert (note["width"], note["height"], len(note["palette"])) == (40, 30, 16)


def test_without_the_note_beside_it_a_table_tells_its_canvas_as_far_as_it_was_painted(
    tmp_path: Path, placed: Command
) -> None:
    values = [canvas_record(40, 30, 4), record_of([(7, 5, 1)]), record_of([(2, 9, 2)])]
    trio.run(append_records, tmp_path / "data" / "log", values)
    assert placed("export", tmp_path / "e.csv", "--data", tmp_path / "data")[0] == 0
    (tmp_path / "e.csv.canvas.json").unlink()
    assert placed("import", tmp_path / "e.csv", "--data", tmp_path / "again")[0] == 0
    width, height = struct.unpack_from("<HH", records_in(tmp_path / "again")[0][1], 2)
    assert (width, height) == (8, 10)


async def test_beside_a_running_server_it_has_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    data = tmp_path / "data"
    out = tmp_path / "edits.csv"
    async with running(data, "--width", "100", "--height", "100", "--charges", "100") as server:
        with trio.fail_after(60):
            for at in range(20):
                async with connect(server.port) as connection:
                    await place(connection, at, 3, at % 16)
            done = await ran_placed("export", out, "--data", data)
    assert (done.code, done.err) == (0, "")
    with out.open(encoding="utf-8") as file:
        assert [(int(row["x"]), int(row["y"]), int(row["color"])) for row in csv.DictReader(file)] == [
            (at, 3, at % 16) for at in range(20)
        ]


def test_what_cannot_be_written_or_read_is_told(tmp_path: Path, placed: Command) -> None:
    code, _, err = placed("export", tmp_path / "e.txt", "--data", tmp_path)
    assert code == ExitCode.BAD_USAGE
    assert "allowed are names that end in .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet" in err
    code, _, err = placed("export", tmp_path / "e.csv", "--data", tmp_path / "none")
    assert code == ExitCode.UNUSABLE
    assert "there is no canvas in" in err
    trio.run(append_records, tmp_path / "data" / "log", [canvas_record(4, 3, 2), record_of([(1, 1, 1)])])
    code, _, err = placed("export", tmp_path / "no" / "e.csv", "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert "there is no folder" in err
    (tmp_path / "folder.csv").mkdir()
    code, _, err = placed("export", tmp_path / "folder.csv", "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert "is no file" in err


def test_a_damaged_log_leaves_the_export_of_yesterday(tmp_path: Path, placed: Command) -> None:
    values = [canvas_record(40, 30, 4), *(record_of([(at % 40, at % 30, 1)]) for at in range(3000))]
    trio.run(append_records, tmp_path / "data" / "log", values)
    assert placed("export", tmp_path / "e.csv", "--data", tmp_path / "data")[0] == 0
    before = (tmp_path / "e.csv").read_bytes()
    log = tmp_path / "data" / "log" / "data.mdb"
    data = bytearray(log.read_bytes())
    data[data.index(record_of([(5, 5, 1)])) + 3] ^= 1
    log.write_bytes(data)
    code, _, err = placed("export", tmp_path / "e.csv", "--data", tmp_path / "data")
    assert code == ExitCode.UNUSABLE
    assert "record 6 doesn't match its checksum" in err
    assert (tmp_path / "e.csv").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"data", "e.csv", "e.csv.canvas.json"}


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_in_the_middle_what_was_there_stays_and_nothing_is_left(
    ending: signal.Signals, tmp_path: Path, placed: Command
) -> None:
    edits = [(at % 40, at // 40 % 30, 1) for at in range(70_000)]
    trio.run(append_records, tmp_path / "data" / "log", [canvas_record(40, 30, 4), *([record_of(edits)] * 12)])
    (tmp_path / "e.csv").write_text("yesterday", encoding="utf-8")
    with started_placed("export", tmp_path / "e.csv", "--data", tmp_path / "data") as command:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".e.csv.part-*")):
            assert time.monotonic() < deadline
            assert command.process.poll() is None
            time.sleep(0.01)
        command.process.send_signal(ending)
        code = command.end(60).code
    assert code == (-ending if ending == signal.SIGKILL else ExitCode.INTERRUPTED)
    assert (tmp_path / "e.csv").read_text(encoding="utf-8") == "yesterday"
    if ending == signal.SIGKILL:
        assert placed("export", tmp_path / "e.csv", "--data", tmp_path / "data")[0] == 0
    assert list(tmp_path.glob(".*")) == []
