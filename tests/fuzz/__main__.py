"""`python -m tests.fuzz TARGET --seconds N`: atheris (libFuzzer), from the corpus on; a finding ends it with code 77.

What reaches something further goes into `--into`; some of it, small, is worth a place in the corpus.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
NAMES = ("head", "lanes", "edit", "record", "snapshot", "palette", "config", "http2")
_INSTRUMENTED = ["placed", "h11", "hypercorn.protocol", "h2", "tomllib", "json", "urllib.parse"]
_LONGEST_BYTES = 2_048


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
        import atheris  # not everywhere
    except ImportError:
        parser.error("atheris is missing, which has wheels for Linux; elsewhere pytest runs the corpus: tests/fuzz")
    with atheris.instrument_imports(include=_INSTRUMENTED, enable_loader_override=False):
        target = importlib.import_module("tests.fuzz.targets").TARGETS[chosen.target]
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
