"""Where Kafka's jars are: in a cache outside the repository, fetched once by `.ci/setup.sh kafka`."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_SETUP: Final = _HERE.parents[2] / ".ci" / "setup.sh"
_FETCH_SECONDS: Final = 300.0  # 45 MB, and Maven's own plugins the first time


class NoKafka(Exception):
    """No broker can be started here; the message says how to get what is missing."""


def kafka_version() -> str:
    """Kafka's version, as the pom has it."""
    found = re.search(r"<kafka\.version>([0-9.]+)<", (_HERE / "pom.xml").read_text())
    assert found is not None
    return found[1]


def jars() -> Path:
    """The folder with the jars, fetched if need be.

    Raises:
        NoKafka: they, or Java, can't be had.
    """
    if shutil.which("java") is None:
        raise NoKafka("apt-get install default-jre-headless, or brew install openjdk")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "placed" / f"kafka-{kafka_version()}"
    if not folder.is_dir() and shutil.which("mvn"):
        subprocess.run(["sh", str(_SETUP), "kafka"], check=False, timeout=_FETCH_SECONDS, stdin=subprocess.DEVNULL)
    if not folder.is_dir():
        raise NoKafka("sh .ci/setup.sh kafka, which needs Maven and its central repository")
    return folder


def class_archive() -> Path:
    """Where Kafka's classes are kept as this Java has them in memory, if a broker has left them there: see `classes`.

    Raises:
        NoKafka: Java or the jars can't be had.
    """
    folder = jars()
    java = Path(shutil.which("java") or "java").resolve()
    found = java.stat()
    which = hashlib.sha256(f"{java} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()
    return folder / f"classes-{which[:12]}.jsa"
