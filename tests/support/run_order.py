"""Which test files run first when several processes share them, and which files `make check` leaves out.

Each process takes one file after the other. Long files come first, so that at the end nobody waits for a long file that
has just begun; the many short files fill the gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# Sorted by how long a file takes, as `make test` prints it at its end; but files that start several brokers don't run
# together. A file that no line fits comes last.
LONGEST_FIRST: Final = (
    "tests/promises/test_kafka_convergence.py",
    "tests/packaging",
    "tests/browser/templates",
    "tests/promises/test_kafka_faults.py",
    "tests/browser",
    "tests/promises",
    "tests/prometheus",
    "tests/bench",
    "tests/commands",
    "tests/process",
    "tests/service",
    "tests/nginx",
    "tests/openapi",
    "tests/backends",
    "tests/kafka",
    "tests/test_docs_bots.py",
    "tests/fuzz",
    "tests/http",
    "tests/client",
    "tests/people",
    "tests/history",
)

# They start whole programs (servers, brokers, browsers, package builds), or repeat one thing for seconds.
SLOW: Final = (
    "tests/backends/kafka",
    "tests/backends/lmdb/test_damage.py",
    "tests/backends/lmdb/test_kill.py",
    "tests/backends/test_contract_properties.py",
    "tests/bench",
    "tests/browser",
    "tests/commands/copy",
    "tests/commands/export",
    "tests/commands/import_/test_import.py",
    "tests/commands/operations",
    "tests/commands/paint/test_end_to_end.py",
    "tests/commands/paint/test_painter.py",
    "tests/commands/test_config_check.py",
    "tests/commands/test_output.py",
    "tests/commands/timelapse",
    "tests/fuzz",
    "tests/history/test_server_process.py",
    "tests/http/lanes/test_app.py",
    "tests/http/lanes/test_connection.py",
    "tests/http/lanes/test_http2.py",
    "tests/http/lanes/test_keep_alive.py",
    "tests/http/lanes/test_unsent.py",
    "tests/http/test_catch_ups.py",
    "tests/http/test_edits.py",
    "tests/http/test_half_closed.py",
    "tests/http/test_post_edits.py",
    "tests/http/test_tls.py",
    "tests/kafka",
    "tests/nginx",
    "tests/openapi/test_conformance.py",
    "tests/openapi/test_typescript.py",
    "tests/packaging",
    "tests/process",
    "tests/prometheus",
    "tests/promises",
    "tests/service/test_forgotten_canvas.py",
    "tests/service/test_letting_go.py",
    "tests/service/test_lifecycle.py",
    "tests/service/test_start.py",
    "tests/telemetry/test_standard_streams.py",
    "tests/test_docs_bots.py",
    "tests/test_docs_metrics.py",
)

_SERVERS: Final = frozenset({"start", "server", "standing", "new_server"})  # fixtures


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests by their files; tests of one file keep their order."""
    items.sort(key=lambda item: _rank(item.nodeid))


def is_slow(path: Path, root: Path) -> bool:
    """Whether `make check` leaves a file or folder out."""
    return path.relative_to(root).as_posix() in SLOW


def starts_server(item: pytest.Item) -> bool:
    """Whether `make check` leaves out a test of a file that it runs: the test starts a server, or needs a broker."""
    return not _SERVERS.isdisjoint(getattr(item, "fixturenames", ())) or item.get_closest_marker("kafka") is not None


def _rank(node: str) -> int:
    return next((rank for rank, start in enumerate(LONGEST_FIRST) if node.startswith(start)), len(LONGEST_FIRST))
