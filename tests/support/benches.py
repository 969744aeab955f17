"""Runs a bench as a process: as people run it, or with its imports done before (`tests.support.fork_server`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import attrs

from tests.support.placed_command import run_forked

ROOT: Final = Path(__file__).parents[2]


@attrs.frozen
class Figures:
    """The results of a bench.

    Attributes:
        code: its exit code.
        output: its whole output.
        written: its figures, from the JSON.
    """

    code: int
    output: str
    written: dict[str, Any]


def run_bench(command: str, folder: Path, *options: str, seconds: float) -> Figures:
    """Run a bench as people do; it has to write its figures into `folder` within `seconds`."""
    path = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", command, *options, "--json", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return _figures(done.returncode, done.stdout + done.stderr, path)


def run_forked_bench(command: str, folder: Path, *options: str, seconds: float) -> Figures:
    """Run a bench whose imports, and those of the programs that it starts, were done before."""
    path = folder / "figures.json"
    done = run_forked("bench", command, *options, "--json", str(path), seconds=seconds)
    return _figures(done.code, done.out + done.err, path)


def _figures(code: int, output: str, path: Path) -> Figures:
    assert path.exists(), output
    return Figures(code, output, json.loads(path.read_text(encoding="utf-8")))
