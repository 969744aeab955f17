"""Brokers for one test, which may kill them; without Kafka the test is skipped, or, in CI, fails."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bench.equipment.kafka.cluster import run_cluster
from bench.equipment.kafka.jars import NoKafka, jars
from tests.support.parts import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.equipment.kafka.cluster import Certificate, Cluster, Login


def require_kafka() -> None:
    """Skip the test if brokers can't be started here, or, in CI, fail it."""
    try:
        jars()
    except NoKafka as error:
        require("Kafka", found=False, how=str(error))


@contextlib.contextmanager
def mended(cluster: Cluster) -> Iterator[None]:
    """Start all brokers again when the block ends, however it ends: a test that fails before it has undone its damage
    mustn't make the next test fail.
    """
    try:
        yield
    finally:
        for broker in cluster.brokers:
            if broker.is_running:
                broker.resume()
            else:
                broker.start()


@contextlib.contextmanager
def own_cluster(
    folder: Path, *, brokers: int = 1, login: Login | None = None, certificate: Certificate | None = None
) -> Iterator[Cluster]:
    """Like `run_cluster`."""
    require_kafka()
    with run_cluster(folder, brokers=brokers, login=login, certificate=certificate) as cluster:
        yield cluster
