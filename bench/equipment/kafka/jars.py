"""Where Kafka's jars are: in a cache outside the repository; `.ci/setup.sh kafka` fetches them once."""

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
    """Kafka's version in the pom."""
    found = re.search(r"<kafka\.version>([0-9.]+)<", (_HERE / "pom.xml").read_text())
    assert found is not None
    return found[1]


def jars() -> Path:
    """The folder with the jars; fetches them if need be.

    Raises:
        NoKafka: the jars or Java are missing.
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
    """The path of Kafka's archived classes, whether or not a broker has made the archive: see `classes`.

    Raises:
        NoKafka: Java or the jars are missing.
    """
    folder = jars()
    java = Path(shutil.which("java") or "java").resolve()
    found = java.stat()
    which = hashlib.sha256(f"{java} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()
    return folder / f"classes-{which[:12]}.jsa"
