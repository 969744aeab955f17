"""Ports for programs that can't choose one by themselves: nginx, Kafka's brokers, a server that restarts."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import Final

# These are below the range from which systems take ports of outgoing connections (Linux from 32768, macOS from 49152).
# Other tests make thousands of connections at the same time, and one of them might take a free port before the program
# that it was meant for.
_PORTS: Final = range(15_000, 32_000)
_TRIES: Final = 1_000
_chosen: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Find ports of 127.0.0.1 that nobody listens on; this process never gets the same one again."""
    return [_free_port() for _ in range(count)]


def _free_port() -> int:
    # Not from the tests' own random numbers, because their seed is the same in each worker.
    for port in random.SystemRandom().choices(_PORTS, k=_TRIES):
        if port in _chosen:
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            _chosen.add(port)
            return port
    raise AssertionError(f"no free port among {_TRIES} of {_PORTS}")
