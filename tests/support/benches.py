"""A bench in a process of its own, as people run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import attrs

ROOT: Final = Path(__file__).parents[2]


@attrs.frozen
class Figures:
    """What a bench left.

    Attributes:
        code: its exit code.
        output: all that it printed.
        written: its JSON.
    """

    code: int
    output: str
    written: dict[str, Any]


def run_bench(command: str, folder: Path, *options: str, seconds: float) -> Figures:
    """Run one that has to write its figures, into `folder`, within so many seconds."""
    path = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", command, *options, "--json", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    output = done.stdout + done.stderr
    assert path.exists(), output
    return Figures(done.returncode, output, json.loads(path.read_text(encoding="utf-8")))
