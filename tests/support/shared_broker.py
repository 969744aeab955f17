"""One real Kafka broker for a whole run of the tests, no matter how many workers the run has.

    main process   makes the run's folder, tells the workers its path, and ends the broker with the run; if it is
                   killed, the broker ends by itself
    worker         the first that needs the broker starts it, under a lock; the others read its address from a file

A broker takes 3 s to start, and 250 MB. Tests that share it use topics of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.equipment.kafka.cluster import START_SECONDS, STOP_SECONDS, Broker, Cluster
from bench.equipment.processes import is_there
from tests.support.own_cluster import require_kafka

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).parents[2]
_ADDRESS: Final = re.compile(r"kafka://127\.0\.0\.1:(\d+)/")
_POLL_SECONDS: Final = 0.05  # a file gives no signal when it grows
# No worker is the broker's parent, because a worker may end before the others. The shell leaves the broker to the
# system, and prints its process id.
_IN_THE_BACKGROUND: Final = '"$@" >> said 2>&1 & echo $! > pid'


class SharedBroker:
    """The run's broker, as each of the run's processes sees it.

    Attributes:
        folder: the run's folder; the main process tells it to the workers.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_new_run(cls) -> SharedBroker:
        """Make it for a run's main process, which has to call `end`."""
        folder = Path(tempfile.mkdtemp(prefix="placed-tests-"))
        (folder / "main").write_text(str(os.getpid()))
        return cls(folder)

    def cluster(self) -> Cluster:
        """The broker; starts it if nobody did. It belongs to the whole run: don't stop or harm it."""
        require_kafka()
        with self._lock():
            if not (self.folder / "pid").exists():
                self._begin()
            port = self._wait_for_port()
        return Cluster([Broker(1, self.folder / "broker", {"plaintext": port})])

    def _begin(self) -> None:
        (self.folder / "said").touch()  # the shell prints the process id a moment before its child runs
        command = ["sh", "-c", _IN_THE_BACKGROUND, "sh", sys.executable, "-m", "bench.equipment.kafka", "1"]
        subprocess.run(
            [*command, str(self.folder / "broker"), (self.folder / "main").read_text()],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            check=True,
            start_new_session=True,  # Ctrl-C only goes to pytest, which then stops it in order
            timeout=START_SECONDS,
        )

    def end(self) -> None:
        """Stop the broker, if there is one, and delete the run's folder. Idempotent."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int((self.folder / "pid").read_text())
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while is_there(pid) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the lock while the broker starts: the other workers wait for it here."""
        with (self.folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _wait_for_port(self) -> int:
        said = self.folder / "said"
        pid = int((self.folder / "pid").read_text())
        deadline = time.monotonic() + START_SECONDS
        while not (found := _ADDRESS.search(said.read_text())):
            assert is_there(pid), said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(_POLL_SECONDS)
        return int(found[1])
