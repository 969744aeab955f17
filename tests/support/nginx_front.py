"""The real nginx with the project's nginx.conf, on free ports, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from bench.equipment.free_ports import free_ports
from tests.support.parts import program
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY: Final = Path(__file__).parents[2] / "docs" / "deploy.md"
CONF: Final = Path(__file__).parents[2] / "nginx.conf"
_READY_SECONDS: Final = PATIENCE_SECONDS
_STOP_SECONDS: Final = 10.0


@attrs.frozen
class Nginx:
    """An nginx that listens.

    Attributes:
        port: its port of 127.0.0.1.
        tls_port: its TLS port; 0 without TLS.
        folder: the folder that it runs in.
        pid: id of its master process.
    """

    port: int
    tls_port: int
    folder: Path
    pid: int

    def access_lines(self) -> list[str]:
        """The lines of its access log."""
        return (self.folder / "access.log").read_text(encoding="utf-8").splitlines()

    def errors(self) -> str:
        """The lines of its error log."""
        return (self.folder / "error.log").read_text(encoding="utf-8")


def rendered(
    text: str,
    *,
    port: int,
    servers: list[int],
    tls_port: int = 0,
    unlimited: bool = False,
    origins: tuple[str, ...] = (),
    addresses_from: str = "",
) -> str:
    """The text of nginx.conf with other ports, and otherwise unchanged.

    Args:
        text: text of nginx.conf.
        port: the port to listen on.
        servers: the servers' ports on 127.0.0.1.
        tls_port: the port for TLS; 0 leaves TLS out.
        unlimited: whether to list 127.0.0.1 as an address without limits, like a school's.
        origins: sites to list whose pages may use the API.
        addresses_from: a header from which nginx takes its client's address, as if a client with that address were
            there.
    """
    pool = "".join(f"        server 127.0.0.1:{server} max_fails=3 fail_timeout=2s;\n" for server in servers)
    text, pools = re.subn(r"(?:        server 127\.0\.0\.1:\d+ .*\n)+", pool, text)
    assert pools == 2, pools
    text = text.replace("listen 8080 ", f"listen 127.0.0.1:{port} ")
    if tls_port:
        text = text.replace("#tls ", "").replace("listen 8443 ", f"listen 127.0.0.1:{tls_port} ")
    if unlimited:
        text = text.replace("# 192.0.2.7 0;", "127.0.0.1 0;")
    known = "\n        ".join(f"{origin} $http_origin;" for origin in origins)
    text = text.replace("# https://example.org $http_origin;", known)
    if addresses_from:
        text = text.replace("http {", f"http {{\nset_real_ip_from 127.0.0.1;\nreal_ip_header {addresses_from};", 1)
    return text


@contextlib.contextmanager
def run_nginx(
    folder: Path, servers: list[int], *, port: int = 0, tls: bool = False, **rendering: Any
) -> Iterator[Nginx]:
    """Run an nginx before the servers at these ports, and end it at the end.

    With `tls`, `folder` must have certificate.pem and certificate.key. `rendering`: more arguments for `rendered`.
    """
    chosen, tls_port = free_ports(2)
    port = port or chosen
    tls_port = tls_port if tls else 0
    text = CONF.read_text(encoding="utf-8")
    text = rendered(text, port=port, servers=servers, tls_port=tls_port, **rendering)
    with _running(folder, text, port) as pid:
        yield Nginx(port, tls_port, folder, pid)


@contextlib.contextmanager
def run_sub_path_nginx(folder: Path, server: int, *, port: int = 0) -> Iterator[Nginx]:
    """Run an nginx that has the server at this port under /place/, as docs/deploy.md says; end it at the end."""
    lines = DEPLOY.read_text(encoding="utf-8").splitlines()
    first = lines.index("    location /place/ {")
    location = "\n".join(lines[first : lines.index("    }", first) + 1]).replace(
        "127.0.0.1:8080", f"127.0.0.1:{server}"
    )
    with run_locations(folder, location, port=port) as nginx:
        yield nginx


@contextlib.contextmanager
def run_locations(folder: Path, locations: str, *, port: int = 0) -> Iterator[Nginx]:
    """Run an nginx with only these locations, and end it at the end."""
    port = port or free_ports(1)[0]
    paths = "\n".join(f"    {name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    types = "    types { text/html html; }"
    text = (
        "pid nginx.pid;\nerror_log error.log;\nevents {}\n"
        f"http {{\n    access_log access.log;\n{paths}\n{types}\n"
        f"    server {{\n    listen 127.0.0.1:{port};\n{locations}\n    }}\n}}\n"
    )
    with _running(folder, text, port) as pid:
        yield Nginx(port, 0, folder, pid)


@contextlib.contextmanager
def _running(folder: Path, text: str, port: int) -> Iterator[int]:
    """Run an nginx with this configuration; yields its process id."""
    path = program("nginx")
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:  # as another user, its workers couldn't read the test's folder
        text = "user root;\n" + text
    conf = folder / "nginx.conf"
    conf.write_text(text, encoding="utf-8")
    with (folder / "stderr.log").open("wb") as errors:
        process = subprocess.Popen(
            [path, "-p", str(folder), "-c", str(conf), "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # Ctrl-C only goes to the command that started it
        )
    try:
        _wait_until_it_listens(port, process, folder)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nginx didn't start: {(folder / 'stderr.log').read_text(encoding='utf-8')}")
        time.sleep(0.02)  # a port gives no signal when it opens
