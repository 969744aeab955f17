"""docs/operations.md, alerts.yml and grafana-dashboard.json name all metrics that a server has, and no others."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.prometheus.prometheus import RULES, watching
from tests.support.parts import program
from tests.support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z_]+)(?:\{([a-z,]+)\})?` \| (\w+) \|", PAGE, re.MULTILINE)
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
NAMED = re.compile(r"\b(?:placed|process)_[a-z_]+\b")
ALERTS = RULES.read_text(encoding="utf-8")
_PART = re.compile(r"_(?:bucket|sum|count)$")


async def told(tmp_path: Path) -> dict[str, tuple[str, set[str]]]:
    """Each metric of a real server, with its kind and its labels."""
    async with serving("fast", tmp_path) as server:
        body = (await server.get("/metrics")).body.decode()
    names = dict(re.findall(r"^# TYPE (\S+) (\S+)$", body, re.MULTILINE))
    labels = {
        family.name + ("_total" if family.type == "counter" else ""): {
            label for sample in family.samples for label in sample.labels if label != "le"
        }
        for family in text_string_to_metric_families(body)
    }
    return {name: (kind, labels[name]) for name, kind in names.items()}


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def substituted(expression: str) -> str:
    """The expression as Grafana fills it in, and without the part that hides zeros."""
    for variable, value in (("$__rate_interval", "4s"), ("$job", "placed"), ("$instance", ".*")):
        expression = expression.replace(variable, value)
    return expression.removesuffix(" > 0")


@pytest.mark.skipif(sys.platform != "linux", reason="the process's own metrics are read from /proc")
async def test_table_has_each_metric_with_its_kind_and_labels_and_no_other(tmp_path: Path) -> None:
    documented = {name: (kind, set(labels.split(",")) - {""}) for name, labels, kind in ROWS}
    assert len(documented) == len(ROWS)
    assert documented == await told(tmp_path)


def _known() -> set[str]:
    return {name for name, _, _ in ROWS}


@pytest.mark.parametrize("page", sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md"]), ids=lambda path: path.name)
def test_pages_name_no_other_metric(page: Path) -> None:
    words = set(re.findall(r"`((?:placed|process)_[a-z_]+)", page.read_text(encoding="utf-8")))
    assert words <= _known()


def test_rules_and_dashboard_ask_for_metrics_that_there_are() -> None:
    asked = re.sub(r"#.*|^ +(?:summary|description|runbook):.*", "", ALERTS, flags=re.MULTILINE) + "\n".join(
        expressions()
    )
    names = {_PART.sub("", name) if _PART.sub("", name) in _known() else name for name in NAMED.findall(asked)}
    assert len(names) > 30
    assert names <= _known()


def test_dashboard_shows_each_metric() -> None:
    shown = {_PART.sub("", name) for name in NAMED.findall("\n".join(expressions()))}
    assert {_PART.sub("", name) for name in _known()} <= shown


def test_each_alert_has_words_and_a_heading_that_says_what_to_do() -> None:
    alerts = ALERTS.split("- alert: ")[1:]
    headings = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    names = [alert.split("\n")[0] for alert in alerts]
    assert headings == names
    for name, alert in zip(names, alerts, strict=True):
        assert re.search(r"summary: \S", alert)
        assert re.search(r"description: \S", alert)
        assert re.search(r"severity: (page|ticket)\b", alert)
        assert f"runbook: docs/operations.md#{name.lower()}\n" in alert


def test_dashboard_can_be_imported() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels if panel["type"] != "row")
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


async def test_prometheus_understands_each_panel(tmp_path: Path) -> None:
    program("prometheus")
    async with (
        serving("fast", tmp_path, log=None) as server,
        watching(tmp_path / "prometheus", server.port) as prometheus,
    ):
        await server.place(1, 1, 1)
        await server.get("/canvas.png")
        await prometheus.has("placed_append_seconds_count >= 1")
        await prometheus.has("count_over_time(placed_version[4s]) >= 3")
        empty = [asked for asked in map(substituted, expressions()) if not await prometheus.query(asked)]
    assert empty == []
