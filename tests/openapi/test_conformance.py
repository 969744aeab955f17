"""The server answers as docs/openapi.yaml says, in both lanes: schemathesis makes up requests, and checks the answers.

The server's canvas has the largest possible size, so that the file's bounds are the server's own.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import trio

from tests.openapi.description import by_body, by_query, load
from tests.openapi.schemathesis_runs import run_schemathesis
from tests.support.kafka_servers import logged_url
from tests.support.server_process import running, starting

if TYPE_CHECKING:
    from tests.openapi.description import Document

CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
LIMIT_SECONDS: Final = 150.0  # 7 s on an idle core; 20 s on two cores that eight people shared
LARGEST: Final = ("--width", "4096", "--height", "4096")
LANES: Final = pytest.mark.parametrize("lane", ["--fast-lane", "--no-fast-lane"])


@pytest.fixture
def most_colors(tmp_path: Path) -> Path:
    """A palette of 256 colours."""
    path = tmp_path / "most.hex"
    path.write_text("".join(f"{shade:02x}{shade:02x}00\n" for shade in range(256)))
    return path


async def tried(port: int, document: Document, folder: Path, *flags: str) -> int:
    """How many requests schemathesis made up, all with answers as in `document`; otherwise the test fails."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document))
    words = ("--config-file", str(CONFIG), "run", str(path), "--url", f"http://127.0.0.1:{port}", "--no-color", *flags)
    with trio.fail_after(LIMIT_SECONDS):
        code, output = await run_schemathesis(folder, *words)
    assert code == 0, output
    count = re.search(r"^  (\d+) generated, \1 passed", output, re.MULTILINE)
    assert count is not None, output
    return int(count[1])


@LANES
async def test_server_answers_as_the_file_says(lane: str, most_colors: Path, tmp_path: Path) -> None:
    flags = (*LARGEST, "--palette", str(most_colors), lane)
    async with running(tmp_path / "data", "--log", "memory:", *flags) as server:
        assert await tried(server.port, by_body(load()), tmp_path) > 250


@LANES
async def test_edits_by_query_and_streams_by_header_are_answered_as_the_file_says(
    lane: str, most_colors: Path, tmp_path: Path
) -> None:
    """The two documents differ only in these, and the same document would make the same requests."""
    flags = (*LARGEST, "--palette", str(most_colors), lane)
    async with running(tmp_path / "data", "--log", "memory:", *flags) as server:
        only = ("--include-path", "/edit", "--include-path", "/edits")
        assert await tried(server.port, by_query(load()), tmp_path, *only) > 200


@LANES
async def test_edits_under_a_cooldown_are_answered_as_the_file_says(
    lane: str, most_colors: Path, tmp_path: Path
) -> None:
    flags = (*LARGEST, "--palette", str(most_colors), "--cooldown", "300", lane)
    async with starting(tmp_path / "data", "--log", "memory:", *flags) as server:
        await server.ready()
        only = ("--include-path", "/edit", "--exclude-checks", "positive_data_acceptance")
        assert await tried(server.port, by_query(load()), tmp_path, *only) > 30


@LANES
async def test_a_proof_of_work_is_asked_for_as_the_file_says(lane: str, most_colors: Path, tmp_path: Path) -> None:
    flags = (*LARGEST, "--palette", str(most_colors), "--challenge", lane)
    async with running(tmp_path / "data", "--log", "memory:", *flags) as server:
        only = (
            "--include-path",
            "/edit",
            "--include-path",
            "/challenge",
            "--exclude-checks",
            "positive_data_acceptance",
        )
        assert await tried(server.port, by_query(load()), tmp_path, *only) > 30


async def test_server_that_waits_for_its_log_answers_as_the_file_says(tmp_path: Path) -> None:
    flags = ("--log", "kafka://127.0.0.1:1/canvas", "--log-format", "json")
    async with starting(tmp_path / "data", *flags) as server:
        port = await logged_url(server, "waiting for the log")
        checks = ("status_code", "content_type", "response_headers", "response_schema")
        # No random values: a waiting server reads no part of a request, and these phases try each kind of value anyway.
        phases = ("--phases", "examples,coverage")
        only = (*phases, "--checks", ",".join(f"{check}_conformance" for check in checks))
        assert await tried(port, by_query(load()), tmp_path, *only) > 1_000
