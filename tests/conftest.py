"""What every test has: fixtures that more than one folder of tests needs, and the property tests' profiles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka.cluster import run_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kafka.cluster import Cluster

# In CI the same examples every time, so that a red run is red for its own change; elsewhere new ones each run. No
# deadline of Hypothesis's own: a shared machine's slowest moment isn't a bug, and pytest-timeout ends what hangs.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One real broker for all tests that don't harm it; each uses topics of its own."""
    with run_cluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster
