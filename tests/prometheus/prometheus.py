"""The real Prometheus, on a free port, with its own folder and short intervals; ended at the end."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import trio

from bench.equipment.free_ports import free_ports
from tests.support.http_connection import ConnectionCut, get
from tests.support.parts import program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

RULES: Final = Path(__file__).parents[2] / "docs/alerts.yml"
_READY_SECONDS: Final = 60.0
_LIMIT_SECONDS: Final = 90.0  # for an alert, which takes 5 s on an idle machine
_POLL_SECONDS: Final = 0.1
_CONFIG: Final = """
global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: placed
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


def shortened(rules: str, window: str, snapshot_seconds: int) -> str:
    """The same rules for tests that can't wait: they look back and wait for seconds, but ask the same questions."""
    rules, waits = re.subn(r"for: \d+m\b", "for: 1s", rules)
    rules, windows = re.subn(r"\[\d+m\]", f"[{window}]", rules)
    rules, ages = re.subn(r"> 10 \* 60\b", f"> {snapshot_seconds}", rules)
    assert waits > 5
    assert windows > 5
    assert ages == 1
    return rules


class Prometheus:
    """A Prometheus that scrapes a server.

    Attributes:
        port: its port of 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    async def _api(self, target: str) -> Any:
        answer = await get(self.port, f"/api/v1/{target}")
        told = answer.json()
        assert told["status"] == "success", (target, told)
        return told["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        found: list[dict[str, Any]] = (await self._api(f"query?query={quote(expression)}"))["result"]
        return found

    async def has(self, expression: str) -> None:
        """Wait until a query has a result."""
        with trio.fail_after(_LIMIT_SECONDS):
            while not await self.query(expression):  # noqa: ASYNC110 - it only tells when asked
                await trio.sleep(_POLL_SECONDS)

    async def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire, by name."""
        alerts = (await self._api("alerts"))["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    async def fires(self, name: str) -> dict[str, Any]:
        """Wait until this alert fires."""
        with trio.fail_after(_LIMIT_SECONDS):
            while name not in (firing := await self.firing()):  # noqa: ASYNC110 - as above
                await trio.sleep(_POLL_SECONDS)
        return firing[name]

    async def is_over(self, name: str) -> None:
        """Wait until this alert no longer fires."""
        with trio.fail_after(_LIMIT_SECONDS):
            while name in await self.firing():  # noqa: ASYNC110 - as above
                await trio.sleep(_POLL_SECONDS)

    async def rules(self) -> list[dict[str, Any]]:
        """The rules, and their state."""
        groups = (await self._api("rules"))["groups"]
        return [rule for group in groups for rule in group["rules"]]


@contextlib.asynccontextmanager
async def watching(
    folder: Path, port: int, *, window: str = "4s", snapshot_seconds: int = 600
) -> AsyncGenerator[Prometheus]:
    """Run a Prometheus that has scraped the server at `port`, and goes on scraping it.

    Args:
        folder: the folder for its files.
        port: the server's port of 127.0.0.1.
        window: time that the rules look back on.
        snapshot_seconds: highest allowed age of a snapshot.
    """
    path = program("prometheus")
    _write_config(folder, port, shortened(RULES.read_text(encoding="utf-8"), window, snapshot_seconds))
    (own_port,) = free_ports(1)
    command = [
        *(path, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"),
        *(f"--web.listen-address=127.0.0.1:{own_port}", "--log.level=warn"),
    ]
    with (folder / "stderr.log").open("wb") as errors:
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
    try:
        prometheus = Prometheus(own_port)
        with trio.fail_after(_READY_SECONDS):
            while not await _is_ready(own_port):
                assert process.poll() is None, (folder / "stderr.log").read_text(encoding="utf-8")
                await trio.sleep(_POLL_SECONDS)  # a port gives no signal when it opens
        await prometheus.has('up{job="placed"} == 1')
        yield prometheus
    finally:
        process.kill()  # it has nothing to save
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _READY_SECONDS):
            await process.wait()


def _write_config(folder: Path, port: int, rules: str) -> None:
    folder.mkdir()
    (folder / "prometheus.yml").write_text(_CONFIG % port, encoding="utf-8")
    (folder / "alerts.yml").write_text(rules, encoding="utf-8")


async def _is_ready(port: int) -> bool:
    try:
        return (await get(port, "/-/ready")).status == 200
    except (ConnectionCut, json.JSONDecodeError):
        return False
