"""Starts real brokers and stops them with Ctrl-C: `python -m tests.kafka [1|3] [FOLDER]`.

    python -m tests.kafka          one broker
    python -m tests.kafka 3        three: 3 copies of each record, acknowledged once 2 have it

Prints the brokers' addresses once they answer. The data are gone afterwards, unless a folder is given.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
from pathlib import Path

from tests.kafka.cluster import run_cluster


def main(brokers: int, folder: Path) -> None:
    """Run until SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), run_cluster(folder, brokers=brokers) as cluster:
        sys.stdout.write(f"kafka://{cluster.addresses()}/placed\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if len(sys.argv) > 2:
        main(count, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory(prefix="placed-kafka-") as temporary:
            main(count, Path(temporary))
