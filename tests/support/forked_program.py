"""Turns a forked process into what `python -m MODULE` is when its first line runs.

To get a program, a process sends a line of JSON with the members of `Asked` over a socket, and with it the descriptors
for the program's standard streams.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

_BYTES: Final = 65_536
_DESCRIPTORS: Final = 4  # that come with a line: the standard streams, and one for the answering process
# Variables that Python and its libraries read at their start: a program with other values needs a start of its own.
_SHAPING: Final = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TZ", "OPENSSL_", "SSL_")
_OWN_SHAPE: Final = {name: value for name, value in os.environ.items() if name.startswith(_SHAPING)}
# The only module that looks at its process when it is imported.
FIRST_OF_A_SERVER: Final = "placed.service.process"


class Asked(TypedDict):
    """A request for a program: `python -m MODULE ARGUMENTS`.

    Attributes:
        files: the soft and the hard limit of open files.
    """

    module: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    files: tuple[int, int]


def ask(control: socket.socket, descriptors: list[int], **asked: Any) -> int:
    """Ask for a program, and return its process id.

    Args:
        control: a socket to the process that starts programs.
        descriptors: descriptors for its standard streams, and any others to send; they stay the caller's.
        asked: the members of `Asked`, except the limits, which are the caller's.
    """
    asked["files"] = resource.getrlimit(resource.RLIMIT_NOFILE)
    socket.send_fds(control, [json.dumps(asked).encode() + b"\n"], descriptors)
    return int(control.recv(16))


def asked_for(control: socket.socket) -> tuple[Asked | None, list[int]]:
    """The next program to start, and its descriptors; None when nobody asks for more."""
    line, descriptors, _, _ = socket.recv_fds(control, _BYTES, _DESCRIPTORS)
    while line and not line.endswith(b"\n"):
        line += control.recv(_BYTES)
    return (json.loads(line) if line else None), descriptors


def become(asked: Asked, descriptors: list[int]) -> None:
    """Turn this process into the program; `run` then runs it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    resource.setrlimit(resource.RLIMIT_NOFILE, asked["files"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    command = [sys.executable, "-m", asked["module"], *asked["arguments"]]
    if sys.platform != "linux" or _shape(os.environ) != _OWN_SHAPE:
        os.execv(sys.executable, command)
    sys.orig_argv[:] = command
    sys.argv[:] = ["-m", *asked["arguments"]]
    for name, number in ("stdin", 0), ("stdout", 1), ("stderr", 2):
        setattr(sys, name, _stream(number, getattr(sys, name)))


def run() -> None:
    """Run the program that this process has become."""
    module = sys.orig_argv[2]
    for name in (FIRST_OF_A_SERVER, module, f"{module}.__main__"):  # the fork server's copies are another program's
        sys.modules.pop(name, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _shape(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_SHAPING)}


def _stream(number: int, like: Any) -> Any:
    errors = "backslashreplace" if number == 2 else like.errors
    is_by_lines = number == 2 or (number == 1 and os.isatty(1))
    return open(
        number, "w" if number else "r", buffering=1 if is_by_lines else -1, encoding=like.encoding, errors=errors,
        closefd=False,
    )  # fmt: skip
