"""Keeps an archive of Kafka's classes, as Java has them in memory, beside its jars: it makes a start a third cheaper.

Java finds, reads and links 7,000 classes whenever a broker starts. With the right option a JVM writes them into an
archive as it ends, and later JVMs map that file. The first time that somebody needs a broker, one broker runs only to
make the archive.
"""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from bench.equipment.kafka.jars import class_archive

if TYPE_CHECKING:
    from collections.abc import Callable


def keep_classes(run_broker: Callable[[str], None]) -> None:
    """Make the archive if it is missing and can be made; a broker also starts without one.

    Args:
        run_broker: runs a broker with one more option of Java, until it has started and ended in order.

    Raises:
        NoKafka: Java or the jars are missing.
    """
    archive = class_archive()
    if archive.exists():
        return
    # The cache may belong to another user, or this Java may not support it.
    with contextlib.suppress(OSError, RuntimeError), archive.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if archive.exists():  # another process was quicker
            return
        part = archive.with_suffix(".part")
        run_broker(f"-XX:ArchiveClassesAtExit={part}")
        part.replace(archive)
