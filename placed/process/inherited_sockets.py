"""Takes over listening sockets that systemd has opened for this process: socket activation (sd_listen_fds(3)).

Such a socket outlives the process: while the server restarts, connections wait in it, and none is refused. The
variables are removed from the environment, so that no child process takes them for its own. This module imports the
standard library only.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

FIRST_DESCRIPTOR: Final = 3  # SD_LISTEN_FDS_START
_MOST: Final = 64  # a guess; each socket listens on one address


class WrongSocket(Exception):
    """The socket that was handed over isn't a TCP socket that listens; the message says what it is."""


def activated_sockets(environment: MutableMapping[str, str]) -> list[socket.socket]:
    """The sockets that the service manager has opened for this process; an empty list if there are none.

    Args:
        environment: the process's variables; LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES are removed.

    Raises:
        WrongSocket: the variables or the sockets are no good.
    """
    process_id, count, _names = (environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if process_id != str(os.getpid()):
        return []
    if not count.isdecimal() or not 1 <= int(count) <= _MOST:
        raise WrongSocket(f"LISTEN_FDS is {count!r}; allowed are 1 to {_MOST} sockets")
    return adopt(range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count)))


def adopt(descriptors: range | list[int]) -> list[socket.socket]:
    """Make sockets of open descriptors, and see that no child process inherits them.

    Raises:
        WrongSocket: one of them is no TCP socket that listens.
    """
    return [_adopt(descriptor) for descriptor in descriptors]


def _adopt(descriptor: int) -> socket.socket:
    try:
        adopted = socket.socket(fileno=descriptor)
    except OSError as error:
        raise WrongSocket(f"descriptor {descriptor} is no socket: {error.strerror}") from error
    is_tcp = adopted.family in (socket.AF_INET, socket.AF_INET6) and adopted.type == socket.SOCK_STREAM
    if not is_tcp or not adopted.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        kind = f"{adopted.family.name}, {adopted.type.name}"
        adopted.detach()
        raise WrongSocket(f"descriptor {descriptor} is {kind}; allowed are TCP sockets that listen, ListenStream=PORT")
    adopted.set_inheritable(False)
    return adopted
