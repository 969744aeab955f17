"""Log lines: one for each event, in either format, whatever its values are."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from placed.telemetry.structured_logs import configure, get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) \[(\w+)\] (.*)")

hostile = st.text(st.characters() | st.sampled_from("\n\r\x1b\x7f\x85\u2028\u202e\0"), max_size=20)
same_handlers = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # each example sets its own stream


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _root_logger_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _logged(log_format: str, event: str, /, **values: object) -> list[str]:
    stream = io.StringIO()
    configure("info", log_format, stream)
    get_logger("placed.test").info(event, **values)
    return stream.getvalue().split("\n")


def test_text_line_has_time_level_event_logger_and_values() -> None:
    line, end = _logged("text", "the log is read", records=12, path="/srv")
    assert end == ""
    match = TEXT_LINE.fullmatch(line)
    assert match
    assert datetime.now(UTC) - datetime.fromisoformat(match[1]) < timedelta(seconds=60)
    assert match[2] == "info"
    assert match[3] == "the log is read [placed.test] path=/srv records=12"


def test_json_line_has_the_same() -> None:
    line, end = _logged("json", "the log is read", records=12)
    assert end == ""
    entry = json.loads(line)
    assert datetime.now(UTC) - datetime.fromisoformat(entry.pop("timestamp")) < timedelta(seconds=60)
    assert entry == {"event": "the log is read", "level": "info", "logger": "placed.test", "records": 12}


@pytest.mark.parametrize("log_format", ["text", "json"])
@same_handlers
@given(event=hostile, value=hostile)
@example(event="ok\n2026-01-01T00:00:00.000000Z [info] forged", value='"\n{"event": "forged"}')
def test_event_and_values_stay_on_their_one_line_without_control_characters(
    log_format: str, event: str, value: str
) -> None:
    line, end = _logged(log_format, event, value=value, listed=[value], error=ValueError(value))
    assert end == ""
    assert line.isprintable()
    if log_format == "json":
        entry = json.loads(line)
        assert (entry["event"], entry["value"], entry["listed"]) == (event, value, [value])


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_lines_of_libraries_look_the_same(log_format: str) -> None:
    stream = io.StringIO()
    configure("info", log_format, stream)
    logging.getLogger("hypercorn.error").warning("from %s", "x\ny")
    line, end = stream.getvalue().split("\n")
    assert end == ""
    if log_format == "json":
        assert json.loads(line)["event"] == "from x\ny"
    else:
        match = TEXT_LINE.fullmatch(line)
        assert match
        assert match[3] == r"from x\ny [hypercorn.error]"


FORGED = "bad\n2026-01-01T00:00:00.000000Z [info] forged\r\x1b[2J"


@pytest.mark.parametrize("how", ["exception", "exc_info", "library"])
def test_traceback_s_lines_cannot_be_taken_for_log_lines(how: str) -> None:
    stream = io.StringIO()
    configure("info", "text", stream)
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        if how == "exception":
            get_logger("placed.test").exception("failed")
        elif how == "exc_info":
            get_logger("placed.test").error("failed", exc_info=error)
        else:
            logging.getLogger("quart").exception("failed")
    first, *others = stream.getvalue().splitlines()
    assert TEXT_LINE.fullmatch(first)
    assert all(line.startswith("    | ") and line.isprintable() for line in others)
    assert r"    | 2026-01-01T00:00:00.000000Z [info] forged\r\x1b[2J" in others


def test_traceback_is_one_value_in_json() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    get_logger("placed.test").error("failed", exc_info=ValueError(FORGED))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["exception"].endswith(f"ValueError: {FORGED}")


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    configure("warning", "text", stream)
    get_logger("placed.test").info("quiet")
    logging.getLogger("quart").info("quiet")
    get_logger("placed.test").warning("loud")
    assert stream.getvalue().count("\n") == 1


def test_terminal_gets_colours_and_others_do_not() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure("info", "text", stream)
        get_logger("placed.test").info("hello")
    assert "\x1b[" in terminal.getvalue()
    assert "\x1b" not in pipe.getvalue()


def test_configuring_again_replaces_the_handler_and_leaves_others() -> None:
    others = list(logging.getLogger().handlers)
    first, second = io.StringIO(), io.StringIO()
    configure("info", "text", first)
    configure("info", "json", second)
    get_logger("placed.test").info("hello")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1
    assert [handler for handler in logging.getLogger().handlers if handler in others] == others


@pytest.mark.parametrize(("level", "log_format"), [("loud", "text"), ("info", "xml"), ("INFO", "text")])
def test_unknown_level_or_format_is_refused(level: str, log_format: str) -> None:
    with pytest.raises(ValueError, match="allowed are debug, info, warning, error and text, json"):
        configure(level, log_format, io.StringIO())


def test_importing_sets_no_handler() -> None:
    script = (
        "import logging, placed.telemetry.structured_logs as s; s.get_logger('a'); print(logging.getLogger().handlers)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout == "[]\n"
