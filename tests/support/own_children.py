"""The children that a forked program starts with `subprocess` start with their imports done, too.

    a bench                              its helper                 between          a server or a crowd
     | subprocess.Popen: arguments,       |                          |                |
     | environment, streams ------------> | fork ------------------> | fork --------> | goes on as `python -m MODULE`
     |                                    | <--- its process id ---- | end            |
     | <----------------- its process id  |                                           |
     | waits for it, signals it, and reads of it in /proc, as its parent <----------- | end

A bench starts up to a dozen children, whose imports take most of a small bench's time. The helper is forked before the
bench does anything. Once the process in between has ended, the system's first process would become the child's parent;
the bench asks the kernel to become the parent instead. All other children are executed as usual: those that aren't
`python -m` of a module that the helper has imported, and those that are started in an unusual way.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from tests.support.forked_program import ask, asked_for, become

_ORPHANS_COME_HERE: Final = 36  # PR_SET_CHILD_SUBREAPER
_ANSWER_SECONDS: Final = 60.0
# The arguments of `subprocess` for a child without its own session, group, user or umask, or a function to call.
_USUAL: Final = (False, -1, None, None, None, -1, None)


def fork_helper(modules: frozenset[str]) -> bool:
    """From now on, fork the children of this process that are programs of `modules`.

    Returns:
        Whether this process has become such a child; the caller then has to run it.
    """
    control, theirs = socket.socketpair()
    if os.fork() == 0:
        control.close()
        _serve(theirs)
        return True
    theirs.close()
    control.settimeout(_ANSWER_SECONDS)
    vars(subprocess)["_fork_exec"] = _Forking(control, modules, vars(subprocess)["_fork_exec"])
    return False


def _serve(control: socket.socket) -> None:
    """Start programs until the asking process has ended; in a started program, return."""
    while True:
        asked, descriptors = asked_for(control)
        if asked is None:
            os._exit(0)
        told, tells = os.pipe()
        between = os.fork()
        if between == 0:
            if (pid := os.fork()) == 0:
                control.detach()
                become(asked, descriptors)
                return
            os.write(tells, b"%d" % pid)
            os._exit(0)
        os.waitpid(between, 0)  # only after that is the bench the program's parent
        control.sendall(os.read(told, 16))
        for each in (told, tells, *descriptors):
            os.close(each)


class _Forking:
    """Replaces `subprocess`'s own function that forks and executes, with the same arguments."""

    def __init__(self, control: socket.socket, modules: frozenset[str], execute: Any) -> None:
        self._control = control
        self._modules = modules
        self._execute = execute
        self._prctl = ctypes.CDLL(None).prctl
        self._asking = threading.Lock()

    def __call__(self, arguments: Any, *how: Any) -> int:
        _, _, kept, folder, environment, *pipes = how[:13]
        stdin, _, _, stdout, _, stderr, _, own_pipe = pipes
        _, *special = how[13:21]
        words = [os.fsdecode(word) for word in arguments]
        is_ours = words[:2] == [sys.executable, "-m"] and words[2] in self._modules
        if not is_ours or kept != (own_pipe,) or tuple(special) != _USUAL:
            pid: int = self._execute(arguments, *how)
            return pid
        descriptors = [own if own != -1 else number for number, own in enumerate((stdin, stdout, stderr))]
        with self._asking:
            self._prctl(_ORPHANS_COME_HERE, 1, 0, 0, 0)
            try:
                return ask(
                    self._control, descriptors, module=words[2], arguments=words[3:],
                    environment=_environment(environment), folder=os.fsdecode(folder or Path.cwd()),
                )  # fmt: skip
            finally:
                self._prctl(_ORPHANS_COME_HERE, 0, 0, 0, 0)


def _environment(given: list[bytes] | None) -> dict[str, str]:
    if given is None:
        return dict(os.environ)
    pairs = (entry.partition(b"=") for entry in given)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
