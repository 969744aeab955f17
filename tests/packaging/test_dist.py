"""`make dist`: one file that serves a canvas with a Python that has no packages.

The build needs the package registry or pip's cache, and half a minute to two minutes, so all tests here share one
build.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from tests.support.handing_over import wait_until_gone
from tests.support.server_process import READY_SECONDS, ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

BUILD_SECONDS = 600.0  # 40 s on two cores with nothing else to do, and a registry that answers
pytestmark = pytest.mark.timeout(BUILD_SECONDS + 100)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that `make dist` makes, with the packages of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    stamps = [word for name in ("run", "test") for word in ("-o", f"{sys.prefix}/{name}.stamp")]
    command = ["make", "dist", f"venv={sys.prefix}", f"dist={folder}", *stamps]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def _bare_python() -> str:
    """The Python under this environment, without the environment's packages."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def _unpacked(dist: Path) -> Path:
    """Where the file unpacks itself at its first run, as in a user's home: later runs find it there, and compiled."""
    return dist / "unpacked"


@contextlib.asynccontextmanager
async def _running(dist: Path, folder: Path) -> AsyncGenerator[tuple[trio.Process, str, Path]]:
    """Run the file; yields its process, its address, and the file with its standard error."""
    command = [_bare_python(), "-I", "-S", str(dist / "placed.pyz"), "--port", "0", "--data", str(folder / "data")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SHIV_ROOT": str(_unpacked(dist))}
    errors = folder / "errors"
    with errors.open("wb") as file:
        process = await trio.lowlevel.open_process(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=file
        )
    try:
        assert process.stdout is not None
        line = b""
        with trio.fail_after(READY_SECONDS):
            while not line.endswith(b"\n"):
                data = await process.stdout.receive_some()
                assert data, errors.read_text()
                line += data
        yield process, line.decode().strip(), errors
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()


async def test_file_serves_the_page_and_takes_edits_on_a_bare_python(dist: Path, tmp_path: Path) -> None:
    async with _running(dist, tmp_path) as (_, url, _errors), httpx.AsyncClient(trust_env=False, timeout=20) as client:
        page = await client.get(url)
        assert page.headers["content-type"].startswith("text/html")
        answer = await client.post(f"{url}/edit?x=1&y=2&color=3")
        assert (answer.status_code, answer.json()) == (200, {"v": 2})
        assert (await client.get(f"{url}/canvas.png")).content.startswith(b"\x89PNG")


async def test_file_hands_over_to_itself(dist: Path, tmp_path: Path) -> None:
    async with _running(dist, tmp_path) as (process, url, errors):
        process.send_signal(signal.SIGUSR2)
        with trio.fail_after(READY_SECONDS):
            assert await process.wait() == 0, errors.read_text()
        (successor,) = re.findall(r"a new process serves .*process=(\d+)", errors.read_text())
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
                assert (await client.post(f"{url}/edit?x=1&y=2&color=3")).json() == {"v": 2}
        finally:
            os.kill(int(successor), signal.SIGTERM)
            await wait_until_gone(int(successor))


def test_file_has_the_other_commands(dist: Path, tmp_path: Path) -> None:
    command = [_bare_python(), "-I", "-S", str(dist / "placed.pyz"), "check", "--data", str(tmp_path / "nothing")]
    environment = {"PATH": os.environ["PATH"], "SHIV_ROOT": str(_unpacked(dist))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    assert "there is no canvas in" in done.stderr


def test_file_brings_the_codecs_of_kafka(dist: Path) -> None:
    with zipfile.ZipFile(dist / "placed.pyz") as archive:
        packages = {name.split("/")[1] for name in archive.namelist() if name.startswith("site-packages/")}
    assert {"kafka", "zstandard", "lz4", "snappy"} <= packages


def test_wheel_and_sdist_are_beside_it(dist: Path) -> None:
    assert len(list(dist.glob("placed-*.whl"))) == 1
    (sdist,) = dist.glob("placed-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "placed/commands/cli.py",
        "client/index.html",
        "deploy/placed.service",
        "Dockerfile",
        "pyproject.toml",
    } <= names
