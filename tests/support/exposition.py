"""Reads /metrics, for tests."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.support.http_connection import get


def samples(body: bytes) -> dict[str, float]:
    """The value of each sample, by its name and labels: `placed_subscribers{lane="fast"}`."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def metrics(port: int) -> dict[str, float]:
    """The samples of the server at a port of 127.0.0.1."""
    response = await get(port, "/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return samples(response.body)


def subscribers(told: dict[str, float]) -> float:
    """The number of open streams, of both lanes."""
    return sum(value for name, value in told.items() if name.startswith("placed_subscribers{"))
