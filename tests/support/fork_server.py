"""`python -m tests.support.fork_server FD`: starts programs like `python -m MODULE`, but with their imports done.

    tests' process                       this process                      a server, a command, a bench
     | arguments, environment, folder,    |
     | and its standard streams --------> | fork ---------------------------> | goes on as `python -m MODULE`
     | <-------------- its process id --- |                                   |
     | <--- its exit code, in a pipe ---- | <------------------------- ends   v

Imports take five sixths of the 0.7 s of CPU that a start needs. Half of the rest is spent on the page's hundred files,
which are read and packed. This process does both once, and a server starts with the results. Where they would differ
(another environment for Python itself, or not Linux), the server is executed as a new program instead. The programs
that a bench starts begin in the same way: see `tests.support.own_children`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
from typing import Final

from tests.support.forked_program import FIRST_OF_A_SERVER, asked_for, become, run
from tests.support.own_children import fork_helper

_BYTES: Final = 65_536
# The programs that benches start.
_OF_BENCHES: Final = frozenset({
    "placed",
    "bench.load.page_loads",
    "bench.load.senders",
    "bench.load.stream_readers",
    "bench.logs.traffic",
    "bench.people.crowd",
})  # fmt: skip


def main(descriptor: int) -> bool:
    """Start programs until nobody asks for more; in a forked program, return True: the caller has to run it."""
    control = socket.socket(fileno=descriptor)
    woken = _told_of_children()
    pipes: dict[int, int] = {}
    while True:
        for ready, _ in _poll(control.fileno(), woken):
            if ready == woken:
                _reap(woken, pipes)
                continue
            asked, descriptors = asked_for(control)
            if asked is None:
                return False
            _import_for(asked["module"], asked["arguments"])
            pid = os.fork()
            if pid == 0:
                control.detach()
                become(asked, descriptors)
                if asked["module"] == "bench":
                    fork_helper(_OF_BENCHES)
                return True
            pipes[pid] = descriptors.pop()
            for each in descriptors:
                os.close(each)
            control.sendall(b"%d\n" % pid)


def _import_for(module: str, arguments: list[str]) -> None:
    """Import what only some programs need, once such a program is started: Kafka's client has 160 modules."""
    if any(argument.startswith("kafka:") for argument in arguments):
        importlib.import_module("placed.backends.kafka.log")
    if module == "bench":
        importlib.import_module("bench.__main__").bench.get_command(None, arguments[0])
        for each in _OF_BENCHES:
            importlib.import_module(each)
    if "--plot" in arguments:
        importlib.import_module("bench.equipment.plot")


def _told_of_children() -> int:
    """A pipe that becomes readable when a child has ended."""
    woken, wakes = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def _poll(*descriptors: int) -> list[tuple[int, int]]:
    poll = select.poll()  # unlike epoll, it has no descriptor that a server would inherit
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


def _import_all() -> None:
    gc.disable()
    importlib.import_module("placed.commands.cli")
    importlib.import_module(FIRST_OF_A_SERVER)
    pages = importlib.import_module("placed.http.pages")
    pages.pages_in(pages.client_folder())
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    told = int(sys.argv[1])
    _import_all()
    if main(told):
        run()
