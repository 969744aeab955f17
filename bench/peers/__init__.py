"""The peers that `python -m bench compare` puts beside placed: how each is had, started and spoken to.

What has to be fetched is kept in the user's cache. A peer that can't be had raises `NotHad` with what was tried, and
is left out.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import trio
from platformdirs import user_cache_path

from bench.audience import Dialect
from bench.cores import pin, server_cores
from bench.place import Place
from bench.server_process import running_server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

_HERE: Final = Path(__file__).parent
_FETCH_SECONDS: Final = 120.0
_READY_SECONDS: Final = 20.0
_NGINX: Final = """
load_module {module};
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 60000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    nchan_shared_memory_size 256M;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /publish {{ nchan_publisher; nchan_channel_id canvas; nchan_message_buffer_length 10; }}
        location = /follow {{
            nchan_subscriber eventsource;
            nchan_channel_id canvas;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


class NotHad(Exception):
    """A peer can't be had here; the message says what was tried and what it said."""


@attrs.frozen
class Peer:
    """One of them.

    Attributes:
        name: in tables.
        dialect: how it is spoken to.
        prepare: fetches and builds what it needs.
        command: starts it in a folder of its own, given an image to serve; it prints its address.
    """

    name: str
    dialect: Dialect
    prepare: Callable[[], None]
    command: Callable[[Path, Path], Sequence[str]]

    @contextlib.asynccontextmanager
    async def running(self, folder: Path, image: Path) -> AsyncGenerator[Place]:
        """Serve, on the server's core, until the block ends."""
        async with running_server(self.command(folder, image)) as server:
            pin(server.process.pid, server_cores())
            await _wait_listening(server.host, server.port)
            yield Place(server.host, server.port, server.process.pid)


def cache() -> Path:
    """Where fetched peers are kept."""
    return user_cache_path("placed") / "bench"


async def _wait_listening(host: str, port: int) -> None:
    """nginx can't say when it listens: it is asked until it does."""
    with trio.fail_after(_READY_SECONDS):
        while True:
            try:
                stream = await trio.open_tcp_stream(host, port)
            except OSError:
                await trio.sleep(0.02)
            else:
                await stream.aclose()
                return


def _run(*command: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHad(f"`{' '.join(command)}`: {error}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-400:]
        raise NotHad(f"`{' '.join(command)}`: {said}")


def _build_floor() -> None:
    target = cache() / "floor"
    source = _HERE / "floor.c"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        cache().mkdir(parents=True, exist_ok=True)
        _run("cc", "-O2", "-Wall", "-o", str(target), str(source))


def _floor(_folder: Path, _image: Path) -> Sequence[str]:
    return [str(cache() / "floor")]


def _fetch_node() -> None:
    folder = cache() / "node"
    if not (folder / "node_modules" / "ws").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "ws@8", "express@4")


def _node(_folder: Path, image: Path) -> Sequence[str]:
    return ["node", str(_HERE / "ws.cjs"), str(cache() / "node"), str(image)]


def _nchan_module() -> Path | None:
    known = [Path("/usr/lib/nginx/modules/ngx_nchan_module.so")]
    known += sorted((cache() / "nchan").glob("usr/lib/nginx/modules/ngx_nchan_module.so"))
    return next((path for path in known if path.exists()), None)


def _nginx_program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotHad("nginx is not installed")
    return found


def _fetch_nchan() -> None:
    _nginx_program()
    if _nchan_module() is not None:
        return
    folder = cache() / "nchan"
    folder.mkdir(parents=True, exist_ok=True)
    _run("apt-get", "download", "libnginx-mod-nchan", cwd=folder)
    for package in folder.glob("libnginx-mod-nchan*.deb"):
        _run("dpkg-deb", "-x", str(package), str(folder))
    if _nchan_module() is None:
        raise NotHad("the package libnginx-mod-nchan has no module for nginx")


def _nginx(folder: Path, _image: Path) -> Sequence[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(module=_nchan_module(), folder=folder, port=port), encoding="utf-8")
    start = f'echo http://127.0.0.1:{port}; exec "$0" -p "$1" -c "$2"'
    return ["sh", "-c", start, _nginx_program(), str(folder), str(config)]


def _placed(lane: str) -> Callable[[Path, Path], Sequence[str]]:
    return lambda folder, _image: serving(folder, lane)


# A message of nchan's has its own id; the number is the message's.
_NCHAN: Final = Dialect("/follow", "/publish", "#{n};AAAA", r"#(\d+);", is_numbered=True)

PEERS: Final = {
    peer.name: peer
    for peer in (
        Peer("placed", Dialect("/edits?v=1"), lambda: None, _placed("--fast-lane")),
        Peer("C send() floor", Dialect("/"), _build_floor, _floor),
        Peer("nginx nchan", _NCHAN, _fetch_nchan, _nginx),
        Peer("Node ws 8, express 4", Dialect("/", websocket=True), _fetch_node, _node),
        Peer("placed, slow lane", Dialect("/edits?v=1"), lambda: None, _placed("--no-fast-lane")),
    )
}

# Wanted, and driven by nothing here so far: their modules couldn't be had where this was written.
MODULES: Final = {
    "Mercure": "github.com/dunglas/mercure@latest",
    "Centrifugo": "github.com/centrifugal/centrifugo/v6@latest",
}


def ask_for_modules() -> list[str]:
    """A sentence on each of `MODULES`: what Go's module proxy says to it."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    said = []
    for name, module in MODULES.items():
        try:
            _run(go or "go", "list", "-m", module)
        except NotHad as error:
            said.append(f"{name} is left out: {error}")
        else:
            said.append(f"{name} is left out, though its module can be had: there is nothing here that starts it.")
    return said
