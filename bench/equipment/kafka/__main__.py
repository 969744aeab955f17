"""Starts real brokers and stops them with Ctrl-C: `python -m bench.equipment.kafka [1|3] [FOLDER] [PROCESS]`.

    python -m bench.equipment.kafka          one broker
    python -m bench.equipment.kafka 3        three: 3 copies of each record, acknowledged once 2 have it

Prints the brokers' addresses once they answer. The data are deleted afterwards, unless FOLDER is given. With PROCESS,
an id, the brokers also stop when that process has ended for any reason: no broker outlives the tests that started it.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.equipment.kafka.cluster import run_cluster
from bench.equipment.processes import is_there

_LOOK_SECONDS: Final = 1.0


def main(brokers: int, folder: Path, process: int | None = None) -> None:
    """Run until SIGINT or SIGTERM, or until the process has ended."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), run_cluster(folder, brokers=brokers) as cluster:
        sys.stdout.write(f"kafka://{cluster.addresses()}/placed\n")
        sys.stdout.flush()
        if process is None:
            signal.pause()
        else:
            while is_there(process):
                time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if len(sys.argv) > 2:
        main(count, Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
    else:
        with tempfile.TemporaryDirectory(prefix="placed-kafka-") as temporary:
            main(count, Path(temporary))
