"""Each bench runs in a small size, and prints its figures. How fast it is doesn't matter: a test machine may be slow.

Most of the benches here spend half of their time on imports, including those of the servers and crowds that they start.
So some run as people run them, and the others with their imports done before.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.__main__ import bench
from bench.logs.trace import Trace, generate
from tests.support.benches import run_bench, run_forked_bench
from tests.support.parts import chromium, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.benches import Figures

SECONDS = 150

SMALL = {
    "acts": ["--people", "20", "--rate", "30"],  # so that the act changes more pixels than the server sends one by one
    "catchup": ["--edits", "20000", "--seconds", "0.5", "--runs", "1"],
    "compare": [
        *("--runs", "1", "--seconds", "0.3", "--connections", "4", "--subscribers", "20", "--rate", "20"),
        *("--peer", "placed", "--peer", "C send() floor"),
    ],
    "data": ["--edits", "20000", "--states", "2", "--frames", "5"],
    "event": ["--people", "25", "--arrival-seconds", "0.5", "--seconds", "3", "--rate", "20"],
    "fanout": ["--subscribers", "20", "--rate", "20", "--seconds", "0.5", "--runs", "1"],
    "image": ["--seconds", "0.3", "--runs", "1", "--connections", "4"],
    "ingest": [
        *("--seconds", "0.3", "--runs", "1", "--connections", "4", "--rate", "50", "--subscribers", "20"),
    ],
    "kafka": ["--edits", "20000", "--records", "300", "--posts", "5", "--runs", "1"],
    "people": ["--people", "3000", "--runs", "1"],
    "latency": ["--edits", "5", "--runs", "2", "--pause-ms", "0"],
    "replay": ["--edits", "20000", "--records", "3000", "--runs", "2"],
    "start": ["--edits", "20000", "--runs", "1"],
    "rplace": ["--states", "5", "--edits", "20000", "--record-edits", "71"],
    "snapshot": ["--runs", "2"],
    "soak": [
        *("--minutes", "0.2", "--people", "30", "--stay-seconds", "3", "--rate", "50"),
        *("--sample-seconds", "1", "--frames", "50"),
    ],
    "upgrade": ["--edits", "20000", "--viewers", "5", "--runs", "1"],
    "memory": ["--edits", "48000", "--posts", "20", "--runs", "1"],
    "visitors": ["--visitors", "3", "--seconds", "0.3", "--runs", "1", "--lane", "fast"],
    "page": [
        *("--side", "256", "--panning-rate", "100", "--idle-rate", "100", "--seconds", "0.5", "--runs", "1"),
    ],
}


LINUX = {
    *("acts", "catchup", "compare", "event", "fanout", "image", "ingest", "memory", "page", "people"),
    *("soak", "upgrade", "visitors"),
}
WITHOUT_TARGETS = {"image"}
# The first measures starts; the second starts a server and both kinds of load.
AS_PEOPLE_RUN_THEM = {"start", "fanout"}


@pytest.fixture(scope="module")
def done_small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Figures]:
    """Run each bench in its small size, once for all tests that look at its results."""

    @functools.cache
    def done(command: str) -> Figures:
        run = run_bench if command in AS_PEOPLE_RUN_THEM else run_forked_bench
        return run(command, tmp_path_factory.mktemp(command), *SMALL[command], seconds=SECONDS)

    return done


@pytest.mark.parametrize("command", SMALL)
def test_bench_prints_a_table_and_writes_its_figures(command: str, done_small: Callable[[str], Figures]) -> None:
    if command in LINUX:
        require("/proc", Path("/proc/self/status").exists(), "run on Linux")
    if command == "page":
        chromium()
    done = done_small(command)
    written = done.written
    # On a busy machine a latency may well rise within some seconds; the soak then has to name it.
    assert done.code in ((0, 1) if command == "soak" else (0,))
    assert written["bench"] == command
    assert written["machine"]["cores"] >= 1
    assert written["options"]
    assert [figure for figure in written["figures"] if not np.isfinite(figure["value"])] == []
    assert any(figure["target"] for figure in written["figures"]) == (command not in WITHOUT_TARGETS)
    assert f"bench {command}" in done.output


@pytest.mark.parametrize(("name", "begin"), [("plot.svg", b"<?xml"), ("plot.png", b"\x89PNG")])
def test_figures_are_drawn(tmp_path: Path, name: str, begin: bytes) -> None:
    options = (*SMALL["snapshot"], "--plot", str(tmp_path / name))
    assert run_forked_bench("snapshot", tmp_path, *options, seconds=SECONDS).code == 0
    assert (tmp_path / name).read_bytes().startswith(begin)


def test_plot_of_another_kind_is_refused_in_a_line() -> None:
    result = CliRunner().invoke(bench, ["snapshot", "--plot", "plot.gif"])
    assert result.exit_code == 2
    assert ".png or .svg" in result.output


@pytest.mark.parametrize("command", ["fanout", "ingest", "image", "event"])
def test_url_that_is_none_is_refused_in_a_line(command: str) -> None:
    result = CliRunner().invoke(bench, [command, "--url", "nowhere"])
    assert result.exit_code == 2
    assert "http://host:port" in result.output


def test_event_ends_with_everybody_at_the_servers_canvas_after_a_restart(done_small: Callable[[str], Figures]) -> None:
    require("/proc", Path("/proc/self/status").exists(), "run on Linux")
    done = done_small("event")
    figures = {figure["name"]: figure["value"] for figure in done.written["figures"]}
    assert done.code == 0
    assert figures["people with a wrong canvas at the end"] == 0
    assert figures["streams that ended and came back"] >= 25
    assert figures["edits placed"] > 0


def test_rplace_compares_every_state_of_the_event(done_small: Callable[[str], Figures]) -> None:
    done = done_small("rplace")
    figures = {figure["name"]: figure["value"] for figure in done.written["figures"]}
    assert figures["states compared"] == 5
    assert figures["states that differ"] == 0
    assert figures["edits"] >= 20_000


def test_rplace_fails_when_a_canvas_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The trace's canvases are only right the first of the two times that the bench asks for them.
    event = generate(states=3, edits=2_000, width=50, height=40)
    states, times = event.states, []

    def lying(_trace: Trace) -> Any:
        times.append(1)
        for state in states():
            if len(times) > 1:
                state.canvas[7, 5] ^= 1
            yield state

    monkeypatch.setattr(Trace, "states", lying)
    monkeypatch.setattr("bench.logs.chosen_event.generate", lambda **_options: event)
    result = CliRunner().invoke(bench, ["rplace", "--json", str(tmp_path / "figures.json")])
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["figures"]
    assert result.exit_code == 1
    assert next(figure for figure in figures if figure["name"] == "states that differ")["met"] is False


def test_rplace_reads_a_trace_file_and_refuses_another_one_in_a_line(tmp_path: Path) -> None:
    event = generate(states=4, edits=5_000, width=64, height=32)
    arrays = {name: getattr(event, name) for name in ("seconds", "edits", "offsets", "pixel", "color")}
    palette = np.frombuffer(event.definition.rgb, np.uint8).reshape(-1, 3)
    np.savez(tmp_path / "event.npz", allow_pickle=False, **arrays, palette=palette, size=np.array([64, 32]))
    done = run_forked_bench("rplace", tmp_path, "--trace", str(tmp_path / "event.npz"), seconds=SECONDS)
    assert done.code == 0
    assert done.written["options"]["trace"] == "event.npz"
    (tmp_path / "other.npz").write_bytes(b"PK no trace")
    result = CliRunner().invoke(bench, ["rplace", "--trace", str(tmp_path / "other.npz")])
    assert result.exit_code == 2
    assert "is no trace" in result.output


def test_group_lists_all_benches_and_refuses_an_unknown_one() -> None:
    listed = CliRunner().invoke(bench, ["--help"]).output
    assert [name for name in SMALL if name not in listed] == []
    assert CliRunner().invoke(bench, ["no-such-bench"]).exit_code == 2
