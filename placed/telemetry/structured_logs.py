"""Writes log lines as text or JSON to one stream, for placed's own loggers and for those of the libraries.

    get_logger(name) -> structlog's processors -> logging, the standard library's -> one handler -> text or JSON
    Hypercorn, Quart -------------------------^

Importing this module changes nothing; `configure` sets the handler, and only the command line calls it. No logged text
can look like another line: control characters are escaped in both formats, and a traceback's lines are marked with a
bar. However often something happens, its lines stay few (`placed.telemetry.line_limit`). Every line that is logged
during a request has the request's id. Times are UTC, ISO 8601.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import structlog
from structlog.stdlib import ProcessorFormatter

from placed.telemetry.line_limit import LEFT_OUT, LineLimit
from placed.telemetry.log_choices import FORMATS, LEVELS
from placed.telemetry.standard_streams import QueuedText

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from structlog.types import EventDict, ExcInfo, Processor, WrappedLogger

_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes an event and its values: `logger.info("the log is read", records=12)`."""
    processors = [structlog.stdlib.filter_by_level, *_SHARED, ProcessorFormatter.wrap_for_formatter]
    logger = structlog.wrap_logger(
        logging.getLogger(name), processors=processors, wrapper_class=structlog.stdlib.BoundLogger
    )
    return cast("structlog.stdlib.BoundLogger", logger)


def in_request(request_id: str) -> AbstractContextManager[None]:
    """Add this request's id to every line that is logged while the block runs, also by tasks that start in it."""
    return structlog.contextvars.bound_contextvars(request_id=request_id)


def request_id_here() -> str | None:
    """The id of the request that is being handled; None outside `in_request`."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return request_id if isinstance(request_id, str) else None


def tell_left_out() -> None:
    """Log a line for each kind of which lines were left out since the last call."""
    for handler in _handlers():
        for kind, lines in handler.limit.take_left_out().items():
            get_logger(__name__).warning(LEFT_OUT, kind=kind, lines=lines)


def _tell_not_written(lines: int) -> None:
    get_logger(__name__).warning(LEFT_OUT, kind="any: nobody read them, or they could not be written", lines=lines)


class _Handler(logging.StreamHandler[TextIO]):
    """The handler that `configure` sets; a type of its own, so that `configure` finds it again among others."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.limit = LineLimit()
        self.addFilter(self.limit)


def _handlers() -> list[_Handler]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, _Handler)]


def configure(level: str, log_format: str, stream: TextIO) -> None:
    """Send log lines of `level` and above to `stream`. Another call replaces the handler of the last one.

    Args:
        level: one of `LEVELS`.
        log_format: one of `FORMATS`; text has colours when `stream` is a terminal.
        stream: usually standard error. If it is a `QueuedText`, a log line says how many lines it had to leave out.

    Raises:
        ValueError: another level or format.
    """
    if level not in LEVELS or log_format not in FORMATS:
        raise ValueError(f"{level!r}, {log_format!r}; allowed are {', '.join(LEVELS)} and {', '.join(FORMATS)}")
    handler = _Handler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *(_text(is_terminal=stream.isatty()) if log_format == "text" else _json()),
            ],
        )
    )
    if isinstance(stream, QueuedText):
        stream.on_left_out = _tell_not_written
    root = logging.getLogger()
    for old in _handlers():
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())


def _json() -> list[Processor]:
    # JSON escapes all control characters but DEL.
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=repr), _escape_delete]


def _escape_delete(_logger: WrappedLogger, _method: str, line: Any) -> Any:
    return line.replace("\x7f", "\\u007f")


def _text(*, is_terminal: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=is_terminal, pad_event_to=0, pad_level=False, exception_formatter=_write_traceback
    )
    return [_escape_values, renderer]


def _escape_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {_escape(key): value if key == "exc_info" else _escape_value(value) for key, value in event.items()}


def _escape_value(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else _escape(str(value))


def _escape(text: str) -> str:
    """The text with every character that isn't printable written as a Python escape: controls, and bidi overrides."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _write_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    lines = "".join(traceback.format_exception(*exc_info)).rstrip("\n").split("\n")
    # An exception's message may contain line breaks, and none of its lines may look like a log line.
    stream.writelines(f"\n    | {_escape(line)}" for line in lines)
