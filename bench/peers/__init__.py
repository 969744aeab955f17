"""The peers that `python -m bench compare` compares with placed: how to get, start and talk to each.

Downloads stay in the user's cache. If a peer can't be had, `NotHad` is raised with the attempts, and the bench leaves
the peer out.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import trio
from platformdirs import user_cache_path

from bench.equipment.cores import pin, server_cores
from bench.equipment.place import Place
from bench.equipment.server_process import running_server, serving
from bench.load.audience import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

_HERE: Final = Path(__file__).parent
_FETCH_SECONDS: Final = 120.0
_BUILD_SECONDS: Final = 900.0  # Centrifugo has some hundred modules
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
    """A peer can't be had here; the message has the command that was tried and its output."""


@attrs.frozen
class Peer:
    """One peer.

    Attributes:
        name: its name in tables.
        dialect: how to talk to it.
        prepare: a function that fetches and builds what the peer needs.
        command: a function from its own folder and an image to the command that starts it; it prints its address.
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
    """The folder for downloaded peers."""
    return user_cache_path("placed") / "bench"


async def _wait_listening(host: str, port: int) -> None:
    """Wait until nginx listens. It can't say so itself, so this tries to connect until it can."""
    with trio.fail_after(_READY_SECONDS):
        while True:
            try:
                stream = await trio.open_tcp_stream(host, port)
            except OSError:
                await trio.sleep(0.02)
            else:
                await stream.aclose()
                return


def _run(
    *command: str, cwd: Path | None = None, env: dict[str, str] | None = None, seconds: float = _FETCH_SECONDS
) -> None:
    environment = {**os.environ, **env} if env else None
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
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
    port = _free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(module=_nchan_module(), folder=folder, port=port), encoding="utf-8")
    return _announced(port, _nginx_program(), "-p", str(folder), "-c", str(config))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _announced(port: int, *command: str) -> Sequence[str]:
    """The command in a shell that prints its address first, for a program that can't print it itself."""
    return ["sh", "-c", f'echo http://127.0.0.1:{port}; exec "$0" "$@"', *command]


def _go() -> str:
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin") or "go"


def _build_centrifugo() -> None:
    folder = cache() / "go"
    if not (folder / "centrifugo").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run(_go(), "install", _CENTRIFUGO, env={"GOBIN": str(folder)}, seconds=_BUILD_SECONDS)


def _centrifugo(folder: Path, _image: Path) -> Sequence[str]:
    port = _free_port()
    config = {
        "http_server": {"address": "127.0.0.1", "port": port},
        "http_api": {"insecure": True},
        "client": {"insecure": True},
        "uni_sse": {"enabled": True},
        "log": {"level": "error"},
    }
    path = folder / "centrifugo.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    # Go starts as many threads as there are cores, but this server has only one core.
    return _announced(port, "env", "GOMAXPROCS=1", str(cache() / "go" / "centrifugo"), "-c", str(path))


def _placed(lane: str) -> Callable[[Path, Path], Sequence[str]]:
    return lambda folder, _image: serving(folder, lane)


# nchan gives each message an id of its own; the number here is part of the message itself.
_NCHAN: Final = Dialect("/follow", "/publish", "#{n};AAAA", r"#(\d+);", is_numbered=True)

_CENTRIFUGO: Final = "github.com/centrifugal/centrifugo/v6@v6.9.1"
_OVER_CENTRIFUGO: Final = Dialect(
    "/connection/uni_sse?cf_connect=%7B%22subs%22%3A%7B%22canvas%22%3A%7B%7D%7D%7D",
    "/api/publish",
    '{{"channel":"canvas","data":"#{n};AAAA"}}',
    r"#(\d+);",
    is_numbered=True,
)

PEERS: Final = {
    peer.name: peer
    for peer in (
        Peer("placed", Dialect("/edits?v=1"), lambda: None, _placed("--fast-lane")),
        Peer("C send() floor", Dialect("/"), _build_floor, _floor),
        Peer("nginx nchan", _NCHAN, _fetch_nchan, _nginx),
        Peer("Node ws 8, express 4", Dialect("/", websocket=True), _fetch_node, _node),
        Peer("Centrifugo 6", _OVER_CENTRIFUGO, _build_centrifugo, _centrifugo),
        Peer("placed, slow lane", Dialect("/edits?v=1"), lambda: None, _placed("--no-fast-lane")),
    )
}
