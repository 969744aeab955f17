"""The whole cluster on one machine, without containers: `python -m tests.kafka.fleet [PORT]`, which is `make kafka`.

    browser --> nginx --> server a --+
                   +----> server b --+--> broker

Everything runs on 127.0.0.1, in a temporary folder. The address is printed once it answers. Ctrl-C ends everything.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.equipment.free_ports import free_ports
from bench.equipment.kafka.cluster import run_cluster
from placed.canvas.author import KEY_BYTES
from tests.support.nginx_front import run_nginx
from tests.support.parts import has_program

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS: Final = 2
PORT: Final = 8080
_STOP_SECONDS: Final = 15.0
_NEEDED: Final = (("nginx", "nginx", "nginx"), ("java", "default-jre-headless", "openjdk"))


def main(port: int) -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    for name, package, brewed in _NEEDED:
        if not has_program(name):
            sys.stderr.write(f"{name} is missing: apt-get install {package}, or brew install {brewed}\n")
            return 3
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="placed-fleet-")))
        _say("starting a broker")
        cluster = stack.enter_context(run_cluster(folder / "kafka"))
        log = f"kafka://{cluster.addresses()}/placed"
        (folder / "authors.key").write_bytes(os.urandom(KEY_BYTES))
        _say(f"starting {SERVERS} servers on {log}")
        ports = free_ports(SERVERS)
        for name, server_port in zip("abcdefgh", ports, strict=False):
            stack.enter_context(_server(folder, name, server_port, log))
        nginx = stack.enter_context(run_nginx(folder / "nginx", ports, port=_free(port), unlimited=True))
        _say(f"the canvas is at http://127.0.0.1:{nginx.port}, its servers at {', '.join(map(str, ports))}")
        signal.pause()
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _free(port: int) -> int:
    """The port, or another one if it is taken."""
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return port
    return free_ports(1)[0]


@contextlib.contextmanager
def _server(folder: Path, name: str, port: int, log: str) -> Iterator[None]:
    """Run one server; it listens when the block begins."""
    command = [sys.executable, "-m", "placed", "--log", log, "--port", str(port), "--data", str(folder / name)]
    command += ["--author-key-file", str(folder / "authors.key"), "--trusted-proxy", "127.0.0.1"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C only goes to the command that started it
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(f"server {name} didn't start")
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT))
