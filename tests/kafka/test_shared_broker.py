"""The broker that a run of the tests shares: it lives as long as the run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.equipment.processes import is_there
from tests.support.shared_broker import SharedBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
GONE_SECONDS = 60.0
_A_RUN = """
import os, sys
from tests.support.shared_broker import SharedBroker
broker = SharedBroker.of_new_run()
print(broker.cluster().addresses(), (broker.folder / "pid").read_text().strip(), flush=True)
sys.stdin.read()
"""


def test_broker_ends_with_its_run_though_that_was_killed(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", _A_RUN],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # a killed process leaves its folder behind
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdin is not None
    assert run.stdout is not None
    with run.stdin, run.stdout:
        address, pid = run.stdout.readline().split()
        assert address.startswith("127.0.0.1:")
        assert is_there(int(pid))
        run.kill()
        run.wait(GONE_SECONDS)
    deadline = time.monotonic() + GONE_SECONDS
    while is_there(int(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.1)  # it isn't our child


def test_all_processes_of_a_run_have_one_broker_and_its_end_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "main").write_text(str(os.getpid()))
    one, other = SharedBroker(tmp_path), SharedBroker(tmp_path)
    try:
        assert one.cluster().addresses() == other.cluster().addresses()
        pid = int((tmp_path / "pid").read_text())
    finally:
        one.end()
    assert not is_there(pid)
    assert not tmp_path.exists()
    other.end()  # a second time does no harm
