"""Promise 1, when the power goes off: `python -m bench powerloss` in a small size, and its model of a disk."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.torturing import power, recorder
from bench.torturing.recorder import Op
from bench.torturing.shim import can_preload, compiled
from tests.support.benches import run_bench
from tests.support.parts import require

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 120
# As in a server: a signal's handler writes a byte to wake the loop, perhaps during the write of a file.
_WRITES_WITH_SIGNALS = """
import os, signal, socket, sys
loop, waker = socket.socketpair()
loop.setblocking(False)
waker.setblocking(False)
signal.set_wakeup_fd(waker.fileno())
came = []
signal.signal(signal.SIGALRM, lambda number, _: came.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
writes = 0
while len(came) < 100:
    writes += os.pwrite(file, b"x", 0)
signal.setitimer(signal.ITIMER_REAL, 0)
print(writes)
"""


@pytest.mark.timeout(SECONDS + 20)
def test_no_acknowledged_edit_is_lost_whenever_the_power_goes_off(tmp_path: Path) -> None:
    require("a C compiler for Linux", can_preload(), "apt-get install gcc, on Linux")
    options = ("--edits", "40", "--seed", "6", "--servers", "2")
    done = run_bench("powerloss", tmp_path, *options, seconds=SECONDS)
    assert done.code == 0, done.output
    details = done.written["details"]
    assert details["lost"] == []
    assert details["promised"] > 10
    assert details["syncs"] > 20
    assert details["started"] == 2


def test_recorder_lets_a_signal_s_handler_write(tmp_path: Path) -> None:
    require("a C compiler for Linux", can_preload(), "apt-get install gcc, on Linux")
    (tmp_path / "disk").mkdir()
    trace = tmp_path / "trace"
    recorded = {
        "LD_PRELOAD": str(compiled("recorder", tmp_path)),
        "TORTURE_ROOT": str(tmp_path / "disk"),
        "TORTURE_TRACE": str(trace),
    }
    command = [sys.executable, "-c", _WRITES_WITH_SIGNALS, str(tmp_path / "disk" / "a")]
    done = subprocess.run(command, env={**os.environ, **recorded}, capture_output=True, timeout=30, check=True)
    ops = list(recorder.read(trace.read_bytes()))
    assert sum(op.kind == recorder.WRITE for op in ops) == int(done.stdout) > 100
    assert sum(op.kind == recorder.SEND for op in ops) >= 100


def op(kind: str, number: int, *, file: int = 1, offset: int = 0, name: str = "a", data: bytes = b"") -> Op:
    """One op, on the file "a" unless said otherwise."""
    return Op(kind, False, number, file, offset, name, data)


def crashed(ops: list[Op], way: str = power.NOTHING) -> dict[str, bytes | None]:
    """The contents of the folder after these ops and a crash."""
    disk = power.Disk()
    for each in ops:
        disk.do(each)
    return disk.crashed(way, random.Random(1))


NEW = [op(recorder.CREATE, 1), op(recorder.SYNC, 2, file=9, name="."), op(recorder.SYNCED, 2, file=9, name="")]


def test_what_was_not_synced_may_be_there_or_not() -> None:
    ops = [*NEW, op(recorder.WRITE, 3, data=b"abc")]
    assert crashed(ops) == {"a": b""}
    assert crashed(ops, power.ALL) == {"a": b"abc"}


def test_sync_covers_what_was_written_before_it_began_and_nothing_after() -> None:
    ops = [*NEW, op(recorder.WRITE, 3, data=b"abc"), op(recorder.SYNC, 4), op(recorder.WRITE, 5, offset=3, data=b"d")]
    assert crashed(ops) == {"a": b""}
    assert crashed([*ops, op(recorder.SYNCED, 4)]) == {"a": b"abc"}


def test_synchronous_write_is_durable_when_it_has_ended_and_takes_no_other_along() -> None:
    ops = [*NEW, op(recorder.WRITE, 3, data=b"abc"), op(recorder.WRITE, 4, offset=1, data=b"X")]
    assert crashed([*ops, op(recorder.WRITTEN, 4)]) == {"a": b"\0X"}


def test_new_file_is_lost_with_all_that_was_synced_in_it_unless_its_folder_is_synced() -> None:
    ops = [op(recorder.CREATE, 1), op(recorder.WRITE, 2, data=b"abc"), op(recorder.SYNC, 3), op(recorder.SYNCED, 3)]
    assert crashed(ops) == {}
    assert crashed([*ops, op(recorder.SYNC, 4, file=9, name="."), op(recorder.SYNCED, 4)]) == {"a": b"abc"}


def test_file_in_a_folder_that_is_not_durable_cannot_be_found() -> None:
    ops = [
        op(recorder.FOLDER, 1, file=0, name="b"),
        op(recorder.CREATE, 2, name="b/a"),
        op(recorder.SYNC, 3, file=8, name="b"),
        op(recorder.SYNCED, 3, file=8, name=""),
    ]
    assert crashed(ops) == {}
    assert crashed(ops, power.ALL) == {"b": None, "b/a": b""}


def test_renamed_file_keeps_its_contents_when_the_folder_it_went_to_is_synced() -> None:
    ops = [
        op(recorder.CREATE, 1, name="b/a"),
        op(recorder.WRITE, 2, data=b"abc"),
        op(recorder.SYNC, 3),
        op(recorder.SYNCED, 3),
        op(recorder.RENAME, 4, file=0, name="b/a", data=b"a"),
        op(recorder.SYNC, 5, file=9, name="."),
        op(recorder.SYNCED, 5, file=9, name=""),
    ]
    assert crashed(ops) == {"a": b"abc"}


def test_torn_write_leaves_some_of_its_sectors_whole() -> None:
    found = crashed([*NEW, op(recorder.WRITE, 3, offset=100, data=b"x" * 5_000)], power.SECTORS)["a"]
    assert found is not None
    assert {found[at : at + 512] for at in range(512, len(found) - 511, 512)} == {bytes(512), b"x" * 512}


def test_answer_promises_its_version_and_a_frame_the_one_after_it() -> None:
    answer = b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"v":12}'
    refusal = b'HTTP/1.1 503 \r\ncontent-length: 8\r\n\r\n{"v":12}'
    sent = [answer, refusal, b"id: 7\ndata: \n\nid: 9\ndata: \n\n", b"\0"]
    assert [op(recorder.SEND, 1, data=data).promised for data in sent] == [12, 0, 9, 0]
