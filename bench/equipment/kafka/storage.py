"""Formats a broker's data folder, so that the broker can start with it.

    meta.properties         the ids of the folder's cluster and broker
    bootstrap.checkpoint    the start of a cluster: the levels of its features, and users, if it has a login

Kafka's own tool makes both, in a JVM that takes 1 s of CPU, as much as 40 % of a broker's start. Without a login the
second file is the same for every cluster of a version. So once the tool has made one, this module keeps it beside the
jars, and makes later folders from it without a JVM.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from bench.equipment.kafka.jars import jars
from bench.equipment.kafka.java import java_command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FORMAT_SECONDS: Final = 60.0
_BOOTSTRAP: Final = "bootstrap.checkpoint"


def new_uuid() -> str:
    """A new id in Kafka's format; like Kafka's own ids, it never begins with a minus."""
    return base64.urlsafe_b64encode(b"p" + os.urandom(15)).decode().rstrip("=")


def format_storage(data: Path, properties: Path, cluster_id: str, node: int, scram: Iterable[str] = ()) -> None:
    """Make a broker's data folder, which must not exist yet.

    Args:
        data: the folder, as `properties` has it.
        properties: the broker's settings file.
        cluster_id: id of the cluster; the same for all its brokers.
        node: the broker's number, as `properties` has it.
        scram: users of a new cluster, as Kafka's tool wants them: `SCRAM-SHA-256=[name=…,password=…]`.

    Raises:
        NoKafka: Java or the jars are missing.
    """
    kept = jars() / _BOOTSTRAP
    users = list(scram)
    if kept.exists() and not users:
        _format_from(kept, data, cluster_id, node)
        return
    _format_by_tool(properties, cluster_id, users)
    if not users:
        _keep(data / _BOOTSTRAP, kept)


def _format_from(kept: Path, data: Path, cluster_id: str, node: int) -> None:
    data.mkdir()
    shutil.copyfile(kept, data / _BOOTSTRAP)
    told = {"version": 1, "cluster.id": cluster_id, "node.id": node, "directory.id": new_uuid()}
    (data / "meta.properties").write_text("".join(f"{name}={value}\n" for name, value in told.items()))


def _format_by_tool(properties: Path, cluster_id: str, users: list[str]) -> None:
    command = [*java_command(), "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties)]
    command += [word for each in users for word in ("--add-scram", each)]
    subprocess.run(command, check=True, capture_output=True, timeout=_FORMAT_SECONDS)


def _keep(made: Path, kept: Path) -> None:
    part = kept.with_name(f"{kept.name}.{os.getpid()}")  # several processes may do this at once; each sees a whole file
    with contextlib.suppress(OSError):  # the cache may belong to another user; then the tool makes the next folder, too
        shutil.copyfile(made, part)
        part.replace(kept)
