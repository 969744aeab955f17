"""The exit codes of `placed`, for scripts and service managers. Pure."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Why the process ended. docs/settings.md has the same list."""

    OK = 0  # stopped as asked, everything is saved
    INCOMPLETE = 1  # `placed paint` gave up, or some pixels are still wrong
    BAD_USAGE = 2  # a flag, a variable or the config file isn't right; nothing was started
    UNUSABLE = (
        3  # the log or the data folder can't be used, or isn't well: busy, damaged, unwritable, of another canvas
    )
    CANNOT_LISTEN = 4  # the address is in use, or not one of this machine's
    FAULT = 5  # a fault, or the shutdown's deadline passed, or a command couldn't print its result
    INTERRUPTED = 130  # the second Ctrl-C ended the server, or the first one a command; 128 + SIGINT, as shells count
