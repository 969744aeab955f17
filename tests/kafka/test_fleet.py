"""`make kafka`: one command starts the whole cluster, which leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.parts import program

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_fleet_serves_at_the_address_it_prints_and_ends_without_a_trace(tmp_path: Path, number: signal.Signals) -> None:
    program("nginx")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kafka.fleet"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        said = ""
        while "the canvas is at" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        (url,) = re.findall(r"the canvas is at (http://[0-9.:]+)", said)
        with httpx.Client(base_url=url, timeout=LIMIT_SECONDS) as client:
            assert "<canvas" in client.get("/").text
            assert client.post("/edit?x=1&y=2&color=3").status_code == 200
            assert client.get("/info").json()["width"] == 1000
        process.send_signal(number)
        assert process.wait(LIMIT_SECONDS) == 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=5)
