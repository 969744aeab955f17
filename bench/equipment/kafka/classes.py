"""Keeps Kafka's classes beside its jars, as Java has them in memory: a broker's start is a third cheaper by that.

Java finds, reads and links 7,000 classes whenever a broker starts. A JVM that is asked to writes them into an archive
as it ends, and the next ones map that file. One broker is run for nothing else, the first time that anybody wants one.
"""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from bench.equipment.kafka.jars import class_archive

if TYPE_CHECKING:
    from collections.abc import Callable


def keep_classes(run_broker: Callable[[str], None]) -> None:
    """Have the archive there, if it can be made; without one a broker starts all the same.

    Args:
        run_broker: runs a broker with one more option of Java's, until it has started and ended in order.

    Raises:
        NoKafka: Java or the jars can't be had.
    """
    archive = class_archive()
    if archive.exists():
        return
    # The cache may be somebody else's, or this Java may not do it.
    with contextlib.suppress(OSError, RuntimeError), archive.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if archive.exists():  # somebody else was quicker
            return
        part = archive.with_suffix(".part")
        run_broker(f"-XX:ArchiveClassesAtExit={part}")
        part.replace(archive)
