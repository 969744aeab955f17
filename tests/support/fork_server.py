"""`python -m tests.support.fork_server FD`: starts servers as `python -m placed` does, without importing it each time.

    tests' process                       this process                      a server
     | arguments, environment, folder,    |
     | and its standard streams --------> | fork ---------------------------> | goes on as `python -m placed`
     | <-------------- its process id --- |                                   |
     | <--- its exit code, in a pipe ---- | <------------------------- ends   v

Imports are five sixths of a start's 0.7 s of the processor, and half of the rest is the page's hundred files, which are
read and packed. Both are done here once, and a server begins with what its own would have made. Where it wouldn't be
the same (another environment for Python itself, or not Linux), it is executed as a new program instead.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from typing import Any, Final

_BYTES: Final = 65_536
_DESCRIPTORS: Final = 3  # that come with each line: standard output and error, and the pipe for the exit code
# What Python and its libraries read when they begin: who has others than this process needs a start of its own.
_SHAPING: Final = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TZ", "OPENSSL_", "SSL_")
# Only this one looks, when it is imported, at the process that it is in.
_FIRST_OF_A_SERVER: Final = "placed.service.process"


def main(descriptor: int) -> None:
    """Start servers until nobody asks any more; in a server, return what is left to do: `python -m placed`."""
    control = socket.socket(fileno=descriptor)
    own = shaping(os.environ)
    woken = _told_of_children()
    pipes: dict[int, int] = {}
    while True:
        for ready, _ in _poll(control.fileno(), woken):
            if ready == woken:
                _reap(woken, pipes)
                continue
            line, descriptors = _request(control)
            if not line:
                return
            asked = json.loads(line)
            _import_for(asked["arguments"])
            pid = os.fork()
            if pid == 0:
                control.detach()
                _become(asked, descriptors, own)
                return
            pipes[pid] = descriptors.pop()
            for each in descriptors:
                os.close(each)
            control.sendall(b"%d\n" % pid)


def shaping(environment: Any) -> dict[str, str]:
    """The variables that are read before a program has its say."""
    return {name: value for name, value in environment.items() if name.startswith(_SHAPING)}


def _import_for(arguments: list[str]) -> None:
    """What only some servers import, once one of them is asked for: Kafka's client has 160 modules."""
    if any(argument.startswith("kafka:") for argument in arguments):
        importlib.import_module("placed.backends.kafka.log")


def _told_of_children() -> int:
    """A pipe that can be read when a child has ended."""
    woken, wakes = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def _poll(*descriptors: int) -> list[tuple[int, int]]:
    poll = select.poll()  # which has no descriptor of its own that a server would inherit
    for each in descriptors:
        poll.register(each, select.POLLIN)
    return poll.poll()


def _reap(woken: int, pipes: dict[int, int]) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(woken, _BYTES):
            pass
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pipe = pipes.pop(ended[0])
            with contextlib.suppress(BrokenPipeError):
                os.write(pipe, b"%d\n" % os.waitstatus_to_exitcode(ended[1]))
            os.close(pipe)


def _request(control: socket.socket) -> tuple[bytes, list[int]]:
    line, descriptors, _, _ = socket.recv_fds(control, _BYTES, _DESCRIPTORS)
    while line and not line.endswith(b"\n"):
        line += control.recv(_BYTES)
    return line, descriptors


def _become(asked: dict[str, Any], descriptors: list[int], own: dict[str, str]) -> None:
    """Turn this process into what `python -m placed` is when its first line runs."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate(descriptors[:2], 1):  # standard input is /dev/null already
        os.dup2(descriptor, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    if sys.platform != "linux" or shaping(os.environ) != own:
        os.execv(sys.executable, [sys.executable, "-m", "placed", *asked["arguments"]])
    sys.orig_argv[:] = [sys.executable, "-m", "placed", *asked["arguments"]]
    sys.argv[:] = ["-m", *asked["arguments"]]
    for name, number in ("stdin", 0), ("stdout", 1), ("stderr", 2):
        setattr(sys, name, _stream(number, getattr(sys, name)))


def _stream(number: int, like: Any) -> Any:
    errors = "backslashreplace" if number == 2 else like.errors
    is_by_lines = number == 2 or (number == 1 and os.isatty(1))
    return open(
        number, "w" if number else "r", buffering=1 if is_by_lines else -1, encoding=like.encoding, errors=errors,
        closefd=False,
    )  # fmt: skip


def _import_all() -> None:
    gc.disable()
    importlib.import_module("placed.commands.cli")
    importlib.import_module(_FIRST_OF_A_SERVER)
    del sys.modules[_FIRST_OF_A_SERVER]
    pages = importlib.import_module("placed.http.pages")
    pages.pages_in(pages.client_folder())
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    told = int(sys.argv[1])
    _import_all()
    main(told)
    if sys.orig_argv[1:3] == ["-m", "placed"]:
        runpy.run_module("placed", run_name="__main__", alter_sys=True)
