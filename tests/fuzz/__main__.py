"""`python -m tests.fuzz TARGET --seconds N`: runs atheris (libFuzzer) from the corpus; a finding ends it with code 77.

Inputs that reach new code go into `--into`; a few small ones are worth a place in the corpus.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = Path(__file__).parent / "corpus"
# Each target's module and function. The lanes import most of the server, which takes seconds to instrument.
_PLACES = {
    "head": ("heads", "head"),
    "lanes": ("lanes", "compare_lanes"),
    "edit": ("targets", "edit"),
    "record": ("targets", "records"),
    "snapshot": ("targets", "snapshots"),
    "palette": ("targets", "palette"),
    "config": ("targets", "config"),
    "http2": ("lanes", "speak_http2"),
}
NAMES = tuple(_PLACES)
_INSTRUMENTED = ["placed", "h11", "hypercorn.protocol", "h2", "tomllib", "json", "urllib.parse"]
_LONGEST_BYTES = 2_048


def target_of(name: str) -> Callable[[bytes], None]:
    """The function to fuzz under this name."""
    module, function = _PLACES[name]
    target: Callable[[bytes], None] = getattr(importlib.import_module(f"tests.fuzz.{module}"), function)
    return target


def main() -> None:
    """Fuzz one target; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=60, help="how long; 60 unless you say otherwise")
    parser.add_argument("--into", type=Path, help="a folder for what is found; a temporary one unless you name one")
    chosen = parser.parse_args()
    if chosen.seconds < 1:
        parser.error(f"--seconds {chosen.seconds}; allowed is 1 or more")
    try:
        import atheris  # not installed everywhere
    except ImportError:
        parser.error("atheris is missing, which has wheels for Linux; elsewhere pytest runs the corpus: tests/fuzz")
    with atheris.instrument_imports(include=_INSTRUMENTED, enable_loader_override=False):
        target = target_of(chosen.target)
    with tempfile.TemporaryDirectory() as scratch:
        into = chosen.into or Path(scratch)
        into.mkdir(parents=True, exist_ok=True)
        folders = [str(into), str(CORPUS / chosen.target)]
        limits = [
            f"-max_total_time={chosen.seconds}",
            f"-max_len={_LONGEST_BYTES}",
            "-timeout=30",
            "-rss_limit_mb=2048",
        ]
        found = f"-artifact_prefix={into}-"
        atheris.Setup([sys.argv[0], *limits, found, "-print_final_stats=1", *folders], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
