"""Large blocks of memory go back to the system, whatever was freed before."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from placed.commands.settings.values import Settings
from placed.service import process
from placed.service.wiring import Running

if TYPE_CHECKING:
    from pathlib import Path

# In a process of its own, because the setting is for the whole process. `hblkhd` of glibc's mallinfo2: bytes in blocks
# that the system gave one by one. When a block of 16 MB is freed, glibc serves all smaller ones from its heaps.
_PROGRAM = """
import ctypes
import platform

import numpy as np

from placed.process.allocator import give_back_large_blocks

names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
Info = type("Info", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_size_t) for name in names.split()]})


def blocks_bytes():
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Info
    return mallinfo2().hblkhd


def grown():
    np.ones(16 << 20, np.uint8)
    before = blocks_bytes()
    held = np.ones(1 << 20, np.uint8)
    return blocks_bytes() - before >= held.nbytes


print(platform.libc_ver()[0] == "glibc", grown(), give_back_large_blocks(), grown())
"""


def test_large_blocks_are_kept_out_of_the_heap() -> None:
    command = [sys.executable, "-c", _PROGRAM]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if run.stdout.startswith("False") or "mallinfo2" in run.stderr:
        pytest.skip("only glibc 2.33 and later can tell")
    assert run.stdout == "True False True True\n", run.stderr


# Blocks of 4 KB, each too large for Python's own allocator. One in 64 isn't freed, so that no end of a heap is free.
# `RssAnon` is in KB.
_HOLES = """
import platform
import re
from pathlib import Path

from placed.process.allocator import give_back_holes


def anonymous_kb():
    return int(re.search(r"RssAnon:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1])


kept = [bytes(4096) + bytes([n % 256]) for n in range(8192)]
kept = kept[::64]
before = anonymous_kb()
give_back_holes()
print(platform.libc_ver()[0] == "glibc", before - anonymous_kb() > 16_384)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
def test_holes_between_small_blocks_go_back_to_the_system() -> None:
    run = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, timeout=60, check=False)
    if run.stdout.startswith("False"):
        pytest.skip("only glibc can")
    assert run.stdout == "True True\n", run.stderr


async def test_process_sets_it_once_it_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running((), cast("Any", None), cast("Any", None))
    told: list[str] = []

    async def serve(_settings: Settings, *, task_status: trio.TaskStatus[Running], **_more: object) -> None:
        told.append("the log is read")
        task_status.started(running)
        await running.stopped.wait()

    def give_back_large_blocks() -> bool:
        told.append("set")
        running.stopped.set()
        return True

    monkeypatch.setattr(process, "serve", serve)
    monkeypatch.setattr(process, "give_back_large_blocks", give_back_large_blocks)
    with trio.fail_after(10):
        await process.ServerProcess(Settings(data=tmp_path), {}, [])._serve_once()
    assert told == ["the log is read", "set"]
